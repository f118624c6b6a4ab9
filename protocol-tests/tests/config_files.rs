//! The cases of `protocol_tests::cases::config_files` on the embedded parts.

protocol_tests::config_files_cases!(embedded);
