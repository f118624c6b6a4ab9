"""What the tests of the package and those of the DAG share: where real parts are, and settings for a small Spark."""

import os

import pytest

#: Tables of some hundred rows: compiling code for them, and planning anew after each shuffle, takes longer than the rows.
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "1g",
}
#: The same for a command line.
SMALL_ARGUMENTS = [part for item in SMALL.items() for part in ("--conf", "=".join(item))]


def from_environment(name: str) -> str:
    """A variable that says where a real part is; without it the test does not run (in the gate it fails)."""
    value = os.environ.get(name)
    if not value:
        (pytest.fail if os.environ.get("ANALYTICS_TEST_ALL") else pytest.skip)(f"{name} is not set")
    return value
