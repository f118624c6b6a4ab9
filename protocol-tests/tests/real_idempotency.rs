//! `Idempotency-Key` on real Kafka.

protocol_tests::idempotency_cases!(real);
