//! Tasks, what they take on a core or an accelerator, and what they send each other.

use super::library::BURST_BYTE;
use super::readers::SocWorkloadError;
use crate::task_graph::{MAX_TASKS, sorted};

/// Most of any quantity of a task or a transfer; ours: far beyond what a system does in a day, and sums of it stay exact enough.
const MOST: f64 = 1e15;
/// Least of a budget, and of a factor; ours: far below what a system can keep to, and nothing over it overflows.
pub(super) const LEAST: f64 = 1e-15;
/// Most transfers: one between any two of the most tasks.
const MAX_TRANSFERS: usize = MAX_TASKS * (MAX_TASKS - 1) / 2;
/// Longest name of a task.
const MAX_NAME: usize = 64;

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct SocTask {
    /// Its name.
    pub name: String,
    /// Cycles on a core; 0 for what takes no time, such as where data come from.
    pub core_cycles: f64,
    /// What it takes on an accelerator of its own, if there is one.
    pub accelerator: Option<SocAccelerator>,
}

/// An accelerator for a task, not unrolled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocAccelerator {
    /// Cycles of the task.
    pub cycles: f64,
    /// Energy of the task.
    pub energy_j: f64,
    /// Area.
    pub area_m2: f64,
    /// Iterations of its loop: as often as that it can be unrolled.
    pub iterations: u32,
}

/// What one task writes and another one reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocTransfer {
    /// Who writes.
    pub from: usize,
    /// Who waits for it and reads it.
    pub to: usize,
    /// How much.
    pub byte: f64,
}

/// What a system should keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocBudget {
    /// Time of the whole workload.
    pub latency_s: f64,
    /// Power in the worst window.
    pub power_w: f64,
    /// Area of all blocks.
    pub area_m2: f64,
}

/// A graph of tasks without circles.
#[derive(Debug, Clone)]
pub struct SocWorkload {
    pub(super) tasks: Vec<SocTask>,
    pub(super) transfers: Vec<SocTransfer>,
    /// By task: its transfers, in the order of all.
    pub(super) inputs: Vec<Vec<usize>>,
    pub(super) outputs: Vec<Vec<usize>>,
    /// By transfer: what a burst is for who reads, and for who writes. Shape `[e][2]`.
    pub(super) bursts: Vec<[f64; 2]>,
    pub(super) budget: Option<SocBudget>,
}

impl SocWorkload {
    /// A workload of `tasks` and `transfers` between them.
    ///
    /// # Errors
    /// [`SocWorkloadError`] if there are too few or too many of them, a name is unusable or stands twice, a quantity is out of range, a transfer is of
    /// no task or of two tasks that have one already, or tasks wait for each other.
    pub fn new(
        tasks: Vec<SocTask>,
        transfers: Vec<SocTransfer>,
        budget: Option<SocBudget>,
    ) -> Result<Self, SocWorkloadError> {
        let n = tasks.len();
        check_counts(n, transfers.len())?;
        tasks.iter().enumerate().try_for_each(|(at, task)| check_task(task, &tasks[..at]))?;
        let (mut inputs, mut outputs) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for (index, it) in transfers.iter().enumerate() {
            if let Some(task) = [it.from, it.to].into_iter().find(|&task| task >= n) {
                return Err(SocWorkloadError::UnknownTask { transfer: index, got: task.to_string() });
            }
            let names = format!("{} -> {}", tasks[it.from].name, tasks[it.to].name);
            if transfers[..index].iter().any(|other| (other.from, other.to) == (it.from, it.to)) {
                return Err(SocWorkloadError::Twice { what: "transfers are", name: names });
            }
            number(&format!("transfer `{names}`: `byte`"), it.byte, 1.0)?;
            inputs[it.to].push(index);
            outputs[it.from].push(index);
        }
        let before: Vec<Vec<usize>> =
            inputs.iter().map(|all| all.iter().map(|&index| transfers[index].from).collect()).collect();
        sorted(&before).ok_or(SocWorkloadError::Circle)?;
        if let Some(budget) = &budget {
            for (field, value) in
                [("latency_s", budget.latency_s), ("power_w", budget.power_w), ("area_m2", budget.area_m2)]
            {
                number(&format!("budget: `{field}`"), value, LEAST)?;
            }
        }
        let mut bursts = vec![[0.0; 2]; transfers.len()];
        for task in 0..n {
            let parts = parts(&tasks[task], &transfers, &inputs[task], &outputs[task]);
            inputs[task].iter().for_each(|&it| bursts[it][0] = (transfers[it].byte / parts).floor());
            outputs[task].iter().for_each(|&it| bursts[it][1] = (transfers[it].byte / parts).floor());
        }
        Ok(Self { tasks, transfers, inputs, outputs, bursts, budget })
    }

    /// The tasks; shape `[n]`.
    pub fn tasks(&self) -> &[SocTask] {
        &self.tasks
    }

    /// The transfers; shape `[e]`.
    pub fn transfers(&self) -> &[SocTransfer] {
        &self.transfers
    }

    /// What it should keep to, if the workload says so.
    pub fn budget(&self) -> Option<&SocBudget> {
        self.budget.as_ref()
    }

    /// Whether others read what `task` writes.
    pub fn has_outputs(&self, task: usize) -> bool {
        !self.outputs[task].is_empty()
    }

    /// Whether `task` stands for what lies outside: it takes no time, and nothing goes into it or nothing comes out.
    pub(super) fn is_outside(&self, task: usize) -> bool {
        self.tasks[task].core_cycles == 0.0 && (self.inputs[task].is_empty() || self.outputs[task].is_empty())
    }
}

/// Into how many parts a task is cut, so that the least that it reads (or writes, if it reads nothing) is a burst. Source: FARSI, workload.py, `set_dice_factor`.
fn parts(task: &SocTask, transfers: &[SocTransfer], inputs: &[usize], outputs: &[usize]) -> f64 {
    let least = |all: &[usize]| all.iter().map(|&it| transfers[it].byte).reduce(f64::min);
    let instructions = task.core_cycles * super::library::CORE_INSTRUCTIONS_PER_CYCLE;
    let Some(first) = least(inputs).or(least(outputs)) else { return 1.0 };
    let parts = (first / BURST_BYTE).floor();
    let is_cut = |amount: f64| (amount / parts).floor() >= 1.0;
    if parts >= 1.0 && is_cut(instructions) && least(outputs).is_none_or(is_cut) { parts } else { 1.0 }
}

fn check_task(task: &SocTask, before: &[SocTask]) -> Result<(), SocWorkloadError> {
    let name = &task.name;
    let usable = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(usable) {
        return Err(SocWorkloadError::Name { name: name.clone() });
    }
    if before.iter().any(|other| other.name == *name) {
        return Err(SocWorkloadError::Twice { what: "tasks are called", name: name.clone() });
    }
    number(&format!("task `{name}`: `core_cycles`"), task.core_cycles, 0.0)?;
    let Some(own) = &task.accelerator else { return Ok(()) };
    check_accelerator(name, own)?;
    if task.core_cycles == 0.0 {
        return Err(SocWorkloadError::Idle { name: name.clone() });
    }
    Ok(())
}

/// Whether the figures of the accelerator of task `name` are in their ranges.
pub(super) fn check_accelerator(name: &str, own: &SocAccelerator) -> Result<(), SocWorkloadError> {
    number(&format!("task `{name}`: `accelerator_cycles`"), own.cycles, 1.0)?;
    number(&format!("task `{name}`: `accelerator_energy_j`"), own.energy_j, 0.0)?;
    number(&format!("task `{name}`: `accelerator_area_m2`"), own.area_m2, 0.0)?;
    number(&format!("task `{name}`: `iterations`"), f64::from(own.iterations), 1.0)
}

/// Whether there are neither too few nor too many tasks and transfers.
pub(super) fn check_counts(n_tasks: usize, n_transfers: usize) -> Result<(), SocWorkloadError> {
    count("tasks", n_tasks, 1, MAX_TASKS)?;
    count("transfers", n_transfers, 0, MAX_TRANSFERS)
}

fn count(what: &'static str, got: usize, low: usize, most: usize) -> Result<(), SocWorkloadError> {
    if (low..=most).contains(&got) { Ok(()) } else { Err(SocWorkloadError::Count { what, got, low, most }) }
}

pub(super) fn number(what: &str, got: f64, low: f64) -> Result<(), SocWorkloadError> {
    // A NaN is in no range.
    if (low..=MOST).contains(&got) {
        Ok(())
    } else {
        Err(SocWorkloadError::Number { what: what.to_owned(), got, low, most: MOST })
    }
}
