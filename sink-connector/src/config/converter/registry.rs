//! Options of the converters that ask a Schema Registry: Avro, Protobuf, JSON Schema.

use sluiceway_common::config_def::{
    ConfigDef, ConfigError, ConfigErrors, Importance, Key, Kind, Values,
};
use sluiceway_common::props::Properties;
use sluiceway_schemas::{ConfigProblem, RegistryConfig, SubjectNameStrategy};

use super::ConverterConfig;

/// What all three have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryConverter {
    /// How the registry is reached. A setting that is missing or wrong fails the task, not the connector's creation.
    pub registry: Result<RegistryConfig, ConfigProblem>,
    /// `key.subject.name.strategy` or `value.subject.name.strategy`.
    pub subject_name_strategy: SubjectNameStrategy,
    /// `schemas.cache.config` (`schemas.cache.size`): translated schemas kept.
    pub cache_size: usize,
    /// `generalized.sum.type.support`: unions and enums under names that all three formats share.
    pub generalized_sum_types: bool,
    /// `flatten.singleton.unions`: a union of one branch is that branch.
    pub flatten_singleton_unions: bool,
    /// `scrub.invalid.names`: characters that names must not have become `_`.
    pub scrub_invalid_names: bool,
}

/// Options of `AvroConverter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvroConverterConfig {
    /// What all three have.
    pub common: RegistryConverter,
    /// `enhanced.avro.schema.support`: full names of union branches.
    pub enhanced: bool,
    /// `connect.meta.data`: docs and `connect.parameters` are taken over.
    pub meta_data: bool,
    /// `discard.type.doc.default`: Avro's docs are Connect's docs.
    pub discard_type_doc_default: bool,
}

/// Options of `ProtobufConverter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtobufConverterConfig {
    /// What all three have.
    pub common: RegistryConverter,
    /// `enhanced.protobuf.schema.support`: full names of messages and enums.
    pub enhanced: bool,
    /// `int.for.enums`: an enum's number instead of its name.
    pub int_for_enums: bool,
    /// `optional.for.nullables`: only fields marked `optional` are optional.
    pub optional_for_nullables: bool,
    /// `optional.for.proto2`: an `optional` field of proto2 that is not set is null instead of its default.
    pub optional_for_proto2: bool,
    /// `generate.struct.for.nulls`: a field that is not set has its type's default, also a message.
    pub struct_for_nulls: bool,
    /// `wrapper.for.nullables`: only wrapper messages are optional.
    pub wrapper_for_nullables: bool,
    /// `wrapper.for.raw.primitives`: wrapper messages are their values.
    pub wrapper_for_raw_primitives: bool,
    /// `generate.index.for.unions`: `choice_0` instead of `choice`.
    pub generate_index_for_unions: bool,
    /// `flatten.unions`: the members of a oneof stand beside the other fields.
    pub flatten_unions: bool,
}

/// Options of `JsonSchemaConverter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSchemaConverterConfig {
    /// What all three have.
    pub common: RegistryConverter,
    /// `use.optional.for.nonrequired`: properties that are not `required` are optional.
    pub optional_for_nonrequired: bool,
    /// `json.fail.invalid.schema`: values are validated against their schema.
    pub fail_invalid_schema: bool,
}

fn flag(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, Kind::Boolean, default, doc)
}

/// Options that all three take, without the prefix.
fn common_definition(unions: &'static str) -> ConfigDef {
    ConfigDef::new()
        .key(
            Key::with(
                "schemas.cache.config",
                Kind::Int,
                "1000",
                "Translated schemas kept.",
            )
            .at_least(1),
        )
        .key(flag(
            "generalized.sum.type.support",
            "false",
            "Unions and enums under names that all formats share.",
        ))
        .key(flag(
            "flatten.singleton.unions",
            unions,
            "A union of one branch is that branch.",
        ))
        .key(flag(
            "scrub.invalid.names",
            "false",
            "Characters that names must not have become _.",
        ))
        .key(flag(
            "ignore.default.for.nullables",
            "false",
            "Accepted; it concerns what a source writes.",
        ))
        .key(
            Key::optional("converter.type", Kind::String, "Accepted; the key says it.")
                .importance(Importance::Low),
        )
}

struct Options<'a> {
    key: &'a str,
    given: &'a Properties,
    whole: &'a Properties,
}

impl Options<'_> {
    /// Parses `definition`; errors go under the converter's key.
    fn parse(&self, definition: &ConfigDef, errors: &mut ConfigErrors) -> Option<Values> {
        let (values, found) = definition.parse_all(self.given);
        let good = found.0.is_empty();
        errors
            .0
            .extend(found.0.into_iter().map(|error| under(self.key, error)));
        good.then_some(values)
    }

    fn common(&self, values: &Values) -> RegistryConverter {
        let side = if self.key.starts_with("key") {
            "key.subject.name.strategy"
        } else {
            "value.subject.name.strategy"
        };
        let strategy = self
            .given
            .get(side)
            .and_then(|name| SubjectNameStrategy::from_name(name));
        RegistryConverter {
            registry: RegistryConfig::from_properties(self.whole, &format!("{}.", self.key)),
            subject_name_strategy: strategy.unwrap_or_default(),
            cache_size: values.size("schemas.cache.config"),
            generalized_sum_types: values.boolean("generalized.sum.type.support"),
            flatten_singleton_unions: values.boolean("flatten.singleton.unions"),
            scrub_invalid_names: values.boolean("scrub.invalid.names"),
        }
    }
}

/// Which of the three.
#[derive(Clone, Copy)]
pub(super) enum Class {
    Avro,
    Protobuf,
    JsonSchema,
}

pub(super) fn read(
    class: Class,
    key: &str,
    given: &Properties,
    whole: &Properties,
    errors: &mut ConfigErrors,
) -> Option<ConverterConfig> {
    let options = Options { key, given, whole };
    match class {
        Class::Avro => avro(&options, errors),
        Class::Protobuf => protobuf(&options, errors),
        Class::JsonSchema => json_schema(&options, errors),
    }
}

fn avro(options: &Options<'_>, errors: &mut ConfigErrors) -> Option<ConverterConfig> {
    let definition = common_definition("true")
        .key(flag(
            "enhanced.avro.schema.support",
            "false",
            "Full names of union branches.",
        ))
        .key(flag(
            "connect.meta.data",
            "true",
            "Docs and connect.parameters are taken over.",
        ))
        .key(flag(
            "discard.type.doc.default",
            "false",
            "Only a field's own doc and default count.",
        ))
        .key(flag(
            "allow.optional.map.keys",
            "false",
            "Accepted; it concerns what a source writes.",
        ));
    let values = options.parse(&definition, errors)?;
    Some(ConverterConfig::Avro(AvroConverterConfig {
        common: options.common(&values),
        enhanced: values.boolean("enhanced.avro.schema.support"),
        meta_data: values.boolean("connect.meta.data"),
        discard_type_doc_default: values.boolean("discard.type.doc.default"),
    }))
}

fn protobuf(options: &Options<'_>, errors: &mut ConfigErrors) -> Option<ConverterConfig> {
    let definition = common_definition("false")
        .key(flag(
            "enhanced.protobuf.schema.support",
            "false",
            "Full names of messages and enums.",
        ))
        .key(flag(
            "int.for.enums",
            "false",
            "An enum's number instead of its name.",
        ))
        .key(flag(
            "optional.for.nullables",
            "false",
            "Only fields marked optional are optional.",
        ))
        .key(flag(
            "optional.for.proto2",
            "true",
            "An optional field of proto2 that is not set is null instead of its default.",
        ))
        .key(flag(
            "generate.struct.for.nulls",
            "false",
            "A field that is not set has its type's default, also a message.",
        ))
        .key(flag(
            "wrapper.for.nullables",
            "false",
            "Only wrapper messages are optional.",
        ))
        .key(flag(
            "wrapper.for.raw.primitives",
            "true",
            "Wrapper messages are their values.",
        ))
        .key(flag(
            "generate.index.for.unions",
            "true",
            "choice_0 instead of choice.",
        ))
        .key(flag(
            "flatten.unions",
            "false",
            "The members of a oneof stand beside the other fields.",
        ));
    let values = options.parse(&definition, errors)?;
    Some(ConverterConfig::Protobuf(ProtobufConverterConfig {
        common: options.common(&values),
        enhanced: values.boolean("enhanced.protobuf.schema.support"),
        int_for_enums: values.boolean("int.for.enums"),
        optional_for_nullables: values.boolean("optional.for.nullables"),
        optional_for_proto2: values.boolean("optional.for.proto2"),
        struct_for_nulls: values.boolean("generate.struct.for.nulls"),
        wrapper_for_nullables: values.boolean("wrapper.for.nullables"),
        wrapper_for_raw_primitives: values.boolean("wrapper.for.raw.primitives"),
        generate_index_for_unions: values.boolean("generate.index.for.unions"),
        flatten_unions: values.boolean("flatten.unions"),
    }))
}

fn json_schema(options: &Options<'_>, errors: &mut ConfigErrors) -> Option<ConverterConfig> {
    let definition = common_definition("false")
        .key(flag(
            "use.optional.for.nonrequired",
            "false",
            "Properties that are not required are optional.",
        ))
        .key(flag(
            "json.fail.invalid.schema",
            "false",
            "Values are validated against their schema.",
        ))
        .key(flag(
            "object.additional.properties",
            "true",
            "Accepted; it concerns what a source writes.",
        ))
        .key(
            Key::with(
                "decimal.format",
                Kind::String,
                "BASE64",
                "Accepted; both forms are read.",
            )
            .check(super::super::format::decimal_format),
        );
    let values = options.parse(&definition, errors)?;
    Some(ConverterConfig::JsonSchema(JsonSchemaConverterConfig {
        common: options.common(&values),
        optional_for_nonrequired: values.boolean("use.optional.for.nonrequired"),
        fail_invalid_schema: values.boolean("json.fail.invalid.schema"),
    }))
}

/// The same error with the whole key (`value.converter.schema.registry.url`).
fn under(prefix: &str, error: ConfigError) -> ConfigError {
    let key = format!("{prefix}.{}", error.key);
    let message = error.message.replacen(
        &format!("configuration {}", error.key),
        &format!("configuration {key}"),
        1,
    );
    ConfigError::other(&key, message)
}
