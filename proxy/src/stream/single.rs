//! A request to v3's stream that has an `Idempotency-Key`: one record, read whole, and answered as the stream would.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;

use super::input::{Input, Read};
use super::now;
use crate::app::App;
use crate::error::Error;
use crate::idempotency::{Done, Hand, IdempotencyError, Work};
use crate::produce::RecordError;
use crate::produce::answer::{self, Common};
use crate::produce::burst::{self, Outcome};
use crate::produce::prepare::{Prepared, prepare};
use crate::record_request::RecordRequest;
use crate::trace_context::{Sending, TraceContext};

/// See the module.
pub(crate) struct Single {
    pub(crate) cluster: String,
    pub(crate) topic: Arc<str>,
    pub(crate) body: Bytes,
    pub(crate) trace: TraceContext,
}

impl Single {
    /// The only record of the body. One that cannot be read is one, too.
    async fn read(
        &self,
        app: &App,
        bytes: &mut Vec<u8>,
        sending: &Sending,
    ) -> Result<Result<Prepared, RecordError>, Error> {
        let mut input = Input::new(&app.config);
        input.push(&self.body);
        input.end();
        let (mut request, mut found) = (RecordRequest::default(), None);
        while input.has_more() {
            let record = match input.next(bytes, &mut request) {
                Read::Nothing => continue,
                Read::Failed(error) => Err(error),
                Read::Record(size) => {
                    sending.add_to(&mut request.headers);
                    let limits = app.rate_limits.as_ref();
                    match limits.and_then(|limits| limits.refusal(&self.cluster, size)) {
                        Some(error) => Err(error),
                        None => prepare(app, &self.topic, &request, bytes, now()).await,
                    }
                }
            };
            if found.replace(record).is_some() {
                return Err(IdempotencyError::NotOneRecord.into());
            }
        }
        found.ok_or_else(|| IdempotencyError::NotOneRecord.into())
    }
}

#[async_trait]
impl Work for Single {
    async fn write(&self, app: &App, hand: Hand<'_>) -> Result<Done, Error> {
        let mut bytes = Vec::with_capacity(self.body.len());
        let sending = self.trace.sending(&self.topic);
        let record = self.read(app, &mut bytes, &sending).await?;
        // The request's bytes are counted already.
        let permit = app.admission.empty();
        let records = std::iter::once(record).collect();
        let burst = burst::send_by(app, &self.topic, records, &bytes, permit, hand).await;
        let mut text = String::new();
        match burst.ended(app, 0).await {
            Outcome::Stored(place, key, value) => {
                let mut common = Common::new(&self.cluster, &self.topic);
                common.streamed_stored(&mut text, place, key, value);
            }
            Outcome::Failed(error) => answer::streamed_failed(&mut text, &error),
        }
        text.push_str("\r\n");
        burst.count_stored(app);
        sending.delivered(burst.len(), || burst.totals());
        let (stored, lost) = burst.totals();
        Ok(Done {
            status: StatusCode::OK,
            body: text.into_bytes(),
            stored,
            lost,
        })
    }
}
