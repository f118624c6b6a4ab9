//! `up` twice, `down`, `status`: the same for every kind of part.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::part::Part;

/// How long to wait for another xtask that is bringing the same part up.
const OTHERS_START: Duration = Duration::from_secs(120);

/// Reserves a part, or reports the one that runs: its lines are printed and `None` is returned.
pub(crate) fn reserve_or_report(kind: &str, name: &str, settings: &str) -> Result<Option<Part>> {
    let deadline = Instant::now() + OTHERS_START;
    loop {
        if let Some(part) = Part::reserve(kind, name, settings)? {
            return Ok(Some(part));
        }
        match Part::load(kind, name) {
            Ok(Some(part)) if part.owner.is_none() => {
                if is_reported(&part, settings)? {
                    return Ok(None);
                }
            }
            // Being written, being ended, or being started by another call.
            Ok(_) | Err(_) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(200))
            }
            Ok(_) => bail!("{kind} {name} is being used by another xtask"),
            Err(error) => return Err(error),
        }
    }
}

/// Reports a part that is up; `false` when nothing of it runs any more (then it has been removed).
fn is_reported(part: &Part, settings: &str) -> Result<bool> {
    let (kind, name) = (&part.kind, &part.name);
    if part.members.iter().all(|member| {
        !member
            .process
            .is_some_and(crate::process::ProcessId::is_alive)
    }) {
        eprintln!("{kind} {name}: its processes are gone; starting anew");
        part.end()?;
        return Ok(false);
    }
    if part.settings != settings {
        bail!(
            "{kind} {name} is running with other options ({}); end it first: {kind} down --name {name}",
            part.settings
        );
    }
    part.check_running()?;
    eprintln!("{kind} {name} is running already");
    print_lines(part);
    Ok(true)
}

/// Marks a part as up (it stays until `down`) and prints its lines.
pub(crate) fn leave_running(mut part: Part) -> Result<()> {
    part.owner = None;
    part.save()?;
    print_lines(&part);
    Ok(())
}

fn print_lines(part: &Part) {
    for line in &part.lines {
        println!("{line}");
    }
}

/// Ends a part and removes its data.
pub(crate) fn down(kind: &str, name: &str) -> Result<()> {
    let Some(part) = Part::load(kind, name)? else {
        eprintln!("{kind} {name} is not running");
        return Ok(());
    };
    if let Some(owner) = part.owner {
        bail!(
            "{kind} {name} belongs to the running xtask {}: it ends with that",
            owner.pid
        );
    }
    part.end()?;
    eprintln!("{kind} {name} ended, its data removed");
    Ok(())
}

/// Prints what runs. An error when a named part does not.
pub(crate) fn status(kind: &str, name: Option<&str>) -> Result<()> {
    let wanted = |part: &Part| part.kind == kind && name.is_none_or(|name| name == part.name);
    let found: Vec<Part> = Part::all()?.into_iter().filter(wanted).collect();
    for part in &found {
        println!("{kind} {}  data {}", part.name, part.dir.display());
        part.lines.iter().for_each(|line| println!("  {line}"));
        part.describe().iter().for_each(|line| println!("{line}"));
        part.check_running()?;
    }
    match name {
        Some(name) if found.is_empty() => bail!("{kind} {name} is not running"),
        None if found.is_empty() => eprintln!("no {kind} is running"),
        _ => {}
    }
    Ok(())
}
