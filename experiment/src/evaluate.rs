//! Evaluating designs side by side, in an order that does not depend on the number of threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use tapeout_core::{Design, Env, EvalError, Outcome};

use crate::clock::Clock;
use crate::error::RunError;
use crate::log::design_text;
use crate::run::RunOptions;
use crate::workers::{ThreadsError, Workers};

/// Pieces that a batch is cut into for each thread. Ours: enough that a thread whose designs are cheap takes over from
/// one whose designs are dear, and few enough that handing them out costs nothing beside a microsecond's evaluation.
const PIECES_PER_THREAD: usize = 4;

/// Time that a piece of work may take before somebody who interrupts is heard. Ours: half of what people notice, and many times what
/// handing out a piece costs.
const HEARD_S: f64 = 0.05;

/// What became of designs that nobody logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluations {
    /// The outcomes, in the order of the designs, up to where somebody interrupted.
    pub outcomes: Vec<Outcome>,
    /// Wall time spent.
    pub wall_s: f64,
}

/// Asks `env` about `designs` outside of any run; `name` is what messages call it.
///
/// # Errors
/// [`RunError`] for the first design whose evaluation fails or gives no outcome; its place stands where a run's trial would.
pub fn evaluate(
    env: &dyn Env,
    name: &str,
    designs: &[Design],
    options: &RunOptions<'_>,
) -> Result<Evaluations, RunError> {
    let clock = Clock::start();
    let evaluator = Evaluator::new(env, options.threads)?;
    let is_over = || options.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed));
    let mut outcomes = Vec::with_capacity(designs.len());
    // One design for each piece at first, and more as long as they are quick; one for each thread however slow they are.
    let threads = evaluator.workers.threads();
    let mut length = threads * PIECES_PER_THREAD;
    while outcomes.len() < designs.len() && !is_over() {
        let began_s = clock.elapsed_s();
        let first = outcomes.len();
        let round = &designs[first..designs.len().min(first + length)];
        let mut done: Vec<Option<Outcome>> = vec![None; round.len()];
        let failed = evaluator.evaluate::<RunError>(round, &is_over, &mut |place, evaluated| {
            let answers = evaluated.into_iter().map(|(outcome, _)| Some(outcome));
            done[place..].iter_mut().zip(answers).for_each(|(slot, answer)| *slot = answer);
            Ok(())
        })?;
        outcomes.extend(done.into_iter().map_while(|outcome| outcome));
        if let Some(Failed { index, failure }) = failed
            && first + index == outcomes.len()
        {
            return Err(failure.of(env, first + index, name, &round[index]));
        }
        let round_s = clock.elapsed_s() - began_s;
        length = if round_s < HEARD_S / 2.0 { length * 2 } else { (length / 2).max(threads) };
    }
    Ok(Evaluations { outcomes, wall_s: clock.elapsed_s() })
}

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

impl Failure {
    /// The error of a run, for a design of `env` that was to be this trial.
    pub(crate) fn of(self, env: &dyn Env, trial: usize, name: &str, design: &Design) -> RunError {
        let env_name = name.to_owned();
        let design = design_text(env.space(), design);
        match self {
            Self::Error(source) => RunError::Evaluation { trial, env: env_name, design, source },
            Self::Contract(fault) => RunError::Outcome { trial, env: env_name, design, fault },
        }
    }
}

/// The first design of a batch, in its order, whose evaluation came to nothing.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) index: usize,
    pub(crate) failure: Failure,
}

/// An environment, and threads to ask it on.
pub(crate) struct Evaluator<'a> {
    env: &'a dyn Env,
    workers: Workers,
    /// Whether each design is asked about by itself.
    is_single: bool,
}

/// What became of a piece: the designs before the first that failed, and the failure if there was one.
struct Piece {
    done: Vec<Evaluated>,
    failure: Option<Failure>,
}

impl<'a> Evaluator<'a> {
    /// Asks `env` on so many threads, or on one if it is not to be asked side by side.
    pub(crate) fn new(env: &'a dyn Env, threads: NonZeroUsize) -> Result<Self, ThreadsError> {
        let threads = if env.is_parallel() { threads } else { NonZeroUsize::MIN };
        // One physical device is asked design by design, so that each has a time of its own.
        Ok(Self { env, workers: Workers::new(threads)?, is_single: !env.is_parallel() })
    }

    /// The same, asking about each design by itself.
    pub(crate) fn one_by_one(self) -> Self {
        Self { is_single: true, ..self }
    }

    /// Evaluates `designs`, and begins nothing more once `should_stop`. Tells `each` of what is done as it is: where it begins
    /// among `designs`, and what came of it.
    ///
    /// What stands before the first failure is evaluated in any case, so that it can be kept.
    ///
    /// # Errors
    /// The first of `each`.
    pub(crate) fn evaluate<E>(
        &self,
        designs: &[Design],
        should_stop: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(usize, Vec<Evaluated>) -> Result<(), E>,
    ) -> Result<Option<Failed>, E> {
        let n_pieces =
            if self.is_single { designs.len() } else { self.workers.threads() * PIECES_PER_THREAD };
        let length = designs.len().div_ceil(n_pieces.max(1)).max(1);
        let pieces: Vec<&[Design]> = designs.chunks(length).collect();
        let first_failed = AtomicUsize::new(usize::MAX);
        let evaluate = |index: usize| {
            if should_stop() || index > first_failed.load(Ordering::Relaxed) {
                return None;
            }
            let piece = evaluate_piece(self.env, pieces[index]);
            if piece.failure.is_some() {
                first_failed.fetch_min(index, Ordering::Relaxed);
            }
            Some(piece)
        };
        let mut failed: Option<Failed> = None;
        self.workers.run(pieces.len(), &evaluate, &mut |index, Piece { done, failure }| {
            let first = index * length;
            let place = first + done.len();
            if let Some(failure) = failure
                && failed.as_ref().is_none_or(|failed| place < failed.index)
            {
                failed = Some(Failed { index: place, failure });
            }
            each(first, done)
        })?;
        Ok(failed)
    }
}

fn evaluate_piece(env: &dyn Env, designs: &[Design]) -> Piece {
    let clock = Clock::start();
    let results = env.evaluate_batch(designs);
    let evaluation_s = clock.elapsed_s() / designs.len() as f64;
    let mut piece = Piece { done: Vec::with_capacity(designs.len()), failure: None };
    if results.len() != designs.len() {
        let fault =
            format!("evaluate_batch returned {} results for {} designs", results.len(), designs.len());
        piece.failure = Some(Failure::Contract(fault));
        return piece;
    }
    for result in results {
        match result.map_err(Failure::Error).and_then(|outcome| checked(env, outcome)) {
            Ok(outcome) => piece.done.push((outcome, evaluation_s)),
            Err(failure) => {
                piece.failure = Some(failure);
                break;
            }
        }
    }
    piece
}

/// Fails on what could be neither logged nor judged.
pub(crate) fn checked(env: &dyn Env, outcome: Outcome) -> Result<Outcome, Failure> {
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
            if rule.is_empty() {
                return Err(Failure::Contract("it is infeasible, but no rule is named".to_owned()));
            }
            if !(violation.is_finite() && *violation > 0.0) {
                let fault =
                    format!("the violation of rule `{rule}` is {violation}, expected a number above 0");
                return Err(Failure::Contract(fault));
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

    /// How many designs are done, what failed, and how many designs each call had.
    fn evaluation(is_parallel: bool, forgets: bool) -> (usize, Option<Failed>, Vec<usize>) {
        let env = Noting { toy: Toy::tradeoff(), calls: Mutex::default(), is_parallel, forgets };
        let designs: Vec<Design> = env.space().iter().take(20).collect();
        let evaluator = Evaluator::new(&env, NonZeroUsize::new(2).unwrap()).unwrap();
        let mut n_done = 0;
        let mut count = |_, done: Vec<Evaluated>| {
            n_done += done.len();
            Ok::<(), ()>(())
        };
        let failed = evaluator.evaluate(&designs, &|| false, &mut count).unwrap();
        (n_done, failed, env.calls.into_inner().unwrap())
    }

    /// 20 designs in 2 * 4 pieces: pieces of ceil(20 / 8) = 3, seven of them.
    #[test]
    fn a_batch_is_handed_out_in_pieces_but_one_device_is_asked_design_by_design() {
        let (n_done, _, mut calls) = evaluation(true, false);
        calls.sort_unstable();
        assert_eq!((n_done, calls), (20, vec![2, 3, 3, 3, 3, 3, 3]));
        let (n_done, _, calls) = evaluation(false, false);
        assert_eq!((n_done, calls), (20, vec![1; 20]));
    }

    #[test]
    fn an_environment_that_forgets_a_result_breaks_its_contract() {
        let (n_done, failed, _) = evaluation(true, true);
        assert_eq!(n_done, 0);
        let Some(Failed { index: 0, failure: Failure::Contract(fault) }) = failed else {
            panic!("it went unseen")
        };
        assert_eq!(fault, "evaluate_batch returned 2 results for 3 designs");
    }

    /// Whatever the threads, the outcomes are those of one design after another; the first failure is named by its place, and an interrupt
    /// leaves the beginning.
    #[test]
    fn designs_outside_of_a_run_are_answered_in_their_order() {
        let toy = Toy::tradeoff();
        let designs: Vec<Design> = toy.space().iter().take(100).collect();
        let expected: Vec<Outcome> = designs.iter().map(|design| toy.evaluate(design).unwrap()).collect();
        for threads in [1, 3] {
            let options = RunOptions { threads: NonZeroUsize::new(threads).unwrap(), interrupt: None };
            assert_eq!(
                evaluate(&toy, "toy", &designs, &options).unwrap().outcomes,
                expected,
                "{threads} threads"
            );
        }
        let env = Noting { toy: Toy::tradeoff(), calls: Mutex::default(), is_parallel: true, forgets: true };
        let error = evaluate(&env, "toy", &designs, &RunOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("trial 0: `toy` broke its contract on {"), "{error}");
        let interrupt = true.into();
        let options = RunOptions { interrupt: Some(&interrupt), ..RunOptions::default() };
        assert_eq!(evaluate(&toy, "toy", &designs, &options).unwrap().outcomes, []);
    }
}
