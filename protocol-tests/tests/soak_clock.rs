//! A clock that jumps: needs libfaketime, so only `cargo xtask soak` runs it.

protocol_tests::soak_clock_cases!(real);
