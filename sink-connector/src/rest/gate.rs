//! Who may call the REST API, and how often. Made only when a setting asks for it.
//!
//! ```text
//! request ─▶ another worker's? ─ yes ──────────────────────────────────────────────────────▶ whom that one let in
//!                └─ no ─▶ limits of address and all ─▶ guessing ─▶ verifier ─▶ plan ─▶ limits of the principal ─▶ rights
//! ```
//!
//! In: a request's head and its connection. Out: a [`Visit`], or a [`Refused`], which has the answer.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use sluiceway_common::auth::guessing::Guessing;
use sluiceway_common::auth::method::Method as Proof;
use sluiceway_common::auth::verifier::{Unknown, Verifier};
use sluiceway_common::config_def::{ConfigError, ConfigErrors};
use sluiceway_common::meters::Meters;
use sluiceway_common::secret::Secret;
use sluiceway_common::tls::stream::Client;

use super::introduce::{self, Introduced, Signed};
use super::need::Principal;
use super::refused::Refused;
use crate::worker::{RestConfig, Rights, Rules};

/// See the module.
pub(crate) struct Gate {
    /// `None`: nobody has to say who they are.
    verifier: Option<Verifier>,
    rules: Rules,
    guessing: Option<Guessing>,
    meters: Option<Arc<Meters>>,
    workers_secret: Option<Secret>,
    realm: String,
    /// Refusals are those of the original's extension.
    as_extension: bool,
}

/// A request that is let in.
#[derive(Clone, Debug, Default)]
pub(super) struct Visit {
    /// Who sent it, where that has to be known.
    pub(super) principal: Option<Arc<Principal>>,
    /// What the worker that passes it on told.
    pub(super) introduced: Option<Arc<Introduced>>,
}

impl Gate {
    /// The gate that the settings ask for; `None` when they ask for nothing.
    ///
    /// # Errors
    /// A file of users or keys cannot be used.
    pub(crate) fn new(config: &RestConfig) -> Result<Option<Self>, ConfigErrors> {
        let auth = &config.auth;
        let verifier = match auth.methods.is_empty() {
            true => None,
            false => Some(auth.verifier().map_err(|reason| {
                ConfigErrors(vec![ConfigError::other(config.users_key(), reason)])
            })?),
        };
        let meters = Meters::new(config.meters);
        if verifier.is_none() && meters.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            guessing: verifier
                .as_ref()
                .and_then(|_| Guessing::new(config.failures_per_minute)),
            verifier,
            rules: config.rules.clone(),
            meters,
            workers_secret: config.workers_secret.clone(),
            realm: auth.section.clone(),
            as_extension: config.extension,
        }))
    }

    /// Whether callers have to be known.
    pub(super) fn asks(&self) -> bool {
        self.verifier.is_some()
    }

    /// What proves to other workers that this is one.
    pub(super) fn workers_secret(&self) -> Option<&Secret> {
        self.workers_secret.as_ref()
    }

    /// Lets a request in, or not.
    pub(super) async fn admit(
        &self,
        signed: &Signed<'_>,
        headers: &HeaderMap,
        (address, client): (IpAddr, &Client),
    ) -> Result<Visit, Refused> {
        if let Some(visit) = self.of_worker(signed, headers) {
            return Ok(visit);
        }
        if let Some(meters) = &self.meters {
            meters.enter_address(address).map_err(Refused::Limited)?;
        }
        let Some(verifier) = &self.verifier else {
            return Ok(Visit::default());
        };
        if let Some(guessing) = &self.guessing {
            guessing.check(address).map_err(Refused::Limited)?;
        }
        let caller = match verifier.identify(headers, client).await {
            Ok(caller) => caller,
            Err(unknown) => return Err(self.refuse(verifier, unknown, address)),
        };
        if let Some(plan) = &caller.plan {
            plan.take().map_err(Refused::Plan)?;
        }
        if let Some(meters) = &self.meters {
            let entered = meters.enter_principal(&caller.name);
            entered.map_err(Refused::Limited)?;
        }
        let principal = self.principal(caller.name, caller.roles, caller.method);
        Ok(Visit {
            principal: Some(principal),
            introduced: None,
        })
    }

    /// A request that another worker passes on was counted there, and its sender is known there.
    fn of_worker(&self, signed: &Signed<'_>, headers: &HeaderMap) -> Option<Visit> {
        let secret = self.workers_secret.as_ref()?;
        let introduced = introduce::introduced(secret, signed, headers)?;
        let name = introduced.name.as_str().into();
        let principal = self.principal(name, introduced.roles.clone(), introduced.method);
        Some(Visit {
            principal: Some(principal),
            introduced: Some(Arc::new(introduced)),
        })
    }

    fn principal(&self, name: Arc<str>, roles: Vec<String>, method: Proof) -> Arc<Principal> {
        let rights = match self.rules.is_empty() {
            true => Rights::All,
            false => self.rules.rights(&name, &roles),
        };
        Arc::new(Principal {
            name,
            roles,
            method,
            rights,
        })
    }

    fn refuse(&self, verifier: &Verifier, unknown: Unknown, address: IpAddr) -> Refused {
        if let (Unknown::Wrong(..), Some(guessing)) = (&unknown, &self.guessing) {
            guessing.failed(address);
        }
        match &unknown {
            Unknown::Nothing => {
                tracing::debug!(%address, "a request without credentials was refused");
            }
            _ => tracing::warn!(%address, reason = %unknown, "credentials were refused"),
        }
        match unknown {
            Unknown::Unavailable(_) => Refused::ProviderAway,
            Unknown::Wrong(Proof::ApiKey, _) => Refused::Key,
            Unknown::Nothing if verifier.only_api_keys() => Refused::Key,
            Unknown::Nothing | Unknown::Wrong(..) => Refused::Unknown {
                challenges: verifier.challenges(&self.realm),
                as_extension: self.as_extension,
            },
        }
    }
}
