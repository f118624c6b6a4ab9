//! Settings of authentication, authorisation and limits on rates.
//!
//! In: values. Out: a [`SecurityConfig`]; what can be wrong without looking at files is an error here, the files are
//! read when the proxy starts.

use std::time::Duration;

use sluiceway_common::auth::settings::{AuthSettings, METHOD};
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::kafka_config::KafkaConfig;
use sluiceway_common::meters::{MeterConfig, Rates};
use sluiceway_common::props::Properties;

use super::millis;
use crate::auth::authenticate::{Admission, Authenticator, Roles};
use crate::auth::callers::CallersConfig;
use crate::auth::gate::Audit;
use crate::auth::principal::Method;
use crate::auth::rights::Rules;
use crate::limit::dos_filter::{Action, DosConfig, Network};
use crate::limit::permits::PermitConfig;

/// See the module.
#[derive(Debug, Clone)]
pub struct SecurityConfig {
    /// How clients prove who they are.
    pub auth: AuthSettings,
    /// `authentication.realm`
    pub realm: String,
    /// `authentication.roles`
    pub roles: Vec<String>,
    /// `authentication.skip.paths`
    pub skip_paths: Vec<String>,
    /// `access.control.skip.options`, when CORS is on.
    pub skip_options: bool,
    /// `sluiceway.authorization.rules`
    pub rules: Rules,
    /// Wrong credentials that an address may show in a minute; 0: any number.
    pub failures_per_minute: f64,
    /// What the audit log tells of.
    pub audit: Audit,
    /// Whether `/metrics` asks for a user, too.
    pub admin: bool,
    /// `dos.filter.*`, when it is on.
    pub dos: Option<DosConfig>,
    /// `rate.limit.*`, when it is on.
    pub permits: Option<PermitConfig>,
    /// `sluiceway.limit.*`
    pub meters: MeterConfig,
    /// `sluiceway.authentication.kafka.*`, when Kafka knows the callers.
    pub callers: Option<CallersConfig>,
}

/// What stands beside the settings of security, as far as it matters to callers whom Kafka knows.
pub(super) struct Beside<'a> {
    /// The settings of all kinds of Kafka clients.
    pub(super) clients: [&'a KafkaConfig; 3],
    /// Whether something is on that does not go with them, and its key.
    pub(super) excluded: &'a [(bool, &'static str)],
}

/// What `authentication.method` may name.
const METHODS: [Method; 5] = [
    Method::Basic,
    Method::Bearer,
    Method::ApiKey,
    Method::Mtls,
    Method::Kafka,
];
const RULES: &str = "sluiceway.authorization.rules";

impl SecurityConfig {
    pub(super) fn read(
        properties: &Properties,
        values: &Values,
        errors: &mut ConfigErrors,
    ) -> Self {
        let auth = AuthSettings::read(values, &METHODS, errors);
        let rules = Rules::parse(values.text(RULES)).unwrap_or_else(|reason| {
            errors
                .0
                .push(ConfigError::other(RULES, format!("{RULES}: {reason}")));
            Rules::default()
        });
        let need_rules = |method: &Method| !matches!(method, Method::Basic | Method::Kafka);
        if rules.is_empty() && auth.methods.iter().any(need_rules) {
            let text = format!(
                "{RULES} is empty, so nobody may do anything; give rules such as `alice: produce=orders.* consume=orders.*`, or `*: produce=* consume=* admin=*` for whoever is known"
            );
            errors.0.push(ConfigError::other(RULES, text));
        }
        if !rules.is_empty() && auth.methods.is_empty() {
            let text = format!("{RULES} needs {METHOD}: without it nobody has a name");
            errors.0.push(ConfigError::other(RULES, text));
        }
        auth.check("KAFKAREST_OPTS", errors);
        Self {
            realm: values.text("authentication.realm").to_owned(),
            roles: values.list("authentication.roles").to_vec(),
            skip_paths: values.list("authentication.skip.paths").to_vec(),
            skip_options: values.boolean("access.control.skip.options")
                && !values.text("access.control.allow.origin").is_empty(),
            rules,
            failures_per_minute: number(values, "sluiceway.authentication.failures.per.minute"),
            audit: match &*values.text("sluiceway.audit.log").to_ascii_uppercase() {
                "NONE" => Audit::None,
                "DENIED" => Audit::Denied,
                "ALL" => Audit::All,
                _ => Audit::Admin,
            },
            admin: values.boolean("sluiceway.admin.authentication.enable"),
            dos: values
                .boolean("dos.filter.enabled")
                .then(|| dos(values, errors)),
            permits: values
                .boolean("rate.limit.enable")
                .then(|| permits(values, errors)),
            meters: meters(values, properties),
            callers: auth.uses(Method::Kafka).then(|| callers(values)),
            auth,
        }
    }

    /// What does not go together with callers whom Kafka knows: other ways to be known, a Kafka that asks nobody who they are, and
    /// what acts on Kafka for all callers together.
    pub(super) fn check_callers(&self, with: &Beside<'_>, errors: &mut ConfigErrors) {
        let mut wrong = |key: &str, reason: String| {
            errors.0.push(ConfigError::other(key, reason));
        };
        if self.callers.is_none() {
            return;
        }
        if self.auth.methods.len() > 1 {
            wrong(
                METHOD,
                format!(
                    "{METHOD}: KAFKA stands alone: what brokers do not know cannot be shown to them; remove the others"
                ),
            );
        }
        for client in with.clients {
            let protocol = client.settings.get("security.protocol");
            if !protocol.is_some_and(|text| text.to_ascii_uppercase().starts_with("SASL")) {
                let key = "client.security.protocol";
                wrong(
                    key,
                    format!("{METHOD}=KAFKA logs callers in over SASL; set {key}=SASL_SSL"),
                );
                break;
            }
        }
        for (on, key) in with.excluded {
            if *on {
                wrong(
                    key,
                    format!(
                        "{key} and {METHOD}=KAFKA exclude one another: it acts on Kafka as the proxy, not as the caller; remove one of \
                         them"
                    ),
                );
            }
        }
    }

    /// How clients prove who they are; `None` when they need not.
    ///
    /// # Errors
    /// Which file is wrong, and how.
    pub fn authenticator(&self) -> Result<Option<Authenticator>, String> {
        if self.auth.methods.is_empty() {
            return Ok(None);
        }
        let verifier = self.auth.verifier()?;
        Ok(Some(Authenticator::new(verifier, self.admission())))
    }

    /// Who of those that are known is let in, and what they may do.
    #[must_use]
    pub fn admission(&self) -> Admission {
        Admission {
            roles: Roles::read(&self.roles),
            rules: self.rules.clone(),
        }
    }
}

fn callers(values: &Values) -> CallersConfig {
    let name = |rest: &str| format!("sluiceway.authentication.kafka.{rest}");
    CallersConfig {
        mechanism: values.text(&name("mechanism")).to_ascii_uppercase(),
        max: values.size(&name("principals.max")),
        idle: millis(values, &name("idle.ms")),
        recheck: millis(values, &name("recheck.ms")),
        refused: millis(values, &name("refused.ms")),
        name_claim: values.text("oauthbearer.sub.claim.name").to_owned(),
    }
}

#[allow(clippy::cast_precision_loss)]
fn number(values: &Values, name: &str) -> f64 {
    values.number(name) as f64
}

fn dos(values: &Values, errors: &mut ConfigErrors) -> DosConfig {
    const EXEMPT: &str = "dos.filter.ip.whitelist";
    let mut exempt = Vec::new();
    for text in values.list(EXEMPT) {
        match Network::parse(text) {
            Some(network) => exempt.push(network),
            None => errors.0.push(ConfigError::invalid(
                EXEMPT,
                text,
                "write addresses or networks: 10.1.2.3,10.0.0.0/8",
            )),
        }
    }
    let tenant = values.boolean("dos.filter.tenant.enabled");
    DosConfig {
        server: number(values, "dos.filter.max.requests.per.sec"),
        address: number(values, "dos.filter.max.requests.per.connection.per.sec"),
        tenant: tenant.then(|| number(values, "dos.filter.tenant.max.requests.per.sec")),
        action: match values.number("dos.filter.delay.ms") {
            0 => Action::Mark,
            millis => u64::try_from(millis).map_or(Action::Refuse, |millis| {
                Action::Delay(Duration::from_millis(millis))
            }),
        },
        headers: values.boolean("dos.filter.insert.headers"),
        exempt,
    }
}

fn permits(values: &Values, errors: &mut ConfigErrors) -> PermitConfig {
    const COSTS: &str = "rate.limit.costs";
    let text = values.text(COSTS);
    let costs = PermitConfig::parse_costs(text).unwrap_or_else(|reason| {
        errors.0.push(ConfigError::invalid(COSTS, text, reason));
        Vec::new()
    });
    PermitConfig {
        global: number(values, "rate.limit.permits.per.sec"),
        cluster: number(values, "rate.limit.per.cluster.permits.per.sec"),
        timeout: millis(values, "rate.limit.timeout.ms"),
        default_cost: u32::try_from(values.size("rate.limit.default.cost")).unwrap_or(u32::MAX),
        costs,
    }
}

fn meters(values: &Values, properties: &Properties) -> MeterConfig {
    let rates = |scope: &str| {
        let rate = |what: &str| {
            let value = number(values, &format!("sluiceway.limit.{scope}.{what}.per.sec"));
            (value > 0.0).then_some(value)
        };
        Rates {
            requests: rate("requests"),
            bytes: rate("bytes"),
            records: rate("records"),
        }
    };
    let mut global = rates("global");
    if values.boolean("network.traffic.rate.limit.enable")
        && !properties.contains_key("sluiceway.limit.global.bytes.per.sec")
    {
        global.bytes = Some(number(values, "network.traffic.rate.limit.bytes.per.sec"));
    }
    MeterConfig {
        global,
        address: rates("address"),
        principal: rates("principal"),
        burst_seconds: number(values, "sluiceway.limit.burst.ms") / 1000.0,
    }
}
