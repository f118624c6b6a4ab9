"""One Spark session and one batch over the posts of a fixed seed for all tests of a run."""

import os
from pathlib import Path

import pytest
from parts import SMALL, from_environment

from analytics.session import Wants, open_session
from analytics.stages import Stages

DATA = Path(__file__).parent / "data"


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
