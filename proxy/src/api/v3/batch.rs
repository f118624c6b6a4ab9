//! `POST /v3/clusters/{cluster}/topics/{topic}/records:batch`: a few records with ids, each with its own result.
//!
//! ```text
//! {"entries":[{"id":"1",…},…]} ─▶ 207 {"successes":[{"id":"1",…},…],"failures":[{"id":"2","error_code":…},…]}
//! ```

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use hyper::body::Incoming;
use rdkafka::types::RDKafkaErrorCode;
use sluiceway_common::json::{Options, Scanner};

use crate::admission::Permit;
use crate::api::Request;
use crate::app::App;
use crate::coerce::{self, Mismatch, shorten};
use crate::error::Error;
use crate::idempotency::{self, Done, Hand, Work};
use crate::produce::answer::{self, Common};
use crate::produce::burst::{self, Burst, Outcome};
use crate::produce::prepare::prepare;
use crate::produce::records::Records;
use crate::producer_pool::Outgoing;
use crate::record_request::{self, BATCHED, RecordRequest, cannot_construct};
use crate::respond::{self, Response};
use crate::stream::now;
use crate::trace_context::TraceContext;
use sluiceway_common::meters::Account;

const REQUEST: &str = "ProduceBatchRequest";
/// Characters of an id.
const MAX_ID: usize = 80;

const OPTIONS: Options = Options {
    max_string_len: usize::MAX,
    ..Options::STRICT
};

/// Writes the entries of a batch.
///
/// # Errors
/// The batch as a whole is refused; an entry's failure is its own result.
pub(crate) async fn produce(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let app = request.app;
    let cluster = request.matched.param(request.path, 0)?;
    let topic = request.matched.param(request.path, 1)?.into();
    let (body, permit) = request.body(body).await?;
    let batch = Batch {
        cluster,
        topic,
        body,
        account: request.caller.account.cloned(),
        trace: TraceContext::of(request),
    };
    if let Some(key) = idempotency::key_of(request)? {
        let body = batch.body.clone();
        return Box::pin(idempotency::once(request, key, ("", &body), batch)).await;
    }
    let handle = app.producer.current();
    let hand = |record: &Outgoing<'_>| app.producer.send(&handle, record);
    let (body, _) = batch.send(app, permit, hand).await?;
    Ok(respond::bytes(
        StatusCode::MULTI_STATUS,
        request.negotiated,
        body.into_bytes(),
    ))
}

/// A batch to be written, as it came.
struct Batch {
    cluster: String,
    topic: Arc<str>,
    body: Bytes,
    /// Whom the entries are charged to, when they are limited.
    account: Option<Arc<Account>>,
    trace: TraceContext,
}

impl Batch {
    /// Writes the entries, and makes the answer.
    async fn send(
        &self,
        app: &App,
        mut permit: Permit,
        hand: impl Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode>,
    ) -> Result<(String, Burst), Error> {
        let (body, topic) = (&self.body, &self.topic);
        let mut bytes = Vec::with_capacity(body.len());
        let entries = decode(body, &mut bytes)?;
        let size = body.len() / entries.len().max(1);
        let ids = checked(&entries, app.config.stream.max_batch_entries)?;
        if let Some(account) = &self.account {
            account.charge(0, entries.len());
        }
        let (mut records, time) = (Records::with_capacity(entries.len()), now());
        let sending = self.trace.sending(topic);
        for mut entry in entries {
            sending.add_to(&mut entry.headers);
            let limited = app.rate_limits.as_ref();
            let record = match limited.and_then(|limits| limits.refusal(&self.cluster, size)) {
                Some(error) => Err(error),
                None => prepare(app, topic, &entry, &mut bytes, time).await,
            };
            records.push(record);
        }
        if !permit.resize(burst::cost(&bytes, records.len())) {
            return Err(permit.refused());
        }
        let burst = burst::send_by(app, topic, records, &bytes, permit, hand).await;
        let answer = self.render(app, &ids, &burst).await;
        burst.count_stored(app);
        sending.delivered(burst.len(), || burst.totals());
        Ok((answer, burst))
    }

    async fn render(&self, app: &App, ids: &[String], burst: &Burst) -> String {
        let mut common = Common::new(&self.cluster, &self.topic);
        let (mut successes, mut failures) = (Vec::new(), Vec::new());
        for (index, id) in ids.iter().enumerate() {
            let id = serde_json::to_string(id).unwrap_or_default();
            let mut text = format!("{{\"id\":{id},");
            match burst.ended(app, index).await {
                Outcome::Stored(place, key, value) => {
                    common.stored(&mut text, place, key, value);
                    successes.push(text + "}");
                }
                Outcome::Failed(error) => {
                    answer::failed(&mut text, &error);
                    failures.push(text + "}");
                }
            }
        }
        format!(
            "{{\"successes\":[{}],\"failures\":[{}]}}",
            successes.join(","),
            failures.join(",")
        )
    }
}

#[async_trait]
impl Work for Batch {
    async fn write(&self, app: &App, hand: Hand<'_>) -> Result<Done, Error> {
        let (answer, burst) = self.send(app, app.admission.empty(), hand).await?;
        let (stored, lost) = burst.totals();
        Ok(Done {
            status: StatusCode::MULTI_STATUS,
            body: answer.into_bytes(),
            stored,
            lost,
        })
    }
}

/// The entries' ids.
fn checked(entries: &[RecordRequest], most: usize) -> Result<Vec<String>, Error> {
    let (mut ids, mut seen) = (Vec::with_capacity(entries.len()), HashSet::new());
    for entry in entries {
        let id = entry.id.as_ref().filter(|id| valid_id(id));
        ids.push(
            id.ok_or(Error::Batch(
                "Batch entry identifier is not a valid string.",
            ))?
            .clone(),
        );
    }
    if !ids.iter().all(|id| seen.insert(id)) {
        return Err(Error::Batch("Batch entry IDs are not distinct."));
    }
    match entries.len() {
        0 => Err(Error::Batch("Empty batch.")),
        count if count > most => Err(Error::Batch("Too many entries in batch.")),
        _ => Ok(ids),
    }
}

fn valid_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Reads the batch; data are appended to `json`.
fn decode(body: &[u8], json: &mut Vec<u8>) -> Result<Vec<RecordRequest>, Error> {
    let mut scanner = Scanner::document(body, &OPTIONS);
    match scanner.peek() {
        None => return Err(Error::Batch("Request body is empty. Data is required.")),
        Some(b'n') => {
            scanner.skip().map_err(|error| mismatched(error.into()))?;
            return Err(Error::Batch("Request body is empty. Data is required."));
        }
        Some(b'{') => {}
        Some(_) => {
            return Err(mismatched(coerce::not_an_object(
                &mut scanner,
                body,
                REQUEST,
            )));
        }
    }
    let (entries, unknown) = members(body, &mut scanner, json).map_err(mismatched)?;
    match unknown {
        Some(name) => Err(Error::UnknownField(name)),
        None => Ok(entries),
    }
}

/// The entries, and the first field that nobody knows.
fn members(
    body: &[u8],
    scanner: &mut Scanner<'_>,
    json: &mut Vec<u8>,
) -> Result<(Vec<RecordRequest>, Option<String>), Mismatch> {
    scanner.enter()?;
    let (mut first, mut unknown, mut entries) = (true, None, Vec::new());
    while let Some(name) = scanner.member(&mut first)? {
        match name.decode().as_ref() {
            "entries" => entries = list(body, scanner, json)?,
            other => {
                unknown.get_or_insert_with(|| other.to_owned());
                scanner.skip()?;
            }
        }
    }
    coerce::nothing_behind(scanner, body, REQUEST)?;
    Ok((entries, unknown))
}

fn list(
    body: &[u8],
    scanner: &mut Scanner<'_>,
    json: &mut Vec<u8>,
) -> Result<Vec<RecordRequest>, Mismatch> {
    match scanner.peek() {
        Some(b'[') => scanner.enter()?,
        Some(b'n') => return Ok(scanner.skip().map(|()| Vec::new())?),
        _ => {
            let class =
                "java.util.ArrayList<io.confluent.kafkarest.entities.v3.ProduceBatchRequestEntry>";
            return Err(coerce::unexpected(scanner, body, class));
        }
    }
    let (mut entries, mut first, mut null) = (Vec::new(), true, None);
    while scanner.element(&mut first)? {
        match record_request::decode(body, scanner, json, &BATCHED)? {
            Some(entry) => entries.push(entry),
            None => {
                null.get_or_insert(entries.len());
            }
        }
    }
    null.map_or(Ok(entries), |index| {
        Err(cannot_construct(REQUEST, &format!("at index {index}")))
    })
}

fn mismatched(mismatch: Mismatch) -> Error {
    let text = mismatch.to_string();
    match text
        .strip_prefix("Unrecognized field \"")
        .and_then(|rest| rest.split_once('"'))
    {
        Some((name, _)) => Error::UnknownField(name.to_owned()),
        None => Error::Malformed(shorten(&text)),
    }
}
