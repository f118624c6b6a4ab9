//! Rendezvous hashing: everyone who knows the same replicas names the same one for a key, and when one goes only its own
//! keys get another.

/// A number for bytes that is the same in every replica and version: FNV-1a, mixed at the end.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        let length = (part.len() as u64).to_le_bytes();
        for byte in length.iter().chain(part.iter()) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    for (shift, factor) in [(33, 0xff51_afd7_ed55_8ccd_u64), (33, 0xc4ce_b9fe_1a85_ec53)] {
        hash = (hash ^ (hash >> shift)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

/// The one of these names that has the key.
pub(crate) fn choose<'n>(
    names: impl IntoIterator<Item = &'n str>,
    key: &[&[u8]],
) -> Option<&'n str> {
    let key = hash(key).to_le_bytes();
    names
        .into_iter()
        .max_by_key(|name| (hash(&[name.as_bytes(), &key]), *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spread_and_only_those_of_the_one_that_goes_move() {
        let (all, rest) = (["a", "b", "c"], ["a", "c"]);
        let (mut counts, mut moved) = ([0; 3], 0);
        for number in 0..3000 {
            let name = number.to_string();
            let key: [&[u8]; 2] = [b"group", name.as_bytes()];
            let before = choose(all, &key);
            let at = all.iter().position(|name| Some(*name) == before);
            counts[at.unwrap_or(0)] += 1;
            if choose(rest, &key) != before {
                moved += 1;
                assert_eq!(before, Some("b"));
            }
        }
        assert!(
            counts.iter().all(|count| (800..1200).contains(count)),
            "{counts:?}"
        );
        assert_eq!(moved, counts[1]);
        assert_eq!(choose([], &[b"x"]), None);
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(hash(&[b"a", b"bc"]), hash(&[b"ab", b"c"]));
    }
}
