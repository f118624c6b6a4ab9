//! The cases of `protocol_tests::cases::sink_rotation` on the embedded parts.

protocol_tests::sink_rotation_cases!(embedded);
