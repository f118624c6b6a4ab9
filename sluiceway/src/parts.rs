//! The parts of the quick start: embedded or real Kafka and S3, schema registry, proxy, sink, admin listener.
//! Started in the order in which they need one another, stopped in the opposite one.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use dev_services::{
    broker::{Broker, BrokerOptions},
    registry::{Registry as SchemaRegistry, RegistryOptions},
    s3::S3,
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

use crate::{
    args::Args,
    connector,
    ports::listener,
    settings,
    storage::{self, Storage},
    topics,
};

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
        let settings = settings::of_proxy(args)?;
        let (broker, bootstrap) = kafka(args).await?;
        let (s3, storage) = storage::start(args).await?;
        topics::create(&bootstrap, &args.user).await?;
        let schemas = schemas(args).await?;
        let registry = process_metrics::registry();
        let own = settings::own(args.proxy_port, &bootstrap, &schemas.url());
        let proxy = proxy(settings, own, &registry).await?;
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
            Some(_) => format!(
                "{}/topics/",
                storage::root(&args.data_dir).join(bucket).display()
            ),
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
        port: args.kafka_port,
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
pub(crate) const DATA_DIR: &str =
    "an embedded part does not start (--data-dir chooses another folder)";

async fn schemas(args: &Args) -> anyhow::Result<SchemaRegistry> {
    let options = RegistryOptions {
        folder: Some(args.data_dir.join("schemas")),
        port: args.registry_port,
    };
    SchemaRegistry::start(options).await.context(DATA_DIR)
}

async fn proxy(
    mut settings: Properties,
    own: Properties,
    registry: &Registry,
) -> anyhow::Result<Proxy> {
    settings.extend(own);
    let mut config = Config::parse(&settings)?;
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
    let properties = settings::map([
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

fn url(addresses: &[std::net::SocketAddr]) -> anyhow::Result<String> {
    let address = addresses.first().context("a part listens nowhere")?;
    Ok(format!("http://{address}"))
}
