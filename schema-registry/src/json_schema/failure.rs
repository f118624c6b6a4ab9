//! Which violations belong together, as Confluent's validator sees it.
//!
//! It makes parts of a schema's keywords (`enum`, `anyOf`, those of the `type` …). A schema of several parts is told like
//! an `allOf` of them, and what an `allOf`, `anyOf` or `oneOf` has to say hides the violations inside it. They are only
//! counted: several failures of one place are told by their number.
//!
//! In: violations one by one, each with the keywords that led to it. Out: one [`Failure`].

use std::collections::BTreeMap;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value};

use super::part::{Part, part_of, parts};
use super::place::Place;
use super::violation;

/// What is not valid at one place of a value.
pub(super) struct Failure {
    /// JSON pointer to the place, without `#`.
    pub(super) path: String,
    /// What is not valid there.
    pub(super) text: String,
    /// Violations that it stands for.
    pub(super) count: usize,
}

/// A violation, and the keywords on the way to it.
struct Met<'e> {
    error: &'e ValidationError<'e>,
    steps: Vec<String>,
}

type Errors<'e> = Vec<Met<'e>>;

/// What `errors` come to that `place` found in a value; there is at least one.
pub(super) fn of<'e>(
    place: Place<'_>,
    errors: impl Iterator<Item = &'e ValidationError<'e>>,
) -> Failure {
    of_schema(place, "", 0, met(errors))
}

fn met<'e>(errors: impl Iterator<Item = &'e ValidationError<'e>>) -> Errors<'e> {
    errors
        .map(|error| Met {
            error,
            steps: error
                .evaluation_path()
                .segments()
                .map(|segment| segment.to_string())
                .collect(),
        })
        .collect()
}

/// The failure of the schema at `place`, to which the first `at` steps lead, at `path` of the value.
fn of_schema(place: Place<'_>, path: &str, at: usize, errors: Errors<'_>) -> Failure {
    let Some(schema) = place.schema.as_object() else {
        return together(path, leaves(&errors, at));
    };
    let mut failures = Vec::new();
    for (part, errors) in grouped(errors, |met| part_of(schema, step(met, at))) {
        failures.push(of_part(part, place, schema, path, at, errors));
    }
    match parts(schema).len() {
        all if all > 1 => all_of(path, all, failures),
        _ => together(path, failures),
    }
}

fn of_part(
    part: Part,
    place: Place<'_>,
    schema: &Map<String, Value>,
    path: &str,
    at: usize,
    errors: Errors<'_>,
) -> Failure {
    match part {
        Part::Reference => match place.target() {
            Some(target) => of_schema(target, path, at + 1, errors),
            None => together(path, leaves(&errors, at)),
        },
        Part::AllOf => {
            let branches = grouped(errors, |met| step(met, at + 1).to_owned());
            let all = schema
                .get("allOf")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            let failures = branches.into_iter().map(|(index, errors)| {
                let branch = place.inside(at_index(schema.get("allOf"), &index));
                of_schema(branch, path, at + 2, errors)
            });
            let failures: Vec<_> = failures.collect();
            all_of(path, all.max(failures.len()), failures)
        }
        Part::AnyOf | Part::OneOf => match errors.first() {
            Some(first) => alternatives(place, schema, path, at, first),
            None => together(path, Vec::new()),
        },
        Part::Typed => {
            let types = schema
                .get("type")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            let own = of_keywords(place, schema, path, at, errors);
            match types {
                0 => together(path, own),
                // Each type is a schema of its own with all the keywords; none of them matches.
                types => {
                    let text = no_subschema(types);
                    let count = types - 1 + counted(&own);
                    failure(path, text, count)
                }
            }
        }
        Part::Conditional => conditional(place, schema, path, at, errors),
        Part::Enum | Part::Const | Part::Not | Part::Keywords(_) => {
            together(path, of_keywords(place, schema, path, at, errors))
        }
    }
}

/// `anyOf` and `oneOf`, whose branches have violations of their own.
fn alternatives(
    place: Place<'_>,
    schema: &Map<String, Value>,
    path: &str,
    at: usize,
    met_error: &Met<'_>,
) -> Failure {
    let (Kind::AnyOf { context }
    | Kind::OneOfNotValid { context }
    | Kind::OneOfMultipleValid { context }) = met_error.error.kind()
    else {
        return together(path, leaves(std::slice::from_ref(met_error), at));
    };
    let branches = schema.get(step(met_error, at));
    let mut failures = Vec::new();
    for (index, errors) in context.iter().enumerate() {
        if !errors.is_empty() {
            let branch = place.inside(at_index(branches, &index.to_string()));
            failures.push(of_schema(branch, path, at + 2, met(errors.iter())));
        }
    }
    let text = match met_error.error.kind() {
        Kind::AnyOf { .. } => no_subschema(context.len()),
        _ => {
            let matched = context.len() - failures.len();
            format!("#: {matched} subschemas matched instead of one")
        }
    };
    failure(path, text, counted(&failures))
}

/// `then` and `else`; the original tells with `else` what `if` had against the value, too.
fn conditional(
    place: Place<'_>,
    schema: &Map<String, Value>,
    path: &str,
    at: usize,
    errors: Errors<'_>,
) -> Failure {
    let failures = grouped(errors, |met| step(met, at).to_owned())
        .into_iter()
        .map(|(keyword, errors)| {
            let branch = place.inside(schema.get(&keyword).unwrap_or(&Value::Null));
            let inner = of_schema(branch, path, at + 1, errors);
            match keyword.as_str() {
                "then" => failure(
                    path,
                    "input is invalid against the \"then\" schema".to_owned(),
                    inner.count,
                ),
                _ => failure(
                    path,
                    "input is invalid against both the \"if\" and \"else\" schema".to_owned(),
                    inner.count + 1,
                ),
            }
        });
    together(path, failures.collect())
}

/// The failures of single keywords, and of the schemas that they hold for members and items.
fn of_keywords(
    place: Place<'_>,
    schema: &Map<String, Value>,
    path: &str,
    at: usize,
    errors: Errors<'_>,
) -> Vec<Failure> {
    let (inner, own): (Errors<'_>, Errors<'_>) = errors
        .into_iter()
        .partition(|met| held(schema, met, at).is_some());
    let mut failures = leaves(&own, at);
    let children = grouped(inner, |met| {
        let steps = held(schema, met, at).map_or(0, |(_, steps)| steps);
        let way: Vec<String> = met.steps.iter().skip(at).take(steps).cloned().collect();
        (way, child(met, path))
    });
    for ((_, child), errors) in children {
        if let Some((inside, steps)) = errors.first().and_then(|met| held(schema, met, at)) {
            failures.push(of_schema(
                place.inside(inside),
                &format!("{path}{child}"),
                at + steps,
                errors,
            ));
        }
    }
    failures
}

/// The schema that a keyword holds for what the violation is in, and how many steps lead to it.
fn held<'s>(
    schema: &'s Map<String, Value>,
    met: &Met<'_>,
    at: usize,
) -> Option<(&'s Value, usize)> {
    let keyword = step(met, at);
    let held = schema.get(keyword)?;
    match keyword {
        "properties" | "patternProperties" => Some((held.get(step(met, at + 1))?, 2)),
        "dependencies" => {
            let dependency = held.get(step(met, at + 1))?;
            (!dependency.is_array()).then_some((dependency, 2))
        }
        "items" if held.is_array() => Some((at_index(Some(held), step(met, at + 1)), 2)),
        "items" => Some((held, 1)),
        "additionalProperties" | "additionalItems" => held.is_object().then_some((held, 1)),
        _ => None,
    }
}

/// The step of the value's path that follows `path` on the way to the violation, with its slash.
fn child(met: &Met<'_>, path: &str) -> String {
    let rest = met
        .error
        .instance_path()
        .as_str()
        .strip_prefix(path)
        .unwrap_or("");
    let end = rest
        .match_indices('/')
        .nth(1)
        .map_or(rest.len(), |(end, _)| end);
    rest[..end].to_owned()
}

fn leaves(errors: &[Met<'_>], at: usize) -> Vec<Failure> {
    let mut found = Vec::new();
    for met in errors {
        for (path, text) in violation::each(met.error, step(met, at)) {
            found.push(failure(&path, text, 1));
        }
    }
    found
}

/// One failure itself, several by their number.
fn together(path: &str, mut failures: Vec<Failure>) -> Failure {
    match failures.len() {
        0 => failure(path, "not valid".to_owned(), 1),
        1 => failures.remove(0),
        _ => {
            let count = counted(&failures);
            failure(path, format!("{count} schema violations found"), count)
        }
    }
}

fn all_of(path: &str, all: usize, failures: Vec<Failure>) -> Failure {
    let matched = all.saturating_sub(failures.len());
    let text = format!("#: only {matched} subschema matches out of {all}");
    failure(path, text, counted(&failures))
}

fn no_subschema(all: usize) -> String {
    format!("#: no subschema matched out of the total {all} subschemas")
}

fn failure(path: &str, text: String, count: usize) -> Failure {
    Failure {
        path: path.to_owned(),
        text,
        count,
    }
}

fn counted(failures: &[Failure]) -> usize {
    let count: usize = failures.iter().map(|failure| failure.count).sum();
    count.max(1)
}

fn step<'m>(met: &'m Met<'_>, at: usize) -> &'m str {
    met.steps.get(at).map_or("", String::as_str)
}

fn at_index<'s>(list: Option<&'s Value>, index: &str) -> &'s Value {
    let item = index
        .parse::<usize>()
        .ok()
        .and_then(|index| list?.get(index));
    item.unwrap_or(&Value::Null)
}

fn grouped<'e, K: Ord>(errors: Errors<'e>, key: impl Fn(&Met<'e>) -> K) -> BTreeMap<K, Errors<'e>> {
    let mut groups = BTreeMap::<K, Errors<'e>>::new();
    for met in errors {
        groups.entry(key(&met)).or_default().push(met);
    }
    groups
}
