//! The cases of `protocol_tests::cases::sink_layout` on the embedded parts.

protocol_tests::sink_layout_cases!(embedded);
