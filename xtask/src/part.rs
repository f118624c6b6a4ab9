//! A real part (a Kafka cluster, an S3 server, a schema registry) that runs in the background: its state file, its
//! processes, its data folder.
//!
//! The state file (`<cache>/run/<kind>-<name>.json`) is created first and exclusively, so that two
//! calls cannot start the same part; it is removed last, so that nothing is ever left without one.
//! While an xtask process brings a part up, or runs checks against it, that process is the *owner*: a
//! part whose owner is gone (killed, crashed) is ended by the next xtask call ([`sweep`]).

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cache;
use crate::process::{self, CommandLine, ProcessId, Signal};
use crate::signals;

/// How long the processes of a part may take to stop when asked.
const GRACE: Duration = Duration::from_secs(20);

/// One process of a part: a broker of a cluster, the S3 server, the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Broker id; 1 for the others.
    pub(crate) id: u32,
    /// Where clients connect, on 127.0.0.1.
    pub(crate) port: u16,
    /// How it is started.
    pub(crate) command: CommandLine,
    /// Its process; `None` while it is stopped on purpose.
    pub(crate) process: Option<ProcessId>,
}

/// A part and all there is to know about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    /// `kafka`, `s3`, `mysql` or `registry`.
    pub(crate) kind: String,
    /// The name given to `--name`.
    pub(crate) name: String,
    /// Temporary folder with configuration, data and logs.
    pub(crate) dir: PathBuf,
    /// The process this part ends with; `None` for one that stays up until `down`.
    pub(crate) owner: Option<ProcessId>,
    /// The options it was started with, to notice a second `up` with others.
    pub(crate) settings: String,
    /// What `up` prints for the user.
    pub(crate) lines: Vec<String>,
    /// Its processes.
    pub(crate) members: Vec<Member>,
}

impl Part {
    /// Reserves the name and makes the data folder. `None`: a part of this name exists.
    pub(crate) fn reserve(kind: &str, name: &str, settings: &str) -> Result<Option<Self>> {
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            bail!("--name {name:?}: letters, digits, '-' and '_' only");
        }
        signals::unless_closing(|| Self::create(kind, name, settings))
    }

    fn create(kind: &str, name: &str, settings: &str) -> Result<Option<Self>> {
        let path = state_path(kind, name)?;
        let mut file = match File::create_new(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create {}", path.display()));
            }
        };
        let part = Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            dir: tempfile::Builder::new()
                .prefix(&format!("sluiceway-{kind}-{name}-"))
                .tempdir()?
                .keep(),
            owner: Some(ProcessId::current()?),
            settings: settings.to_owned(),
            lines: Vec::new(),
            members: Vec::new(),
        };
        file.write_all(&serde_json::to_vec_pretty(&part)?)?;
        Ok(Some(part))
    }

    /// The part of that name, if there is one.
    pub(crate) fn load(kind: &str, name: &str) -> Result<Option<Self>> {
        let path = state_path(kind, name)?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        serde_json::from_slice(&text)
            .map(Some)
            .with_context(|| format!("damaged state file {}", path.display()))
    }

    /// All parts that have a state file.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let mut parts = Vec::new();
        for entry in fs::read_dir(cache::run_dir()?)? {
            let file_name = entry?.file_name();
            let known = file_name
                .to_str()
                .and_then(|name| name.strip_suffix(".json")?.split_once('-'));
            if let Some((kind, name)) = known {
                // One that is being written or has just been ended is not there (yet, any more).
                parts.extend(Self::load(kind, name).ok().flatten());
            }
        }
        parts.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        Ok(parts)
    }

    /// Writes the state file anew.
    pub(crate) fn save(&self) -> Result<()> {
        signals::unless_closing(|| self.write_state())
    }

    fn write_state(&self) -> Result<()> {
        let path = state_path(&self.kind, &self.name)?;
        let new = path.with_extension(format!("new-{}", std::process::id()));
        fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Starts the member `id` and notes its process.
    pub(crate) fn start(&mut self, id: u32) -> Result<()> {
        signals::unless_closing(|| {
            let member = self.member_mut(id)?;
            if member.process.is_some_and(ProcessId::is_alive) {
                bail!("member {id} is running already");
            }
            member.process = Some(member.command.spawn()?);
            self.write_state()
        })
    }

    /// Ends the member `id`; it can be started again on the same port and data.
    pub(crate) fn stop(&mut self, id: u32, signal: Signal) -> Result<()> {
        let member = self.member_mut(id)?;
        if let Some(process) = member.process.take() {
            process.signal(signal, true);
            process::end_all(&[process], GRACE)?;
        }
        self.save()
    }

    /// Ends all processes, removes the data and the state file.
    pub(crate) fn end(&self) -> Result<()> {
        let running: Vec<ProcessId> = self
            .members
            .iter()
            .filter_map(|member| member.process)
            .collect();
        process::end_all(&running, GRACE)?;
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir)
                .with_context(|| format!("cannot remove {}", self.dir.display()))?;
        }
        match fs::remove_file(state_path(&self.kind, &self.name)?) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The member `id`.
    pub(crate) fn member(&self, id: u32) -> Result<&Member> {
        let found = self.members.iter().find(|member| member.id == id);
        found.with_context(|| format!("{} {} has no member {id}", self.kind, self.name))
    }

    fn member_mut(&mut self, id: u32) -> Result<&mut Member> {
        let (kind, name) = (self.kind.clone(), self.name.clone());
        let found = self.members.iter_mut().find(|member| member.id == id);
        found.with_context(|| format!("{kind} {name} has no member {id}"))
    }

    /// An error with the end of the log if a member that should run has ended.
    pub(crate) fn check_running(&self) -> Result<()> {
        for member in &self.members {
            if member.process.is_some_and(|process| !process.is_alive()) {
                let log = process::tail(&member.command.log, 25);
                bail!(
                    "{} {}: process of member {} has ended; its log ends with\n{log}",
                    self.kind,
                    self.name,
                    member.id
                );
            }
        }
        Ok(())
    }

    /// One line per member: id, port, pid or "stopped" or "dead".
    pub(crate) fn describe(&self) -> Vec<String> {
        let state = |member: &Member| match member.process {
            None => "stopped".to_owned(),
            Some(process) if process.is_alive() => format!("running, pid {}", process.pid),
            Some(_) => "dead".to_owned(),
        };
        self.members
            .iter()
            .map(|m| format!("  {} 127.0.0.1:{} {}", m.id, m.port, state(m)))
            .collect()
    }
}

/// Ends the parts whose owner is gone: left over by an xtask that was killed.
pub(crate) fn sweep() -> Result<()> {
    for part in Part::all()? {
        if part.owner.is_some_and(|owner| !owner.is_alive()) {
            eprintln!(
                "ending {} {}: what started it is gone",
                part.kind, part.name
            );
            part.end()?;
        }
    }
    Ok(())
}

/// Ends the parts that this process owns.
pub(crate) fn end_owned() -> Result<()> {
    let current = ProcessId::current()?;
    Part::all()?
        .iter()
        .filter(|part| part.owner == Some(current))
        .try_for_each(Part::end)
}

fn state_path(kind: &str, name: &str) -> Result<PathBuf> {
    Ok(cache::run_dir()?.join(format!("{kind}-{name}.json")))
}
