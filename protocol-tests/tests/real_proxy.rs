//! The proxy's cases on real Kafka.

protocol_tests::rest_v2_produce_cases!(real);
protocol_tests::rest_v2_metadata_cases!(real);
protocol_tests::rest_v2_errors_cases!(real);
protocol_tests::rest_v2_connections_cases!(real);
protocol_tests::rest_v2_groups_cases!(real);
