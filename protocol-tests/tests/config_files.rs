//! The cases of `protocol_tests::cases::config_files`, `examples` and `quick_start` on the embedded parts.

protocol_tests::config_files_cases!(embedded);
protocol_tests::examples_cases!(embedded);
protocol_tests::quick_start_cases!(embedded);
