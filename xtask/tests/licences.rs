//! What `deny.toml` asks of dependencies, as far as it can be told without a network: licences and sources of every crate in
//! `Cargo.lock` that is built on this platform; which crates it must not name, and which it may name twice. (`cargo deny check` does
//! the same for all platforms, and asks the database of advisories and the registry for yanked versions.)
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What cargo prints.
fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The crates of this platform: a machine that has built nothing else has no others, and a test fetches nothing.
fn packages() -> Vec<Value> {
    let version = cargo(&["--version", "--verbose"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let metadata = cargo(&[
        "metadata",
        "--offline",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        host.unwrap(),
    ]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn file(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(file).unwrap()
}

/// The texts of a list in `deny.toml`.
fn list(name: &str) -> BTreeSet<String> {
    let text = file("deny.toml");
    let list = text.split_once(&format!("\n{name} = [")).unwrap().1;
    let list = list.split_once(']').unwrap().0;
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Every crate of `Cargo.lock`, for whatever platform, with its versions.
fn locked() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in file("Cargo.lock").split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap().trim_matches('"').to_owned()
        };
        let versions = found.entry(value("name = ")).or_default();
        versions.insert(value("version = "));
    }
    assert!(found.len() > 100, "only {} crates", found.len());
    found
}

/// A licence expression: `OR` binds weaker than `AND`; `/` is an old `OR`; what stands after `WITH` belongs to the licence.
struct Expression<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a BTreeSet<String>,
    used: &'a mut BTreeSet<String>,
}

impl Expression<'_> {
    fn any(&mut self) -> bool {
        let mut allowed = self.all();
        while self.takes(&["OR", "/"]) {
            allowed |= self.all();
        }
        allowed
    }

    fn all(&mut self) -> bool {
        let mut allowed = self.licence();
        while self.takes(&["AND"]) {
            allowed &= self.licence();
        }
        allowed
    }

    fn licence(&mut self) -> bool {
        if self.takes(&["("]) {
            let allowed = self.any();
            assert!(self.takes(&[")"]), "{:?}", self.words);
            return allowed;
        }
        let mut name = self.words[self.at].to_owned();
        self.at += 1;
        if self.takes(&["WITH"]) {
            name = format!("{name} WITH {}", self.words[self.at]);
            self.at += 1;
        }
        let allowed = self.allowed.contains(&name);
        if allowed {
            self.used.insert(name);
        }
        allowed
    }

    fn takes(&mut self, words: &[&str]) -> bool {
        let found = self
            .words
            .get(self.at)
            .is_some_and(|word| words.contains(word));
        self.at += usize::from(found);
        found
    }
}

fn is_allowed(text: &str, allowed: &BTreeSet<String>, used: &mut BTreeSet<String>) -> bool {
    let spaced = text
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " / ");
    let mut expression = Expression {
        words: spaced.split_ascii_whitespace().collect(),
        at: 0,
        allowed,
        used,
    };
    let outcome = expression.any();
    assert_eq!(expression.at, expression.words.len(), "{text}");
    outcome
}

#[test]
fn every_licence_is_allowed_and_every_allowed_one_is_there() {
    let (allowed, mut used) = (list("allow"), BTreeSet::new());
    let mut refused = Vec::new();
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or_default();
        if licence.is_empty() || !is_allowed(licence, &allowed, &mut used) {
            refused.push(format!("{}: {licence}", package["name"]));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert_eq!(used, allowed, "deny.toml allows licences that nothing has");
}

#[test]
fn every_crate_comes_from_the_registry_or_from_here() {
    for package in packages() {
        let source = package["source"].as_str();
        assert!(
            source.is_none_or(|source| source.starts_with("registry+")),
            "{}: {source:?}",
            package["name"]
        );
    }
}

#[test]
fn no_crate_is_banned() {
    let text = file("deny.toml");
    let banned: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("crate = "))
        .map(|name| name.trim_matches('"'))
        .collect();
    assert!(banned.contains(&"aws-lc-rs"), "{banned:?}");
    let locked = locked();
    let found = banned.into_iter().find(|name| locked.contains_key(*name));
    assert_eq!(found, None);
}

#[test]
fn crates_in_several_versions_are_those_that_are_known() {
    let several = locked()
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1);
    let several: BTreeSet<String> = several.map(|(name, _)| name).collect();
    assert_eq!(
        several,
        list("skip"),
        "those in Cargo.lock, and in deny.toml"
    );
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    let allowed: BTreeSet<String> = ["MIT", "ISC"].map(str::to_owned).into();
    let is = |text: &str| is_allowed(text, &allowed, &mut BTreeSet::new());
    assert!(is("MIT"));
    assert!(is("GPL-3.0/MIT"));
    assert!(is("GPL-3.0 OR MIT AND ISC"));
    assert!(is("(GPL-3.0 OR MIT) AND ISC"));
    assert!(!is("GPL-3.0 AND MIT"));
    assert!(!is("MIT WITH an-exception"));
    assert!(!is("GPL-3.0 OR MIT AND Zlib"));
}
