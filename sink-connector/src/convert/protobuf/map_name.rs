//! The name of a map's schema, which goes through the name of the map's entries as Confluent writes it.

/// `myMap` and `my_map` are `my_map`: the entries of both are called `MyMapEntry`, from whose words the name is made again.
pub(super) fn map_name(field: &str) -> String {
    let camel = match field.contains('_') {
        true => field.split('_').map(capitalized).collect(),
        false => field.to_owned(),
    };
    words(&camel)
}

/// The name of a map whose entries are declared under the name `entry`: `ByUserEntry` is `by_user`.
pub(super) fn entry_name(entry: &str) -> String {
    words(entry.strip_suffix("Entry").unwrap_or(entry))
}

/// Lower-case words, each of which began with a capital.
fn words(camel: &str) -> String {
    let mut name = String::with_capacity(camel.len() + 4);
    for (at, c) in camel.char_indices() {
        if at > 0 && c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// A word with its first letter alone in upper case.
fn capitalized(word: &str) -> String {
    let mut word = word.to_ascii_lowercase();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::{entry_name, map_name};

    #[test]
    fn names_have_lower_case_words() {
        for (field, name) in [
            ("mp", "mp"),
            ("my_map", "my_map"),
            ("myMap", "my_map"),
            ("MyMap", "my_map"),
            ("by_userId", "by_userid"),
            ("a__b", "a_b"),
            ("_m", "m"),
            ("URLs", "u_r_ls"),
        ] {
            assert_eq!(map_name(field), name, "{field}");
        }
        assert_eq!(entry_name("ByUserEntry"), "by_user");
    }
}
