//! The cases of the REST proxy on the embedded parts: one program, which is linked once.

protocol_tests::rest_beyond_cases!(embedded);
protocol_tests::rest_raw_cases!(embedded);
protocol_tests::deleted_topics_cases!(embedded);
protocol_tests::rest_openapi_cases!(embedded);
protocol_tests::rest_streams_cases!(embedded);
protocol_tests::rest_v2_connections_cases!(embedded);
protocol_tests::kept_connections_cases!(embedded);
protocol_tests::rest_v2_errors_cases!(embedded);
protocol_tests::rest_v2_groups_cases!(embedded);
protocol_tests::rest_v2_metadata_cases!(embedded);
protocol_tests::rest_v2_produce_cases!(embedded);
