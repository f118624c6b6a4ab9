//! Ctrl-C and SIGTERM: end the foreground child and the parts that this process owns, then exit.
//!
//! Children run in process groups of their own, so that this is the only place that decides what
//! ends. SIGKILL cannot be caught: what it leaves is ended by the next call (`part::sweep`).

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::part;
use crate::process::{self, ProcessId};
use crate::scratch;

struct Foreground {
    closing: bool,
    children: Vec<ProcessId>,
}

static FOREGROUND: Mutex<Foreground> = Mutex::new(Foreground {
    closing: false,
    children: Vec::new(),
});

fn foreground() -> std::sync::MutexGuard<'static, Foreground> {
    FOREGROUND
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Starts the thread that waits for SIGINT, SIGTERM and SIGHUP.
pub(crate) fn install() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        let code = runtime.block_on(async {
            let (Ok(mut int), Ok(mut term), Ok(mut hup)) = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
                signal(SignalKind::hangup()),
            ) else {
                eprintln!("signals cannot be handled here");
                return std::future::pending().await;
            };
            tokio::select! {
                _ = int.recv() => 130,
                _ = term.recv() => 143,
                _ = hup.recv() => 129,
            }
        });
        eprintln!("interrupted: ending what was started");
        if let Err(error) = end_foreground()
            .and_then(|()| part::end_owned())
            .and_then(|()| scratch::remove_owned())
        {
            eprintln!("error: {error:#}");
        }
        std::process::exit(code);
    });
    Ok(())
}

/// Runs `change` (start a process and note it) as one step that a signal cannot fall into; refused
/// once xtask is ending.
pub(crate) fn unless_closing<T>(change: impl FnOnce() -> Result<T>) -> Result<T> {
    let foreground = foreground();
    if foreground.closing {
        bail!("interrupted");
    }
    let outcome = change();
    drop(foreground);
    outcome
}

/// Starts a foreground child in a process group of its own; it ends with xtask.
pub(crate) fn start_child(command: &mut Command) -> Result<(Child, Option<ProcessId>)> {
    let mut foreground = foreground();
    if foreground.closing {
        bail!("interrupted");
    }
    let child = command
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run {command:?}"))?;
    let id = ProcessId::of(child.id());
    foreground.children.extend(id);
    Ok((child, id))
}

/// Waits for ever if a signal has come: the thread that handles it exits when all is cleaned up.
pub(crate) fn wait_if_closing() {
    while is_closing() {
        std::thread::park();
    }
}

fn is_closing() -> bool {
    foreground().closing
}

/// The child has ended by itself.
pub(crate) fn forget(child: ProcessId) {
    foreground().children.retain(|known| *known != child);
}

/// Ends the noted children; further ones are refused.
fn end_foreground() -> Result<()> {
    let children = {
        let mut foreground = foreground();
        foreground.closing = true;
        std::mem::take(&mut foreground.children)
    };
    process::end_all(&children, Duration::from_secs(10))
}
