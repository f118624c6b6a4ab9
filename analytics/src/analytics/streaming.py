"""Structured Streaming: records of the three topics into Delta tables as they come, and the popularity of profiles.

```
Kafka ──┬─ pin  ─ clean ─▶ <user>_pin_table          each query has a checkpoint of its own under checkpoints/,
        ├─ geo  ─ clean ─▶ <user>_geo_table          so each can be stopped, killed and restarted without the others,
        ├─ user ─ clean ─▶ <user>_user_table         and loses and repeats nothing
        ├─ what is no record ─▶ <user>_quarantine_table
        └─ pin  ─ windows ─▶ <user>_popularity_table
```

The tables get every record, one row each, as the course's do (the same post twice is two rows): Delta notes which
batch of which query it has, so a batch that is done again after a crash is written once. Popularity counts in windows
of the record's own time; its rows are replaced as counts grow, which is harmless to repeat.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from analytics import cleaning, records, sources, storage
from analytics.tables import PIN, TABLES, Table

_POPULARITY = "window_start timestamp, window_end timestamp, poster_name string, post_count bigint, follower_count bigint"


@dataclass(frozen=True)
class Options:
    """What to stream, where to, and how."""

    source: sources.Source
    user: str
    #: Folder of the tables.
    output: str
    #: Length of a window of popularity, and how late a record may be to still count (`10 minutes`).
    window: str = "5 minutes"
    lateness: str = "10 minutes"
    #: The same row again within this time is left out; None: every record is a row.
    distinct_within: str | None = None
    #: Time between batches; None: what is there now, then end.
    trigger: str | None = "5 seconds"

    def path(self, table: str) -> str:
        """A table's folder."""
        return f"{self.output}/{table}"

    def names(self) -> list[str]:
        """The tables that are written."""
        return [*[table.delta_table(self.user) for table in TABLES.values()],
                f"{self.user}_quarantine_table", f"{self.user}_popularity_table"]


def start(spark: SparkSession, options: Options) -> list[StreamingQuery]:
    """Starts all queries; each goes on where its checkpoint ends."""
    queries = [_table(spark, options, table) for table in TABLES.values()]
    return [*queries, _quarantine(spark, options), _popularity(spark, options)]


def counts(spark: SparkSession, options: Options) -> dict[str, int]:
    """Rows in each table that is there."""
    paths = {name: options.path(name) for name in options.names()}
    return {name: spark.read.format("delta").load(path).count()
            for name, path in paths.items() if storage.exists(spark, f"{path}/_delta_log")}


# Queries ------------------------------------------------------------------------------------------------------------


def _table(spark: SparkSession, options: Options, table: Table) -> StreamingQuery:
    rows = cleaned(options.source.read(spark, options.user, [table]), table, options)
    return _append(rows, options, table.delta_table(options.user))


def cleaned(lines: DataFrame, table: Table, options: Options) -> DataFrame:
    """Clean rows of the good records; the same ones as the batch makes, by the same code."""
    good = records.parse(lines, table).where("problem is null")
    if options.distinct_within is None:
        return cleaning.clean(good.select("record.*"), table)
    columns = [column.value.alias(column.name) for column in cleaning.columns(table)]
    rows = good.select("at", "record.*").select("at", *columns).withWatermark("at", options.distinct_within)
    names = [column.name for column in cleaning.columns(table)]
    return rows.dropDuplicatesWithinWatermark(names).select(names)


def _quarantine(spark: SparkSession, options: Options) -> StreamingQuery:
    bad = None
    for table in TABLES.values():
        lines = options.source.read(spark, options.user, [table])
        parsed = records.parse(lines, table).where("problem is not null")
        rows = parsed.select(F.lit(table.name).alias("table"), "problem", "value", "at", "place")
        bad = rows if bad is None else bad.union(rows)
    return _append(bad, options, f"{options.user}_quarantine_table")


def _popularity(spark: SparkSession, options: Options) -> StreamingQuery:
    name = f"{options.user}_popularity_table"
    path = options.path(name)
    spark.sql(f"CREATE TABLE IF NOT EXISTS delta.`{path}` ({_POPULARITY}) USING delta")

    def merge(batch: DataFrame, number: int) -> None:
        batch.createOrReplaceTempView("popularity_of_batch")
        batch.sparkSession.sql(f"""
            MERGE INTO delta.`{path}` AS old USING popularity_of_batch AS new
            ON old.window_start = new.window_start AND old.poster_name = new.poster_name
            WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *""")

    popular = popularity(options.source.read(spark, options.user, [PIN]), options)
    writer = popular.writeStream.outputMode("update").foreachBatch(merge)
    return _begin(writer, options, name)


def popularity(lines: DataFrame, options: Options) -> DataFrame:
    """How often each profile was pinned in each window, and the most followers that it was seen with."""
    parsed = records.parse(lines, PIN).where("problem is null").select("at", "record.*")
    pins = parsed.select("at", cleaning.integer(F.col("index")).alias("ind"), cleaning.text("poster_name").alias("poster_name"),
                         cleaning.follower_count(cleaning.text("follower_count")).alias("follower_count"))
    pins = pins.where("poster_name is not null").withWatermark("at", options.lateness)
    if options.distinct_within is not None:
        pins = pins.dropDuplicatesWithinWatermark(["ind", "poster_name", "follower_count"])
    counted = pins.groupBy(F.window("at", options.window), "poster_name").agg(
        F.count(F.lit(1)).alias("post_count"), F.max("follower_count").alias("follower_count"))
    return counted.select(F.col("window.start").alias("window_start"), F.col("window.end").alias("window_end"),
                          "poster_name", "post_count", "follower_count")


def _append(rows: DataFrame, options: Options, name: str) -> StreamingQuery:
    writer = rows.writeStream.format("delta").outputMode("append").option("path", options.path(name))
    return _begin(writer, options, name)


def _begin(writer: DataStreamWriter, options: Options, name: str) -> StreamingQuery:
    writer = writer.queryName(name).option("checkpointLocation", f"{options.output}/checkpoints/{name}")
    if options.trigger is None:
        return writer.trigger(availableNow=True).start()
    return writer.trigger(processingTime=options.trigger).start()
