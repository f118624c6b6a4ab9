//! The order in which a `java.util.HashMap` gives its entries: that of the buckets their hashes fall into.
//!
//! Where it shows: fields of JSON Schema's structs, maps in the text of a header, which of two members wins a name, which
//! of several bad fields is told of first, configurations that the REST API shows.

use indexmap::IndexMap;

use super::Value;

/// Buckets of a table that grew to hold `entries`: 16 at least, three quarters full at most.
pub(crate) fn buckets(entries: usize) -> usize {
    grown(16, entries)
}

fn grown(mut buckets: usize, entries: usize) -> usize {
    while entries * 4 > buckets * 3 {
        buckets *= 2;
    }
    buckets
}

/// Brings `table` into the order of one that was made as a copy of `copied` entries and has had others put in since. Such a
/// table begins as small as they allow (Java 17).
pub(crate) fn order_copy<V>(table: &mut IndexMap<String, V>, copied: usize) {
    let buckets = grown((copied * 4 / 3 + 1).next_power_of_two(), table.len());
    table.sort_by(|a, _, b, _| bucket(a, buckets).cmp(&bucket(b, buckets)));
}

/// Where a string stands among `buckets` (a power of two).
pub(crate) fn bucket(text: &str, buckets: usize) -> usize {
    place(text_hash(text), buckets)
}

/// Brings maps inside `value` into the order that Java gives them; those with keys of other types than text and whole
/// numbers keep theirs.
pub(crate) fn reorder(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(reorder),
        Value::Map(entries) => {
            entries.iter_mut().for_each(|(_, item)| reorder(item));
            let buckets = buckets(entries.len());
            if entries.iter().all(|(key, _)| hash(key).is_some()) {
                entries.sort_by_key(|(key, _)| hash(key).map(|hash| place(hash, buckets)));
            }
        }
        Value::Struct(value) => value.values.iter_mut().for_each(reorder),
        _ => {}
    }
}

fn hash(key: &Value) -> Option<u32> {
    Some(match key {
        Value::String(text) => text_hash(text),
        Value::Int8(number) => i32::from(*number) as u32,
        Value::Int16(number) => i32::from(*number) as u32,
        Value::Int32(number) => *number as u32,
        Value::Int64(number) => (*number ^ ((*number as u64) >> 32) as i64) as u32,
        _ => return None,
    })
}

fn text_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    })
}

/// A table mixes the upper half of a hash into the lower.
fn place(hash: u32, buckets: usize) -> usize {
    (hash ^ (hash >> 16)) as usize & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(keys: &[&str]) -> Value {
        let entry = |key: &&str| (Value::String((*key).to_owned()), Value::Null);
        Value::Map(keys.iter().map(entry).collect())
    }

    /// As recorded of maps that no transform touched.
    #[test]
    fn maps_have_the_recorded_order() {
        let keys = [
            "z", "y", "x", "w", "v", "aa", "bb", "index", "title", "category",
        ];
        let mut nested = Value::Array(vec![map(&keys)]);
        reorder(&mut nested);
        let ordered = [
            "aa", "bb", "v", "w", "x", "y", "index", "z", "title", "category",
        ];
        assert_eq!(
            format!("{nested:?}"),
            format!("{:?}", Value::Array(vec![map(&ordered)]))
        );
    }

    fn copied(keys: &[&str], copied: usize) -> Vec<String> {
        let mut table: IndexMap<String, ()> =
            keys.iter().map(|key| ((*key).to_owned(), ())).collect();
        order_copy(&mut table, copied);
        table.into_keys().collect()
    }

    #[test]
    fn a_copy_begins_as_small_as_its_entries_allow() {
        let few = ["flush.size", "topics", "name"];
        assert_eq!(copied(&few, 3), ["name", "flush.size", "topics"]);
        let many = ["a", "q", "b", "r"];
        assert_eq!(copied(&many, 2), ["a", "q", "b", "r"]);
        assert_eq!(copied(&many, 12), ["a", "b", "q", "r"]);
    }

    #[test]
    fn whole_numbers_are_their_own_hashes() {
        let entry = |key: i64| (Value::Int64(key), Value::Null);
        let mut numbers = Value::Map(vec![entry(17), entry(2), entry(-1)]);
        reorder(&mut numbers);
        let ordered = Value::Map(vec![entry(-1), entry(17), entry(2)]);
        assert_eq!(format!("{numbers:?}"), format!("{ordered:?}"));
        assert_eq!((buckets(12), buckets(13), buckets(25)), (16, 32, 64));
    }
}
