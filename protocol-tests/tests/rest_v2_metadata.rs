//! The cases of `protocol_tests::cases::rest_v2_metadata` on the embedded parts.

protocol_tests::rest_v2_metadata_cases!(embedded);
