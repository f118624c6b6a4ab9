//! Connect's schemas → Avro's.
//!
//! A type with a name is written once and referred to afterwards. Where a field refers to a type its parameters, which
//! are the type's own elsewhere, stand at the field.

use std::collections::HashMap;
use std::sync::Arc;

use super::schema::{Enum, Field, Kind, Name, Named, Node, Record};
use super::{
    AvroSchema, ENUM, FIXED_SIZE, NAMESPACE, SCHEMA_PARSE_EXCEPTION, anything, default,
    is_avro_map, is_union, properties,
};
use crate::config::AvroOptions;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Type};

/// The Avro schema of a Connect schema.
pub(super) fn schema(
    connect: Option<&SchemaRef>,
    options: AvroOptions,
) -> Result<AvroSchema, Exception> {
    let mut builder = Builder {
        options,
        unnamed: 0,
        met: Vec::new(),
        named: HashMap::new(),
    };
    let root = match connect {
        Some(schema) => builder.node(schema)?,
        None => anything::schema(),
    };
    Ok(AvroSchema {
        connect: connect.map(Arc::clone),
        text: root.text(),
        root,
        named: builder.named,
        optional_map_keys: options.optional_map_keys,
    })
}

struct Builder {
    options: AvroOptions,
    /// Names given so far to what has none.
    unnamed: usize,
    /// Full names met so far with the Connect schemas behind them.
    met: Vec<(String, Schema)>,
    named: HashMap<String, Named>,
}

impl Builder {
    /// The Avro schema of `schema`, null included where it is optional.
    fn node(&mut self, schema: &Schema) -> Result<Node, Exception> {
        if is_union(schema) {
            return self.union(schema);
        }
        let node = self.base(schema)?;
        if !schema.optional {
            return Ok(node);
        }
        let null = Node::primitive("null");
        Ok(Node::new(Kind::Union(match schema.default {
            Some(_) => vec![node, null],
            None => vec![null, node],
        })))
    }

    fn union(&mut self, schema: &Schema) -> Result<Node, Exception> {
        let mut members = Vec::with_capacity(schema.fields.len() + 1);
        if schema.optional {
            members.push(Node::primitive("null"));
        }
        for field in &schema.fields {
            members.push(self.base(&field.schema)?);
        }
        for (at, member) in members.iter().enumerate() {
            let name = branch(member);
            if members[..at].iter().any(|other| branch(other) == name) {
                let message = format!("Duplicate in union:{name}");
                return Err(Exception::new(
                    "org.apache.avro.AvroRuntimeException",
                    message,
                ));
            }
        }
        Ok(Node::new(Kind::Union(members)))
    }

    /// The Avro schema of `schema` without null.
    fn base(&mut self, schema: &Schema) -> Result<Node, Exception> {
        if is_union(schema) {
            return self.union(&Schema {
                optional: false,
                ..schema.clone()
            });
        }
        let kind = match schema.kind {
            Type::Int8 | Type::Int16 | Type::Int32 => Kind::Primitive("int"),
            Type::Int64 => Kind::Primitive("long"),
            Type::Float32 => Kind::Primitive("float"),
            Type::Float64 => Kind::Primitive("double"),
            Type::Boolean => Kind::Primitive("boolean"),
            Type::String if self.options.enhanced && schema.parameters.contains_key(ENUM) => {
                self.symbols(schema)?
            }
            Type::String => Kind::Primitive("string"),
            Type::Bytes if schema.parameters.contains_key(FIXED_SIZE) => self.fixed(schema)?,
            Type::Bytes => Kind::Primitive("bytes"),
            Type::Array => Kind::Array(Box::new(self.element(schema)?)),
            Type::Map if is_avro_map(schema, self.options.optional_map_keys) => {
                Kind::Map(Box::new(self.element(schema)?))
            }
            Type::Map => Kind::Array(Box::new(self.entry(schema)?)),
            Type::Struct => self.record(schema)?,
        };
        let properties = match kind {
            Kind::Reference(_) => Vec::new(),
            _ => properties::of(schema, self.options),
        };
        Ok(Node { kind, properties })
    }

    fn element(&mut self, schema: &Schema) -> Result<Node, Exception> {
        match &schema.element {
            Some(element) => self.node(element),
            None => Ok(anything::schema()),
        }
    }

    /// Gives a type its name. Answers the name, and whether the type was met before.
    fn name(&mut self, own: Option<&str>, schema: &Schema) -> Result<(Name, bool), Exception> {
        let full = match own {
            Some(own) => Name::parse(own),
            None => match self.met.iter().find(|(_, met)| is_same_type(met, schema)) {
                Some((name, _)) => return Ok((Name::parse(name), true)),
                None => self.next_name(),
            },
        };
        check_name(&full.name)?;
        let text = full.full();
        match self.met.iter().find(|(name, _)| *name == text) {
            Some((_, met)) if is_same_type(met, schema) => Ok((full, true)),
            Some(_) => Err(refused(format!("Can't redefine: {text}"))),
            None => {
                self.met.push((text, schema.clone()));
                Ok((full, false))
            }
        }
    }

    fn next_name(&mut self) -> Name {
        self.unnamed += 1;
        let number = match self.unnamed {
            1 => String::new(),
            number => number.to_string(),
        };
        Name {
            space: Some(NAMESPACE.to_owned()),
            name: format!("ConnectDefault{number}"),
        }
    }

    fn define(&mut self, named: Named) -> Kind {
        self.named.insert(named.name().full(), named.clone());
        Kind::Named(named)
    }

    fn symbols(&mut self, schema: &Schema) -> Result<Kind, Exception> {
        let parameter = |name: &str| schema.parameters.get(name).cloned();
        let full = parameter(ENUM).unwrap_or_default();
        let (name, met) = self.name(Some(&full), schema)?;
        if met {
            return Ok(Kind::Reference(name.full()));
        }
        let mut symbols = Vec::new();
        for (parameter, _) in schema.parameters.iter() {
            let symbol = parameter.strip_prefix(ENUM);
            if let Some(symbol) = symbol.and_then(|rest| rest.strip_prefix('.')) {
                check_name(symbol)?;
                symbols.push(symbol.to_owned());
            }
        }
        let short = schema
            .name
            .as_deref()
            .map_or(name.clone(), Name::parse)
            .name;
        let doc = parameter(&format!("{NAMESPACE}.enum.doc.{short}"));
        let default = parameter(&format!("{NAMESPACE}.enum.default.{short}"));
        let named = Enum {
            name,
            doc,
            symbols,
            default,
        };
        Ok(self.define(Named::Enum(Arc::new(named))))
    }

    fn fixed(&mut self, schema: &Schema) -> Result<Kind, Exception> {
        let (name, met) = self.name(schema.name.as_deref(), schema)?;
        if met {
            return Ok(Kind::Reference(name.full()));
        }
        let size = schema.parameters.get(FIXED_SIZE);
        let size = size.and_then(|size| size.parse().ok()).ok_or_else(|| {
            let message = format!("For input string: {:?}", size.map_or("", String::as_str));
            Exception::new("java.lang.NumberFormatException", message)
        })?;
        Ok(self.define(Named::Fixed(name, size)))
    }

    fn record(&mut self, schema: &Schema) -> Result<Kind, Exception> {
        let (name, met) = self.name(schema.name.as_deref(), schema)?;
        if met {
            return Ok(Kind::Reference(name.full()));
        }
        let mut fields = Vec::with_capacity(schema.fields.len());
        for field in &schema.fields {
            let doc = format!("{NAMESPACE}.field.doc.{}", field.name);
            let doc = schema.parameters.get(&doc).cloned();
            fields.push(self.field(&field.name, &field.schema, doc)?);
        }
        let record = Record {
            name,
            doc: schema
                .parameters
                .get("io.confluent.connect.avro.record.doc")
                .cloned(),
            fields,
        };
        Ok(self.define(Named::Record(Arc::new(record))))
    }

    fn field(
        &mut self,
        name: &str,
        schema: &Schema,
        doc: Option<String>,
    ) -> Result<Field, Exception> {
        check_name(name)?;
        let node = self.node(schema)?;
        let keys = self.options.optional_map_keys;
        let default = match &schema.default {
            Some(value) => {
                default::is_valid(schema, value, keys).then(|| default::json(schema, value, keys))
            }
            None => schema.optional.then(|| "null".to_owned()),
        };
        let refers = self.options.connect_meta_data && refers(&node) && !is_union(schema);
        let parameters = refers.then(|| properties::parameters(schema)).flatten();
        Ok(Field {
            name: name.to_owned(),
            schema: node,
            doc,
            default,
            properties: parameters.into_iter().collect(),
        })
    }

    /// The record of key and value that stands for an entry of a map whose keys are no strings.
    fn entry(&mut self, schema: &Schema) -> Result<Node, Exception> {
        let own = schema.name.as_deref();
        let space = format!("{NAMESPACE}.MapEntry");
        let (name, met) = self.name(Some(own.unwrap_or(&space)), schema)?;
        if met {
            return Ok(Node::new(Kind::Reference(name.full())));
        }
        let mut fields = Vec::with_capacity(2);
        for (name, part) in [("key", &schema.key), ("value", &schema.element)] {
            if let Some(part) = part {
                fields.push(self.field(name, part, None)?);
            }
        }
        let record = Record {
            name,
            doc: None,
            fields,
        };
        let mut node = Node::new(self.define(Named::Record(Arc::new(record))));
        if own.is_some() {
            let internal = (
                "connect.internal.type".to_owned(),
                "\"MapEntry\"".to_owned(),
            );
            node.properties.push(internal);
        }
        Ok(node)
    }
}

/// Whether the node is a reference, or null or a reference.
fn refers(node: &Node) -> bool {
    match &node.kind {
        Kind::Reference(_) => true,
        Kind::Union(members) => members.iter().any(refers),
        _ => false,
    }
}

/// What tells the branches of a union apart.
fn branch(node: &Node) -> String {
    match &node.kind {
        Kind::Primitive(name) => (*name).to_owned(),
        Kind::Array(_) => "array".to_owned(),
        Kind::Map(_) => "map".to_owned(),
        Kind::Union(_) => "union".to_owned(),
        Kind::Named(named) => named.name().full(),
        Kind::Reference(name) => name.clone(),
    }
}

/// Whether two Connect schemas make the same Avro type: what is at the place where they are used does not count. A struct
/// without fields stands for one of its name that it is part of.
fn is_same_type(a: &Schema, b: &Schema) -> bool {
    let symbols = |schema: &Schema| -> Vec<String> {
        let names = schema.parameters.iter().map(|(name, _)| name);
        let symbols = names.filter(|name| name.starts_with(ENUM) || *name == FIXED_SIZE);
        symbols.cloned().collect()
    };
    a.kind == b.kind
        && a.name == b.name
        && (a.fields == b.fields || (a.name.is_some() && b.fields.is_empty()))
        && (a.key == b.key && a.element == b.element)
        && symbols(a) == symbols(b)
}

/// Avro's rule for names: a letter or `_`, then letters, digits and `_`.
fn check_name(name: &str) -> Result<(), Exception> {
    let mut characters = name.chars();
    match characters.next() {
        None => Err(refused("Empty name")),
        Some(first) if !(first.is_alphabetic() || first == '_') => {
            Err(refused(format!("Illegal initial character: {name}")))
        }
        Some(_) if !characters.all(|rest| rest.is_alphanumeric() || rest == '_') => {
            Err(refused(format!("Illegal character in: {name}")))
        }
        Some(_) => Ok(()),
    }
}

fn refused(message: impl Into<String>) -> Exception {
    Exception::new(SCHEMA_PARSE_EXCEPTION, message)
}
