//! In which order a mapping is decided: stages of levels from the outermost inwards, with what each may keep.
//!
//! Levels between which no loop may run have one state in common, and a run that leaves a tensor where it is goes on
//! through all of them; they form one stage. At a stage it matters which level supplies each tensor from outside, its
//! *parent*; what a stage keeps makes the parents of the next one.

use super::constraints::DimSet;
use super::problem::Problem;
use crate::loop_nest::{MAX_TENSORS, TensorSet};

/// By tensor, the innermost level so far that keeps it.
pub(super) type Parents = [Option<u8>; MAX_TENSORS];

/// Words of one tensor between a level that keeps it and the next one inside; the innermost `child` is `None`, the
/// multiply-accumulate units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crossing {
    pub(super) tensor: usize,
    pub(super) child: Option<usize>,
    pub(super) parent: usize,
}

/// What the levels of a stage keep.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// By level of the stage, the outermost first.
    pub(super) keep: Vec<TensorSet>,
    /// Index of the parents that this makes, into those of the next stage.
    pub(super) next: usize,
    /// Indices into [`Plan::crossings`].
    pub(super) crossings: Vec<usize>,
    /// Tensors that no level outside keeps, and the level that then must hold the whole of each.
    pub(super) adopted: Vec<(usize, usize)>,
}

/// Levels that share a state.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// The outermost and the innermost level.
    pub(super) outermost: usize,
    pub(super) innermost: usize,
    /// Dimensions that may run right outside of the stage.
    pub(super) loops: DimSet,
    /// Dimensions that may run inside of it.
    pub(super) open: DimSet,
    /// By parents that the stages outside can make: every choice.
    pub(super) choices: Vec<Vec<Choice>>,
}

/// All stages, the outermost first.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) stages: Vec<Stage>,
    pub(super) crossings: Vec<Crossing>,
    /// By parents that the last stage can make: the crossings to the multiply-accumulate units, indices into
    /// [`Plan::crossings`]; empty if some tensor is kept nowhere.
    pub(super) units: Vec<Vec<usize>>,
}

impl Plan {
    pub(super) fn new(problem: &Problem) -> Self {
        let mut plan = Self { stages: Vec::new(), crossings: Vec::new(), units: Vec::new() };
        let mut parents = vec![[None; MAX_TENSORS]];
        let mut outermost = problem.n_levels;
        while let Some(level) = outermost.checked_sub(1) {
            // Levels further in join as long as nothing may run in between.
            let mut innermost = level;
            while innermost > 0 && problem.positions[innermost].dims.is_empty() {
                innermost -= 1;
            }
            let mut next = Vec::new();
            let choices = parents
                .iter()
                .map(|&parents| plan.choices(problem, level, innermost, parents, &mut next))
                .collect();
            let outside = problem.positions.get(level + 1).filter(|_| level + 1 < problem.n_levels);
            let inside = problem.positions[..=innermost].iter();
            plan.stages.push(Stage {
                outermost: level,
                innermost,
                loops: outside.map_or(DimSet::EMPTY, |position| position.dims),
                open: inside.flat_map(|position| position.dims.iter()).collect(),
                choices,
            });
            parents = next;
            outermost = innermost;
        }
        for parents in &parents {
            let supplied = parents[..problem.shapes.len()].iter().enumerate();
            let crossings = supplied.map(|(tensor, &parent)| {
                parent.map(|parent| Crossing { tensor, child: None, parent: usize::from(parent) })
            });
            let crossings: Option<Vec<Crossing>> = crossings.collect();
            let indices = crossings.into_iter().flatten().map(|crossing| plan.number(crossing)).collect();
            plan.units.push(indices);
        }
        plan
    }

    /// Every choice of the levels from `level` to `innermost` below `parents`.
    fn choices(
        &mut self,
        problem: &Problem,
        level: usize,
        innermost: usize,
        parents: Parents,
        next: &mut Vec<Parents>,
    ) -> Vec<Choice> {
        let start = Choice { keep: Vec::new(), next: 0, crossings: Vec::new(), adopted: Vec::new() };
        let mut partial = vec![(parents, start)];
        for level in (innermost..=level).rev() {
            let mut extended = Vec::new();
            for (parents, choice) in &partial {
                for keep in keeps(problem, level) {
                    extended.push(self.with(problem, level, keep, *parents, choice.clone()));
                }
            }
            partial = extended;
        }
        let number = |(parents, choice): (Parents, Choice)| {
            let index = next.iter().position(|known| *known == parents).unwrap_or_else(|| {
                next.push(parents);
                next.len() - 1
            });
            Choice { next: index, ..choice }
        };
        partial.into_iter().map(number).collect()
    }

    /// `choice` with `level` keeping `keep`.
    fn with(
        &mut self,
        problem: &Problem,
        level: usize,
        keep: TensorSet,
        mut parents: Parents,
        mut choice: Choice,
    ) -> (Parents, Choice) {
        choice.keep.push(keep);
        for tensor in (0..problem.shapes.len()).filter(|&tensor| keep.contains(tensor)) {
            match parents[tensor].replace(level as u8) {
                Some(parent) => {
                    let crossing = Crossing { tensor, child: Some(level), parent: usize::from(parent) };
                    choice.crossings.push(self.number(crossing));
                }
                None => choice.adopted.push((tensor, level)),
            }
        }
        (parents, choice)
    }

    fn number(&mut self, crossing: Crossing) -> usize {
        self.crossings.iter().position(|&known| known == crossing).unwrap_or_else(|| {
            self.crossings.push(crossing);
            self.crossings.len() - 1
        })
    }
}

/// Every set that `level` may keep.
fn keeps(problem: &Problem, level: usize) -> Vec<TensorSet> {
    let mut sets = vec![problem.must_keep[level]];
    for tensor in 0..problem.shapes.len() {
        if problem.may_keep[level].contains(tensor) && !problem.must_keep[level].contains(tensor) {
            let with: Vec<_> = sets.iter().map(|set| set.with(tensor)).collect();
            sets.extend(with);
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::super::constraints::MappingConstraints;
    use super::*;
    use crate::architectures::architecture;
    use crate::loop_nest::Quirks;
    use crate::networks::network;

    #[test]
    fn levels_between_which_nothing_runs_are_one_stage() {
        let architecture = architecture("edge-like").unwrap();
        let layer = network("alexnet").unwrap().layers()[1].einsum().clone();
        let mut constraints = MappingConstraints::free(&architecture, &layer);
        let stages = |constraints: &MappingConstraints| {
            let problem = Problem::new(&architecture, &layer, Quirks::default(), constraints).unwrap();
            let plan = Plan::new(&problem);
            plan.stages.iter().map(|stage| (stage.outermost, stage.innermost)).collect::<Vec<_>>()
        };
        assert_eq!(stages(&constraints), [(2, 2), (1, 1), (0, 0)]);
        constraints.levels[1].temporal = DimSet::EMPTY;
        assert_eq!(stages(&constraints), [(2, 2), (1, 0)]);
    }
}
