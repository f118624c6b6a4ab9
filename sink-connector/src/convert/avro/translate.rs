//! Avro schema → Connect schema, with what Confluent's `AvroData` keeps of it: names, versions, docs, the symbols of
//! enums and the sizes of fixeds as parameters.

use std::collections::HashMap;

use serde_json::Value as Json;
use sluiceway_schemas::avro::{Enum, Kind, Record, Schema as Avro, Type as AvroType, TypeId};

use super::annotations::{Annotations, NAMESPACE, Place, name, set};
use super::simple::{bytes, int, is_logical, logical};
use crate::avro::GENERAL_UNION;
use crate::config::AvroConverterConfig;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Type};

/// A translated schema.
pub(in crate::convert) struct Translation {
    /// The Connect schema.
    pub(super) schema: SchemaRef,
    /// Whole schemas of records that use themselves. Where they do, a STRUCT of the same name without fields stands.
    pub(super) recursive: HashMap<TypeId, SchemaRef>,
    /// Whether a union of one branch is that branch.
    pub(super) flatten: bool,
    /// Whether unions have the names that all formats share.
    pub(super) generalized: bool,
}

/// Translates a schema; `version` is the one that the registry has it under.
///
/// # Errors
/// It says of itself what Connect refuses.
pub(super) fn translate(
    avro: &Avro,
    version: Option<i32>,
    config: &AvroConverterConfig,
) -> Result<Translation, Exception> {
    let mut translator = Translator {
        avro,
        config,
        open: Vec::new(),
        uses_itself: Vec::new(),
        recursive: HashMap::new(),
        unions: 0,
    };
    let place = Place {
        version,
        ..Place::default()
    };
    let schema = translator.schema(avro.root(), &place)?;
    Ok(Translation {
        schema: schema.build(),
        recursive: translator.recursive,
        flatten: config.common.flatten_singleton_unions,
        generalized: config.common.generalized_sum_types,
    })
}

struct Translator<'a> {
    avro: &'a Avro,
    config: &'a AvroConverterConfig,
    /// Records whose fields are being translated.
    open: Vec<TypeId>,
    uses_itself: Vec<TypeId>,
    recursive: HashMap<TypeId, SchemaRef>,
    /// Unions met so far, where they are numbered.
    unions: usize,
}

impl<'a> Translator<'a> {
    fn schema(&mut self, id: TypeId, place: &Place<'_>) -> Result<Schema, Exception> {
        let of = self.avro.get(id);
        if let Kind::Union(branches) = &of.kind
            && let Some((branch, optional)) = self.single(branches)
        {
            let place = Place {
                optional: optional || place.optional && branches.len() == 1,
                default: None,
                doc: place.doc,
                version: None,
            };
            return self.schema(branch, &place);
        }
        if self.open.contains(&id) {
            if !self.uses_itself.contains(&id) {
                self.uses_itself.push(id);
            }
            let stub = Schema::of(Type::Struct).named(name(of).unwrap_or_default());
            return Ok(if place.optional {
                stub.optional()
            } else {
                stub
            });
        }
        let mut schema = self.plain(id, of)?;
        let (avro, config) = (self.avro, self.config);
        Annotations { avro, config }.add(&mut schema, id, of, place)?;
        if self.uses_itself.contains(&id) {
            let mut whole = schema.clone();
            whole.optional = false;
            self.recursive.insert(id, whole.build());
        }
        Ok(schema)
    }

    /// The one branch that a union stands for, and whether null is the other.
    fn single(&self, branches: &[TypeId]) -> Option<(TypeId, bool)> {
        let is_null = |id: &TypeId| matches!(self.avro.get(*id).kind, Kind::Null);
        match branches {
            [one] if self.config.common.flatten_singleton_unions => Some((*one, false)),
            [a, b] if is_null(a) != is_null(b) => Some((if is_null(a) { *b } else { *a }, true)),
            _ => None,
        }
    }

    // === the type itself ===

    fn plain(&mut self, id: TypeId, of: &'a AvroType) -> Result<Schema, Exception> {
        Ok(match &of.kind {
            Kind::Null => {
                return Err(Exception::data(
                    "Standalone null schemas are not supported by this converter",
                ));
            }
            Kind::Boolean => Schema::of(Type::Boolean),
            Kind::Int => int(of)?,
            Kind::Long if is_logical(of, "timestamp-millis") => {
                logical(Type::Int64, crate::value::logical::TIMESTAMP)
            }
            Kind::Long => Schema::of(Type::Int64),
            Kind::Float => Schema::of(Type::Float32),
            Kind::Double => Schema::of(Type::Float64),
            Kind::String => Schema::of(Type::String),
            Kind::Bytes => bytes(of)?,
            Kind::Fixed(fixed) => {
                let mut schema = bytes(of)?;
                set(&mut schema, "connect.fixed.size", fixed.size.to_string());
                schema
            }
            Kind::Enum(symbols) => self.enumeration(symbols),
            Kind::Record(record) => {
                self.open.push(id);
                let schema = self.record(of, record);
                self.open.pop();
                schema?
            }
            Kind::Array(items) => match map_entry(self.avro.get(*items)) {
                Some([key, value]) => Schema::map(
                    self.schema(key, &Place::default())?,
                    self.schema(value, &Place::default())?,
                ),
                None => Schema::array(self.schema(*items, &Place::default())?),
            },
            Kind::Map(values) => Schema::map(
                Schema::of(Type::String),
                self.schema(*values, &Place::default())?,
            ),
            Kind::Union(branches) => self.union(branches)?,
        })
    }

    fn record(&mut self, of: &AvroType, record: &'a Record) -> Result<Schema, Exception> {
        let mut schema = Schema::of(Type::Struct);
        if self.config.meta_data && !self.config.discard_type_doc_default {
            if let Some(doc) = of.doc() {
                set(&mut schema, &format!("{NAMESPACE}.record.doc"), doc);
            }
            for field in &record.fields {
                if let Some(doc) = &field.doc {
                    let name = format!("{NAMESPACE}.field.doc.{}", field.name);
                    set(&mut schema, &name, doc.as_str());
                }
            }
        }
        for field in &record.fields {
            let place = Place {
                default: field.default.as_ref(),
                doc: field.doc.as_deref(),
                ..Place::default()
            };
            let translated = self.schema(field.schema, &place)?;
            schema = schema.field(self.scrub(&field.name), translated);
        }
        Ok(schema)
    }

    fn scrub(&self, name: &str) -> String {
        if !self.config.common.scrub_invalid_names {
            return name.to_owned();
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let scrubbed: String = name
            .chars()
            .map(|c| if allowed(c) { c } else { '_' })
            .collect();
        match scrubbed.chars().next() {
            Some(first) if first.is_ascii_digit() => format!("x{scrubbed}"),
            _ => scrubbed,
        }
    }

    fn enumeration(&self, of: &Enum) -> Schema {
        let mut schema = Schema::of(Type::String);
        let discard = self.config.discard_type_doc_default;
        if self.config.meta_data {
            if let Some(doc) = &of.doc {
                let name = match discard {
                    true => "connect.enum.doc".to_owned(),
                    false => format!("{NAMESPACE}.enum.doc.{}", of.name.simple()),
                };
                set(&mut schema, &name, doc.as_str());
            }
            if let Some(default) = of.default.as_ref().filter(|_| !discard) {
                let name = format!("{NAMESPACE}.enum.default.{}", of.name.simple());
                set(&mut schema, &name, default.as_str());
            }
        }
        let general = self.config.common.generalized_sum_types;
        let prefix = if general {
            "org.apache.kafka.connect.data.Enum".to_owned()
        } else {
            format!("{NAMESPACE}.Enum")
        };
        set(&mut schema, &prefix, of.name.full());
        for (index, symbol) in of.symbols.iter().enumerate() {
            let value = if general {
                index.to_string()
            } else {
                symbol.clone()
            };
            set(&mut schema, &format!("{prefix}.{symbol}"), value);
        }
        schema
    }

    fn union(&mut self, branches: &[TypeId]) -> Result<Schema, Exception> {
        let general = self.config.common.generalized_sum_types;
        let mut schema = Schema::of(Type::Struct);
        if general {
            let name = format!("connect_union_{}", self.unions);
            self.unions += 1;
            set(&mut schema, GENERAL_UNION, name.as_str());
            schema = schema.named(name);
        } else {
            schema = schema.named(format!("{NAMESPACE}.Union"));
        }
        for (index, branch) in branches.iter().enumerate() {
            let of = self.avro.get(*branch);
            if matches!(of.kind, Kind::Null) {
                schema = schema.optional();
                continue;
            }
            let name = if general {
                general_field(index)
            } else {
                self.branch_name(of)
            };
            if schema.field_index(&name).is_some() {
                return Err(Exception::data(
                    "Multiple union schemas map to the Connect union field name",
                ));
            }
            let member = self.schema(*branch, &Place::OPTIONAL)?;
            schema = schema.field(name, member);
        }
        Ok(schema)
    }

    fn branch_name(&self, of: &AvroType) -> String {
        match of.name() {
            Some(name) if self.config.enhanced => name.full().to_owned(),
            Some(name) => name.simple().to_owned(),
            None => of.type_name().to_owned(),
        }
    }
}

/// The field of a branch, null counted, in a union of the names that all formats share.
pub(super) fn general_field(branch: usize) -> String {
    format!("connect_union_field_{branch}")
}

/// Key and value of the records that stand for the entries of a map whose keys are no strings.
pub(super) fn map_entry(of: &AvroType) -> Option<[TypeId; 2]> {
    let Kind::Record(record) = &of.kind else {
        return None;
    };
    let named = record.name.full() == "io.confluent.connect.avro.MapEntry";
    let marked = of
        .attributes
        .get("connect.internal.type")
        .and_then(Json::as_str)
        == Some("MapEntry");
    let field = |name: &str| record.fields.iter().find(|field| field.name == name);
    match (field("key"), field("value")) {
        (Some(key), Some(value)) if (named || marked) && record.fields.len() == 2 => {
            Some([key.schema, value.schema])
        }
        _ => None,
    }
}
