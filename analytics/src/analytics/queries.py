"""The questions of milestone 7, and what the two pipelines are for: popular categories and popular profiles.

Ties are broken so that the same rows give the same answers: higher count (or more followers) first, then the name in
alphabetical order. Rows whose group is unknown (no country, no year, no age) are left out of that question.
A median is a value that occurs: the lower of the two in the middle.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

#: Years of posting that the course asks for, and years of joining.
POSTED = (2018, 2022)
JOINED = (2015, 2020)


@dataclass(frozen=True)
class Question:
    """One question and the name of its view."""

    name: str
    #: The number in the course's list, where it has one.
    number: str
    title: str
    answer: Callable[["Frames"], DataFrame]


class Frames:
    """The clean tables, and their joins on `ind` with the columns that questions ask for."""

    def __init__(self, pin: DataFrame, geo: DataFrame, user: DataFrame):
        self.pin, self.geo, self.user = pin, geo, user

    @cached_property
    def pin_geo(self) -> DataFrame:
        """Posts with where and when."""
        geo = self.geo.select("ind", "country", F.year("timestamp").alias("post_year"))
        return self.pin.select("ind", "category", "poster_name", "follower_count").join(geo, "ind").persist()

    @cached_property
    def users(self) -> DataFrame:
        """`user` with age groups and years of joining."""
        return self.user.select(
            "ind", "user_name", "age", "date_joined", age_group(F.col("age")).alias("age_group"),
            F.year("date_joined").alias("joining_year"))

    @cached_property
    def pin_user(self) -> DataFrame:
        """Posts with by whom."""
        user = self.users.select("ind", "age_group", "joining_year")
        return self.pin.select("ind", "category", "follower_count").join(user, "ind").persist()

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_) -> None:
        """Gives the memory of the joins back."""
        for name in ("pin_geo", "pin_user"):
            if name in self.__dict__:
                self.__dict__.pop(name).unpersist()


# Pieces -------------------------------------------------------------------------------------------------------------


def age_group(age: Column) -> Column:
    """`18-24`, `25-35`, `36-50`, `+50`; null below 18."""
    return (F.when(age.between(18, 24), "18-24").when(age.between(25, 35), "25-35")
            .when(age.between(36, 50), "36-50").when(age > 50, "+50"))


def _age_order(name: str = "age_group") -> Column:
    """The groups by age: `+50` sorts before `18-24` as text."""
    return F.when(F.col(name) == "+50", 1).otherwise(0)


def _counted(rows: DataFrame, *groups: str) -> DataFrame:
    """How often each category occurs in each group."""
    known = rows.dropna(subset=[*groups, "category"])
    return known.groupBy(*groups, "category").agg(F.count(F.lit(1)).alias("category_count"))


def _top(rows: DataFrame, groups: list[str], *order: Column) -> DataFrame:
    """The first row of each group."""
    rank = F.row_number().over(Window.partitionBy(*groups).orderBy(*order))
    return rows.withColumn("rank", rank).where("rank = 1").drop("rank")


def _top_category(rows: DataFrame, group: str) -> DataFrame:
    return _top(_counted(rows, group), [group], F.desc("category_count"), F.asc("category"))


def _median_followers(rows: DataFrame, *groups: str) -> DataFrame:
    """Medians of follower counts, unknown ones left out."""
    median = F.expr("percentile_disc(0.5) WITHIN GROUP (ORDER BY follower_count)").cast("bigint")
    known = rows.dropna(subset=[*groups, "follower_count"])
    return known.groupBy(*groups).agg(median.alias("median_follower_count"))


def _within(rows: DataFrame, column: str, years: tuple[int, int]) -> DataFrame:
    return rows.where(F.col(column).between(*years))


# Questions ----------------------------------------------------------------------------------------------------------


def popular_category_per_country(frames: Frames) -> DataFrame:
    return _top_category(frames.pin_geo, "country").select("country", "category", "category_count").orderBy("country")


def category_posts_per_year(frames: Frames) -> DataFrame:
    counted = _counted(_within(frames.pin_geo, "post_year", POSTED), "post_year")
    return counted.orderBy("post_year", F.desc("category_count"), "category")


def popular_category_2018_2022(frames: Frames) -> DataFrame:
    return _top_category(_within(frames.pin_geo, "post_year", POSTED), "post_year").orderBy("post_year")


def popular_category_per_year(frames: Frames) -> DataFrame:
    return _top_category(frames.pin_geo, "post_year").orderBy("post_year")


def _followers_per_country(frames: Frames) -> DataFrame:
    known = frames.pin_geo.dropna(subset=["country", "poster_name", "follower_count"])
    most = known.groupBy("country", "poster_name").agg(F.max("follower_count").alias("follower_count"))
    return _top(most, ["country"], F.desc("follower_count"), F.asc("poster_name"))


def most_followed_user_per_country(frames: Frames) -> DataFrame:
    return _followers_per_country(frames).select("country", "poster_name", "follower_count").orderBy("country")


def country_of_most_followed_user(frames: Frames) -> DataFrame:
    first = _followers_per_country(frames).orderBy(F.desc("follower_count"), "country").limit(1)
    return first.select("country", "follower_count")


def popular_category_per_age_group(frames: Frames) -> DataFrame:
    return _top_category(frames.pin_user, "age_group").orderBy(_age_order(), "age_group")


def median_followers_per_age_group(frames: Frames) -> DataFrame:
    return _median_followers(frames.pin_user, "age_group").orderBy(_age_order(), "age_group")


def users_joined_per_year(frames: Frames) -> DataFrame:
    """A user is a name, an age and a moment of joining: the same person is in many rows."""
    users = _within(frames.users, "joining_year", JOINED).select("user_name", "age", "date_joined", "joining_year").distinct()
    counted = users.groupBy(F.col("joining_year").alias("post_year")).agg(F.count(F.lit(1)).alias("number_users_joined"))
    return counted.orderBy("post_year")


def median_followers_per_joining_year(frames: Frames) -> DataFrame:
    rows = _within(frames.pin_user, "joining_year", JOINED).withColumnRenamed("joining_year", "post_year")
    return _median_followers(rows, "post_year").orderBy("post_year")


def median_followers_per_joining_year_and_age_group(frames: Frames) -> DataFrame:
    rows = _within(frames.pin_user, "joining_year", JOINED).withColumnRenamed("joining_year", "post_year")
    return _median_followers(rows, "age_group", "post_year").orderBy(_age_order(), "age_group", "post_year")


def median_followers_per_posting_year_and_age_group(frames: Frames) -> DataFrame:
    posted = _within(frames.geo.select("ind", F.year("timestamp").alias("post_year")), "post_year", JOINED)
    rows = frames.pin_user.select("ind", "follower_count", "age_group").join(posted, "ind")
    return _median_followers(rows, "age_group", "post_year").orderBy(_age_order(), "age_group", "post_year")


def profile_popularity(frames: Frames) -> DataFrame:
    """Every profile: how often it was pinned, the most followers that it was seen with, its place."""
    known = frames.pin.dropna(subset=["poster_name"])
    profiles = known.groupBy("poster_name").agg(
        F.count(F.lit(1)).alias("post_count"), F.max("follower_count").alias("follower_count"))
    order = [F.desc("post_count"), F.desc_nulls_last("follower_count"), F.asc("poster_name")]
    placed = profiles.withColumn("place", F.row_number().over(Window.orderBy(*order)))
    return placed.select("place", "poster_name", "post_count", "follower_count").orderBy("place")


QUESTIONS = (
    Question("popular_category_per_country", "1", "Most popular category in each country", popular_category_per_country),
    Question("category_posts_per_year", "2", "Posts in each category, 2018 to 2022", category_posts_per_year),
    Question("popular_category_2018_2022", "2b", "Most popular category of each year, 2018 to 2022",
             popular_category_2018_2022),
    Question("most_followed_user_per_country", "3a", "The user with most followers in each country",
             most_followed_user_per_country),
    Question("country_of_most_followed_user", "3b", "The country with the user with most followers",
             country_of_most_followed_user),
    Question("popular_category_per_age_group", "4", "Most popular category in each age group",
             popular_category_per_age_group),
    Question("median_followers_per_age_group", "5", "Median follower count in each age group",
             median_followers_per_age_group),
    Question("users_joined_per_year", "6", "Users who joined in each year, 2015 to 2020", users_joined_per_year),
    Question("median_followers_per_joining_year", "7", "Median follower count by year of joining",
             median_followers_per_joining_year),
    Question("median_followers_per_joining_year_and_age_group", "8", "Median follower count by year of joining and age group",
             median_followers_per_joining_year_and_age_group),
    Question("median_followers_per_posting_year_and_age_group", "9", "Median follower count by year of posting and age group",
             median_followers_per_posting_year_and_age_group),
    Question("popular_category_per_year", "", "Most popular category of every year", popular_category_per_year),
    Question("profile_popularity", "", "Popularity of profiles", profile_popularity),
)


def answers(frames: Frames) -> Iterator[tuple[str, DataFrame]]:
    """Name and answer of each question."""
    return ((question.name, question.answer(frames)) for question in QUESTIONS)
