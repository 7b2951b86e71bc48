//! The model against Timeloop 4cf6d4c, case by case.

use serde_json::{Value, json};
use tapeout_simulators::loop_nest::timeloop;

fn assert_agrees(json: &str, n_cases: usize) {
    let report = timeloop::check(json).expect("the file is readable");
    let shown: Vec<String> = report.differences.iter().take(20).map(ToString::to_string).collect();
    assert!(report.differences.is_empty(), "{} cases differ:\n{}", report.n_failed, shown.join("\n"));
    assert_eq!(report.n_cases, n_cases);
    assert!(report.n_values > 50 * n_cases, "only {} values were compared", report.n_values);
}

#[test]
fn hand_written_cases_agree_with_timeloop() {
    assert_agrees(include_str!("../golden/timeloop_hand.json"), 24);
}

#[test]
fn random_mappings_agree_with_timeloop() {
    assert_agrees(include_str!("../golden/timeloop_random.json"), 150);
}

// Remainders over instances, tensors in the order of the problem, links, clusters; a capacity in the words of another program.
#[test]
fn cases_that_differed_once_agree_with_timeloop() {
    assert_agrees(include_str!("../golden/timeloop_differences.json"), 6);
}

/// Cycles of runs that DOSA published, of an older version.
#[test]
fn an_older_timeloop_fills_levels_with_first_partial_sums() {
    let json = include_str!("../golden/timeloop_dosa.json");
    let report = timeloop::check(json).expect("the file is readable");
    assert_eq!((report.n_cases, report.n_values, report.n_failed), (60, 60, 0), "{:?}", report.differences);
    // It is this that makes them agree: bandwidth limits four in ten of them, and there the later version is faster.
    let later = timeloop::check(&json.replace("\"first_sums_filled\": true", "\"first_sums_filled\": false"));
    assert!(later.expect("readable").n_failed > 20);
}

/// The differences of the rejected case `tl92-neg-fanout` after `edit`, if Timeloop had said `message`.
fn rejected(message: &str, edit: impl Fn(&mut Value)) -> Vec<String> {
    let mut file: Value = serde_json::from_str(include_str!("../golden/timeloop_hand.json")).expect("JSON");
    let cases = file["cases"].as_array_mut().expect("a list");
    cases.retain(|case| case["id"] == "tl92-neg-fanout");
    edit(&mut cases[0]["mapping"]);
    cases[0]["expected"]["timeloop_message"] = json!(message);
    let report = timeloop::check(&file.to_string()).expect("readable");
    assert_eq!((report.n_cases, report.n_values), (1, 1));
    report.differences.iter().map(ToString::to_string).collect()
}

// 16 x 8 units on a chip of 64: Timeloop looks at the number of units before their rows. 8 x 4 units with K in factors of
// 8 and 2: 16 points of 32. Messages as `arithmetic.hpp` and `mapping-parser.cpp` of Timeloop have them.
#[test]
fn a_mapping_must_be_rejected_with_the_numbers_of_timeloop() {
    let more_rows = |mapping: &mut Value| mapping[1]["spatial_y"] = json!([["C", 8]]);
    let units =
        "ERROR: couldn't map level MAC: mapped max Arithmetic instances 128 exceeds hardware instances 64";
    assert_eq!(rejected(units, more_rows), [""; 0]);
    let too_few = |mapping: &mut Value| mapping[1]["spatial_x"] = json!([["K", 8]]);
    let factors = "ERROR: parsing mapping: product of all factors of dimension K is 16, which is not equal to the \
                   dimension size of the workload 32.";
    assert_eq!(rejected(factors, too_few), [""; 0]);
    let other = rejected(&factors.replace("16", "24"), too_few);
    assert!(other[0].contains("dimension `K`: the loops cover 16 points, expected 32"), "{other:?}");
    assert_eq!(rejected(&units.replace("128", "96"), more_rows).len(), 1);
}
