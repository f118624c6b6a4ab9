"""The answers in a few sentences: what a reader wants to know first."""

from collections import Counter
from html import escape

from pyspark.sql import Row

from analytics.svg import short


def sentences(views: dict[str, list[Row]]) -> list[str]:
    """HTML, one sentence each, of the answers that have rows."""
    found = [_category(views), _profile(views), _most_followed(views), _year(views), _age(views)]
    return [sentence for sentence in found if sentence]


def _category(views) -> str:
    rows = views["popular_category_per_country"]
    if not rows:
        return ""
    wins = Counter(row["category"] for row in rows)
    category, count = min(wins.items(), key=lambda item: (-item[1], item[0]))
    return f"{_name(category)} is the most popular category in {count} of {len(rows)} countries."


def _profile(views) -> str:
    rows = views["profile_popularity"]
    if not rows:
        return ""
    posts = rows[0]["post_count"]
    return f"{_name(rows[0]['poster_name'])} was pinned most often, {posts:,} {'time' if posts == 1 else 'times'}."


def _most_followed(views) -> str:
    rows = views["most_followed_user_per_country"]
    if not rows:
        return ""
    first = min(rows, key=lambda row: (-row["follower_count"], row["country"]))
    return (f"{_name(first['poster_name'])}, pinned in {escape(first['country'])}, has the most followers: "
            f"{short(first['follower_count'])}.")


def _year(views) -> str:
    rows = views["users_joined_per_year"]
    if not rows:
        return ""
    best = max(rows, key=lambda row: row["number_users_joined"])
    return f"Most users joined in {_name(str(best['post_year']))}: {best['number_users_joined']:,}."


def _age(views) -> str:
    rows = views["median_followers_per_age_group"]
    if not rows:
        return ""
    best = max(rows, key=lambda row: row["median_follower_count"])
    return f"People of {_name(best['age_group'])} pin the profiles with most followers: {short(best['median_follower_count'])} in the median."


def _name(text: str) -> str:
    return f"<b>{escape(text)}</b>"
