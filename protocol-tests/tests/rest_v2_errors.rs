//! The cases of `protocol_tests::cases::rest_v2_errors` on the embedded parts.

protocol_tests::rest_v2_errors_cases!(embedded);
