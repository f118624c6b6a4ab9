"""The whole batch over the posts of a fixed seed: stored answers, and DuckDB's."""

import csv

import pytest
from conftest import DATA
from make_posts import objects as emulated
from parts import from_environment
from reference import QUERIES, Reference

from analytics import views
from analytics.queries import QUESTIONS
from analytics.tables import TABLES

NAMES = [question.name for question in QUESTIONS]


@pytest.fixture(scope="module")
def reference():
    return Reference(str(DATA / "topics"))


def rows_of(file):
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.reader(text))


def as_text(columns, rows):
    return [list(columns), *[["" if value is None else str(value) for value in row] for row in rows]]


def test_every_question_has_a_second_answer():
    assert sorted(NAMES) == sorted(QUERIES)


@pytest.mark.parametrize("name", NAMES)
def test_answer_is_the_stored_one(batch, name):
    assert rows_of(batch.path("views", f"{name}.csv")) == rows_of(DATA / "answers" / f"{name}.csv")


@pytest.mark.parametrize("name", NAMES)
def test_answer_is_duckdbs(batch, reference, name):
    assert rows_of(batch.path("views", f"{name}.csv")) == as_text(*reference.answer(name))


def test_parquet_holds_what_the_csv_does(batch, spark):
    for name, rows in views.read(spark, batch.path("views")).items():
        assert as_text(rows[0].__fields__, rows) == rows_of(batch.path("views", f"{name}.csv")), name


def test_clean_tables_are_duckdbs(batch, spark, reference):
    for name, other in (("pin", "pin"), ("geo", "geo"), ("user", "member")):
        rows = [tuple(row) for row in spark.read.parquet(batch.path("clean", name)).orderBy("ind").collect()]
        assert rows == reference.rows(f"select * from {other} order by ind"), name


def test_nothing_is_lost_on_the_way(batch):
    for name in TABLES:
        found = batch.quality(name)
        assert found["read"] == 250, name
        assert found["kept"] + found["duplicates"] == 250, name
        assert found["duplicates"] > 0 and found["quarantined"] == {}, name


def test_report_is_complete_in_itself(batch):
    page = open(batch.path("report.html"), encoding="utf-8").read()
    assert page.count("<svg") == 10
    assert "750" in page and "0a1b2c3d4e5f.pin" in page
    for outside in ("<script", "<link", "src=", "@import", "url("):
        assert outside not in page, outside


def test_posts_are_the_emulators():
    for path, content in emulated(from_environment("ANALYTICS_TEST_EMULATOR")).items():
        assert (DATA / "topics" / path).read_text(encoding="utf-8") == content, path
