"""Dirty records of every kind: each has one outcome, kept, nulled, or put aside with a reason."""

import json
from datetime import datetime

import pytest
from pyspark.sql import functions as F

from analytics import cleaning, records
from analytics.cleaning import PLACEHOLDERS
from analytics.stages import Stages
from analytics.tables import GEO, PIN, TABLES, USER

PIN_ROW = {
    "index": 1, "unique_id": "fbe53c66-3442-4773-b19e-d3ec6f54dddf", "title": "A title", "description": "A description",
    "poster_name": "A poster", "follower_count": "124k", "tag_list": "a,b", "is_image_or_video": "image",
    "image_src": "https://images.example.com/1.jpg", "downloaded": 1, "save_location": "Local save in /data/art",
    "category": "art",
}
GEO_ROW = {"ind": 1, "timestamp": "2018-08-28 03:52:47", "latitude": 10.5, "longitude": -20.25, "country": "Peru"}
USER_ROW = {"ind": 1, "first_name": "Ada", "last_name": "Byron", "age": 36, "date_joined": "2016-02-29 00:00:00"}
ROWS = {"pin": PIN_ROW, "geo": GEO_ROW, "user": USER_ROW}
AT = datetime(2018, 8, 28, 3, 52, 47)

#: Table, what is changed in its row, column -> value afterwards.
KEPT = [
    (PIN, {}, {"ind": 1, "follower_count": 124_000, "save_location": "/data/art", "poster_name": "A poster"}),
    *[(PIN, {column: text}, {column: None}) for column, texts in PLACEHOLDERS.items() for text in texts],
    (PIN, {"title": "", "category": "  "}, {"title": None, "category": None}),
    (PIN, {"follower_count": "0"}, {"follower_count": 0}),
    (PIN, {"follower_count": 942}, {"follower_count": 942}),
    (PIN, {"follower_count": "1.2k"}, {"follower_count": 1_200}),
    (PIN, {"follower_count": "1.1M"}, {"follower_count": 1_100_000}),
    (PIN, {"follower_count": "5M"}, {"follower_count": 5_000_000}),
    (PIN, {"follower_count": "3B"}, {"follower_count": 3_000_000_000}),
    (PIN, {"follower_count": "many"}, {"follower_count": None}),
    (PIN, {"follower_count": "-3"}, {"follower_count": None}),
    (PIN, {"index": "17"}, {"ind": 17}),
    (PIN, {"index": 17.0}, {"ind": 17}),
    (PIN, {"title": "No Title Data Available, really"}, {"title": "No Title Data Available, really"}),
    (PIN, {"title": "🧶 шарф 囲巾 \"quoted\"\n\tand more"}, {"title": "🧶 шарф 囲巾 \"quoted\"\n\tand more"}),
    (PIN, {"description": "🙂x" * 13_107}, {"description": "🙂x" * 13_107}),  # 64 KB in UTF-8
    (PIN, {"title": {"nested": [1]}}, {"title": '{"nested":[1]}'}),
    (PIN, {"added_later": "x", "and": None}, {"ind": 1, "title": "A title"}),
    (PIN, dict.fromkeys(name for name in PIN_ROW if name != "index"), {"ind": 1, "title": None, "save_location": None}),
    (GEO, dict.fromkeys(name for name in GEO_ROW if name != "ind"), {"ind": 1, "country": None, "coordinates": None, "timestamp": None}),
    (USER, dict.fromkeys(name for name in USER_ROW if name != "ind"), {"ind": 1, "user_name": None, "age": None, "date_joined": None}),
    (GEO, {}, {"country": "Peru", "coordinates": [10.5, -20.25], "timestamp": AT}),
    (GEO, {"timestamp": "2018-08-28T03:52:47"}, {"timestamp": AT}),
    (GEO, {"timestamp": "2018:08:28 03:52:47"}, {"timestamp": AT}),
    (GEO, {"timestamp": "2018-08-28T05:52:47+02:00"}, {"timestamp": AT}),
    (GEO, {"timestamp": "2018-08-28 03:52:47.250"}, {"timestamp": AT.replace(microsecond=250_000)}),
    (GEO, {"timestamp": "2018-13-28 03:52:47"}, {"timestamp": None}),
    (GEO, {"timestamp": "2018"}, {"timestamp": None}),
    (GEO, {"timestamp": 1535428367}, {"timestamp": None}),
    (GEO, {"latitude": "10.5", "longitude": "-20.25"}, {"coordinates": [10.5, -20.25]}),
    (GEO, {"latitude": "north"}, {"coordinates": [None, -20.25]}),
    (GEO, {"latitude": None, "longitude": None}, {"coordinates": None}),
    (GEO, {"latitude": 91, "longitude": "NaN"}, {"coordinates": None}),
    (USER, {}, {"user_name": "Ada Byron", "age": 36, "date_joined": datetime(2016, 2, 29)}),
    (USER, {"age": "36"}, {"age": 36}),
    (USER, {"age": "36.5"}, {"age": None}),
    (USER, {"age": -1}, {"age": None}),
    (USER, {"last_name": None}, {"user_name": "Ada"}),
    (USER, {"first_name": None, "last_name": None}, {"user_name": None}),
    (USER, {"date_joined": "2017-02-29 00:00:00"}, {"date_joined": None}),
    (USER, {"ind": 99}, {"ind": 99}),
]

#: What is put aside, and why.
WHOLE = json.dumps(PIN_ROW)
PUT_ASIDE = [
    (WHOLE[:len(WHOLE) // 2], "not a JSON object"),
    (WHOLE[:-1], "not a JSON object"),
    (WHOLE[1:], "not a JSON object"),
    ("[" + WHOLE + "]", "not a JSON object"),
    ("null", "not a JSON object"),
    ("42", "not a JSON object"),
    ("\ufffd\x00garbage", "not a JSON object"),
    ("{}", "no index"),
    (json.dumps(PIN_ROW | {"index": None}), "no index"),
    (json.dumps(PIN_ROW | {"index": "seven"}), "no index"),
    (json.dumps(PIN_ROW | {"index": 2**40}), "no index"),
    (json.dumps(dict.fromkeys(PIN_ROW)), "no index"),
]


@pytest.fixture(scope="module")
def cleaned(spark):
    """The clean rows of `KEPT`, in its order."""
    found = {}
    for table in TABLES.values():
        cases = [(n, json.dumps(ROWS[table.name] | change)) for n, (of, change, _) in enumerate(KEPT) if of is table]
        lines = spark.createDataFrame(cases, "n int, value string")
        parsed = records.parse(lines, table).where("problem is null")
        columns = [column.value.alias(column.name) for column in cleaning.columns(table)]
        found |= {row["n"]: row for row in parsed.select("n", "record.*").select("n", *columns).collect()}
    return found


@pytest.mark.parametrize("case", range(len(KEPT)), ids=lambda n: f"{KEPT[n][0].name}-{str(KEPT[n][1])[:40]}")
def test_row_is_kept(cleaned, case):
    _, _, expected = KEPT[case]
    assert {name: cleaned[case][name] for name in expected} == expected


def test_columns_are_the_courses(cleaned):
    first = {of.name: cleaned[n].__fields__[1:] for n, (of, change, _) in enumerate(KEPT) if not change}
    assert first == {
        "pin": ["ind", "unique_id", "title", "description", "follower_count", "poster_name", "tag_list", "is_image_or_video",
                "image_src", "save_location", "category"],
        "geo": ["ind", "country", "coordinates", "timestamp"],
        "user": ["ind", "user_name", "age", "date_joined"],
    }


def test_typed_columns_are_cleaned_alike(spark):
    """The course's notebooks give what `inferSchema` made of the objects."""
    inferred = spark.createDataFrame(
        [(1, AT, 10.5, -20.25, "Peru")], "ind long, timestamp timestamp, latitude double, longitude double, country string")
    assert tuple(cleaning.clean_geo(inferred).first()) == (1, "Peru", [10.5, -20.25], AT)


@pytest.fixture(scope="module")
def dirty(spark, tmp_path_factory):
    """The stage over good, repeated, blank and bad lines: what it noted, and its folder."""
    folder = tmp_path_factory.mktemp("dirty")
    good = [json.dumps(PIN_ROW | {"index": n, "follower_count": "User Info Error", "extra": n}) for n in range(5)]
    # The same post twice, the second time spelled differently.
    repeats = [good[0], json.dumps({"category": "art", **PIN_ROW, "index": "0", "follower_count": None})]
    missing = json.dumps({"index": 5})
    lines = [*good, *repeats, missing, "", "   ", *[line for line, _ in PUT_ASIDE]]
    stages = Stages(spark, str(folder))
    frame = spark.createDataFrame([(line, "file:/x/a.json") for line in lines], "value string, file string")
    frame.write.parquet(stages.path("raw", "pin"))
    return stages, stages.clean(PIN)


def test_bad_records_are_counted_and_kept_aside(spark, dirty):
    stages, quality = dirty
    reasons = [reason for _, reason in PUT_ASIDE]
    assert quality["quarantined"] == {reason: reasons.count(reason) for reason in set(reasons)}
    found = spark.read.parquet(stages.path("quarantine", "pin")).where(F.col("file") == "file:/x/a.json").collect()
    assert sorted((row["value"], row["problem"]) for row in found) == sorted(PUT_ASIDE)


def test_every_line_is_accounted_for(dirty):
    _, quality = dirty
    assert quality["read"] == 8 + len(PUT_ASIDE)
    assert (quality["kept"], quality["duplicates"]) == (6, 2)
    assert quality["read"] == quality["kept"] + quality["duplicates"] + sum(quality["quarantined"].values())


def test_nulled_values_and_unknown_columns_are_counted(dirty):
    _, quality = dirty
    assert {name: count for name, count in quality["nulled"].items() if count} == {"follower_count": 6}
    assert (quality["rows_with_unknown_columns"], quality["unknown_columns"]) == (6, ["extra"])
