//! A real part that is one process: `up`, `down`, `status` on the command line, and one for a run of checks.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::background;
use crate::part::{Member, Part};
use crate::process::CommandLine;

/// What to do with such a part.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start one in the background and print how to reach it when it answers
    Up(NameArg),
    /// End it and remove its data
    Down(NameArg),
    /// Print what runs; exit code 1 when a named one does not
    Status {
        /// Only this one
        #[arg(long)]
        name: Option<String>,
    },
}

/// Which one.
#[derive(Debug, Args)]
pub(crate) struct NameArg {
    /// Its name; several can run side by side
    #[arg(long, default_value = "default")]
    name: String,
}

/// What tells the kinds apart.
pub(crate) struct Kind {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Sees to it that the program is there: what takes long is done before a part is reserved.
    pub(crate) install: fn() -> Result<()>,
    /// Starts the process of a reserved part, waits until it answers, and writes down how to reach it.
    pub(crate) bring_up: fn(&mut Part) -> Result<()>,
}

impl Kind {
    /// Runs one command.
    pub(crate) fn run(&self, command: Command) -> Result<()> {
        match command {
            Command::Up(NameArg { name }) => self.up(&name),
            Command::Down(NameArg { name }) => background::down(self.name, &name),
            Command::Status { name } => background::status(self.name, name.as_deref()),
        }
    }

    fn up(&self, name: &str) -> Result<()> {
        (self.install)()?;
        let Some(mut part) = background::reserve_or_report(self.name, name, "")? else {
            return Ok(());
        };
        match (self.bring_up)(&mut part) {
            Ok(()) => background::leave_running(part),
            Err(error) => {
                part.end()?;
                Err(error)
            }
        }
    }

    /// Starts one that this process owns.
    pub(crate) fn start(&self, name: &str) -> Result<Single> {
        let part = Part::reserve(self.name, name, "")?
            .with_context(|| format!("{} {name} is running already", self.name))?;
        let mut single = Single { part };
        (self.bring_up)(&mut single.part)?;
        Ok(single)
    }
}

/// One for a run of checks: ends when dropped, and with this process in any case.
pub(crate) struct Single {
    pub(crate) part: Part,
}

impl Drop for Single {
    fn drop(&mut self) {
        if let Err(error) = self.part.end() {
            eprintln!("error: {error:#}");
        }
    }
}

/// Gives the part its one process, and starts it.
pub(crate) fn start_process(part: &mut Part, port: u16, command: CommandLine) -> Result<()> {
    part.members = vec![Member {
        id: 1,
        port,
        command,
        process: None,
    }];
    part.start(1)
}

/// `http://127.0.0.1:port` of a part that has its process.
pub(crate) fn base_url(part: &Part) -> String {
    let member = part.members.first();
    member.map_or_else(String::new, |member| {
        format!("http://127.0.0.1:{}", member.port)
    })
}
