//! The three tables, their column names and the topics they go to.

/// A table of the source database. One post reads the same row number of all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// `pinterest_data`: what was pinned; topic `<user>.pin`.
    Pin,
    /// `geolocation_data`: when and where; topic `<user>.geo`.
    Geo,
    /// `user_data`: by whom; topic `<user>.user`.
    User,
}

// === impl Table ===

impl Table {
    /// All tables in the order in which a post reads and sends them.
    pub const ALL: [Table; 3] = [Table::Pin, Table::Geo, Table::User];

    /// The table's name in the source database.
    pub fn name(self) -> &'static str {
        match self {
            Table::Pin => "pinterest_data",
            Table::Geo => "geolocation_data",
            Table::User => "user_data",
        }
    }

    /// What follows the dot of the topic's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Table::Pin => "pin",
            Table::Geo => "geo",
            Table::User => "user",
        }
    }

    /// The topic that `user`'s rows of this table are posted to.
    pub fn topic(self, user: &str) -> String {
        format!("{user}.{}", self.suffix())
    }

    /// The Kinesis stream that `user`'s rows of this table are put into.
    pub fn stream(self, user: &str) -> String {
        format!("streaming-{user}-{}", self.suffix())
    }

    /// The columns in the order in which the database returns them.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Table::Pin => &PIN,
            Table::Geo => &GEO,
            Table::User => &USER,
        }
    }

    pub(crate) fn position(self) -> usize {
        match self {
            Table::Pin => 0,
            Table::Geo => 1,
            Table::User => 2,
        }
    }
}

const PIN: [&str; 12] = [
    "index",
    "unique_id",
    "title",
    "description",
    "poster_name",
    "follower_count",
    "tag_list",
    "is_image_or_video",
    "image_src",
    "downloaded",
    "save_location",
    "category",
];
const GEO: [&str; 5] = ["ind", "timestamp", "latitude", "longitude", "country"];
const USER: [&str; 5] = ["ind", "first_name", "last_name", "age", "date_joined"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_named_after_the_user() {
        let topics = Table::ALL.map(|table| table.topic("0a1b2c3d4e5f"));
        assert_eq!(
            topics,
            ["0a1b2c3d4e5f.pin", "0a1b2c3d4e5f.geo", "0a1b2c3d4e5f.user"]
        );
    }
}
