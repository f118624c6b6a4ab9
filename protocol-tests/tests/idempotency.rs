//! `Idempotency-Key` on the embedded parts, which have no transactions.

protocol_tests::idempotency_cases!(embedded);
