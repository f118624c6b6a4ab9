//! The cases of `protocol_tests::cases::monitoring` on the embedded parts.

protocol_tests::monitoring_cases!(embedded);
