//! The model against Timeloop 4cf6d4c, case by case.

use tapeout_simulators::loop_nest::golden;

fn assert_agrees(json: &str, n_cases: usize) {
    let report = golden::check(json).expect("the golden file is readable");
    let shown: Vec<String> = report.differences.iter().take(20).map(ToString::to_string).collect();
    assert!(report.differences.is_empty(), "{} cases differ:\n{}", report.n_failed, shown.join("\n"));
    assert_eq!(report.n_cases, n_cases);
    assert!(report.n_values > 50 * n_cases, "only {} values were compared", report.n_values);
}

#[test]
fn hand_written_cases_agree_with_timeloop() {
    assert_agrees(include_str!("golden/timeloop_hand.json"), 24);
}

#[test]
fn random_mappings_agree_with_timeloop() {
    assert_agrees(include_str!("golden/timeloop_random.json"), 150);
}
