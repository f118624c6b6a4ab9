"""Where streaming records come from. Every source gives the columns

- `value`: the record's text,
- `at`: when it was written,
- `place`: topic, partition and offset (or stream, shard and sequence number), for a record that is put aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from analytics.tables import Table


class Source(Protocol):
    """A stream of records."""

    def read(self, spark: SparkSession, user: str, tables: Sequence[Table]) -> DataFrame:
        """A streaming frame of the records of `user`'s tables."""


@dataclass(frozen=True)
class Kafka:
    """Topics of a Kafka cluster, read from the beginning at the first start."""

    #: host:port, comma separated
    bootstrap: str
    #: How topics are called: `{user}.{table}`; behind the Kinesis front `streaming-{user}-{table}`.
    names: str = "{user}.{table}"
    #: Client settings, as in a properties file (`security.protocol` …).
    settings: tuple[tuple[str, str], ...] = ()
    #: Most records of one batch of a query; None: all that are there.
    most: int | None = None

    def read(self, spark: SparkSession, user: str, tables: Sequence[Table]) -> DataFrame:
        topics = ",".join(self.names.format(user=user, table=table.name) for table in tables)
        reader = spark.readStream.format("kafka").option("kafka.bootstrap.servers", self.bootstrap)
        # Records that Kafka has deleted before they were read are an error, not a gap.
        reader = reader.option("subscribe", topics).option("startingOffsets", "earliest").option("failOnDataLoss", "true")
        for key, value in self.settings:
            reader = reader.option(f"kafka.{key}", value)
        if self.most is not None:
            reader = reader.option("maxOffsetsPerTrigger", self.most)
        place = F.concat_ws("+", "topic", "partition", "offset").alias("place")
        # A tombstone is no record of a post, as in the sink (behavior.on.null.values=ignore).
        records = reader.load().where("value is not null")
        return records.select(F.col("value").cast("string").alias("value"), F.col("timestamp").alias("at"), place)
