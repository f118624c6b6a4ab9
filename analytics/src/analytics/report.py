"""One HTML page, complete in itself, of what a batch run found: totals, plots, tables, and what was wrong with the data."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from html import escape

from pyspark.sql import Row

from analytics import svg
from analytics.queries import QUESTIONS
from analytics.style import STYLE
from analytics.tables import TABLES

_ROWS_SHOWN = 200
_LINE_SHOWN = 160


def page(quality: dict[str, dict], views: dict[str, list[Row]], samples: dict[str, list[Row]],
         period: tuple[str | None, str | None]) -> str:
    """`quality` by table (and `load`), `views` by name, some of the quarantined records by table, first and last day."""
    topics = ", ".join(quality["load"]["topics"]) or "no topics"
    parts = [
        "<header><h1>What was posted</h1>",
        f'<p class="sub">{escape(topics)} in <code>{escape(quality["load"]["input"])}</code>{_until(quality["load"])}</p></header>',
        _tiles(quality, views, period),
        _empty(quality),
        _section("Categories", _per_year(views), _per_country(views), _per_age(views)),
        _section("Profiles", _popularity(views), _most_followed(views)),
        _section("People", _joined(views), *_medians(views)),
        "<h2>All answers</h2>", *[_answer(question, views[question.name]) for question in QUESTIONS],
        "<h2>Quality of the data</h2>", _quality(quality), _quarantine(samples),
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


# Head ---------------------------------------------------------------------------------------------------------------


def _tiles(quality: dict, views: dict, period: tuple) -> str:
    read = sum(quality[name]["read"] for name in TABLES)
    aside = sum(sum(quality[name]["quarantined"].values()) for name in TABLES)
    repeats = sum(quality[name]["duplicates"] for name in TABLES)
    first, last = period
    tiles = [
        (f"{read:,}", "records read"),
        (f"{quality['pin']['kept']:,}", "distinct posts"),
        (f"{repeats:,}", "repeats left out"),
        (f"{aside:,}", "records put aside"),
        (f"{len(views['popular_category_per_country']):,}", "countries"),
        (f"{len(views['profile_popularity']):,}", "profiles"),
        (f"{first} – {last}" if first else "–", "first and last post"),
    ]
    cells = [f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in tiles]
    return f'<section class="tiles">{"".join(cells)}</section>'


def _empty(quality: dict) -> str:
    if any(quality[name]["read"] for name in TABLES):
        return ""
    return '<p class="notice">There were no records: no objects of these topics were there, or all of them were empty.</p>'


def _section(title: str, *figures: str) -> str:
    return f'<h2>{title}</h2><div class="grid">{"".join(figures)}</div>'


def _figure(title: str, text: str, plot: str, shown: bool) -> str:
    body = plot if shown else '<p class="none">No rows.</p>'
    return f"<figure><figcaption><h3>{escape(title)}</h3><p>{escape(text)}</p></figcaption>{body}</figure>"


# Plots --------------------------------------------------------------------------------------------------------------


def _per_year(views: dict) -> str:
    rows = views["category_posts_per_year"]
    years = sorted({str(row["post_year"]) for row in rows})
    total = Counter()
    for row in rows:
        total[row["category"]] += row["category_count"]
    values = {(str(row["post_year"]), row["category"]): row["category_count"] for row in rows}
    names = [name for name, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))]
    return _figure("Posts by category and year", "2018 to 2022; the most popular category of each year has a frame.",
                   svg.heatmap(years, names, values, best="column"), bool(rows))


def _per_country(views: dict) -> str:
    rows = views["popular_category_per_country"]
    wins = Counter(row["category"] for row in rows)
    ordered = sorted(wins.items(), key=lambda item: (-item[1], item[0]))
    return _figure("In how many countries a category is the most popular", "Every country counts once.",
                   svg.bars([(name, count, "countries" if count > 1 else "country") for name, count in ordered]), bool(rows))


def _per_age(views: dict) -> str:
    rows = views["popular_category_per_age_group"]
    return _figure("Most popular category by age group", "How many posts the favourite of each group has.",
                   svg.bars([(row["age_group"], row["category_count"], row["category"]) for row in rows]), bool(rows))


def _popularity(views: dict) -> str:
    rows = views["profile_popularity"][:20]
    plotted = [(row["poster_name"], row["post_count"], _followers(row["follower_count"])) for row in rows]
    return _figure("Most popular profiles", "How often each was pinned, and its followers.", svg.bars(plotted), bool(rows))


def _most_followed(views: dict) -> str:
    rows = sorted(views["most_followed_user_per_country"], key=lambda row: (-row["follower_count"], row["country"]))[:15]
    plotted = [(row["poster_name"], row["follower_count"], row["country"]) for row in rows]
    first = views["country_of_most_followed_user"]
    text = f"The most followed of all was posted in {first[0]['country']}." if first else ""
    return _figure("Most followed users by country", text, svg.bars(plotted), bool(rows))


def _joined(views: dict) -> str:
    rows = views["users_joined_per_year"]
    return _figure("Users who joined", "2015 to 2020.",
                   svg.columns([(str(row["post_year"]), row["number_users_joined"], "users") for row in rows]), bool(rows))


def _medians(views: dict) -> list[str]:
    age = [(row["age_group"], row["median_follower_count"], "") for row in views["median_followers_per_age_group"]]
    year = [(str(row["post_year"]), row["median_follower_count"], "") for row in views["median_followers_per_joining_year"]]
    parts = [_figure("Median followers by age group", "Of the profiles that they pin.", svg.columns(age), bool(age)),
             _figure("Median followers by year of joining", "2015 to 2020.", svg.columns(year), bool(year))]
    for kind in ("joining", "posting"):
        rows = views[f"median_followers_per_{kind}_year_and_age_group"]
        years = sorted({str(row["post_year"]) for row in rows})
        groups = list(dict.fromkeys(row["age_group"] for row in sorted(rows, key=lambda row: row["age_group"].startswith("+"))))
        values = {(str(row["post_year"]), row["age_group"]): row["median_follower_count"] for row in rows}
        parts.append(_figure(f"Median followers by age group and year of {kind}", "", svg.heatmap(years, groups, values), bool(rows)))
    return parts


def _followers(count: int | None) -> str:
    return "" if count is None else f"{svg.short(count)} followers"


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
    names = "".join(f"<th>{escape(str(name))}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(value) -> str:
    if isinstance(value, int):
        # Years have no thousands.
        return f'<td class="n">{value if 1900 <= value < 2100 else format(value, ",")}</td>'
    return f"<td>{'' if value is None else escape(str(value))}</td>"


def _quality(quality: dict) -> str:
    rows = [[name, *(quality[name][key] for key in ("read", "kept", "duplicates")), sum(quality[name]["quarantined"].values()),
             quality[name]["rows_with_unknown_columns"], ", ".join(quality[name]["unknown_columns"])] for name in TABLES]
    head = ("table", "read", "kept", "repeats", "put aside", "rows with unknown columns", "unknown columns (left out)")
    nulled = [(name, column, count) for name in TABLES for column, count in quality[name]["nulled"].items() if count]
    text = ("<p>A record is kept, once, whatever its values are; what says nothing in a column (a placeholder, blank text) or "
            "cannot be its value is null there. What is no record of a post is put aside, with the reason.</p>")
    return (text + _table(head, rows) + "<h3>Values that became null</h3>"
            + (_table(("table", "column", "values"), nulled) if nulled else '<p class="none">None.</p>'))


def _quarantine(samples: dict[str, list[Row]]) -> str:
    rows = [(name, row["problem"], row["file"].rpartition("/")[2], row["value"][:_LINE_SHOWN])
            for name, found in samples.items() for row in found]
    if not rows:
        return ""
    return "<h3>Some of the records that were put aside</h3>" + _table(("table", "reason", "object", "begins with"), rows)
