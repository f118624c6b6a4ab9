//! The cases of `protocol_tests::cases::peers` on the embedded parts.

protocol_tests::peers_cases!(embedded);
