//! A search in memory, of an environment that no catalog need know.

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tapeout::core::check::toy::Toy;
use tapeout::experiment::{Budget, Experiment, RunOptions, Spec, log::MemoryLog, search};
use tapeout::prelude::*;

/// Distinct designs that are evaluated.
const TRIALS: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not 0");

fn main() -> Result<(), Box<dyn Error>> {
    let (env, goal) =
        (Toy::bowl(), Goal { objectives: vec![Objective::minimize("distance")], ..Goal::default() });
    let spec = Spec::new("bowl", "random", Budget::trials(TRIALS));
    let experiment = Experiment::with_env(&tapeout::builtin(), spec, Arc::new(env), goal)?;
    let found = search(&experiment, &mut MemoryLog::default(), &RunOptions::default(), &mut ())?;

    let best = &found.summary.best[0];
    // 1.58 % of the space lies nearer than 40 to the optimum: a thousand draws all miss it with odds of 10^-7.
    assert!(best.value < 40.0, "a thousand random designs of the toy came no nearer than {}", best.value);
    assert_eq!(found.run.trials().len(), TRIALS.get());
    Ok(())
}
