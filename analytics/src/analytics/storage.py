"""Small files beside Spark's: on this machine, or wherever Hadoop's file systems reach (s3a, dbfs, hdfs)."""

import os
from pathlib import Path

from pyspark.sql import SparkSession


def local(path: str) -> Path | None:
    """The local path that `path` means, if it means one."""
    if path.startswith("file:"):
        return Path("/" + path.removeprefix("file:").lstrip("/"))
    return None if "://" in path or path.startswith("dbfs:") else Path(path)


def normal(path: str) -> str:
    """The path as Spark takes it: local ones absolute, `s3://` as `s3a://`, no slash at the end."""
    path = path.rstrip("/") or "/"
    for scheme in ("s3://", "s3n://"):
        if path.startswith(scheme):
            return "s3a://" + path.removeprefix(scheme)
    here = local(path)
    return path if here is None else str(here.absolute())


def is_s3(path: str) -> bool:
    """Does s3a have to be there for this path?"""
    return normal(path).startswith("s3a://")


def exists(spark: SparkSession, path: str) -> bool:
    """Is there a file or a folder (in S3: any object below)?"""
    here = local(path)
    if here is not None:
        return here.exists()
    found, hadoop = _hadoop(spark, path)
    return found.exists(hadoop)


def write_text(spark: SparkSession, path: str, content: str) -> None:
    """Writes a file whole: a reader sees the old one or the new one."""
    here = local(path)
    if here is None:
        found, hadoop = _hadoop(spark, path)
        stream = found.create(hadoop, True)
        stream.write(bytearray(content.encode()))
        stream.close()
        return
    here.parent.mkdir(parents=True, exist_ok=True)
    part = here.with_name(f".{here.name}.{os.getpid()}")
    part.write_text(content, encoding="utf-8")
    part.replace(here)


def read_text(spark: SparkSession, path: str) -> str:
    """The content of a file."""
    here = local(path)
    if here is not None:
        return here.read_text(encoding="utf-8")
    return spark.read.text(path, wholetext=True).first()["value"]


def remove(spark: SparkSession, path: str) -> None:
    """Removes a folder with what is in it, if it is there."""
    found, hadoop = _hadoop(spark, path)
    found.delete(hadoop, True)


def _hadoop(spark: SparkSession, path: str):
    jvm = spark.sparkContext._jvm
    hadoop = jvm.org.apache.hadoop.fs.Path(path)
    return hadoop.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()), hadoop
