"""The batch views: a Parquet folder and a CSV file for each question, replaced as a whole by each run."""

import csv
import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyspark.sql import DataFrame, Row, SparkSession

from analytics import storage
from analytics.queries import QUESTIONS

#: Answers that are worked out at the same time: one alone leaves cores idle while it is planned.
_AT_ONCE = 3

_In, _Out = TypeVar("_In"), TypeVar("_Out")


def write(spark: SparkSession, folder: str, answers: Iterable[tuple[str, DataFrame]]) -> None:
    """Writes every answer: `<folder>/<name>/*.parquet` and `<folder>/<name>.csv`."""

    def one(name: str, answer: DataFrame) -> None:
        path = f"{folder}/{name}"
        # Kept, because it is asked for twice, and only collecting promises the order of the rows.
        answer = answer.persist()
        answer.coalesce(1).write.mode("overwrite").parquet(path)
        storage.write_text(spark, f"{path}.csv", _csv(answer.columns, answer.collect()))
        answer.unpersist()

    _each(lambda named: one(*named), answers)


def read(spark: SparkSession, folder: str) -> dict[str, list[Row]]:
    """All views by name, their rows in order."""
    names = [question.name for question in QUESTIONS]
    return dict(zip(names, _each(lambda name: spark.read.parquet(f"{folder}/{name}").collect(), names), strict=True))


def _each(work: Callable[[_In], _Out], things: Iterable[_In]) -> list[_Out]:
    """`map`, some at the same time. The first error is raised when all have ended."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(work, things))


def _csv(columns: list[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
