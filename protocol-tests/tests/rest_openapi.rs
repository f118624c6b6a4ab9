//! The cases of `protocol_tests::cases::rest_openapi` on the embedded parts.

protocol_tests::rest_openapi_cases!(embedded);
