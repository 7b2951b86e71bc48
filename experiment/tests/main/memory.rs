//! Logs that are not in a folder: memory, and one that takes trials in any order.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tapeout_core::check::toy::Toy;
use tapeout_core::{Design, DesignSpace, Env, EvalError, Metric, Outcome, Seed};
use tapeout_experiment::log::{Log, LogReader, MemoryLog, Record};
use tapeout_experiment::{
    AskTell, Asked, Event, Experiment, Observer, RunError, RunOptions, Spec, StopReason, run, search,
};
use tempfile::TempDir;

use crate::toys::{catalog, spec, threads};

fn prepared(spec: Spec) -> Experiment {
    Experiment::prepare(&catalog(), spec).unwrap()
}

/// A record without its timings.
fn timeless(record: &Record) -> (Design, Outcome) {
    (record.design.clone(), record.outcome.clone())
}

#[test]
fn a_run_in_memory_is_the_run_of_a_folder() {
    let (folder, mut memory) = (TempDir::new().unwrap(), MemoryLog::default());
    let experiment = prepared(spec("bowl", "climber", 100));
    let there = run(&experiment, folder.path(), &threads(1), &mut ()).unwrap();
    let here = search(&experiment, &mut memory, &threads(3), &mut ()).unwrap();
    assert_eq!(here.run.trials(), there.run.trials());
    assert_eq!(here.summary.best, there.summary.best);
    let log = folder.path().join("trials.jsonl");
    let (_, logged) = LogReader::open(&log, experiment.problem()).unwrap();
    let logged: Vec<_> = logged.map(|record| timeless(&record.unwrap())).collect();
    assert_eq!(memory.records().iter().map(timeless).collect::<Vec<_>>(), logged);
}

/// Told in pieces of three, which never are a whole batch of eight, the agent proposes what it proposes to the loop; and what was
/// told is what the front and the best design are taken from.
#[test]
fn a_run_in_memory_whose_loop_somebody_else_holds_is_the_run_of_the_loop() {
    let experiment = prepared(spec("bowl", "climber", 60));
    let looped = search(&experiment, &mut MemoryLog::default(), &threads(1), &mut ()).unwrap();
    let mut held = AskTell::in_memory(&experiment).unwrap();
    let stop = loop {
        match held.ask().unwrap() {
            Asked::Over(stop) => break stop,
            Asked::Designs(designs) => {
                let some = designs.iter().take(3);
                held.tell(some.map(|design| experiment.env().evaluate(design).unwrap()).collect()).unwrap();
            }
        }
        assert_eq!(held.run().trials().len(), held.n_trials());
    };
    let run = held.run();
    assert_eq!((run.trials(), stop), (looped.run.trials(), looped.summary.stop));
    let front: Vec<usize> = looped.summary.front.iter().map(|standout| standout.trial).collect();
    assert_eq!(run.front(), front);
    assert_eq!(run.best(0), Some(looped.summary.best[0].standout.trial));
}

/// An environment that no catalog has, searched as one that is there: same space, same agent, same seed.
#[test]
fn an_environment_of_ones_own_is_searched_like_one_of_the_catalog() {
    let (env, goal) = (Arc::new(Toy::bowl()), Toy::bowl().problem().goal().clone());
    let own = Experiment::with_env(&catalog(), spec("own", "climber", 50), env, goal).unwrap();
    let listed = prepared(spec("bowl", "climber", 50));
    let trials = |experiment: &Experiment| {
        search(experiment, &mut MemoryLog::default(), &RunOptions::default(), &mut ()).unwrap().run
    };
    assert_eq!(trials(&own).trials(), trials(&listed).trials());
}

/// Another agent and another seed on the same environment are what a spec of their own would be.
#[test]
fn copies_for_another_agent_and_seed_are_experiments_of_their_own() {
    let first = prepared(spec("bowl", "climber", 40));
    let mut other = spec("bowl", "random", 40);
    other.seed = Seed::new(7);
    let copy = first.with_agent(&catalog(), other.agent.clone()).unwrap().with_seed(other.seed).unwrap();
    let trials = |experiment: &Experiment| {
        search(experiment, &mut MemoryLog::default(), &threads(1), &mut ()).unwrap().run.trials().to_vec()
    };
    assert_eq!(trials(&copy), trials(&prepared(other)));
    assert_ne!(trials(&copy), trials(&first));
}

/// Answers some designs by what they are, and notes how many trials come at once.
#[derive(Default)]
struct Table {
    known: Vec<Record>,
    added: Vec<Record>,
    at_once: Vec<usize>,
    is_ordered: bool,
}

impl Log for Table {
    fn replay(&mut self, designs: &[Design]) -> Result<Vec<Option<Record>>, RunError> {
        let find = |design: &Design| self.known.iter().find(|record| record.design == *design).cloned();
        Ok(designs.iter().map(find).collect())
    }

    fn append(&mut self, records: &[Record]) -> Result<(), RunError> {
        self.at_once.push(records.len());
        self.added.extend_from_slice(records);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RunError> {
        Ok(())
    }

    fn is_ordered(&self) -> bool {
        self.is_ordered
    }
}

#[derive(Default)]
struct FromLog(Vec<usize>);

impl Observer for FromLog {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trial { index, is_from_log: true, .. } = event {
            self.0.push(index);
        }
    }
}

/// Every third trial of a run is known beforehand: the same run comes of it, and the others are added one by one.
#[test]
fn a_log_that_answers_by_design_is_asked_for_what_it_knows_alone() {
    let (experiment, mut whole) = (prepared(spec("bowl", "climber", 60)), MemoryLog::default());
    let expected = search(&experiment, &mut whole, &threads(1), &mut ()).unwrap();
    let known = whole.records().iter().rev().step_by(3).cloned().collect();
    let (mut table, mut told) = (Table { known, ..Table::default() }, FromLog::default());
    let found = search(&experiment, &mut table, &threads(4), &mut told).unwrap();
    assert_eq!(found.run.trials(), expected.run.trials());
    let thirds: Vec<usize> = (0..60).filter(|index| (59 - index) % 3 == 0).collect();
    assert_eq!(told.0, thirds);
    assert_eq!(table.at_once, vec![1; 40]);
}

/// A batch of 8 on one thread is asked for design by design as long as nobody knows how long they take, and then in four pieces of 2, each of
/// 4 ms and more: a kill costs one of them, not the batch.
#[test]
fn the_beginning_of_a_slow_batch_is_added_before_its_end() {
    let mut slow = spec("bowl", "random", 16);
    slow.env.config.insert("delay_us".into(), 2000.into());
    let mut table = Table { is_ordered: true, ..Table::default() };
    search(&prepared(slow), &mut table, &threads(1), &mut ()).unwrap();
    assert_eq!((&table.at_once[..8], table.at_once.iter().sum()), (&[1; 8][..], 16));
    assert!(table.at_once.iter().all(|&n| n <= 2));
}

/// Interrupts whoever asks it.
struct Interrupting {
    toy: Toy,
    interrupt: Arc<AtomicBool>,
}

impl Env for Interrupting {
    fn space(&self) -> &DesignSpace {
        self.toy.space()
    }

    fn metrics(&self) -> &[Metric] {
        self.toy.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        self.interrupt.store(true, Ordering::Relaxed);
        self.toy.evaluate(design)
    }
}

/// On one thread the interrupt comes with the first design; no other is begun, and the first is kept.
#[test]
fn what_was_done_before_an_interrupt_is_kept() {
    let interrupt = Arc::new(AtomicBool::new(false));
    let env = Interrupting { toy: Toy::bowl(), interrupt: Arc::clone(&interrupt) };
    let goal = Toy::bowl().problem().goal().clone();
    let spec = spec("interrupting", "random", 20);
    let experiment = Experiment::with_env(&catalog(), spec, Arc::new(env), goal).unwrap();
    let options =
        RunOptions { threads: NonZeroUsize::MIN, interrupt: Some(&interrupt), ..RunOptions::default() };
    let mut table = Table::default();
    let found = search(&experiment, &mut table, &options, &mut ()).unwrap();
    assert_eq!((found.summary.stop, found.summary.trials), (StopReason::Interrupted, 1));
    assert_eq!(table.added.len(), 1);
}
