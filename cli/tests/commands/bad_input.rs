//! Bad input: one clear message that names file, field and remedy, an exit code, and no trial lost.

use crate::scratch::{Done, Scratch};

const SPEC: &str = "\
version = 1
[env]
id = \"edge-accelerator\"
[agent]
id = \"nsga2\"
[budget]
trials = 40
";

/// What `search` says of a spec in which `from` is replaced.
fn complaint_about(from: &str, to: &str) -> String {
    let here = Scratch::new();
    assert!(SPEC.contains(from));
    here.write("run.toml", &SPEC.replace(from, to));
    let complaint = here.complaint(2, &["search", "run.toml", "--out", "run"]);
    assert!(!here.path("run").exists(), "a spec that cannot be run leaves no folder");
    assert_eq!(here.complaint(2, &["check", "run.toml"]), complaint, "`check` says the same");
    complaint
}

#[test]
fn an_unknown_key_is_named_with_the_nearest() {
    assert_eq!(
        complaint_about("trials", "trails"),
        "error: run.toml:7:1: `budget.trails`: unknown key; did you mean `trials`?\n\
         hint: the keys here are trials, wall_s, target\n"
    );
}

#[test]
fn a_wrong_type_is_named_with_what_was_expected() {
    assert_eq!(
        complaint_about("40", "\"many\""),
        "error: run.toml:7:10: `budget.trials`: got \"many\", expected a whole number of at least 1\n"
    );
}

#[test]
fn an_unknown_agent_is_named_with_the_nearest() {
    assert_eq!(
        complaint_about("nsga2", "nsga22"),
        "error: run.toml:5:1: `agent.id`: unknown agent `nsga22`; did you mean `nsga2`?\n\
         hint: each agent is listed by `tapeout list`\n"
    );
}

#[test]
fn an_unknown_setting_is_named_with_the_nearest() {
    assert_eq!(
        complaint_about("\"nsga2\"", "\"nsga2\"\nconfig = { popluation = 10 }"),
        "error: run.toml:6:12: `agent.config.popluation`: unknown setting; did you mean `population`?\n\
         hint: its hyperparameters are shown by `tapeout describe`\n"
    );
}

#[test]
fn a_spec_of_another_version_is_refused() {
    assert_eq!(
        complaint_about("version = 1", "version = 2"),
        "error: run.toml:1:1: `version`: spec version 2; this program reads version 1\n\
         hint: write `version = 1`\n"
    );
}

#[test]
fn a_fault_of_a_flag_is_not_blamed_on_the_file() {
    let here = Scratch::new();
    here.write("run.toml", SPEC);
    let complaint = here.complaint(2, &["search", "run.toml", "--set", "agent.population=none"]);
    assert!(complaint.starts_with("error: `agent.config.population`: "), "{complaint}");
    let complaint = here.complaint(2, &["search", "run.toml", "--objective", "latency"]);
    assert!(complaint.starts_with("error: `objectives[0]`: unknown metric `latency`"), "{complaint}");
}

#[test]
fn flags_that_cannot_be_read_say_what_is_expected() {
    let here = Scratch::new();
    for (arguments, expected) in [
        (["--constraint", "area_m2 = 3"], "`metric <= number`"),
        (["--objective", "best:latency_s"], "`max:metric`"),
        (["--wall", "60"], "`60s`"),
        (["--set", "population=3"], "`agent.population`"),
        (["--target", "latency_s"], "`latency_s=1e-3`"),
        (["--trials", "0"], "expected a whole number from 1"),
    ] {
        let complaint = here.complaint(2, &["search", arguments[0], arguments[1]]);
        assert!(complaint.contains(expected), "{complaint}");
    }
}

/// What `command` says of a run whose log is `damaged`; the log must stay as it is.
fn complaint_about_log(damaged: impl Fn(&str) -> String, exit: i32, command: &str) -> String {
    let here = Scratch::new();
    let log = damaged(&here.search("run"));
    here.write("run/trials.jsonl", &log);
    let complaint = here.complaint(exit, &[command, "run"]);
    assert_eq!(here.read("run/trials.jsonl"), log, "a log that cannot be read is left alone");
    complaint
}

#[test]
fn an_empty_log_is_named_with_the_remedy() {
    for command in ["replay", "plot", "check"] {
        assert_eq!(
            complaint_about_log(|_| String::new(), 2, command),
            "error: run/trials.jsonl:1: the log is empty; expected a header in the first line\n\
             hint: `tapeout resume` begins the run anew from `spec.toml`; if it is refused, delete the file first\n"
        );
    }
}

#[test]
fn a_log_of_another_version_is_named_with_the_remedy() {
    let newer = |log: &str| log.replacen("\"version\":3", "\"version\":9", 1);
    assert_eq!(
        complaint_about_log(newer, 2, "resume"),
        "error: run/trials.jsonl:1: log version 9; this program reads versions 1 to 3\n\
         hint: use the release of the program that made the log\n"
    );
}

#[test]
fn a_log_that_is_no_log_is_named_with_the_remedy() {
    let complaint = complaint_about_log(|_| "hello\n".to_owned(), 2, "resume");
    assert!(
        complaint.starts_with("error: run/trials.jsonl:1: the first line is not the header"),
        "{complaint}"
    );
    assert!(complaint.contains("\nhint: "), "{complaint}");
}

#[test]
fn a_damaged_line_is_named_and_nothing_is_lost() {
    let damaged = |log: &str| {
        let mut lines: Vec<&str> = log.lines().collect();
        lines[20] = "{}";
        lines.join("\n") + "\n"
    };
    let complaint = complaint_about_log(damaged, 2, "resume");
    assert!(complaint.starts_with("error: run/trials.jsonl:21: not a trial: "), "{complaint}");
    assert!(complaint.contains("\nhint: "), "{complaint}");
}

/// Claim: a metric that was edited is noticed by whatever reads the log.
#[test]
fn an_edited_metric_is_named_by_its_line() {
    let edited = |log: &str| log.replacen("\"latency_s\":0", "\"latency_s\":-1", 1);
    for command in ["resume", "replay", "plot", "check"] {
        let complaint = complaint_about_log(edited, 2, command);
        assert!(complaint.contains(": the checksum of the trial is `"), "{complaint}");
        assert!(complaint.contains("\nhint: "), "{complaint}");
    }
}

/// Claim: a log that was cut off within its last line, as by a kill, loses that line alone, and ends as if unbroken.
#[test]
fn a_truncated_log_goes_on_from_its_last_whole_trial() {
    let here = Scratch::new();
    let log = here.search("run");
    let cut = log.len() - 10;
    here.write("run/trials.jsonl", &log[..cut]);
    assert!(here.data(&["replay", "run"]).starts_with("39 trials replayed"));
    here.data(&["resume", "run"]);
    let resumed = here.read("run/trials.jsonl");
    assert_eq!(resumed.lines().count(), log.lines().count());
    assert!(resumed.starts_with(&log[..=log[..cut].rfind('\n').unwrap()]), "whole lines stay");
}

#[test]
fn a_folder_with_a_run_is_not_written_over() {
    let here = Scratch::new();
    let log = here.search("run");
    assert_eq!(
        here.complaint(2, &["search", "--trials", "8", "--out", "run"]),
        "error: run: there is a run in this folder already\n\
         hint: go on with it by `tapeout resume run`, or choose another folder\n"
    );
    assert_eq!(here.read("run/trials.jsonl"), log);
}

#[test]
fn a_folder_without_a_run_is_named() {
    let here = Scratch::new();
    for command in ["resume", "replay", "plot", "check"] {
        assert_eq!(
            here.complaint(2, &[command, "./nowhere"]),
            "error: ./nowhere: there is no run in this folder: `spec.toml` is missing\n\
             hint: start one there by `tapeout search`, or check the path\n"
        );
    }
}

// A path below a file cannot be made by anybody, not even by root.
#[test]
fn a_folder_that_cannot_be_made_is_named_with_its_cause() {
    let here = Scratch::new();
    here.write("file", "");
    assert_eq!(
        here.complaint(2, &["search", "--trials", "8", "--out", "file/run"]),
        "error: file/run: cannot make the folder\n  caused by: Not a directory (os error 20)\n\
         hint: choose a folder that can be written to\n"
    );
}

/// Claim: when the disk is full the run stops with a message, and goes on from there when there is room.
///
/// The disk is full at 16 blocks of 512 bytes: a limit on the size of files, whose signal is ignored, fails writes the way a
/// full disk does. Source: POSIX.1-2024, `ulimit -f` and `write()`, error EFBIG.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_run_and_loses_nothing() {
    let here = Scratch::new();
    let program = assert_cmd::cargo::cargo_bin!("tapeout");
    let script = "ulimit -f 16 && trap '' XFSZ && exec \"$0\" search --trials 200 --batch 4 --out run";
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", script]).arg(program).current_dir(here.path(".")).output().unwrap();
    let done = Done::of(&output);
    assert_eq!((done.exit, done.data.as_str()), (Some(1), ""), "{}", done.notes);
    assert!(done.notes.contains("error: run/trials.jsonl: cannot write; "), "{}", done.notes);
    assert!(done.notes.contains("hint: make room on the disk, then `tapeout resume run`"), "{}", done.notes);
    let log = here.read("run/trials.jsonl");
    let whole = &log[..=log.rfind('\n').unwrap()];
    assert!(whole.lines().count() > 4, "the log holds what was written before the disk was full");
    here.data(&["resume", "run"]);
    assert!(here.read("run/trials.jsonl").starts_with(whole), "no trial that was logged is lost");
    assert!(here.data(&["replay", "run"]).starts_with("200 trials replayed"));
}

/// The arguments of a search that takes no time.
const QUICK: [&str; 7] = ["search", "--env", "recorded-kernel", "--agent", "random", "--quiet", "--out"];

fn quick<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&QUICK[..], rest].concat()
}

// Claim: a path that leads to an input without an end, or to one that grows without one, is refused by its bound, wherever it is named.
// The shell allows 1 GiB of addresses, a fraction of what there would be to read.
#[cfg(target_os = "linux")]
#[test]
fn inputs_without_an_end_are_refused_by_their_bound() {
    let here = Scratch::new();
    let program = assert_cmd::cargo::cargo_bin!("tapeout");
    let run = |arguments: &str| {
        let script = format!("ulimit -v 1048576 && exec \"$0\" {arguments}");
        let mut shell = std::process::Command::new("sh");
        Done::of(&shell.args(["-c", &script]).arg(program).current_dir(here.path(".")).output().unwrap())
    };
    here.data(&quick(&["run", "--trials", "3"]));
    std::fs::remove_file(here.path("run/trials.jsonl")).unwrap();
    for name in ["run/trials.jsonl", "zero.toml"] {
        std::os::unix::fs::symlink("/dev/zero", here.path(name)).unwrap();
    }
    for arguments in [
        "spec /dev/zero",
        "simulate eyeriss /dev/zero",
        "validate /dev/zero",
        "spec --env accelerator --set env.architecture=./zero.toml",
        "spec --env recorded-kernel --set env.path=/dev/zero",
        "dataset import /dev/zero --columns /dev/zero --out set",
        "replay run",
        "report run",
    ] {
        let done = run(arguments);
        assert_eq!(done.exit, Some(2), "{arguments}: {}", done.notes);
        assert!(
            done.notes.contains("more than 8 MiB, the most that is read of it"),
            "{arguments}: {}",
            done.notes
        );
    }
    let bomb = "head -c 100000000 /dev/zero | gzip -1 > bomb.json.gz";
    assert!(
        std::process::Command::new("sh")
            .args(["-c", bomb])
            .current_dir(here.path("."))
            .status()
            .unwrap()
            .success()
    );
    let done = run("spec --env recorded-kernel --set env.path=bomb.json.gz");
    assert_eq!(done.exit, Some(2), "{}", done.notes);
    assert!(done.notes.contains("more than 32 MiB, the most that is read of it"), "{}", done.notes);
}

// Claim: what nobody could read again is refused before anything is written, in words that say what fits.
#[test]
fn numbers_that_do_not_fit_are_refused_before_anything_is_made() {
    let here = Scratch::new();
    let whole = |from| format!("expected a whole number from {from} to 9223372036854775807");
    for (flags, words) in [
        (["--trials", "18446744073709551615"], whole(1)),
        (["--trials", "0"], whole(1)),
        (["--batch", "-3"], whole(1)),
        (["--seed", "-1"], whole(0)),
        (["--set", "env.=1"], "`env.` names no setting; write `env.KEY=VALUE`".to_owned()),
    ] {
        let complaint = here.complaint(2, &quick(&[&["run"], &flags[..]].concat()));
        assert!(complaint.contains(&words), "{complaint}");
        assert!(!here.path("run").exists());
    }
}

// Claim: blank lines at the end of a log are as good as none, and a header that was cut off has lost nothing.
#[test]
fn a_log_that_lost_nothing_is_gone_on_with() {
    let here = Scratch::new();
    let without_times = |name: &str| -> Vec<String> {
        let log = here.read(&format!("{name}/trials.jsonl"));
        log.lines().map(|line| line.split(",\"timing\"").next().unwrap_or_default().to_owned()).collect()
    };
    here.data(&quick(&["whole", "--trials", "30"]));
    for (name, tail) in [("blank", Some("\n \n\n")), ("cut", None)] {
        here.data(&quick(&[name, "--trials", "20"]));
        let log = here.read(&format!("{name}/trials.jsonl"));
        here.write(
            &format!("{name}/trials.jsonl"),
            &tail.map_or_else(|| log[..100].to_owned(), |tail| format!("{log}{tail}")),
        );
        here.data(&["resume", name, "--trials", "30", "--quiet"]);
        assert_eq!(without_times(name), without_times("whole"), "{name}");
    }
    let log = here.read("whole/trials.jsonl");
    here.write("whole/trials.jsonl", &log.replacen("{\"design\"", "\n{\"design\"", 1));
    let complaint = here.complaint(2, &["replay", "whole"]);
    assert!(complaint.contains("trials.jsonl:2: not a trial: a blank line between trials"), "{complaint}");
    let begin = log.find("\"evaluation_s\":").unwrap() + "\"evaluation_s\":".len();
    here.write("whole/trials.jsonl", &format!("{}-{}", &log[..begin], &log[begin..]));
    let complaint = here.complaint(2, &["replay", "whole"]);
    assert!(complaint.contains("trials.jsonl:2: not a trial: `timing.evaluation_s` is -"), "{complaint}");
}

// Claim: the signal of a limit on the size of files is as good as a full disk, where a shell does not ignore it either.
#[cfg(unix)]
#[test]
fn a_limit_on_the_size_of_files_ends_in_words() {
    let here = Scratch::new();
    let script = "ulimit -f 8 && exec \"$0\" search --env recorded-kernel --agent random --trials 2000 --quiet --out run";
    let mut shell = std::process::Command::new("sh");
    let program = assert_cmd::cargo::cargo_bin!("tapeout");
    let done =
        Done::of(&shell.args(["-c", script]).arg(program).current_dir(here.path(".")).output().unwrap());
    assert_eq!(done.exit, Some(1), "{}", done.notes);
    assert!(done.notes.contains("error: run/trials.jsonl: cannot write; "), "{}", done.notes);
}

// Claim: a place that cannot be used is the fault of who named it, whatever was to be put there.
#[test]
fn places_that_cannot_be_written_to_end_in_the_code_of_bad_input() {
    let here = Scratch::new();
    here.data(&quick(&["run", "--trials", "20"]));
    for arguments in [
        &["plot", "run", "--out", "nowhere/there/x"][..],
        &["export", "run", "--out", "nowhere/there/x.json"],
        &["report", "run", "--out", "nowhere/there/x.html"],
        &["simulate", "eyeriss", "alexnet:conv5", "--timeloop", "nowhere/x.yaml"],
    ] {
        here.complaint(2, arguments);
    }
}

/// Claim: who asks for JSON is answered in JSON, errors of the command line and of what it names included; `--` ends flags.
#[test]
fn failures_are_json_where_json_is_asked_for() {
    let here = Scratch::new();
    let told = |arguments: &[&str]| -> (Option<i32>, serde_json::Value) {
        let done = here.run(arguments);
        assert_eq!(done.data, "");
        (
            done.exit,
            serde_json::from_str(&done.notes).unwrap_or_else(|error| panic!("{error}: {}", done.notes)),
        )
    };
    let (exit, error) = told(&["simulate", "edge-like", "resnet5", "--json"]);
    assert_eq!((exit, &error["schema"], &error["error"]["exit"]), (Some(2), &1.into(), &2.into()));
    assert_eq!(error["error"]["message"], "unknown network `resnet5`; did you mean `resnet50`?");
    assert_eq!(error["error"]["hint"], "all names are listed by `tapeout list`");
    let (exit, error) = told(&["search", "--json", "--trials", "0"]);
    assert_eq!(exit, Some(2));
    assert_eq!(
        error["error"]["message"],
        "invalid value '0' for '--trials <DESIGNS>': expected a whole number from 1 to 9223372036854775807"
    );
    let (_, error) = told(&["search", "--json", "--trails", "4"]);
    assert_eq!(error["error"]["message"], "unexpected argument '--trails' found");
    assert_eq!(error["error"]["hint"], "a similar argument exists: '--trials'");
    assert!(here.run(&["search", "--trials", "0"]).notes.starts_with("error: invalid value"));
}

/// Claim: the version says what two programs must have in common to give the same numbers.
#[test]
fn the_version_names_those_of_the_environments() {
    let here = Scratch::new();
    let said = here.data(&["--version"]);
    assert!(said.starts_with(&format!("tapeout {}", env!("CARGO_PKG_VERSION"))), "{said}");
    assert!(said.contains("\nenvironments: ") && said.contains("edge-accelerator "), "{said}");
    assert_eq!(here.data(&["-V"]), said);
}

/// Claim: the help names the defaults that a spec without flags has.
#[test]
fn the_help_names_the_defaults() {
    let here = Scratch::new();
    let spec: toml::Table = here.data(&["spec"]).parse().unwrap();
    let help = here.data(&["search", "--help"]).split_whitespace().collect::<Vec<_>>().join(" ");
    for value in
        [&spec["env"]["id"], &spec["agent"]["id"], &spec["seed"], &spec["batch"], &spec["budget"]["trials"]]
    {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(help.contains(&format!(", or {value}]")), "{value}: {help}");
    }
}
