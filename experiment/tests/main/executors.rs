//! Designs that are evaluated elsewhere: the loop and its log are those of a run here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tapeout_core::check::toy::Toy;
use tapeout_core::{Design, Env, EvalError, Outcome};
use tapeout_experiment::{Executor, Experiment, RunError, RunOptions, resume, run};
use tempfile::TempDir;

use crate::toys::{catalog, log_without_timings, spec, threads};

/// Answers out of order, since the questions wait for each other's turn; and, if so asked, breaks off or forgets at some question.
struct Elsewhere {
    toy: Toy,
    asked: AtomicUsize,
    breaks_at: usize,
    forgets_at: usize,
}

impl Elsewhere {
    fn whole() -> Self {
        Self { toy: Toy::bowl(), asked: AtomicUsize::new(0), breaks_at: usize::MAX, forgets_at: usize::MAX }
    }
}

impl Executor for Elsewhere {
    fn evaluate(&self, designs: &[Design]) -> Result<Vec<Outcome>, EvalError> {
        let question = self.asked.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_micros(300 * (3 - question as u64 % 4)));
        if question == self.breaks_at {
            return Err(EvalError::new("the last machine is gone"));
        }
        let known = if question == self.forgets_at { &designs[1..] } else { designs };
        known.iter().map(|design| self.toy.evaluate(design)).collect()
    }
}

fn prepared() -> Experiment {
    Experiment::prepare(&catalog(), spec("bowl", "climber", 60)).unwrap()
}

#[test]
fn a_run_evaluated_elsewhere_has_the_log_of_a_run_here() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    run(&prepared(), here.path(), &threads(1), &mut ()).unwrap();
    let elsewhere = Elsewhere::whole();
    let options = RunOptions { executor: Some(&elsewhere), ..threads(4) };
    run(&prepared(), there.path(), &options, &mut ()).unwrap();
    assert!(elsewhere.asked.load(Ordering::Relaxed) > 0, "somebody else was asked");
    assert_eq!(log_without_timings(there.path()), log_without_timings(here.path()));
}

/// However the answers end, those before are in the log as they would be, so that the run is gone on with to the same log.
#[test]
fn a_question_without_an_answer_ends_the_run_with_its_log_whole() {
    let whole = TempDir::new().unwrap();
    run(&prepared(), whole.path(), &threads(1), &mut ()).unwrap();
    let whole = log_without_timings(whole.path());
    for (breaks_at, forgets_at, cause) in
        [(20, usize::MAX, "the last machine is gone"), (usize::MAX, 20, "results for")]
    {
        for n_threads in [1, 4] {
            let folder = TempDir::new().unwrap();
            let elsewhere = Elsewhere { breaks_at, forgets_at, ..Elsewhere::whole() };
            let options = RunOptions { executor: Some(&elsewhere), ..threads(n_threads) };
            let error = run(&prepared(), folder.path(), &options, &mut ()).unwrap_err();
            let RunError::Executor(source) = &error else { panic!("{error}") };
            assert!(source.to_string().contains(cause), "{source}");
            assert!(error.hint().unwrap().contains("tapeout resume"));
            let left = log_without_timings(folder.path());
            assert!(whole.starts_with(&left) && left.lines().count() > 1 && left.len() < whole.len());
            let elsewhere = Elsewhere::whole();
            let options = RunOptions { executor: Some(&elsewhere), ..threads(n_threads) };
            resume(&catalog(), folder.path(), None, &options, &mut ()).unwrap();
            assert!(elsewhere.asked.load(Ordering::Relaxed) > 0, "somebody else was asked");
            assert_eq!(log_without_timings(folder.path()), whole);
        }
    }
}
