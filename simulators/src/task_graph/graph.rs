//! Tasks, what they cost on each processor, and what they send each other.

use serde::Deserialize;

/// Most tasks of a graph; ours: far more than orders of them are a space of designs.
pub const MAX_TASKS: usize = 64;
/// Most processors; ours, likewise.
pub const MAX_PROCESSORS: usize = 64;
/// Longest time of a task or a message, so that sums are exact in a metric.
const MAX_TIME: u64 = 1 << 32;

/// What one task sends to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Who sends.
    pub from: usize,
    /// Who waits for it.
    pub to: usize,
    /// How long it takes between two processors.
    pub time: u64,
}

/// Why there is no such graph.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskGraphError {
    /// Not the TOML that is expected.
    #[error("{0}")]
    Toml(String),
    /// Too few or too many of something.
    #[error("{got} {what}; expected 1 to {most}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
        /// The most there may be.
        most: usize,
    },
    /// A task with other processors than the first.
    #[error("task {task} has times on {got} processors; the first has {expected}")]
    Processors {
        /// Which, from 0.
        task: usize,
        /// How many it has.
        got: usize,
        /// How many there are.
        expected: usize,
    },
    /// A time of 0 or beyond 2^32.
    #[error("{what} takes {got}; expected {low} to 2^32")]
    Time {
        /// What.
        what: String,
        /// How long.
        got: u64,
        /// The least.
        low: u64,
    },
    /// A message of a task that is not there.
    #[error("message {message} is of task `{got}`, which is not there")]
    UnknownTask {
        /// Which, from 0.
        message: usize,
        /// The task.
        got: String,
    },
    /// Two tasks of one name.
    #[error("two tasks are called `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
    /// Tasks that wait for each other.
    #[error("tasks wait for each other in a circle")]
    Circle,
}

/// A graph without circles.
#[derive(Debug, Clone)]
pub struct TaskGraph {
    /// Shape `[n][p]`.
    times: Vec<Vec<u64>>,
    /// By task: what it waits for, as (task, time).
    inputs: Vec<Vec<(usize, u64)>>,
    /// By task: who waits for it, likewise.
    outputs: Vec<Vec<(usize, u64)>>,
    /// Every task after those that it waits for.
    sorted: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphFile {
    task: Vec<TaskRow>,
    #[serde(default)]
    message: Vec<MessageRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskRow {
    name: String,
    times: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageRow {
    from: String,
    to: String,
    time: u64,
}

impl TaskGraph {
    /// A graph of tasks, `times` of shape `[n][p]` on each processor, and messages between them.
    ///
    /// # Errors
    /// [`TaskGraphError`] if there are too few or too many of them, a time is 0 (of a message it may be) or beyond 2^32, a message is of no task,
    /// or tasks wait for each other.
    pub fn new(times: Vec<Vec<u64>>, messages: &[Message]) -> Result<Self, TaskGraphError> {
        let n = times.len();
        count("tasks", n, MAX_TASKS)?;
        let expected = times[0].len();
        count("processors", expected, MAX_PROCESSORS)?;
        for (task, row) in times.iter().enumerate() {
            if row.len() != expected {
                return Err(TaskGraphError::Processors { task, got: row.len(), expected });
            }
            row.iter().try_for_each(|&got| time(&format!("task {task}"), got, 1))?;
        }
        let (mut inputs, mut outputs) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for (message, it) in messages.iter().enumerate() {
            if let Some(task) = [it.from, it.to].into_iter().find(|&task| task >= n) {
                return Err(TaskGraphError::UnknownTask { message, got: task.to_string() });
            }
            time(&format!("message {message}"), it.time, 0)?;
            inputs[it.to].push((it.from, it.time));
            outputs[it.from].push((it.to, it.time));
        }
        let before: Vec<Vec<usize>> =
            inputs.iter().map(|row| row.iter().map(|&(task, _)| task).collect()).collect();
        let sorted = sorted(&before).ok_or(TaskGraphError::Circle)?;
        Ok(Self { times, inputs, outputs, sorted })
    }

    /// The graph in a file of `[[task]]` with `name` and `times`, one for each processor, and `[[message]]` with `from`, `to` and `time`.
    ///
    /// # Errors
    /// [`TaskGraphError`], as for [`TaskGraph::new`] or of the TOML.
    pub fn from_toml(text: &str) -> Result<Self, TaskGraphError> {
        let file: GraphFile =
            toml::from_str(text).map_err(|error| TaskGraphError::Toml(error.to_string()))?;
        count("tasks", file.task.len(), MAX_TASKS)?;
        let names: Vec<&str> = file.task.iter().map(|it| it.name.as_str()).collect();
        if let Some(at) = (1..names.len()).find(|&at| names[..at].contains(&names[at])) {
            return Err(TaskGraphError::Twice { name: names[at].to_owned() });
        }
        let message = |(message, row): (usize, &MessageRow)| {
            let index = |got: &String| {
                let found = names.iter().position(|name| name == got);
                found.ok_or_else(|| TaskGraphError::UnknownTask { message, got: got.clone() })
            };
            Ok(Message { from: index(&row.from)?, to: index(&row.to)?, time: row.time })
        };
        let messages = file.message.iter().enumerate().map(message).collect::<Result<Vec<_>, _>>()?;
        Self::new(file.task.iter().map(|it| it.times.clone()).collect(), &messages)
    }

    /// Tasks.
    pub fn n_tasks(&self) -> usize {
        self.times.len()
    }

    /// Processors.
    pub fn n_processors(&self) -> usize {
        self.times[0].len()
    }

    /// How long `task` takes on `processor`.
    pub fn time(&self, task: usize, processor: usize) -> u64 {
        self.times[task][processor]
    }

    /// What `task` waits for, as (task, time between two processors).
    pub fn inputs(&self, task: usize) -> &[(usize, u64)] {
        &self.inputs[task]
    }

    /// Who waits for `task`, likewise.
    pub fn outputs(&self, task: usize) -> &[(usize, u64)] {
        &self.outputs[task]
    }

    /// All tasks, each after those that it waits for.
    pub(super) fn sorted(&self) -> &[usize] {
        &self.sorted
    }
}

fn count(what: &'static str, got: usize, most: usize) -> Result<(), TaskGraphError> {
    if (1..=most).contains(&got) { Ok(()) } else { Err(TaskGraphError::Count { what, got, most }) }
}

fn time(what: &str, got: u64, low: u64) -> Result<(), TaskGraphError> {
    if (low..=MAX_TIME).contains(&got) {
        Ok(())
    } else {
        Err(TaskGraphError::Time { what: what.to_owned(), got, low })
    }
}

/// Each task after those that it waits for, which `before` says; nothing if there is a circle. Shapes `[n]`.
pub(crate) fn sorted(before: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut sorted: Vec<usize> = Vec::new();
    while sorted.len() < before.len() {
        let ready =
            |task: &usize| !sorted.contains(task) && before[*task].iter().all(|it| sorted.contains(it));
        let next = (0..before.len()).find(ready)?;
        sorted.push(next);
    }
    Some(sorted)
}

/// The graph of ten tasks on three processors that HEFT is explained by. Source: Topcuoglu et al. (2002), figure 2.
pub fn ten_tasks() -> TaskGraph {
    const TIMES: [[u64; 3]; 10] = [
        [14, 16, 9],
        [13, 19, 18],
        [11, 13, 19],
        [13, 8, 17],
        [12, 13, 10],
        [13, 16, 9],
        [7, 15, 11],
        [5, 11, 14],
        [18, 12, 20],
        [21, 7, 16],
    ];
    const MESSAGES: [(usize, usize, u64); 15] = [
        (1, 2, 18),
        (1, 3, 12),
        (1, 4, 9),
        (1, 5, 11),
        (1, 6, 14),
        (2, 8, 19),
        (2, 9, 16),
        (3, 7, 23),
        (4, 8, 27),
        (4, 9, 23),
        (5, 9, 13),
        (6, 8, 15),
        (7, 10, 17),
        (8, 10, 11),
        (9, 10, 13),
    ];
    let messages = MESSAGES.map(|(from, to, time)| Message { from: from - 1, to: to - 1, time });
    TaskGraph::new(TIMES.iter().map(|row| row.to_vec()).collect(), &messages)
        .expect("invariant: the graph has no circle")
}
