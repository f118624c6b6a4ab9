//! Clients of the REST proxy that produce while a test does harm elsewhere, and remember what they were told: afterwards every
//! answer has to be true.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::cases::produce;
use crate::http::{Client, Request};
use crate::kafka::Record;

/// Records a request.
const BATCH: u64 = 3;

/// A record of a client: its key and its number.
type Name = (usize, u64);

/// What the clients of a [`RestLoad`] were told.
#[derive(Debug, Default)]
pub struct Told {
    /// Where a record lies by its 200: partition and offset.
    pub places: HashMap<Name, (i64, i64)>,
    /// Answers without an offset, by status or error code.
    pub refusals: BTreeMap<String, u64>,
    /// For each client, when it was told that something is written.
    pub successes: Vec<Vec<Instant>>,
}

/// Running clients, each with one request at a time.
pub struct RestLoad {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Result<Told>>>,
}

impl RestLoad {
    /// Starts `clients` of them, every second without a key in its records. `pause` lies between two requests of a client. `header`, when given, makes a header of
    /// each request from its number (an idempotency key, say); a client then repeats what was not answered.
    #[must_use]
    pub fn start(
        http: &Client,
        topic: &str,
        clients: usize,
        pause: Duration,
        header: Option<&'static str>,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let run = |key| {
            let client = OneClient {
                http: http.clone(),
                path: format!("/topics/{topic}"),
                key,
                header,
                told: Told {
                    successes: vec![Vec::new()],
                    ..Told::default()
                },
            };
            let stop = Arc::clone(&stop);
            tokio::spawn(client.run(stop, pause))
        };
        Self {
            clients: (0..clients).map(run).collect(),
            stop,
        }
    }

    /// Ends the clients after their requests under way.
    ///
    /// # Errors
    /// An answer that cannot be understood.
    pub async fn stop(self) -> Result<Told> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Told::default();
        for client in self.clients {
            let told = client.await?.context("a REST client under load")?;
            all.places.extend(told.places);
            for (refusal, times) in told.refusals {
                *all.refusals.entry(refusal).or_default() += times;
            }
            all.successes.extend(told.successes);
        }
        Ok(all)
    }
}

struct OneClient {
    http: Client,
    path: String,
    key: usize,
    header: Option<&'static str>,
    told: Told,
}

impl OneClient {
    async fn run(mut self, stop: Arc<AtomicBool>, pause: Duration) -> Result<Told> {
        let mut next = 0;
        while !stop.load(Ordering::Relaxed) {
            let answered = self.send(next).await?;
            // Without a key to repeat it by, what was not answered stays open: it may be written once or not at all.
            if answered || self.header.is_none() {
                next += BATCH;
            }
            tokio::time::sleep(pause).await;
        }
        Ok(self.told)
    }

    fn request(&self, first: u64) -> Request {
        let value = |n: u64| json!({"k": self.key, "n": n});
        // The proxy writes records without a key itself, and those with one by librdkafka.
        let record = |n: u64| match self.key % 2 {
            0 => json!({"key": format!("k{}", self.key), "value": value(n)}),
            _ => json!({"value": value(n)}),
        };
        let records: Vec<Value> = (first..first + BATCH).map(record).collect();
        let request = produce(&self.path, &json!({"records": records}));
        match self.header {
            Some(name) => request.header(name, &format!("{}-{}-{first}", self.path, self.key)),
            None => request,
        }
    }

    /// Whether there was an answer about every record.
    async fn send(&mut self, first: u64) -> Result<bool> {
        let answer = match self.http.call(&self.request(first)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.refused("no answer");
                return Ok(false);
            }
        };
        if answer.status != 200 {
            self.refused(&answer.status.to_string());
            return Ok(false);
        }
        let body = answer.json()?;
        let entries = body["offsets"].as_array().context("no offsets")?;
        ensure!(entries.len() as u64 == BATCH, "{body}");
        for (n, entry) in (first..).zip(entries) {
            match (entry["partition"].as_i64(), entry["offset"].as_i64()) {
                (Some(partition), Some(offset)) if entry["error_code"].is_null() => {
                    self.told.places.insert((self.key, n), (partition, offset));
                }
                _ => self.refused(&format!("200 with {}", entry["error_code"])),
            }
        }
        self.told.successes[0].push(Instant::now());
        Ok(true)
    }

    fn refused(&mut self, what: &str) {
        *self.told.refusals.entry(what.to_owned()).or_default() += 1;
    }
}

/// What the log says about what the clients were told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Records of the log.
    pub records: usize,
    /// Records with a 200 and an offset that do not lie there.
    pub lost: usize,
    /// Records that lie in the log more than once.
    pub duplicated: usize,
    /// Records that lie behind a later one of their client in the same partition.
    pub disordered: usize,
}

impl Told {
    /// Compares with the log.
    ///
    /// # Errors
    /// A record that no client wrote.
    pub fn judge(&self, log: &[Record]) -> Result<Verdict> {
        let mut verdict = Verdict {
            records: log.len(),
            ..Verdict::default()
        };
        let mut found: HashMap<Name, Vec<(i64, i64)>> = HashMap::new();
        let mut last: HashMap<(usize, i32), u64> = HashMap::new();
        for record in log {
            let value: Value = serde_json::from_str(&record.text())?;
            let (key, n) = (value["k"].as_u64(), value["n"].as_u64());
            let (key, n) = key.zip(n).with_context(|| record.text())?;
            let key = usize::try_from(key)?;
            let place = (i64::from(record.partition), record.offset);
            found.entry((key, n)).or_default().push(place);
            let before = last.insert((key, record.partition), n);
            verdict.disordered += usize::from(before.is_some_and(|before| before >= n));
        }
        verdict.duplicated = found.values().map(|places| places.len() - 1).sum();
        let there = |(name, place): &(&Name, &(i64, i64))| {
            found.get(name).is_some_and(|places| places.contains(place))
        };
        verdict.lost = self.places.iter().filter(|told| !there(told)).count();
        Ok(verdict)
    }

    /// The longest time between two successes of one client, and the median of the longest of all clients.
    #[must_use]
    pub fn longest_pauses(&self) -> (Duration, Duration) {
        let pause = |times: &Vec<Instant>| {
            let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
            pauses.max().unwrap_or_default()
        };
        let mut pauses: Vec<Duration> = self.successes.iter().map(pause).collect();
        pauses.sort_unstable();
        let median = pauses.get(pauses.len() / 2).copied().unwrap_or_default();
        (pauses.last().copied().unwrap_or_default(), median)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record(partition: i32, offset: i64, k: usize, n: u64) -> Record {
        Record {
            offset,
            ..Record::value(partition, format!(r#"{{"k":{k},"n":{n}}}"#))
        }
    }

    #[test]
    fn lies_are_found() {
        let mut told = Told::default();
        told.places.insert((0, 0), (0, 0));
        told.places.insert((0, 1), (0, 1));
        let honest = [record(0, 0, 0, 0), record(0, 1, 0, 1)];
        let verdict = told.judge(&honest).unwrap();
        assert_eq!(
            verdict,
            Verdict {
                records: 2,
                ..Verdict::default()
            }
        );
        let dishonest = [record(0, 1, 0, 1), record(0, 2, 0, 0), record(0, 3, 0, 0)];
        let verdict = told.judge(&dishonest).unwrap();
        assert_eq!(
            (verdict.lost, verdict.duplicated, verdict.disordered),
            (1, 1, 2)
        );
    }
}
