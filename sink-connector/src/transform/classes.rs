//! The Java classes of transforms and predicates: names, options, and how each is made.

use super::settings::{Options, Setting};
use super::{
    Side, Transform, cast, drop_headers, extract_field, filter, flatten, header_from, hoist_field,
    insert_field, insert_header, mask_field, regex_router, replace_field, set_schema_metadata,
    timestamp_converter, timestamp_router, value_to_key,
};
use crate::error::Exception;
use crate::predicate::{Predicate, has_header_key, record_is_tombstone, topic_name_matches};

type Make = fn(&Options<'_>) -> Result<Box<dyn Transform>, Exception>;
type MakeSided = fn(Side, &Options<'_>) -> Result<Box<dyn Transform>, Exception>;
type MakePredicate = fn(&Options<'_>) -> Result<Box<dyn Predicate>, Exception>;

/// How a transform is made.
#[derive(Clone, Copy)]
enum Maker {
    Plain(Make),
    Sided(Side, MakeSided),
}

/// A transform's class.
#[derive(Clone, Copy)]
pub(crate) struct TransformClass {
    pub(crate) name: &'static str,
    settings: fn() -> Vec<Setting>,
    maker: Maker,
}

/// A predicate's class.
#[derive(Clone, Copy)]
pub(crate) struct PredicateClass {
    pub(crate) name: &'static str,
    settings: fn() -> Vec<Setting>,
    make: MakePredicate,
}

impl TransformClass {
    /// Its options.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        (self.settings)()
    }

    /// Whether it looks inside the key or value.
    pub(crate) fn looks_inside(&self) -> bool {
        matches!(self.maker, Maker::Sided(..)) || self.name.ends_with(".ValueToKey")
    }

    /// The transform with these options.
    ///
    /// # Errors
    /// What the class finds only when it is configured.
    pub(crate) fn make(&self, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
        match self.maker {
            Maker::Plain(make) => make(options),
            Maker::Sided(side, make) => make(side, options),
        }
    }
}

impl PredicateClass {
    /// Its options.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        (self.settings)()
    }

    /// The predicate with these options.
    ///
    /// # Errors
    /// What the class finds only when it is configured.
    pub(crate) fn make(&self, options: &Options<'_>) -> Result<Box<dyn Predicate>, Exception> {
        (self.make)(options)
    }
}

macro_rules! both_sides {
    ($name:literal, $module:ident) => {
        [
            TransformClass {
                name: concat!("org.apache.kafka.connect.transforms.", $name, "$Key"),
                settings: $module::settings,
                maker: Maker::Sided(Side::Key, $module::new),
            },
            TransformClass {
                name: concat!("org.apache.kafka.connect.transforms.", $name, "$Value"),
                settings: $module::settings,
                maker: Maker::Sided(Side::Value, $module::new),
            },
        ]
    };
}

macro_rules! plain {
    ($name:literal, $module:ident) => {
        TransformClass {
            name: concat!("org.apache.kafka.connect.transforms.", $name),
            settings: $module::settings,
            maker: Maker::Plain($module::new),
        }
    };
}

const SIDED: [[TransformClass; 2]; 10] = [
    both_sides!("Cast", cast),
    both_sides!("ExtractField", extract_field),
    both_sides!("Flatten", flatten),
    both_sides!("HeaderFrom", header_from),
    both_sides!("HoistField", hoist_field),
    both_sides!("InsertField", insert_field),
    both_sides!("MaskField", mask_field),
    both_sides!("ReplaceField", replace_field),
    both_sides!("SetSchemaMetadata", set_schema_metadata),
    both_sides!("TimestampConverter", timestamp_converter),
];

const PLAIN: [TransformClass; 6] = [
    plain!("DropHeaders", drop_headers),
    plain!("Filter", filter),
    plain!("InsertHeader", insert_header),
    plain!("RegexRouter", regex_router),
    plain!("TimestampRouter", timestamp_router),
    plain!("ValueToKey", value_to_key),
];

const PREDICATES: [PredicateClass; 3] = [
    PredicateClass {
        name: "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        settings: has_header_key::settings,
        make: has_header_key::new,
    },
    PredicateClass {
        name: "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
        settings: record_is_tombstone::settings,
        make: record_is_tombstone::new,
    },
    PredicateClass {
        name: "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        settings: topic_name_matches::settings,
        make: topic_name_matches::new,
    },
];

/// All transforms.
pub(crate) fn transforms() -> impl Iterator<Item = TransformClass> {
    SIDED.into_iter().flatten().chain(PLAIN)
}

/// All predicates.
pub(crate) fn predicates() -> impl Iterator<Item = PredicateClass> {
    PREDICATES.into_iter()
}

/// The transform of this class name or its last part.
pub(crate) fn transform(name: &str) -> Option<TransformClass> {
    transforms().find(|class| is_named(name, class.name))
}

/// The predicate of this class name or its last part.
pub(crate) fn predicate(name: &str) -> Option<PredicateClass> {
    predicates().find(|class| is_named(name, class.name))
}

/// The full name of the class without `$Key` or `$Value` that `name` means.
pub(crate) fn abstract_transform(name: &str) -> Option<&'static str> {
    SIDED
        .iter()
        .filter_map(|[key, _]| key.name.strip_suffix("$Key"))
        .find(|class| is_named(name, class))
}

fn is_named(name: &str, class: &str) -> bool {
    name == class || class.rsplit('.').next() == Some(name)
}
