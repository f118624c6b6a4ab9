//! Shards: a partition each. Which one a partition key belongs to, and the names of shards and records.
//!
//! ```text
//! partition key ── MD5 ──▶ a number of 128 bits ──▶ the shard in whose range of hash keys it lies
//! ```
//!
//! As in Kinesis, the ranges of a new stream's shards are equal, and the last has what is left over. A sequence number is
//! `49`, ten digits of shard and twenty of offset: larger for later records of a shard, and it tells its shard.

use md5::{Digest, Md5};

/// Shards that there may be: those of a number.
const SHARD_DIGITS: usize = 10;
const OFFSET_DIGITS: usize = 20;
const EPOCH: &str = "49";

/// The number that a partition key hashes to.
pub(crate) fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

/// How many hash keys each shard but the last has; zero stands for all of them.
fn width(shards: i32) -> u128 {
    let shards = u128::from(shards.max(1).unsigned_abs());
    let (width, rest) = (u128::MAX / shards, u128::MAX % shards);
    // There is one key more than the largest says.
    if rest + 1 == shards {
        width.wrapping_add(1)
    } else {
        width
    }
}

/// The shard of a hash key.
pub(crate) fn of_hash(hash: u128, shards: i32) -> i32 {
    match width(shards) {
        0 => 0,
        width => i32::try_from(hash / width).map_or(shards - 1, |shard| shard.min(shards - 1)),
    }
}

/// First and last hash key of a shard.
pub(crate) fn range(shard: i32, shards: i32) -> (u128, u128) {
    let (width, number) = (width(shards), u128::from(shard.unsigned_abs()));
    let start = number * width;
    if shard + 1 == shards {
        (start, u128::MAX)
    } else {
        (start, start + width - 1)
    }
}

/// `shardId-000000000003`
pub(crate) fn name(shard: i32) -> String {
    format!("shardId-{shard:012}")
}

/// The shard of this name.
pub(crate) fn of_name(name: &str) -> Option<i32> {
    let digits = name.strip_prefix("shardId-")?;
    let valid = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| valid)
}

/// The sequence number of a record.
pub(crate) fn sequence(shard: i32, offset: i64) -> String {
    format!("{EPOCH}{shard:0SHARD_DIGITS$}{offset:0OFFSET_DIGITS$}")
}

/// Shard and offset of a sequence number of this front.
pub(crate) fn of_sequence(text: &str) -> Option<(i32, i64)> {
    let digits = text.strip_prefix(EPOCH)?;
    let valid = digits.len() == SHARD_DIGITS + OFFSET_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !valid {
        return None;
    }
    let (shard, offset) = digits.split_at(SHARD_DIGITS);
    Some((shard.parse().ok()?, offset.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_keys_are_md5_read_as_a_number() {
        // md5("partition-1"), computed by Python's hashlib.
        assert_eq!(hash_key(""), 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
        assert_eq!(hash_key("abc"), 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72);
    }

    #[test]
    fn ranges_are_those_that_kinesis_gives_new_streams() {
        assert_eq!(range(0, 1), (0, u128::MAX));
        assert_eq!(range(0, 2), (0, (1 << 127) - 1));
        assert_eq!(range(1, 2), (1 << 127, u128::MAX));
        let third = 113_427_455_640_312_821_154_458_202_477_256_070_485;
        assert_eq!(range(0, 3), (0, third - 1));
        assert_eq!(range(2, 3), (2 * third, u128::MAX));
    }

    #[test]
    fn every_hash_key_has_the_shard_in_whose_range_it_lies() {
        for shards in [1, 2, 3, 4, 5, 7, 12, 500] {
            let mut next = Some(0);
            for shard in 0..shards {
                let (start, end) = range(shard, shards);
                assert_eq!(Some(start), next, "{shard} of {shards}");
                assert_eq!(of_hash(start, shards), shard);
                assert_eq!(of_hash(end, shards), shard);
                next = end.checked_add(1);
            }
            assert_eq!(next, None);
        }
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(name(3), "shardId-000000000003");
        assert_eq!(of_name("shardId-000000000003"), Some(3));
        for other in [
            "shardId-3",
            "shardid-000000000003",
            "shardId-0000000000-3",
            "",
            "3",
        ] {
            assert_eq!(of_name(other), None, "{other}");
        }
        let (low, high) = (sequence(2, 9), sequence(2, 10));
        assert!(low < high && low.len() == 32);
        assert_eq!(of_sequence(&high), Some((2, 10)));
        for other in [
            "",
            "49",
            "0",
            &"9".repeat(32),
            &format!("49{}", "x".repeat(30)),
        ] {
            assert_eq!(of_sequence(other), None, "{other}");
        }
    }
}
