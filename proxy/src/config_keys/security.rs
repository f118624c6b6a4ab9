//! Keys of TLS, authentication, authorisation and limits on rates.

use sluiceway_common::auth::settings;
use sluiceway_common::config_def::{Key, Kind};

use crate::auth::callers::MECHANISMS;

/// Keys of https listeners. Each may stand under `listener.name.<name>.`, too, for one listener.
pub(super) fn tls() -> Vec<Key> {
    vec![
        Key::with(
            "listener.protocol.map",
            Kind::List,
            "",
            "Protocols of listeners that have names instead: `PUBLIC:https,INSIDE:http`.",
        ),
        Key::with(
            "ssl.keystore.location",
            Kind::String,
            "",
            "The server's private key and its certificates, for https listeners: a PEM, PKCS#12 or JKS file. `listener.name.<name>.ssl.keystore.location` is for one listener; so with all of these keys. PEM text may stand in `ssl.keystore.certificate.chain` and `ssl.keystore.key` instead.",
        ),
        Key::with(
            "ssl.keystore.password",
            Kind::Password,
            "",
            "Password of that file (not for PEM).",
        ),
        Key::with(
            "ssl.keystore.type",
            Kind::String,
            "JKS",
            "PEM, PKCS12 or JKS; the file's first bytes decide between these where it says JKS or PKCS12.",
        ),
        Key::with(
            "ssl.key.password",
            Kind::Password,
            "",
            "Password of the private key, when it has one of its own or the PEM file holds it encrypted.",
        ),
        Key::with(
            "ssl.keystore.reload",
            Kind::Boolean,
            "false",
            "Whether changed files of keys and certificates are read again: new connections have them, no restart is needed. Files that cannot be used are logged and change nothing.",
        ),
        Key::with(
            "sluiceway.ssl.reload.interval.ms",
            Kind::Long,
            "10000",
            "Milliseconds between two looks at those files.",
        )
        .at_least(100),
        Key::with(
            "ssl.truststore.location",
            Kind::String,
            "",
            "Authorities that sign the certificates of clients: a PEM, PKCS#12 or JKS file.",
        ),
        Key::with(
            "ssl.truststore.password",
            Kind::Password,
            "",
            "Password of that file.",
        ),
        Key::with(
            "ssl.truststore.type",
            Kind::String,
            "JKS",
            "As `ssl.keystore.type`.",
        ),
        Key::with(
            "ssl.client.authentication",
            Kind::String,
            "NONE",
            "Whether clients show certificates: NONE, REQUESTED, REQUIRED.",
        ),
        Key::with(
            "ssl.client.auth",
            Kind::Boolean,
            "false",
            "Older form of `ssl.client.authentication`: `true` is REQUIRED.",
        ),
        Key::with(
            "ssl.principal.mapping.rules",
            Kind::String,
            "DEFAULT",
            "The name of a client out of its certificate's distinguished name, in Kafka's syntax: `RULE:^CN=(.*?),.*$/$1/L,DEFAULT`. Without a rule that fits the client has no name.",
        ),
        Key::with(
            "ssl.enabled.protocols",
            Kind::List,
            "",
            "TLSv1.3 and TLSv1.2; empty: both. Older ones are not spoken.",
        ),
        Key::with(
            "ssl.cipher.suites",
            Kind::List,
            "",
            "Names of cipher suites as Java and IANA have them; empty: all that are safe.",
        ),
    ]
}

/// Keys of who may do what.
pub(super) fn authentication() -> Vec<Key> {
    let mut keys = vec![
        Key::with("authentication.method", Kind::List, "NONE", "How clients prove who they are: NONE, or BASIC, BEARER (tokens), API_KEY, MTLS (certificates); several with commas, of which a request needs one. Or KAFKA: by what Kafka's brokers take, whose own access rules decide then."),
        Key::with("authentication.realm", Kind::String, "", "Realm of BASIC, and the section of the JAAS login configuration."),
        Key::with("authentication.roles", Kind::List, "*", "Without `sluiceway.authorization.rules`: roles of BASIC users that are let in; `*`: any role, `**`: with or without a role, empty: nobody."),
        Key::with("sluiceway.authentication.kafka.mechanism", Kind::String, "SCRAM-SHA-512", "With KAFKA: how user and password (HTTP Basic) are shown to brokers; tokens (Bearer) are shown by OAUTHBEARER.").one_of(&MECHANISMS, true),
        Key::with("sluiceway.authentication.kafka.principals.max", Kind::Int, "100", "With KAFKA: principals that have Kafka clients at once. For one more, the one ends that has been idle longest and has no consumer instance; if there is none, the answer is 503.").between(1, 10_000),
        Key::with("sluiceway.authentication.kafka.idle.ms", Kind::Long, "600000", "With KAFKA: milliseconds without a request after which a principal's Kafka clients end, once it has no consumer instance.").at_least(1000),
        Key::with("sluiceway.authentication.kafka.recheck.ms", Kind::Long, "60000", "With KAFKA: milliseconds after which credentials are shown to a broker again. A password that was changed is taken for so long.").at_least(0),
        Key::with("sluiceway.authentication.kafka.refused.ms", Kind::Long, "1000", "With KAFKA: milliseconds for which credentials that a broker refused are refused without asking again.").at_least(0),
        Key::with("authentication.skip.paths", Kind::List, "", "Paths for which nobody has to be known: whole ones, or `/path/*`."),
        Key::with("access.control.skip.options", Kind::Boolean, "true", "Whether OPTIONS is answered without authentication when CORS is on."),
        Key::with("java.security.auth.login.config", Kind::String, "", "The JAAS login configuration whose section `authentication.realm` names a password file (`PropertyFileLoginModule`). As a Java option it is read from `KAFKAREST_OPTS`."),
        Key::with("sluiceway.authentication.password.file", Kind::String, "", "The password file itself: lines `user: password,role,…`; a password may stand as `OBF:`, `MD5:`, `CRYPT:` or, best, `PBKDF2-SHA256:` (`sluiceway-proxy --hash-password` makes one). A changed file is read again."),
        Key::with("sluiceway.authentication.failures.per.minute", Kind::Int, "60", "Wrong credentials that an address may show in a minute; then 429 until time has passed. 0: any number.").at_least(0),
        Key::with("sluiceway.authorization.rules", Kind::String, "", "Who may do what: `alice: produce=orders.*,clicks consume=orders.*; role/ops: admin=* produce=* consume=*; *: consume=public.*`. What no rule gives is denied. Needed for all methods but BASIC."),
        Key::with("sluiceway.admin.authentication.enable", Kind::Boolean, "false", "Whether `/metrics` and `/log-levels` ask who it is, by `authentication.method` (not KAFKA); probes never do. To change log levels needs `admin=*` where there are rules."),
        Key::with("sluiceway.audit.log", Kind::String, "ADMIN", "What the log target `sluiceway_proxy::audit` tells of: NONE, DENIED, ADMIN (and changes of topics, configurations, access rules), ALL.").one_of(&["NONE", "DENIED", "ADMIN", "ALL"], true),
    ];
    keys.extend(settings::keys());
    keys
}

/// Keys of limits on rates.
pub(super) fn rates() -> Vec<Key> {
    vec![
        Key::with("dos.filter.enabled", Kind::Boolean, "false", "Whether requests beyond the following rates are delayed or refused."),
        Key::with("dos.filter.max.requests.per.sec", Kind::Int, "25", "Requests a second of the whole server.").at_least(1),
        Key::with("dos.filter.max.requests.per.connection.per.sec", Kind::Int, "25", "Requests a second of an address.").at_least(1),
        Key::with("dos.filter.delay.ms", Kind::Long, "100", "What becomes of requests beyond: they wait so many milliseconds; -1: 429; 0: only a header tells.").at_least(-1),
        Key::with("dos.filter.insert.headers", Kind::Boolean, "true", "Whether the header `DoSFilter` tells of it."),
        Key::with("dos.filter.ip.whitelist", Kind::List, "", "Addresses and networks (10.0.0.0/8) that are not counted."),
        Key::with("dos.filter.tenant.enabled", Kind::Boolean, "false", "Whether principals are counted, too."),
        Key::with("dos.filter.tenant.max.requests.per.sec", Kind::Int, "25", "Requests a second of a principal.").at_least(1),
        Key::with("rate.limit.enable", Kind::Boolean, "false", "Whether requests take permits, of which there are so many a second; v3's streams of records take none. Beyond: 429."),
        Key::with("rate.limit.permits.per.sec", Kind::Int, "50", "Permits a second.").at_least(1),
        Key::with("rate.limit.per.cluster.permits.per.sec", Kind::Int, "50", "Permits a second for each cluster in the paths of v3.").at_least(1),
        Key::with("rate.limit.timeout.ms", Kind::Long, "0", "Milliseconds that a request waits for permits.").at_least(0),
        Key::with("rate.limit.default.cost", Kind::Int, "1", "Permits that a request takes.").at_least(0),
        Key::with("rate.limit.costs", Kind::String, "", "The same by endpoint: `api.v3.clusters.*=1,api.v2.topics.list=2`; 0: never limited."),
        Key::with("network.traffic.rate.limit.enable", Kind::Boolean, "false", "Whether the bytes of request bodies are limited over all clients: beyond the rate requests get 429 until it is met again."),
        Key::with("network.traffic.rate.limit.bytes.per.sec", Kind::Int, "20971520", "Bytes a second.").at_least(1),
        Key::with("sluiceway.limit.global.requests.per.sec", Kind::Long, "0", "Requests a second over all clients; 0: no limit. Beyond: 429 with `Retry-After`, as for all limits that follow.").at_least(0),
        Key::with("sluiceway.limit.global.bytes.per.sec", Kind::Long, "0", "Bytes of request bodies a second over all clients.").at_least(0),
        Key::with("sluiceway.limit.global.records.per.sec", Kind::Long, "0", "Records produced a second over all clients.").at_least(0),
        Key::with("sluiceway.limit.address.requests.per.sec", Kind::Long, "0", "Requests a second of an address.").at_least(0),
        Key::with("sluiceway.limit.address.bytes.per.sec", Kind::Long, "0", "Bytes of request bodies a second of an address.").at_least(0),
        Key::with("sluiceway.limit.address.records.per.sec", Kind::Long, "0", "Records produced a second by an address.").at_least(0),
        Key::with("sluiceway.limit.principal.requests.per.sec", Kind::Long, "0", "Requests a second of a principal.").at_least(0),
        Key::with("sluiceway.limit.principal.bytes.per.sec", Kind::Long, "0", "Bytes of request bodies a second of a principal.").at_least(0),
        Key::with("sluiceway.limit.principal.records.per.sec", Kind::Long, "0", "Records produced a second by a principal.").at_least(0),
        Key::with("sluiceway.limit.burst.ms", Kind::Long, "2000", "Milliseconds' worth of a limit that may come at once.").between(1, 3_600_000),
    ]
}
