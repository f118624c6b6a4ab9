//! The sink's cases on real Kafka and a real store, and the quick start on both.

protocol_tests::sink_layout_cases!(real);
protocol_tests::sink_rotation_cases!(real);
protocol_tests::sink_restart_cases!(real);
protocol_tests::sink_rebalance_cases!(real);
protocol_tests::connect_rest_cases!(real);
protocol_tests::sink_takeover_cases!(real);
protocol_tests::sink_workers_cases!(real);
protocol_tests::connect_takeover_cases!(real);
protocol_tests::quick_start_cases!(real);
