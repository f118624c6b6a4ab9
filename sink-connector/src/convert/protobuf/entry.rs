//! The entries of maps, also of those that a file declares itself: the original takes every list of messages called
//! `…Entry` with a `key` and a `value` for a map.

use sluiceway_schemas::protobuf::{FieldDescriptor, Kind, MessageDescriptor};

use super::map_name::{entry_name, map_name};

/// What the entries of a map are made of.
pub(super) struct Entry {
    pub(super) key: FieldDescriptor,
    pub(super) value: FieldDescriptor,
}

/// The entries of `field`, if it is a map.
pub(super) fn entry(field: &FieldDescriptor) -> Option<Entry> {
    let of = match field.kind() {
        Kind::Message(of) if field.is_map() || (field.is_list() && looks_like_one(&of)) => of,
        _ => return None,
    };
    Some(Entry {
        key: of.get_field_by_name("key")?,
        value: of.get_field_by_name("value")?,
    })
}

fn looks_like_one(of: &MessageDescriptor) -> bool {
    let declared = &of.descriptor_proto().field;
    of.name().ends_with("Entry")
        && matches!(declared.as_slice(), [key, value] if key.name() == "key" && value.name() == "value")
        && !of.fields().any(|field| field.is_list() || field.is_map())
}

impl Entry {
    /// Full and simple name of the map `field`.
    pub(super) fn names(&self, field: &FieldDescriptor) -> (String, String) {
        let of = self.key.parent_message();
        if field.is_map() {
            let name = map_name(field.name());
            return (
                format!("{}.{name}", field.parent_message().full_name()),
                name,
            );
        }
        let name = entry_name(of.name());
        let full = match of.full_name().rsplit_once('.') {
            Some((scope, _)) => format!("{scope}.{name}"),
            None => name.clone(),
        };
        (full, name)
    }
}
