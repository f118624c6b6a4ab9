//! Debian's Chromium, for what is looked at in a browser.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::python::run;

/// Where Debian has it.
const DEBIAN: &str = "/usr/bin/chromium";

/// The browser's program; installed if need be and if this may be done.
pub(crate) fn program() -> Result<PathBuf> {
    let program = PathBuf::from(DEBIAN);
    if program.exists() {
        return Ok(program);
    }
    let root = Command::new("id").arg("-u").output()?;
    if root.stdout.trim_ascii() != b"0" {
        bail!("needs Chromium at {DEBIAN} (Debian: apt-get install chromium)");
    }
    eprintln!("installing Debian's chromium (once)");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        run(command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(arguments))
    };
    apt(&["update", "-qq"])?;
    apt(&[
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "chromium",
    ])?;
    Ok(program)
}
