//! Branch and bound for a shortest schedule.

use super::graph::TaskGraph;
use super::schedule::{Placed, Schedule};

/// The shortest schedule that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortestSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether none is shorter.
    pub proven: bool,
}

impl TaskGraph {
    /// A shortest schedule, sought for at most `max_nodes` partial ones. It begins with HEFT's and places tasks in the order of their starts, each as early as its
    /// processor and its inputs allow, which some shortest schedule does. A branch ends where some task, with the shortest way behind it, cannot end
    /// before the best, or what is left cannot be shared out among the processors in time.
    pub fn shortest(&self, max_nodes: u64) -> ShortestSchedule {
        let least = |task: usize| (0..self.n_processors()).map(|it| self.time(task, it)).min().unwrap_or(0);
        let mut ways = vec![0; self.n_tasks()];
        for &task in self.sorted().iter().rev() {
            let behind = self.outputs(task).iter().map(|&(to, _)| ways[to]).max();
            ways[task] = least(task) + behind.unwrap_or(0);
        }
        let mut search = Search {
            graph: self,
            least: (0..self.n_tasks()).map(least).collect(),
            ways,
            placed: vec![None; self.n_tasks()],
            free: vec![0; self.n_processors()],
            best: self.heft(),
            nodes: 0,
            max_nodes,
        };
        search.extend((0, 0));
        ShortestSchedule { proven: search.nodes <= max_nodes, schedule: search.best }
    }
}

struct Search<'a> {
    graph: &'a TaskGraph,
    /// Least time of each task; shape `[n]`, as the next two.
    least: Vec<u64>,
    /// The least time from the start of each task to the end of all.
    ways: Vec<u64>,
    placed: Vec<Option<Placed>>,
    /// By processor: when its last task ends.
    free: Vec<u64>,
    best: Schedule,
    nodes: u64,
    max_nodes: u64,
}

impl Search<'_> {
    /// Places the rest; `last`: start and number of the task before.
    fn extend(&mut self, last: (u64, usize)) {
        self.nodes += 1;
        if self.nodes > self.max_nodes {
            return;
        }
        if self.placed.iter().all(Option::is_some) {
            let schedule = Schedule { placed: self.placed.iter().flatten().copied().collect() };
            if schedule.makespan() < self.best.makespan() {
                self.best = schedule;
            }
            return;
        }
        if self.bound(last.0) >= self.best.makespan() {
            return;
        }
        for choice in self.choices(last) {
            let (task, placed) = choice;
            let free = std::mem::replace(&mut self.free[placed.processor], placed.end);
            self.placed[task] = Some(placed);
            self.extend((placed.start, task));
            self.placed[task] = None;
            self.free[placed.processor] = free;
        }
    }

    /// What may start next, the earliest end first.
    fn choices(&self, last: (u64, usize)) -> Vec<(usize, Placed)> {
        let graph = self.graph;
        let is_ready = |task: &usize| {
            self.placed[*task].is_none()
                && graph.inputs(*task).iter().all(|&(it, _)| self.placed[it].is_some())
        };
        let on_each = |task: usize| {
            (0..graph.n_processors()).map(move |processor| {
                let start = graph.heard(task, processor, &self.placed).max(self.free[processor]);
                (task, Placed { processor, start, end: start + graph.time(task, processor) })
            })
        };
        let mut choices: Vec<(usize, Placed)> = (0..graph.n_tasks())
            .filter(is_ready)
            .flat_map(on_each)
            .filter(|&(task, it)| (it.start, task) >= last)
            .collect();
        choices.sort_by_key(|&(task, it)| (it.end, task, it.processor));
        choices
    }

    /// No schedule that begins like this and goes on at `now` or later ends before.
    fn bound(&self, now: u64) -> u64 {
        let graph = self.graph;
        let mut ends = vec![0; graph.n_tasks()];
        let mut bound = 0;
        for &task in graph.sorted() {
            if let Some(placed) = self.placed[task] {
                ends[task] = placed.end;
                continue;
            }
            let heard = |processor: usize| {
                let inputs = graph.inputs(task).iter().map(|&(from, time)| match self.placed[from] {
                    Some(sender) => super::schedule::arrival(sender, time, processor),
                    None => ends[from],
                });
                inputs.max().unwrap_or(0).max(self.free[processor]).max(now)
            };
            let starts = || (0..graph.n_processors()).map(heard);
            let start = starts().min().unwrap_or(now);
            ends[task] = start + self.least[task];
            bound = bound.max(start + self.ways[task]);
        }
        let left = (0..graph.n_tasks()).filter(|&it| self.placed[it].is_none()).map(|it| self.least[it]);
        let busy: u64 = self.free.iter().map(|&free| free.max(now)).sum::<u64>() + left.sum::<u64>();
        let done = self.placed.iter().flatten().map(|it| it.end).max().unwrap_or(0);
        bound.max(busy.div_ceil(self.free.len() as u64)).max(done)
    }
}
