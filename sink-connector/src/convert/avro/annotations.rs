//! What stands beside a type in an Avro schema and goes with it into Connect's: name, version, documentation, parameters, default.

use std::sync::Arc;

use serde_json::Value as Json;
use sluiceway_schemas::avro::{Schema as Avro, Type as AvroType, TypeId};

use super::default;
use crate::config::AvroConverterConfig;
use crate::error::Exception;
use crate::value::Schema;

/// What Confluent's converter puts before the names of its own parameters.
pub(super) const NAMESPACE: &str = "io.confluent.connect.avro";

/// What the place of a type adds to it.
#[derive(Clone, Default)]
pub(super) struct Place<'a> {
    pub(super) optional: bool,
    pub(super) default: Option<&'a Json>,
    pub(super) doc: Option<&'a str>,
    pub(super) version: Option<i32>,
}

impl Place<'_> {
    /// Of a branch beside null.
    pub(super) const OPTIONAL: Place<'static> = Place {
        optional: true,
        default: None,
        doc: None,
        version: None,
    };
}

/// See the module.
pub(super) struct Annotations<'a> {
    pub(super) avro: &'a Avro,
    pub(super) config: &'a AvroConverterConfig,
}

impl Annotations<'_> {
    /// Adds it to the schema of a type.
    pub(super) fn add(
        &self,
        schema: &mut Schema,
        id: TypeId,
        of: &AvroType,
        place: &Place<'_>,
    ) -> Result<(), Exception> {
        self.doc(schema, of, place);
        self.version(schema, of, place)?;
        self.parameters(schema, of)?;
        let own = of.attributes.get("connect.default");
        if let Some(json) = place.default.or(own).filter(|json| !json.is_null()) {
            schema.default = default::value(self.avro, id, &Arc::new(schema.clone()), json);
            let kept = self.config.meta_data && !self.config.discard_type_doc_default;
            if place.default.is_some() && own.is_none() && kept {
                // Says that the default is the field's: Avro and Parquet files then have it there only.
                set(schema, &format!("{NAMESPACE}.field.default"), "true");
            }
        }
        if let Some(name) = name(of) {
            match &schema.name {
                Some(own) if *own != name => {
                    return Err(Exception::data(format!(
                        "Mismatched names: name already added to SchemaBuilder ({own}) differs from name in source schema ({name})"
                    )));
                }
                _ => schema.name = Some(name),
            }
        }
        schema.optional |= place.optional;
        Ok(())
    }

    /// Avro's own documentation stands in the record's parameters, unless it is to take the place of Connect's.
    fn doc(&self, schema: &mut Schema, of: &AvroType, place: &Place<'_>) {
        let connect = of.attributes.get("connect.doc").and_then(Json::as_str);
        if !self.config.discard_type_doc_default {
            schema.doc = connect.filter(|_| self.config.meta_data).map(str::to_owned);
            return;
        }
        schema.doc = place.doc.or(of.doc()).or(connect).map(str::to_owned);
        if let Some(doc) = of.doc().filter(|_| self.config.meta_data) {
            set(schema, "connect.record.doc", doc);
        }
    }

    /// The version that the schema itself says, else the one in the registry.
    fn version(
        &self,
        schema: &mut Schema,
        of: &AvroType,
        place: &Place<'_>,
    ) -> Result<(), Exception> {
        let own = match of.attributes.get("connect.version") {
            None => None,
            Some(number) => Some(number.as_i64().ok_or_else(|| {
                Exception::data(format!("Invalid Connect version found: {number}"))
            })? as i32),
        };
        let Some(version) = own.or(place.version).filter(|version| *version >= 0) else {
            return Ok(());
        };
        match schema.version {
            Some(other) if other != version => Err(Exception::data(format!(
                "Mismatched versions: version already added to SchemaBuilder ({other}) differs from version in source schema ({version})"
            ))),
            _ => {
                schema.version = Some(version);
                Ok(())
            }
        }
    }

    fn parameters(&self, schema: &mut Schema, of: &AvroType) -> Result<(), Exception> {
        if let (true, Some(given)) = (
            self.config.meta_data,
            of.attributes.get("connect.parameters"),
        ) {
            let object = given.as_object().ok_or_else(|| {
                Exception::data(format!(
                    "Expected JSON object for schema parameters but found: {given}"
                ))
            })?;
            for (name, value) in object {
                let value = value.as_str().ok_or_else(|| {
                    Exception::data(format!(
                        "Expected schema parameter values to be strings but found: {value}"
                    ))
                })?;
                set(schema, name, value);
            }
        }
        for (name, value) in &of.attributes {
            if name.starts_with("avro") {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                set(schema, name, text);
            }
        }
        Ok(())
    }
}

/// The name of Connect's schema.
pub(super) fn name(of: &AvroType) -> Option<String> {
    let given = of.attributes.get("connect.name").and_then(Json::as_str);
    let name = given.or_else(|| of.name().map(|name| name.full()))?;
    // Also those with a number behind it: a source had several records without a name.
    let unnamed = name.starts_with("io.confluent.connect.avro.ConnectDefault");
    (!unnamed).then(|| name.to_owned())
}

/// Sets a parameter.
pub(super) fn set(schema: &mut Schema, name: &str, value: impl Into<String>) {
    schema.parameters.insert(name.to_owned(), value.into());
}
