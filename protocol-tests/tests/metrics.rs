//! The cases of `protocol_tests::cases::metrics` on the embedded parts.

protocol_tests::metrics_cases!(embedded);
