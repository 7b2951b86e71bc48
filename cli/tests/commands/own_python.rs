//! Agents and environments of one's own as classes in Python.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::scratch::Scratch;

/// Whether `python3` is there.
fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A folder with the classes of the guide as modules.
fn with_classes() -> Scratch {
    let here = Scratch::new();
    for example in ["own-agent/climber.py", "own-simulator/cache.py"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example);
        let name = from.file_name().expect("a file").to_str().expect("a plain name").to_owned();
        fs::copy(&from, here.path(&name)).expect("the example is there");
    }
    here
}

/// The trials of a log without their timings.
fn trials(log: &str) -> Vec<Value> {
    let trials = log.lines().skip(1).map(|line| {
        let mut trial: Value = serde_json::from_str(line).expect("a line of JSON");
        trial.as_object_mut().expect("a trial").remove("timing");
        trial
    });
    trials.collect()
}

/// The flags of a search by both classes.
const BOTH: [&str; 12] = [
    "--env",
    "python",
    "--set",
    "env.class=cache:Cache",
    "--agent",
    "python",
    "--set",
    "agent.class=./climber.py:HillClimber",
    "--set",
    "agent.settings.patience=5",
    "--objective",
    "misses",
];

/// Claim: classes are logged, resumed and replayed as what is built in, whatever the threads, and by module as by file.
#[test]
fn classes_are_logged_resumed_and_replayed_with_their_checksums() {
    if !has_python() {
        println!("skipped: there is no `python3`");
        return;
    }
    let here = with_classes();
    let search = |trials: &str, threads: &str, out: &str| {
        let more = ["--trials", trials, "--batch", "8", "--threads", threads, "--quiet", "--out", out];
        here.data(&[&["search"], &BOTH[..], &more].concat());
    };
    search("48", "2", "whole");
    search("24", "1", "part");
    let whole = trials(&here.read("whole/trials.jsonl"));
    assert_eq!(whole.len(), 48);
    here.data(&["resume", "part", "--trials", "48", "--quiet"]);
    assert_eq!(trials(&here.read("part/trials.jsonl")), whole);
    assert!(here.data(&["replay", "whole"]).starts_with("48 trials replayed"));
    // Both modules are in the spec by full paths and checksums, the interpreter is not.
    let spec: toml::Table = here.read("whole/spec.toml").parse().expect("TOML");
    for (part, file) in [("env", "cache.py"), ("agent", "climber.py")] {
        let path = fs::canonicalize(here.path(file)).expect("it is there");
        let files = spec[part]["files"].as_table().expect("a table");
        let (known, sha256) = files.iter().next().expect("a file");
        assert_eq!(fs::canonicalize(known).expect("it is there"), path);
        assert_eq!((files.len(), sha256.as_str().map(str::len)), (1, Some(64)));
        assert!(!spec[part]["config"].as_table().expect("settings").contains_key("python"));
    }
    // A log of the same modules elsewhere is one of the same search.
    let elsewhere = with_classes();
    fs::create_dir(elsewhere.path("run")).expect("a folder");
    let there = |name: &str| {
        let text = here.read(&format!("whole/{name}"));
        let (from, to) = (fs::canonicalize(here.path("")), fs::canonicalize(elsewhere.path("")));
        let [from, to] = [from, to].map(|folder| folder.expect("a folder").display().to_string());
        assert!(text.contains(&from));
        (text.replace(&from, &to), text)
    };
    elsewhere.write("run/spec.toml", &there("spec.toml").0);
    elsewhere.write("run/trials.jsonl", &there("trials.jsonl").1);
    assert!(elsewhere.data(&["replay", "run"]).starts_with("48 trials replayed"));
    // An edited one is not.
    here.write("climber.py", &here.read("climber.py").replace("place - 1", "place - 2"));
    let complaint = here.complaint(2, &["resume", "whole", "--trials", "60"]);
    assert!(complaint.contains("climber.py: the file has changed"), "{complaint}");
}

/// Claim: several rows of one class with labels meet in a comparison.
#[test]
fn classes_are_compared_under_their_labels() {
    if !has_python() {
        println!("skipped: there is no `python3`");
        return;
    }
    let here = with_classes();
    let flags = [
        "compare",
        "--env",
        "small=python",
        "--set",
        "small.class=cache:Cache",
        "--set",
        "small.settings.rows=8",
        "--agents",
        "random",
        "--agent",
        "hasty=python",
        "--set",
        "hasty.class=climber:HillClimber",
        "--set",
        "hasty.settings.patience=2",
        "--agent",
        "patient=python",
        "--set",
        "patient.class=climber:HillClimber",
        "--objective",
        "misses",
        "--seeds",
        "2",
        "--trials",
        "8",
        "--batch",
        "4",
        "--quiet",
        "--out",
        "compared",
    ];
    let told = here.data(&flags);
    for name in ["random", "hasty", "patient"] {
        assert!(told.contains(name), "{told}");
    }
}

const READER: &str = "import subprocess
class Reader:
    parameters = {'x': {'low': 0, 'high': 99}}
    metrics = ['loss']
    objectives = 'loss'
    def evaluate(self, design):
        read = subprocess.run(['cat'], capture_output=True).stdout
        subprocess.run(['echo', 'this is no answer'])
        return {'loss': len(read) + design['x']}
class Named(Reader):
    metrics = ['status']
    objectives = 'status'
class SelfChanging(Reader):
    def __init__(self, first=True):
        if first:
            with open(__file__, 'a') as file: file.write('# edited')
class Fickle(Reader):
    def __init__(self):
        import os
        self.metrics = ['loss', 'more'] if os.path.exists('was') else ['loss']
        open('was', 'w').close()
    def evaluate(self, design):
        import os
        os.kill(os.getpid(), 9)
";

/// Claim: the streams of the protocol are not those of the class, modules where the user stands are none of the adapter, names of columns are
/// refused, a file that is edited while it is read is noticed, and so is a class that declares something else when it is started again.
#[test]
fn what_runs_is_what_the_spec_says_and_nothing_comes_between() {
    if !has_python() {
        println!("skipped: there is no `python3`");
        return;
    }
    let here = Scratch::new();
    here.write("json.py", "raise SystemError('not the module of Python')");
    here.write("reader.py", READER);
    let search = |class: &str, out: &'static str| {
        let class: &'static str = format!("env.class=reader.py:{class}").leak();
        let env = ["search", "--env", "python", "--set", class, "--agent", "random"];
        [&env[..], &["--trials", "8", "--quiet", "--out", out]].concat()
    };
    here.data(&search("Reader", "read"));
    for trial in trials(&here.read("read/trials.jsonl")) {
        assert_eq!(trial["outcome"]["measured"]["loss"].as_f64(), trial["design"]["x"].as_f64(), "{trial}");
    }
    for (class, says) in [
        ("Named", "`status` is what tables of trials call"),
        ("SelfChanging", "reader.py: the file has changed"),
    ] {
        let complaint = here.complaint(2, &search(class, "refused"));
        assert!(complaint.contains(says), "{complaint}");
    }
    here.write("reader.py", READER);
    // Nothing was evaluated, so the search ends in words.
    let complaint = here.complaint(1, &search("Fickle", "fickle"));
    assert!(complaint.contains("it declares other designs or metrics"), "{complaint}");
}

const FAULTY: &str = "import os, random
class Faulty:
    parameters = {'x': {'low': 0, 'high': 99}}
    metrics = ['loss']
    objectives = 'loss'
    def __init__(self, how='raise'):
        self.how = how
        if how == 'refuse': raise RuntimeError('no licence')
    def evaluate(self, design):
        print('this is no answer')
        if design['x'] % 3 == 0:
            if self.how == 'raise': raise ValueError('x is %d' % design['x'])
            if not os.path.exists('died%d' % design['x']):
                open('died%d' % design['x'], 'w').close()
                os.kill(os.getpid(), 9)
        return {'loss': design['x']}
class Tired:
    def __init__(self, problem): pass
    def suggest(self, count, candidates): raise KeyError('tired')
";

/// Claim: what Python raises is a failed trial with its traceback, what it prints is no answer, and a process that is killed costs no trial.
#[test]
fn errors_of_python_come_with_their_traceback_and_killed_workers_cost_no_trial() {
    if !has_python() {
        println!("skipped: there is no `python3`");
        return;
    }
    let here = Scratch::new();
    here.write("faulty.py", FAULTY);
    let search = |more: &[&'static str]| {
        let env = ["search", "--env", "python", "--set", "env.class=faulty.py:Faulty"];
        [&env[..], &["--trials", "30", "--quiet"], more].concat()
    };
    here.data(&search(&["--agent", "random", "--out", "raised"]));
    let raised = trials(&here.read("raised/trials.jsonl"));
    let failed: Vec<&str> = raised.iter().filter_map(|trial| trial["outcome"]["failed"].as_str()).collect();
    assert!((3..20).contains(&failed.len()), "{raised:?}");
    for cause in failed {
        assert!(cause.starts_with("it says: ValueError: x is "), "{cause}");
        assert!(cause.contains("faulty.py\", line 12, in evaluate"), "{cause}");
    }
    here.data(&search(&["--agent", "random", "--set", "env.settings.how=kill", "--out", "killed"]));
    assert!(
        trials(&here.read("killed/trials.jsonl")).iter().all(|trial| trial["outcome"]["failed"].is_null())
    );
    let complaint = here.complaint(2, &search(&["--set", "env.settings.how=refuse"]));
    assert!(
        complaint.contains("RuntimeError: no licence") && complaint.contains("in __init__"),
        "{complaint}"
    );
    let complaint = here.complaint(2, &search(&["--set", "env.settings.haw=1"]));
    assert!(complaint.contains("unexpected keyword argument 'haw'"), "{complaint}");
    let tired = search(&["--agent", "python", "--set", "agent.class=faulty:Tired", "--out", "tired"]);
    let complaint = here.complaint(1, &tired);
    assert!(complaint.contains("KeyError: 'tired'") && complaint.contains("in suggest"), "{complaint}");
    for (class, says) in [
        ("faulty:Missing", "has no class `Missing`; there are Faulty, Tired"),
        ("nowhere:Faulty", "there is no module `nowhere`"),
        ("faulty", "expected `FILE.py:Class` or `module:Class`"),
        ("away.py:Faulty", "away.py"),
    ] {
        let complaint =
            here.complaint(2, &["search", "--env", "python", "--set", &format!("env.class={class}")]);
        assert!(complaint.contains(says), "{complaint}");
    }
}
