//! The cases of `protocol_tests::cases::rest_v2_connections` and `kept_connections` on the embedded parts.

protocol_tests::rest_v2_connections_cases!(embedded);
protocol_tests::kept_connections_cases!(embedded);
