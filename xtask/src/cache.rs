//! Where what xtask fetches is kept, outside the repository, and where it notes what it started.
//!
//! `$SLUICEWAY_CACHE`, else `$XDG_CACHE_HOME/sluiceway`, else `~/.cache/sluiceway`. Everything in it
//! can be deleted at any time (with nothing running): the next call fetches it again.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The cache folder itself; not created here.
pub(crate) fn root() -> Result<PathBuf> {
    let from = |key: &str| {
        std::env::var_os(key)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from("SLUICEWAY_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|base| base.join("sluiceway")))
        .or_else(|| from("HOME").map(|home| home.join(".cache/sluiceway")))
        .context("no cache folder: set SLUICEWAY_CACHE, XDG_CACHE_HOME or HOME")
}

/// The folder with one state file per running part.
pub(crate) fn run_dir() -> Result<PathBuf> {
    let dir = root()?.join("run");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}

/// As [`installed`], in a folder of its own for each `spec`: checkouts of different age do not take it from each other.
pub(crate) fn installed_by_spec(
    kind: &str,
    spec: &str,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    spec.hash(&mut hasher);
    installed(&format!("{kind}-{:016x}", hasher.finish()), spec, install)
}

/// Returns the folder `name` of the cache, filled by `install` unless it already holds what `spec`
/// describes (the text of a pom, a requirements file, a version).
///
/// Concurrent callers wait for each other. A half-done install is thrown away by the next call.
pub(crate) fn installed(
    name: &str,
    spec: &str,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let root = root()?;
    fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    let lock_path = root.join(format!("{name}.lock"));
    let lock = File::create(&lock_path)
        .with_context(|| format!("cannot create {}", lock_path.display()))?;
    lock.lock()
        .with_context(|| format!("cannot lock {}", lock_path.display()))?;

    let dir = root.join(name);
    let marker = dir.join(".installed");
    if fs::read_to_string(&marker).is_ok_and(|found| found == spec) {
        return Ok(dir);
    }
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir)?;
    eprintln!("installing {name} into {} (once)", dir.display());
    install(&dir).with_context(|| format!("cannot install {name}"))?;
    fs::write(&marker, spec)?;
    Ok(dir)
}
