//! The cases of `protocol_tests::cases::rest_beyond`, `rest_raw` and `deleted_topics` on the embedded parts.

protocol_tests::rest_beyond_cases!(embedded);
protocol_tests::rest_raw_cases!(embedded);
protocol_tests::deleted_topics_cases!(embedded);
