//! The cases of `protocol_tests::cases::connect_rest` on the embedded parts.

protocol_tests::connect_rest_cases!(embedded);
