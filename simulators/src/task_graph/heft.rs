//! HEFT: tasks by their longest way to the end, each where it ends first, in a gap if it fits in one.

use super::graph::TaskGraph;
use super::schedule::{Placed, Schedule};

impl TaskGraph {
    /// HEFT's schedule. Source: Topcuoglu et al. (2002), figure 3. Of equal ranks the first task goes first, of equal ends the first processor.
    pub fn heft(&self) -> Schedule {
        let ranks = self.upward_ranks();
        let mut order: Vec<usize> = self.sorted().to_vec();
        order.sort_by(|&a, &b| ranks[b].total_cmp(&ranks[a]));
        let mut placed: Vec<Option<Placed>> = vec![None; self.n_tasks()];
        for task in order {
            let choices = (0..self.n_processors()).map(|processor| self.insert(task, processor, &placed));
            placed[task] = choices.min_by_key(|choice| choice.end);
        }
        Schedule { placed: placed.into_iter().flatten().collect() }
    }

    /// The longest way from each task to the end, mean times of tasks and of messages. Shape `[n]`. Eq. 8.
    fn upward_ranks(&self) -> Vec<f64> {
        let mut ranks = vec![0.0; self.n_tasks()];
        let n_processors = self.n_processors();
        for &task in self.sorted().iter().rev() {
            let mean =
                (0..n_processors).map(|it| self.time(task, it)).sum::<u64>() as f64 / n_processors as f64;
            let ways = self.outputs(task).iter().map(|&(to, time)| time as f64 + ranks[to]);
            ranks[task] = mean + ways.fold(0.0, f64::max);
        }
        ranks
    }

    /// `task` on `processor`, as early as its inputs and a gap there allow.
    fn insert(&self, task: usize, processor: usize, placed: &[Option<Placed>]) -> Placed {
        let mut busy: Vec<(u64, u64)> = placed
            .iter()
            .flatten()
            .filter(|it| it.processor == processor)
            .map(|it| (it.start, it.end))
            .collect();
        busy.sort_unstable();
        let time = self.time(task, processor);
        let mut start = self.heard(task, processor, placed);
        for (from, to) in busy {
            if start + time <= from {
                break;
            }
            start = start.max(to);
        }
        Placed { processor, start, end: start + time }
    }
}
