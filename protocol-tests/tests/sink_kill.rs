//! The cases of `protocol_tests::cases::sink_kill` on the embedded parts.

protocol_tests::sink_kill_cases!(embedded);
