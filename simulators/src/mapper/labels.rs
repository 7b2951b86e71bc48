//! Partial mappings of one unrolling, decided stage by stage from the outermost inwards.
//!
//! A label is a state, the parents that the stages so far make, and the tensor that the loops last decided leave where it
//! is, with the metrics so far. Whatever is inside depends on those alone, so that of two labels that agree in them one
//! that is no better in any metric and no longer in its run is dropped. [`Tables`] bound what is left.

use std::collections::BTreeMap;

use super::ground::{ChoiceCost, Ground, Point, add};
use super::options::Objective;
use super::plan::Choice;
use super::prices::{ENERGY, Metrics, WORK};
use super::tables::Tables;
use crate::loop_nest::MAX_TENSORS;

/// A partial mapping.
#[derive(Clone, Copy)]
pub(super) struct Label {
    /// Index of the label that it extends.
    from: u32,
    /// Stages decided.
    pub(super) stage: u8,
    /// Index of the choice of the last of them.
    choice: u32,
    /// Parents above the next one.
    parents: u32,
    /// State of the last one.
    pub(super) state: u32,
    /// The tensor that the loops right outside of that leave where it is, and its trips outside of those.
    still: Still,
    metrics: Metrics,
    /// No mapping that extends this one scores less.
    pub(super) bound: f64,
    /// The same of what decides among equals.
    pub(super) tie: f64,
}

/// A tensor that loops leave where it is, or none, and its trips outside of those.
pub(super) type Still = Option<(u8, f64)>;

/// What was decided at one stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    pub(super) parents: usize,
    pub(super) choice: usize,
    pub(super) state: usize,
    /// The tensor that the loops outside of the stage leave where it is.
    pub(super) still: Option<usize>,
}

/// What labels are told apart by; the state outside, where tiles overlap; the tensor that stays last.
type Key = (u8, u32, u32, u32, Option<u8>);

/// The labels of one unrolling.
pub(super) struct Labels<'a> {
    ground: &'a Ground<'a>,
    tables: &'a Tables,
    objective: Objective,
    pub(super) arena: Vec<Label>,
    best: BTreeMap<Key, Vec<u32>>,
    states: Vec<usize>,
    /// Whether tiles of some tensor overlap.
    slides: bool,
    /// Labels looked at.
    pub(super) n_tried: u64,
    /// The least bound of those that were not kept for their bound.
    pub(super) dropped: f64,
}

impl<'a> Labels<'a> {
    /// The label before anything is decided, which has index 0.
    pub(super) fn new(ground: &'a Ground<'a>, tables: &'a Tables, objective: Objective) -> Self {
        let root = Label {
            from: 0,
            stage: 0,
            choice: 0,
            parents: 0,
            state: 0,
            still: None,
            metrics: ground.prices.start,
            bound: 0.0,
            tie: 0.0,
        };
        Self {
            ground,
            tables,
            objective,
            arena: vec![root],
            best: BTreeMap::new(),
            states: Vec::new(),
            slides: ground.problem.shapes.iter().any(|shape| shape.slides),
            n_tried: 0,
            dropped: f64::INFINITY,
        }
    }

    /// Whether the label is a whole mapping.
    pub(super) fn is_whole(&self, index: u32) -> bool {
        usize::from(self.arena[index as usize].stage) == self.ground.plan.stages.len()
    }

    /// Appends the labels that extend `index` by one stage and may score less than `limit`; those are the last of the
    /// arena from the returned index on. None of them is dominated by one that is there already.
    pub(super) fn extend(&mut self, index: u32, limit: f64) -> usize {
        let start = self.arena.len();
        let (ground, label) = (self.ground, self.arena[index as usize]);
        let stage = usize::from(label.stage);
        let outside = ground.point(label.state as usize);
        let costs = &ground.costs[stage][label.parents as usize];
        let choices = &ground.plan.stages[stage].choices[label.parents as usize];
        let mut states = std::mem::take(&mut self.states);
        ground.lattice.within(label.state as usize, ground.plan.stages[stage].loops, &mut states);
        for (number, (choice, cost)) in choices.iter().zip(costs).enumerate() {
            let tables = self.tables;
            let possible = tables.states().possible(ground, stage, choice, cost);
            for &state in &states {
                let point = *tables.point(state);
                if possible.at(state) {
                    self.extend_to(index, (number, choice, cost), &outside, &point, limit);
                }
            }
        }
        self.states = states;
        start
    }

    /// Appends the labels that extend `index` to `point` by one choice.
    fn extend_to(
        &mut self,
        index: u32,
        (number, choice, cost): (usize, &Choice, &ChoiceCost),
        outside: &Point,
        point: &Point,
        limit: f64,
    ) {
        let label = self.arena[index as usize];
        for still in stills(self.ground, label.still, outside, point).into_iter().flatten() {
            let trips = still.map(|(tensor, trips)| (usize::from(tensor), trips));
            let mut metrics = self.ground.cost(cost, outside, point, trips);
            add(&mut metrics, &label.metrics, 1.0);
            self.n_tried += 1;
            let child = Label {
                from: index,
                stage: label.stage + 1,
                choice: number as u32,
                parents: choice.next as u32,
                state: point.state as u32,
                still,
                metrics,
                bound: 0.0,
                tie: 0.0,
            };
            self.keep(child, limit);
        }
    }

    /// Keeps `label` unless its bound or another label rules it out.
    fn keep(&mut self, mut label: Label, limit: f64) {
        let ground = self.ground;
        let inside = (usize::from(label.stage), label.parents as usize);
        let mut total = label.metrics;
        if inside.0 == ground.plan.stages.len() {
            let Some(units) = &ground.units[inside.1] else { return };
            add(&mut label.metrics, units, 1.0);
            total = label.metrics;
        } else if inside.0 >= 2 {
            // Tables of labels are of single metrics, the first ones.
            for (metric, total) in total.iter_mut().enumerate().take(self.tables.n_sums()) {
                *total += self.tables.left(metric, inside, label.state as usize, label.still);
            }
        }
        let (energy_j, cycles) = ground.prices.total(&total);
        (label.bound, label.tie) = self.objective.score(energy_j, cycles);
        // Also what is impossible, whose bound is infinite.
        if label.bound >= limit.min(f64::MAX) {
            self.dropped = self.dropped.min(label.bound);
            return;
        }
        if self.slides && inside.0 == ground.plan.stages.len() {
            // Which of whole mappings is the best only the model tells.
            self.arena.push(label);
            return;
        }
        let key = self.key(&label);
        let n_metrics = ground.prices.n_metrics;
        let arena = &self.arena;
        let same = self.best.entry(key).or_default();
        if same.iter().any(|&other| is_no_worse(&arena[other as usize], &label, n_metrics)) {
            return;
        }
        same.retain(|&other| !is_no_worse(&label, &arena[other as usize], n_metrics));
        same.push(self.arena.len() as u32);
        self.arena.push(label);
    }

    /// Of a whole mapping it no longer matters how long a tensor stays.
    fn key(&self, label: &Label) -> Key {
        let is_whole = usize::from(label.stage) == self.ground.plan.stages.len();
        let still = label.still.filter(|_| !is_whole).map(|(tensor, _)| tensor);
        // Words of windows are bounds that depend on the loops right outside: one may be nearer to the truth than another.
        let outside = if self.slides { self.arena[label.from as usize].state } else { 0 };
        (label.stage, label.parents, label.state, outside, still)
    }

    /// Whether another label has made `index` superfluous since it was added.
    pub(super) fn is_dominated(&self, index: u32) -> bool {
        let label = &self.arena[index as usize];
        let key = self.key(label);
        let is_free = self.slides && self.is_whole(index);
        label.stage > 0 && !is_free && !self.best.get(&key).is_some_and(|same| same.contains(&index))
    }

    /// What was decided on the way to `index`, the outermost stage first.
    pub(super) fn decisions(&self, index: u32) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let mut label = &self.arena[index as usize];
        while label.stage > 0 {
            let before = &self.arena[label.from as usize];
            decisions.push(Decision {
                parents: before.parents as usize,
                choice: label.choice as usize,
                state: label.state as usize,
                still: label.still.map(|(tensor, _)| usize::from(tensor)),
            });
            label = before;
        }
        decisions.reverse();
        decisions
    }
}

/// What the loops between two states may leave where it is, with the trips outside; `still` stays outside of the first one.
pub(super) fn stills(
    ground: &Ground,
    still: Still,
    outside: &Point,
    point: &Point,
) -> [Option<Still>; MAX_TENSORS] {
    let mut stills = [None; MAX_TENSORS];
    let mut has_none = true;
    for (tensor, slot) in stills.iter_mut().enumerate().take(ground.problem.shapes.len()) {
        let number = tensor as u8;
        // Loops that all leave a tensor where it is lengthen the run that goes on there.
        let goes_on =
            still.filter(|&(other, _)| other == number && point.used[tensor] == outside.used[tensor]);
        if goes_on.is_some() {
            *slot = Some(goes_on);
        } else if point.unused[tensor] > outside.unused[tensor] {
            *slot = Some(Some((number, outside.unused[tensor])));
        }
        has_none &= slot.is_none();
    }
    if has_none {
        stills[0] = Some(None);
    }
    stills
}

/// Whether `a` is no worse than `b` in any metric and its run.
fn is_no_worse(a: &Label, b: &Label, n_metrics: usize) -> bool {
    let runs = |label: &Label| label.still.map_or(0.0, |(_, trips)| trips);
    runs(a) <= runs(b)
        && a.metrics[ENERGY] <= b.metrics[ENERGY]
        && a.metrics[WORK..n_metrics].iter().zip(&b.metrics[WORK..n_metrics]).all(|(a, b)| a <= b)
}
