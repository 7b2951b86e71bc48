//! Which rows of a data set are learned from, and which are kept back.

use super::*;

fn quality(worst: f64, band: f64, unranked: f64) -> SplitBy {
    SplitBy::Quality {
        objective: Objective::minimize("cost"),
        constraints: Vec::new(),
        worst,
        band,
        unranked,
    }
}

fn costs<'a>(dataset: &'a Dataset, indices: &'a [usize], workload: usize) -> Vec<f64> {
    let rows = indices.iter().map(|&index| &dataset.rows()[index]).filter(|row| row.workload == workload);
    rows.filter_map(|row| row.outcome.metrics()).map(|metrics| metrics[0]).collect()
}

fn covers_all_rows_once(split: &Split, n: usize) -> bool {
    let mut all: Vec<usize> =
        [&split.train, &split.validation, &split.hidden].into_iter().flatten().copied().collect();
    all.sort_unstable();
    all == (0..n).collect::<Vec<_>>()
}

/// In every workload all that is trained on is worse than all that validates, and that than all that is hidden; the
/// infeasible are never hidden. 24 of 32 designs are feasible: half of them is 12, and 0.8 of them 19.2.
#[test]
fn a_split_by_quality_hides_the_best_of_each_workload() {
    let (_folder, dataset) = generated(&["small", "enormous"], 32);
    let split = dataset.split(&[quality(0.5, 0.3, 0.25)], Seed::new(1)).unwrap();
    assert!(covers_all_rows_once(&split, 64));
    for workload in 0..2 {
        let [train, validation, hidden] =
            [&split.train, &split.validation, &split.hidden].map(|part| costs(&dataset, part, workload));
        let (least, most) = (
            |of: &[f64]| of.iter().copied().fold(f64::INFINITY, f64::min),
            |of: &[f64]| of.iter().copied().fold(0.0, f64::max),
        );
        assert!(least(&train) > most(&validation) && least(&validation) > most(&hidden));
        // Two designs share each cost (the order has no bearing), so a pair may stay together on the worse side.
        assert!((12..=13).contains(&train.len()), "{}", train.len());
        assert!((19..=20).contains(&(train.len() + validation.len())));
    }
    let is_infeasible = |&&index: &&usize| !dataset.rows()[index].is_feasible();
    assert_eq!(split.hidden.iter().filter(is_infeasible).count(), 0);
    let of_validation = split.validation.iter().filter(is_infeasible).count();
    assert!(
        (1..=9).contains(&of_validation),
        "a quarter of 16, within 2.5 deviations of 1.7: {of_validation}"
    );
    assert_eq!(
        dataset.split(&[quality(0.5, 0.3, 0.25)], Seed::new(1)).unwrap(),
        split,
        "the same seed, the same split"
    );
    assert_ne!(dataset.split(&[quality(0.5, 0.3, 0.25)], Seed::new(2)).unwrap(), split);
}

/// A design outside a constraint of the problem is as one that is infeasible: it has no rank.
#[test]
fn what_a_constraint_refuses_is_never_hidden() {
    let (_folder, dataset) = generated(&["small"], 32);
    let by = SplitBy::Quality {
        objective: Objective::minimize("cost"),
        constraints: vec![Constraint::at_most("rate", 0.5)],
        worst: 0.5,
        band: 0.2,
        unranked: 0.0,
    };
    let split = dataset.split(&[by], Seed::new(1)).unwrap();
    assert!(!split.hidden.is_empty());
    for &index in &split.hidden {
        assert!(dataset.rows()[index].outcome.metrics().unwrap()[1] <= 0.5);
    }
}

#[test]
fn workloads_and_levels_are_held_out_whole() {
    let (_folder, dataset) = generated(&["small", "enormous", "mid"], 32);
    let by_workload =
        SplitBy::Workload { hidden: vec!["enormous".to_owned()], validation: vec!["mid".to_owned()] };
    let split = dataset.split(std::slice::from_ref(&by_workload), Seed::new(0)).unwrap();
    let part =
        |rows: &[usize]| rows.iter().map(|&index| dataset.rows()[index].workload).collect::<BTreeSet<_>>();
    assert_eq!(
        [part(&split.train), part(&split.validation), part(&split.hidden)],
        [[0], [2], [1]].map(BTreeSet::from)
    );

    let by_level = SplitBy::Architecture {
        parameter: "rows".to_owned(),
        hidden: vec![Value::from(2), Value::from(3)],
        validation: Vec::new(),
    };
    let split = dataset.split(std::slice::from_ref(&by_level), Seed::new(0)).unwrap();
    let rows = |index: &usize| dataset.rows()[*index].design.levels()[0];
    assert!(split.hidden.iter().all(|index| matches!(rows(index), 2 | 3)));
    assert!(split.train.iter().all(|index| !matches!(rows(index), 2 | 3)));

    // Zero-shot as in the paper: what is trained on is of the other workloads, and bad there.
    let both = dataset.split(&[by_workload, quality(0.5, 0.3, 0.0)], Seed::new(0)).unwrap();
    assert!(covers_all_rows_once(&both, 96));
    assert_eq!(part(&both.train), BTreeSet::from([0]));
    let hidden_of_first = costs(&dataset, &both.hidden, 0);
    assert!(
        !hidden_of_first.is_empty()
            && costs(&dataset, &both.train, 0).iter().all(|cost| cost > &hidden_of_first[0])
    );
}

#[test]
fn a_split_that_cannot_be_is_refused_by_name() {
    let (_folder, dataset) = generated(&["small"], 32);
    let refused = |by: SplitBy| dataset.split(&[by], Seed::new(0)).unwrap_err().to_string();
    let workload = |name: &str| SplitBy::Workload { hidden: vec![name.to_owned()], validation: Vec::new() };
    assert_eq!(refused(workload("smal")), "unknown workload `smal`; did you mean `small`?");
    assert_eq!(refused(workload("small")), "no row is left to train on");
    let level = |value: i64| SplitBy::Architecture {
        parameter: "rows".to_owned(),
        hidden: vec![Value::from(value)],
        validation: Vec::new(),
    };
    assert_eq!(refused(level(8)), "parameter `rows`: 8 is not a level; levels are 0..=7");
    assert_eq!(refused(quality(0.0, 0.5, 0.0)), "`worst`: 0, expected a share above 0 and below 1");
    assert_eq!(
        refused(quality(0.7, 0.5, 0.0)),
        "`band`: 0.5, expected a share of at least 0, with `worst` at most 1"
    );
    assert_eq!(refused(quality(0.5, 0.5, 0.0)), "no row is hidden, so nothing could be reported on");
    assert!(matches!(dataset.split(&[], Seed::new(0)), Err(SplitError::NoRule)));
}

/// What learners are given: every row that is not hidden, under its workload and context.
#[test]
fn learners_are_given_what_is_not_hidden() {
    let (_folder, dataset) = generated(&["small", "enormous"], 32);
    let split = dataset.split(&[quality(0.5, 0.3, 0.25)], Seed::new(1)).unwrap();
    let goal = Goal { objectives: vec![Objective::minimize("cost")], constraints: Vec::new() };
    let data = dataset.training_data(&split, &dataset.problem(goal).unwrap()).unwrap();
    assert_eq!(data.context_names(), ["ln_size"]);
    assert_eq!(data.train()[1].workload.context, [8f64.ln()]);
    assert_eq!(data.n_trials().0, split.train.len());
    let validation: usize = data.validation().iter().map(|task| task.trials.len()).sum();
    assert_eq!(validation, split.validation.len());
}
