//! The cases of `protocol_tests::cases::sink_credentials` on the embedded broker.

protocol_tests::sink_credentials_cases!(embedded);
