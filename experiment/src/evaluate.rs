//! Evaluating designs side by side, in an order that does not depend on the number of threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPool;
use rayon::prelude::*;
use tapeout_core::{Design, Env, EvalError, Outcome};

use crate::clock::Clock;
use crate::error::RunError;

/// Pieces that a batch is cut into for each thread. Ours: enough that a thread whose designs are cheap takes over from
/// one whose designs are dear, and few enough that handing them out costs nothing beside a microsecond's evaluation.
const CHUNKS_PER_THREAD: usize = 4;

/// An outcome, and the time it took.
pub(crate) type Evaluated = (Outcome, f64);

/// Why an evaluation came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The evaluator failed.
    Error(EvalError),
    /// What it returned is no outcome.
    Contract(String),
}

/// What became of a batch: the designs before the first that failed or was not begun, and the failure if there was one.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) done: Vec<Evaluated>,
    pub(crate) failure: Option<Failure>,
}

/// Threads to evaluate on.
pub(crate) struct Evaluator {
    /// None where one thread does everything: the caller's.
    pool: Option<ThreadPool>,
    threads: usize,
    is_parallel: bool,
}

impl Evaluator {
    pub(crate) fn new(env: &dyn Env, threads: NonZeroUsize) -> Result<Self, RunError> {
        let threads = if env.is_parallel() { threads.get() } else { 1 };
        let pool = match threads {
            1 => None,
            _ => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                Some(pool.map_err(|source| RunError::Threads { threads, source })?)
            }
        };
        Ok(Self { pool, threads, is_parallel: env.is_parallel() })
    }

    /// Evaluates `designs`, and begins nothing more once `should_stop`.
    pub(crate) fn evaluate(
        &self,
        env: &dyn Env,
        designs: &[Design],
        should_stop: &(dyn Fn() -> bool + Sync),
    ) -> Evaluation {
        // One physical device is asked design by design, so that each has a time of its own.
        let n_chunks = if self.is_parallel { self.threads * CHUNKS_PER_THREAD } else { designs.len() };
        let chunks = designs.chunks(designs.len().div_ceil(n_chunks.max(1)).max(1));
        let chunks: Vec<(usize, &[Design])> = chunks.enumerate().collect();
        // What stands before the first failure is evaluated in any case, so that it can be logged.
        let first_failed = AtomicUsize::new(usize::MAX);
        let evaluate = |&(index, chunk): &(usize, &[Design])| {
            if should_stop() || index > first_failed.load(Ordering::Relaxed) {
                return Evaluation { done: Vec::new(), failure: None };
            }
            let evaluation = evaluate_chunk(env, chunk);
            if evaluation.failure.is_some() {
                first_failed.fetch_min(index, Ordering::Relaxed);
            }
            evaluation
        };
        let parts: Vec<Evaluation> = match &self.pool {
            None => chunks.iter().map(evaluate).collect(),
            Some(pool) => pool.install(|| chunks.par_iter().map(evaluate).collect()),
        };
        let mut whole = Evaluation { done: Vec::with_capacity(designs.len()), failure: None };
        for ((_, chunk), part) in chunks.into_iter().zip(parts) {
            let is_cut = part.done.len() < chunk.len();
            whole.done.extend(part.done);
            if is_cut {
                whole.failure = part.failure;
                break;
            }
        }
        whole
    }
}

fn evaluate_chunk(env: &dyn Env, designs: &[Design]) -> Evaluation {
    let clock = Clock::start();
    let results = env.evaluate_batch(designs);
    let evaluation_s = clock.elapsed_s() / designs.len() as f64;
    let mut evaluation = Evaluation { done: Vec::with_capacity(designs.len()), failure: None };
    if results.len() != designs.len() {
        let fault =
            format!("evaluate_batch returned {} results for {} designs", results.len(), designs.len());
        evaluation.failure = Some(Failure::Contract(fault));
        return evaluation;
    }
    for result in results {
        match result.map_err(Failure::Error).and_then(|outcome| checked(env, outcome)) {
            Ok(outcome) => evaluation.done.push((outcome, evaluation_s)),
            Err(failure) => {
                evaluation.failure = Some(failure);
                break;
            }
        }
    }
    evaluation
}

/// Fails on what could be neither logged nor judged.
fn checked(env: &dyn Env, outcome: Outcome) -> Result<Outcome, Failure> {
    match &outcome {
        Outcome::Measured(values) => {
            let metrics = env.metrics();
            if values.len() != metrics.len() {
                let fault = format!("{} numbers for {} metrics", values.len(), metrics.len());
                return Err(Failure::Contract(fault));
            }
            if let Some((value, metric)) = values.iter().zip(metrics).find(|(value, _)| !value.is_finite()) {
                return Err(Failure::Contract(format!("`{}` is {value}", metric.name)));
            }
        }
        Outcome::Infeasible { rule, violation } => {
            if !violation.is_finite() {
                return Err(Failure::Contract(format!("the violation of rule `{rule}` is {violation}")));
            }
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{DesignSpace, Metric};

    /// Notes how many designs each call has, and forgets the last result if asked to.
    struct Noting {
        toy: Toy,
        calls: Mutex<Vec<usize>>,
        is_parallel: bool,
        forgets: bool,
    }

    impl Env for Noting {
        fn space(&self) -> &DesignSpace {
            self.toy.space()
        }

        fn metrics(&self) -> &[Metric] {
            self.toy.metrics()
        }

        fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
            self.toy.evaluate(design)
        }

        fn evaluate_batch(&self, designs: &[Design]) -> Vec<Result<Outcome, EvalError>> {
            self.calls.lock().unwrap().push(designs.len());
            let n = designs.len() - usize::from(self.forgets);
            designs[..n].iter().map(|design| self.evaluate(design)).collect()
        }

        fn is_parallel(&self) -> bool {
            self.is_parallel
        }
    }

    fn evaluation(is_parallel: bool, forgets: bool) -> (Evaluation, Vec<usize>) {
        let env = Noting { toy: Toy::tradeoff(), calls: Mutex::default(), is_parallel, forgets };
        let designs: Vec<Design> = env.space().iter().take(20).collect();
        let threads = NonZeroUsize::new(2).unwrap();
        let evaluation = Evaluator::new(&env, threads).unwrap().evaluate(&env, &designs, &|| false);
        (evaluation, env.calls.into_inner().unwrap())
    }

    /// 20 designs in 2 * 4 pieces: pieces of ceil(20 / 8) = 3, seven of them.
    #[test]
    fn a_batch_is_handed_out_in_pieces_but_one_device_is_asked_design_by_design() {
        let (evaluation, mut calls) = evaluation(true, false);
        calls.sort_unstable();
        assert_eq!((evaluation.done.len(), calls), (20, vec![2, 3, 3, 3, 3, 3, 3]));
        let (evaluation, calls) = self::evaluation(false, false);
        assert_eq!((evaluation.done.len(), calls), (20, vec![1; 20]));
    }

    #[test]
    fn an_environment_that_forgets_a_result_breaks_its_contract() {
        let (evaluation, _) = evaluation(true, true);
        assert!(evaluation.done.is_empty());
        let Some(Failure::Contract(fault)) = evaluation.failure else { panic!("it went unseen") };
        assert_eq!(fault, "evaluate_batch returned 2 results for 3 designs");
    }
}
