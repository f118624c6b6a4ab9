"""The page alone: what it says of bad data, and that no record can write into it."""

from pyspark.sql import Row

from analytics import report
from analytics.queries import QUESTIONS
from analytics.tables import TABLES

NO_VIEWS = {question.name: [] for question in QUESTIONS}
CLEAN = {"read": 9, "kept": 9, "duplicates": 0, "quarantined": {}, "nulled": {}, "unknown_columns": [], "rows_with_unknown_columns": 0}
LOAD = {"input": "s3a://bucket/topics", "topics": ["0a1b2c3d4e5f.pin"], "until": None}
DIRTY = {"read": 1234, "kept": 1200, "duplicates": 3, "quarantined": {"no index": 11, "not a JSON object": 20},
         "nulled": {"title": 7, "category": 0}, "unknown_columns": ["<b>"], "rows_with_unknown_columns": 5}


def page(views=NO_VIEWS, samples=None, **quality):
    noted = {"load": LOAD, **dict.fromkeys(TABLES, CLEAN), **quality}
    return report.page(noted, views, samples or dict.fromkeys(TABLES, []), (None, None))


def test_bad_data_is_counted():
    sample = Row(problem="no index", value='{"title": "<script>"}', file="s3a://bucket/a.json")
    text = page(pin=DIRTY, samples={"pin": [sample]})
    assert "<b>31</b><span>records put aside</span>" in text
    assert '<td>pin</td><td>no index</td><td class="n">11</td>' in text
    assert '<td>pin</td><td>not a JSON object</td><td class="n">20</td>' in text
    assert '<td>pin</td><td>title</td><td class="n">7</td>' in text and "<td>category</td>" not in text
    assert "<td>a.json</td>" in text and "&lt;script&gt;" in text and "<script" not in text
    assert '<td class="n">5</td><td>&lt;b&gt;</td>' in text


def test_good_data_has_nothing_put_aside():
    text = page()
    assert "<b>0</b><span>records put aside</span>" in text
    assert "Records that were put aside" not in text and "There were no records" not in text


def test_findings_are_the_answers_and_names_are_text():
    country = Row("country", "category", "category_count")
    rows = [country("Chad", "art", 2), country("Mali", "<i>", 9), country("Peru", "art", 1)]
    text = page(NO_VIEWS | {"popular_category_per_country": rows})
    assert "<li><b>art</b> is the most popular category in 2 of 3 countries.</li>" in text
    assert "<i>" not in text and text.count("<li>") == 1
