//! The cases of `protocol_tests::cases::sink_rebalance` and `sink_workers` on the embedded parts.

protocol_tests::sink_rebalance_cases!(embedded);
protocol_tests::sink_workers_cases!(embedded);
