//! A name with several addresses for some programs, without a DNS: each runs in a mount namespace of its own, in which
//! `/etc/hosts` is a file of the test's. What it says may change while they run: the system reads it again for every look-up.
//!
//! That is Linux' `unshare`, for root or for whoever may make user namespaces.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::program::{Program, find};

/// Puts the file (`$0`) in the place of the system's, and becomes the program.
const SCRIPT: &str = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";

/// See the module.
#[derive(Debug)]
pub struct Hosts {
    file: PathBuf,
    unshare: &'static [&'static str],
}

impl Hosts {
    /// Names stand in `file`; none do yet.
    ///
    /// # Errors
    /// This system has no mount namespaces for us.
    pub fn new(file: PathBuf) -> Result<Self> {
        let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
        for unshare in ways {
            let hosts = Self {
                file: file.clone(),
                unshare,
            };
            hosts.set("none", &[])?;
            if hosts.works()? {
                return Ok(hosts);
            }
        }
        bail!(
            "a mount namespace (unshare, root or user namespaces) is needed for an /etc/hosts of its own"
        )
    }

    /// From now on the name has these addresses.
    ///
    /// # Errors
    /// The disk.
    pub fn set(&self, name: &str, addresses: &[&str]) -> Result<()> {
        let line = |address: &&str| format!("{address} {name}\n");
        let lines: String = addresses.iter().map(line).collect();
        // The same file as before: it is mounted.
        let mut file = std::fs::File::create(&self.file)?;
        Ok(file.write_all(format!("127.0.0.1 localhost\n{lines}").as_bytes())?)
    }

    /// Starts `<target dir>/<name> <argument>` among these names. Its process id is the program's own.
    ///
    /// # Errors
    /// It was not built, or can't be started.
    pub fn start(&self, name: &str, argument: &Path, log: &Path) -> Result<Program> {
        let binary = find(name)?;
        let arguments = [&*binary, argument];
        Program::start_at(Path::new("unshare"), &self.arguments(&arguments), &[], log)
    }

    fn works(&self) -> Result<bool> {
        let tried = Command::new("unshare")
            .args(self.arguments(&[Path::new("true")]))
            .stderr(Stdio::null())
            .status();
        Ok(tried.context("unshare is needed")?.success())
    }

    fn arguments<'a>(&'a self, command: &[&'a Path]) -> Vec<&'a Path> {
        let own = self.unshare.iter().chain(&["sh", "-c", SCRIPT]);
        let mut arguments: Vec<&Path> = own.map(Path::new).collect();
        arguments.push(&self.file);
        arguments.extend(command);
        arguments
    }
}
