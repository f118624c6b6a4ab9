//! Message type → Connect schema, with what Confluent's `ProtobufData` keeps of it: tags, wire types and enum numbers as
//! parameters.

use std::collections::HashMap;
use std::sync::Arc;

use sluiceway_schemas::protobuf::{
    Cardinality, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    OneofDescriptor, Schema as File, Syntax,
};

use super::entry::{Entry, entry};
use crate::avro::GENERAL_UNION;
use crate::config::ProtobufConverterConfig;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Type, logical};

const NAMESPACE: &str = "io.confluent.connect.protobuf";

/// A translated message type.
pub(in crate::convert) struct Translation {
    /// The Connect schema.
    pub(super) schema: SchemaRef,
    /// Every message type in it, by full name.
    pub(super) messages: HashMap<String, Message>,
    /// `int.for.enums`.
    pub(super) int_for_enums: bool,
    /// Wrapper messages are their values.
    pub(super) unwrap: bool,
    /// `optional.for.proto2`.
    pub(super) optional_for_proto2: bool,
    /// `generate.struct.for.nulls`.
    pub(super) struct_for_nulls: bool,
    pub(super) root: MessageDescriptor,
}

/// The fields of a message type in the order of its STRUCT.
pub(super) struct Message {
    /// The whole schema. Where a message uses itself, a STRUCT of the same name without fields stands in it.
    pub(super) schema: SchemaRef,
    pub(super) members: Vec<Member>,
}

/// What a field of a STRUCT is made of.
pub(super) enum Member {
    Field(FieldDescriptor),
    Oneof(Vec<FieldDescriptor>),
}

impl Translation {
    /// # Errors
    /// The text of what is wrong with the bytes.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<DynamicMessage, String> {
        DynamicMessage::decode(self.root.clone(), bytes).map_err(|error| error.to_string())
    }
}

pub(super) fn translate(
    file: &File,
    message: &MessageDescriptor,
    version: Option<i32>,
    config: &ProtobufConverterConfig,
) -> Result<Translation, Exception> {
    let mut translator = Translator {
        file,
        config,
        open: Vec::new(),
        messages: HashMap::new(),
    };
    let wrapper = wrapped(message.full_name()).filter(|_| config.wrapper_for_raw_primitives);
    let mut schema = match wrapper {
        Some(kind) => Schema::of(kind),
        None => translator.message(message)?,
    };
    schema.optional = false;
    schema.version = version;
    Ok(Translation {
        schema: schema.build(),
        messages: translator.messages,
        int_for_enums: config.int_for_enums,
        unwrap: config.wrapper_for_raw_primitives || config.wrapper_for_nullables,
        optional_for_proto2: config.optional_for_proto2,
        struct_for_nulls: config.struct_for_nulls,
        root: message.clone(),
    })
}

struct Translator<'a> {
    file: &'a File,
    config: &'a ProtobufConverterConfig,
    open: Vec<String>,
    messages: HashMap<String, Message>,
}

impl Translator<'_> {
    /// The schema of a message, optional.
    fn message(&mut self, of: &MessageDescriptor) -> Result<Schema, Exception> {
        let name = self.name(of.full_name(), of.name());
        let empty = Schema::of(Type::Struct).named(name).optional();
        let full = of.full_name().to_owned();
        if self.open.contains(&full) {
            return Ok(empty);
        }
        if let Some(known) = self.messages.get(&full) {
            return Ok((*known.schema).clone());
        }
        self.open.push(full.clone());
        let (schema, members) = self.members(of, empty)?;
        self.open.pop();
        let known = Message {
            schema: Arc::new(schema.clone()),
            members,
        };
        self.messages.insert(full, known);
        Ok(schema)
    }

    fn members(
        &mut self,
        of: &MessageDescriptor,
        mut schema: Schema,
    ) -> Result<(Schema, Vec<Member>), Exception> {
        let mut members = Vec::new();
        for (index, oneof) in of
            .oneofs()
            .filter(|oneof| !oneof.is_synthetic())
            .enumerate()
        {
            if self.config.flatten_unions {
                for field in oneof.fields() {
                    schema = schema.field(self.scrub(field.name()), self.field(&field)?);
                    members.push(Member::Field(field));
                }
                continue;
            }
            let name = if self.config.generate_index_for_unions {
                format!("{}_{index}", oneof.name())
            } else {
                oneof.name().to_owned()
            };
            schema = schema.field(self.scrub(&name), self.oneof(&oneof)?);
            members.push(Member::Oneof(oneof.fields().collect()));
        }
        let mut fields: Vec<_> = of.fields().filter(|field| !in_oneof(field)).collect();
        // The descriptor lists them by number; the file's own order is that of the declarations.
        let declared: Vec<_> = of
            .descriptor_proto()
            .field
            .iter()
            .map(|field| field.number() as u32)
            .collect();
        fields.sort_by_key(|field| declared.iter().position(|number| *number == field.number()));
        for field in fields {
            schema = schema.field(self.scrub(field.name()), self.field(&field)?);
            members.push(Member::Field(field));
        }
        Ok((schema, members))
    }

    fn oneof(&mut self, oneof: &OneofDescriptor) -> Result<Schema, Exception> {
        let name = oneof.name().to_owned();
        let mut schema = Schema::of(Type::Struct).optional();
        if self.config.common.generalized_sum_types {
            set(&mut schema, GENERAL_UNION, name.clone());
            schema.name = Some(name);
        } else {
            let name = self.name(oneof.full_name(), &name);
            schema.name = Some(format!("{NAMESPACE}.Union.{name}"));
        }
        for field in oneof.fields() {
            schema = schema.field(self.scrub(field.name()), self.field(&field)?);
        }
        Ok(schema)
    }

    fn field(&mut self, field: &FieldDescriptor) -> Result<Schema, Exception> {
        let mut schema = if let Some(entry) = entry(field) {
            self.map(field, &entry)?
        } else if field.is_list() {
            let element = self.single(field)?.optional();
            Schema::array(element).optional()
        } else {
            self.single(field)?
        };
        let nullable = if self.config.optional_for_nullables {
            has_optional_keyword(field)
        } else {
            !self.config.wrapper_for_nullables
        };
        schema.optional |= nullable;
        set(
            &mut schema,
            &format!("{NAMESPACE}.Tag"),
            field.number().to_string(),
        );
        Ok(schema)
    }

    fn map(&mut self, field: &FieldDescriptor, entry: &Entry) -> Result<Schema, Exception> {
        let key = self.field(&entry.key)?;
        let value = self.field(&entry.value)?;
        let (full, simple) = entry.names(field);
        let name = self.name(&full, &simple);
        Ok(Schema::map(key, value).named(name).optional())
    }

    fn single(&mut self, field: &FieldDescriptor) -> Result<Schema, Exception> {
        let wire = |kind: Type, name: &str| {
            let mut schema = Schema::of(kind);
            set(&mut schema, &format!("{NAMESPACE}.Type"), name.to_owned());
            schema
        };
        Ok(match field.kind() {
            Kind::Double => Schema::of(Type::Float64),
            Kind::Float => Schema::of(Type::Float32),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                match (self.small(field), field.kind()) {
                    (Some(small), _) => Schema::of(small),
                    (None, Kind::Sint32) => wire(Type::Int32, "sint32"),
                    (None, Kind::Sfixed32) => wire(Type::Int32, "sfixed32"),
                    _ => Schema::of(Type::Int32),
                }
            }
            Kind::Int64 => Schema::of(Type::Int64),
            Kind::Sint64 => wire(Type::Int64, "sint64"),
            Kind::Sfixed64 => wire(Type::Int64, "sfixed64"),
            Kind::Uint32 => wire(Type::Int64, "uint32"),
            Kind::Fixed32 => wire(Type::Int64, "fixed32"),
            Kind::Uint64 => wire(Type::Int64, "uint64"),
            Kind::Fixed64 => wire(Type::Int64, "fixed64"),
            Kind::Bool => Schema::of(Type::Boolean),
            Kind::String => Schema::of(Type::String),
            Kind::Bytes => Schema::of(Type::Bytes),
            Kind::Enum(of) => self.enumeration(&of),
            Kind::Message(of) => self.known_or_own(field, &of)?,
        })
    }

    /// Numbers of 32 bits that were made of a smaller type say so.
    fn small(&self, field: &FieldDescriptor) -> Option<Type> {
        match self.file.field_parameter(field, "connect.type")?.as_str() {
            "int8" => Some(Type::Int8),
            "int16" => Some(Type::Int16),
            _ => None,
        }
    }

    /// An enum is optional whatever the options say.
    fn enumeration(&self, of: &EnumDescriptor) -> Schema {
        let kind = if self.config.int_for_enums {
            Type::Int32
        } else {
            Type::String
        };
        let name = self.name(of.full_name(), of.name());
        let prefix = if self.config.common.generalized_sum_types {
            "org.apache.kafka.connect.data.Enum".to_owned()
        } else {
            format!("{NAMESPACE}.Enum")
        };
        let mut schema = Schema::of(kind).named(name).optional();
        set(&mut schema, &prefix, of.name().to_owned());
        for value in of.values() {
            let number = value.number().to_string();
            set(&mut schema, &format!("{prefix}.{}", value.name()), number);
        }
        schema
    }

    /// Messages that have a type of their own in Connect, and all others.
    fn known_or_own(
        &mut self,
        field: &FieldDescriptor,
        of: &MessageDescriptor,
    ) -> Result<Schema, Exception> {
        let versioned = |kind: Type, name: &str| Schema {
            version: Some(1),
            ..Schema::of(kind).named(name)
        };
        let schema = match of.full_name() {
            "google.protobuf.Timestamp" => versioned(Type::Int64, logical::TIMESTAMP),
            "google.type.Date" => versioned(Type::Int32, logical::DATE),
            "google.type.TimeOfDay" => versioned(Type::Int32, logical::TIME),
            "confluent.type.Decimal" => {
                let number = |name: &str| self.file.field_parameter(field, name);
                let scale = number("scale").and_then(|text| text.parse().ok());
                let mut schema = Schema::decimal(scale.unwrap_or(0));
                let precision: Option<i32> = number("precision").and_then(|text| text.parse().ok());
                if let Some(precision) = precision {
                    set(
                        &mut schema,
                        "connect.decimal.precision",
                        precision.to_string(),
                    );
                }
                schema
            }
            name if self.config.wrapper_for_raw_primitives || self.config.wrapper_for_nullables => {
                match wrapped(name) {
                    Some(kind) => Schema::of(kind),
                    None => self.message(of)?,
                }
            }
            _ => self.message(of)?,
        };
        Ok(schema.optional())
    }

    fn name(&self, full: &str, simple: &str) -> String {
        let name = if self.config.enhanced { full } else { simple };
        name.to_owned()
    }

    fn scrub(&self, name: &str) -> String {
        if !self.config.common.scrub_invalid_names {
            return name.to_owned();
        }
        name.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect()
    }
}

/// Whether the word `optional` stands before the field, in proto3 or in proto2.
pub(super) fn has_optional_keyword(field: &FieldDescriptor) -> bool {
    if field.field_descriptor_proto().proto3_optional() {
        return true;
    }
    field.parent_file().syntax() == Syntax::Proto2
        && field.cardinality() == Cardinality::Optional
        && field.containing_oneof().is_none()
}

pub(super) fn in_oneof(field: &FieldDescriptor) -> bool {
    field
        .containing_oneof()
        .is_some_and(|oneof| !oneof.is_synthetic())
}

/// The type inside a wrapper message.
pub(super) fn wrapped(name: &str) -> Option<Type> {
    Some(match name.strip_prefix("google.protobuf.")? {
        "DoubleValue" => Type::Float64,
        "FloatValue" => Type::Float32,
        "Int64Value" | "UInt64Value" | "UInt32Value" => Type::Int64,
        "Int32Value" => Type::Int32,
        "BoolValue" => Type::Boolean,
        "StringValue" => Type::String,
        "BytesValue" => Type::Bytes,
        _ => return None,
    })
}

fn set(schema: &mut Schema, name: &str, value: String) {
    schema.parameters.insert(name.to_owned(), value);
}
