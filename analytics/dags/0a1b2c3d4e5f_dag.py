"""`<user>_dag`: the batch, once a day, over every object that was written before the day's end.

The user is in this file's name: copy it to `<your user id>_dag.py`. Where the connection `databricks_default` exists the
whole batch runs there, as one task on a cluster; else it runs here, step by step: on this machine's own Spark, or by
spark-submit on a cluster. A day's outcome lies in a folder of its own, so a day that is done again replaces itself.

Variables (`airflow variables set …`, or AIRFLOW_VAR_… in the environment):

| name | default | |
|---|---|---|
| `analytics_input` | `s3a://user-<user>-bucket/topics` | the folder with the sink's objects |
| `analytics_output` | `s3a://user-<user>-bucket/analytics` | where `day=<date>/` is made |
| `analytics_python` | `python` | the interpreter that has the package `analytics` |
| `analytics_arguments` | | further arguments of every step: `--s3-endpoint http://…`, `--conf …` |
| `analytics_spark_submit` | | how to submit, if not locally: `spark-submit --master spark://…:7077 --packages …` |
| `databricks_cluster_id`, `databricks_python_file` | | the cluster of the Databricks task, and where `submit.py` lies there |
"""

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

try:
    from airflow.sdk import DAG, BaseHook, task
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.hooks.base import BaseHook
    from airflow.operators.bash import BashOperator

try:
    from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
except ImportError:  # without the provider there is only the local way
    DatabricksSubmitRunOperator = None

USER = Path(__file__).stem.removesuffix("_dag")
CONNECTION = "databricks_default"

# Midnight at the day's end: what lies there later belongs to the next day. A run by hand ends its day when it starts.
END = "(data_interval_end if data_interval_end is defined and data_interval_end else dag_run.run_after)"
UNTIL = f"{{{{ {END}.strftime('%Y-%m-%dT%H:%M:%S+00:00') }}}}"
DAY = f"{{{{ {END}.strftime('%Y-%m-%d') }}}}"
INPUT = f"{{{{ var.value.get('analytics_input', 's3a://user-{USER}-bucket/topics') }}}}"
OUTPUT = f"{{{{ var.value.get('analytics_output', 's3a://user-{USER}-bucket/analytics') }}}}/day={DAY}"

# spark-submit wants a file: the package's own entry, wherever it is installed.
COMMAND = """
{% set submit = var.value.get('analytics_spark_submit', '') %}
{% set python = var.value.get('analytics_python', 'python') %}
{% if submit %}
export PYSPARK_PYTHON="{{ python }}"
entry=$("{{ python }}" -c 'import analytics, os; print(os.path.join(os.path.dirname(analytics.__file__), "__main__.py"))') || exit 1
exec {{ submit }} "$entry" {{ params.step }} --output "$OUTPUT" {{ var.value.get('analytics_arguments', '') }} "$@"
{% else %}
exec "{{ python }}" -m analytics {{ params.step }} --output "$OUTPUT" {{ var.value.get('analytics_arguments', '') }} "$@"
{% endif %}
"""


def step(task_id: str, name: str, more: str = "", **environment: str) -> BashOperator:
    """One step of the package as a task; `more`: its further arguments."""
    return BashOperator(
        task_id=task_id,
        # What comes from variables of the day goes in by the environment, where a shell does not read it as code.
        bash_command=COMMAND.replace('"$@"', more).strip() + "\n",
        env={"OUTPUT": OUTPUT, **environment},
        append_env=True,
        params={"step": name},
    )


with DAG(
    f"{USER}_dag",
    description=__doc__.partition("\n")[0],
    schedule="@daily",
    start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    # Two runs of one day would write into the same folder.
    max_active_runs=1,
    default_args={
        "owner": USER,
        "depends_on_past": False,
        "email_on_failure": False,
        "email_on_retry": False,
        "retries": int(os.environ.get("ANALYTICS_RETRIES", "2")),
        "retry_delay": timedelta(minutes=2),
    },
    tags=["sluiceway"],
) as dag:

    @task.branch
    def choose() -> str:
        """Databricks, if there is a connection to it."""
        if DatabricksSubmitRunOperator is None:
            return "load_data"
        try:
            BaseHook.get_connection(CONNECTION)
        except Exception:  # its class differs between versions of Airflow
            return "load_data"
        return "submit_run"

    chosen = choose()
    load = step("load_data", "load", f'--input "$INPUT" --until "$UNTIL" --user {USER}', INPUT=INPUT, UNTIL=UNTIL)
    clean = [step(f"clean_{table}_data", "clean", f"--table {table}") for table in ("pin", "geo", "user")]
    query = step("query_data", "queries")
    chosen >> load >> clean >> query >> step("report", "report")

    if DatabricksSubmitRunOperator is not None:
        chosen >> DatabricksSubmitRunOperator(
            task_id="submit_run",
            databricks_conn_id=CONNECTION,
            existing_cluster_id="{{ var.value.get('databricks_cluster_id', '') }}",
            spark_python_task={
                "python_file": "{{ var.value.get('databricks_python_file', '') }}",
                "parameters": ["batch", "--input", INPUT, "--output", OUTPUT, "--until", UNTIL, "--user", USER],
            },
        )
