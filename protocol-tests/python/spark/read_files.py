"""Run by Spark's own interpreter: `read_files.py FOLDER OUT`.

Reads every `.avro` and `.parquet` file of FOLDER with Spark's readers, and writes {file: {"schema": ..., "rows": [...]}}
as JSON to OUT; for Parquet files also {"vectors": [...]}, the rows as the vectorised reader gives them. Bytes are shown in
hexadecimal, decimals and times as text.
"""

import json
import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql.types import DecimalType

VECTORISED = "spark.sql.parquet.enableVectorizedReader"


def shown(value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def rows(frame):
    return [shown(row.asDict(recursive=True)) for row in frame.collect()]


def small_decimals(frame):
    """Columns that Spark holds as integers: its vectorised reader cannot make those from bytes."""
    return [field.name for field in frame.schema if isinstance(field.dataType, DecimalType) and field.dataType.precision <= 18]


def main():
    folder, out = sys.argv[1:]
    builder = SparkSession.builder.master("local[1]").appName("sink-files")
    # No page of its own, and times as they are stored.
    for key, value in {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC",
                       "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
                       "spark.jars": os.environ["SLUICEWAY_SPARK_AVRO"]}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    found = {}
    for name in sorted(os.listdir(folder)):
        kind = name.rsplit(".", 1)[-1]
        frame = spark.read.format(kind).load(os.path.join(folder, name))
        found[name] = {"schema": json.loads(frame.schema.json())}
        if kind == "parquet":
            found[name]["vectors"] = rows(frame.drop(*small_decimals(frame)))
            spark.conf.set(VECTORISED, "false")
        found[name]["rows"] = rows(frame)
        spark.conf.set(VECTORISED, "true")
    spark.stop()
    with open(out, "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
