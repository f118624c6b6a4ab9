//! Protobuf's rules for reading with one schema what another one wrote: a field's number keeps its type, a required
//! field stays, messages stay. In: compiled files. Out: what stands in the way.

use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

/// What stands in the way of reading with `reader` what `writer` wrote.
pub(super) fn obstacles(reader: &FileDescriptorProto, writer: &FileDescriptorProto) -> Vec<String> {
    let mut found = Vec::new();
    if reader.package() != writer.package() {
        add(
            &mut found,
            "PACKAGE_CHANGED",
            "#/",
            "The package of the new schema differs from the old one",
        );
    }
    messages("#", &reader.message_type, &writer.message_type, &mut found);
    found
}

fn add(found: &mut Vec<String>, kind: &str, path: &str, text: &str) {
    found.push(format!(
        "{{errorType:\"{kind}\", description:\"{text} at path '{path}'\"}}"
    ));
}

fn messages(
    path: &str,
    readers: &[DescriptorProto],
    writers: &[DescriptorProto],
    found: &mut Vec<String>,
) {
    for writer in writers {
        let path = format!("{path}/{}", writer.name());
        match readers.iter().find(|reader| reader.name() == writer.name()) {
            Some(reader) => {
                fields(&path, reader, writer, found);
                messages(&path, &reader.nested_type, &writer.nested_type, found);
            }
            None => add(
                found,
                "MESSAGE_REMOVED",
                &path,
                "The new schema is missing a message of the old one",
            ),
        }
    }
}

fn fields(path: &str, reader: &DescriptorProto, writer: &DescriptorProto, found: &mut Vec<String>) {
    for old in &writer.field {
        let path = format!("{path}/{}", old.number());
        match reader.field.iter().find(|new| new.number() == old.number()) {
            Some(new) if !same_wire(new, old) => {
                add(
                    found,
                    "FIELD_SCALAR_KIND_CHANGED",
                    &path,
                    "The type of a field in the new schema does not match with the old schema",
                );
            }
            Some(new)
                if real_oneof(new).is_some()
                    && real_oneof(old).is_none()
                    && oneof_size(reader, new) > 1 =>
            {
                add(
                    found,
                    "FIELD_MOVED_TO_EXISTING_ONEOF",
                    &path,
                    "A field moved into a oneof with others",
                );
            }
            None if old.label() == Label::Required => {
                add(
                    found,
                    "REQUIRED_FIELD_REMOVED",
                    &path,
                    "The new schema is missing a required field of the old one",
                );
            }
            None if real_oneof(old).is_some() => {
                add(
                    found,
                    "ONEOF_FIELD_REMOVED",
                    &path,
                    "The new schema is missing a oneof's field of the old one",
                );
            }
            _ => {}
        }
    }
    for new in reader
        .field
        .iter()
        .filter(|new| new.label() == Label::Required)
    {
        if !writer.field.iter().any(|old| old.number() == new.number()) {
            let path = format!("{path}/{}", new.number());
            add(
                found,
                "REQUIRED_FIELD_ADDED",
                &path,
                "The old schema is missing a required field of the new one",
            );
        }
    }
}

fn real_oneof(field: &FieldDescriptorProto) -> Option<i32> {
    field.oneof_index.filter(|_| !field.proto3_optional())
}

fn oneof_size(message: &DescriptorProto, field: &FieldDescriptorProto) -> usize {
    message
        .field
        .iter()
        .filter(|other| other.oneof_index == field.oneof_index)
        .count()
}

/// Types that are the same on the wire.
fn same_wire(new: &FieldDescriptorProto, old: &FieldDescriptorProto) -> bool {
    let group = |field: &FieldDescriptorProto| match field.r#type() {
        Type::Int32 | Type::Uint32 | Type::Int64 | Type::Uint64 | Type::Bool => 1,
        Type::Sint32 | Type::Sint64 => 2,
        Type::String | Type::Bytes => 3,
        Type::Fixed32 | Type::Sfixed32 => 4,
        Type::Fixed64 | Type::Sfixed64 => 5,
        Type::Enum => 1,
        other => 10 + other as i32,
    };
    let short = |field: &FieldDescriptorProto| {
        field
            .type_name()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let message = new.r#type() == Type::Message;
    group(new) == group(old) && (!message || short(new) == short(old))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::protobuf::compile;
    use super::obstacles;

    fn count(reader: &str, writer: &str) -> usize {
        let file = |text: &str| {
            let text = format!("syntax = \"proto3\"; message A {{ {text} }}");
            compile(&text, &Vec::new())
                .unwrap()
                .file_descriptor_proto()
                .clone()
        };
        obstacles(&file(reader), &file(writer)).len()
    }

    #[test]
    fn numbers_keep_their_types() {
        assert_eq!(count("int32 a = 1;", "int64 b = 1;"), 0);
        assert_eq!(count("string a = 1;", "int32 a = 1;"), 1);
        assert_eq!(count("", "int32 a = 1;"), 0);
        assert_eq!(count("int32 a = 1; string s = 2;", "int32 a = 1;"), 0);
        assert_eq!(count("", "message B { int32 x = 1; }"), 1);
    }
}
