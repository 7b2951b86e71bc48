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

/// Faults of either kind for each writer. Ours: a few seconds of one core with all of them.
const FAULTS: u64 = 1;

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

/// Commands that write: logs, packed logs, data sets, models, pictures and tables.
const WRITERS: [Writer; 7] = [
    Writer {
        name: "search",
        before: &[],
        command: "search --env task-schedule --agent random --trials 24 --batch 4 --threads 1 --quiet --out run",
        goes_on: Some("resume run --threads 1 --quiet"),
        whole: &["run/spec.toml"],
        told: "replay run",
    },
    Writer {
        name: "compress",
        before: &["search --env task-schedule --agent random --trials 24 --batch 4 --quiet --out run"],
        command: "compress run",
        goes_on: None,
        whole: &[],
        told: "replay run",
    },
    Writer {
        name: "unpacking",
        before: &[
            "search --env task-schedule --agent random --trials 24 --batch 4 --quiet --out run",
            "compress run",
        ],
        command: "resume run --trials 30 --quiet",
        goes_on: None,
        whole: &[],
        told: "replay run",
    },
    Writer {
        name: "dataset generate",
        before: &[],
        command: "dataset generate task-schedule --designs 24 --threads 1 --quiet --out set",
        goes_on: None,
        whole: &[],
        told: "dataset info set --json",
    },
    Writer {
        name: "fit",
        before: &[
            "dataset generate task-schedule --designs 24 --quiet --out set",
            "fit set --learner k-nearest --out model",
        ],
        command: "fit set --learner random-forest --out model",
        goes_on: None,
        whole: &["model"],
        told: "dataset info set --json",
    },
    Writer {
        name: "plot",
        before: &[
            "search --env task-schedule --agent random --trials 12 --quiet --out run",
            "plot run --out picture",
            "resume run --trials 24 --quiet",
        ],
        command: "plot run --out picture",
        goes_on: None,
        whole: &["picture.svg", "picture.png"],
        told: "replay run",
    },
    Writer {
        name: "export",
        before: &[
            "search --env task-schedule --agent random --trials 24 --quiet --out run",
            "export run --best 5 --out best.json",
        ],
        command: "export run --best 20 --out best.json",
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

/// What a writer does without a fault.
struct Unbroken {
    /// Where it begins.
    begun: Scratch,
    /// The bytes that must be whole, before and after.
    before: Vec<Vec<u8>>,
    after: Vec<Vec<u8>>,
    /// The lines of the log where it begins.
    logged: Vec<String>,
    /// What must not depend on faults.
    told: String,
    /// How many bytes there are before, and how many it writes, at least 1.
    there: u64,
    written: u64,
}

impl Writer {
    fn unbroken(&self) -> Unbroken {
        let begun = Scratch::new();
        self.before.iter().for_each(|line| drop(begun.data(&words(line))));
        let here = copied(&begun);
        here.data(&words(self.command));
        let there = size(&begun.path("."));
        let written = size(&here.path(".")).saturating_sub(there).max(1);
        Unbroken {
            before: self.bytes(&begun),
            after: self.bytes(&here),
            logged: acknowledged(&begun),
            told: here.data(&words(self.told)),
            there,
            written,
            begun,
        }
    }

    /// The command that does it, or goes on with what was begun.
    fn next(&self, here: &Scratch) -> &'static str {
        self.goes_on.filter(|_| here.path("run/spec.toml").exists()).unwrap_or(self.command)
    }

    fn bytes(&self, here: &Scratch) -> Vec<Vec<u8>> {
        self.whole.iter().map(|name| std::fs::read(here.path(name)).unwrap_or_default()).collect()
    }

    /// What must hold behind a fault, and when all is done again.
    fn check(&self, here: &Scratch, fault: &str, unbroken: &Unbroken) {
        let name = self.name;
        for (index, now) in self.bytes(here).iter().enumerate() {
            assert!(
                *now == unbroken.before[index] || *now == unbroken.after[index],
                "{name}, {fault}: {} is neither as before nor as after",
                self.whole[index]
            );
        }
        assert_kept(here, &unbroken.logged, &format!("{name}, {fault}"));
        let behind = acknowledged(here);
        here.data(&words(self.next(here)));
        assert_kept(here, &behind, &format!("{name}, {fault}, done again"));
        assert!(self.bytes(here) == unbroken.after, "{name}, {fault}: done again, it is something else");
        assert_eq!(here.data(&words(self.told)), unbroken.told, "{name}, {fault}");
    }

    /// A disk that is full at some byte: a limit on the size of files, whose signal is ignored, fails writes so. Source: POSIX.1-2024,
    /// `ulimit -f`, in blocks of 512 bytes, and `write()`, error EFBIG.
    fn meets_a_full_disk(&self, blocks: u64, unbroken: &Unbroken) {
        let here = copied(&unbroken.begun);
        let script = format!("ulimit -f {blocks} && trap '' XFSZ && exec \"$0\" {}", self.next(&here));
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", &script]).arg(assert_cmd::cargo::cargo_bin!("tapeout"));
        let done = Done::of(&shell.current_dir(here.path(".")).output().expect("a shell"));
        let fault = format!("full at {blocks} blocks");
        let ends = matches!(done.exit, Some(0..=2)) && !done.notes.contains("panicked");
        assert!(ends, "{}, {fault}: {:?} {}", self.name, done.exit, done.notes);
        self.check(&here, &fault, unbroken);
    }

    /// Death by SIGKILL when so many bytes are written.
    fn is_killed(&self, bytes: u64, unbroken: &Unbroken) {
        let here = copied(&unbroken.begun);
        let mut child = here.command();
        let child = child.args(words(self.next(&here))).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().expect("the program starts");
        while size(&here.path(".")) < unbroken.there + bytes && child.try_wait().expect("a child").is_none() {
            sleep(Duration::from_millis(1));
        }
        child.kill().expect("a child");
        child.wait().expect("a child");
        self.check(&here, &format!("killed at {bytes} bytes"), unbroken);
    }

    fn meets_faults(&self) {
        let unbroken = self.unbroken();
        let mut rng = Seed::new(0).stream(self.name);
        for _ in 0..FAULTS {
            self.meets_a_full_disk(rng.random_range(0..=unbroken.written / 512), &unbroken);
            self.is_killed(rng.random_range(0..unbroken.written), &unbroken);
        }
    }
}

/// A folder of its own with the same files.
fn copied(begun: &Scratch) -> Scratch {
    let here = Scratch::new();
    copy(&begun.path("."), &here.path("."));
    here
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let place = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir(&place).expect("a folder");
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), &place).expect("a file");
        }
    }
}

/// Lines of the log in `run` that are whole, but for their timings.
fn acknowledged(here: &Scratch) -> Vec<String> {
    let text = std::fs::read_to_string(here.path("run/trials.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| line.split(",\"timing\"").next().unwrap_or_default().to_owned()).collect()
}

/// `lines` begin the log, or the log is packed: then a replay says whether it is whole.
fn assert_kept(here: &Scratch, lines: &[String], fault: &str) {
    let is_packed = here.path("run/trials.jsonl.gz").exists();
    assert!(is_packed || acknowledged(here).starts_with(lines), "{fault}: trials are lost");
}

#[test]
fn no_writer_loses_anything_to_a_full_disk_or_to_death() {
    WRITERS.iter().for_each(Writer::meets_faults);
}

/// Two processes at one log: one goes on, the other is told so, whatever of packing, unpacking and adding they do.
#[test]
fn two_writers_at_once_do_not_lose_a_trial() {
    let here = Scratch::new();
    here.data(&words("search --env task-schedule --agent random --trials 24 --batch 4 --quiet --out run"));
    let logged = acknowledged(&here);
    let commands =
        ["compress run", "resume run --trials 30 --quiet", "compress run", "resume run --trials 36 --quiet"];
    let mut spawned = Vec::new();
    for command in commands {
        let mut child = here.command();
        let child = child.args(words(command)).stdout(Stdio::null()).stderr(Stdio::piped());
        spawned.push(child.spawn().unwrap());
    }
    for child in spawned {
        let done = Done::of(&child.wait_with_output().unwrap());
        assert!(matches!(done.exit, Some(0..=2)) && !done.notes.contains("panicked"), "{}", done.notes);
    }
    here.data(&words("resume run --trials 36 --quiet"));
    assert!(here.data(&["replay", "run"]).starts_with("36 trials replayed"));
    assert_kept(&here, &logged, "two at once");
}
