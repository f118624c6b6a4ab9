//! The cases of `protocol_tests::cases::sink_takeover` on the embedded parts.

protocol_tests::sink_takeover_cases!(embedded);
