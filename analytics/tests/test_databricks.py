"""The asset bundle, without Databricks: its job is what Databricks' own client takes for one, and runs a command of ours."""

from pathlib import Path

import yaml
from databricks.sdk.service.jobs import JobSettings

from analytics import cli

ROOT = Path(__file__).parent.parent
BUNDLE = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
JOB = BUNDLE["resources"]["jobs"]["posts"]


def test_job_is_one():
    """Members that the API does not have would be missing afterwards, and wrong values of enums are errors."""
    assert JobSettings.from_dict(JOB).as_dict() == JOB


def test_bundle_has_no_other_members():
    assert set(BUNDLE) == {"bundle", "sync", "variables", "resources", "targets"}
    assert list(BUNDLE["resources"]) == ["jobs"]
    assert [name for name, target in BUNDLE["targets"].items() if target.get("default")] == ["dev"]


def test_task_is_a_command_of_ours():
    task = JOB["tasks"][0]["spark_python_task"]
    assert (ROOT / task["python_file"]).is_file()
    parameters = list(task["parameters"])
    parameters[parameters.index("--until") + 1] = "2026-11-29T00:00:00Z"
    options = cli._parser().parse_args(parameters)
    assert (options.command, options.user) == ("batch", "${var.user}")
    assert options.until.isoformat() == "2026-11-29T00:00:00+00:00"


def test_variables_are_declared():
    text = (ROOT / "databricks.yml").read_text(encoding="utf-8")
    used = {part.partition("}")[0] for part in text.split("${var.")[1:]}
    assert used == set(BUNDLE["variables"])
