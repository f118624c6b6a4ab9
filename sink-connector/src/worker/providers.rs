//! Config providers: `${alias:path:key}` in a configuration stands for a value kept elsewhere.
//!
//! In: the worker's `config.providers` and a configuration with references. Out: the configuration with values, for
//! the eyes of the code that uses it; answers and logs show the reference. Providers of Kafka itself: environment
//! variables, properties files, directories with a file per key. A reference whose file or key is missing is an
//! error (the original leaves a missing key's reference as text).

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use sluiceway_common::config_def::{ConfigError, ConfigErrors};
use sluiceway_common::props::{self, Properties, with_prefix};

const PACKAGE: &str = "org.apache.kafka.common.config.provider.";
/// Largest file a provider reads.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The providers of a worker, by alias.
#[derive(Clone, Debug, Default)]
pub struct Providers(IndexMap<String, Provider>);

#[derive(Clone, Debug)]
enum Provider {
    Env,
    File(AllowedPaths),
    Directory(AllowedPaths),
}

/// `allowed.paths`: with none given, every path is allowed.
#[derive(Clone, Debug, Default)]
struct AllowedPaths(Vec<PathBuf>);

impl Providers {
    /// Reads `config.providers` and its options; what is wrong with them is added to `errors`.
    pub fn from_worker(properties: &Properties, errors: &mut ConfigErrors) -> Self {
        let aliases = properties
            .get("config.providers")
            .map_or("", String::as_str);
        let mut found = IndexMap::new();
        for alias in aliases
            .split(',')
            .map(str::trim)
            .filter(|alias| !alias.is_empty())
        {
            let key = format!("config.providers.{alias}.class");
            match properties.get(&key) {
                None => errors.0.push(ConfigError::missing(&key)),
                Some(class) => {
                    let options =
                        with_prefix(properties, &format!("config.providers.{alias}.param."));
                    match Provider::new(class.trim(), &options) {
                        Ok(provider) => drop(found.insert(alias.to_owned(), provider)),
                        Err(reason) => errors.0.push(ConfigError::invalid(&key, class, reason)),
                    }
                }
            }
        }
        Self(found)
    }

    /// `properties` with every reference replaced; what cannot be resolved is an error under its key.
    pub fn resolve(&self, properties: &Properties, errors: &mut ConfigErrors) -> Properties {
        properties
            .iter()
            .map(|(key, value)| {
                let resolved = self.resolve_value(value).unwrap_or_else(|reason| {
                    errors.0.push(ConfigError::invalid(key, value, reason));
                    value.clone()
                });
                (key.clone(), resolved)
            })
            .collect()
    }

    /// Whether `value` is one reference to a provider of this worker and nothing else, and so no secret itself.
    pub fn is_reference(&self, value: &str) -> bool {
        let inner = value
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'));
        inner.is_some_and(|inner| {
            !inner.contains('}')
                && Reference::parse(inner).is_some_and(|found| self.0.contains_key(found.alias))
        })
    }

    fn resolve_value(&self, value: &str) -> Result<String, String> {
        let mut out = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            let (text, end) = (&rest[start + 2..start + length], start + length + 1);
            out.push_str(&rest[..start]);
            match Reference::parse(text).and_then(|found| Some((self.0.get(found.alias)?, found))) {
                Some((provider, reference)) => out.push_str(&provider.get(&reference)?),
                // Not one of ours: text like any other, as `${topic}` in a transform's option.
                None => out.push_str(&rest[start..end]),
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// `alias:key` or `alias:path:key`.
struct Reference<'a> {
    alias: &'a str,
    path: &'a str,
    key: &'a str,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (alias, rest) = text.split_once(':')?;
        let (path, key) = rest.split_once(':').unwrap_or(("", rest));
        Some(Self { alias, path, key })
    }
}

impl Provider {
    fn new(class: &str, options: &Properties) -> Result<Self, String> {
        let allowed = || AllowedPaths::new(options.get("allowed.paths").map_or("", String::as_str));
        match class.strip_prefix(PACKAGE).unwrap_or(class) {
            "EnvVarConfigProvider" if options.contains_key("allowlist.pattern") => {
                Err("allowlist.pattern is not supported; leave it out".into())
            }
            "EnvVarConfigProvider" => Ok(Self::Env),
            "FileConfigProvider" => Ok(Self::File(allowed()?)),
            "DirectoryConfigProvider" => Ok(Self::Directory(allowed()?)),
            _ => Err(format!(
                "valid are {PACKAGE}EnvVarConfigProvider, {PACKAGE}FileConfigProvider, {PACKAGE}DirectoryConfigProvider"
            )),
        }
    }

    fn get(&self, reference: &Reference<'_>) -> Result<String, String> {
        let Reference { path, key, .. } = reference;
        match self {
            Self::Env => {
                std::env::var(key).map_err(|_| format!("there is no environment variable {key}"))
            }
            Self::File(allowed) => {
                let path = allowed.check(Path::new(path))?;
                let text = read(&path)?;
                let properties =
                    props::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
                let value = properties.get(*key).cloned();
                value.ok_or_else(|| format!("{} has no key {key}", path.display()))
            }
            Self::Directory(allowed) => {
                if Path::new(key).components().count() != 1 || *key == ".." {
                    return Err(format!("{key} is not the name of a file"));
                }
                read(&allowed.check(&Path::new(path).join(key))?)
            }
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!(
            "{} is larger than {MAX_FILE_BYTES} bytes",
            path.display()
        ));
    }
    std::fs::read_to_string(path).map_err(failed)
}

impl AllowedPaths {
    fn new(text: &str) -> Result<Self, String> {
        let paths = text
            .split(',')
            .map(str::trim)
            .filter(|path| !path.is_empty());
        paths
            .map(|path| {
                std::fs::canonicalize(path).map_err(|error| format!("allowed path {path}: {error}"))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The path itself when it lies within the allowed ones, links followed.
    fn check(&self, path: &Path) -> Result<PathBuf, String> {
        if self.0.is_empty() {
            return Ok(path.to_owned());
        }
        let real = std::fs::canonicalize(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if self.0.iter().any(|allowed| real.starts_with(allowed)) {
            return Ok(real);
        }
        Err(format!("{} is outside of allowed.paths", path.display()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn providers(extra: &str) -> Providers {
        let text = format!(
            "config.providers=file,dir,env\nconfig.providers.file.class={PACKAGE}FileConfigProvider\n\
             config.providers.dir.class={PACKAGE}DirectoryConfigProvider\n\
             config.providers.env.class={PACKAGE}EnvVarConfigProvider\n{extra}"
        );
        let mut errors = ConfigErrors::default();
        let found = Providers::from_worker(&props::parse(&text).unwrap(), &mut errors);
        assert!(errors.0.is_empty(), "{errors}");
        found
    }

    #[test]
    fn files_directories_and_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        std::fs::write(dir.path().join("s.properties"), "user=u1\npass=p:1\n").unwrap();
        std::fs::write(dir.path().join("token"), "t1").unwrap();
        let providers = providers("");
        let value =
            format!("a=${{file:{at}/s.properties:user}};b=${{file:{at}/s.properties:pass}}");
        assert_eq!(providers.resolve_value(&value).unwrap(), "a=u1;b=p:1");
        assert_eq!(
            providers
                .resolve_value(&format!("${{dir:{at}:token}}"))
                .unwrap(),
            "t1"
        );
        assert_eq!(
            providers.resolve_value("${env:PATH}").unwrap(),
            std::env::var("PATH").unwrap()
        );
        assert!(providers.is_reference("${env:PATH}") && !providers.is_reference("x${env:PATH}"));
    }

    #[test]
    fn what_is_no_reference_stays() {
        let providers = providers("");
        for text in [
            "${topic}-${timestamp}",
            "${vault:a:b}",
            "$1",
            "${env",
            "}${",
        ] {
            assert_eq!(providers.resolve_value(text).unwrap(), text);
            assert!(!providers.is_reference(text));
        }
    }

    #[test]
    fn missing_things_are_errors_that_name_them() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        std::fs::write(dir.path().join("s.properties"), "user=u1\n").unwrap();
        let providers = providers("");
        let missing = |value: String| providers.resolve_value(&value).unwrap_err();
        assert!(missing(format!("${{file:{at}/s.properties:nope}}")).contains("has no key nope"));
        assert!(missing(format!("${{file:{at}/none:k}}")).contains("none"));
        assert!(
            missing("${env:SLUICEWAY_NO_SUCH_VARIABLE}".into())
                .contains("SLUICEWAY_NO_SUCH_VARIABLE")
        );
        assert!(missing(format!("${{dir:{at}:../x}}")).contains("not the name of a file"));
    }

    #[test]
    fn allowed_paths_are_kept() {
        let inside = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(inside.path().join("k"), "1").unwrap();
        std::fs::write(outside.path().join("k"), "2").unwrap();
        let providers = providers(&format!(
            "config.providers.dir.param.allowed.paths={}\n",
            inside.path().display()
        ));
        let get = |dir: &Path| providers.resolve_value(&format!("${{dir:{}:k}}", dir.display()));
        assert_eq!(get(inside.path()).unwrap(), "1");
        assert!(get(outside.path()).unwrap_err().contains("allowed.paths"));
        let around = inside
            .path()
            .join("..")
            .join(outside.path().file_name().unwrap());
        assert!(get(&around).unwrap_err().contains("allowed.paths"));
    }

    #[test]
    fn an_unknown_class_and_a_missing_one() {
        let text = "config.providers=a,b\nconfig.providers.a.class=com.Vault\n";
        let mut errors = ConfigErrors::default();
        Providers::from_worker(&props::parse(text).unwrap(), &mut errors);
        let messages: Vec<_> = errors.0.into_iter().map(|error| error.message).collect();
        assert!(
            messages[0].contains("FileConfigProvider")
                && messages[1].contains("config.providers.b.class")
        );
    }
}
