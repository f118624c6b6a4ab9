//! The parts of the quick start: embedded or real Kafka and S3, schema registry, proxy, sink, admin listener.
//! Started in the order in which they need one another, stopped in the opposite one.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use dev_services::{
    broker::{Broker, BrokerOptions},
    registry::{Registry as SchemaRegistry, RegistryOptions},
    s3::{S3, S3Options},
};
use prometheus::Registry;
use sluiceway_common::{
    admin::{AdminServer, Guard},
    console::{self, Console, ConsoleConfig},
    process_metrics,
    props::Properties,
};
use sluiceway_proxy::{Config, Proxy};
use sluiceway_sink::{
    status::ConnectorStatus,
    worker::{ConnectorFile, Worker, WorkerConfig},
};

use crate::{args::Args, connector, ports::listener, topics};

/// Where objects go.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) bucket: String,
    /// The embedded S3's keys; none for a real one: the usual AWS chain has them.
    pub(crate) keys: Option<Keys>,
}

/// Keys of the embedded S3. They guard nothing.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

/// Everything that runs beside the emulator.
pub(crate) struct Parts {
    broker: Option<Broker>,
    s3: Option<S3>,
    schemas: SchemaRegistry,
    proxy: Option<Proxy>,
    worker: Option<Worker>,
    admin: AdminServer,
    urls: Urls,
    pub(crate) bootstrap: String,
    pub(crate) storage: Storage,
    pub(crate) registry: Registry,
}

/// Where the parts listen.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    pub(crate) proxy: String,
    pub(crate) connect: String,
    pub(crate) schemas: String,
    pub(crate) admin: String,
}

// === impl Parts ===

impl Parts {
    /// Starts everything and makes sure that bucket and topics exist.
    ///
    /// # Errors
    /// When a part does not start; those started before it end with it.
    pub(crate) async fn start(args: &Args) -> anyhow::Result<Self> {
        let (broker, bootstrap) = kafka(args).await?;
        let (s3, storage) = storage(args).await?;
        topics::create(&bootstrap, &args.user).await?;
        let schemas = schemas(args).await?;
        let registry = process_metrics::registry();
        let proxy = proxy(args, &bootstrap, &schemas.url(), &registry).await?;
        let worker = worker(args, &bootstrap, &storage, &registry).await?;
        let admin = admin(args, &registry, &proxy, &worker).await?;
        Ok(Self {
            urls: Urls {
                proxy: url(proxy.addresses())?,
                connect: url(worker.rest_addresses())?,
                schemas: schemas.url(),
                admin: url(admin.addresses())?,
            },
            broker,
            s3,
            schemas,
            proxy: Some(proxy),
            worker: Some(worker),
            admin,
            bootstrap,
            storage,
            registry,
        })
    }

    /// Where the parts listen.
    pub(crate) fn urls(&self) -> &Urls {
        &self.urls
    }

    /// States of the connector and its tasks.
    pub(crate) fn statuses(&self) -> Vec<ConnectorStatus> {
        let worker = self.worker.as_ref();
        worker.map(Worker::statuses).unwrap_or_default()
    }

    /// Where a user finds the objects.
    pub(crate) fn objects_at(&self, args: &Args) -> String {
        let Storage {
            endpoint, bucket, ..
        } = &self.storage;
        match self.s3 {
            Some(_) => format!("{}/topics/", s3_root(&args.data_dir).join(bucket).display()),
            None => format!("{endpoint}/{bucket}/topics/"),
        }
    }

    /// Stops accepting requests and answers those under way.
    pub(crate) async fn drain_proxy(&mut self) {
        if let Some(proxy) = self.proxy.take() {
            proxy.drain().await;
        }
    }

    /// Ends the tasks; what is not in a completed object stays in Kafka.
    pub(crate) async fn stop_sink(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
    }

    /// Ends what is left: admin listener, registry, S3, broker.
    pub(crate) async fn stop(mut self) {
        self.drain_proxy().await;
        self.stop_sink().await;
        drop(self.admin);
        self.schemas.stop().await;
        if let Some(s3) = self.s3 {
            s3.stop().await;
        }
        if let Some(broker) = self.broker {
            broker.stop().await;
        }
    }
}

async fn kafka(args: &Args) -> anyhow::Result<(Option<Broker>, String)> {
    if let Some(bootstrap) = &args.bootstrap_servers {
        return Ok((None, bootstrap.clone()));
    }
    let options = BrokerOptions {
        group_initial_rebalance_delay: REBALANCE_DELAY,
        ..BrokerOptions::new(args.data_dir.join("kafka"))
    };
    let broker = Broker::start(options).await.context(DATA_DIR)?;
    let bootstrap = broker.bootstrap();
    Ok((Some(broker), bootstrap))
}

/// The sink's tasks join the group within this time, so that it is balanced once and not thrice.
const REBALANCE_DELAY: Duration = Duration::from_millis(500);

/// What to do when an embedded part does not start.
const DATA_DIR: &str = "an embedded part does not start (--data-dir chooses another folder)";

async fn storage(args: &Args) -> anyhow::Result<(Option<S3>, Storage)> {
    let bucket = args.bucket();
    let region = std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION"));
    let region = region.unwrap_or_else(|_| "us-east-1".to_owned());
    if let Some(endpoint) = args.s3_endpoint.clone() {
        let keys = None;
        return Ok((
            None,
            Storage {
                endpoint,
                region,
                bucket,
                keys,
            },
        ));
    }
    let options = S3Options::new(s3_root(&args.data_dir));
    let keys = Some(Keys {
        access_key: options.access_key.clone(),
        secret_key: options.secret_key.clone(),
    });
    let s3 = S3::start(options).await.context(DATA_DIR)?;
    s3.create_bucket(&bucket).await?;
    let endpoint = s3.endpoint();
    Ok((
        Some(s3),
        Storage {
            endpoint,
            region,
            bucket,
            keys,
        },
    ))
}

fn s3_root(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("s3")
}

async fn schemas(args: &Args) -> anyhow::Result<SchemaRegistry> {
    let options = RegistryOptions {
        folder: Some(args.data_dir.join("schemas")),
        port: args.registry_port,
    };
    SchemaRegistry::start(options).await.context(DATA_DIR)
}

async fn proxy(
    args: &Args,
    bootstrap: &str,
    schemas: &str,
    registry: &Registry,
) -> anyhow::Result<Proxy> {
    let properties = map([
        ("bootstrap.servers", bootstrap),
        ("schema.registry.url", schemas),
        ("listeners", &listener(args.proxy_port)),
        // One admin listener serves both programs here.
        ("sluiceway.admin.listeners", ""),
    ]);
    let mut config = Config::parse(&properties)?;
    config.listeners_option = "--proxy-port".to_owned();
    let proxy = Proxy::start(config, registry.clone());
    proxy.await.context("the REST proxy does not start")
}

async fn worker(
    args: &Args,
    bootstrap: &str,
    storage: &Storage,
    registry: &Registry,
) -> anyhow::Result<Worker> {
    let listeners = listener(args.connect_port);
    let properties = map([
        ("bootstrap.servers", bootstrap),
        ("listeners", &listeners),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
        ("offset.flush.interval.ms", "1000"),
        ("sluiceway.admin.listeners", ""),
    ]);
    let mut config = WorkerConfig::parse(&properties)?;
    config.rest.listeners_option = "--connect-port".to_owned();
    let connector = connector::properties(&args.user, storage)
        .into_iter()
        .collect();
    let connector = ConnectorFile::from_properties("the quick start", connector);
    let worker = Worker::start(config, vec![connector], registry.clone());
    worker.await.context("the sink does not start")
}

async fn admin(
    args: &Args,
    registry: &Registry,
    proxy: &Proxy,
    worker: &Worker,
) -> anyhow::Result<AdminServer> {
    let listeners = [listener(args.admin_port)];
    // Everything is up when this listener is.
    let ready = Arc::new(|| Ok(()));
    let config = ConsoleConfig {
        enable: true,
        other: None,
    };
    let console = Console::start(&config, console::PROXY, registry.clone());
    if let Some(console) = &console {
        console.open([
            (console::PROXY, proxy.entrance()),
            (console::SINK, worker.entrance()),
        ]);
    }
    let guard = Guard {
        console,
        ..Guard::default()
    };
    let option = "--admin-port";
    let server = AdminServer::start_guarded(&listeners, option, guard, registry.clone(), ready);
    server.await.context("the admin listener does not start")
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> Properties {
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    pairs.map(owned).into_iter().collect()
}

fn url(addresses: &[std::net::SocketAddr]) -> anyhow::Result<String> {
    let address = addresses.first().context("a part listens nowhere")?;
    Ok(format!("http://{address}"))
}
