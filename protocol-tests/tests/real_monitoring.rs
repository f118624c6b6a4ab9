//! A genuine Prometheus server on both programs, and traces through a real broker and store.

protocol_tests::monitoring_cases!(real);
protocol_tests::traces_cases!(real);
