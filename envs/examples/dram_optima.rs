//! Simulates every different design of `dram-controller`'s small space on the built-in workloads, or on the files that are named, and
//! prints the best as JSON:
//!
//! ```sh
//! cargo run --release -p tapeout-envs --example dram_optima > data/optima/dram-controller.json
//! ```

use std::error::Error;

use tapeout_core::BuildEnv;
use tapeout_envs::{DramController, DramControllerConfig, DramOptimum, DramSpace};
use tapeout_simulators::dram::Pattern;

/// One of two threads takes the first half of the designs, so that ties go to the first.
fn optima(workload: &str, env: &DramController) -> Vec<DramOptimum> {
    let designs = env.different_designs();
    let (first, second) = designs.split_at(designs.len() / 2);
    let halves = std::thread::scope(|scope| {
        let other = scope.spawn(|| env.best_of(workload, second));
        let best = env.best_of(workload, first);
        [best, other.join().expect("the other half does not panic")]
    });
    let [best, others] = halves;
    best.into_iter()
        .zip(others)
        .map(|(one, other)| if other.value < one.value { other } else { one })
        .collect()
}

#[expect(clippy::print_stdout, reason = "its answer is what it prints")]
fn main() -> Result<(), Box<dyn Error>> {
    let space = DramSpace::Powers;
    let files: Vec<String> = std::env::args().skip(1).collect();
    let builtin = Pattern::ALL.map(|(workload, _)| {
        (
            workload.to_owned(),
            DramControllerConfig { workload: workload.to_owned(), space, ..Default::default() },
        )
    });
    let named = files.iter().map(|file| {
        (file.clone(), DramControllerConfig { trace: Some(file.clone()), space, ..Default::default() })
    });
    let configs: Vec<_> = if files.is_empty() { builtin.to_vec() } else { named.collect() };
    let mut all = Vec::new();
    for (workload, config) in configs {
        all.extend(optima(&workload, &DramController::build(config)?));
    }
    println!("{}", serde_json::to_string_pretty(&all)?);
    Ok(())
}
