//! Java with Kafka's jars, and with classes of the tests beside them.
//!
//! `SLUICEWAY_TEST_CONNECT_JAVA` holds Java's arguments, one a line; `cargo xtask verify` sets it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::Session;
use crate::program::Program;

/// Java's arguments before a main class.
pub struct Java {
    arguments: Vec<String>,
}

impl Java {
    /// With these sources (name and text) compiled onto the class path.
    ///
    /// # Errors
    /// No Java, no jars, or the sources are wrong.
    pub fn with(session: &Session, sources: &[(&str, &str)]) -> Result<Self> {
        let given = std::env::var("SLUICEWAY_TEST_CONNECT_JAVA")
            .context("SLUICEWAY_TEST_CONNECT_JAVA is not set; `cargo xtask verify` sets it")?;
        let mut arguments: Vec<String> = given.lines().map(str::to_owned).collect();
        let flag = arguments.iter().position(|argument| argument == "-cp");
        let path = flag.and_then(|flag| arguments.get_mut(flag + 1));
        let path = path.context("no class path")?;
        let classes = session.file("classes");
        compile(sources, path, &classes)?;
        *path = format!("{path}:{}", classes.display());
        Ok(Self { arguments })
    }

    /// Starts a main class as a child process whose output goes to `log`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, class: &str, file: &Path, log: &Path) -> Result<Program> {
        let mut arguments: Vec<&Path> = self.arguments.iter().map(Path::new).collect();
        arguments.extend([Path::new(class), file]);
        Program::start_at(Path::new("java"), &arguments, &[], log)
    }

    /// Runs one of Kafka's tools to its end.
    ///
    /// # Errors
    /// It fails.
    pub fn tool<S: AsRef<OsStr>>(
        &self,
        class: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let mut command = Command::new("java");
        command.args(&self.arguments).arg("-XX:TieredStopAtLevel=1");
        let output = command.arg(class).args(arguments).output();
        succeeded(class, &output.context("cannot run java")?)
    }
}

fn compile(sources: &[(&str, &str)], class_path: &str, classes: &Path) -> Result<()> {
    std::fs::create_dir_all(classes)?;
    let mut compiler = Command::new("javac");
    compiler.args(["-nowarn", "-cp", class_path, "-d"]);
    compiler.arg(classes);
    for (name, text) in sources {
        let source = classes.join(name);
        std::fs::write(&source, text)?;
        compiler.arg(source);
    }
    let output = compiler.output().context("cannot run javac")?;
    succeeded("javac", &output)
}

fn succeeded(what: &str, output: &Output) -> Result<()> {
    let text = |bytes| String::from_utf8_lossy(bytes);
    let (printed, told) = (text(&output.stdout), text(&output.stderr));
    ensure!(
        output.status.success(),
        "{what} ended with {}: {printed}{told}",
        output.status
    );
    Ok(())
}
