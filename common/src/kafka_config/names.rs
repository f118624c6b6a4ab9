//! The table of names: which Java setting is which librdkafka setting.

use super::Role;

type Convert = fn(&str) -> Result<(&'static str, String), String>;

/// What becomes of a Java setting.
pub(super) enum Rule {
    /// The same name and value.
    Same,
    /// Another name, the same value.
    Renamed(&'static str),
    /// Another name and value.
    Convert(Convert),
    /// No effect, and why.
    Drop(&'static str),
    /// Not in the table.
    Unknown,
}

const SERIALIZER: &str = "records are bytes here; formats are chosen by media type or converter";
const JVM: &str = "it configures the JVM client's own machinery";
const DONE_BY_PROGRAM: &str = "the program sets it itself";

/// The rule for `key`.
pub(super) fn lookup(role: Role, key: &str) -> Rule {
    match key {
        "client.id"
        | "metadata.max.age.ms"
        | "reconnect.backoff.ms"
        | "reconnect.backoff.max.ms"
        | "retry.backoff.ms"
        | "retry.backoff.max.ms"
        | "connections.max.idle.ms"
        | "client.rack"
        | "security.protocol"
        | "enable.sasl.oauthbearer.unsecure.jwt" => Rule::Same,
        "bootstrap.servers" => Rule::Convert(bootstrap_servers),
        "send.buffer.bytes" => Rule::Convert(|value| buffer("socket.send.buffer.bytes", value)),
        "receive.buffer.bytes" => {
            Rule::Convert(|value| buffer("socket.receive.buffer.bytes", value))
        }
        "socket.connection.setup.timeout.ms" => Rule::Convert(connection_setup),
        "client.dns.lookup" => Rule::Convert(dns_lookup),
        "metric.reporters"
        | "metrics.num.samples"
        | "metrics.recording.level"
        | "metrics.sample.window.ms"
        | "auto.include.jmx.reporter"
        | "interceptor.classes"
        | "security.providers"
        | "enable.metrics.push"
        | "socket.connection.setup.timeout.max.ms"
        | "default.api.timeout.ms"
        | "metadata.max.idle.ms"
        | "metadata.recovery.strategy"
        | "confluent.monitoring.interceptor" => Rule::Drop(JVM),
        _ => match role {
            Role::Producer => producer(key),
            Role::Consumer => consumer(key),
            Role::Admin => admin(key),
        },
    }
}

fn producer(key: &str) -> Rule {
    match key {
        "acks"
        | "linger.ms"
        | "batch.size"
        | "retries"
        | "compression.type"
        | "enable.idempotence"
        | "max.in.flight.requests.per.connection"
        | "delivery.timeout.ms"
        | "request.timeout.ms"
        | "transactional.id" => Rule::Same,
        "transaction.timeout.ms" => Rule::Same,
        "max.request.size" => Rule::Renamed("message.max.bytes"),
        "buffer.memory" => Rule::Convert(buffer_memory),
        "partitioner.class" => Rule::Convert(partitioner),
        "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => {
            Rule::Renamed("compression.level")
        }
        "key.serializer" | "value.serializer" => Rule::Drop(SERIALIZER),
        "max.block.ms" => Rule::Drop(DONE_BY_PROGRAM),
        "partitioner.ignore.keys"
        | "partitioner.adaptive.partitioning.enable"
        | "partitioner.availability.timeout.ms" => Rule::Drop(JVM),
        _ => Rule::Unknown,
    }
}

fn consumer(key: &str) -> Rule {
    match key {
        "group.id"
        | "group.instance.id"
        | "session.timeout.ms"
        | "heartbeat.interval.ms"
        | "max.poll.interval.ms"
        | "enable.auto.commit"
        | "auto.commit.interval.ms"
        | "isolation.level"
        | "check.crcs"
        | "fetch.min.bytes"
        | "fetch.max.bytes"
        | "max.partition.fetch.bytes"
        | "allow.auto.create.topics"
        | "group.protocol"
        | "group.remote.assignor" => Rule::Same,
        "auto.offset.reset" => Rule::Convert(offset_reset),
        "fetch.max.wait.ms" => Rule::Renamed("fetch.wait.max.ms"),
        "request.timeout.ms" => Rule::Renamed("socket.timeout.ms"),
        "partition.assignment.strategy" => Rule::Convert(assignors),
        "key.deserializer" | "value.deserializer" => Rule::Drop(SERIALIZER),
        "max.poll.records" => {
            Rule::Drop("records are taken from the client one by one; queues are bounded by bytes")
        }
        "exclude.internal.topics" => {
            Rule::Drop("internal topics are read only when they are named")
        }
        _ => Rule::Unknown,
    }
}

fn admin(key: &str) -> Rule {
    match key {
        "request.timeout.ms" => Rule::Renamed("socket.timeout.ms"),
        "retries" => Rule::Drop(JVM),
        _ => Rule::Unknown,
    }
}

/// Entries may carry a protocol (`PLAINTEXT://host:9092`), which librdkafka takes from `security.protocol`.
fn bootstrap_servers(value: &str) -> Result<(&'static str, String), String> {
    let servers: Vec<&str> = value
        .split(',')
        .map(|server| server.trim().rsplit("://").next().unwrap_or_default())
        .filter(|server| !server.is_empty())
        .collect();
    let has_port = |server: &str| {
        let port = server.rsplit_once(':').map(|(_, port)| port.parse());
        matches!(port, Some(Ok(1..=u16::MAX)))
    };
    match servers.iter().find(|server| !has_port(server)) {
        _ if servers.is_empty() => Err("at least one host:port is needed".into()),
        Some(server) => Err(format!("\"{server}\" has no port; write host:port")),
        None => Ok(("bootstrap.servers", servers.join(","))),
    }
}

/// -1 is the system's default, which librdkafka writes as 0.
fn buffer(name: &'static str, value: &str) -> Result<(&'static str, String), String> {
    Ok((
        name,
        if value == "-1" {
            "0".into()
        } else {
            value.to_owned()
        },
    ))
}

fn connection_setup(value: &str) -> Result<(&'static str, String), String> {
    let millis: u64 = value
        .parse()
        .map_err(|_| "Not a number of type LONG".to_owned())?;
    Ok((
        "socket.connection.setup.timeout.ms",
        millis.max(1000).to_string(),
    ))
}

fn dns_lookup(value: &str) -> Result<(&'static str, String), String> {
    match value {
        "use_all_dns_ips" | "resolve_canonical_bootstrap_servers_only" => {
            Ok(("client.dns.lookup", value.to_owned()))
        }
        "default" => Ok(("client.dns.lookup", "use_all_dns_ips".to_owned())),
        _ => Err(
            "String must be one of: use_all_dns_ips, resolve_canonical_bootstrap_servers_only"
                .into(),
        ),
    }
}

fn buffer_memory(value: &str) -> Result<(&'static str, String), String> {
    let bytes: u64 = value
        .parse()
        .map_err(|_| "Not a number of type LONG".to_owned())?;
    Ok((
        "queue.buffering.max.kbytes",
        (bytes / 1024).clamp(1, 2_147_483_647).to_string(),
    ))
}

fn partitioner(value: &str) -> Result<(&'static str, String), String> {
    let name = match value.rsplit('.').next().unwrap_or(value) {
        "DefaultPartitioner" | "UniformStickyPartitioner" | "" => "murmur2_random",
        "RoundRobinPartitioner" => "random",
        known @ ("murmur2" | "murmur2_random" | "consistent" | "consistent_random" | "random"
        | "fnv1a" | "fnv1a_random") => known,
        _ => return Err(
            "a Java partitioner class cannot run here; leave it out for Kafka's default placement"
                .into(),
        ),
    };
    Ok(("partitioner", name.to_owned()))
}

/// Java's `none` is librdkafka's `error`.
fn offset_reset(value: &str) -> Result<(&'static str, String), String> {
    let value = if value == "none" { "error" } else { value };
    Ok(("auto.offset.reset", value.to_owned()))
}

fn assignors(value: &str) -> Result<(&'static str, String), String> {
    let names: Result<Vec<&str>, String> = value
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| match name.rsplit('.').next().unwrap_or(name) {
            "RangeAssignor" | "range" => Ok("range"),
            "RoundRobinAssignor" | "roundrobin" => Ok("roundrobin"),
            "CooperativeStickyAssignor" | "cooperative-sticky" => Ok("cooperative-sticky"),
            "StickyAssignor" => Err(
                "the eager StickyAssignor does not exist here; use the CooperativeStickyAssignor"
                    .into(),
            ),
            other => Err(format!("unknown assignor {other}")),
        })
        .collect();
    let mut names = names?;
    // librdkafka refuses a mix of cooperative and eager assignors; Java clients take the first common one.
    if names.contains(&"cooperative-sticky") && names.len() > 1 {
        names = vec![names[0]];
    }
    Ok(("partition.assignment.strategy", names.join(",")))
}
