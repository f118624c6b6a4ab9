//! Consumer instances that replicas share, on real Kafka, and lines of the documentation.

protocol_tests::peers_cases!(real);
protocol_tests::documented_cases!(real);
protocol_tests::peers_names_cases!(real);
