//! The cases of `protocol_tests::cases::sink_rebalance` on the embedded parts.

protocol_tests::sink_rebalance_cases!(embedded);
