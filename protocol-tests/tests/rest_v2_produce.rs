//! The cases of `protocol_tests::cases::rest_v2_produce` on the embedded parts.

protocol_tests::rest_v2_produce_cases!(embedded);
