//! Task graphs on unlike processors: which task runs where and in which order, so that the last one ends early.
//!
//! A task takes a time of its own on each processor; its outputs take time to another processor and none on the same one. [`TaskGraph::in_order`] is
//! list scheduling, [`TaskGraph::heft`] the usual heuristic, [`TaskGraph::shortest`] branch and bound for graphs of some fifteen tasks.
//!
//! Source: Topcuoglu, Hariri & Wu (2002), "Performance-effective and low-complexity task scheduling for heterogeneous computing",
//! doi:10.1109/71.993206.

mod graph;
mod heft;
mod schedule;
mod search;
#[cfg(test)]
mod tests;

pub(crate) use graph::sorted;
pub use graph::{MAX_PROCESSORS, MAX_TASKS, Message, TaskGraph, TaskGraphError, ten_tasks};
pub use schedule::{Placed, Schedule, ScheduleError};
pub use search::ShortestSchedule;
