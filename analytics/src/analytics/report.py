"""One HTML page, complete in itself, of what a batch run found: totals, plots, tables, and what was wrong with the data."""

from collections.abc import Sequence
from datetime import datetime, timezone
from html import escape

from pyspark.sql import Row

from analytics import figures, findings
from analytics.queries import QUESTIONS
from analytics.style import STYLE
from analytics.tables import TABLES

_ROWS_SHOWN = 200
_LINE_SHOWN = 160
_LONG_FROM = 40
_NUMBER, _LONG = ' class="n"', ' class="long"'


def page(quality: dict[str, dict], views: dict[str, list[Row]], samples: dict[str, list[Row]],
         period: tuple[str | None, str | None]) -> str:
    """`quality` by table (and `load`), `views` by name, some of the quarantined records by table, first and last day."""
    topics = ", ".join(quality["load"]["topics"]) or "no topics"
    parts = [
        "<header><h1>What was posted</h1>",
        f'<p class="sub">{escape(topics)} in <code>{escape(quality["load"]["input"])}</code>{_until(quality["load"])}{_posted(*period)}</p></header>',
        _tiles(quality, views),
        _empty(quality),
        _findings(views),
        *[_section(title, drawn) for title, drawn in figures.sections(views) if any(views.values())],
        "<h2>All answers</h2>", *[_answer(question, views[question.name]) for question in QUESTIONS],
        "<h2>Quality of the data</h2>", _quality(quality), _quarantine(quality, samples),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>What was posted</title>'
        f"<style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n")


def _until(load: dict) -> str:
    if not load["until"]:
        return ""
    moment = datetime.fromisoformat(load["until"]).astimezone(timezone.utc)
    return f", objects written before {moment:%Y-%m-%d %H:%M} UTC"


def _posted(first: str | None, last: str | None) -> str:
    return f"<br>Posted from {first} to {last}" if first else ""


# Head ---------------------------------------------------------------------------------------------------------------


def _tiles(quality: dict, views: dict) -> str:
    read = sum(quality[name]["read"] for name in TABLES)
    aside = sum(sum(quality[name]["quarantined"].values()) for name in TABLES)
    repeats = sum(quality[name]["duplicates"] for name in TABLES)
    tiles = [
        (f"{read:,}", "records read"),
        (f"{quality['pin']['kept']:,}", "distinct posts"),
        (f"{repeats:,}", "repeats left out"),
        (f"{aside:,}", "records put aside"),
        (f"{len(views['popular_category_per_country']):,}", "countries"),
        (f"{len(views['profile_popularity']):,}", "profiles"),
    ]
    cells = [f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in tiles]
    return f'<section class="tiles">{"".join(cells)}</section>'


def _empty(quality: dict) -> str:
    if any(quality[name]["read"] for name in TABLES):
        return ""
    return '<p class="notice">There were no records: no objects of these topics were there, or all of them were empty.</p>'


def _findings(views: dict) -> str:
    found = "".join(f"<li>{sentence}</li>" for sentence in findings.sentences(views))
    return f'<ul class="findings">{found}</ul>' if found else ""


def _section(title: str, drawn: Sequence[str]) -> str:
    return f'<h2>{title}</h2><div class="grid">{"".join(drawn)}</div>'


# Tables -------------------------------------------------------------------------------------------------------------


def _answer(question, rows: list[Row]) -> str:
    number = f"{question.number}. " if question.number else ""
    count = f"{len(rows):,} rows" if len(rows) != 1 else "1 row"
    body = _table(rows[0].__fields__, rows[:_ROWS_SHOWN]) if rows else '<p class="none">No rows.</p>'
    if len(rows) > _ROWS_SHOWN:
        body += f'<p class="none">The first {_ROWS_SHOWN}; all of them are in the file.</p>'
    link = f'<a href="views/{question.name}.csv">{question.name}.csv</a>'
    return f"<details><summary>{escape(number + question.title)} <span>{count}</span></summary><p>{link}</p>{body}</details>"


def _table(head: Sequence[str], rows: Sequence[Sequence]) -> str:
    numbers = [any(isinstance(value, int) for value in column) for column in zip(*rows)] or [False] * len(head)
    names = "".join(f'<th{_NUMBER if number else ""}>{escape(str(name))}</th>' for name, number in zip(head, numbers, strict=True))
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(value) -> str:
    if isinstance(value, int):
        # Years have no thousands.
        return f'<td{_NUMBER}>{value if 1900 <= value < 2100 else format(value, ",")}</td>'
    text = "" if value is None else str(value)
    return f'<td{_LONG if len(text) > _LONG_FROM else ""}>{escape(text)}</td>'


def _quality(quality: dict) -> str:
    rows = [[name, *(quality[name][key] for key in ("read", "kept", "duplicates")), sum(quality[name]["quarantined"].values()),
             quality[name]["rows_with_unknown_columns"], ", ".join(quality[name]["unknown_columns"])] for name in TABLES]
    head = ("table", "read", "kept", "repeats", "put aside", "rows with unknown columns", "unknown columns (left out)")
    nulled = [(name, column, count) for name in TABLES for column, count in quality[name]["nulled"].items() if count]
    text = ("<p>A record is kept, once, whatever its values are; what says nothing in a column (a placeholder, blank text) or "
            "cannot be its value is null there. What is no record of a post is put aside, with the reason.</p>")
    return (text + _table(head, rows) + "<h3>Values that became null</h3>"
            + (_table(("table", "column", "values"), nulled) if nulled else '<p class="none">None.</p>'))


def _quarantine(quality: dict, samples: dict[str, list[Row]]) -> str:
    counts = [(name, reason, count) for name in TABLES for reason, count in quality[name]["quarantined"].items()]
    if not counts:
        return ""
    rows = [(name, row["problem"], row["file"].rpartition("/")[2], row["value"][:_LINE_SHOWN])
            for name, found in samples.items() for row in found]
    return ("<h3>Records that were put aside</h3>" + _table(("table", "reason", "records"), counts)
            + "<h3>Some of them</h3>" + _table(("table", "reason", "object", "begins with"), rows))
