//! What is listed and described, and how the program speaks: data on one stream, the rest on the other.

use std::fs::File;
use std::process::Stdio;

use crate::scratch::{Done, Scratch};
use serde_json::Value;

#[test]
fn lists_name_everything_that_is_registered() {
    let here = Scratch::new();
    let listed = here.data(&["list"]);
    let catalog = tapeout::builtin();
    for id in (catalog.envs().iter().map(|entry| entry.id))
        .chain(catalog.agents().iter().map(|entry| entry.id))
        .chain(catalog.learners().iter().map(|entry| entry.id))
    {
        assert!(listed.lines().any(|line| line.split_whitespace().next() == Some(id)), "{id}\n{listed}");
    }
    let json: Value = serde_json::from_str(&here.data(&["list", "--json"])).unwrap();
    assert_eq!(json["envs"].as_array().unwrap().len(), catalog.envs().len());
    let only: Value = serde_json::from_str(&here.data(&["list", "agents", "--json"])).unwrap();
    assert_eq!(only.as_object().unwrap().keys().collect::<Vec<_>>(), ["schema", "agents"]);
}

// PRIME's template has 452,760,000 designs: 10 * 10 * 7 * 7 * 10 * 11 * 7 * 4 * 5 * 6 levels.
#[test]
fn the_default_environment_is_described_down_to_its_levels() {
    let here = Scratch::new();
    let page = here.data(&["describe", "edge-accelerator"]);
    for text in
        ["452,760,000 legal designs", "latency_s", "energy_j", "area_m2", "[env.config]", "min:latency_s"]
    {
        assert!(page.contains(text), "{text}\n{page}");
    }
    let json: Value = serde_json::from_str(&here.data(&["describe", "edge-accelerator", "--json"])).unwrap();
    assert_eq!(json["pages"][0]["parameters"].as_array().unwrap().len(), 10);
    assert_eq!(json["pages"][0]["designs"], "452760000");
}

// Three levels of one parameter; PRIME's space is another.
#[test]
fn an_environment_is_described_as_its_file_and_settings_make_it() {
    let here = Scratch::new();
    here.write(
        "mine.toml",
        r#"
        schema = 1
        parameters.ways = { levels = [1, 2, 4] }
        metrics.misses = { about = "misses" }
        goal.objectives = ["misses"]
        command = { run = ["true", "{ways}"], design = "arguments" }
        "#,
    );
    let page = here.data(&["describe", "command", "mine.toml"]);
    assert!(page.contains("3 legal designs"), "{page}");
    let page = here.data(&["describe", "dram-controller", "--set", "env.space=powers"]);
    assert!(page.contains("442,368 legal designs"), "{page}");
    let refused = here.complaint(2, &["describe", "edge-accelerator", "mine.toml"]);
    assert!(refused.contains("hint: a file goes with"), "{refused}");
}

const ALEXNET: &str = "\
# alexnet (network)

AlexNet, 227x227, batch 1, two groups in CONV2, CONV4 and CONV5

Source: Krizhevsky, Sutskever and Hinton, NIPS 2012, section 3.5; input 227 as in the Caffe reference model

Notes: The network Eyeriss was measured on: the two-GPU original with grouped convolutions, not the one-tower variant of torchvision (61,100,840 parameters).

724,406,816 MACs, 60,965,224 parameters

layer   runs   shape                                               MACs of all runs      weights
------------------------------------------------------------------------------------------------
conv1      1   conv 11x11, 3 -> 96 channels of 55x55, stride 4x4        105,415,200       34,848
conv2      1   conv 5x5, 96 -> 256 channels of 27x27, 2 groups          223,948,800      307,200
conv3      1   conv 3x3, 256 -> 384 channels of 13x13                   149,520,384      884,736
conv4      1   conv 3x3, 384 -> 384 channels of 13x13, 2 groups         112,140,288      663,552
conv5      1   conv 3x3, 384 -> 256 channels of 13x13, 2 groups          74,760,192      442,368
fc6        1   matmul 1x9216 by 9216x4096 weights                        37,748,736   37,748,736
fc7        1   matmul 1x4096 by 4096x4096 weights                        16,777,216   16,777,216
fc8        1   matmul 1x4096 by 4096x1000 weights                         4,096,000    4,096,000
";

#[test]
fn a_network_is_described_layer_by_layer() {
    let page = Scratch::new().data(&["describe", "alexnet"]);
    assert_eq!(page, ALEXNET);
}

#[test]
fn every_entry_has_a_page_that_is_also_json() {
    let here = Scratch::new();
    for agent in tapeout::builtin().agents() {
        assert!(here.data(&["describe", agent.id]).contains(agent.summary), "{}", agent.id);
        let json: Value = serde_json::from_str(&here.data(&["describe", agent.id, "--json"])).unwrap();
        // An environment may have the same name.
        let pages = json["pages"].as_array().unwrap().iter();
        let config: Vec<&Value> =
            pages.filter(|page| page["kind"] == "agent").map(|page| &page["config"]).collect();
        assert_eq!(config, [&agent.defaults()]);
    }
}

#[test]
fn an_unknown_name_suggests_the_nearest_of_all_kinds() {
    let here = Scratch::new();
    assert_eq!(
        here.complaint(2, &["describe", "resnet5"]),
        "error: unknown name `resnet5`; did you mean `resnet50`?\nhint: all names are listed by `tapeout list`\n"
    );
    assert!(here.complaint(2, &["describe", "nsga"]).contains("did you mean `nsga2`?"));
    assert!(here.complaint(2, &["serach"]).contains("'search'"));
}

#[test]
fn completions_are_scripts_that_ask_the_program() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Scratch::new().data(&["completions", shell]);
        assert!(script.contains("tapeout") && script.contains("COMPLETE"), "{shell}: {script}");
    }
}

#[test]
fn help_states_the_exit_codes() {
    let help = Scratch::new().data(&["--help"]);
    for line in
        ["0    done", "1    something failed", "2    the command line", "3    a check", "130  interrupted"]
    {
        assert!(help.contains(line), "{line}\n{help}");
    }
}

// Claim: `tapeout list | head` is no failure. The reader is gone before the program starts, so its first write fails.
#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    for arguments in [&["list"][..], &["describe", "nsga2"], &["completions", "bash"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Scratch::new().command().args(arguments).stdout(writer).output().unwrap();
        let done = Done::of(&output);
        assert_eq!((done.exit, done.notes.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Scratch::new().command().arg("list").stdout(Stdio::from(full)).output().unwrap();
    let done = Done::of(&output);
    assert_eq!(done.exit, Some(1));
    assert_eq!(
        done.notes,
        "error: cannot write to the standard output\n  caused by: No space left on device (os error 28)\n"
    );
}

/// Claim: there is a man page for the program and for every command that it shows, in the macros of man(7).
#[test]
fn every_command_has_a_man_page() {
    let here = Scratch::new();
    here.data(&["man", "pages"]);
    let page = here.read("pages/tapeout.1");
    assert!(page.contains(".TH tapeout 1"), "{page}");
    for command in ["search", "resume", "watch", "dataset-generate"] {
        let page = here.read(&format!("pages/tapeout-{command}.1"));
        assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH OPTIONS"), "{page}");
    }
    assert!(here.read("pages/tapeout-resume.1").contains("retry"), "its flags are there");
}
