"""The three topics of a user: `<user>.pin`, `<user>.geo`, `<user>.user`, and the columns of their records."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One of the three."""

    #: What follows the dot of the topic's name.
    name: str
    #: The members of a record's JSON object.
    fields: tuple[str, ...]
    #: The member that joins the three; a record without it belongs to no post.
    key: str

    def topic(self, user: str) -> str:
        """The Kafka topic, and the folder under `topics/`."""
        return f"{user}.{self.name}"

    def stream(self, user: str) -> str:
        """The Kinesis stream."""
        return f"streaming-{user}-{self.name}"

    def delta_table(self, user: str) -> str:
        """The streaming table."""
        return f"{user}_{self.name}_table"


PIN = Table(
    "pin",
    (
        "index", "unique_id", "title", "description", "poster_name", "follower_count", "tag_list", "is_image_or_video",
        "image_src", "downloaded", "save_location", "category",
    ),
    key="index",
)
GEO = Table("geo", ("ind", "timestamp", "latitude", "longitude", "country"), key="ind")
USER = Table("user", ("ind", "first_name", "last_name", "age", "date_joined"), key="ind")

#: By name, in the order in which a post sends them.
TABLES = {table.name: table for table in (PIN, GEO, USER)}
