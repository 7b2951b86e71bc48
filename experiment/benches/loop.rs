//! What the loop costs beside evaluation: random search over a toy that takes no time, per 10,000 trials.

#[path = "../tests/toys/mod.rs"]
mod toys;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tapeout_experiment::{Experiment, resume, run};
use tempfile::TempDir;
use toys::{catalog, spec, threads};

const TRIALS: usize = 10_000;

fn experiment() -> Experiment {
    let mut spec = spec("tradeoff", "random", TRIALS);
    spec.batch = tapeout_experiment::spec::DEFAULT_BATCH;
    Experiment::prepare(&catalog(), spec).expect("the spec is good")
}

fn overhead(criterion: &mut Criterion) {
    let experiment = experiment();
    let mut group = criterion.benchmark_group("loop_10000_trials");
    group.sample_size(10);
    for n in [1, 2] {
        group.bench_function(format!("run_{n}_threads"), |bencher| {
            let run_in = |folder: TempDir| {
                run(&experiment, folder.path(), &threads(n), &mut ()).expect("the run ends in good order");
                folder
            };
            bencher.iter_batched(|| TempDir::new().expect("a folder"), run_in, BatchSize::PerIteration);
        });
    }
    let finished = TempDir::new().expect("a folder");
    run(&experiment, finished.path(), &threads(1), &mut ()).expect("the run ends in good order");
    group.bench_function("resume_finished", |bencher| {
        bencher.iter(|| {
            resume(&catalog(), finished.path(), None, &threads(1), &mut ()).expect("nothing is left")
        });
    });
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
