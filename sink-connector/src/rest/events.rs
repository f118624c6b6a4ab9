//! What the REST API reports: one log line and the counters of each request, together.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

/// Seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 20.0, 90.0];

/// Counters of the REST API.
pub(crate) struct Events {
    requests: IntCounterVec,
    seconds: HistogramVec,
    handshakes_failed: IntCounter,
}

impl Events {
    /// Registers the counters.
    ///
    /// # Errors
    /// When `registry` has metrics of these names.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let requests = Opts::new(
            "sluiceway_sink_rest_requests_total",
            "Requests to the Connect REST API by route and status.",
        );
        let seconds = HistogramOpts::new(
            "sluiceway_sink_rest_request_seconds",
            "Time from a request's header to its answer, by route.",
        );
        let events = Self {
            requests: IntCounterVec::new(requests, &["route", "method", "status"])?,
            seconds: HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["route"])?,
            handshakes_failed: IntCounter::new(
                "sluiceway_sink_rest_failed_tls_handshakes_total",
                "TLS handshakes that failed on https listeners of the Connect REST API.",
            )?,
        };
        registry.register(Box::new(events.requests.clone()))?;
        registry.register(Box::new(events.seconds.clone()))?;
        registry.register(Box::new(events.handshakes_failed.clone()))?;
        Ok(events)
    }

    /// A client could not shake hands on an https listener.
    pub(super) fn handshake_failed(&self, error: &std::io::Error) {
        self.handshakes_failed.inc();
        tracing::warn!(%error, "a TLS handshake failed");
    }

    /// A request was answered.
    pub(super) fn answered(
        &self,
        method: &Method,
        path: &str,
        route: &str,
        status: StatusCode,
        took: Duration,
    ) {
        self.requests
            .with_label_values(&[route, method_label(method), status.as_str()])
            .inc();
        self.seconds
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
        let (status, took_ms) = (status.as_u16(), took.as_millis());
        if *method == Method::GET || *method == Method::HEAD {
            tracing::debug!(%method, path, status, took_ms, "REST request");
        } else {
            tracing::info!(%method, path, status, took_ms, "REST request");
        }
    }
}

/// Clients choose the method's text; the label's values stay few.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_request_is_counted_once() {
        let registry = Registry::new();
        let events = Events::register(&registry).unwrap();
        let odd = Method::from_bytes(b"BREW").unwrap();
        events.answered(
            &odd,
            "/x",
            "none",
            StatusCode::NOT_FOUND,
            Duration::from_millis(2),
        );
        assert_eq!(
            events
                .requests
                .with_label_values(&["none", "other", "404"])
                .get(),
            1
        );
        assert_eq!(
            events
                .seconds
                .with_label_values(&["none"])
                .get_sample_count(),
            1
        );
        assert!(Events::register(&registry).is_err());
    }
}
