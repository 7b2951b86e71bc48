//! The order of the crates, and invariants that no lint can see.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Who may import whom, tests and benches included: every crate of the workspace, with the crates of ours it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("tapeout-core", &[]),
    ("tapeout-input", &[]),
    ("tapeout-process", &[]),
    ("tapeout-simulators", &["tapeout-core", "tapeout-input"]),
    ("tapeout-gpu", &["tapeout-core", "tapeout-input", "tapeout-simulators"]),
    (
        "tapeout-envs",
        &["tapeout-core", "tapeout-input", "tapeout-process", "tapeout-simulators", "tapeout-gpu"],
    ),
    ("tapeout-surrogates", &["tapeout-core"]),
    ("tapeout-agents", &["tapeout-core", "tapeout-process", "tapeout-surrogates"]),
    ("tapeout-experiment", &["tapeout-core", "tapeout-input"]),
    ("tapeout-report", &["tapeout-core", "tapeout-experiment", "tapeout-surrogates"]),
    (
        "tapeout",
        &[
            "tapeout-core",
            "tapeout-input",
            "tapeout-simulators",
            "tapeout-gpu",
            "tapeout-envs",
            "tapeout-surrogates",
            "tapeout-agents",
            "tapeout-experiment",
            "tapeout-report",
        ],
    ),
    ("tapeout-cli", &["tapeout"]),
    ("tapeout-python", &["tapeout", "tapeout-cli"]),
    ("external-agent", &["tapeout", "tapeout-cli"]),
    ("dram-study", &["tapeout"]),
    ("offline-study", &["tapeout"]),
    ("prime-study", &["tapeout"]),
    (
        "tapeout-benches",
        &[
            "tapeout",
            "tapeout-core",
            "tapeout-simulators",
            "tapeout-gpu",
            "tapeout-envs",
            "tapeout-surrogates",
            "tapeout-agents",
            "prime-study",
        ],
    ),
];

/// Public names of types that stand more than once, and for what.
const SHARED_NAMES: &[(&str, &str)] =
    &[("Objective", "of a problem; of the mapper, which weighs mappings and knows no problems")];

/// A crate of the workspace.
struct Member {
    name: String,
    folder: PathBuf,
    /// The crates of ours it depends on, its tests and benches too.
    imports: Vec<String>,
}

fn members() -> Vec<Member> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    packages.iter().map(member).collect()
}

fn member(package: &Value) -> Member {
    let text = |value: &Value| value.as_str().expect("cargo gives a text").to_owned();
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let dependencies = package["dependencies"].as_array().expect("dependencies are a list");
    let is_ours = |dependency: &&Value| !dependency["path"].is_null();
    Member {
        name: text(&package["name"]),
        folder: manifest.parent().expect("a manifest lies in a folder").to_owned(),
        imports: dependencies.iter().filter(is_ours).map(|dependency| text(&dependency["name"])).collect(),
    }
}

/// The arrows that `members` have and `ARROWS` does not allow.
fn wrong_arrows(members: &[Member]) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for member in members {
        let Some(allowed) = allowed.get(member.name.as_str()) else {
            wrong.push(format!("`{}` is not in the table of arrows", member.name));
            continue;
        };
        let others = member.imports.iter().filter(|import| !allowed.contains(&import.as_str()));
        wrong.extend(others.map(|import| format!("`{}` may not depend on `{import}`", member.name)));
    }
    wrong
}

#[test]
fn crates_depend_on_each_other_in_one_order_only() {
    let members = members();
    assert_eq!(wrong_arrows(&members), Vec::<String>::new());
    assert_eq!(members.len(), ARROWS.len(), "every crate of the table is in the workspace");
}

#[test]
fn a_wrong_arrow_and_an_unknown_crate_are_noticed() {
    let member = |name: &str, import: &str| Member {
        name: name.to_owned(),
        folder: PathBuf::new(),
        imports: vec![import.to_owned()],
    };
    let members = [
        member("tapeout-agents", "tapeout-envs"),
        member("tapeout-cli", "tapeout"),
        member("tapeout-tools", "tapeout"),
    ];
    assert_eq!(
        wrong_arrows(&members),
        [
            "`tapeout-agents` may not depend on `tapeout-envs`",
            "`tapeout-tools` is not in the table of arrows"
        ]
    );
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for member in members() {
        let manifest = fs::read_to_string(member.folder.join("Cargo.toml")).unwrap();
        // pyo3's macros write unsafe code, which the workspace denies.
        let has_its_own = !manifest.contains("[lints]\nworkspace = true");
        assert_eq!(has_its_own, member.name == "tapeout-python", "{} has lints of its own", member.name);
    }
}

/// Every Rust file under `folder`, in order of its name.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    let files = paths.into_iter().flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The lines of a source file that are compiled into the library: no comments, and nothing after the tests begin.
fn library_lines(source: &str) -> impl Iterator<Item = &str> {
    let lines = source.lines().map(str::trim).take_while(|&line| line != "#[cfg(test)]");
    lines.filter(|line| !line.starts_with("//"))
}

/// Where the libraries of `members` have one of `words`, each as `crate/path: line`.
fn uses(members: &[Member], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for member in members {
        for path in rust_files(&member.folder.join("src")) {
            let source = fs::read_to_string(&path).expect("a source file is text");
            let place = path.strip_prefix(&member.folder).expect("the file lies in its crate").display();
            let lines = library_lines(&source).filter(|line| words.iter().any(|word| line.contains(word)));
            found.extend(lines.map(|line| format!("{}/{place}: {line}", member.name)));
        }
    }
    found
}

/// The libraries without the command line and the programs that stand outside.
fn libraries() -> Vec<Member> {
    let mut members = members();
    members
        .retain(|member| !["tapeout-cli", "external-agent", "prime-study"].contains(&member.name.as_str()));
    members
}

/// `clippy.toml` forbids the methods; this test forbids asking clippy to look away.
#[test]
fn one_module_reads_the_clock() {
    let clock = "tapeout-experiment/src/clock.rs: ";
    let words = ["Instant::now", "SystemTime", "disallowed_methods", "rand::rng()", "env::var"];
    let elsewhere: Vec<String> =
        uses(&libraries(), &words).into_iter().filter(|place| !place.starts_with(clock)).collect();
    assert_eq!(elsewhere, Vec::<String>::new());
}

#[test]
fn only_the_command_line_prints() {
    let words = ["println!", "print!", "eprintln!", "eprint!", "io::stdout", "io::stderr", "dbg!"];
    assert_eq!(uses(&libraries(), &words), Vec::<String>::new());
}

#[test]
fn core_has_no_files_no_threads_and_no_processes() {
    let core: Vec<Member> = members().into_iter().filter(|member| member.name == "tapeout-core").collect();
    let words = ["std::fs", "std::net", "std::process", "std::thread", "std::io", "std::time", "rayon"];
    assert_eq!(uses(&core, &words), Vec::<String>::new());
}

/// The name of the public type that a line declares.
fn declared_type(line: &str) -> Option<String> {
    let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
    let rest = kinds.iter().find_map(|kind| line.strip_prefix("pub ")?.strip_prefix(kind))?;
    let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Where each public type is declared, as `crate/path`, by its name.
fn public_types(members: &[Member]) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for member in members {
        for path in rust_files(&member.folder.join("src")) {
            let source = fs::read_to_string(&path).expect("a source file is text");
            let place = path.strip_prefix(&member.folder).expect("the file lies in its crate").display();
            for name in library_lines(&source).filter_map(declared_type) {
                places.entry(name).or_default().push(format!("{}/{place}", member.name));
            }
        }
    }
    places
}

/// A reader who meets a type knows which it is. An exception that is none any more is noticed too.
#[test]
fn every_public_type_name_stands_once() {
    let mut shared = public_types(&members());
    shared.retain(|_, places| places.len() > 1);
    for (name, reason) in SHARED_NAMES {
        assert!(shared.remove(*name).is_some(), "`{name}` stands once, so it is no exception ({reason})");
    }
    assert_eq!(shared, BTreeMap::new());
}

#[test]
fn declarations_are_told_from_other_lines() {
    assert_eq!(declared_type("pub struct Walk<'a> {"), Some("Walk".to_owned()));
    assert_eq!(declared_type("pub trait Env: Send + Sync {"), Some("Env".to_owned()));
    assert_eq!(declared_type("pub type BuiltEnv = (Box<dyn Env>, Goal);"), Some("BuiltEnv".to_owned()));
    for line in ["struct Hidden;", "pub(crate) struct Inner {", "pub fn structure() {", "pub struct $name {"]
    {
        assert_eq!(declared_type(line), None, "{line}");
    }
}

/// A file is named after the thing in it.
#[test]
fn no_file_is_a_drawer() {
    for member in members() {
        for path in rust_files(&member.folder.join("src")) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a file has a name");
            let drawers = ["utils", "util", "helpers", "common", "base", "misc"];
            assert!(!drawers.contains(&stem), "{} says nothing of what is in it", path.display());
        }
    }
}

#[test]
fn no_test_is_switched_off() {
    let switch = concat!("#[", "ignore");
    for member in members() {
        let files = ["src", "tests"].map(|folder| rust_files(&member.folder.join(folder)));
        for path in files.into_iter().flatten() {
            let source = fs::read_to_string(&path).unwrap();
            assert!(!source.contains(switch), "{} has a test that is never run", path.display());
        }
    }
}

/// The reader of sources sees code, and sees neither comments nor tests.
#[test]
fn comments_and_tests_are_not_the_library() {
    let source = "//! println!\nfn f() {\n    g(); // after\n}\n#[cfg(test)]\nmod tests { println!(); }\n";
    assert_eq!(library_lines(source).collect::<Vec<_>>(), ["fn f() {", "g(); // after", "}"]);
}
