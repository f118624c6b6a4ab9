//! Kills of the sink's process on real Kafka and a real store.

protocol_tests::sink_kill_cases!(real);
