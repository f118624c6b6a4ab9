//! Where a schema stands, and what a `$ref` in it leads to.

use std::collections::HashMap;

use serde_json::Value;

/// `$ref`s that lead to `$ref`s are followed this far.
const MAX_HOPS: usize = 32;

/// A schema inside a document, with the documents that its `$ref`s may name.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The schema.
    pub(super) schema: &'a Value,
    document: &'a Value,
    references: &'a HashMap<String, Value>,
}

impl<'a> Place<'a> {
    /// The whole of a document.
    pub(super) fn root(document: &'a Value, references: &'a HashMap<String, Value>) -> Self {
        Self {
            schema: document,
            document,
            references,
        }
    }

    /// A schema inside this one.
    pub(super) fn inside(self, schema: &'a Value) -> Self {
        Self { schema, ..self }
    }

    /// What this schema's `$ref` leads to, if it has one that is found.
    pub(super) fn target(self) -> Option<Self> {
        let text = self.schema.get("$ref")?.as_str()?;
        let (name, pointer) = text.split_once('#').unwrap_or((text, ""));
        let document = match name {
            "" => self.document,
            name => {
                let last = name.rsplit('/').next().unwrap_or(name);
                [name, last]
                    .iter()
                    .find_map(|name| self.references.get(*name))?
            }
        };
        Some(Self {
            schema: document.pointer(pointer)?,
            document,
            ..self
        })
    }

    /// This schema, or what its `$ref` leads to in the end.
    pub(super) fn resolved(self) -> Option<Self> {
        let mut place = self;
        for _ in 0..MAX_HOPS {
            if place.schema.get("$ref").is_none() {
                return Some(place);
            }
            place = place.target()?;
        }
        None
    }
}
