//! Faults on real parts, a few rounds each; at length by `cargo xtask soak`.

protocol_tests::soak_cases!(real);
