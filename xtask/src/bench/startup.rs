//! From the start of a program to its first answer, and its memory when nothing happens.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use tempfile::TempDir;

use super::{statistics, usage};
use crate::child::Foreground;
use crate::ports;
use crate::programs::{self, Binaries};

/// Options of `bench startup`.
#[derive(Debug, Args)]
pub(crate) struct StartupArgs {
    /// Starts of each program
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// Measures both programs on a real broker.
pub(crate) fn run(args: &StartupArgs) -> Result<()> {
    let broker = super::start_broker("startup")?;
    for (name, path) in [("sluiceway-proxy", "/topics"), ("sluiceway-sink", "/")] {
        let mut starts = Vec::new();
        let mut idle = None;
        for _ in 0..args.runs {
            let run = Run::new(name, path, &broker.bootstrap())?;
            let (program, took) = run.start()?;
            starts.push(took.as_secs_f64() * 1000.0);
            if idle.is_none() {
                std::thread::sleep(Duration::from_secs(3));
                idle = Some(usage::memory(program.id()?.pid)?.resident);
            }
            program.stop(Duration::from_secs(30))?;
        }
        let size = fs::metadata(Binaries::beside_this()?.path(name)?)?.len() as f64 / 1_048_576.0;
        let longest = starts.iter().copied().fold(0.0, f64::max);
        println!(
            "{name}: start to first 200 on GET {path}: median {:.1} ms, longest {longest:.1} ms; idle memory {:.1} MiB; \
             program {size:.1} MiB",
            statistics::median(&starts),
            idle.unwrap_or_default(),
        );
    }
    Ok(())
}

/// One start.
struct Run {
    name: &'static str,
    url: String,
    file: PathBuf,
    dir: TempDir,
}

impl Run {
    fn new(name: &'static str, path: &str, bootstrap: &str) -> Result<Self> {
        let dir = crate::scratch::folder()?;
        let ports = ports::free(2)?;
        let listener = format!("http://127.0.0.1:{}", ports[0]);
        let file = dir.path().join("program.properties");
        let mut text = format!(
            "bootstrap.servers={bootstrap}\nlisteners={listener}\nsluiceway.admin.listeners=http://127.0.0.1:{}\n",
            ports[1]
        );
        if name == "sluiceway-sink" {
            text.push_str(
                "key.converter=org.apache.kafka.connect.storage.StringConverter\n\
                 value.converter=org.apache.kafka.connect.json.JsonConverter\n",
            );
            text.push_str(&format!(
                "offset.storage.file.filename={}\n",
                dir.path().join("offsets").display()
            ));
        }
        fs::write(&file, text)?;
        Ok(Self {
            name,
            url: format!("{listener}{path}"),
            file,
            dir,
        })
    }

    fn start(&self) -> Result<(Foreground, Duration)> {
        let mut command = Binaries::beside_this()?.command(self.name)?;
        let log: &Path = &self.dir.path().join("log");
        let start = Instant::now();
        let program = Foreground::start_logged(command.arg(&self.file), log)?;
        programs::wait_for_answer(&program, &self.url, Duration::from_millis(1))?;
        Ok((program, start.elapsed()))
    }
}
