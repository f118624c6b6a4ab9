//! Consumer instances that replicas share, on real Kafka.

protocol_tests::peers_cases!(real);
