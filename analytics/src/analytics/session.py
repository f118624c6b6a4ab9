"""The Spark session: local by default, any master, or the one that is there already (spark-submit, Databricks, EMR)."""

import os
from dataclasses import dataclass

from pyspark.sql import SparkSession

from analytics import jars


@dataclass(frozen=True)
class Wants:
    """What a run needs of Spark."""

    #: `local[2]`, `spark://host:7077`; None: what spark-submit or the environment says, else all cores of this machine.
    master: str | None = None
    #: Address of an S3 that is not AWS's; None: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or AWS.
    s3_endpoint: str | None = None
    s3: bool = False
    kafka: bool = False
    delta: bool = False
    #: Further Spark settings; they win.
    settings: tuple[tuple[str, str], ...] = ()


def open_session(wants: Wants) -> SparkSession:
    """The session that is active, or a new one with what is wanted.

    Keys come from where the AWS SDK looks for them (environment, profile, instance); none is a Spark setting here.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        # Dates without a zone mean the same everywhere.
        active.conf.set("spark.sql.session.timeZone", "UTC")
        return active
    builder = SparkSession.builder.appName("sluiceway-analytics")
    for key, value in (_settings(wants) | dict(wants.settings)).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _settings(wants: Wants) -> dict[str, str]:
    settings = {
        "spark.sql.session.timeZone": "UTC",
        # Thousands of objects of one record each: how much a file counts for when files are packed into tasks.
        "spark.sql.files.openCostInBytes": "65536",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.ui.showConsoleProgress": "false",
    }
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    master = wants.master or (None if submitted or os.environ.get("MASTER") else "local[*]")
    if master:
        settings["spark.master"] = master
    if master and master.startswith("local"):
        settings |= _local()
    if not submitted and (wants.s3 or wants.kafka or wants.delta):
        settings |= jars.settings()
    if wants.s3:
        settings |= _s3(wants.s3_endpoint)
    if wants.delta:
        # A small table's log in as many tasks as this machine has cores, not in 50.
        if master and master.startswith("local"):
            settings["spark.databricks.delta.snapshotPartitions"] = str(max(2, os.cpu_count() or 2))
        settings["spark.sql.extensions"] = "io.delta.sql.DeltaSparkSessionExtension"
        settings["spark.sql.catalog.spark_catalog"] = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    return settings


def _local() -> dict[str, str]:
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.driver.memory": os.environ.get("ANALYTICS_DRIVER_MEMORY", "2g"),
        # 200 are for clusters.
        "spark.sql.shuffle.partitions": str(max(2, os.cpu_count() or 2)),
    }


def _s3(endpoint: str | None) -> dict[str, str]:
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    settings = {
        # Written from one place, renamed by it: without a committer of S3's own, stages write into fresh folders.
        "spark.hadoop.fs.s3a.downgrade.syncable.exceptions": "true",
        "spark.hadoop.fs.s3a.threads.max": "32",
    }
    if region:
        settings["spark.hadoop.fs.s3a.endpoint.region"] = region
    if endpoint:
        settings |= {
            "spark.hadoop.fs.s3a.endpoint": endpoint,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(endpoint.startswith("https")).lower(),
        }
        settings.setdefault("spark.hadoop.fs.s3a.endpoint.region", "us-east-1")
    return settings
