"""A real Airflow runs the DAG over objects that the sink wrote, twice, with the same result."""

import json
import os
import shlex
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from parts import SMALL_ARGUMENTS, from_environment

DAGS = Path(__file__).parent.parent
POSTS = 120
DAG = "0a1b2c3d4e5f_dag"
#: Midnight to come: everything that lies there now was written before it.
DAY = (datetime.now(timezone.utc) + timedelta(days=1)).date()


@pytest.fixture(scope="module")
def topics(tmp_path_factory) -> Path:
    """Objects of the sink: a short run of the quick start."""
    program, data = from_environment("ANALYTICS_TEST_QUICK_START"), tmp_path_factory.mktemp("quick-start")
    ports = [part for name in ("proxy", "connect", "registry", "admin") for part in (f"--{name}-port", "0")]
    command = [program, "--posts", str(POSTS), "--rate", "0", "--data-dir", str(data), *ports]
    subprocess.run(command, check=True, capture_output=True)
    return data / "s3" / "user-0a1b2c3d4e5f-bucket" / "topics"


class Airflow:
    """An Airflow with nothing but our folder of DAGs."""

    def __init__(self, home: Path, topics: Path):
        self._program, self.output = from_environment("ANALYTICS_TEST_AIRFLOW"), home / "analytics"
        self._environment = os.environ | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW_VAR_ANALYTICS_INPUT": str(topics),
            "AIRFLOW_VAR_ANALYTICS_OUTPUT": str(self.output),
            "AIRFLOW_VAR_ANALYTICS_PYTHON": sys.executable,
            "AIRFLOW_VAR_ANALYTICS_ARGUMENTS": shlex.join(["--master", "local[2]", *SMALL_ARGUMENTS]),
            "ANALYTICS_RETRIES": "0",
            "SCARF_ANALYTICS": "false",
        }
        self("db", "migrate")

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([self._program, *arguments], env=self._environment, capture_output=True, text=True, timeout=3600)
        assert done.returncode == 0, f"airflow {arguments}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout + done.stderr

    def run(self) -> dict[str, str]:
        """One run of the day; name and content of every view, and what was noted of the quality."""
        printed = self("dags", "test", DAG, f"{DAY}T00:00:00+00:00")
        assert "state=failed" not in printed and "up_for_retry" not in printed, printed[-6000:]
        day = self.output / f"day={DAY}"
        files = [*(day / "views").glob("*.csv"), *(day / "quality").glob("*.json")]
        assert (day / "report.html").stat().st_size > 10_000
        return {file.name: file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, topics) -> Airflow:
    return Airflow(tmp_path_factory.mktemp("airflow"), topics)


def test_dag_is_read_without_errors(airflow):
    assert "No data found" in airflow("dags", "list-import-errors", "--local")
    tasks = set(airflow("tasks", "list", DAG).split())
    assert {"choose", "submit_run", "load_data", *(f"clean_{name}_data" for name in ("pin", "geo", "user")), "query_data", "report"} <= tasks


def test_a_day_that_is_done_again_is_the_same(airflow, topics):
    first = airflow.run()
    assert len(first) == 13 + 4
    assert json.loads(first["pin.json"])["read"] == POSTS
    # An object of the day after: it is not this day's.
    late = topics / "0a1b2c3d4e5f.pin" / "partition=0" / "0a1b2c3d4e5f.pin+0+0000009999.json"
    late.write_text('{"index": 1, "category": "late"}\n', encoding="utf-8")
    moment = time.time() + 3 * 86_400
    os.utime(late, (moment, moment))
    assert airflow.run() == first
