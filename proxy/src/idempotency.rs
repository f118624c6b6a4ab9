//! `Idempotency-Key`: a request that is sent twice is written once, and answered alike.
//!
//! ```text
//! key ─ hash ─▶ partition of the topic of notes ─ rendezvous ─▶ replica (if there are several: forwarded)
//!                     │
//!   ledger (one a partition): turn ─▶ known? ─┬─ same request: the first answer
//!                                             ├─ another: 422
//!                                             └─ no: one transaction { records, note: key → request, answer }
//! ```
//!
//! The records and the note become visible together or not at all, so the note tells whether the records were written,
//! whoever died meanwhile. A ledger trusts its memory because nobody else can write to its partition: the partition's
//! `transactional.id` belongs to whoever initialised it last, Kafka fences the one before. Who is fenced has written
//! nothing; it initialises again, reads on to the end of the partition, and looks again. ARCHITECTURE.md has the
//! protocol. What fails: another request with the same key (422), no transactions (501), no answer in time (503).

pub(crate) mod config;
mod job;
mod ledger;
mod note;
mod notes;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use prometheus::{IntCounterVec, Opts, Registry};
use rdkafka::types::RDKafkaErrorCode;
use thiserror::Error as ThisError;
use tokio::sync::OnceCell;

use crate::api::Request;
use crate::app::App;
use crate::body::Body;
use crate::cluster_admin::NewTopic;
use crate::error::{Code, Error, codes};
use crate::kafka_error::FaultClass;
use crate::metrics::named;
use crate::peers::{self, rendezvous};
use crate::produce::RecordError;
use crate::producer_pool::Outgoing;
use crate::respond::Response;
use config::IdempotencyConfig;
use ledger::Ledger;
use note::{Note, fingerprint};

/// The header with the key.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that says that an answer is the first one's.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Characters that a key may have.
const MAX_KEY: usize = 255;
/// Pause before the topic is looked for again after it was made.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a request with a key is not answered.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum IdempotencyError {
    /// The header's value is no key.
    #[error("The header Idempotency-Key must have 1 to {MAX_KEY} visible characters.")]
    BadKey,
    /// The key came with another request before.
    #[error(
        "The Idempotency-Key was used for another request before; use a new key for a new request."
    )]
    Reused,
    /// As many keys as may be held in memory.
    #[error("Too many keys are held: {held} bytes, which is the limit; try again later.")]
    TooMany {
        /// Bytes that they take.
        held: usize,
        /// Time after which the oldest is forgotten.
        next_end: Duration,
    },
    /// Kafka refuses transactions.
    #[error(
        "Requests with an Idempotency-Key are not possible here: Kafka refuses transactions ({0})."
    )]
    NoTransactions(String),
    /// It took too long, or Kafka is away.
    #[error(
        "Whether the records were written is not known: {0}. Send the request again with the same Idempotency-Key."
    )]
    Unknown(String),
    /// More than one record in a request that answers record by record.
    #[error(
        "A request with an Idempotency-Key has one record here; send several with records:batch."
    )]
    NotOneRecord,
}

impl IdempotencyError {
    /// The code it is answered with.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::BadKey => codes::BAD_REQUEST,
            Self::Reused | Self::NotOneRecord => codes::UNPROCESSABLE,
            Self::TooMany { .. } => codes::TOO_MANY_REQUESTS,
            Self::NoTransactions(_) => codes::NOT_IMPLEMENTED,
            Self::Unknown(_) => codes::OVERLOADED,
        }
    }
}

/// Hands a record to the transaction's producer.
pub(crate) type Hand<'h> =
    &'h (dyn Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode> + Send + Sync);

/// What a request with a key does. It is done again when its transaction did not hold.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    /// Writes the records, and makes the answer.
    async fn write(&self, app: &App, hand: Hand<'_>) -> Result<Done, Error>;
}

/// What came of it, so far.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    /// Records that Kafka took.
    pub(crate) stored: usize,
    /// Why a record that was handed over was not taken: then none is to be.
    pub(crate) lost: Option<RecordError>,
}

/// See the module.
pub struct Idempotency {
    config: IdempotencyConfig,
    ledgers: OnceCell<Vec<Arc<Ledger>>>,
    /// Bytes of all ledgers' notes.
    held: Arc<AtomicUsize>,
    results: IntCounterVec,
}

impl Idempotency {
    /// Nothing is asked of Kafka before the first key comes.
    ///
    /// # Errors
    /// Metrics cannot be registered.
    pub(crate) fn new(config: IdempotencyConfig, registry: &Registry) -> prometheus::Result<Self> {
        let results = Opts::new(
            named("idempotent_requests_total"),
            "Requests with an Idempotency-Key, by what came of them.",
        );
        let results = IntCounterVec::new(results, &["result"])?;
        registry.register(Box::new(results.clone()))?;
        Ok(Self {
            config,
            ledgers: OnceCell::new(),
            held: Arc::default(),
            results,
        })
    }

    async fn ledgers(&self, app: &Arc<App>) -> Result<&Vec<Arc<Ledger>>, Error> {
        let find = async || {
            let partitions = self.partitions(app).await?;
            let partitions = (0..partitions).filter_map(|number| i32::try_from(number).ok());
            let ledger = |number| Ledger::new(&self.config, number, Arc::clone(&self.held));
            Ok(partitions.map(ledger).map(Arc::new).collect())
        };
        self.ledgers.get_or_try_init(find).await
    }

    /// How many partitions the topic has, which is made if need be.
    async fn partitions(&self, app: &Arc<App>) -> Result<usize, Error> {
        const TRIES: usize = 50;
        let topic = &self.config.topic;
        for number in 0..TRIES {
            match app.admin.partitions(topic).await {
                Ok(found) => return Ok(found.len()),
                Err(fault) if fault.class != FaultClass::UnknownTopicOrPartition => {
                    return Err(IdempotencyError::Unknown(fault.to_string()).into());
                }
                Err(_) if number == 0 => {
                    if let Err(fault) = app.cluster.create_topic(self.new_topic()).await {
                        // Most likely another replica was quicker.
                        tracing::debug!(topic, %fault, "the topic of idempotency keys was not created");
                    }
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        let reason = format!("the topic {topic} could not be created");
        Err(IdempotencyError::Unknown(reason).into())
    }

    fn new_topic(&self) -> NewTopic {
        let retention = self.config.retention.as_millis();
        let config = |name: &str, value: String| (name.to_owned(), Some(value));
        NewTopic {
            name: self.config.topic.clone(),
            partitions: Some(self.config.partitions),
            replication_factor: Some(self.config.replication_factor.unwrap_or(-1)),
            configs: vec![
                config("cleanup.policy", "delete".to_owned()),
                config("retention.ms", retention.to_string()),
                // Kafka deletes whole segments: small ones in time.
                config("segment.ms", (retention / 2).max(60_000).to_string()),
            ],
            ..NewTopic::default()
        }
    }
}

/// The key of a request, if it has one and keys are honoured.
///
/// # Errors
/// The header's value is no key.
pub(crate) fn key_of(request: &Request<'_>) -> Result<Option<String>, Error> {
    let Some(value) = request.headers.get(KEY) else {
        return Ok(None);
    };
    if request.app.idempotency.is_none() {
        return Ok(None);
    }
    let visible = |byte: u8| (0x20..0x7f).contains(&byte);
    let key = value
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|key| (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(visible));
    let key = key.ok_or(IdempotencyError::BadKey)?;
    // Nobody is answered with what somebody else has written.
    Ok(Some(match request.caller.principal {
        Some(principal) => format!("{}/{key}", principal.name),
        None => key.to_owned(),
    }))
}

/// Answers a request with a key. What `work` does depends on `words`, on the path and the media type, and on the body.
///
/// # Errors
/// See the module; and the errors of the work itself, after which nothing was written.
pub(crate) async fn once(
    request: &Request<'_>,
    key: String,
    (words, body): (&str, &Bytes),
    work: impl Work,
) -> Result<Response, Error> {
    let app = Arc::clone(request.app);
    let Some(idempotency) = &request.app.idempotency else {
        return Err(Error::Internal);
    };
    let ledgers = idempotency.ledgers(&app).await?;
    let number = rendezvous::hash(&[key.as_bytes()]) % (ledgers.len() as u64).max(1);
    let ledger = usize::try_from(number)
        .ok()
        .and_then(|number| ledgers.get(number));
    let ledger = Arc::clone(ledger.ok_or(Error::Internal)?);
    if let Some(peers) = &request.app.peers {
        let place = [&b"idempotency"[..], &number.to_le_bytes()];
        if let Some(response) = peers::relay(request, peers, &place, body).await? {
            return Ok(response);
        }
    }
    let media = request
        .media
        .map(|media| media.as_str())
        .unwrap_or_default();
    let print = fingerprint(&[request.path, media, words], body);
    let (kind, limit) = (request.negotiated.header(), idempotency.config.timeout);
    // In a task of its own: it goes on when the client goes away.
    let task = tokio::spawn(async move {
        let doing = ledger.once(&app, (key, print), kind, Arc::new(work));
        tokio::time::timeout(limit, doing).await
    });
    let result = match task.await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(IdempotencyError::Unknown("it took too long".into()).into()),
        Err(_) => Err(Error::Internal),
    };
    let told = match &result {
        Ok((_, true)) => "replayed",
        Ok((_, false)) => "written",
        Err(Error::Idempotency(IdempotencyError::Reused)) => "reused",
        Err(_) => "failed",
    };
    idempotency.results.with_label_values(&[told]).inc();
    let (note, replayed) = result?;
    Ok(response(note, replayed))
}

fn response(note: Note, replayed: bool) -> Response {
    let mut response = Response::new(Body::Chunked(note.body.into()));
    *response.status_mut() = StatusCode::from_u16(note.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&note.media) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
