//! The model against Timeloop 4cf6d4c, case by case.

use serde_json::{Value, json};
use tapeout_simulators::loop_nest::{
    Architecture, Einsum, Evaluator, Level, LevelMapping, Loop, Mac, Mapping, Network, Quirks, Report,
    TensorSet, TensorSpec, Workspace, timeloop,
};

use crate::machine::level;

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
fn runs_of_an_older_timeloop_take_the_cycles_that_dosa_published() {
    let json = include_str!("../golden/timeloop_dosa.json");
    let report = timeloop::check(json).expect("the file is readable");
    assert_eq!((report.n_cases, report.n_values, report.n_failed), (63, 63, 0), "{:?}", report.differences);
    // It is this that makes them agree: bandwidth limits four in ten of them, and there the later version is faster.
    let later = timeloop::check(&json.replace("\"older\": true", "\"older\": false"));
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

/// `Z[M] += A[M][K]` for M = 8, K = 2, with K outside: four buffers of one word each in a row below DRAM, which cannot add.
fn sums_that_travel(quirks: Quirks) -> Report {
    let tensors =
        [TensorSpec::input("A", &[&[("M", 1)], &[("K", 1)]]), TensorSpec::output("Z", &[&[("M", 1)]])];
    let einsum = Einsum::new(&[("M", 8), ("K", 2)], &tensors).expect("well formed");
    let mac = Mac { instances: 4, mesh_x: 4, word_bits: 8, energy_j: 0.0, area_m2: None };
    let network = Network { hop_j: 1.0, router_j: 100.0, ..Network::default() };
    let dram = Level { reduces_in_place: false, network, ..level("DRAM", 1, 1) };
    let architecture = Architecture::new(mac, vec![level("Buffer", 4, 4), dram]).expect("well formed");
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); 2] };
    mapping.levels.iter_mut().for_each(|level| level.keep = TensorSet::all(2));
    mapping.levels[1].spatial_x = vec![Loop::new(0, 4)];
    mapping.levels[1].temporal = vec![Loop::new(1, 2), Loop::new(0, 2)];
    let mut report = Report::new();
    let nest = Evaluator::new(&architecture, &einsum, quirks).expect("small");
    nest.evaluate(&mapping, &mut Workspace::new(), &mut report).expect("legal");
    report
}

// 16 sums go up, 8 come down again: 24 words enter the network. To four columns of one row a word makes 1.5 hops on average, past
// two routers: 36 hops and 48 passes. Timeloop lets the 24 words share the 24 hops of 16, one each: two routers still.
#[test]
fn sums_that_travel_both_ways_make_the_hops_of_one_way_in_timeloop() {
    let energy_j = |quirks| sums_that_travel(quirks).tensor(1, 1).network.energy_j;
    assert_eq!(sums_that_travel(Quirks::default()).tensor(1, 1).network.ingresses, 24);
    assert_eq!(energy_j(Quirks::default()), 36.0 + 4_800.0);
    assert_eq!(energy_j(Quirks { hops_one_way: true, ..Quirks::default() }), 24.0 + 4_800.0);
}

// A buffer holds four sums one after the other, two of them twice; the first two of the four are new.
#[test]
fn first_sums_fill_a_level_in_older_timeloops() {
    let fills = |quirks| sums_that_travel(quirks).tensor(0, 1).fills;
    assert_eq!(fills(Quirks::timeloop_compat()), 2);
    assert_eq!(fills(Quirks::older_timeloop()), 4);
}
