//! What each run was worth after so many trials, on a scale that all runs of an arena share.
//!
//! With one objective a run is worth its best acceptable value; with several, the hypervolume of its front. Either is kept
//! as a *cost*, of which less is better: the loss, infinite as long as nothing is acceptable, or the negative volume.

use std::collections::BTreeSet;

use tapeout_core::Direction;
use tapeout_core::pareto::{Archive, hypervolume};

use super::conduct::Quarry;
use super::{Plan, Trace};

/// Equal parts of the budget after which runs are compared. Ours: a curve of 100 points looks smooth.
const PARTS: usize = 100;

/// Parts of each decade of the budget after which runs are compared too. Ours: so a curve keeps its beginning on a
/// logarithmic axis.
const PARTS_OF_DECADE: usize = 10;

/// The results of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// Names of the contestants.
    pub contestants: Vec<String>,
    /// How many seeds each has, from 0.
    pub seeds: usize,
    /// After how many trials runs are compared, rising; the last is the budget.
    pub checkpoints: Vec<usize>,
    /// The results in each arena.
    pub arenas: Vec<ArenaResults>,
}

/// The results in one arena.
#[derive(Debug, Clone, PartialEq)]
pub struct ArenaResults {
    /// The arena's name.
    pub name: String,
    /// What was sought.
    pub quarry: Quarry,
    /// Up to where volumes are measured: for each objective the worst loss on the final front of any run. Empty with one
    /// objective, and if nothing acceptable was found.
    pub reference: Vec<f64>,
    /// The cost of the best that all runs found together; none if they found nothing acceptable.
    pub best_known: Option<f64>,
    /// Shape `[contestants][seeds][checkpoints]`.
    costs: Vec<Vec<Vec<f64>>>,
}

impl Results {
    /// The results of the runs of `plan`: `traces` in the order of its cells, `quarries` in that of its arenas.
    pub fn of(plan: &Plan, quarries: &[Quarry], traces: &[Trace]) -> Self {
        let checkpoints = checkpoints(plan.trials.get());
        let cells = plan.cells();
        let arena = |(index, quarry): (usize, &Quarry)| {
            let of_contestant = |contestant: usize| -> Vec<&Trace> {
                let mine = cells.iter().zip(traces);
                let mine = mine.filter(|(cell, _)| (cell.arena, cell.contestant) == (index, contestant));
                mine.map(|(_, trace)| trace).collect()
            };
            let runs: Vec<Vec<&Trace>> = (0..plan.contestants.len()).map(of_contestant).collect();
            ArenaResults::of(&plan.arenas[index].name, quarry, &runs, &checkpoints)
        };
        Self {
            contestants: plan.contestants.iter().map(|contestant| contestant.name.clone()).collect(),
            seeds: plan.seeds as usize,
            arenas: quarries.iter().enumerate().map(arena).collect(),
            checkpoints,
        }
    }

    /// The budget of each run.
    pub fn trials(&self) -> usize {
        self.checkpoints.last().copied().unwrap_or_default()
    }
}

impl ArenaResults {
    fn of(name: &str, quarry: &Quarry, runs: &[Vec<&Trace>], checkpoints: &[usize]) -> Self {
        let n_objectives = quarry.objectives.len();
        let mut union = Archive::new(n_objectives);
        let mut reference: Option<Vec<f64>> = None;
        for trace in runs.iter().flatten() {
            let front = front(trace, n_objectives);
            for member in front.members() {
                take(&mut union, &member.losses);
                let worst = reference.get_or_insert_with(|| member.losses.clone());
                for (worst, loss) in worst.iter_mut().zip(&member.losses) {
                    *worst = worst.max(*loss);
                }
            }
        }
        let reference = reference.filter(|_| n_objectives > 1).unwrap_or_default();
        let costs_of = |trace: &&Trace| costs(trace, n_objectives, &reference, checkpoints);
        Self {
            name: name.to_owned(),
            quarry: quarry.clone(),
            best_known: (!union.members().is_empty()).then(|| cost(&union, &reference)),
            costs: runs.iter().map(|seeds| seeds.iter().map(costs_of).collect()).collect(),
            reference,
        }
    }

    /// Cost of a run at each checkpoint; infinite where nothing acceptable was found yet. Shape `[checkpoints]`.
    pub fn costs(&self, contestant: usize, seed: usize) -> &[f64] {
        &self.costs[contestant][seed]
    }

    /// Cost of a run at the end.
    pub fn final_cost(&self, contestant: usize, seed: usize) -> f64 {
        self.costs(contestant, seed).last().copied().unwrap_or(f64::INFINITY)
    }

    /// Whether runs are worth the hypervolume of their front.
    pub fn is_volume(&self) -> bool {
        self.quarry.objectives.len() > 1
    }

    /// What is measured, as tables call it: `latency_s`, `hypervolume`.
    pub fn measure(&self) -> &str {
        if self.is_volume() { "hypervolume" } else { &self.quarry.metrics[0].name }
    }

    /// Which way the value of a run is to go.
    pub fn direction(&self) -> Direction {
        if self.is_volume() { Direction::Maximize } else { self.quarry.objectives[0].direction }
    }

    /// What a cost stands for: a metric in its unit, a volume in the product of the losses' units; none if infinite.
    pub fn value(&self, cost: f64) -> Option<f64> {
        let value = match self.direction() {
            Direction::Minimize => cost,
            Direction::Maximize => 0.0 - cost,
        };
        cost.is_finite().then_some(value)
    }

    /// Share of the best known result that a cost stands for, 0 to 1: the best over the value where the value is to be
    /// small, the value over the best where it is to be large. None if the best known is 0 or nothing is known.
    pub fn fraction(&self, cost: f64) -> Option<f64> {
        match self.best_known? {
            0.0 => None,
            best if best > 0.0 => Some(best / cost),
            best => Some((cost / best).max(0.0)),
        }
    }

    /// The reference point in the metrics' units, by metric.
    pub fn reference_values(&self) -> Vec<(&str, f64)> {
        let objectives = self.quarry.objectives.iter().zip(&self.reference);
        let value = |(objective, &loss): (&tapeout_core::Objective, &f64)| match objective.direction {
            Direction::Minimize => loss,
            Direction::Maximize => 0.0 - loss,
        };
        let names = self.quarry.metrics.iter().map(|metric| metric.name.as_str());
        names.zip(objectives.map(value)).collect()
    }
}

fn checkpoints(trials: usize) -> Vec<usize> {
    let even = (1..=PARTS).map(|part| (trials * part).div_ceil(PARTS));
    let decades = trials.ilog10() as usize;
    let early = (0..=decades * PARTS_OF_DECADE)
        .map(|part| 10_f64.powf(part as f64 / PARTS_OF_DECADE as f64).round() as usize);
    even.chain(early)
        .filter(|&checkpoint| checkpoint <= trials)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn front(trace: &Trace, n_objectives: usize) -> Archive {
    let mut archive = Archive::new(n_objectives);
    for (_, losses) in &trace.incumbents {
        take(&mut archive, losses);
    }
    archive
}

fn take(archive: &mut Archive, losses: &[f64]) {
    archive.insert(0, losses).expect("invariant: judged losses are finite, one for each objective");
}

/// Cost of a run at each checkpoint.
fn costs(trace: &Trace, n_objectives: usize, reference: &[f64], checkpoints: &[usize]) -> Vec<f64> {
    let mut archive = Archive::new(n_objectives);
    let mut ahead = trace.incumbents.iter().peekable();
    let mut current = cost(&archive, reference);
    let at = |&checkpoint: &usize| {
        let mut is_changed = false;
        while let Some((_, losses)) = ahead.next_if(|(trials, _)| *trials <= checkpoint) {
            take(&mut archive, losses);
            is_changed = true;
        }
        if is_changed {
            current = cost(&archive, reference);
        }
        current
    };
    checkpoints.iter().map(at).collect()
}

/// `reference`: empty with one objective.
fn cost(front: &Archive, reference: &[f64]) -> f64 {
    match (front.members(), reference) {
        ([], []) => f64::INFINITY,
        ([best, ..], []) => best.losses[0],
        (members, reference) => {
            0.0 - hypervolume(members, reference).expect("invariant: judged losses are finite")
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tapeout_core::{Metric, Objective};

    /// What is sought with these objectives, each in seconds.
    pub(in crate::comparison) fn quarry(objectives: &[&str]) -> Quarry {
        let objectives: Vec<Objective> = objectives.iter().map(|text| text.parse().unwrap()).collect();
        let metrics = objectives.iter().map(|objective| Metric::new(&objective.metric, "s", "")).collect();
        Quarry { objectives, metrics }
    }

    /// A run with these incumbents.
    pub(in crate::comparison) fn trace(incumbents: &[(usize, &[f64])]) -> Trace {
        let incumbents: Vec<(usize, Vec<f64>)> =
            incumbents.iter().map(|(trials, losses)| (*trials, losses.to_vec())).collect();
        Trace { acceptable: incumbents.len(), incumbents, trials: 4 }
    }

    /// Results of two contestants, `a` and `b`, with these runs in one arena.
    pub(in crate::comparison) fn results(objectives: &[&str], a: &[Trace], b: &[Trace]) -> Results {
        let checkpoints = checkpoints(4);
        let runs = [a.iter().collect(), b.iter().collect()];
        let arena = ArenaResults::of("arena", &quarry(objectives), &runs, &checkpoints);
        Results {
            contestants: vec!["a".to_owned(), "b".to_owned()],
            seeds: a.len(),
            checkpoints,
            arenas: vec![arena],
        }
    }

    // By hand: 8 s after 2 trials, 4 s after 3, against 5 s at once; 4 s is the best known, of which 5 s is 4/5.
    #[test]
    fn one_objective_is_worth_its_best_value_so_far() {
        let results = results(&["time_s"], &[trace(&[(2, &[8.0]), (3, &[4.0])])], &[trace(&[(1, &[5.0])])]);
        let arena = &results.arenas[0];
        assert_eq!(results.checkpoints, [1, 2, 3, 4]);
        assert_eq!(arena.costs(0, 0), [f64::INFINITY, 8.0, 4.0, 4.0]);
        assert_eq!(arena.costs(1, 0), [5.0; 4]);
        assert_eq!(arena.fraction(arena.final_cost(1, 0)), Some(0.8));
        assert_eq!((arena.fraction(f64::INFINITY), arena.value(f64::INFINITY)), (Some(0.0), None));
    }

    #[test]
    fn what_is_to_be_large_is_shown_in_its_own_direction() {
        let results = results(&["max:speed"], &[trace(&[(1, &[-8.0])])], &[trace(&[(1, &[-2.0])])]);
        let arena = &results.arenas[0];
        assert_eq!(arena.value(arena.final_cost(0, 0)), Some(8.0));
        assert_eq!(arena.fraction(arena.final_cost(1, 0)), Some(0.25));
    }

    // By hand: `a` ends with (1, 3) and (3, 1), `b` with (2, 2); the worst on either front is (3, 3). `a` touches the
    // reference with both points and dominates nothing; `b` dominates 1 x 1, and the front of both no more than that.
    #[test]
    fn volumes_share_the_worst_point_of_all_fronts_as_reference() {
        let a = [trace(&[(1, &[1.0, 3.0]), (2, &[3.0, 1.0])])];
        let arena = &results(&["x_s", "y_s"], &a, &[trace(&[(1, &[9.0, 9.0]), (4, &[2.0, 2.0])])]).arenas[0];
        assert_eq!(arena.reference_values(), [("x_s", 3.0), ("y_s", 3.0)]);
        assert_eq!(arena.costs(1, 0), [0.0, 0.0, 0.0, -1.0]);
        assert_eq!((arena.value(arena.final_cost(0, 0)), arena.best_known), (Some(0.0), Some(-1.0)));
    }

    #[test]
    fn checkpoints_rise_to_the_budget() {
        assert_eq!(checkpoints(1), [1]);
        for trials in [7, 100, 1234] {
            let checkpoints = checkpoints(trials);
            assert!(checkpoints.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!((checkpoints[0], checkpoints.last()), (1, Some(&trials)));
        }
    }
}
