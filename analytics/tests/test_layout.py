"""Which objects are read."""

import gzip
import json
import os
from datetime import datetime, timedelta, timezone

import pytest
from conftest import DATA

from analytics import AnalyticsError, layout, storage
from analytics.cli import main
from analytics.stages import Stages
from analytics.tables import PIN, TABLES

NOW = datetime.now(timezone.utc)


def values(spark, folder, user=None, until=None):
    rows = layout.lines(spark, str(folder), PIN, user, until).select("value", layout.topic(PIN)).collect()
    return sorted((row[1].removesuffix(".pin"), row[0]) for row in rows)


def test_all_partitions_folders_and_codecs_are_read(spark, objects):
    objects("pin", ["one", "two"], partition=0)
    objects("pin", ["three"], partition=11, offset=5)
    nested = objects("pin", [], partition=1).parent / "year=2022" / "month=11"
    nested.mkdir(parents=True)
    (nested / "a.json.gz").write_bytes(gzip.compress(b"four\n"))
    (nested / "a.avro").write_bytes(b"another connector's")
    objects("geo", ["of another topic"])
    objects("pin", ["five"], user="ffffffffffff")
    mine = [("0a1b2c3d4e5f", value) for value in ("four", "one", "three", "two")]
    assert values(spark, objects.folder, user="0a1b2c3d4e5f") == mine
    assert values(spark, objects.folder) == [*mine, ("ffffffffffff", "five")]


def test_objects_of_later_are_left_out(spark, objects):
    early = objects("pin", ["early"])
    objects("pin", ["late"], offset=1)
    moment = (NOW - timedelta(days=2)).timestamp()
    os.utime(early, (moment, moment))
    assert values(spark, objects.folder, until=NOW - timedelta(days=1)) == [("0a1b2c3d4e5f", "early")]
    assert values(spark, objects.folder, until=NOW - timedelta(days=3)) == []


def test_several_users_are_an_error(spark, objects, tmp_path):
    objects("pin", ["{}"])
    objects("geo", ["{}"], user="ffffffffffff")
    with pytest.raises(AnalyticsError, match="choose one with --user: 0a1b2c3d4e5f, ffffffffffff"):
        Stages(spark, str(tmp_path / "out")).load(str(objects.folder))


def test_missing_folder_is_an_error(spark, tmp_path, capsys):
    code = main(["load", "--input", str(tmp_path / "nowhere"), "--output", str(tmp_path / "out")])
    assert code == 1
    assert "there is no such folder" in capsys.readouterr().err


def test_step_without_the_one_before_is_an_error(spark, tmp_path, capsys):
    assert main(["report", "--output", str(tmp_path / "out")]) == 1
    assert main(["clean", "--table", "pin", "--output", str(tmp_path / "out")]) == 1
    assert "do the steps before it first" in capsys.readouterr().err


def test_empty_day_gives_empty_views(spark, objects, tmp_path):
    """No objects of two topics, an empty one of the third: the run succeeds, and says so."""
    objects("pin", [])
    stages = Stages(spark, str(tmp_path / "out"))
    page = storage.read_text(spark, stages.batch(str(objects.folder)))
    assert "There were no records" in page
    for name in TABLES:
        assert stages.quality(name)["read"] == 0
    with open(stages.path("views", "popular_category_per_country.csv"), encoding="utf-8") as file:
        assert file.read() == "country,category,category_count\n"
    assert json.loads(storage.read_text(spark, stages.path("quality", "load.json")))["topics"] == []


@pytest.mark.s3
def test_objects_and_outcome_in_s3(spark, s3_endpoint, batch):
    """The same answers from s3a, written back to it."""
    bucket = os.environ["ANALYTICS_TEST_BUCKET"]
    jvm, hadoop = spark.sparkContext._jvm, spark.sparkContext._jsc.hadoopConfiguration()
    topics = jvm.org.apache.hadoop.fs.Path(f"s3a://{bucket}/topics")
    local = jvm.org.apache.hadoop.fs.Path((DATA / "topics").as_uri())
    # Not `copyFromLocalFile`: that of s3a 3.4 fails on this folder.
    assert jvm.org.apache.hadoop.fs.FileUtil.copy(local.getFileSystem(hadoop), local, topics.getFileSystem(hadoop), topics,
                                                  False, hadoop)
    stages = Stages(spark, f"s3a://{bucket}/out")
    stages.load(f"s3a://{bucket}/topics")
    quality = stages.clean(PIN)
    assert {**quality, "topics": None} == {**batch.quality("pin"), "topics": None}
    storage.write_text(spark, stages.path("report.html"), "ü")
    assert storage.read_text(spark, stages.path("report.html")) == "ü"
    assert storage.exists(spark, stages.path("clean", "pin")) and not storage.exists(spark, stages.path("clean", "geo"))
    storage.remove(spark, stages.path("clean"))
    assert not storage.exists(spark, stages.path("clean", "pin"))
