//! The cases of `protocol_tests::cases::metrics` and `traces` on the embedded parts.

protocol_tests::metrics_cases!(embedded);
protocol_tests::traces_cases!(embedded);
