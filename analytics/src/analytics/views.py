"""The batch views: a Parquet folder and a CSV file for each question, replaced as a whole by each run."""

import csv
import io
from collections.abc import Iterable

from pyspark.sql import DataFrame, Row, SparkSession

from analytics import storage
from analytics.queries import QUESTIONS


def write(spark: SparkSession, folder: str, answers: Iterable[tuple[str, DataFrame]]) -> None:
    """Writes every answer: `<folder>/<name>/*.parquet` and `<folder>/<name>.csv`."""
    for name, answer in answers:
        path = f"{folder}/{name}"
        # Kept, because it is asked for twice, and only collecting promises the order of the rows.
        answer = answer.persist()
        answer.coalesce(1).write.mode("overwrite").parquet(path)
        storage.write_text(spark, f"{path}.csv", _csv(answer.columns, answer.collect()))
        answer.unpersist()


def read(spark: SparkSession, folder: str) -> dict[str, list[Row]]:
    """All views by name, their rows in order."""
    return {question.name: spark.read.parquet(f"{folder}/{question.name}").collect() for question in QUESTIONS}


def _csv(columns: list[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
