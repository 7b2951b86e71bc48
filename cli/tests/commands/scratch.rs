//! The program under test, run in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder that goes away with the test.
pub struct Scratch(TempDir);

/// What a command did.
pub struct Done {
    /// The exit code; none if a signal ended it.
    pub exit: Option<i32>,
    /// The standard output.
    pub data: String,
    /// The standard error.
    pub notes: String,
}

impl Scratch {
    /// An empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Reads a file in it.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program, at work in it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tapeout"));
        command.current_dir(self.0.path());
        command
    }

    /// Runs the program with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(&self.command().args(arguments).output().expect("the program starts"))
    }

    /// Runs the program and returns its data; it must succeed. Data that are asked for as JSON say the version of their form.
    pub fn data(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.exit, Some(0), "{arguments:?}: {}", done.notes);
        if arguments.contains(&"--json") {
            let answer: Value = serde_json::from_str(&done.data).expect("an answer in JSON is JSON");
            assert_eq!(answer["schema"], 1, "{arguments:?}: {}", done.data);
        }
        done.data
    }

    /// Runs the program, which must fail with this exit code and no data, and returns what it says: of an error in JSON the same as of one
    /// in words.
    pub fn complaint(&self, exit: i32, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!((done.exit, done.data.as_str()), (Some(exit), ""), "{arguments:?}: {}", done.notes);
        if !arguments.contains(&"--json") {
            assert!(done.notes.starts_with("error: "), "{}", done.notes);
            return done.notes;
        }
        let found: Value = serde_json::from_str(&done.notes).expect("an error of a call for JSON is JSON");
        let error = &found["error"];
        assert_eq!(error["exit"], exit, "{found}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let causes: Vec<String> = error["causes"].as_array().into_iter().flatten().map(text).collect();
        format!("error: {}\n{}\nhint: {}\n", text(&error["message"]), causes.join("\n"), text(&error["hint"]))
    }

    /// Makes a run of 40 trials in `name`, and returns its log.
    pub fn search(&self, name: &str) -> String {
        self.data(&["search", "--trials", "40", "--batch", "8", "--out", name]);
        self.read(&format!("{name}/trials.jsonl"))
    }
}

impl Done {
    /// From the output of a command.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8");
        Self { exit: output.status.code(), data: text(&output.stdout), notes: text(&output.stderr) }
    }
}

/// Whether `path` begins as a PNG file does. Source: PNG Specification (Third Edition), section 5.2.
pub fn is_png(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n"))
}
