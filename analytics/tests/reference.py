"""Every question answered by DuckDB, from the objects' text on, with none of the package's code: the cross-check."""

import duckdb

_CLEAN = r"""
create macro blank(value) as case when trim(value) = '' then null else value end;
create macro moment(value) as try_strptime(value, ['%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y:%m:%d %H:%M:%S']);
create macro followers(value) as case right(value, 1)
    when 'k' then 1000 when 'M' then 1000000 else 1 end * try_cast(regexp_replace(value, '[kM]$', '') as bigint);

create table pin as select distinct
    (json ->> 'index')::int as ind,
    json ->> 'unique_id' as unique_id,
    nullif(nullif(json ->> 'title', 'No Title Data Available'), 'Untitled') as title,
    case when json ->> 'description' in ('No description available', 'No description available Story format', 'Untitled')
         then null else json ->> 'description' end as description,
    followers(json ->> 'follower_count') as follower_count,
    nullif(json ->> 'poster_name', 'User Info Error') as poster_name,
    nullif(json ->> 'tag_list', 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e') as tag_list,
    json ->> 'is_image_or_video' as is_image_or_video,
    nullif(json ->> 'image_src', 'Image src error.') as image_src,
    replace(json ->> 'save_location', 'Local save in ', '') as save_location,
    json ->> 'category' as category
from read_ndjson_objects('{topics}/*.pin/partition=*/*.json');

create table geo as select distinct
    (json ->> 'ind')::int as ind, blank(json ->> 'country') as country,
    [(json ->> 'latitude')::double, (json ->> 'longitude')::double] as coordinates, moment(json ->> 'timestamp') as "timestamp"
from read_ndjson_objects('{topics}/*.geo/partition=*/*.json');

create table member as select distinct
    (json ->> 'ind')::int as ind, concat_ws(' ', json ->> 'first_name', json ->> 'last_name') as user_name,
    (json ->> 'age')::int as age, moment(json ->> 'date_joined') as date_joined
from read_ndjson_objects('{topics}/*.user/partition=*/*.json');

create view post as select pin.*, country, year("timestamp") as post_year from pin join geo using (ind);
create view person as select *, year(date_joined) as joining_year,
    case when age between 18 and 24 then '18-24' when age between 25 and 35 then '25-35'
         when age between 36 and 50 then '36-50' when age > 50 then '+50' end as age_group from member;
create view pinned as select pin.category, pin.follower_count, person.* from pin join person using (ind);
"""

_FAVOURITE = """select {group}, category, count(*) as category_count from {rows}
    where {group} is not null and category is not null {years} group by {group}, category
    qualify row_number() over (partition by {group} order by count(*) desc, category) = 1 order by {order}"""
_MEDIAN = """select * from (select {select}, quantile_disc(follower_count, 0.5) as median_follower_count from {rows}
    where {known} and follower_count is not null group by all) order by {order}"""
_BY_AGE = "age_group = '+50', age_group"
_RICHEST = """select country, poster_name, max(follower_count) as follower_count from post
    where country is not null and poster_name is not null and follower_count is not null group by country, poster_name
    qualify row_number() over (partition by country order by max(follower_count) desc, poster_name) = 1"""
_JOINED = "joining_year between 2015 and 2020"

QUERIES = {
    "popular_category_per_country": _FAVOURITE.format(group="country", rows="post", years="", order="country"),
    "category_posts_per_year": """select post_year, category, count(*) as category_count from post
        where post_year between 2018 and 2022 and category is not null group by all order by 1, 3 desc, 2""",
    "popular_category_2018_2022": _FAVOURITE.format(
        group="post_year", rows="post", years="and post_year between 2018 and 2022", order="1"),
    "most_followed_user_per_country": _RICHEST + " order by country",
    "country_of_most_followed_user":
        f"select country, follower_count from ({_RICHEST}) order by follower_count desc, country limit 1",
    "popular_category_per_age_group": _FAVOURITE.format(group="age_group", rows="pinned", years="", order=_BY_AGE),
    "median_followers_per_age_group": _MEDIAN.format(
        select="age_group", rows="pinned", known="age_group is not null", order=_BY_AGE),
    "users_joined_per_year": f"""select joining_year as post_year, count(*) as number_users_joined
        from (select distinct user_name, age, date_joined, joining_year from person where {_JOINED}) group by 1 order by 1""",
    "median_followers_per_joining_year": _MEDIAN.format(
        select="joining_year as post_year", rows="pinned", known=_JOINED, order="1"),
    "median_followers_per_joining_year_and_age_group": _MEDIAN.format(
        select="age_group, joining_year as post_year", rows="pinned", known=f"age_group is not null and {_JOINED}",
        order=f"{_BY_AGE}, 2"),
    "median_followers_per_posting_year_and_age_group": _MEDIAN.format(
        select='age_group, year(geo."timestamp") as post_year', rows="pinned join geo using (ind)",
        known='age_group is not null and year(geo."timestamp") between 2015 and 2020', order=f"{_BY_AGE}, 2"),
    "popular_category_per_year": _FAVOURITE.format(group="post_year", rows="post", years="", order="1"),
    "profile_popularity": """select row_number() over (order by post_count desc, follower_count desc nulls last, poster_name)
        as place, * from (select poster_name, count(*) as post_count, max(follower_count) as follower_count from pin
        where poster_name is not null group by 1) order by place""",
}


class Reference:
    """DuckDB over one folder of topics."""

    def __init__(self, topics: str):
        self._duckdb = duckdb.connect()
        self._duckdb.execute(_CLEAN.replace("{topics}", topics))

    def rows(self, query: str) -> list[tuple]:
        """The rows of any query on the tables above."""
        return self._duckdb.execute(query).fetchall()

    def answer(self, name: str) -> tuple[list[str], list[tuple]]:
        """Columns and rows of a question's answer."""
        found = self._duckdb.execute(QUERIES[name])
        return [column[0] for column in found.description], found.fetchall()
