//! The cases of `protocol_tests::cases::rest_v2_groups` on the embedded parts.

protocol_tests::rest_v2_groups_cases!(embedded);
