//! Scratch.
use sluiceway_sink::{
    budget::Budget, config::ConnectorConfig, metrics::SinkMetrics, task::*, worker::WorkerConfig,
};
use std::sync::Arc;
fn main() {
    sluiceway_common::logging::init(sluiceway_common::logging::Format::Text, "info");
    let a: Vec<String> = std::env::args().collect();
    let worker = sluiceway_common::props::read_file(&a[1]).unwrap();
    let conn = sluiceway_common::props::read_file(&a[2]).unwrap();
    let rt = tokio::runtime::Runtime::new().unwrap();
    let w = Arc::new(WorkerConfig::parse(&worker).unwrap());
    let c = Arc::new(ConnectorConfig::parse(&conn, &worker).unwrap());
    let reg = prometheus::Registry::new();
    let m = Arc::new(SinkMetrics::register(&reg).unwrap());
    let t = TaskHandle::spawn(TaskContext {
        connector: c,
        task_id: 0,
        worker: w,
        metrics: m,
        budget: Budget::new(256 << 20),
        runtime: rt.handle().clone(),
        paused: false,
        on_event: Box::new(|e| eprintln!("EVENT {e:?}")),
    })
    .unwrap();
    rt.block_on(async move {
        let secs: u64 = a[3].parse().unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(secs)).await;
        let s = std::time::Instant::now();
        println!(
            "stopped {} {:?}",
            t.stop(s + std::time::Duration::from_secs(5)).await,
            s.elapsed()
        );
    });
}
