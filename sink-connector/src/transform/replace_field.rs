//! `ReplaceField`: leaves fields out, keeps only some, gives them other names.

use indexmap::IndexMap;
use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, list, replace_null, shown_list};
use super::support::{
    Members, SchemaCache, add_field, basics, build, is, read, require_map, require_struct,
};
use super::{Side, Transform, Verdict};
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::record::SinkRecord;
use crate::value::{Schema, Struct, Value, java_hash};

const PURPOSE: &str = "field replacement";

pub(super) fn settings() -> Vec<Setting> {
    let list = |name, doc| Setting::with(name, Kind::List, "", doc).importance(Importance::Medium);
    let old = |name, doc| Setting::optional(name, Kind::List, doc).importance(Importance::Low);
    vec![
        list("exclude", "Fields to leave out; goes before `include`."),
        old("blacklist", "Old name of `exclude`."),
        list("include", "Fields to keep; all when empty."),
        old("whitelist", "Old name of `include`."),
        list("renames", "`old:new` pairs.").check(check_renames),
        replace_null(),
    ]
}

fn check_renames(_: &str, value: Option<&str>) -> Result<(), String> {
    renames(&list(value.unwrap_or_default())).map(drop)
}

fn renames(mappings: &[String]) -> Result<IndexMap<String, String>, String> {
    let mut renames = IndexMap::new();
    for mapping in mappings {
        // Java's split leaves empty parts at the end out.
        let parts: Vec<&str> = mapping.trim_end_matches(':').split(':').collect();
        let [from, to] = parts[..] else {
            let shown = shown_list(mappings);
            return Err(format!(
                "Invalid value {shown} for configuration renames: Invalid rename mapping: {mapping}"
            ));
        };
        renames.insert(from.to_owned(), to.to_owned());
    }
    Ok(renames)
}

struct ReplaceField {
    side: Side,
    fields: Fields,
    replace_null: bool,
    schemas: SchemaCache,
}

/// Which fields stay, and under what name.
struct Fields {
    exclude: Vec<String>,
    include: Vec<String>,
    renames: IndexMap<String, String>,
}

impl Fields {
    /// The field's new name; `None` when it is left out.
    fn name<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        let listed = |names: &[String]| names.iter().any(|listed| listed == name);
        let kept = !listed(&self.exclude) && (self.include.is_empty() || listed(&self.include));
        kept.then(|| self.renames.get(name).map_or(name, String::as_str))
    }
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    // The new names win over the old.
    let either = |new: &str, old: &str| match options.list(new) {
        fields if fields.is_empty() => options.list(old),
        fields => fields,
    };
    let renames = renames(&options.list("renames"))
        .map_err(|message| Exception::new(CONFIG_EXCEPTION, message))?;
    Ok(Box::new(ReplaceField {
        side,
        fields: Fields {
            exclude: either("exclude", "blacklist"),
            include: either("include", "whitelist"),
            renames,
        },
        replace_null: options.replaces_null(),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for ReplaceField {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        if datum.payload.is_null() {
            return Ok(Verdict::Keep);
        }
        let value = datum.take();
        let (schema, value) = match datum.schema.take() {
            None => {
                let members = require_map(value, PURPOSE)?;
                (None, Value::Map(self.members(members)))
            }
            Some(schema) => {
                let value = require_struct(value, PURPOSE)?;
                let fields = &self.fields;
                let updated = self
                    .schemas
                    .get(&schema, |schema| narrowed(schema, fields))?;
                let values = updated.fields.iter();
                let values = values.map(|field| self.value(&value, &field.name));
                let values = values.collect::<Result<_, _>>()?;
                let value = build(&updated, values)?;
                (Some(updated), Value::Struct(value))
            }
        };
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}

impl ReplaceField {
    /// What stands in the field `name` of the new struct. Java looks for the old name of every field, also of one that
    /// had this name before.
    fn value(&self, value: &Struct, name: &str) -> Result<Value, Exception> {
        let renames = self.fields.renames.iter();
        let renamed = renames.rev().find(|(_, to)| *to == name);
        let old = renamed.map_or(name, |(from, _)| from.as_str());
        let at = value.schema.field_index(old).ok_or_else(|| {
            let message = format!("{old} is not a valid field name");
            Exception::data(message)
        })?;
        let schema = &value.schema.fields[at].schema;
        Ok(read(schema, value.values[at].clone(), self.replace_null))
    }

    fn members(&self, members: Members) -> Members {
        let buckets = java_hash::buckets(members.len());
        let mut kept: Members = Vec::with_capacity(members.len());
        let mut places: Vec<usize> = Vec::with_capacity(members.len());
        for (key, value) in members {
            let Value::String(name) = &key else { continue };
            let Some(new) = self.fields.name(name) else {
                continue;
            };
            let place = java_hash::bucket(name, buckets);
            match kept.iter().position(|(key, _)| is(key, new)) {
                // Of two members of one name that stays which a Java map gives later.
                Some(at) if places[at] <= place => (kept[at].1, places[at]) = (value, place),
                Some(_) => {}
                None => {
                    kept.push((Value::String(new.to_owned()), value));
                    places.push(place);
                }
            }
        }
        kept
    }
}

fn narrowed(schema: &Schema, fields: &Fields) -> Result<Schema, Exception> {
    let mut updated = basics(schema);
    for field in &schema.fields {
        if let Some(name) = fields.name(&field.name) {
            add_field(&mut updated, name, field.schema.clone())?;
        }
    }
    Ok(updated)
}
