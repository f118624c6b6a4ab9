"""Streaming from a real Kafka into Delta: every record once, also when the stream is killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from itertools import repeat
from pathlib import Path

import pytest
from parts import SMALL_ARGUMENTS, from_environment
from test_cleaning import AT, GEO_ROW, PIN_ROW, USER_ROW

from analytics import streaming
from analytics.cli import main
from analytics.sources import Kafka
from analytics.tables import TABLES

RECORDS, BATCH = 400, 50
POSTERS = 7
#: Seconds after which a Spark that has written nothing is given up: it starts anew, maybe beside other suites.
GIVE_UP = 900

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def kafka() -> str:
    return from_environment("ANALYTICS_TEST_KAFKA")


@pytest.fixture
def user() -> str:
    """A user of this test's own: the broker is shared."""
    return f"{time.time_ns() % 2**48:012x}"


def write(spark, kafka, topic, values, times=repeat(None)):
    """Records of a topic, in order, each with its time (None: now). By Java's own producer: Spark's writer takes no times."""
    jvm = spark.sparkContext._jvm
    settings = jvm.java.util.Properties()
    settings.put("bootstrap.servers", kafka)
    for part in ("key", "value"):
        settings.put(f"{part}.serializer", "org.apache.kafka.common.serialization.StringSerializer")
    producer = jvm.org.apache.kafka.clients.producer.KafkaProducer(settings)
    for value, at in zip(values, times):
        moment = at and int(at.replace(tzinfo=timezone.utc).timestamp() * 1000)
        producer.send(jvm.org.apache.kafka.clients.producer.ProducerRecord(topic, 0, moment, None, value))
    producer.close()


def pins(numbers):
    return [json.dumps(PIN_ROW | {"index": n, "poster_name": f"Poster {n % POSTERS}", "follower_count": f"{n}k"}) for n in numbers]


def kill_when(done, *arguments: str) -> None:
    """Starts `python -m analytics`; SIGKILL to Python and Spark at the same moment, as soon as `done`."""
    command = [sys.executable, "-m", "analytics", *arguments, "--master", "local[2]", *SMALL_ARGUMENTS]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + GIVE_UP
    try:
        while not done():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def commits(output: Path, table: str) -> int:
    """Transactions of a Delta table so far."""
    return len(list((output / table / "_delta_log").glob("*.json")))


def test_killed_in_the_middle_nothing_is_lost_or_repeated(spark, kafka, user, tmp_path, capsys):
    write(spark, kafka, f"{user}.pin", [*pins(range(RECORDS)), "{", '{"title": "no index"}'])
    write(spark, kafka, f"{user}.geo", [json.dumps(GEO_ROW | {"ind": n}) for n in range(RECORDS)])
    write(spark, kafka, f"{user}.user", [json.dumps(USER_ROW | {"ind": n}) for n in range(RECORDS)])
    tables = {name: table.delta_table(user) for name, table in TABLES.items()}
    command = ("stream", "--kafka", kafka, "--user", user, "--output", str(tmp_path))

    kill_when(lambda: any(commits(tmp_path, table) >= 2 for table in tables.values()),
              *command, "--trigger", "0 seconds", "--most", str(BATCH))
    before = {name: spark.read.format("delta").load(str(tmp_path / table)).count()
              for name, table in tables.items() if commits(tmp_path, table)}
    assert any(0 < rows < RECORDS for rows in before.values()), f"not in the middle: {before}"

    # Another process: this one's Spark.
    assert main([*command, "--once"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    printed = dict(line.split() for line in lines)
    popularity = printed.pop(f"{user}_popularity_table")
    assert printed == {**dict.fromkeys(tables.values(), str(RECORDS)), f"{user}_quarantine_table": "2"}
    assert int(popularity) >= POSTERS
    for name, table in tables.items():
        rows = spark.read.format("delta").load(str(tmp_path / table))
        assert sorted(row["ind"] for row in rows.select("ind").collect()) == list(range(RECORDS)), name
    popularity = spark.read.format("delta").load(str(tmp_path / f"{user}_popularity_table"))
    total = popularity.groupBy("poster_name").agg({"post_count": "sum", "follower_count": "max"}).collect()
    assert {row[0]: (row["sum(post_count)"], row["max(follower_count)"]) for row in total} == {
        f"Poster {n}": (len(range(n, RECORDS, POSTERS)), 1000 * range(n, RECORDS, POSTERS)[-1]) for n in range(POSTERS)}
    quarantine = spark.read.format("delta").load(str(tmp_path / f"{user}_quarantine_table")).collect()
    assert sorted((row["table"], row["problem"], row["place"]) for row in quarantine) == [
        ("pin", "no index", f"{user}.pin+0+{RECORDS + 1}"), ("pin", "not a JSON object", f"{user}.pin+0+{RECORDS}")]


def test_late_and_repeated_records(spark, kafka, user, tmp_path):
    """A record that is too late does not change its window; the same one again counts once, if that is asked for."""
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    options = streaming.Options(Kafka(kafka), user, str(tmp_path), window="10 minutes", lateness="10 minutes",
                                distinct_within="1 hour", trigger=None)
    for posts in [
        (pins([0, 0, 7, 14]), [AT, AT, AT, AT + 5 * minute]),
        (pins([1, 1, 15, 22]), [AT + hour] * 4),
        # Two minutes late, within the ten; and an hour late, whose window was given up.
        (pins([8, 21]), [AT + hour - 2 * minute, AT - minute]),
    ]:
        write(spark, kafka, f"{user}.pin", *posts)
        # To the end each time: what is late is known from the batch after the one that tells the time.
        for query in [streaming._table(spark, options, TABLES["pin"]), streaming._popularity(spark, options)]:
            query.awaitTermination()

    found = spark.read.format("delta").load(options.path(f"{user}_popularity_table")).orderBy("window_start").collect()
    start = datetime(2018, 8, 28, 3, 50)
    assert [(row["window_start"], row["poster_name"], row["post_count"], row["follower_count"]) for row in found] == [
        (start, "Poster 0", 3, 14_000), (start + hour, "Poster 1", 4, 22_000)]
    rows = spark.read.format("delta").load(options.path(f"{user}_pin_table")).select("ind").collect()
    assert sorted(row["ind"] for row in rows) == [0, 1, 7, 8, 14, 15, 22]
