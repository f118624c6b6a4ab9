//! The recordings and the scrapes on real parts.

protocol_tests::golden_cases!(real);
protocol_tests::metrics_cases!(real);
