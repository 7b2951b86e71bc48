//! Evaluating designs side by side, in an order that does not depend on the number of threads.

use std::any::Any;
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tapeout_core::{Design, Env, EvalError, Outcome};

use crate::clock::Clock;
use crate::error::RunError;
use crate::executor::Executor;
use crate::run::RunOptions;
use crate::workers::{ThreadsError, Workers};

/// Pieces that a batch is cut into for each thread. Ours: enough that a thread whose designs are cheap takes over from
/// one whose designs are dear, and few enough that handing them out costs nothing beside a microsecond's evaluation.
const PIECES_PER_THREAD: usize = 4;

/// Letters of the cause of a failure that are kept. Ours: the last words of a program and their context, in a line of a log that may have
/// thousands of them.
const CAUSE_LETTERS: usize = 2000;

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

/// What becomes of a design whose evaluation fails, outside of any run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It ends the whole, as an error.
    Stop,
    /// It is an [`Outcome::Failed`] among the others.
    Keep,
}

/// Asks `env` about `designs` outside of any run; `name` is what messages call it.
///
/// # Errors
/// [`RunError`] for the first design whose evaluation fails, if that is to stop; its place stands where a run's trial would.
pub fn evaluate(
    env: &dyn Env,
    name: &str,
    designs: &[Design],
    on_failure: OnFailure,
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
        evaluator.evaluate::<RunError>(round, &is_over, &mut |place, evaluated| {
            let answers = evaluated.into_iter().map(|(outcome, _)| Some(outcome));
            done[place..].iter_mut().zip(answers).for_each(|(slot, answer)| *slot = answer);
            Ok(())
        })?;
        for (index, outcome) in (first..).zip(done.into_iter().map_while(|outcome| outcome)) {
            if let (Outcome::Failed { cause }, OnFailure::Stop) = (&outcome, on_failure) {
                return Err(RunError::failed(env, name, (index, &designs[index]), cause));
            }
            outcomes.push(outcome);
        }
        let round_s = clock.elapsed_s() - began_s;
        length = if round_s < HEARD_S / 2.0 { length * 2 } else { (length / 2).max(threads) };
    }
    Ok(Evaluations { outcomes, wall_s: clock.elapsed_s() })
}

/// An outcome, and the time it took.
pub(crate) type Evaluated = (Outcome, f64);

/// An environment, and threads to ask it on.
pub(crate) struct Evaluator<'a> {
    env: &'a dyn Env,
    workers: Workers,
    /// Whether each design is asked about by itself.
    is_single: bool,
    /// Seconds that a design took the last time, as bits.
    last_s: AtomicU64,
}

impl<'a> Evaluator<'a> {
    /// Asks `env` on so many threads, or on one if it is not to be asked side by side.
    pub(crate) fn new(env: &'a dyn Env, threads: NonZeroUsize) -> Result<Self, ThreadsError> {
        let threads = if env.is_parallel() { threads } else { NonZeroUsize::MIN };
        // One physical device is asked design by design, so that each has a time of its own.
        let last_s = AtomicU64::new(f64::INFINITY.to_bits());
        Ok(Self { env, workers: Workers::new(threads)?, is_single: !env.is_parallel(), last_s })
    }

    /// The same, asking about each design by itself.
    pub(crate) fn one_by_one(self) -> Self {
        Self { is_single: true, ..self }
    }

    /// Evaluates `designs`, in pieces that take no longer than somebody who interrupts should wait, as far as the last ones tell, and begins
    /// nothing more once `should_stop`. Tells `each` of what is done as it is: where it begins
    /// among `designs`, and what came of it. Whatever goes wrong with a design is an [`Outcome::Failed`] of that one.
    ///
    /// # Errors
    /// The first of `each`.
    pub(crate) fn evaluate<E>(
        &self,
        designs: &[Design],
        should_stop: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(usize, Vec<Evaluated>) -> Result<(), E>,
    ) -> Result<(), E> {
        let ask = |piece: &[Design]| {
            let done = evaluate_piece(self.env, piece);
            self.note_time(&done);
            done
        };
        self.in_pieces(designs, should_stop, &ask, each)
    }

    /// The same, by asking `executor` in place of the environment.
    ///
    /// # Errors
    /// The first of `each`, or [`RunError::Executor`] if there is no answer, or one that breaks the contract.
    pub(crate) fn evaluate_by(
        &self,
        executor: &dyn Executor,
        designs: &[Design],
        should_stop: &(dyn Fn() -> bool + Sync),
        each: &mut dyn FnMut(usize, Vec<Evaluated>) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let is_lost = AtomicBool::new(false);
        let ask = |piece: &[Design]| -> Result<Vec<Evaluated>, EvalError> {
            let clock = Clock::start();
            let outcomes = executor.evaluate(piece).and_then(|outcomes| {
                let outcomes = outcomes.into_iter().map(Ok).collect();
                answers(self.env, outcomes, piece.len())
                    .map_err(|fault| EvalError::new(format!("the answer has {fault}")))
            });
            is_lost.fetch_or(outcomes.is_err(), Ordering::Relaxed);
            let done = timed(outcomes?, clock.elapsed_s());
            self.note_time(&done);
            Ok(done)
        };
        // What is asked already is waited for and kept; the first failure is the one to report.
        let mut lost = None;
        let is_over = || should_stop() || is_lost.load(Ordering::Relaxed);
        self.in_pieces(designs, &is_over, &ask, &mut |first, done| match done {
            Ok(done) => each(first, done),
            Err(error) => {
                lost.get_or_insert(error);
                Ok(())
            }
        })?;
        lost.map_or(Ok(()), |error| Err(RunError::Executor(error)))
    }

    /// Takes note of how long a design took.
    fn note_time(&self, done: &[Evaluated]) {
        if let Some((_, evaluation_s)) = done.last() {
            self.last_s.store(evaluation_s.to_bits(), Ordering::Relaxed);
        }
    }

    /// Asks about `designs` by `ask`, in pieces, side by side.
    fn in_pieces<T: Send, E>(
        &self,
        designs: &[Design],
        should_stop: &(dyn Fn() -> bool + Sync),
        ask: &(dyn Fn(&[Design]) -> T + Sync),
        each: &mut dyn FnMut(usize, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let n_pieces =
            if self.is_single { designs.len() } else { self.workers.threads() * PIECES_PER_THREAD };
        let heard = HEARD_S / 2.0 / f64::from_bits(self.last_s.load(Ordering::Relaxed));
        let length = designs.len().div_ceil(n_pieces.max(1)).min(heard as usize).max(1);
        let pieces: Vec<&[Design]> = designs.chunks(length).collect();
        let work = |index: usize| (!should_stop()).then(|| ask(pieces[index]));
        self.workers.run(pieces.len(), &work, &mut |index, done| each(index * length, done))
    }
}

/// What comes of some designs, asked about together; one by one if the environment does not survive that.
fn evaluate_piece(env: &dyn Env, designs: &[Design]) -> Vec<Evaluated> {
    let clock = Clock::start();
    let outcomes = match (ask(env, designs), designs) {
        (Ok(outcomes), _) => outcomes,
        (Err(cause), [_]) => vec![Outcome::Failed { cause }],
        (Err(_), _) => {
            return designs.iter().flat_map(|design| evaluate_piece(env, slice::from_ref(design))).collect();
        }
    };
    timed(outcomes, clock.elapsed_s())
}

/// Outcomes, each with its share of the time that they took together.
fn timed(outcomes: Vec<Outcome>, all_s: f64) -> Vec<Evaluated> {
    let evaluation_s = all_s / outcomes.len() as f64;
    outcomes.into_iter().map(|outcome| (outcome, evaluation_s)).collect()
}

thread_local! {
    static IS_EVALUATING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread asks an environment: a panic is then caught and told as the cause of a failure, so that a panic hook need not tell
/// of it.
pub fn is_evaluating() -> bool {
    IS_EVALUATING.get()
}

/// What `env` says of `designs`.
///
/// # Errors
/// Why there is not one answer for each of them: it panicked, or broke its contract.
fn ask(env: &dyn Env, designs: &[Design]) -> Result<Vec<Outcome>, String> {
    // An environment that is left in disorder by a panic fails from then on, which is a result too.
    let was_evaluating = IS_EVALUATING.replace(true);
    let results = catch_unwind(AssertUnwindSafe(|| env.evaluate_batch(designs)));
    IS_EVALUATING.set(was_evaluating);
    let results =
        results.map_err(|panic| bounded(format!("it panicked: {}", panic_message(panic.as_ref()))))?;
    answers(env, results, designs.len()).map_err(|fault| format!("evaluate_batch returned {fault}"))
}

/// What was said of `n` designs of `env`, as far as it could be logged and judged.
///
/// # Errors
/// That it is not one answer for each of them.
fn answers(
    env: &dyn Env,
    results: Vec<Result<Outcome, EvalError>>,
    n: usize,
) -> Result<Vec<Outcome>, String> {
    if results.len() != n {
        return Err(format!("{} results for {n} designs", results.len()));
    }
    let outcome = |result: Result<Outcome, EvalError>| {
        let checked = result.map_err(|error| error.chain()).and_then(|outcome| checked(env, outcome));
        checked.unwrap_or_else(|cause| Outcome::Failed { cause: bounded(cause) })
    };
    Ok(results.into_iter().map(outcome).collect())
}

/// What a panic says, if it is a text.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// The beginning of what may be the whole output of a program.
fn bounded(cause: String) -> String {
    match cause.char_indices().nth(CAUSE_LETTERS) {
        None => cause,
        Some((end, _)) => format!("{}...", &cause[..end]),
    }
}

/// Fails on what could be neither logged nor judged, and says why.
pub(crate) fn checked(env: &dyn Env, outcome: Outcome) -> Result<Outcome, String> {
    match &outcome {
        Outcome::Measured(values) => {
            let metrics = env.metrics();
            if values.len() != metrics.len() {
                return Err(format!("{} numbers for {} metrics", values.len(), metrics.len()));
            }
            if let Some((value, metric)) = values.iter().zip(metrics).find(|(value, _)| !value.is_finite()) {
                return Err(format!("`{}` is {value}", metric.name));
            }
        }
        Outcome::Infeasible { rule, violation } => {
            if rule.is_empty() {
                return Err("it is infeasible, but no rule is named".to_owned());
            }
            if !(violation.is_finite() && *violation > 0.0) {
                return Err(format!(
                    "the violation of rule `{rule}` is {violation}, expected a number above 0"
                ));
            }
        }
        Outcome::Failed { cause } => {
            if cause.is_empty() {
                return Err("it failed, but no cause is named".to_owned());
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
            assert!(is_evaluating());
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

    /// What came of the designs, and how many designs each call had.
    fn evaluation(is_parallel: bool, forgets: bool) -> (Vec<Outcome>, Vec<usize>) {
        let env = Noting { toy: Toy::tradeoff(), calls: Mutex::default(), is_parallel, forgets };
        let designs: Vec<Design> = env.space().iter().take(20).collect();
        let evaluator = Evaluator::new(&env, NonZeroUsize::new(2).unwrap()).unwrap();
        let mut outcomes = Vec::new();
        let mut keep = |_, done: Vec<Evaluated>| {
            outcomes.extend(done.into_iter().map(|(outcome, _)| outcome));
            Ok::<(), ()>(())
        };
        evaluator.evaluate(&designs, &|| false, &mut keep).unwrap();
        evaluator.evaluate(&designs, &|| false, &mut keep).unwrap();
        (outcomes, env.calls.into_inner().unwrap())
    }

    /// By themselves as long as nobody knows how long they take; then 20 designs in 2 * 4 pieces, of ceil(20 / 8) = 3 at most.
    #[test]
    fn a_batch_is_handed_out_in_pieces_but_one_device_is_asked_design_by_design() {
        let (outcomes, calls) = evaluation(true, false);
        assert_eq!((outcomes.len(), &calls[..20], calls[20..].iter().sum()), (40, &[1; 20][..], 20));
        assert!(calls.iter().all(|&n| n <= 3));
        let (outcomes, calls) = evaluation(false, false);
        assert_eq!((outcomes.len(), calls), (40, vec![1; 40]));
    }

    #[test]
    fn an_environment_that_forgets_a_result_has_none_for_any_design() {
        let (outcomes, _) = evaluation(true, true);
        assert_eq!(outcomes, vec![Outcome::failed("evaluate_batch returned 0 results for 1 designs"); 40]);
    }

    /// What a program says may be long, and its letters more than a byte.
    #[test]
    fn the_cause_of_a_failure_is_told_whole_unless_it_is_long() {
        let error =
            EvalError::caused_by("no answer", EvalError::caused_by("it ended", EvalError::new("signal 9")));
        assert_eq!(error.chain(), "no answer: it ended: signal 9");
        let long = bounded("ä".repeat(CAUSE_LETTERS + 1));
        assert_eq!(long, format!("{}...", "ä".repeat(CAUSE_LETTERS)));
    }

    /// Whatever the threads, the outcomes are those of one design after another; the first failure is named by its place, and an interrupt
    /// leaves the beginning.
    #[test]
    fn designs_outside_of_a_run_are_answered_in_their_order() {
        let toy = Toy::tradeoff();
        let designs: Vec<Design> = toy.space().iter().take(100).collect();
        let expected: Vec<Outcome> = designs.iter().map(|design| toy.evaluate(design).unwrap()).collect();
        for threads in [1, 3] {
            let options = RunOptions {
                threads: NonZeroUsize::new(threads).unwrap(),
                interrupt: None,
                ..RunOptions::default()
            };
            assert_eq!(
                evaluate(&toy, "toy", &designs, OnFailure::Stop, &options).unwrap().outcomes,
                expected,
                "{threads} threads"
            );
        }
        let env = Noting { toy: Toy::tradeoff(), calls: Mutex::default(), is_parallel: true, forgets: true };
        let all = RunOptions::default();
        let error = evaluate(&env, "toy", &designs, OnFailure::Stop, &all).unwrap_err();
        assert!(error.to_string().starts_with("trial 0: `toy` failed to evaluate {"), "{error}");
        let kept = evaluate(&env, "toy", &designs, OnFailure::Keep, &all).unwrap().outcomes;
        assert_eq!(kept, vec![Outcome::failed("evaluate_batch returned 0 results for 1 designs"); 100]);
        let interrupt = true.into();
        let options = RunOptions { interrupt: Some(&interrupt), ..RunOptions::default() };
        assert_eq!(evaluate(&toy, "toy", &designs, OnFailure::Stop, &options).unwrap().outcomes, []);
    }
}
