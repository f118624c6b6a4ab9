//! Keys of who may call the REST API, what they may do, and how often. Their names are the proxy's, so far as it has them.

use sluiceway_common::auth::settings::{self, PASSWORD_FILE};
use sluiceway_common::config_def::{Key, Kind};

/// The declared keys.
pub(super) fn keys() -> Vec<Key> {
    let mut keys = vec![
        Key::with(
            "authentication.method",
            Kind::List,
            "NONE",
            "How callers of the REST API prove who they are: NONE, or BASIC, BEARER (tokens), API_KEY, MTLS (certificates); several with commas, of which a request needs one. `rest.extension.classes` adds BASIC.",
        ),
        Key::with(
            "authentication.realm",
            Kind::String,
            "KafkaConnect",
            "Realm of BASIC, and the section of the JAAS login configuration.",
        ),
        Key::with(
            PASSWORD_FILE,
            Kind::String,
            "",
            "The password file of BASIC: lines `user: password,role,…`, as for `sluiceway.rest.authentication.password.file`, which goes first.",
        ),
        Key::with(
            "sluiceway.authentication.failures.per.minute",
            Kind::Int,
            "60",
            "The same as `sluiceway.rest.authentication.failures.per.minute`; where it is set, it goes first.",
        )
        .at_least(0),
        Key::with(
            "sluiceway.authorization.rules",
            Kind::String,
            "",
            "Who may do what with which connectors: `alice: read=orders-*; role/ops: write=*; *: read=public-*`. `write` comes with `read`. What no rule gives is denied. Empty: whoever is let in may do everything.",
        ),
        Key::with(
            "sluiceway.rest.workers.secret",
            Kind::Password,
            "",
            "What distributed workers sign with whose request it is that they pass on, the same for all of them: at least 16 visible characters. Needed with MTLS; without it the caller's own credentials are passed on.",
        )
        .check(secret),
    ];
    keys.extend(settings::keys());
    keys.extend(limits());
    keys
}

fn limits() -> Vec<Key> {
    let requests = |name, doc| Key::with(name, Kind::Long, "0", doc).at_least(0);
    vec![
        requests(
            "sluiceway.limit.global.requests.per.sec",
            "Requests to the REST API a second; 0: no limit. Beyond: 429 with `Retry-After`, as for the limits that follow.",
        ),
        requests(
            "sluiceway.limit.address.requests.per.sec",
            "Requests to the REST API a second of an address.",
        ),
        requests(
            "sluiceway.limit.principal.requests.per.sec",
            "Requests to the REST API a second of a principal.",
        ),
        Key::with(
            "sluiceway.limit.burst.ms",
            Kind::Long,
            "2000",
            "Milliseconds' worth of a limit that may come at once.",
        )
        .between(1, 3_600_000),
    ]
}

fn secret(text: &str) -> Result<(), String> {
    const MIN: usize = 16;
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    match text.len() {
        0 => Ok(()),
        MIN.. if visible => Ok(()),
        _ => Err(format!(
            "it must have at least {MIN} visible characters without blanks"
        )),
    }
}
