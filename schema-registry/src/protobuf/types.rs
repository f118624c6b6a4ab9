//! The types of a file once more, with maps as what they are on the wire: lists of entries.
//!
//! The library keeps the entries of a map in a hash table, so that it would write and print them in a different order
//! each time; those of a list stay in their order. In: the types. Out: their twins, and which lists of these are maps.

use prost_reflect::prost_types::{DescriptorProto, FileDescriptorSet};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::error::SchemaError;

/// Types and their twins.
#[derive(Debug)]
pub(super) struct Types {
    plain: DescriptorPool,
    listed: DescriptorPool,
}

/// Key and value of a map's entries.
pub(super) struct Entry {
    /// The entry itself.
    pub(super) of: MessageDescriptor,
    pub(super) key: FieldDescriptor,
    pub(super) value: FieldDescriptor,
}

impl Types {
    /// The twins of all types of `plain`.
    ///
    /// # Errors
    /// When they do not make up a pool, as `plain` itself does.
    pub(super) fn new(plain: &DescriptorPool) -> Result<Self, SchemaError> {
        let mut file: Vec<_> = plain.file_descriptor_protos().cloned().collect();
        for message in file.iter_mut().flat_map(|file| &mut file.message_type) {
            list_maps(message);
        }
        let listed = DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file })
            .map_err(|error| SchemaError::Invalid(error.to_string()))?;
        Ok(Self {
            plain: plain.clone(),
            listed,
        })
    }

    /// The plain type of this name.
    pub(super) fn plain(&self, name: &str) -> Option<MessageDescriptor> {
        self.plain.get_message_by_name(name)
    }

    /// The twin of a plain type, or of a twin.
    pub(super) fn listed(&self, of: &MessageDescriptor) -> MessageDescriptor {
        let twin = self.listed.get_message_by_name(of.full_name());
        twin.unwrap_or_else(|| of.clone())
    }

    /// The entries of a twin's field, when the plain one is a map.
    pub(super) fn entry(&self, field: &FieldDescriptor) -> Option<Entry> {
        let of = match field.kind() {
            Kind::Message(of) if field.is_list() => of,
            _ => return None,
        };
        let plain = self.plain(of.full_name())?;
        let (key, value) = (of.get_field(1)?, of.get_field(2)?);
        plain.is_map_entry().then_some(Entry { of, key, value })
    }
}

fn list_maps(message: &mut DescriptorProto) {
    if let Some(options) = &mut message.options {
        options.map_entry = None;
    }
    message.nested_type.iter_mut().for_each(list_maps);
}
