"""spark-submit on a standalone cluster: one master, two workers, on loopback."""

import csv
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pyspark
import pytest
from conftest import DATA
from parts import SMALL_ARGUMENTS, from_environment

ROOT = Path(__file__).parent.parent
SPARK = Path(pyspark.__file__).parent
VIEWS = ("popular_category_per_country", "median_followers_per_joining_year_and_age_group", "profile_popularity")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    """Spark's own master and workers; they end with the block."""

    def __init__(self, folder: Path):
        self._folder, self._stack, self.master = folder, ExitStack(), f"spark://127.0.0.1:{free_port()}"

    def __enter__(self) -> "Cluster":
        port = self.master.rpartition(":")[2]
        self._start("master", "org.apache.spark.deploy.master.Master", "--port", port)
        for name in ("one", "two"):
            more = ["--cores", "1", "--memory", "700m", "--work-dir", str(self._folder / name), self.master]
            self._start(name, "org.apache.spark.deploy.worker.Worker", *more)
        deadline = time.monotonic() + 180
        while (self._folder / "master.log").read_text().count("Registering worker") < 2:
            assert time.monotonic() < deadline, (self._folder / "master.log").read_text()[-3000:]
            time.sleep(0.2)
        return self

    def _start(self, name: str, main: str, *arguments: str) -> None:
        log = self._stack.enter_context(open(self._folder / f"{name}.log", "w"))
        command = [str(SPARK / "bin" / "spark-class"), main, "--host", "127.0.0.1", "--webui-port", str(free_port()), *arguments]
        environment = os.environ | {"SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        self._stack.callback(process.wait)
        self._stack.callback(process.terminate)

    def __exit__(self, *_) -> None:
        self._stack.close()

    def executors(self) -> list[str]:
        """The workers that ran an executor."""
        return [name for name in ("one", "two") if list((self._folder / name).glob("app-*/*"))]


@pytest.mark.cluster
def test_spark_submit_on_a_cluster(tmp_path):
    from_environment("ANALYTICS_TEST_CLUSTER")
    with Cluster(tmp_path) as cluster:
        command = [
            str(SPARK / "bin" / "spark-submit"), "--master", cluster.master, "--executor-memory", "600m", *SMALL_ARGUMENTS,
            "--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.ui.enabled=false",
            str(ROOT / "submit.py"), "batch", "--input", str(DATA / "topics"), "--output", str(tmp_path / "out"),
        ]
        # As in a user's shell: no variable tells the package where Spark or the package is.
        environment = {key: value for key, value in os.environ.items() if not re.match("PYTHONPATH|ANALYTICS|SPARK", key)}
        environment |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=540)
        assert done.returncode == 0, done.stderr[-3000:]
        assert "report: " in done.stdout
        assert cluster.executors() == ["one", "two"]
    for name in VIEWS:
        with open(tmp_path / "out" / "views" / f"{name}.csv", newline="") as found, open(DATA / "answers" / f"{name}.csv", newline="") as stored:
            assert list(csv.reader(found)) == list(csv.reader(stored)), name
