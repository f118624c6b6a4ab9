//! API keys (`x-api-key`) and their usage plans, from a file in properties format.
//!
//! ```text
//! plan.student.rate=10
//! plan.student.burst=20
//! plan.student.quota=5000
//! plan.student.quota.period=DAY
//! key.course-1.value=…            # or key.course-1.sha256=<64 hexadecimal digits>
//! key.course-1.plan=student
//! key.course-1.roles=writers,readers
//! ```
//!
//! Only digests of keys are kept, and they are looked up by digest: how long that takes tells nothing of a key.
//! A changed file is read again within a second; keys whose plan stays keep what they have used.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::props::{self, Properties};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::plan::{Period, PlanLimits, UsagePlan};

/// Why a file of keys cannot be used.
#[derive(Debug, Error)]
#[error("the file of API keys {}: {reason}", file.display())]
pub struct ApiKeysError {
    file: PathBuf,
    reason: String,
}

/// A key that is known.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its name, which is the principal's.
    pub name: Arc<str>,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its plan.
    pub plan: Option<Arc<UsagePlan>>,
}

/// A file that is kept in mind.
#[derive(Debug)]
pub struct ApiKeys {
    file: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    keys: HashMap<[u8; 32], ApiKey>,
    modified: Option<SystemTime>,
    looked: Instant,
}

const LOOK: Duration = Duration::from_secs(1);

impl ApiKeys {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or a key or plan in it is wrong; never any part of a key.
    pub fn open(file: &Path) -> Result<Self, ApiKeysError> {
        let state = State {
            keys: read(file, &HashMap::new())?,
            modified: modified(file),
            looked: Instant::now(),
        };
        Ok(Self {
            file: file.to_owned(),
            state: RwLock::new(state),
        })
    }

    /// The key with this text.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<ApiKey> {
        let digest: [u8; 32] = Sha256::digest(text).into();
        let state = self.state.read();
        if state.looked.elapsed() < LOOK {
            return state.keys.get(&digest).cloned();
        }
        drop(state);
        let mut state = self.state.write();
        state.looked = Instant::now();
        let now = modified(&self.file);
        if now != state.modified {
            match read(&self.file, &state.keys) {
                Ok(keys) => {
                    (state.keys, state.modified) = (keys, now);
                    tracing::info!(file = %self.file.display(), "the API keys were read again");
                }
                Err(error) => tracing::error!(%error, "the API keys stay as they were"),
            }
        }
        state.keys.get(&digest).cloned()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|data| data.modified())
        .ok()
}

fn read(
    file: &Path,
    before: &HashMap<[u8; 32], ApiKey>,
) -> Result<HashMap<[u8; 32], ApiKey>, ApiKeysError> {
    let failed = |reason: String| ApiKeysError {
        file: file.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    // The parser's own message may show the line, which holds a key.
    let properties = props::parse(&text).map_err(|_| failed("it is no properties file".into()))?;
    parse(&properties, before).map_err(failed)
}

/// The properties `<kind>.<name>.<field>`, by name.
fn grouped<'p>(
    properties: &'p Properties,
    kind: &str,
) -> BTreeMap<&'p str, HashMap<&'p str, &'p str>> {
    let mut groups: BTreeMap<&str, HashMap<&str, &str>> = BTreeMap::new();
    for (key, value) in properties {
        let rest = key.strip_prefix(kind).and_then(|key| key.strip_prefix('.'));
        if let Some((name, field)) = rest.and_then(|rest| rest.split_once('.')) {
            groups.entry(name).or_default().insert(field, value.trim());
        }
    }
    groups
}

fn parse(
    properties: &Properties,
    before: &HashMap<[u8; 32], ApiKey>,
) -> Result<HashMap<[u8; 32], ApiKey>, String> {
    if let Some(other) = properties
        .keys()
        .find(|key| !key.starts_with("key.") && !key.starts_with("plan."))
    {
        return Err(format!(
            "{other}: only key.<name>.… and plan.<name>.… are known"
        ));
    }
    let mut plans = HashMap::new();
    for (name, fields) in grouped(properties, "plan") {
        plans.insert(name, plan(name, &fields)?);
    }
    let mut keys = HashMap::new();
    for (name, fields) in grouped(properties, "key") {
        for field in fields.keys() {
            if !["value", "sha256", "plan", "roles"].contains(field) {
                return Err(format!("key.{name}.{field} is not known"));
            }
        }
        let digest = digest(name, &fields)?;
        let limits = match fields.get("plan") {
            None => None,
            Some(plan) => Some(
                plans
                    .get(plan)
                    .ok_or_else(|| format!("key.{name}.plan={plan}: there is no such plan"))?,
            ),
        };
        let old = before.get(&digest).and_then(|key| key.plan.clone());
        let plan = limits.map(|limits| match old {
            Some(old) if old.limits() == limits => old,
            _ => Arc::new(UsagePlan::new(limits.clone())),
        });
        let roles = fields.get("roles").copied().unwrap_or_default().split(',');
        let roles = roles.map(str::trim).filter(|role| !role.is_empty());
        let key = ApiKey {
            name: name.into(),
            roles: roles.map(str::to_owned).collect(),
            plan,
        };
        if keys.insert(digest, key).is_some() {
            return Err(format!("key.{name} has the same text as another key"));
        }
    }
    Ok(keys)
}

fn digest(name: &str, fields: &HashMap<&str, &str>) -> Result<[u8; 32], String> {
    match (fields.get("value"), fields.get("sha256")) {
        (Some(value), None) if value.len() >= 20 => Ok(Sha256::digest(value.as_bytes()).into()),
        (Some(_), None) => Err(format!(
            "key.{name}.value has fewer than 20 characters, which can be guessed"
        )),
        (None, Some(text)) => {
            let bytes: Option<Vec<u8>> = (0..64)
                .step_by(2)
                .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
                .collect();
            bytes
                .filter(|_| text.len() == 64)
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| format!("key.{name}.sha256 is not 64 hexadecimal digits"))
        }
        _ => Err(format!(
            "key.{name} needs one of key.{name}.value and key.{name}.sha256"
        )),
    }
}

fn plan(name: &str, fields: &HashMap<&str, &str>) -> Result<PlanLimits, String> {
    let mut limits = PlanLimits::default();
    for (field, value) in fields {
        let wrong = || format!("plan.{name}.{field}={value} is not valid");
        let number = || {
            value
                .parse::<f64>()
                .ok()
                .filter(|n| n.is_finite() && *n > 0.0)
        };
        match *field {
            "rate" => limits.rate = Some(number().ok_or_else(wrong)?),
            "burst" => limits.burst = number().ok_or_else(wrong)?,
            "quota" => limits.quota = Some(value.parse().map_err(|_| wrong())?),
            "quota.period" => {
                limits.period = match *value {
                    "DAY" => Period::Day,
                    "WEEK" => Period::Week,
                    "MONTH" => Period::Month,
                    _ => return Err(wrong()),
                };
            }
            _ => return Err(format!("plan.{name}.{field} is not known")),
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parsed(text: &str) -> Result<HashMap<[u8; 32], ApiKey>, String> {
        parse(&props::parse(text).unwrap(), &HashMap::new())
    }

    #[test]
    fn keys_and_plans() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let hidden = Sha256::digest(b"another-key-that-is-long");
        let hidden: String = hidden.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!(
            "plan.p.rate=2\nplan.p.burst=5\nplan.p.quota=100\nplan.p.quota.period=MONTH\n\
             key.a.value=a-key-that-is-long-enough\nkey.a.plan=p\nkey.a.roles=w, r\nkey.b.sha256={hidden}\n"
        );
        std::fs::write(&file, text).unwrap();
        let keys = ApiKeys::open(&file).unwrap();
        let a = keys.find(b"a-key-that-is-long-enough").unwrap();
        assert_eq!((&*a.name, a.roles.len()), ("a", 2));
        assert_eq!(a.plan.unwrap().limits().quota, Some(100));
        assert!(
            keys.find(b"another-key-that-is-long")
                .unwrap()
                .plan
                .is_none()
        );
        assert!(keys.find(b"").is_none());
    }

    #[test]
    fn what_is_wrong_is_told_without_the_key() {
        for (wrong, told) in [
            ("key.a.value=short", "fewer than 20"),
            (
                "key.a.value=a-key-that-is-long-enough\nkey.a.plan=x",
                "no such plan",
            ),
            ("key.a.sha256=zz", "64 hexadecimal"),
            ("key.a.plan=x", "needs one of"),
            ("plan.p.rate=-1", "not valid"),
            ("other=1", "only key."),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("a-key-that"), "{error}");
        }
    }
}
