//! `transforms`, `predicates` and the options under their aliases.
//!
//! In: the connector's properties. Out: [`TransformsConfig`], or the errors that Connect finds when a connector is
//! created. What it finds only when a task starts is found by [`TransformsConfig::stages`].

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Importance, Key, Kind};
use sluiceway_common::props::{Properties, with_prefix};

use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::predicate::Predicate;
use crate::record::SinkRecord;
use crate::transform::classes::{self, PredicateClass, TransformClass};
use crate::transform::settings::{Options, Setting};
use crate::transform::{Transform, Verdict};

/// Transforms in order, with their predicates.
#[derive(Clone, Default)]
pub struct TransformsConfig {
    transforms: Vec<TransformConfig>,
    predicates: Vec<PredicateConfig>,
}

#[derive(Clone)]
struct TransformConfig {
    class: TransformClass,
    options: Properties,
    predicate: Option<String>,
    negate: bool,
}

#[derive(Clone)]
struct PredicateConfig {
    alias: String,
    class: PredicateClass,
    options: Properties,
}

impl std::fmt::Debug for TransformsConfig {
    /// Class names only: options may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.transforms.iter().map(|transform| transform.class.name);
        f.debug_list().entries(names).finish()
    }
}

/// A transform that is ready, with its predicate.
pub(crate) struct TransformStage {
    /// Java class (`__connect.errors.class.name`).
    pub(crate) class: &'static str,
    transform: Box<dyn Transform>,
    predicate: Option<(Box<dyn Predicate>, bool)>,
}

impl TransformStage {
    /// Applies the transform, when the predicate says so.
    ///
    /// # Errors
    /// What the transform's Java class would throw.
    pub(crate) fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        if let Some((predicate, negate)) = &self.predicate
            && predicate.test(record) == *negate
        {
            return Ok(Verdict::Keep);
        }
        self.transform.apply(record)
    }
}

impl TransformsConfig {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.transforms.is_empty()
    }

    /// Whether a transform looks inside keys or values.
    pub(crate) fn look_inside(&self) -> bool {
        let looks = |transform: &TransformConfig| transform.class.looks_inside();
        self.transforms.iter().any(looks)
    }

    /// The transforms with their predicates, configured.
    ///
    /// # Errors
    /// What Connect finds when a task starts.
    pub(crate) fn stages(&self) -> Result<Vec<TransformStage>, Exception> {
        self.transforms
            .iter()
            .map(|config| self.stage(config).map_err(Exception::wrapped))
            .collect()
    }

    fn stage(&self, config: &TransformConfig) -> Result<TransformStage, Exception> {
        let options = Options::new(config.class.settings(), &config.options);
        let transform = config.class.make(&options)?;
        let predicate = match &config.predicate {
            None => None,
            Some(alias) => Some((self.predicate(alias)?, config.negate)),
        };
        Ok(TransformStage {
            class: config.class.name,
            transform,
            predicate,
        })
    }

    fn predicate(&self, alias: &str) -> Result<Box<dyn Predicate>, Exception> {
        let config = self.predicates.iter().find(|one| one.alias == alias);
        let config = config.ok_or_else(|| {
            let message = format!("Unknown configuration 'predicates.{alias}.type'");
            Exception::new(CONFIG_EXCEPTION, message)
        })?;
        let options = Options::new(config.class.settings(), &config.options);
        config.class.make(&options)
    }
}

/// Reads transforms and predicates.
pub(super) fn read(properties: &Properties, errors: &mut ConfigErrors) -> TransformsConfig {
    let mut config = TransformsConfig::default();
    for alias in aliases("transforms", properties, errors) {
        config
            .transforms
            .extend(transform(&alias, properties, errors));
    }
    for alias in aliases("predicates", properties, errors) {
        config
            .predicates
            .extend(predicate(&alias, properties, errors));
    }
    config
}

/// The aliases under `key`, each once.
fn aliases(key: &'static str, properties: &Properties, errors: &mut ConfigErrors) -> Vec<String> {
    let listed = crate::transform::settings::list(properties.get(key).map_or("", String::as_str));
    let mut unique: Vec<String> = Vec::new();
    for alias in &listed {
        if !unique.contains(alias) {
            unique.push(alias.clone());
        }
    }
    if unique.len() < listed.len() {
        let shown = crate::transform::settings::shown_list(&listed);
        errors.0.push(ConfigError::invalid(
            key,
            &shown,
            "Duplicate alias provided.",
        ));
    }
    unique
}

fn transform(
    alias: &str,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> Option<TransformConfig> {
    let prefix = format!("transforms.{alias}.");
    let mut options = with_prefix(properties, &prefix);
    let type_key = format!("{prefix}type");
    let found = errors.0.len();
    let name = class_name(&options, &type_key, errors);
    let class = name.and_then(classes::transform);
    let fault = name
        .filter(|_| class.is_none())
        .map(|name| fault(name, "Transformation", &type_key));
    // A class that is not there is told before the checks; of these the first one that finds something is.
    let (missing, unfit) = match fault {
        Some(Fault::Missing(error)) => (Some(error), None),
        Some(Fault::Unfit(error)) => (None, Some(error)),
        None => (None, None),
    };
    errors.0.extend(missing);
    if options.contains_key("negate") && !options.contains_key("predicate") {
        let message = format!(
            "Config '{prefix}negate' was provided but there is no config '{prefix}predicate' defining a predicate to \
             be negated."
        );
        errors.0.push(ConfigError::other(&type_key, message));
    } else {
        errors.0.extend(unfit);
    }
    let class = class?;
    for setting in stage_settings().into_iter().chain(class.settings()) {
        errors.0.extend(setting.errors(&prefix, &options));
    }
    let predicate = options.shift_remove("predicate");
    let negate = options.shift_remove("negate");
    let negate = negate.is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    (errors.0.len() == found).then_some(TransformConfig {
        class,
        options,
        predicate,
        negate,
    })
}

fn predicate(
    alias: &str,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> Option<PredicateConfig> {
    let prefix = format!("predicates.{alias}.");
    let options = with_prefix(properties, &prefix);
    let type_key = format!("{prefix}type");
    let found = errors.0.len();
    let name = class_name(&options, &type_key, errors)?;
    let Some(class) = classes::predicate(name) else {
        let (Fault::Missing(error) | Fault::Unfit(error)) = fault(name, "Predicate", &type_key);
        errors.0.push(error);
        return None;
    };
    for setting in class.settings() {
        errors.0.extend(setting.errors(&prefix, &options));
    }
    (errors.0.len() == found).then(|| PredicateConfig {
        alias: alias.to_owned(),
        class,
        options,
    })
}

fn class_name<'o>(
    options: &'o Properties,
    type_key: &str,
    errors: &mut ConfigErrors,
) -> Option<&'o str> {
    let name = options.get("type").map(|name| name.trim());
    if name.is_none() {
        errors.0.push(ConfigError::missing(type_key));
    }
    name
}

/// Why a class is no transform or predicate.
enum Fault {
    /// There is none of that name.
    Missing(ConfigError),
    /// It is another kind of class.
    Unfit(ConfigError),
}

fn fault(name: &str, interface: &str, type_key: &str) -> Fault {
    let known = crate::plugins::find(name).map(|plugin| plugin.class);
    let unfit = |message| Fault::Unfit(ConfigError::other(type_key, message));
    match (known, classes::abstract_transform(name)) {
        (_, Some(class)) if interface == "Transformation" => unfit(format!(
            "This class is abstract and cannot be created. Did you mean {class}$Value, {class}$Key?"
        )),
        (Some(class), _) | (None, Some(class)) => unfit(format!(
            "Class class {class} does not implement the {interface} interface"
        )),
        (None, None) => Fault::Missing(ConfigError::invalid(
            type_key,
            name,
            format_args!("Class {name} could not be found."),
        )),
    }
}

/// Keys that every transform has besides its class's own.
pub(crate) fn stage_keys() -> Vec<Key> {
    let settings = stage_settings().into_iter();
    settings.map(|setting| setting.key).collect()
}

/// What every transform has besides its class's options.
fn stage_settings() -> Vec<Setting> {
    vec![
        Setting::optional(
            "predicate",
            Kind::String,
            "Alias of the predicate that says which records are transformed; all when unset.",
        )
        .importance(Importance::Medium),
        Setting::with(
            "negate",
            Kind::Boolean,
            "false",
            "Whether the records are transformed for which the predicate does not hold.",
        )
        .importance(Importance::Medium),
    ]
}

pub(super) fn transform_keys() -> Vec<Key> {
    vec![
        Key::with(
            "transforms",
            Kind::List,
            "",
            "Aliases of the transforms, in order. Options stand under `transforms.<alias>.`, the class under `.type`.",
        )
        .importance(Importance::Low),
    ]
}

pub(super) fn predicate_keys() -> Vec<Key> {
    vec![
        Key::with(
            "predicates",
            Kind::List,
            "",
            "Aliases of the predicates that transforms use. Options stand under `predicates.<alias>.`.",
        )
        .importance(Importance::Low),
    ]
}
