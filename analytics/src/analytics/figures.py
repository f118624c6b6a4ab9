"""The report's figures: which answers are drawn, and how."""

from collections import Counter
from html import escape

from pyspark.sql import Row

from analytics import svg

Views = dict[str, list[Row]]


def sections(views: Views) -> list[tuple[str, list[str]]]:
    """Headings, and the figures below each, as HTML. `views`: the rows of every answer by name."""
    return [
        ("Categories", [_per_year(views), _per_country(views), _per_age(views)]),
        ("Profiles", [_popularity(views), _most_followed(views)]),
        ("People", [_joined(views), *_medians(views)]),
    ]


def _figure(title: str, text: str, plot: str, shown: bool) -> str:
    body = plot if shown else '<p class="none">No rows.</p>'
    return f"<figure><figcaption><h3>{escape(title)}</h3><p>{escape(text)}</p></figcaption>{body}</figure>"


def _per_year(views: Views) -> str:
    rows = views["category_posts_per_year"]
    years = sorted({str(row["post_year"]) for row in rows})
    total = Counter()
    for row in rows:
        total[row["category"]] += row["category_count"]
    values = {(str(row["post_year"]), row["category"]): row["category_count"] for row in rows}
    names = [name for name, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))]
    return _figure("Posts by category and year", "2018 to 2022; the most popular category of each year has a frame.",
                   svg.heatmap(years, names, values, best="column"), bool(rows))


def _per_country(views: Views) -> str:
    rows = views["popular_category_per_country"]
    wins = Counter(row["category"] for row in rows)
    ordered = sorted(wins.items(), key=lambda item: (-item[1], item[0]))
    return _figure("Most popular category by country", "In how many countries each is the first.",
                   svg.bars([(name, count, "") for name, count in ordered]), bool(rows))


def _per_age(views: Views) -> str:
    rows = views["popular_category_per_age_group"]
    return _figure("Most popular category by age group", "How many posts the favourite of each group has.",
                   svg.bars([(row["age_group"], row["category_count"], row["category"]) for row in rows]), bool(rows))


def _popularity(views: Views) -> str:
    rows = views["profile_popularity"][:20]
    plotted = [(row["poster_name"], row["post_count"], _followers(row["follower_count"])) for row in rows]
    return _figure("Most popular profiles", "How often each was pinned, and its followers.", svg.bars(plotted), bool(rows))


def _most_followed(views: Views) -> str:
    rows = sorted(views["most_followed_user_per_country"], key=lambda row: (-row["follower_count"], row["country"]))[:15]
    plotted = [(row["poster_name"], row["follower_count"], row["country"]) for row in rows]
    first = views["country_of_most_followed_user"]
    text = f"The most followed of all was posted in {first[0]['country']}." if first else ""
    return _figure("Most followed users by country", text, svg.bars(plotted), bool(rows))


def _joined(views: Views) -> str:
    rows = views["users_joined_per_year"]
    return _figure("Users who joined", "2015 to 2020.",
                   svg.columns([(str(row["post_year"]), row["number_users_joined"], "users") for row in rows]), bool(rows))


def _medians(views: Views) -> list[str]:
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
