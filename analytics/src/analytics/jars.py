"""The jars that Spark has not got itself: s3a, Kafka, Delta (`pom.xml` beside this file says which).

`ANALYTICS_JARS` names a folder with them, filled by `python -m analytics jars --into DIR` (needs Maven, 40 MB).
Without it Spark fetches them from Maven Central by itself at the first start (`spark.jars.packages`).
"""

import os
import subprocess
from importlib import resources
from pathlib import Path

from analytics import AnalyticsError

#: As in `pom.xml`, for Spark's own resolver.
PACKAGES = (
    "org.apache.hadoop:hadoop-aws:3.4.1",
    "software.amazon.awssdk:s3-transfer-manager:2.57.8",
    "software.amazon.awssdk:sts:2.57.8",
    "software.amazon.awssdk:apache-client:2.57.8",
    "org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.2",
    "io.delta:delta-spark_2.13:4.0.1",
)
#: The AWS SDK with all services is half a gigabyte; the modules above are what s3a uses.
EXCLUDES = ("software.amazon.awssdk:bundle",)


def settings() -> dict[str, str]:
    """The Spark settings that bring the jars in."""
    folder = os.environ.get("ANALYTICS_JARS")
    if not folder:
        return {"spark.jars.packages": ",".join(PACKAGES), "spark.jars.excludes": ",".join(EXCLUDES)}
    found = sorted(str(path) for path in Path(folder).glob("*.jar"))
    if not found:
        raise AnalyticsError(f"ANALYTICS_JARS: no jars in {folder}; fill it: python -m analytics jars --into {folder}")
    return {"spark.jars": ",".join(found)}


def install(folder: Path) -> list[Path]:
    """Copies the jars into `folder` by Maven; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with resources.as_file(resources.files("analytics") / "pom.xml") as pom:
        command = [
            "mvn", "--quiet", "--batch-mode", "--file", str(pom), "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={folder.resolve()}",
        ]
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise AnalyticsError(f"cannot fetch the jars by Maven: {error}") from error
    return sorted(folder.glob("*.jar"))
