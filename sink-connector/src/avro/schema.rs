//! Avro's schemas, and their JSON text as Avro's Java library prints it.

use std::sync::Arc;

use crate::encode::json::text::string;

/// A schema: what it is, and its further properties.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Properties with their values as JSON text, in order.
    pub properties: Vec<(String, String)>,
}

/// What a schema is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A type without parts, by Avro's name.
    Primitive(&'static str),
    /// A list of items.
    Array(Box<Node>),
    /// A map from strings to values.
    Map(Box<Node>),
    /// One of several.
    Union(Vec<Node>),
    /// A type with a name, where it is met first.
    Named(Named),
    /// A type with a name, met before.
    Reference(String),
}

/// A type with a name.
#[derive(Clone, Debug)]
pub enum Named {
    /// Named fields.
    Record(Arc<Record>),
    /// One of its symbols.
    Enum(Arc<Enum>),
    /// Bytes of one length.
    Fixed(Name, usize),
}

/// A record.
#[derive(Debug)]
pub struct Record {
    /// Its name.
    pub name: Name,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its schema.
    pub schema: Node,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its default as JSON text.
    pub default: Option<String>,
    /// Properties with their values as JSON text.
    pub properties: Vec<(String, String)>,
}

/// An enum.
#[derive(Debug)]
pub struct Enum {
    /// Its name.
    pub name: Name,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its symbols.
    pub symbols: Vec<String>,
    /// The symbol that stands for unknown ones.
    pub default: Option<String>,
}

/// A name in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The namespace.
    pub space: Option<String>,
    /// The name without it.
    pub name: String,
}

impl Name {
    /// Splits `full` at its last dot.
    pub fn parse(full: &str) -> Self {
        let (space, name) = match full.rsplit_once('.') {
            Some((space, name)) => (Some(space), name),
            None => (None, full),
        };
        Self {
            space: space.filter(|space| !space.is_empty()).map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Namespace and name.
    pub fn full(&self) -> String {
        match &self.space {
            Some(space) => format!("{space}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Named {
    /// Its name.
    pub fn name(&self) -> &Name {
        match self {
            Self::Record(record) => &record.name,
            Self::Enum(symbols) => &symbols.name,
            Self::Fixed(name, _) => name,
        }
    }
}

impl Node {
    /// A schema without properties.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            properties: Vec::new(),
        }
    }

    /// The primitive type `name`.
    pub fn primitive(name: &'static str) -> Self {
        Self::new(Kind::Primitive(name))
    }

    /// Whether it is the type of null.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Primitive("null"))
    }

    /// The schema as JSON text.
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        self.print(None, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends the text; `space` is the namespace of what it stands in.
    fn print(&self, space: Option<&str>, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Primitive(name) if self.properties.is_empty() => string(name, out),
            Kind::Primitive(name) => {
                out.extend_from_slice(b"{\"type\":");
                string(name, out);
                self.end(out);
            }
            Kind::Reference(full) => reference(full, space, out),
            Kind::Union(members) => {
                list(members, out, |member, out| member.print(space, out));
            }
            Kind::Array(items) => {
                out.extend_from_slice(b"{\"type\":\"array\",\"items\":");
                items.print(space, out);
                self.end(out);
            }
            Kind::Map(values) => {
                out.extend_from_slice(b"{\"type\":\"map\",\"values\":");
                values.print(space, out);
                self.end(out);
            }
            Kind::Named(named) => {
                named.print(space, out);
                self.end(out);
            }
        }
    }

    fn end(&self, out: &mut Vec<u8>) {
        properties(&self.properties, out);
        out.push(b'}');
    }
}

impl Named {
    /// Appends the text up to its properties.
    fn print(&self, space: Option<&str>, out: &mut Vec<u8>) {
        let kind: &[u8] = match self {
            Self::Record(_) => b"{\"type\":\"record\",\"name\":",
            Self::Enum(_) => b"{\"type\":\"enum\",\"name\":",
            Self::Fixed(..) => b"{\"type\":\"fixed\",\"name\":",
        };
        out.extend_from_slice(kind);
        let name = self.name();
        string(&name.name, out);
        if name.space.as_deref() != space {
            member("namespace", name.space.as_deref().unwrap_or(""), out);
        }
        match self {
            Self::Record(record) => record.print(out),
            Self::Enum(symbols) => symbols.print(out),
            Self::Fixed(_, size) => out.extend_from_slice(format!(",\"size\":{size}").as_bytes()),
        }
    }
}

impl Record {
    fn print(&self, out: &mut Vec<u8>) {
        if let Some(doc) = &self.doc {
            member("doc", doc, out);
        }
        out.extend_from_slice(b",\"fields\":");
        let space = self.name.space.as_deref();
        list(&self.fields, out, |field, out| field.print(space, out));
    }
}

impl Field {
    fn print(&self, space: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"name\":");
        string(&self.name, out);
        out.extend_from_slice(b",\"type\":");
        self.schema.print(space, out);
        if let Some(doc) = &self.doc {
            member("doc", doc, out);
        }
        if let Some(default) = &self.default {
            out.extend_from_slice(b",\"default\":");
            out.extend_from_slice(default.as_bytes());
        }
        properties(&self.properties, out);
        out.push(b'}');
    }
}

impl Enum {
    fn print(&self, out: &mut Vec<u8>) {
        if let Some(doc) = &self.doc {
            member("doc", doc, out);
        }
        out.extend_from_slice(b",\"symbols\":");
        list(&self.symbols, out, |symbol, out| string(symbol, out));
        if let Some(default) = &self.default {
            member("default", default, out);
        }
    }
}

/// A name as it is written inside the namespace `space`: short where that is the same and no type has that name.
fn reference(full: &str, space: Option<&str>, out: &mut Vec<u8>) {
    const TYPES: [&str; 14] = [
        "record", "enum", "array", "map", "union", "fixed", "string", "bytes", "int", "long",
        "float", "double", "boolean", "null",
    ];
    let name = Name::parse(full);
    let short = name.space.as_deref() == space && !TYPES.contains(&name.name.as_str());
    string(if short { &name.name } else { full }, out);
}

fn member(name: &str, value: &str, out: &mut Vec<u8>) {
    out.push(b',');
    string(name, out);
    out.push(b':');
    string(value, out);
}

fn properties(properties: &[(String, String)], out: &mut Vec<u8>) {
    for (name, value) in properties {
        out.push(b',');
        string(name, out);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
}

fn list<T>(items: &[T], out: &mut Vec<u8>, mut print: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        print(item, out);
    }
    out.push(b']');
}
