//! Files of other people, as they are and changed at random: whatever is in them, reading ends without a panic.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use rand::{Rng, RngExt};
use tapeout::core::Seed;

#[path = "../../../fuzz/src/parsers.rs"]
#[allow(clippy::duplicate_mod)]
mod parsers;

/// Changed files for each that is there. Ours: with all parsers a few seconds of one core.
const MUTATIONS: usize = 60;

/// What has broken readers before, here and elsewhere: ends of the ranges of numbers, what is none, what is empty, what does not end.
const TOKENS: [&str; 24] = [
    "0",
    "-1",
    "1e999",
    "-0.0",
    "NaN",
    "inf",
    "1e-320",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "1e18",
    "\"\"",
    "[]",
    "{}",
    "null",
    "true",
    "\u{feff}",
    "\u{0}",
    "\n",
    "[[",
    "{{",
    "{%",
    "<<: *a",
    "é",
];

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// `bytes` after one to four changes.
fn mutated(bytes: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(1..=16)).min(bytes.len());
        match rng.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] = rng.random_range(0..=255),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                let place = rng.random_range(0..=bytes.len());
                bytes.splice(place..place, part);
            }
            4 => bytes.truncate(at),
            5 => {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                bytes.splice(at..at, token.bytes());
            }
            // A token in the place of a number or word, which is where it is read.
            _ => {
                let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
                let start = bytes[..at].iter().rposition(|byte| !is_inside(byte)).map_or(0, |at| at + 1);
                let length = bytes[start..].iter().position(|byte| !is_inside(byte));
                let end = length.map_or(bytes.len(), |length| start + length);
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                bytes.splice(start..end, token.bytes());
            }
        }
    }
    bytes
}

#[test]
fn no_file_of_other_people_ends_a_reader() {
    for (name, parser) in parsers::PARSERS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name}: no file to begin with");
        let mut rng = Seed::new(0).stream(name);
        for file in files {
            let bytes = fs::read(&file).unwrap();
            let changed = (0..MUTATIONS).map(|_| mutated(&bytes, &mut rng));
            for bytes in [bytes.clone()].into_iter().chain(changed) {
                if catch_unwind(|| parser(&bytes)).is_err() {
                    panic!(
                        "{name} ends by {:?}, made from {}",
                        String::from_utf8_lossy(&bytes),
                        file.display()
                    );
                }
            }
        }
    }
}

/// Claim: `cargo fuzz` has a target for each of them.
#[test]
fn every_parser_has_its_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in parsers::PARSERS {
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("tapeout_fuzz::{name}(bytes)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    assert_eq!(fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count(), parsers::PARSERS.len());
}
