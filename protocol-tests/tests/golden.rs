//! The cases of `protocol_tests::cases::golden` on the embedded parts.

protocol_tests::golden_cases!(embedded);
