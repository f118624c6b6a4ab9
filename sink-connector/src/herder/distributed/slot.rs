//! Which slot a connector or task belongs to.
//!
//! A connector itself goes with its first task. The tasks of one connector are spread in steps of the golden ratio,
//! which puts neighbours far apart whether a worker's slots lie in a block (after a worker came or went) or
//! alternate with those of others (after a common start). Every worker has to come to the same result: the hash is
//! FNV-1a, written out here, and must never change.

/// The slot of a connector's task among `slots`.
pub(super) fn slot_of(connector: &str, task: u32, slots: u32) -> u32 {
    if slots == 0 {
        return 0;
    }
    let slots = u64::from(slots);
    let start = fnv1a(connector.as_bytes()) % slots;
    let way = u64::from(task) * step(slots);
    u32::try_from((start + way) % slots).unwrap_or(0)
}

/// Divisors that workers come in: a step that shares one with their number would leave some of them out.
const FEW_WORKERS: u64 = 2 * 3 * 5 * 7;

/// The first whole number from `slots` / 1.618 on that shares no divisor with `slots`, so that all slots are met, nor, where
/// that is possible, with a small number of workers.
fn step(slots: u64) -> u64 {
    let golden = (slots * 618 / 1000).max(1);
    let coprime_to = |other: u64| (golden..=slots.max(1)).find(|step| gcd(*step, other) == 1);
    coprime_to(slots * FEW_WORKERS)
        .or_else(|| coprime_to(slots))
        .unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_mapping_is_fixed() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!((step(64), step(48), step(7)), (41, 29, 4));
        assert_eq!(slot_of("s3-sink", 1, 1), 0);
        assert_eq!(slot_of("s3-sink", 0, 0), 0);
    }

    #[test]
    fn as_many_tasks_as_slots_take_one_each() {
        for slots in [1, 2, 7, 48, 64, 100] {
            let used: HashSet<u32> = (0..slots).map(|task| slot_of("n", task, slots)).collect();
            assert_eq!(used.len(), slots as usize);
        }
    }

    /// Most tasks on one worker beyond an even share, whether slots alternate or lie in blocks.
    #[test]
    fn tasks_of_a_connector_are_spread() {
        for (workers, tasks) in [(2, 4), (2, 8), (3, 12), (4, 16), (4, 48)] {
            for connector in ["a", "s3-sink", "orders", "0a1b2c3d4e5f"] {
                for alternating in [true, false] {
                    let mut load = vec![0_u32; workers as usize];
                    for task in 0..tasks {
                        let slot = slot_of(connector, task, 64);
                        let worker = if alternating {
                            slot % workers
                        } else {
                            slot * workers / 64
                        };
                        load[worker as usize] += 1;
                    }
                    let most = load.iter().max().copied().unwrap_or(0);
                    assert!(
                        most <= tasks.div_ceil(workers) + 1,
                        "{workers} workers, {tasks} tasks of {connector}: {load:?}"
                    );
                }
            }
        }
    }
}
