//! A genuine Prometheus server on both programs.

protocol_tests::monitoring_cases!(real);
