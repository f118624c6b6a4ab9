"""The steps of the batch. Each reads what the one before wrote and replaces what it wrote itself: a step, or all of
them, can be done again at any time with the same outcome.

```
input ── load ──▶ raw/<table> ── clean ──▶ clean/<table>, quarantine/<table>, quality/<table>.json
                                              └─ queries ──▶ views/<name>, views/<name>.csv ── report ──▶ report.html
```
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from analytics import AnalyticsError, cleaning, layout, queries, records, report, storage, views
from analytics.tables import TABLES, Table


@dataclass
class Stages:
    """The steps over one output folder."""

    spark: SparkSession
    #: Where everything is written.
    output: str
    #: Name of a step -> how long it took, in seconds.
    took: dict[str, float] = field(default_factory=dict)

    def path(self, *parts: str) -> str:
        """A place below the output folder."""
        return "/".join((self.output, *parts))

    # Steps ----------------------------------------------------------------------------------------------------------

    def load(self, source: str, user: str | None = None, until: datetime | None = None) -> None:
        """Copies the lines of the objects as they are: thousands of small ones are opened once."""
        self._timed("load", lambda: self._load(source, user, until))

    def clean(self, table: Table) -> dict:
        """Cleans one table; what was kept, nulled and put aside."""
        return self._timed(f"clean {table.name}", lambda: self._clean(table))

    def answer(self) -> None:
        """Answers every question."""
        self._timed("queries", self._answer)

    def write_report(self) -> str:
        """Writes the report; its path."""
        return self._timed("report", self._report)

    def batch(self, source: str, user: str | None = None, until: datetime | None = None) -> str:
        """All steps in order; the report's path."""
        self.load(source, user, until)
        for table in TABLES.values():
            self.clean(table)
        self.answer()
        return self.write_report()

    # How ------------------------------------------------------------------------------------------------------------

    def _load(self, source: str, user: str | None, until: datetime | None) -> None:
        topics = set()
        for table in TABLES.values():
            _write(layout.lines(self.spark, source, table, user, until), self.path("raw", table.name))
            names = self._read("raw", table.name).select(layout.topic(table).alias("topic")).distinct()
            topics |= {row["topic"] for row in names.collect()}
        users = sorted({topic.rpartition(".")[0] for topic in topics})
        if len(users) > 1:
            raise AnalyticsError(f"{source} holds the topics of several users, choose one with --user: {', '.join(users)}")
        if not topics and not storage.exists(self.spark, source):
            raise AnalyticsError(f"{source}: there is no such folder (it should hold <user>.pin, <user>.geo and <user>.user)")
        facts = {"input": source, "topics": sorted(topics), "until": until.isoformat() if until else None}
        storage.write_text(self.spark, self.path("quality", "load.json"), json.dumps(facts, indent=1))

    def _clean(self, table: Table) -> dict:
        parsed = records.parse(self._read("raw", table.name), table).select("*", "record.*")
        rows = cleaning.clean(parsed.where("problem is null"), table).dropDuplicates()
        _write(rows, self.path("clean", table.name))
        quality = self._quality(parsed, table)
        bad = parsed.where("problem is not null").select("problem", "value", "file")
        if not quality["quarantined"]:
            bad = self.spark.createDataFrame([], bad.schema)
        _write(bad, self.path("quarantine", table.name))
        storage.write_text(self.spark, self.path("quality", f"{table.name}.json"), json.dumps(quality, indent=1))
        return quality

    def _quality(self, parsed: DataFrame, table: Table) -> dict:
        good, unknown = F.col("problem").isNull(), records.unknown_members(table)
        measures = {
            "read": F.count(F.lit(1)),
            "good": F.count_if(good),
            "unknown_columns": F.array_sort(F.array_distinct(F.flatten(F.collect_set(F.when(good, unknown))))),
            "rows_with_unknown_columns": F.count_if(good & (F.size(unknown) > 0)),
            "quarantined": _struct({reason: F.count_if(F.col("problem") == reason) for reason in records.problems(table)}),
            "nulled": _struct({column.name: F.count_if(good & cleaning.nulled(column)) for column in cleaning.columns(table)}),
        }
        found = parsed.agg(*[measure.alias(name) for name, measure in measures.items()]).first().asDict(recursive=True)
        good, kept = found.pop("good"), self._read("clean", table.name).count()
        reasons = {reason: count for reason, count in sorted(found["quarantined"].items()) if count}
        return {"table": table.name, **found, "kept": kept, "duplicates": good - kept, "quarantined": reasons}

    def _answer(self) -> None:
        with queries.Frames(*[self._read("clean", name) for name in TABLES]) as frames:
            views.write(self.spark, self.path("views"), queries.answers(frames))

    def _report(self) -> str:
        quality = {name: self.quality(name) for name in ("load", *TABLES)}
        samples = {name: self._read("quarantine", name).orderBy("problem", "value").limit(5).collect() for name in TABLES}
        page = report.page(quality, views.read(self.spark, self.path("views")), samples, self._period())
        path = self.path("report.html")
        storage.write_text(self.spark, path, page)
        return path

    def quality(self, name: str) -> dict:
        """What a step noted: `load`, or a table's name."""
        path = self.path("quality", f"{name}.json")
        if not storage.exists(self.spark, path):
            raise _missing(path)
        return json.loads(storage.read_text(self.spark, path))

    def _period(self):
        moments = self._read("clean", "geo").agg(F.min("timestamp"), F.max("timestamp"))
        return tuple(moments.select([F.date_format(name, "yyyy-MM-dd") for name in moments.columns]).first())

    def _read(self, *parts: str) -> DataFrame:
        path = self.path(*parts)
        try:
            return self.spark.read.parquet(path)
        except AnalysisException as error:
            raise _missing(path) from error

    def _timed(self, name: str, step: Callable):
        started = time.monotonic()
        outcome = step()
        self.took[name] = time.monotonic() - started
        return outcome


def _struct(columns: dict[str, Column]) -> Column:
    return F.struct(*[column.alias(name) for name, column in columns.items()])


def _missing(path: str) -> AnalyticsError:
    return AnalyticsError(f"{path} is missing or incomplete: do the steps before it first")


def _write(rows: DataFrame, path: str) -> None:
    rows.write.mode("overwrite").parquet(path)
