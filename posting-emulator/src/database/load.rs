//! Creates the three tables and fills them with synthetic rows, so that there is a database to read from.

use mysql_async::{Conn, Opts, Params, TxOpts, Value, prelude::Queryable};

use super::{Credentials, builder};
use crate::{row::Cell, source::SourceError, synthetic::Synthetic, table::Table};

/// What to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Rows of each table.
    pub rows: u64,
    /// Same seed, same rows.
    pub seed: u64,
    /// Rows of one INSERT.
    pub batch: u64,
    /// Whether rows that are there already are removed first.
    pub replace: bool,
}

/// Why the tables are not full.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The database refuses, or is away.
    #[error("the database: {0}")]
    Database(#[from] mysql_async::Error),
    /// There are rows already.
    #[error("the table {0} has rows already: --replace removes them")]
    Full(&'static str),
    /// The database's name has other characters than letters, digits, `_`, `-` and `$`.
    #[error("the database's name may have letters, digits, _, - and $")]
    Name,
    /// The generator refuses.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Makes the database and the tables where they are missing, and fills the tables. `told` hears how many rows of which table
/// are there.
///
/// # Errors
/// See [`LoadError`]. What was inserted before stays.
pub async fn load(
    credentials: &Credentials,
    options: &LoadOptions,
    mut told: impl FnMut(Table, u64),
) -> Result<(), LoadError> {
    let name = &credentials.database;
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-$".contains(c);
    if name.is_empty() || !name.chars().all(legal) {
        return Err(LoadError::Name);
    }
    let opts: Opts = builder(credentials).into();
    let mut connection = Conn::new(opts).await?;
    let create = format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4");
    connection.query_drop(create).await?;
    connection.query_drop(format!("USE `{name}`")).await?;
    for table in Table::ALL {
        if options.replace {
            connection
                .query_drop(format!("DROP TABLE IF EXISTS `{}`", table.name()))
                .await?;
        }
        connection.query_drop(definition(table)).await?;
        let count = format!("SELECT COUNT(*) FROM `{}`", table.name());
        if connection.query_first::<u64, _>(count).await?.unwrap_or(0) > 0 {
            return Err(LoadError::Full(table.name()));
        }
    }
    let rows = Synthetic::new(options.seed, options.rows);
    for table in Table::ALL {
        let mut next = 0;
        while next < options.rows {
            let end = options.rows.min(next + options.batch.max(1));
            insert(&mut connection, table, &rows, next..end).await?;
            next = end;
            told(table, next);
        }
    }
    connection.disconnect().await?;
    Ok(())
}

async fn insert(
    connection: &mut Conn,
    table: Table,
    rows: &Synthetic,
    numbers: std::ops::Range<u64>,
) -> Result<(), LoadError> {
    let columns: Vec<String> = table
        .columns()
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for number in numbers {
        places.push(format!("({})", vec!["?"; columns.len()].join(",")));
        let row = rows.row(table, number)?;
        values.extend(row.cells.into_iter().map(|(_, cell)| value(cell)));
    }
    let (columns, places) = (columns.join(","), places.join(","));
    let sql = format!("INSERT INTO `{}` ({columns}) VALUES {places}", table.name());
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    transaction
        .exec_drop(sql, Params::Positional(values))
        .await?;
    transaction.commit().await?;
    Ok(())
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::NULL,
        Cell::Int(number) => Value::Int(number),
        Cell::Float(number) => Value::Double(number),
        Cell::Text(text) => Value::Bytes(text.into_bytes()),
        Cell::Datetime(at) => Value::Date(
            u16::try_from(at.year()).unwrap_or(0),
            at.month().unsigned_abs(),
            at.day().unsigned_abs(),
            at.hour().unsigned_abs(),
            at.minute().unsigned_abs(),
            at.second().unsigned_abs(),
            0,
        ),
    }
}

/// The columns as the original's tables have them.
fn definition(table: Table) -> &'static str {
    match table {
        Table::Pin => {
            "CREATE TABLE IF NOT EXISTS `pinterest_data` (`index` INT NOT NULL PRIMARY KEY, `unique_id` VARCHAR(64), \
             `title` TEXT, `description` MEDIUMTEXT, `poster_name` TEXT, `follower_count` VARCHAR(64), `tag_list` TEXT, \
             `is_image_or_video` VARCHAR(64), `image_src` TEXT, `downloaded` INT, `save_location` TEXT, \
             `category` VARCHAR(64)) CHARACTER SET utf8mb4"
        }
        Table::Geo => {
            "CREATE TABLE IF NOT EXISTS `geolocation_data` (`ind` INT NOT NULL PRIMARY KEY, `timestamp` DATETIME, \
             `latitude` DOUBLE, `longitude` DOUBLE, `country` VARCHAR(128)) CHARACTER SET utf8mb4"
        }
        Table::User => {
            "CREATE TABLE IF NOT EXISTS `user_data` (`ind` INT NOT NULL PRIMARY KEY, `first_name` VARCHAR(128), \
             `last_name` VARCHAR(128), `age` INT, `date_joined` DATETIME) CHARACTER SET utf8mb4"
        }
    }
}
