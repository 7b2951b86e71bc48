//! The data set under `data/datasets`: it can be read, it is what its environment says, and it is what its page claims.

use std::path::Path;

use tapeout::core::Objective;
use tapeout::core::{Outcome, Seed};
use tapeout::experiment::dataset::{Dataset, SplitBy};

fn committed() -> Dataset {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/datasets/edge-accelerator");
    Dataset::read(&tapeout::builtin(), &folder).expect("the committed data set is whole")
}

/// The environment moves a last digit where the platform's `pow` does. Ours: far below any difference between two designs.
const TOLERANCE: f64 = 1e-9;

/// Every 400th row is evaluated again. Fails when the environment's numbers have changed since: generate the set anew, by the
/// command in `data/MANIFEST.toml`.
#[test]
fn the_committed_data_set_is_what_its_environment_says() {
    let dataset = committed();
    let catalog = tapeout::builtin();
    for (index, workload) in dataset.workloads().iter().enumerate() {
        let spec = dataset.env_of(index);
        let entry = catalog.env(&spec.id).expect("the environment is built in");
        assert_eq!(spec.version, Some(entry.version));
        let (env, _) = catalog
            .build_env(entry.id, &serde_json::Value::Object(spec.config))
            .expect("the settings are its own");
        assert_eq!(env.context(), workload.context);
        for row in dataset.rows().iter().filter(|row| row.workload == index).step_by(400) {
            let again = env.evaluate(&row.design).expect("the simulator does not fail");
            let is_near = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * b.abs();
            let agrees = match (&again, &row.outcome) {
                (Outcome::Measured(a), Outcome::Measured(b)) => a.iter().zip(b).all(|(&a, &b)| is_near(a, b)),
                (
                    Outcome::Infeasible { rule: a, violation },
                    Outcome::Infeasible { rule: b, violation: logged },
                ) => a == b && is_near(*violation, *logged),
                _ => false,
            };
            assert!(
                agrees,
                "{}, trial {}: {again:?}, in the table {:?}",
                workload.name, row.trial, row.outcome
            );
        }
    }
}

/// Claim of the page: nine workloads in the roles of PRIME's, 2,000 designs each, most of them infeasible, as in PRIME's
/// logs, where it is 70 to 90 % (Kumar et al. 2022, arXiv 2110.11346); enough of the others to learn from and to hide.
#[test]
fn the_committed_data_set_has_nine_workloads_to_learn_from() {
    let dataset = committed();
    let overviews = dataset.overviews();
    assert_eq!(overviews.len(), 1 + 9);
    for overview in &overviews[1..] {
        assert_eq!(overview.rows, 2000);
        let share = overview.infeasible as f64 / overview.rows as f64;
        assert!((0.7..=0.92).contains(&share), "{:?}: {share}", overview.workload);
    }
    let by = SplitBy::Quality {
        objective: Objective::minimize("latency_s"),
        constraints: Vec::new(),
        worst: 0.5,
        band: 0.3,
        unranked: 0.1,
    };
    let split = dataset.split(&[by], Seed::new(0)).expect("there is something to hide");
    let n_hidden =
        |index: usize| split.hidden.iter().filter(|&&row| dataset.rows()[row].workload == index).count();
    assert!((0..9).all(|index| n_hidden(index) >= 20), "a fifth of the feasible, but for ties");
}
