//! The best assignment, by eliminating tensors.

use std::collections::BTreeSet;

use super::graph::LayoutGraph;

/// A table of the least time for each combination of layouts of some tensors; the first tensor's layout changes slowest.
#[derive(Debug, Clone)]
struct Table {
    tensors: Vec<usize>,
    time_s: Vec<f64>,
}

/// A tensor that was eliminated: its best layout for each combination of those it was joined to.
struct Eliminated {
    tensor: usize,
    others: Vec<usize>,
    best: Vec<usize>,
}

impl LayoutGraph {
    /// A best assignment, shape `[tensors]`; none if a table would have more than `max_entries`, as of graphs that are far from trees.
    pub fn optimum(&self, max_entries: usize) -> Option<Vec<usize>> {
        let mut tables = Vec::new();
        for operator in &self.operators {
            let free = operator.tensors.iter().copied().filter(|&it| self.tensors[it].fixed.is_none());
            let tensors: Vec<usize> = free.collect();
            tables.push(self.table(tensors, max_entries, |layout_of| {
                let fixed_or =
                    |tensor: usize| self.tensors[tensor].fixed.unwrap_or_else(|| layout_of(tensor));
                self.fastest(operator, fixed_or).0
            })?);
        }
        let mut left: BTreeSet<usize> = tables.iter().flat_map(|table| table.tensors.clone()).collect();
        let mut order = Vec::new();
        while let Some(tensor) = left.iter().copied().min_by_key(|&it| self.joined(&tables, it).1) {
            left.remove(&tensor);
            order.push(self.eliminate(tensor, &mut tables, max_entries)?);
        }
        let mut layouts: Vec<usize> = self.tensors.iter().map(|tensor| tensor.fixed.unwrap_or(0)).collect();
        for step in order.iter().rev() {
            let index = step.others.iter().fold(0, |index, &it| index * self.n_layouts(it) + layouts[it]);
            layouts[step.tensor] = step.best[index];
        }
        Some(layouts)
    }

    fn n_layouts(&self, tensor: usize) -> usize {
        self.tensors[tensor].layouts.len()
    }

    /// All that share a table with `tensor`, and how many combinations of layouts they have.
    fn joined(&self, tables: &[Table], tensor: usize) -> (Vec<usize>, usize) {
        let with = tables.iter().filter(|table| table.tensors.contains(&tensor));
        let all: BTreeSet<usize> = with.flat_map(|table| table.tensors.clone()).collect();
        let others: Vec<usize> = all.into_iter().filter(|&it| it != tensor).collect();
        let entries = others.iter().fold(1_usize, |n, &it| n.saturating_mul(self.n_layouts(it)));
        (others, entries)
    }

    /// Puts one table in the place of all that have `tensor`.
    fn eliminate(&self, tensor: usize, tables: &mut Vec<Table>, max_entries: usize) -> Option<Eliminated> {
        let (others, _) = self.joined(tables, tensor);
        let (with, without): (Vec<Table>, Vec<Table>) =
            std::mem::take(tables).into_iter().partition(|table| table.tensors.contains(&tensor));
        *tables = without;
        let mut best = Vec::new();
        let table = self.table(others.clone(), max_entries, |layout_of| {
            let time_s = |layout: usize| -> f64 {
                let of = |it: usize| if it == tensor { layout } else { layout_of(it) };
                with.iter().map(|table| table.time_s[self.index(&table.tensors, &of)]).sum()
            };
            let timed = (0..self.n_layouts(tensor)).map(|layout| (layout, time_s(layout)));
            let (layout, least_s) =
                timed.min_by(|a, b| a.1.total_cmp(&b.1)).expect("invariant: a tensor has a layout");
            best.push(layout);
            least_s
        })?;
        tables.push(table);
        Some(Eliminated { tensor, others, best })
    }

    fn index(&self, tensors: &[usize], layout_of: &dyn Fn(usize) -> usize) -> usize {
        tensors.iter().fold(0, |index, &it| index * self.n_layouts(it) + layout_of(it))
    }

    /// A table of what `time_s` says of every combination; none if it has too many entries.
    fn table(
        &self,
        tensors: Vec<usize>,
        max_entries: usize,
        mut time_s: impl FnMut(&dyn Fn(usize) -> usize) -> f64,
    ) -> Option<Table> {
        let entries = tensors.iter().try_fold(1_usize, |n, &it| n.checked_mul(self.n_layouts(it)))?;
        if entries > max_entries {
            return None;
        }
        let mut layouts = vec![0; tensors.len()];
        let mut times = Vec::with_capacity(entries);
        for _ in 0..entries {
            let layout_of = |tensor: usize| {
                let at = tensors.iter().position(|&it| it == tensor);
                layouts[at.expect("invariant: a table is asked for its own tensors")]
            };
            times.push(time_s(&layout_of));
            for (layout, &tensor) in layouts.iter_mut().zip(&tensors).rev() {
                *layout = (*layout + 1) % self.n_layouts(tensor);
                if *layout > 0 {
                    break;
                }
            }
        }
        Some(Table { tensors, time_s: times })
    }
}
