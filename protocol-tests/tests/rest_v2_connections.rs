//! The cases of `protocol_tests::cases::rest_v2_connections` on the embedded parts.

protocol_tests::rest_v2_connections_cases!(embedded);
