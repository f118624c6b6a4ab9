//! The order of all checks before a request reaches the stack. Made only when a setting asks for one of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method as HttpMethod, header};
use sluiceway_common::auth::guessing::Guessing;
use sluiceway_common::auth::plan::Exceeded;
use sluiceway_common::meters::Meters;
use thiserror::Error;

use super::authenticate::{Authenticator, Failure};
use super::callers::Callers;
use super::need::Need;
use super::principal::{Method, Principal};
use super::rights::Operation;
use crate::config::security::SecurityConfig;
use crate::error::Error as ProxyError;
use crate::events;
use crate::kinesis::signature;
use crate::layer::Call;
use crate::limit::dos_filter::{Action, DosFilter};
use crate::limit::permits::Permits;
use crate::media::{self, Negotiated, Offer};
use crate::metrics::Metrics;
use crate::peers::{self, Peers};
use crate::router::{Endpoint, Kinesis, Router, Target};

/// Why there is no gate.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct GateError(pub String);

/// What became of a request at the gate, besides that it passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// The value of the header `DoSFilter`.
    pub mark: Option<&'static str>,
    /// Whether the audit log tells of it.
    pub audited: bool,
}

/// Why a request does not pass.
#[derive(Debug)]
pub struct Denied {
    /// The reason.
    pub error: ProxyError,
    /// What it is told in, where the limit is one of a resource's: those of `rate.limit.*`, as in the original.
    pub negotiated: Option<Negotiated>,
}

impl From<ProxyError> for Denied {
    fn from(error: ProxyError) -> Self {
        Self {
            error,
            negotiated: None,
        }
    }
}

/// What the audit log tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Audit {
    /// Nothing.
    None,
    /// Requests that were denied.
    Denied,
    /// These, and whatever changes topics, configurations and access rules.
    Admin,
    /// Every request.
    All,
}

/// See the module.
pub struct Gate {
    authenticator: Option<Authenticator>,
    realm: String,
    /// By route.
    needs: Vec<Need>,
    /// By route, too.
    offers: Vec<&'static [Offer]>,
    skip_paths: Vec<String>,
    skip_options: bool,
    /// Wrong credentials by address.
    guessing: Option<Guessing>,
    dos: Option<DosFilter>,
    meters: Option<Arc<Meters>>,
    permits: Option<Permits>,
    audit: Audit,
    /// The route of Kinesis calls, and whether their signatures are checked behind this gate.
    kinesis: Option<(usize, bool)>,
    metrics: Arc<Metrics>,
}

impl Gate {
    /// The gate that the settings ask for; `None` when they ask for nothing.
    ///
    /// # Errors
    /// A file of users or keys cannot be used.
    pub fn new(
        config: &SecurityConfig,
        router: &Router,
        signed_calls: bool,
        callers: Option<Arc<Callers>>,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<Self>>, GateError> {
        let mut authenticator = config.authenticator().map_err(GateError)?;
        if let Some(authenticator) = &mut authenticator {
            authenticator.callers = callers;
        }
        let meters = Meters::new(config.meters);
        if authenticator.is_none()
            && meters.is_none()
            && config.dos.is_none()
            && config.permits.is_none()
        {
            return Ok(None);
        }
        let routes = router.routes();
        let permits = config.permits.clone();
        let guessing = authenticator.is_some();
        let guessing = guessing.then(|| Guessing::new(config.failures_per_minute));
        Ok(Some(Arc::new(Self {
            authenticator,
            realm: config.realm.clone(),
            needs: routes.iter().map(Need::of).collect(),
            offers: routes.iter().map(|route| route.offers).collect(),
            skip_paths: config.skip_paths.clone(),
            skip_options: config.skip_options,
            guessing: guessing.flatten(),
            dos: config.dos.clone().map(DosFilter::new),
            meters,
            permits: permits.map(|permits| Permits::new(permits, routes)),
            audit: config.audit,
            kinesis: router
                .route_of(Endpoint::Kinesis(Kinesis::Call))
                .map(|route| (route, signed_calls)),
            metrics: Arc::clone(metrics),
        })))
    }

    /// Lets a request pass, with its principal, or not.
    ///
    /// # Errors
    /// 401, 403, 429; see [`ProxyError`].
    pub async fn admit(&self, peers: Option<&Peers>, call: &mut Call) -> Result<Passed, Denied> {
        if let Some(peers) = peers
            && peers.is_marked(call.request.headers())
        {
            return Ok(self.admit_replica(peers, call)?);
        }
        let mut passed = Passed::default();
        let address = call.peer.address.ip();
        if let Some(dos) = &self.dos
            && let Some(action) = dos.on_address(address)
        {
            self.slow_down(action, dos, &mut passed).await?;
        }
        if let Some(meters) = &self.meters {
            meters.enter_address(address).map_err(limited)?;
        }
        let principal = self.identify(call, address).await?;
        call.principal = principal.clone();
        if let Some(principal) = &principal {
            self.admit_principal(principal, &mut passed).await?;
            self.authorise(principal, call)?;
        }
        if let Some(meters) = &self.meters {
            let name = principal
                .as_ref()
                .map(|principal| Arc::clone(&principal.name));
            call.account = Some(Arc::new(meters.account(address, name)));
        }
        if let (Some(permits), Target::Route(route)) = (&self.permits, call.matched.target) {
            let path = call.request.uri().path();
            let cluster = path
                .starts_with("/v3/clusters/")
                .then(|| call.matched.param(path, 0).ok())
                .flatten();
            let taken = permits.take(route, cluster.as_deref()).await;
            taken.map_err(|wait| Denied {
                error: limited(wait),
                negotiated: self.answered_in(route, call.request.headers()),
            })?;
        }
        passed.audited = self.is_audited(call, principal.is_some());
        Ok(passed)
    }

    /// The media type that a route answers in, if there is one.
    fn answered_in(&self, route: usize, headers: &HeaderMap) -> Option<Negotiated> {
        let offers = self.offers.get(route).copied().unwrap_or_default();
        media::accept(headers.get_all(header::ACCEPT), offers).ok()
    }

    /// A request that another replica passes on was counted there, and its sender is known there. The probes of replicas
    /// have no sender.
    fn admit_replica(&self, peers: &Peers, call: &mut Call) -> Result<Passed, ProxyError> {
        let Some(authenticator) = &self.authenticator else {
            return Ok(Passed::default());
        };
        let passed = peers::introduced(peers, call.request.headers());
        let principal = passed.and_then(|passed| authenticator.of_replica(passed.principal?));
        match principal {
            Some(principal) => {
                call.principal = Some(Arc::new(principal));
                Ok(Passed::default())
            }
            None if call.request.uri().path() == peers::PROBE_PATH => Ok(Passed::default()),
            None => Err(self.refusal(&Failure::Nothing, authenticator)),
        }
    }

    /// Whether a refusal goes to the audit log.
    #[must_use]
    pub fn audits_denials(&self) -> bool {
        self.audit >= Audit::Denied && self.authenticator.is_some()
    }

    fn is_audited(&self, call: &Call, known: bool) -> bool {
        let changes = match call.matched.target {
            Target::Route(route) => {
                let read = matches!(*call.request.method(), HttpMethod::GET | HttpMethod::HEAD);
                let need = self.needs.get(route);
                !read
                    && need.is_some_and(|need| {
                        matches!(
                            need,
                            Need::Topic(Operation::Admin, _)
                                | Need::Some(Operation::Admin)
                                | Need::All(Operation::Admin)
                        )
                    })
            }
            _ => false,
        };
        known && (self.audit == Audit::All || (self.audit == Audit::Admin && changes))
    }

    async fn slow_down(
        &self,
        action: Action,
        dos: &DosFilter,
        passed: &mut Passed,
    ) -> Result<(), ProxyError> {
        let mark = match action {
            Action::Refuse => return Err(limited(Duration::from_secs(1))),
            Action::Delay(time) => {
                tokio::time::sleep(time).await;
                "delayed"
            }
            Action::Mark => "throttled",
        };
        if dos.marks() {
            passed.mark = Some(mark);
        }
        Ok(())
    }

    /// `None`: nobody has to be known for this request.
    async fn identify(
        &self,
        call: &Call,
        address: IpAddr,
    ) -> Result<Option<Arc<Principal>>, ProxyError> {
        let Some(authenticator) = &self.authenticator else {
            return Ok(None);
        };
        let path = call.request.uri().path();
        let free = (self.skip_options && call.request.method() == HttpMethod::OPTIONS)
            || self.skip_paths.iter().any(|skipped| skips(skipped, path));
        if free {
            return Ok(None);
        }
        self.check_guessing(address)?;
        let headers = call.request.headers();
        if self.is_checked_later(call) {
            return Ok(None);
        }
        match authenticator.principal(headers, &call.peer.client).await {
            Ok(principal) => {
                self.metrics.authenticated(principal.method.name());
                Ok(Some(Arc::new(principal)))
            }
            Err(failure) => {
                if matches!(failure, Failure::Wrong(..)) {
                    self.count_failure(address);
                }
                events::not_authenticated(&self.metrics, address, &failure);
                Err(self.refusal(&failure, authenticator))
            }
        }
    }

    /// Whether a target is a call of an AWS SDK, which is answered in the words of Kinesis.
    pub(crate) fn is_kinesis(&self, target: Target) -> bool {
        self.kinesis
            .is_some_and(|(route, _)| target == Target::Route(route))
    }

    /// A signature covers the body: who sent it is known only when that was read. No handler but that of Kinesis calls
    /// gets such a request, and it lets nobody pass without.
    fn is_checked_later(&self, call: &Call) -> bool {
        let checked = self.kinesis.is_some_and(|(_, checked)| checked);
        checked
            && self.is_kinesis(call.matched.target)
            && signature::is_signed(call.request.headers())
    }

    /// Lets pass whoever signed a Kinesis call, as far as limits go.
    ///
    /// # Errors
    /// 429.
    pub(crate) async fn admit_signed(&self, principal: &Principal) -> Result<(), ProxyError> {
        self.admit_principal(principal, &mut Passed::default())
            .await
    }

    fn refusal(&self, failure: &Failure, authenticator: &Authenticator) -> ProxyError {
        let by_password = authenticator.verifier.basic.is_some() || authenticator.callers.is_some();
        match failure {
            Failure::Wrong(Method::ApiKey, _) => ProxyError::GatewayForbidden,
            Failure::Nothing if authenticator.verifier.only_api_keys() => {
                ProxyError::GatewayForbidden
            }
            Failure::NotLetIn(name) => {
                ProxyError::Forbidden(format!("{name} has none of the roles that are let in"))
            }
            Failure::Unavailable(_) => ProxyError::IdentityProvider,
            Failure::KafkaAway(reason) => ProxyError::Unavailable {
                reason: reason.clone(),
                retry_after: 1,
            },
            Failure::TooManyCallers(limit) => ProxyError::TooManyCallers(*limit),
            Failure::Nothing | Failure::Wrong(..) => ProxyError::Unauthenticated {
                basic: by_password.then(|| self.realm.clone()),
            },
        }
    }

    async fn admit_principal(
        &self,
        principal: &Principal,
        passed: &mut Passed,
    ) -> Result<(), ProxyError> {
        if let Some(plan) = &principal.plan {
            plan.take().map_err(|exceeded| match exceeded {
                Exceeded::Rate => ProxyError::GatewayThrottled,
                Exceeded::Quota => ProxyError::GatewayQuota,
            })?;
        }
        if let Some(dos) = &self.dos
            && let Some(action) = dos.on_tenant(&principal.name)
        {
            self.slow_down(action, dos, passed).await?;
        }
        if let Some(meters) = &self.meters {
            meters.enter_principal(&principal.name).map_err(limited)?;
        }
        Ok(())
    }

    fn authorise(&self, principal: &Principal, call: &Call) -> Result<(), ProxyError> {
        let Target::Route(route) = call.matched.target else {
            return Ok(());
        };
        let need = self.needs.get(route).copied();
        let need = need.unwrap_or(Need::All(Operation::Admin));
        need.check(principal, &call.matched, call.request.uri().path())
    }

    fn check_guessing(&self, address: IpAddr) -> Result<(), ProxyError> {
        let checked = self
            .guessing
            .as_ref()
            .map(|guessing| guessing.check(address));
        checked.unwrap_or(Ok(())).map_err(limited)
    }

    pub(crate) fn count_failure(&self, address: IpAddr) {
        if let Some(guessing) = &self.guessing {
            guessing.failed(address);
        }
    }
}

fn limited(wait: Duration) -> ProxyError {
    ProxyError::RateLimited(wait)
}

/// `authentication.skip.paths`: a path, or all below one (`/public/*`). Paths are compared as they are sent, which is
/// how the router sees them.
fn skips(skipped: &str, path: &str) -> bool {
    match skipped.strip_suffix("/*") {
        Some(start) => path
            .strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => skipped == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_paths_are_whole_segments() {
        assert!(skips("/public/*", "/public/a") && skips("/public/*", "/public"));
        assert!(!skips("/public/*", "/publicity"));
        assert!(skips("/", "/") && !skips("/", "/topics"));
    }
}
