//! What a request's signature covers: over TLS not its payload, as the AWS SDK for Java does it.
//!
//! TLS keeps the payload from being changed on its way, and a SHA-256 of all that is uploaded was a seventh of the sink's CPU time.
//! Over plain HTTP nothing else keeps it, so it is signed. The check sum by which S3 checks an object (CRC-32) goes with both.

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// Leaves payloads unsigned where the request goes over TLS: by its own URL, wherever that came from.
#[derive(Debug)]
pub(super) struct UnsignedOverTls;

impl Intercept for UnsignedOverTls {
    fn name(&self) -> &'static str {
        "UnsignedOverTls"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let has_payload = request.body().bytes().is_some_and(|body| !body.is_empty());
        if has_payload && request.uri().starts_with("https:") {
            let state = config.interceptor_state();
            state.store_put(PayloadSigningOverride::unsigned_payload());
        }
        Ok(())
    }
}
