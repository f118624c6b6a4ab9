//! The cases of `protocol_tests::cases::rest_beyond` and `rest_raw` on the embedded parts.

protocol_tests::rest_beyond_cases!(embedded);
protocol_tests::rest_raw_cases!(embedded);
