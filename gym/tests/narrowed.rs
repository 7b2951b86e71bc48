//! Every agent searches a part of a space as it would the whole.

use std::num::NonZeroUsize;

use tapeout::core::{KeptLevels, Seed};
use tapeout::experiment::dataset::{Dataset, Split};
use tapeout::experiment::log::MemoryLog;
use tapeout::experiment::{Budget, Experiment, RunOptions, Spec, run, search};
use tapeout::offline::{OfflineError, Recipe, learn};

/// A recorded kernel whose parameters rules tie together, one of them fixed and one with two levels left.
fn spec(agent: &str) -> Spec {
    let mut spec = Spec::new("recorded-kernel", agent, Budget::trials(NonZeroUsize::new(60).unwrap()));
    spec.batch = NonZeroUsize::new(8).unwrap();
    spec.env.fix.insert("KWG".to_owned(), 32.into());
    spec.env.levels.insert("MDIMC".to_owned(), KeptLevels::Span("8..16".parse().unwrap()));
    spec
}

// Claim: an agent sees the narrowed space and nothing else, also where a parameter has but one level.
#[test]
fn every_agent_searches_a_narrowed_space() {
    let catalog = tapeout::builtin();
    // An agent of another program is as its program is.
    for entry in catalog.agents().iter().filter(|entry| entry.required.is_empty()) {
        let experiment = Experiment::prepare(&catalog, spec(entry.id)).unwrap();
        let problem = experiment.problem().clone();
        assert!(problem.space().cardinality() < 17_956, "the space is narrowed");
        let mut log = MemoryLog::default();
        let finished = search(&experiment, &mut log, &RunOptions::default(), &mut ());
        let finished = finished.unwrap_or_else(|error| panic!("{}: {error}", entry.id));
        assert!(finished.run.trials().len() >= 30, "{}: {} trials", entry.id, finished.run.trials().len());
        for trial in finished.run.trials() {
            let value = |name: &str| {
                let mut values = problem.space().values(&trial.design);
                values.find(|(parameter, _)| parameter.name() == name).unwrap().1.as_i64().unwrap()
            };
            assert!(value("KWG") == 32 && (8..=16).contains(&value("MDIMC")), "{}", entry.id);
        }
    }
}

// Claim: a model of a part of a space could not be asked about the whole, so none is fitted.
#[test]
fn a_data_set_of_a_part_of_a_space_is_not_learned_from() {
    let (catalog, folder) = (tapeout::builtin(), tempfile::tempdir().unwrap());
    let path = folder.path().join("run");
    run(&Experiment::prepare(&catalog, spec("random")).unwrap(), &path, &RunOptions::default(), &mut ())
        .unwrap();
    let dataset = Dataset::of_runs(&catalog, &[path]).unwrap();
    let env = dataset.env_of(0);
    let (_, goal) = catalog.build_env(&env.id, &env.config.into()).unwrap();
    let problem = dataset.problem(goal).unwrap();
    let split = Split { train: (0..dataset.rows().len()).collect(), ..Split::default() };
    let error = learn(&catalog, &dataset, &split, &problem, &Recipe::named("random-forest", Seed::new(0)))
        .unwrap_err();
    assert!(matches!(error, OfflineError::Narrowed { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("without `--fix` and `--levels`")));
}
