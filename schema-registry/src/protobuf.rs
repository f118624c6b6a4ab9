//! Protobuf: schemas from `.proto` texts, messages and their JSON form.
//!
//! | module | what it is |
//! |---|---|
//! | [`files`] | imports: references, Google's and Confluent's own files |
//! | [`types`] | the types once more, with maps as lists of entries, which keep their order |
//! | [`from_json`] | JSON → message |
//! | [`to_json`] | message → JSON |
//! | [`defaults`] | what a message leaves out, for its JSON form |
//! | [`wire_types`] | fields of other wire types, which are as good as unknown |
//!
//! In: a text with the files it imports. Out: the messages of the file. What fails: a text that does not compile.
//! Confluent's wire format says by *message indexes* which message of the file a datum is.

mod defaults;
mod files;
mod from_json;
#[cfg(test)]
mod tests;
mod to_json;
mod types;
mod wire_types;

pub use prost_reflect::{
    Cardinality, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    OneofDescriptor, Syntax, Value as FieldValue,
};

use prost::Message;
use prost_reflect::{DescriptorPool, FileDescriptor};
use serde::Serialize as _;
use serde_json::Value;
use sluiceway_common::json::{Options, Scanner};

use crate::error::{DataError, SchemaError};
use crate::schema::Resolved;
use crate::wire;

/// A `.proto` file, compiled.
#[derive(Debug)]
pub struct Schema {
    file: FileDescriptor,
    message: MessageDescriptor,
    types: types::Types,
}

impl Schema {
    /// Compiles `text`, which may import `resolved` by name.
    ///
    /// # Errors
    /// When the text does not compile, or holds no message.
    pub fn parse(text: &str, resolved: &[Resolved]) -> Result<Self, SchemaError> {
        let file = files::compile(text, resolved)?;
        let message = file.messages().next().ok_or_else(|| {
            SchemaError::Invalid(
                "Protobuf schema definition contains no message type definition".to_owned(),
            )
        })?;
        let types = types::Types::new(file.parent_pool())?;
        Ok(Self {
            file,
            message,
            types,
        })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &FileDescriptor {
        &self.file
    }

    /// All types that are known: of the file and of what it imports.
    #[must_use]
    pub fn pool(&self) -> &DescriptorPool {
        self.file.parent_pool()
    }

    /// The file's first message: what is meant when nothing says otherwise.
    #[must_use]
    pub fn message(&self) -> &MessageDescriptor {
        &self.message
    }

    /// The message of a path of indexes: which of the file's messages, which of those inside it, and so on.
    #[must_use]
    pub fn message_at(&self, indexes: &[usize]) -> Option<MessageDescriptor> {
        let (first, rest) = indexes.split_first()?;
        let mut message = self.file.messages().nth(*first)?;
        for index in rest {
            let child = nested(&message).nth(*index)?;
            message = child;
        }
        Some(message)
    }

    /// The message of this full name, or of a name inside the file's package.
    #[must_use]
    pub fn message_named(&self, name: &str) -> Option<MessageDescriptor> {
        let pool = self.pool();
        pool.get_message_by_name(name)
            .or_else(|| pool.get_message_by_name(&format!("{}.{name}", self.file.package_name())))
    }

    /// What Confluent's `field_meta` option says of `field` under `name`.
    #[must_use]
    pub fn field_parameter(&self, field: &FieldDescriptor, name: &str) -> Option<String> {
        let extension = self.pool().get_extension_by_name("confluent.field_meta")?;
        let options = field.options();
        let meta = options.get_extension(&extension);
        let params = meta.as_message()?.get_field_by_name("params")?.into_owned();
        let key = MapKey::String(name.to_owned());
        params.as_map()?.get(&key)?.as_str().map(str::to_owned)
    }

    /// The path of indexes that leads to `message`.
    #[must_use]
    pub fn indexes_of(&self, message: &MessageDescriptor) -> Vec<usize> {
        let mut indexes = Vec::new();
        let mut current = message.clone();
        loop {
            let parent = current.parent_message();
            let index = match &parent {
                Some(parent) => nested(parent).position(|other| other == current),
                None => self.file.messages().position(|other| other == current),
            };
            indexes.insert(0, index.unwrap_or(0));
            match parent {
                Some(parent) => current = parent,
                None => return indexes,
            }
        }
    }

    /// Appends message indexes and the first message of the file, made of the JSON that is all of `json`.
    ///
    /// # Errors
    /// When the value does not fit; the texts are those of Java's `JsonFormat`.
    pub fn json_to_binary(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        // Nesting and syntax first: the tree below is built by recursion.
        let mut scanner = Scanner::new(json, 0, &Options::STRICT);
        scanner.skip()?;
        scanner.finish()?;
        let value: Value =
            serde_json::from_slice(json).map_err(|error| DataError::Mismatch(error.to_string()))?;
        let of = self.types.listed(&self.message);
        let message = from_json::message(&of, &value, &self.types)?;
        wire::write_indexes(&[0], out);
        // A Vec grows as needed: encoding into it cannot fail.
        let _ = message.encode(out);
        Ok(())
    }

    /// Appends the JSON form of the message behind its message indexes. Fields that are left out are written with their
    /// defaults, but for messages and members of oneofs; 64-bit numbers as strings.
    ///
    /// # Errors
    /// When the indexes lead nowhere or the bytes are no such message.
    pub fn binary_to_json(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        let (of, _, rest) = self.behind_indexes(bytes)?;
        let mut message = decoded(self.types.listed(&of), rest)?;
        defaults::fill(&mut message);
        let printed = to_json::Printed {
            message: &message,
            types: &self.types,
        };
        printed
            .serialize(&mut serde_json::Serializer::new(out))
            .map_err(|error| DataError::Malformed(error.to_string()))
    }

    /// The message behind its message indexes, with these.
    ///
    /// # Errors
    /// As [`Schema::binary_to_json`].
    pub fn decode(&self, bytes: &[u8]) -> Result<(DynamicMessage, Vec<usize>), DataError> {
        let (of, indexes, rest) = self.behind_indexes(bytes)?;
        Ok((decoded(of, rest)?, indexes))
    }

    /// The type that message indexes lead to, these, and what is behind them.
    fn behind_indexes<'b>(
        &self,
        bytes: &'b [u8],
    ) -> Result<(MessageDescriptor, Vec<usize>, &'b [u8]), DataError> {
        let (indexes, rest) =
            wire::parse_indexes(bytes).map_err(|error| DataError::Malformed(error.to_string()))?;
        let of = self
            .message_at(&indexes)
            .ok_or_else(|| DataError::Malformed(format!("no message at indexes {indexes:?}")))?;
        Ok((of, indexes, rest))
    }
}

fn decoded(of: MessageDescriptor, bytes: &[u8]) -> Result<DynamicMessage, DataError> {
    let message = DynamicMessage::decode(of.clone(), bytes).or_else(|error| {
        let bytes = wire_types::fitting(bytes, &of).ok_or(error)?;
        DynamicMessage::decode(of, bytes.as_slice())
    });
    message.map_err(|error| DataError::Malformed(error.to_string()))
}

/// Messages inside `message`, without those that stand for the entries of maps.
fn nested(message: &MessageDescriptor) -> impl Iterator<Item = MessageDescriptor> {
    message
        .child_messages()
        .filter(|child| !child.is_map_entry())
}
