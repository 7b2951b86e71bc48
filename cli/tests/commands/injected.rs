//! Faults that are injected into whatever writes: a disk that is full at some byte, and death at some byte. Nothing that was acknowledged is
//! lost, nothing is left that cannot be read, and doing it again ends as it would have ended.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rand::RngExt;
use tapeout::core::Seed;

use crate::scratch::{Done, Scratch};

/// Faults of either kind for each writer. Ours: a second or two of one core; a hundred of each were looked at by hand.
const FAULTS: u64 = 2;

/// Something that writes.
struct Writer {
    name: &'static str,
    /// What it needs, made without faults.
    before: &'static [&'static str],
    /// What is done, again and again until it succeeds: one that goes on, or begins anew.
    command: &'static str,
    /// The same where it has begun in the folder `run`.
    goes_on: Option<&'static str>,
    /// Files whose bytes must be whole: those of before, or those of after.
    whole: &'static [&'static str],
    /// Says, from what was written, what must not depend on faults.
    told: &'static str,
}

/// Every command that writes, but those whose files are made anew from others that are here.
const WRITERS: [Writer; 9] = [
    Writer {
        name: "search",
        before: &[],
        command: "search --env recorded-kernel --agent random --trials 60 --batch 4 --threads 1 --quiet --out run",
        goes_on: Some("resume run --threads 1 --quiet"),
        whole: &["run/spec.toml"],
        told: "replay run",
    },
    Writer {
        name: "compress",
        before: &["search --env recorded-kernel --agent random --trials 60 --batch 4 --quiet --out run"],
        command: "compress run",
        goes_on: None,
        whole: &[],
        told: "replay run",
    },
    Writer {
        name: "unpacking",
        before: &[
            "search --env recorded-kernel --agent random --trials 60 --batch 4 --quiet --out run",
            "compress run",
        ],
        command: "resume run --trials 70 --quiet",
        goes_on: None,
        whole: &[],
        told: "replay run",
    },
    Writer {
        name: "dataset generate",
        before: &[],
        command: "dataset generate recorded-kernel --designs 60 --threads 1 --quiet --out set",
        goes_on: None,
        whole: &[],
        told: "dataset info set --json",
    },
    Writer {
        name: "measure",
        before: &[],
        command: "measure --rehearse --types f16-u8 --designs 8 --quiet --out table.jsonl",
        goes_on: None,
        whole: &[],
        told: "search --env gpu-gemm-recorded --set env.path=table.jsonl --agent grid --trials 8 --quiet --json --out of-table",
    },
    Writer {
        name: "fit",
        before: &[
            "dataset generate recorded-kernel --designs 60 --quiet --out set",
            "fit set --learner k-nearest --out model",
        ],
        command: "fit set --learner random-forest --out model",
        goes_on: None,
        whole: &["model"],
        told: "describe k-nearest",
    },
    Writer {
        name: "compare",
        before: &[],
        command: "compare --env recorded-kernel --agents random,ga --seeds 1 --trials 20 --threads 1 --quiet --out both",
        goes_on: None,
        whole: &[],
        told: "replay both/recorded-kernel/ga/0",
    },
    Writer {
        name: "plot",
        before: &[
            "search --env recorded-kernel --agent random --trials 30 --quiet --out run",
            "plot run --out picture",
            "resume run --trials 60 --quiet",
        ],
        command: "plot run --out picture",
        goes_on: None,
        whole: &["picture.svg", "picture.png"],
        told: "replay run",
    },
    Writer {
        name: "export",
        before: &[
            "search --env recorded-kernel --agent random --trials 60 --quiet --out run",
            "export run --best 20 --out best.json",
        ],
        command: "export run --best 60 --out best.json",
        goes_on: None,
        whole: &["best.json"],
        told: "replay run",
    },
];

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// All bytes of files below, by which it is seen how far a writer is.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => size(&entry.path()),
        about => about.map_or(0, |about| about.len()),
    });
    sizes.sum()
}

impl Writer {
    fn begin(&self) -> Scratch {
        let here = Scratch::new();
        self.before.iter().for_each(|line| drop(here.data(&words(line))));
        here
    }

    /// The command that does it, or goes on with what was begun.
    fn next(&self, here: &Scratch) -> &'static str {
        self.goes_on.filter(|_| here.path("run/spec.toml").exists()).unwrap_or(self.command)
    }

    /// Without a fault: what must not depend on any, and how much is written.
    fn unbroken(&self) -> (String, u64, Vec<Vec<u8>>) {
        let here = self.begin();
        let before = size(&here.path("."));
        here.data(&words(self.command));
        let written = size(&here.path(".")).saturating_sub(before).max(1);
        (here.data(&words(self.told)), written, self.bytes(&here))
    }

    fn bytes(&self, here: &Scratch) -> Vec<Vec<u8>> {
        self.whole.iter().map(|name| std::fs::read(here.path(name)).unwrap_or_default()).collect()
    }

    /// What must hold behind a fault, and when all is done again.
    fn check(&self, here: &Scratch, fault: &str, before: &[Vec<u8>], unbroken: &(String, u64, Vec<Vec<u8>>)) {
        let name = self.name;
        for (file, (now, (before, after))) in
            self.whole.iter().zip(self.bytes(here).iter().zip(before.iter().zip(&unbroken.2)))
        {
            assert!(
                now == before || now == after,
                "{name}, {fault}: {file} is neither as before nor as after"
            );
        }
        here.data(&words(self.next(here)));
        assert_eq!(here.data(&words(self.told)), unbroken.0, "{name}, {fault}");
    }
}

/// Lines of the log in `run` that are whole, but for their timings.
fn acknowledged(here: &Scratch) -> Vec<String> {
    let text = std::fs::read_to_string(here.path("run/trials.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| line.split(",\"timing\"").next().unwrap_or_default().to_owned()).collect()
}

/// A disk that is full at some byte: a limit on the size of files, whose signal is ignored, fails writes so. Source: POSIX.1-2024, `ulimit -f`,
/// in blocks of 512 bytes, and `write()`, error EFBIG.
#[test]
fn a_disk_that_is_full_at_any_byte_loses_nothing_of_any_writer() {
    for writer in &WRITERS {
        let unbroken = writer.unbroken();
        let mut rng = Seed::new(0).stream(writer.name);
        for fault in 0..FAULTS {
            let here = writer.begin();
            let before = writer.bytes(&here);
            let logged = acknowledged(&here);
            let blocks = if fault == 0 { 0 } else { rng.random_range(0..=unbroken.1 / 512) };
            let script = format!("ulimit -f {blocks} && trap '' XFSZ && exec \"$0\" {}", writer.next(&here));
            let mut shell = Command::new("sh");
            let shell = shell.args(["-c", &script]).arg(assert_cmd::cargo::cargo_bin!("tapeout"));
            let done = Done::of(&shell.current_dir(here.path(".")).output().unwrap());
            let fault = format!("full at {blocks} blocks");
            assert!(
                matches!(done.exit, Some(0..=2)),
                "{}, {fault}: {:?} {}",
                writer.name,
                done.exit,
                done.notes
            );
            assert!(!done.notes.contains("panicked"), "{}, {fault}: {}", writer.name, done.notes);
            let behind = acknowledged(&here);
            assert!(
                behind.starts_with(&logged) || here.path("run/trials.jsonl.gz").exists(),
                "{}",
                writer.name
            );
            writer.check(&here, &fault, &before, &unbroken);
            assert!(
                acknowledged(&here).starts_with(&behind) || here.path("run/trials.jsonl.gz").exists(),
                "{}",
                writer.name
            );
        }
    }
}

/// Death by SIGKILL when so many bytes are there.
#[test]
fn death_at_any_byte_loses_nothing_of_any_writer() {
    for writer in &WRITERS {
        let unbroken = writer.unbroken();
        let mut rng = Seed::new(1).stream(writer.name);
        for _ in 0..FAULTS {
            let here = writer.begin();
            let (before, there) = (writer.bytes(&here), size(&here.path(".")));
            let logged = acknowledged(&here);
            let end = there + rng.random_range(0..unbroken.1);
            let mut child = here.command();
            let child = child.args(words(writer.next(&here))).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = child.spawn().unwrap();
            while size(&here.path(".")) < end && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_micros(200));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let behind = acknowledged(&here);
            assert!(
                behind.starts_with(&logged) || here.path("run/trials.jsonl.gz").exists(),
                "{}",
                writer.name
            );
            writer.check(&here, &format!("killed at {end} bytes"), &before, &unbroken);
            assert!(
                acknowledged(&here).starts_with(&behind) || here.path("run/trials.jsonl.gz").exists(),
                "{}",
                writer.name
            );
        }
    }
}

/// Two processes at one log: one goes on, the other is told so, whatever of packing, unpacking and adding they do.
#[test]
fn two_writers_at_once_do_not_lose_a_trial() {
    let here = Scratch::new();
    here.data(&words("search --env recorded-kernel --agent random --trials 40 --batch 4 --quiet --out run"));
    let logged = acknowledged(&here);
    let (mut spawned, commands) = (
        Vec::new(),
        ["compress run", "resume run --trials 60 --quiet", "compress run", "resume run --trials 80 --quiet"],
    );
    for command in commands {
        let mut child = here.command();
        let child = child.args(words(command)).stdout(Stdio::null()).stderr(Stdio::piped());
        spawned.push(child.spawn().unwrap());
    }
    for child in spawned {
        let done = Done::of(&child.wait_with_output().unwrap());
        assert!(matches!(done.exit, Some(0..=2)) && !done.notes.contains("panicked"), "{}", done.notes);
    }
    here.data(&words("resume run --trials 80 --quiet"));
    assert!(here.data(&["replay", "run"]).starts_with("80 trials replayed"));
    assert!(acknowledged(&here).starts_with(&logged));
}
