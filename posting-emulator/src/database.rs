//! The three tables in a real MySQL or MariaDB, read as the original reads them: `SELECT * FROM <table> LIMIT <n>, 1`.
//!
//! ```text
//! worker ─▶ row ─▶ pool (a connection a worker at most) ─▶ MySQL
//!             └── lost: counted, waited for with growing pauses, asked again ── until it is back, or the run stops
//! ```
//!
//! In: where it is ([`Credentials`]). Out: rows with the columns that the tables have. What fails: a table that is missing or
//! empty. A database that is away fails nothing.

pub mod credentials;
mod load;
mod value;

use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, prelude::Queryable};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    retry::RetryPolicy,
    row::Row,
    source::SourceError,
    stats::{ErrorKind, Stats},
    table::Table,
};

pub use credentials::{Credentials, CredentialsError};
pub use load::{LoadError, LoadOptions, load};

/// Longest wait for a connection and for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database with the three tables.
#[derive(Debug)]
pub struct Database {
    pool: Pool,
    rows: u64,
    retry: RetryPolicy,
}

/// Why a question has no answer.
enum Failure {
    /// It may have one later.
    Away(String),
    /// It will not.
    Wrong(String),
}

// === impl Database ===

impl Database {
    /// Connects, waiting until the database is there, and counts the rows. None: the run was stopped meanwhile.
    ///
    /// # Errors
    /// A table is missing or empty, or the user may not read it.
    pub async fn connect(
        credentials: &Credentials,
        workers: usize,
        stop: &CancellationToken,
        stats: &Stats,
    ) -> Result<Option<Self>, SourceError> {
        let mut this = Self {
            pool: Pool::new(opts(credentials, workers)),
            rows: u64::MAX,
            retry: RetryPolicy::default(),
        };
        for table in Table::ALL {
            let sql = format!("SELECT COUNT(*) FROM `{}`", table.name());
            let Some(counted) = this.persist(&sql, None, stop, stats).await? else {
                return Ok(None);
            };
            let count = counted.and_then(|row| row.get::<u64, _>(0)).unwrap_or(0);
            if count == 0 {
                return Err(SourceError::Database(format!(
                    "the table {} is empty",
                    table.name()
                )));
            }
            this.rows = this.rows.min(count);
        }
        Ok(Some(this))
    }

    /// Rows of the smallest of the tables.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Row `number` of `table`; none when the run was stopped before the database gave it.
    ///
    /// # Errors
    /// The table has fewer rows by now, or is no longer what it was.
    pub(crate) async fn row(
        &self,
        table: Table,
        number: u64,
        stop: &CancellationToken,
        stats: &Stats,
    ) -> Result<Option<Row>, SourceError> {
        let sql = format!("SELECT * FROM `{}` LIMIT ?, 1", table.name());
        match self.persist(&sql, Some(number), stop, stats).await? {
            None => Ok(None),
            Some(Some(row)) => Ok(Some(value::row(table, row))),
            Some(None) => Err(SourceError::NoSuchRow {
                table: table.name(),
                number,
                rows: self.rows,
            }),
        }
    }

    /// Asks for one row, with a number in its place, until there is an answer. None: the run was stopped.
    async fn persist(
        &self,
        sql: &str,
        number: Option<u64>,
        stop: &CancellationToken,
        stats: &Stats,
    ) -> Result<Option<Option<mysql_async::Row>>, SourceError> {
        for attempt in 0_u32.. {
            let answer = timeout(PATIENCE, self.ask(sql, number)).await;
            let failure = match answer {
                Ok(Ok(answer)) => return Ok(Some(answer)),
                Ok(Err(error)) => failure(&error),
                Err(_) => Failure::Away("no answer in time".to_owned()),
            };
            let reason = match failure {
                Failure::Wrong(reason) => return Err(SourceError::Database(reason)),
                Failure::Away(reason) => reason,
            };
            stats.failed(ErrorKind::Database);
            if attempt == 0 {
                stats.note(format!("the database is away: {reason}; trying again"));
            }
            let pause = self.retry.pause(attempt, None, u64::from(attempt));
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                break;
            }
        }
        Ok(None)
    }

    async fn ask(
        &self,
        sql: &str,
        number: Option<u64>,
    ) -> Result<Option<mysql_async::Row>, mysql_async::Error> {
        let mut connection = self.pool.get_conn().await?;
        let parameters = match number {
            Some(number) => Params::Positional(vec![number.into()]),
            None => Params::Empty,
        };
        connection.exec_first(sql, parameters).await
    }
}

fn opts(credentials: &Credentials, workers: usize) -> Opts {
    let constraints = PoolConstraints::new(0, workers.max(1)).unwrap_or_default();
    builder(credentials)
        .db_name(Some(credentials.database.clone()))
        .pool_opts(PoolOpts::default().with_constraints(constraints))
        .into()
}

fn builder(credentials: &Credentials) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname(credentials.host.clone())
        .tcp_port(credentials.port)
        .user(Some(credentials.user.clone()))
        .pass(Some(credentials.password.expose().to_owned()))
        .prefer_socket(false)
}

/// Errors of the server about the question itself do not pass by waiting; all others may.
fn failure(error: &mysql_async::Error) -> Failure {
    /// Server is starting or going, too many connections, a lock was waited for or broken, the query was killed.
    const PASSING: [u16; 8] = [1040, 1053, 1152, 1205, 1213, 1317, 1927, 3169];
    match error {
        mysql_async::Error::Server(server) if !PASSING.contains(&server.code) => {
            Failure::Wrong(format!("{} ({})", server.message, server.code))
        }
        other => Failure::Away(other.to_string()),
    }
}
