"""What a clean row is. Batch and streaming use this module and no other.

In: a frame with the columns of a record as text (or as whatever a reader inferred: everything is made text first).
Out: the columns of the course's notebooks, in their order and with their types. A value that says nothing (a
placeholder, blank text) or cannot be what its column holds becomes null; no row is dropped here.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from analytics.tables import GEO, PIN, USER, Table

#: What the scraper wrote where it found nothing, exactly.
PLACEHOLDERS = {
    "title": ("No Title Data Available", "Untitled"),
    "description": ("No description available", "No description available Story format", "Untitled"),
    "poster_name": ("User Info Error",),
    "follower_count": ("User Info Error",),
    "tag_list": ("N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e",),
    "image_src": ("Image src error.",),
}

#: `2018-08-28 03:52:47`, with `T` between (ISO 8601), fractions and a zone where there are some, or a date alone.
_DATETIME = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?$"
#: `2018:08:28 03:52:47`: some emulators' spelling of the date.
_COLON_DATE = r"^(\d{4}):(\d{2}):(\d{2})(?=$|[ T])"
_COUNT = r"^(\d{1,12}(?:\.\d{1,6})?)\s*([kKmMbB]?)$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_OLDEST = 130


@dataclass(frozen=True)
class Cleaned:
    """A column of a clean table."""

    name: str
    #: The members of the record that it is made of.
    sources: tuple[str, ...]
    value: Column


# Pieces -------------------------------------------------------------------------------------------------------------


def text(name: str) -> Column:
    """The column as text; null if it is blank or a placeholder of that column."""
    value = F.col(f"`{name}`").cast("string")
    stripped = F.trim(value)
    says_nothing = (F.length(stripped) == 0) | stripped.isin(*PLACEHOLDERS.get(name, ("",)))
    return F.when(~says_nothing, value)


def number(value: Column) -> Column:
    """A number or its text as a double; null for anything else, infinities and NaN among it."""
    stripped = F.trim(value.cast("string"))
    parsed = F.when(stripped.rlike(_NUMBER), stripped.try_cast("double"))
    return F.when(F.abs(parsed) < F.lit(float("inf")), parsed)


def integer(value: Column, kind: str = "int") -> Column:
    """A whole number or its text (`7`, `"7"`, `7.0`); null for anything else and for what does not fit."""
    parsed = number(value)
    return F.when(parsed == F.floor(parsed), parsed.try_cast(kind))


def follower_count(value: Column) -> Column:
    """`0`, `942`, `1.2k`, `124k`, `5M` as a number of followers."""
    stripped = F.trim(value.cast("string"))
    unit = F.lower(F.regexp_extract(stripped, _COUNT, 2))
    factor = F.when(unit == "k", 1_000).when(unit == "m", 1_000_000).when(unit == "b", 1_000_000_000).otherwise(1)
    # Decimal: 1.1 * 1000 is 1100.0000000000002 in binary.
    count = F.regexp_extract(stripped, _COUNT, 1).try_cast("decimal(24,6)") * factor.cast("decimal(10,0)")
    return F.when(stripped.rlike(_COUNT), F.floor(count).cast("bigint"))


def timestamp(value: Column) -> Column:
    """A date and time in any of the three spellings, in UTC where it names no zone; null for anything else."""
    spelled = F.regexp_replace(F.trim(value.cast("string")), _COLON_DATE, "$1-$2-$3")
    return F.when(spelled.rlike(_DATETIME), spelled.try_cast("timestamp"))


def _coordinates() -> Column:
    latitude, longitude = number(F.col("latitude")), number(F.col("longitude"))
    latitude = F.when(latitude.between(-90, 90), latitude)
    longitude = F.when(longitude.between(-180, 180), longitude)
    return F.when(latitude.isNotNull() | longitude.isNotNull(), F.array(latitude, longitude))


def _user_name() -> Column:
    name = F.concat_ws(" ", text("first_name"), text("last_name"))
    return F.when(F.length(name) > 0, name)


def _age() -> Column:
    age = integer(F.col("age"))
    return F.when(age.between(0, _OLDEST), age)


# Tables -------------------------------------------------------------------------------------------------------------


def columns(table: Table) -> tuple[Cleaned, ...]:
    """The columns of the clean table, in order."""
    return {PIN: _pin, GEO: _geo, USER: _user}[table]()


def _pin() -> tuple[Cleaned, ...]:
    def plain(name: str) -> Cleaned:
        return Cleaned(name, (name,), text(name))

    location = F.regexp_replace(text("save_location"), r"^\s*Local save in ", "")
    return (
        Cleaned("ind", ("index",), integer(F.col("index"))),
        plain("unique_id"),
        plain("title"),
        plain("description"),
        Cleaned("follower_count", ("follower_count",), follower_count(text("follower_count"))),
        plain("poster_name"),
        plain("tag_list"),
        plain("is_image_or_video"),
        plain("image_src"),
        Cleaned("save_location", ("save_location",), location),
        plain("category"),
    )


def _geo() -> tuple[Cleaned, ...]:
    return (
        Cleaned("ind", ("ind",), integer(F.col("ind"))),
        Cleaned("country", ("country",), text("country")),
        Cleaned("coordinates", ("latitude", "longitude"), _coordinates()),
        Cleaned("timestamp", ("timestamp",), timestamp(F.col("timestamp"))),
    )


def _user() -> tuple[Cleaned, ...]:
    return (
        Cleaned("ind", ("ind",), integer(F.col("ind"))),
        Cleaned("user_name", ("first_name", "last_name"), _user_name()),
        Cleaned("age", ("age",), _age()),
        Cleaned("date_joined", ("date_joined",), timestamp(F.col("date_joined"))),
    )


def clean(records: DataFrame, table: Table) -> DataFrame:
    """The clean rows of `records`, one for one."""
    return records.select(*[column.value.alias(column.name) for column in columns(table)])


def nulled(column: Cleaned) -> Column:
    """True where the record holds something for this column and the clean row does not."""
    held = F.lit(False)
    for name in column.sources:
        held = held | F.col(f"`{name}`").isNotNull()
    return held & column.value.isNull()


def clean_pin(df: DataFrame) -> DataFrame:
    """`df_pin` as the course wants it."""
    return clean(df, PIN)


def clean_geo(df: DataFrame) -> DataFrame:
    """`df_geo` as the course wants it."""
    return clean(df, GEO)


def clean_user(df: DataFrame) -> DataFrame:
    """`df_user` as the course wants it."""
    return clean(df, USER)
