//! The images, as plain files: `image/rootfs.sh`, which the Dockerfile calls, lays out each; then its program is started in it as
//! its user, with nothing else in reach.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::programs::Binaries;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../image/rootfs.sh");
const DOCKERFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Dockerfile");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
/// Uncompressed, of a release build.
const LIMIT_BYTES: u64 = 50_000_000;
/// The same of debug builds, as the gate has them: 1.56 and 1.7 times as large as release builds of the same day (43.8 and 49.1 MB). What
/// makes one grow past this does so to the other.
const DEBUG_LIMIT_BYTES: [(&str, u64); 2] = [
    ("sluiceway-proxy", 78_000_000),
    ("sluiceway-sink", 85_000_000),
];
/// How far a size may be from the one in `docs/operations.md`.
const TOLERANCE_BYTES: u64 = 2_000_000;
/// `USER` of the Dockerfile and `runAsUser` of the chart.
const USER: &str = "65532:65532";

/// Lays out both images and starts their programs.
pub(crate) fn run(binaries: &Binaries) -> Result<()> {
    let dockerfile = fs::read_to_string(DOCKERFILE)?;
    ensure!(
        dockerfile.contains(&format!("USER {USER}")),
        "the Dockerfile has another user"
    );
    for program in ["sluiceway-proxy", "sluiceway-sink"] {
        let dir = crate::scratch::folder()?;
        let root = dir.path().join("root");
        let entry = format!("ENTRYPOINT [\"/usr/local/bin/{program}\"]");
        ensure!(dockerfile.contains(&entry), "the Dockerfile lacks {entry}");
        let script = Command::new(SCRIPT)
            .arg(binaries.path(program)?)
            .arg(&root)
            .output();
        succeeded(&script?, SCRIPT)?;
        check_files(&root, program)?;
        start_in(&root, program)?;
        check_size(&root, program)?;
    }
    Ok(())
}

/// Programs are the one of the image and the loader; nothing can be written to but `/tmp`, nothing is anybody's but root's.
fn check_files(root: &Path, program: &str) -> Result<()> {
    for file in files(root)? {
        let name = file.strip_prefix(root)?.display().to_string();
        let about = fs::symlink_metadata(&file)?;
        let mode = about.permissions().mode();
        let writable = !about.is_symlink() && mode & 0o022 != 0;
        ensure!(!writable || name == "tmp", "{name} can be written to");
        ensure!(mode & 0o6000 == 0, "{name} runs as another user");
        let is_program = about.is_file() && mode & 0o111 != 0;
        let known = name == format!("usr/local/bin/{program}") || name.contains(".so");
        ensure!(!is_program || known, "{name} is a program, too");
    }
    for name in ["etc/passwd", "etc/ssl/certs/ca-certificates.crt", "tmp"] {
        ensure!(root.join(name).exists(), "{name} is missing");
    }
    Ok(())
}

/// Starts the program in the layout, as the image's user: as root directly, else in a name space of its own.
fn start_in(root: &Path, program: &str) -> Result<()> {
    let entry = format!("/usr/local/bin/{program}");
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    let mut command = match is_root {
        true => Command::new("chroot"),
        false => Command::new("unshare"),
    };
    match is_root {
        true => command.arg(format!("--userspec={USER}")).arg(root),
        false => command
            .args(["--user", "--map-root-user", "chroot"])
            .arg(root),
    };
    command
        .args([&entry, "--version"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = command.output()?;
    succeeded(&output, &entry)?;
    let version = String::from_utf8_lossy(&output.stdout);
    ensure!(
        version.trim() == format!("{program} {}", env!("CARGO_PKG_VERSION")),
        "{entry} says {version}"
    );
    Ok(())
}

/// Below the limit, and, of a release build, as documented.
fn check_size(root: &Path, program: &str) -> Result<()> {
    let mut bytes = 0;
    for file in files(root)? {
        bytes += fs::symlink_metadata(file)?.len();
    }
    eprintln!("-- image of {program}: {:.1} MB", bytes as f64 / 1e6);
    let debug = DEBUG_LIMIT_BYTES
        .iter()
        .find(|(known, _)| *known == program);
    let limit = match (cfg!(debug_assertions), debug) {
        (true, Some((_, limit))) => *limit,
        _ => LIMIT_BYTES,
    };
    ensure!(
        bytes < limit,
        "the image of {program} has {bytes} bytes, not less than {limit}"
    );
    let documented = documented(&fs::read_to_string(PAGE)?, program)?;
    ensure!(
        cfg!(debug_assertions) || bytes.abs_diff(documented) <= TOLERANCE_BYTES,
        "the image of {program} has {bytes} bytes, and docs/operations.md says {documented}"
    );
    Ok(())
}

/// The size in the page's row `| image … | <proxy> MB | <sink> MB |`.
fn documented(page: &str, program: &str) -> Result<u64> {
    let row = page.lines().find(|line| line.starts_with("| image "));
    let mut cells = row.context("no row about images")?.split('|').skip(2);
    let column = usize::from(program == "sluiceway-sink");
    let cell = cells.nth(column).context("too few columns")?.trim();
    let number = cell.strip_suffix(" MB").context("a size is not in MB")?;
    Ok(number.parse::<u64>()? * 1_000_000)
}

/// All files and folders below `root`.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    Ok(found)
}

fn succeeded(output: &Output, what: &str) -> Result<()> {
    ensure!(
        output.status.success(),
        "{what} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn documented_sizes_are_below_the_limit() {
        let page = fs::read_to_string(PAGE).unwrap();
        for program in ["sluiceway-proxy", "sluiceway-sink"] {
            let bytes = documented(&page, program).unwrap();
            assert!(
                (20_000_000..LIMIT_BYTES).contains(&bytes),
                "{program}: {bytes}"
            );
        }
        let page = "| image | 36 MB | 43 MB |";
        assert_eq!(documented(page, "sluiceway-proxy").unwrap(), 36_000_000);
        assert_eq!(documented(page, "sluiceway-sink").unwrap(), 43_000_000);
        assert!(documented("| image | big | 43 MB |", "sluiceway-proxy").is_err());
    }
}
