//! Defaults of fields that a message leaves out, as Java's `JsonFormat` prints them.
//!
//! Fields without presence have their defaults in the JSON form anyway. Those with presence that belong to no oneof and
//! are no messages — `optional` of proto2 — are filled in here.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Syntax, Value};

/// Sets what `message` and the messages inside it leave out.
pub(super) fn fill(message: &mut DynamicMessage) {
    let of = message.descriptor();
    if of.parent_file().syntax() == Syntax::Proto2 {
        let absent: Vec<_> = of
            .fields()
            .filter(|field| is_printed(field) && !message.has_field(field))
            .collect();
        for field in absent {
            message.set_field(&field, field.default_value());
        }
    }
    for (_, value) in message.fields_mut() {
        fill_value(value);
    }
}

fn fill_value(value: &mut Value) {
    match value {
        Value::Message(message) => fill(message),
        Value::List(items) => items.iter_mut().for_each(fill_value),
        Value::Map(entries) => entries.values_mut().for_each(fill_value),
        _ => {}
    }
}

/// Whether the field has presence and is printed without a value all the same.
fn is_printed(field: &FieldDescriptor) -> bool {
    field.supports_presence()
        && field.containing_oneof().is_none()
        && !matches!(field.kind(), Kind::Message(_))
}
