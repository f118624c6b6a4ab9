//! The fuzz targets on their seeds, on mutations of them, and on JSON that is made up: bounded here,
//! `SLUICEWAY_FUZZ_SECONDS` of mutations a target when that is set. The same from run to run.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sluiceway_proxy::fuzzing::{TARGETS, envelope};

/// Mutations of each target without a time.
const MUTATIONS: usize = 4000;
/// Longest input.
const MAX_BYTES: usize = 4096;

/// Numbers that look random and are the same in every run (xorshift).
struct Draw(u64);

impl Draw {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % limit.max(1) as u64).unwrap()
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    let files = std::fs::read_dir(folder.join(target)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// Pieces that matter to one of the targets.
const WORDS: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"1e400",
    b"-0",
    b"\0",
    b"\xff",
    b"\xe9",
    b"%",
    b"%2",
    b"=",
    b";q=",
    b"*/*",
    b"\r\n",
    b"\"records\":",
    b"999999999999999999999",
];

/// One input bent in a few places, or two of them joined.
fn mutate(draw: &mut Draw, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = inputs[draw.below(inputs.len())].clone();
    for _ in 0..=draw.below(6) {
        let at = draw.below(bytes.len() + 1);
        match draw.below(7) {
            0 if at < bytes.len() => bytes[at] = draw.number().to_le_bytes()[0],
            1 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
            2 => drop(bytes.drain(at..(at + draw.below(9)).min(bytes.len()))),
            3 => {
                let piece = bytes[at..(at + draw.below(40)).min(bytes.len())].to_vec();
                let to = draw.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => {
                let other = &inputs[draw.below(inputs.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[draw.below(other.len() + 1)..]);
            }
            5 => {
                let word = WORDS[draw.below(WORDS.len())];
                let many = word.repeat(1 + draw.below(3) * draw.below(40));
                bytes.splice(at..at, many);
            }
            _ => {
                let word = WORDS[draw.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
        bytes.truncate(MAX_BYTES);
    }
    bytes
}

/// Names of the files in a folder of `fuzz/`, without what follows a dot.
fn names(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz")
        .join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.map(|file| stem(&file.unwrap().path())).collect()
}

#[test]
fn every_target_has_a_program_and_seeds() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("seeds"), targets);
    for target in &targets {
        assert!(!seeds(target).is_empty(), "{target} has no seeds");
        let program = format!("../fuzz/fuzz_targets/{target}.rs");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(program);
        let text = std::fs::read_to_string(program).unwrap();
        assert!(text.contains(&format!("fuzzing::{target}")), "{text}");
    }
}

#[test]
fn what_must_hold_holds_for_seeds_and_their_mutations() {
    let seconds = std::env::var("SLUICEWAY_FUZZ_SECONDS");
    let time = seconds
        .ok()
        .map(|text| Duration::from_secs(text.parse().unwrap()));
    for (name, target) in TARGETS {
        let mut inputs = seeds(name);
        inputs.iter().for_each(|input| target(input));
        let (mut draw, started, mut count) = (Draw(0x9e37_79b9_7f4a_7c15), Instant::now(), 0);
        while time.map_or(count < MUTATIONS, |time| started.elapsed() < time) {
            let input = mutate(&mut draw, &inputs);
            let shown = String::from_utf8_lossy(&input).into_owned();
            let held = std::panic::catch_unwind(|| target(&input));
            assert!(held.is_ok(), "{name} does not hold for {shown:?}");
            // Some live on, so that later ones are further away.
            if draw.below(50) == 0 {
                let at = draw.below(inputs.len() + 1);
                if at < inputs.len() && inputs.len() > 64 {
                    inputs[at] = input;
                } else {
                    inputs.push(input);
                }
            }
            count += 1;
        }
        println!("{name}: {count} inputs in {:?}", started.elapsed());
    }
}

fn random_value(draw: &mut Draw, depth: usize) -> Value {
    match draw.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(draw.below(2) == 0),
        2 => json!(draw.number()),
        3 => json!(i64::from_ne_bytes(draw.number().to_ne_bytes())),
        4 => json!(f64::from_bits(draw.number())),
        5 => Value::String(random_text(draw)),
        6 => (0..draw.below(5))
            .map(|_| random_value(draw, depth - 1))
            .collect(),
        _ => {
            let member = |draw: &mut Draw| (random_text(draw), random_value(draw, depth - 1));
            Value::Object((0..draw.below(5)).map(|_| member(draw)).collect())
        }
    }
}

fn random_text(draw: &mut Draw) -> String {
    let character = |draw: &mut Draw| match draw.below(4) {
        0 => char::from(draw.number().to_le_bytes()[0] & 0x7f),
        1 => char::from_u32(u32::try_from(draw.below(0x11_0000)).unwrap()).unwrap_or('é'),
        _ => char::from(b'a' + u8::try_from(draw.below(26)).unwrap()),
    };
    (0..draw.below(12)).map(|_| character(draw)).collect()
}

/// The same JSON with blanks and escapes as other writers set them.
fn respell(draw: &mut Draw, text: &str) -> String {
    let (mut out, mut quoted, mut escaped, mut digits) = (String::new(), false, false, 0_u8);
    for character in text.chars() {
        if !quoted && b",:{}[]".contains(&u8::try_from(character).unwrap_or(0)) {
            out.push_str(["", " ", "\n\t", "\r"][draw.below(4)]);
        }
        let plain = quoted && !escaped && digits == 0 && !matches!(character, '"' | '\\');
        if plain && draw.below(8) == 0 {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04X}"));
            }
        } else {
            out.push(character);
        }
        // The digits behind `\u` stay.
        digits = if escaped && character == 'u' {
            4
        } else {
            digits.saturating_sub(1)
        };
        match character {
            '"' if !escaped => quoted = !quoted,
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
        escaped &= character == '\\';
    }
    out
}

#[test]
fn made_up_envelopes_are_read_as_serde_json_reads_them() {
    let mut draw = Draw(42);
    for _ in 0..3000 {
        let record = |draw: &mut Draw| {
            let mut record = Map::new();
            for name in ["key", "value"] {
                if draw.below(5) > 0 {
                    record.insert(name.to_owned(), random_value(draw, 4));
                }
            }
            Value::Object(record)
        };
        let records: Vec<Value> = (0..=draw.below(4)).map(|_| record(&mut draw)).collect();
        let text = json!({ "records": records }).to_string();
        let text = respell(&mut draw, &text);
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
        // Fails when it is refused, or read otherwise.
        envelope(text.as_bytes());
    }
}
