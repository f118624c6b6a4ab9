"""One Spark session and one batch over the posts of a fixed seed for all tests of a run."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from analytics.session import Wants, open_session  # noqa: E402
from analytics.stages import Stages  # noqa: E402

DATA = Path(__file__).parent / "data"


#: Tables of some hundred rows: compiling code for them, and planning anew after each shuffle, takes longer than the rows.
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "1g",
}


def from_environment(name: str) -> str:
    """A variable that says where a real part is; without it the test does not run (in the gate it fails)."""
    value = os.environ.get(name)
    if not value:
        (pytest.fail if os.environ.get("ANALYTICS_TEST_ALL") else pytest.skip)(f"{name} is not set")
    return value


@pytest.fixture(scope="session")
def s3_endpoint() -> str:
    """`http://…` of a real S3 with the bucket `ANALYTICS_TEST_BUCKET`; its keys are in the AWS variables."""
    return from_environment("ANALYTICS_TEST_S3")


@pytest.fixture(scope="session")
def spark():
    """A small local session, with the jars if they are there."""
    jars = "ANALYTICS_JARS" in os.environ
    wants = Wants("local[2]", os.environ.get("ANALYTICS_TEST_S3"), jars, jars, jars, tuple(SMALL.items()))
    session = open_session(wants)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def batch(spark, tmp_path_factory) -> Stages:
    """The batch, done, over `data/topics`."""
    stages = Stages(spark, str(tmp_path_factory.mktemp("batch")))
    stages.batch(str(DATA / "topics"))
    return stages


@pytest.fixture
def objects(tmp_path):
    """Writes objects of a sink: `objects("pin", ["{…}", …], partition=1)`; the folder of topics."""
    topics = tmp_path / "topics"
    topics.mkdir()

    def write(table: str, lines: list[str], partition: int = 0, offset: int = 0, user: str = "0a1b2c3d4e5f") -> Path:
        topic = f"{user}.{table}"
        file = topics / topic / f"partition={partition}" / f"{topic}+{partition}+{offset:010}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return file

    write.folder = topics
    return write
