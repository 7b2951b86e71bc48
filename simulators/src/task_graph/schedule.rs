//! Schedules, and list scheduling.

use super::graph::TaskGraph;

/// Where and when a task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The processor.
    pub processor: usize,
    /// Its first moment.
    pub start: u64,
    /// The moment after its last.
    pub end: u64,
}

/// Where and when all tasks run. Shape `[n]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// By task.
    pub placed: Vec<Placed>,
}

/// What a schedule breaks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Other than one place for each task.
    #[error("{got} tasks are placed; the graph has {expected}")]
    Count {
        /// Those that are placed.
        got: usize,
        /// Those there are.
        expected: usize,
    },
    /// A task of another duration than its own, or on a processor that is not there.
    #[error("task {0} does not run as long as it takes there")]
    Duration(usize),
    /// A task before what it waits for.
    #[error("task {to} starts before it hears of task {from}")]
    Early {
        /// Who sends.
        from: usize,
        /// Who does not wait.
        to: usize,
    },
    /// Two tasks at once on a processor.
    #[error("tasks {0} and {1} share a processor at the same time")]
    Shared(usize, usize),
}

impl Schedule {
    /// When the last task has ended.
    pub fn makespan(&self) -> u64 {
        self.placed.iter().map(|it| it.end).max().unwrap_or(0)
    }

    /// Whether it is a schedule of `graph`.
    ///
    /// # Errors
    /// [`ScheduleError`], the first that is found.
    pub fn check(&self, graph: &TaskGraph) -> Result<(), ScheduleError> {
        let (got, expected) = (self.placed.len(), graph.n_tasks());
        if got != expected {
            return Err(ScheduleError::Count { got, expected });
        }
        for (to, it) in self.placed.iter().enumerate() {
            let is_there = it.processor < graph.n_processors();
            if !is_there || it.end.checked_sub(it.start) != Some(graph.time(to, it.processor)) {
                return Err(ScheduleError::Duration(to));
            }
            let heard =
                |&&(from, time): &&(usize, u64)| it.start < arrival(self.placed[from], time, it.processor);
            if let Some(&(from, _)) = graph.inputs(to).iter().find(heard) {
                return Err(ScheduleError::Early { from, to });
            }
            let shared = |&other: &usize| {
                let that = self.placed[other];
                that.processor == it.processor && that.start < it.end && it.start < that.end
            };
            if let Some(other) = (0..to).find(shared) {
                return Err(ScheduleError::Shared(other, to));
            }
        }
        Ok(())
    }
}

/// When what `sender` sends is there.
pub(super) fn arrival(sender: Placed, time: u64, processor: usize) -> u64 {
    if sender.processor == processor { sender.end } else { sender.end.saturating_add(time) }
}

impl TaskGraph {
    /// List scheduling: again and again the first task of `order` whose inputs have been scheduled, on its processor, as early as inputs and the tasks
    /// before it there allow. Both of shape `[n]`, `order` a permutation. Some order and choice of processors is a shortest schedule.
    ///
    /// # Panics
    /// If there are not as many of both as tasks, or a processor is not there.
    pub fn in_order(&self, order: &[usize], processors: &[usize]) -> Schedule {
        assert_eq!((order.len(), processors.len()), (self.n_tasks(), self.n_tasks()), "one for each task");
        let mut placed: Vec<Option<Placed>> = vec![None; self.n_tasks()];
        let mut free = vec![0; self.n_processors()];
        for _ in 0..self.n_tasks() {
            let ready = |&&task: &&usize| {
                placed[task].is_none() && self.inputs(task).iter().all(|&(it, _)| placed[it].is_some())
            };
            let task =
                *order.iter().find(ready).expect("invariant: a graph without circles has a ready task");
            let processor = processors[task];
            let start = self.heard(task, processor, &placed).max(free[processor]);
            let end = start + self.time(task, processor);
            free[processor] = end;
            placed[task] = Some(Placed { processor, start, end });
        }
        Schedule { placed: placed.into_iter().flatten().collect() }
    }

    /// When all inputs of `task` are at `processor`, of those that have been placed.
    pub(super) fn heard(&self, task: usize, processor: usize, placed: &[Option<Placed>]) -> u64 {
        let arrivals = self
            .inputs(task)
            .iter()
            .filter_map(|&(from, time)| Some(arrival(placed[from]?, time, processor)));
        arrivals.max().unwrap_or(0)
    }
}
