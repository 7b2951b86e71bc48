//! Comparisons: what they leave, what they reuse, and what they refuse.

use std::fs;

use crate::scratch::{Scratch, is_png};
use serde_json::Value;

/// A small comparison in the folder `c`, with these further flags.
fn arguments<'a>(further: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["compare", "--env", "edge-accelerator", "--agents", "ga,random", "--seeds", "2", "--quiet"];
    fixed.into_iter().chain(further.iter().copied()).collect()
}

/// A log without the times in it.
fn untimed(log: &str) -> Vec<Value> {
    let mut lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    for line in &mut lines {
        line.as_object_mut().expect("each line is an object").remove("timing");
    }
    lines
}

/// What a comparison says but for what its agents took, which no two runs have in common.
fn without_costs(answer: &str) -> String {
    let (before, costs) = answer.split_once("\nwhat the agents took").expect("costs are told");
    format!("{before}{}", &costs[costs.find("\ntable").expect("tables are named")..])
}

/// Claim: each run is an ordinary run folder, and the tables and pictures that are named are there.
#[test]
fn a_comparison_leaves_runs_tables_and_pictures() {
    let here = Scratch::new();
    let data = here.data(&arguments(&["--trials", "12", "--out", "c", "--json"]));
    let report: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(
        (&report["seeds"], &report["trials"], &report["baseline"]),
        (&2.into(), &12.into(), &"random".into())
    );
    let standings = report["envs"][0]["standings"].as_array().unwrap();
    assert_eq!(standings.len(), 2);
    let ranks: f64 = standings.iter().map(|standing| standing["rank"]["value"].as_f64().unwrap()).sum();
    assert_eq!(ranks, 3.0, "two ranks, 1 and 2, or 1.5 twice");
    for plot in report["plots"].as_array().unwrap() {
        let plot = plot.as_str().unwrap();
        assert!(plot.ends_with(".svg") || is_png(&here.path(plot)), "{plot}");
    }
    // Checkpoints are each of the 12 trials, for 2 agents with 2 seeds.
    assert_eq!(here.read("c/results.csv").lines().count(), 1 + 12 * 2 * 2);
    assert_eq!(here.read("c/summary.csv").lines().count(), 1 + 2);
    assert!(here.data(&["replay", "c/edge-accelerator/ga/1"]).contains("12"));
}

/// Claim: the same comparison is the same tables; a run that was cut off is gone on with, one that is whole is only read.
#[test]
fn a_comparison_that_was_cut_off_ends_as_if_it_had_not_been() {
    let here = Scratch::new();
    let once = here.data(&arguments(&["--trials", "12", "--out", "c", "--threads", "1"]));
    let csv = here.read("c/results.csv");
    let cut = "c/edge-accelerator/ga/1";
    let whole_log = here.read("c/edge-accelerator/random/0/trials.jsonl");
    let log = here.read(&format!("{cut}/trials.jsonl"));
    let kept: String = log.split_inclusive('\n').take(6).collect();
    here.write(&format!("{cut}/trials.jsonl"), &format!("{kept}{{\"torn"));
    fs::remove_file(here.path(&format!("{cut}/summary.json"))).unwrap();
    fs::remove_dir_all(here.path("c/edge-accelerator/random/1")).unwrap();
    let again = here.data(&arguments(&["--trials", "12", "--out", "c", "--threads", "2"]));
    assert_eq!(without_costs(&again), without_costs(&once));
    assert_eq!(here.read("c/results.csv"), csv);
    assert_eq!(untimed(&here.read(&format!("{cut}/trials.jsonl"))), untimed(&log));
    assert_eq!(
        here.read("c/edge-accelerator/random/0/trials.jsonl"),
        whole_log,
        "a whole run is not run again"
    );
}

/// Claim: processes that run a part each at the same time, and one more that begins the same part again, leave what one process leaves,
/// byte for byte; and no lock is left.
#[test]
fn parts_run_by_processes_side_by_side_are_gathered_to_the_tables_of_one() {
    let here = Scratch::new();
    let whole = here.data(&arguments(&["--trials", "12", "--out", "whole", "--threads", "1"]));
    let parts = ["0/3", "1/3", "2/3", "2/3"].map(|part| {
        let mut command = here.command();
        command.args(arguments(&["--trials", "12", "--out", "parts", "--threads", "1", "--shard", part]));
        command.stdout(std::process::Stdio::null()).spawn().expect("the program starts")
    });
    for mut part in parts {
        assert!(part.wait().unwrap().success());
    }
    assert!(!here.path("parts/results.csv").exists(), "a part alone says nothing of the whole");
    let gathered = here.data(&arguments(&["--trials", "12", "--out", "parts", "--threads", "1"]));
    assert_eq!(without_costs(&gathered), without_costs(&whole).replace("whole/", "parts/"));
    for table in
        ["results.csv", "results.parquet", "summary.csv", "pairs.csv", "progress-edge-accelerator.svg"]
    {
        let bytes = |folder: &str| fs::read(here.path(&format!("{folder}/{table}"))).unwrap();
        assert!(bytes("parts") == bytes("whole"), "{table}");
    }
    for agent in ["ga", "random"] {
        let cells = fs::read_dir(here.path(&format!("parts/edge-accelerator/{agent}"))).unwrap();
        assert_eq!(cells.count(), 2, "two runs of {agent}, and no locks");
    }
}

/// Claim: a run that another process is at is passed over by a part, and the call for all of them says that it is not done.
#[test]
fn what_another_process_runs_is_left_to_it() {
    let here = Scratch::new();
    let place = here.path("c/edge-accelerator/ga");
    fs::create_dir_all(&place).unwrap();
    let lock = fs::File::create(place.join("0.lock")).unwrap();
    lock.lock().unwrap();
    let part = here.data(&arguments(&["--trials", "12", "--out", "c", "--shard", "0/1", "--json"]));
    let part: Value = serde_json::from_str(&part).unwrap();
    assert_eq!((&part["done"], &part["held"]), (&3.into(), &1.into()));
    let done = here.run(&arguments(&["--trials", "12", "--out", "c"]));
    assert_eq!(done.exit, Some(1));
    assert!(done.notes.contains("1 of 4 runs are another process's, and not done yet"), "{}", done.notes);
    drop(lock);
    here.data(&arguments(&["--trials", "12", "--out", "c"]));
    let refused = here.run(&arguments(&["--shard", "3/3"]));
    assert_eq!(refused.exit, Some(2));
    assert!(refused.notes.contains("such as `0/4`"), "{}", refused.notes);
}

/// Claim: a comparison grows by trials, and what is longer than asked for is read as far as asked for.
#[test]
fn a_larger_budget_goes_on_from_the_smaller() {
    let here = Scratch::new();
    here.data(&arguments(&["--trials", "6", "--out", "grown"]));
    let short = here.read("grown/results.csv");
    here.data(&arguments(&["--trials", "12", "--out", "grown"]));
    here.data(&arguments(&["--trials", "12", "--out", "fresh"]));
    assert_eq!(here.read("grown/results.csv"), here.read("fresh/results.csv"));
    here.data(&arguments(&["--trials", "6", "--out", "grown"]));
    assert_eq!(here.read("grown/results.csv"), short);
}

#[test]
fn runs_of_another_experiment_are_not_taken_for_these() {
    let here = Scratch::new();
    here.data(&arguments(&["--trials", "4", "--out", "c"]));
    let other = arguments(&["--trials", "4", "--out", "c", "--set", "env.networks=[\"alexnet\"]"]);
    let complaint = here.complaint(2, &other);
    assert!(
        complaint.contains("c/edge-accelerator/") && complaint.contains("env.config.networks"),
        "{complaint}"
    );
}

#[test]
fn a_fault_in_the_last_agent_is_found_before_the_first_runs() {
    let here = Scratch::new();
    let complaint = here.complaint(2, &["compare", "--agents", "ga,ranom", "--trials", "4", "--out", "c"]);
    assert!(complaint.contains("unknown agent `ranom`; did you mean `random`?"), "{complaint}");
    assert!(!here.path("c").exists());
    let complaint = here.complaint(2, &["compare", "--agents", "ga,ga", "--out", "c"]);
    assert!(complaint.contains("agent `ga` stands twice"), "{complaint}");
}

#[test]
fn a_sweep_compares_every_combination() {
    let here = Scratch::new();
    let grid = ["sweep", "--agent", "ga", "--grid", "population=4,8", "--grid", "mutation_index=5,20"];
    let rest = ["--seeds", "2", "--trials", "10", "--quiet", "--out", "s"];
    let table = here.data(&[grid.as_slice(), &rest].concat());
    for variant in ["population=4,mutation_index=5", "population=8,mutation_index=20"] {
        assert!(table.contains(variant), "{variant}\n{table}");
        assert!(here.read(&format!("s/edge-accelerator/{variant}/1/spec.toml")).contains("mutation_index"));
    }
    assert!(is_png(&here.path("s/final-edge-accelerator.png")));
    let report: Value =
        serde_json::from_str(&here.data(&[grid.as_slice(), &rest, &["--json"]].concat())).unwrap();
    assert_eq!(report["baseline"], "default");
    let standings = report["envs"][0]["standings"].as_array().unwrap();
    assert_eq!(standings.len(), 4 + 1, "each combination, and the default");
    for standing in standings {
        assert_eq!(standing["test"].is_null(), standing["agent"] == "default", "{standing}");
    }
    let table = here.data(&[grid.as_slice(), &rest, &["--against", "random"]].concat());
    assert!(table.contains("won-lost and p against random"), "{table}");
    let complaint = here.complaint(2, &["sweep", "--agent", "ga", "--grid", "popluation=4", "--out", "t"]);
    assert!(complaint.contains("agent.config.popluation"), "{complaint}");
}

/// Claim: one environment can stand twice, each time with settings of its own beside those of all.
#[test]
fn an_environment_stands_twice_under_names_of_its_own() {
    let here = Scratch::new();
    let twice = [
        "compare",
        "--env",
        "gemm=recorded-kernel",
        "--env",
        "conv=recorded-kernel",
        "--agents",
        "ga,random",
    ];
    let set = ["--set", "conv.kernel=convolution-a100"];
    let rest = ["--seeds", "1", "--trials", "6", "--quiet", "--out", "c"];
    let table = here.data(&[twice.as_slice(), &set, &rest].concat());
    assert!(table.contains("\ngemm: time_s") && table.contains("\nconv: time_s"), "{table}");
    assert!(here.read("c/gemm/ga/0/spec.toml").contains("kernel = \"gemm-rtx-3090\""));
    assert!(here.read("c/conv/ga/0/spec.toml").contains("kernel = \"convolution-a100\""));
    let complaint =
        here.complaint(2, &[twice.as_slice(), &["--set", "cov.kernel=convolution-a100"], &rest].concat());
    assert!(complaint.contains("nobody is called `cov` here; did you mean `conv`?"), "{complaint}");
    let same = ["compare", "--env", "recorded-kernel", "--env", "recorded-kernel", "--out", "d"];
    let complaint = here.complaint(2, &same);
    assert!(
        complaint.contains("`recorded-kernel` stands twice\nhint: give each a name of its own"),
        "{complaint}"
    );
}

/// Claim: one agent can stand twice, each time with settings of its own; the others are tested against whoever is named, and a
/// comparison of too few seeds says how many it takes: two tests at 2^(1 - n) each are below 0.05 from n = 7 on.
#[test]
fn an_agent_stands_twice_and_is_whom_others_are_tested_against() {
    let here = Scratch::new();
    let agents =
        ["compare", "--env", "recorded-kernel", "--agents", "random", "--agent", "ga", "--agent", "big=ga"];
    let rest = ["--set", "big.population=40", "--seeds", "2", "--trials", "6", "--quiet", "--out", "c"];
    let table = here.data(&[agents.as_slice(), &["--baseline", "big"], &rest].concat());
    assert!(table.contains("won-lost and p against big"), "{table}");
    assert!(
        table.contains("with 2 seeds no p of 2 tests together is below 1.0000; to show a difference at 0.05 takes 7 seeds"),
        "{table}"
    );
    assert!(here.read("c/recorded-kernel/big/0/spec.toml").contains("population = 40"));
    assert!(!here.read("c/recorded-kernel/ga/0/spec.toml").contains("population = 40"));
    let pairs = here.read("c/pairs.csv");
    assert!(pairs.contains("recorded-kernel,ga,big,2,") && pairs.lines().count() == 1 + 3, "{pairs}");
    let complaint = here.complaint(2, &[agents.as_slice(), &["--baseline", "bog"], &rest].concat());
    assert!(complaint.contains("no agent is called `bog` here; did you mean `big`?"), "{complaint}");
    let complaint = here.complaint(2, &[agents.as_slice(), &["--agent", "tpe=ga"], &rest].concat());
    assert!(complaint.contains("`tpe` is an agent, so `ga` cannot be called so"), "{complaint}");
}

/// Claim: folders that two machines made, of seeds of their own and of some in common, are taken together to what one machine makes, byte
/// for byte; a run that two of them hold differently, and a folder of something else, are named and refused.
#[test]
fn folders_of_two_machines_become_that_of_one() {
    let here = Scratch::new();
    let with = |further: &[&str]| -> Vec<String> {
        let fixed =
            ["compare", "--env", "task-schedule", "--agents", "ga,random", "--trials", "8", "--quiet"];
        fixed.iter().chain(further).map(|word| (*word).to_owned()).collect()
    };
    let data = |further: &[&str]| {
        let words = with(further);
        here.data(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refused = |further: &[&str]| {
        let words = with(further);
        here.complaint(2, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let whole = data(&["--seeds", "3..7", "--out", "whole"]);
    assert!(whole.contains("n = 4 seeds (3 to 6)"), "{whole}");
    data(&["--seeds", "3..6", "--out", "a"]);
    data(&["--seeds", "5..7", "--out", "b"]);
    let merged = data(&["--seeds", "3..7", "--out", "merged", "--merge", "a", "b"]);
    assert_eq!(without_costs(&merged), without_costs(&whole).replace("whole/", "merged/"));
    for table in ["results.csv", "results.parquet", "summary.csv", "pairs.csv", "ranks.svg"] {
        let bytes = |folder: &str| fs::read(here.path(&format!("{folder}/{table}"))).unwrap();
        assert!(bytes("merged") == bytes("whole"), "{table}");
    }
    // Another seed's run under the name of this one is another experiment, a run of other trials is a contradiction.
    let log = "b/task-schedule/ga/5/trials.jsonl";
    let (there, other) = (here.read(log), here.read("b/task-schedule/ga/6/trials.jsonl"));
    here.write(log, &other);
    let complaint = refused(&["--seeds", "3..7", "--out", "again", "--merge", "a", "b"]);
    assert!(complaint.contains("b/task-schedule/ga/5"), "{complaint}");
    let mut lines: Vec<&str> = there.lines().collect();
    lines.swap(1, 2);
    here.write(log, &(lines.join("\n") + "\n"));
    let complaint = refused(&["--seeds", "3..7", "--out", "again", "--merge", "a", "b"]);
    assert!(
        complaint.contains(
            "a/task-schedule/ga/5 and b/task-schedule/ga/5 are the same run, but differ in trial 0"
        ),
        "{complaint}"
    );
    let complaint = refused(&["--seeds", "0..2", "--out", "again", "--merge", "a"]);
    assert!(complaint.contains("a: holds no run of this comparison"), "{complaint}");
}

/// Claim: a reference that is fixed is where volumes end, in the unit that it is written in; fronts have their distances beside it; every pair
/// is shown if it is asked for; what is no objective is named.
#[test]
fn a_reference_can_be_fixed_and_pairs_be_shown() {
    let here = Scratch::new();
    let table = here.data(&arguments(&[
        "--trials",
        "12",
        "--out",
        "c",
        "--reference",
        "latency_s=900 ms",
        "--all-pairs",
    ]));
    assert!(table.contains("; reference latency_s = 9.0000e-1, energy_j = "), "{table}");
    assert!(table.contains("IGD+") && table.contains("log10 of missing volume"), "{table}");
    assert!(table.contains("pairs: the same test") && table.contains("warning: with 2 seeds"), "{table}");
    let ranks = fs::read_to_string(here.path("c/ranks.svg")).unwrap();
    fs::remove_file(here.path("c/ranks.png")).unwrap();
    here.data(&["plot", "c"]);
    assert!(is_png(&here.path("c/ranks.png")));
    assert_eq!(fs::read_to_string(here.path("c/ranks.svg")).unwrap(), ranks);
    assert_eq!(fs::read_to_string(here.path("c/reference.txt")).unwrap(), "latency_s=900.0 ms\n");
    let refused = here.complaint(2, &arguments(&["--out", "d", "--reference", "latency=1"]));
    assert!(
        refused.contains("reference `latency=1.0`: expected an objective such as `latency_s`"),
        "{refused}"
    );
    let refused = here.complaint(2, &arguments(&["--out", "d", "--reference", "latency_s=1 mm2"]));
    assert!(refused.contains("expected a value in `s`"), "{refused}");
    assert!(!here.path("d").exists());
}

/// Claim: an agent that differs by far is decided on before the seeds are used up and is run no more; a copy of another never is.
#[test]
fn seeds_are_run_until_it_is_decided() {
    let here = Scratch::new();
    let fixed = [
        "compare",
        "--env",
        "task-schedule",
        "--agent",
        "bad=grid",
        "--agent",
        "one=ga",
        "--agent",
        "other=ga",
    ];
    let rest = ["--seeds", "14", "--trials", "20", "--out", "c"];
    let done = here.run(&[fixed.as_slice(), &rest, &["--until-decided=4"]].concat());
    let table = done.data;
    assert!(done.notes.contains("used up all seeds; 1 pairs are not decided"), "{}", done.notes);
    assert!(done.notes.contains("seeds 12 to 13 do not fill a stage, and were not run"), "{}", done.notes);
    assert!(table.contains("no p: seeds") || !table.contains("won-lost"), "{table}");
    for row in ["bad one one 8", "bad other other 8", "one other not shown 12"] {
        let row = format!("task-schedule {row}");
        let is_there = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") == row;
        assert!(table.lines().any(is_there), "{row}\n{table}");
    }
    assert!(here.path("c/task-schedule/one/11").exists() && !here.path("c/task-schedule/bad/11").exists());
    let refused = here.complaint(2, &[fixed.as_slice(), &rest, &["--until-decided=15"]].concat());
    assert!(
        refused.contains("14 seeds in stages of 15 cannot show any difference: that takes 15 seeds at least"),
        "{refused}"
    );
    let few = ["--seeds", "5", "--trials", "4", "--out", "d", "--until-decided=1"];
    let refused = here.complaint(2, &[fixed.as_slice(), &few].concat());
    assert!(refused.contains("hint: give it more seeds: `--seeds 6`"), "{refused}");
    let lone = ["compare", "--env", "task-schedule", "--agents", "ga", "--out", "d", "--until-decided"];
    let refused = here.complaint(2, &lone);
    assert!(refused.contains("nothing to compare: no second agent"), "{refused}");
    let several =
        ["--agents", "ga,random", "--seeds", "6", "--trials", "4", "--out", "d", "--until-decided=1"];
    let several = [["compare", "--env", "edge-accelerator"].as_slice(), &several].concat();
    let refused = here.complaint(2, &several);
    assert!(refused.contains("reference `none for latency_s`: expected a fixed one"), "{refused}");
}

/// Claim: one agent alone is tested against nobody, so no number of seeds is asked for.
#[test]
fn a_lone_agent_is_warned_of_nothing() {
    let here = Scratch::new();
    let table = here.data(&[
        "compare",
        "--env",
        "recorded-kernel",
        "--agents",
        "random",
        "--seeds",
        "2",
        "--trials",
        "6",
        "--quiet",
        "--out",
        "c",
    ]);
    assert!(!table.contains("warning"), "{table}");
}

/// Claim: a picture of ranks is of finished runs alone.
#[test]
fn a_comparison_that_is_not_finished_is_not_drawn() {
    let here = Scratch::new();
    let fixed =
        ["compare", "--env", "task-schedule", "--agents", "ga,random", "--seeds", "2", "--trials", "4"];
    here.data(&[fixed.as_slice(), &["--out", "c"]].concat());
    let log = here.path("c/task-schedule/ga/1/trials.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    let cut = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&log, &text[..cut]).unwrap();
    let refused = here.complaint(2, &["plot", "c"]);
    assert!(refused.contains("ga/1: not finished") && refused.contains("hint: "), "{refused}");
}

/// Claim: a part of the least leaderboard is run and counted, and runs of an agent that would propose other designs are refused.
#[test]
fn a_part_of_a_leaderboard_is_run_unless_what_is_there_is_stale() {
    let here = Scratch::new();
    let part = [
        "leaderboard",
        "--seeds",
        "1",
        "--trials",
        "2",
        "--data",
        "runs",
        "--quiet",
        "--json",
        "--shard",
        "0/13",
    ];
    let done: Value = serde_json::from_str(&here.data(&part)).unwrap();
    assert!(done["done"].as_u64() > Some(13) && done["held"] == 0, "{done}");
    let runs = fs::read_dir(here.path("runs/one-objective/edge")).unwrap();
    let logs: Vec<_> = runs.map(|agent| agent.unwrap().path().join("0/trials.jsonl")).collect();
    let [one, other] = [0, 1].map(|place| fs::read_to_string(&logs[place]).unwrap());
    let trials = other.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    fs::write(&logs[0], format!("{}\n{trials}", one.lines().next().unwrap())).unwrap();
    let refused = here.complaint(3, &part);
    assert!(refused.contains("made by another version"), "{refused}");
}
