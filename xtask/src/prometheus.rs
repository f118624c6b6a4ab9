//! A Prometheus server and its `promtool`: those on `PATH`, else Debian's package, unpacked beside the other parts (nothing is
//! installed in the system, and no service is started).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

const PROGRAMS: [&str; 2] = ["prometheus", "promtool"];

/// The folder that holds both programs.
pub(crate) fn programs() -> Result<PathBuf> {
    if let Some(folder) = on_path() {
        return Ok(folder);
    }
    let dir = crate::cache::installed("prometheus", "Debian's package prometheus", |dir| {
        // A machine that never asked for the list of packages knows none.
        if download(dir).is_err() {
            run(Command::new("apt-get").args(["--quiet", "update"]))?;
            download(dir)?;
        }
        let package = std::fs::read_dir(dir)?
            .filter_map(Result::ok)
            .map(|entry| entry.path());
        let package = package
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == "deb"));
        let package = package.context("no package was downloaded")?;
        run(Command::new("dpkg-deb")
            .arg("--extract")
            .arg(&package)
            .arg(dir))?;
        std::fs::remove_file(package)?;
        Ok(())
    });
    let folder = dir
        .context(
            "put `prometheus` and `promtool` on PATH where apt-get has no package of that name",
        )?
        .join("usr/bin");
    for name in PROGRAMS {
        ensure!(folder.join(name).exists(), "{name} is not in the package");
    }
    Ok(folder)
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .find(|folder| PROGRAMS.iter().all(|name| folder.join(name).is_file()))
}

fn download(dir: &Path) -> Result<()> {
    run(Command::new("apt-get")
        .args(["--quiet", "download", "prometheus"])
        .current_dir(dir))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
