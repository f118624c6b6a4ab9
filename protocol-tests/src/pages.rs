//! Pages of docs/ as tests: what a page prints to be typed is typed, and what it prints as the answer has to come.
//!
//! ````text
//! ```properties   the proxy's settings        ```sh   one command, with http://127.0.0.1:8082 and the page's topic
//! ```text         what the command before it prints; `…` stands for anything
//! ````

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// What a page says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Settings of the proxy.
    pub properties: Vec<(String, String)>,
    /// Commands and what they print.
    pub steps: Vec<Step>,
}

/// A command and what it prints, if the page says.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// As it is typed.
    pub command: String,
    /// What comes; `…` stands for anything.
    pub printed: Option<String>,
}

impl Page {
    /// Reads `docs/<name>`.
    ///
    /// # Errors
    /// There is no such page, or nothing to type in it.
    pub fn open(name: &str) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../docs")
            .join(name);
        let text = std::fs::read_to_string(&path).with_context(|| format!("docs/{name}"))?;
        let page = Self::parse(&text);
        ensure!(!page.steps.is_empty(), "docs/{name} has no commands");
        Ok(page)
    }

    fn parse(text: &str) -> Self {
        let (mut page, mut open) = (Self::default(), None);
        for line in text.lines() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(kind)) => open = Some((kind.to_owned(), String::new())),
                (Some((_, body)), None) => {
                    body.push_str(line);
                    body.push('\n');
                }
                (Some(_), Some(_)) => {
                    if let Some((kind, body)) = open.take() {
                        page.block(&kind, body);
                    }
                }
                (None, None) => {}
            }
        }
        page
    }

    fn block(&mut self, kind: &str, body: String) {
        match (kind, self.steps.last_mut()) {
            ("properties", _) => {
                let pairs = body.lines().filter_map(|line| line.split_once('='));
                let pairs = pairs.map(|(key, value)| (key.trim().into(), value.trim().into()));
                self.properties.extend(pairs);
            }
            ("sh", _) => self.steps.push(Step {
                command: body,
                printed: None,
            }),
            ("text", Some(step)) if step.printed.is_none() => step.printed = Some(body),
            _ => {}
        }
    }

    /// Types every command, against this proxy, with another topic instead of the page's, and compares.
    ///
    /// # Errors
    /// A command fails, or prints something else; the message shows both.
    pub fn run(&self, base: &str, (word, topic): (&str, &str)) -> Result<()> {
        let put = |text: &str| {
            text.replace("http://127.0.0.1:8082", base)
                .replace(word, topic)
        };
        for step in &self.steps {
            let command = put(&step.command);
            if !can_be_typed(&command) {
                eprintln!("left out, because this machine lacks a program for it: {command}");
                continue;
            }
            let printed = shell(&command)?;
            if let Some(expected) = step.printed.as_deref().map(put)
                && !fits(expected.trim(), printed.trim())
            {
                bail!("{command}\nprinted\n{printed}\ninstead of\n{expected}");
            }
        }
        Ok(())
    }
}

/// Whether the machine has what a command wants beyond curl itself: tests have to pass without.
fn can_be_typed(command: &str) -> bool {
    let says = |program: &str, word: &str| {
        let asked = Command::new(program).arg("--version").output();
        asked.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(word))
    };
    let zstd = !command.contains("| zstd ") || says("zstd", "");
    let http2 = !command.contains("--http2") || says("curl", "HTTP2");
    zstd && http2
}

/// A stream that `--max-time` ends is curl's 28, which is what the page means by it.
const CURL_TIME_OVER: i32 = 28;

fn shell(command: &str) -> Result<String> {
    let mut shell = Command::new("bash");
    shell.args(["-c", command]).stdin(Stdio::null());
    let output = tokio::task::block_in_place(|| shell.output()).context("bash")?;
    let printed = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let errors = String::from_utf8_lossy(&output.stderr);
    let ended = output.status.success()
        || (command.contains("--max-time") && output.status.code() == Some(CURL_TIME_OVER));
    ensure!(
        ended,
        "{command}\nended with {}: {printed}{errors}",
        output.status
    );
    Ok(printed)
}

/// Whether `text` is `pattern`, in which `…` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
        last = Some(piece);
    }
    match last {
        None => rest.is_empty(),
        Some(piece) => piece.is_empty() || text.ends_with(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let page = Page::parse("a\n```properties\nx=1\n```\n```sh\ncurl a\n```\n```text\nb\n```\n");
        assert_eq!(page.properties, [("x".to_owned(), "1".to_owned())]);
        let step = Step {
            command: "curl a\n".into(),
            printed: Some("b\n".into()),
        };
        assert_eq!(page.steps, [step]);
    }

    #[test]
    fn dots_stand_for_anything() {
        for (pattern, text, expected) in [
            ("ab", "ab", true),
            ("ab", "abc", false),
            ("a…c", "abbbc", true),
            ("a…c", "abbb", false),
            ("a…", "a", true),
            ("…b…c", "xbybzc", true),
            ("a…c", "acd", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
