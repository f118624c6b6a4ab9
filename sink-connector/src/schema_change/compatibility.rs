//! Whether a value of one schema can be projected to another, decided by the schemas alone.

use crate::value::{Parameters, Schema, Type};

/// Whether `record`'s values can be made values of `file`: types equal or widened, names and parameters equal, nothing
/// optional where the file has neither null nor a default, and no field missing that the file needs.
pub(super) fn fits(record: &Schema, file: &Schema) -> bool {
    widens(record.kind, file.kind)
        && record.name == file.name
        && same_parameters(record, file)
        && (!record.optional || can_be_absent(file))
        && fields_fit(record, file)
        && both_fit(record.key.as_deref(), file.key.as_deref())
        && both_fit(record.element.as_deref(), file.element.as_deref())
}

/// Whether a number of type `from` is one of type `to`, from 8 bits to double.
pub(super) fn widens(from: Type, to: Type) -> bool {
    let rank = |kind: Type| match kind {
        Type::Int8 => Some(0),
        Type::Int16 => Some(1),
        Type::Int32 => Some(2),
        Type::Int64 => Some(3),
        Type::Float32 => Some(4),
        Type::Float64 => Some(5),
        _ => None,
    };
    from == to || matches!((rank(from), rank(to)), (Some(from), Some(to)) if from <= to)
}

/// Whether parameters agree. Documentation does not count; an enum may have fewer symbols than the file's.
pub(super) fn same_parameters(record: &Schema, file: &Schema) -> bool {
    let subset = |a: &Parameters, b: &Parameters| {
        a.iter()
            .filter(|(name, _)| !is_documentation(name))
            .all(|(name, value)| b.get(name) == Some(value))
    };
    let fewer = subset(&record.parameters, &file.parameters);
    if is_enum(record) && is_enum(file) {
        return fewer;
    }
    fewer && subset(&file.parameters, &record.parameters)
}

/// Whether the schema is that of an enum, of whichever converter.
pub(super) fn is_enum(schema: &Schema) -> bool {
    [
        "org.apache.kafka.connect.data.Enum",
        "io.confluent.connect.avro.Enum",
        "io.confluent.connect.protobuf.Enum",
    ]
    .iter()
    .any(|name| schema.parameters.contains_key(name))
}

fn is_documentation(name: &str) -> bool {
    name.starts_with("io.confluent.connect.avro.field.doc.")
        || matches!(
            name,
            "connect.record.doc" | "connect.record.aliases" | "connect.record.namespace"
        )
}

fn can_be_absent(schema: &Schema) -> bool {
    schema.optional || schema.default.is_some()
}

fn fields_fit(record: &Schema, file: &Schema) -> bool {
    file.fields
        .iter()
        .all(|wanted| match record.field_index(&wanted.name) {
            Some(at) => fits(&record.fields[at].schema, &wanted.schema),
            None => can_be_absent(&wanted.schema),
        })
}

fn both_fit(record: Option<&Schema>, file: Option<&Schema>) -> bool {
    match (record, file) {
        (Some(record), Some(file)) => fits(record, file),
        (record, file) => record.is_none() == file.is_none(),
    }
}
