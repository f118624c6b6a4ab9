//! The cases of the S3 sink on the embedded parts: one program, which is linked once.

protocol_tests::sink_credentials_cases!(embedded);
protocol_tests::sink_kill_cases!(embedded);
protocol_tests::sink_layout_cases!(embedded);
protocol_tests::sink_rebalance_cases!(embedded);
protocol_tests::sink_requests_cases!(embedded);
protocol_tests::sink_restart_cases!(embedded);
protocol_tests::sink_rotation_cases!(embedded);
protocol_tests::sink_scale_cases!(embedded);
protocol_tests::sink_takeover_cases!(embedded);
