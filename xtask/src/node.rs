//! Node.js packages: clients that users have.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

const PACKAGES: &str = include_str!("../../protocol-tests/node/package.json");

/// Installs the packages if need be; the folder that holds `node_modules`.
pub(crate) fn packages() -> Result<PathBuf> {
    crate::cache::installed_by_spec("node", PACKAGES, |dir| {
        std::fs::write(dir.join("package.json"), PACKAGES)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund"])
            .current_dir(dir);
        let status = npm
            .status()
            .with_context(|| format!("cannot run {npm:?}"))?;
        if !status.success() {
            bail!("{npm:?} ended with {status}");
        }
        Ok(())
    })
}
