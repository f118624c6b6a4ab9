"""The sink's objects: `<input>/<topic>/partition=<n>/<topic>+<n>+<offset>.json`, one JSON object a line.

All partitions are read, and whatever other folders a partitioner made (`year=2022/…`), at any depth; compressed objects
(`.json.gz`) too. Records of three topics of one user are told from each other by the folder they lie in.
"""

from datetime import datetime, timezone

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from analytics.tables import Table

_OBJECTS = "*.json*"
_SCHEMA = "value string, file string"


def lines(spark: SparkSession, source: str, table: Table, user: str | None, until: datetime | None) -> DataFrame:
    """The lines of a topic's objects in `value`, with each one's object in `file`; none where there are no objects.

    Without `user` the topics of all users. `until`: only objects that were written before that moment.
    """
    reader = spark.read.option("recursiveFileLookup", "true").option("pathGlobFilter", _OBJECTS)
    if until is not None:
        moment = until.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        reader = reader.option("modifiedBefore", moment).option("timeZone", "UTC")
    try:
        found = reader.text(f"{source}/{table.topic(user or '*')}")
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return spark.createDataFrame([], _SCHEMA)
        raise
    return found.select("value", F.col("_metadata.file_path").alias("file"))


def topic(table: Table):
    """The topic of a line, from the path of its object."""
    return F.regexp_extract("file", rf"([^/]+\.{table.name})/", 1)
