//! The cases of `protocol_tests::cases::kafka_login`: no Kafka is needed for being told what is missing.

protocol_tests::kafka_login_cases!(embedded);
