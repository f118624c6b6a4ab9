//! The proxy's cases on real Kafka.

protocol_tests::rest_v2_produce_cases!(real);
protocol_tests::rest_v2_metadata_cases!(real);
protocol_tests::rest_v2_errors_cases!(real);
protocol_tests::rest_v2_connections_cases!(real);
protocol_tests::rest_v2_groups_cases!(real);
protocol_tests::pages_cases!(real);
protocol_tests::rest_beyond_cases!(real);
protocol_tests::rest_raw_cases!(real);
protocol_tests::rest_streams_cases!(real);
protocol_tests::rest_openapi_cases!(real);
protocol_tests::deleted_topics_cases!(real);
