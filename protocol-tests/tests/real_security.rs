//! Both programs on a Kafka that keeps strangers out.

protocol_tests::kafka_security_cases!(real);
