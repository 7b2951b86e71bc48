//! What a run costs beside evaluation, per 10,000 trials: agents of the catalog on an environment that takes no time.
//!
//! Everything else is in it: proposing, looking duplicates up, the durable log, progress, the summary.

use std::num::NonZeroUsize;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};
use tapeout::core::check::toy::Toy;
use tapeout::core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EnvEntry, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout::experiment::{Budget, Experiment, RunOptions, Spec, resume, run};
use tempfile::TempDir;

const TRIALS: usize = 10_000;

/// The toy trade-off, by name.
struct Tradeoff(Toy);

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct NoConfig {}

impl Env for Tradeoff {
    fn space(&self) -> &DesignSpace {
        self.0.space()
    }

    fn metrics(&self) -> &[Metric] {
        self.0.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        self.0.evaluate(design)
    }
}

impl BuildEnv for Tradeoff {
    const ID: &'static str = "tradeoff";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "two metrics in conflict";
    const DESCRIPTION: &'static str = "";
    type Config = NoConfig;

    fn build(_: NoConfig) -> Result<Self, ConfigError> {
        Ok(Self(Toy::tradeoff()))
    }

    fn default_goal(&self) -> Goal {
        let objectives = vec![Objective::minimize("cost"), Objective::minimize("time")];
        Goal { objectives, constraints: Vec::new() }
    }
}

fn threads(count: usize) -> RunOptions<'static> {
    RunOptions {
        threads: NonZeroUsize::new(count).expect("at least one thread"),
        interrupt: None,
        ..RunOptions::default()
    }
}

fn overhead(criterion: &mut Criterion) {
    let catalog = tapeout::builtin().with_env(EnvEntry::of::<Tradeoff>());
    let budget = Budget::trials(NonZeroUsize::new(TRIALS).expect("at least one trial"));
    let mut group = criterion.benchmark_group("loop_10000_trials");
    group.sample_size(10);
    for agent in ["random", "nsga2"] {
        let spec = Spec::new("tradeoff", agent, budget.clone());
        let experiment = Experiment::prepare(&catalog, spec).expect("the spec is good");
        let run_in = |folder: TempDir, count| {
            run(&experiment, folder.path(), &threads(count), &mut ()).expect("the run ends in good order");
            folder
        };
        let folder = || TempDir::new().expect("a folder");
        for count in [1, 2] {
            group.bench_function(format!("{agent}_{count}_threads"), |bencher| {
                bencher.iter_batched(folder, |folder| run_in(folder, count), BatchSize::PerIteration);
            });
        }
        let finished = run_in(folder(), 1);
        group.bench_function(format!("{agent}_resume_finished"), |bencher| {
            bencher.iter(|| {
                resume(&catalog, finished.path(), None, &threads(1), &mut ()).expect("nothing is left")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
