//! The cases of `protocol_tests::cases::sink_restart` on the embedded parts.

protocol_tests::sink_restart_cases!(embedded);
