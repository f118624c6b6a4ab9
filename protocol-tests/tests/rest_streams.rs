//! The cases of `protocol_tests::cases::rest_streams` on the embedded parts.

protocol_tests::rest_streams_cases!(embedded);
