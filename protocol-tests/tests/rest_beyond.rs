//! The cases of `protocol_tests::cases::rest_beyond` on the embedded parts.

protocol_tests::rest_beyond_cases!(embedded);
