//! The cases of `protocol_tests::cases::sink_scale` on the embedded parts.

protocol_tests::sink_scale_cases!(embedded);
