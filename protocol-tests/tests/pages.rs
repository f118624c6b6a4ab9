//! The cases of `protocol_tests::cases::pages` on the embedded parts.

protocol_tests::pages_cases!(embedded);
