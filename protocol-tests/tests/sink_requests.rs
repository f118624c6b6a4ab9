//! The cases of `protocol_tests::cases::sink_requests` on the embedded broker.

protocol_tests::sink_requests_cases!(embedded);
