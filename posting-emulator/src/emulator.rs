//! The loop: take a post's number, wait until it is due, read the row of the three tables, send
//! or print them.

use std::{io, sync::Arc, time::Instant};

use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    client::Sender,
    console,
    options::{Options, OptionsError, Target},
    pace::{Schedule, row_of_post},
    row::{DatetimeFormat, Row},
    source::{Source, SourceError},
    stats::{Acknowledgement, Stats},
    table::Table,
};

/// Makes posts as its options say.
#[derive(Debug)]
pub struct Emulator {
    options: Options,
    source: Arc<Source>,
}

/// The loop cannot go on. Requests that fail are not among these: they are counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// Rows could not be read.
    #[error("cannot read a row")]
    Source(#[from] SourceError),
    /// Rows could not be printed.
    #[error("cannot print a row")]
    Console(#[source] io::Error),
    /// The topics' URLs could not be made.
    #[error("cannot make the topics' URLs")]
    Url(#[from] http::Error),
    /// A worker died.
    #[error("a worker died")]
    Worker(#[source] tokio::task::JoinError),
}

/// What a worker needs.
struct Run {
    source: Arc<Source>,
    schedule: Schedule,
    proxy: Option<Sender>,
    streams: Option<Sender>,
    datetime_format: DatetimeFormat,
    seed: u64,
    stop: CancellationToken,
    stats: Arc<Stats>,
}

// === impl Emulator ===

impl Emulator {
    /// An emulator over synthetic rows.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn new(options: Options) -> Result<Self, OptionsError> {
        let source = Source::synthetic(options.seed, options.rows);
        Self::of(source, options)
    }

    /// An emulator over the rows of a source.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn of(source: Source, options: Options) -> Result<Self, OptionsError> {
        options.check()?;
        let source = Arc::new(source);
        Ok(Self { options, source })
    }

    /// Where the rows come from; the rows that acknowledgements name can be read here again.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The settings.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Makes posts until `options.posts` are made or `stop` is cancelled. A post that has begun
    /// is finished, but nothing is retried any more after `stop`.
    ///
    /// # Errors
    /// When rows cannot be read or printed. Failed requests are counted in `stats` instead.
    pub async fn run(
        &self,
        stop: CancellationToken,
        stats: Arc<Stats>,
    ) -> Result<(), EmulatorError> {
        let workers = self.options.workers.get();
        let (proxy, streams) = match &self.options.target {
            Target::Console => (None, None),
            Target::Proxy(proxy) => (Some(proxy), None),
            Target::Streams(streams) => (None, Some(streams)),
            Target::Both(proxy, streams) => (Some(proxy), Some(streams)),
        };
        let user = &self.options.user;
        let proxy = proxy.map(|target| Sender::to_proxy(target.clone(), user, workers));
        let streams = streams.map(|target| Sender::to_streams(target.clone(), user, workers));
        // A worker's error ends the others through this token, not the caller's.
        let run = Arc::new(Run {
            source: Arc::clone(&self.source),
            schedule: Schedule::new(self.options.pace, self.options.seed, self.options.posts),
            proxy: proxy.transpose()?,
            streams: streams.transpose()?,
            datetime_format: self.options.datetime_format,
            seed: self.options.seed,
            stop: stop.child_token(),
            stats,
        });
        let mut tasks = JoinSet::new();
        for _ in 0..workers {
            tasks.spawn(Arc::clone(&run).work());
        }
        join(tasks, &run.stop).await
    }
}

async fn join(
    mut tasks: JoinSet<Result<(), EmulatorError>>,
    stop: &CancellationToken,
) -> Result<(), EmulatorError> {
    let mut outcome = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let ended = ended.map_err(EmulatorError::Worker).and_then(|ended| ended);
        if ended.is_err() {
            stop.cancel();
            outcome = outcome.and(ended);
        }
    }
    outcome
}

// === impl Run ===

impl Run {
    async fn work(self: Arc<Self>) -> Result<(), EmulatorError> {
        while !self.stop.is_cancelled() {
            let Some(post) = self.schedule.take() else {
                break;
            };
            let pause = sleep(self.schedule.pause(post, Instant::now()));
            if self.stop.run_until_cancelled(pause).await.is_none() {
                break;
            }
            self.post(post).await?;
        }
        Ok(())
    }

    async fn post(&self, post: u64) -> Result<(), EmulatorError> {
        let number = row_of_post(self.seed, post, self.source.rows());
        let mut rows = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
            let row = self
                .source
                .row_until(table, number, &self.stop, &self.stats);
            let Some(row) = row.await? else {
                // Stopped while the database was away: this post has not begun.
                return Ok(());
            };
            rows.push(row);
        }
        let mut whole = true;
        if self.proxy.is_none() && self.streams.is_none() {
            self.print(&rows)?;
        }
        for sender in [&self.proxy, &self.streams].into_iter().flatten() {
            whole &= self.send(sender, number, &rows).await;
        }
        self.stats.post_made(whole);
        Ok(())
    }

    fn print(&self, rows: &[Row]) -> Result<(), EmulatorError> {
        console::print(rows).map_err(EmulatorError::Console)?;
        rows.iter().for_each(|_| self.stats.row_printed());
        Ok(())
    }

    /// Sends the rows one after the other; true when all were stored.
    async fn send(&self, sender: &Sender, number: u64, rows: &[Row]) -> bool {
        let mut whole = true;
        for (table, row) in Table::ALL.into_iter().zip(rows) {
            let value = row.to_json(self.datetime_format);
            let sent = sender.send(table, number, &value, &self.stop, &self.stats);
            let stored = match sent.await {
                Some(Some(stored)) => stored,
                Some(None) => {
                    self.stats.streamed(table);
                    continue;
                }
                None => {
                    whole = false;
                    continue;
                }
            };
            self.stats.acknowledged(Acknowledgement {
                table,
                partition: stored.partition,
                offset: stored.offset,
                row: number,
            });
        }
        whole
    }
}
