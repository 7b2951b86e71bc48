//! A batch of designs to build: good ones that are not all neighbours, so that the next model learns from each.
//!
//! Ours: half of the places are for designs that differ in one parameter from one of the best logged, as the model likes them; little
//! can be wrong about them. The other half goes greedily by what the model expects, each at least a distance from those before it. Where
//! the model is wrong about one design, it is wrong about its neighbours too, and a batch of them is a single bet. With several
//! objectives greedily by how much a design is expected to add to the hypervolume of what was logged and chosen before, which leaves
//! neighbours nothing to add; Ponweiser, Wagner, Biermann & Vincze (2008), doi:10.1007/978-3-540-87700-4_78 (SMS-EGO), of what is
//! expected without its spread.

use std::collections::BTreeSet;

use tapeout_core::pareto::{hypervolume, non_dominated_sort};
use tapeout_core::{Design, Problem, Trial};
use tapeout_surrogates::support::Support;

use super::choose;

/// How far the designs of a batch are from each other, as a share of the way across the space. Ours: one of ten parameters over a
/// third of its range; halved until there are enough.
const APART: f64 = 0.1;
/// Below this all designs that are not the same are apart. Ours: one of a hundred parameters by a hundredth of its range.
const LEAST_APART: f64 = 1e-3;

/// How many designs are looked at for each of a batch with several objectives. Ours: some fronts.
const LOOKED_AT: usize = 20;

/// What is known of designs, for whoever chooses some.
#[derive(Clone, Copy)]
pub struct BatchEvidence<'a> {
    /// What was measured.
    pub logged: &'a [Trial],
    /// Designs that are not to be chosen.
    pub known: &'a BTreeSet<Design>,
    /// Designs beside the best logged ones.
    pub near: &'a BTreeSet<Design>,
}

/// The `count` designs to build next, best first, none of them known: indices of `trials`, which have a design once.
pub fn batch(problem: &Problem, trials: &[Trial], evidence: BatchEvidence<'_>, count: usize) -> Vec<usize> {
    let BatchEvidence { logged, known, near } = evidence;
    let mut order = choose(problem, trials, trials.len());
    order.retain(|&index| !known.contains(&trials[index].design));
    let is_near = |index: &&usize| near.contains(&trials[**index].design);
    let is_acceptable = |index: &&usize| trials[**index].judgement.accepted().is_some();
    let beside: Vec<usize> = order.iter().filter(is_near).filter(is_acceptable).copied().collect();
    let places = count / 2;
    if problem.n_objectives() > 1 {
        let looked_at = |order: &[usize]| order.iter().copied().take(LOOKED_AT * count).collect();
        let beside = by_hypervolume(trials, logged, Vec::new(), looked_at(&beside), places);
        order.retain(|index| !beside.contains(index));
        return by_hypervolume(trials, logged, beside, looked_at(&order), count);
    }
    apart(problem, trials, beside.into_iter().take(places).collect(), &order, count)
}

/// `chosen`, and the designs of `order` that add most to the hypervolume, one after the other, until there are `count`; then those that add
/// nothing, in their order.
fn by_hypervolume(
    trials: &[Trial],
    logged: &[Trial],
    mut chosen: Vec<usize>,
    mut order: Vec<usize>,
    count: usize,
) -> Vec<usize> {
    let losses = |trials: &[Trial]| -> Vec<Vec<f64>> {
        trials.iter().filter_map(|it| it.judgement.accepted().map(<[f64]>::to_vec)).collect()
    };
    let logged = losses(logged);
    let mut points: Vec<Vec<f64>> = match non_dominated_sort(&logged).first() {
        Some(front) => front.iter().map(|&index| logged[index].clone()).collect(),
        None => losses(trials),
    };
    let Some(reference) = reference(&points) else {
        chosen.extend(order);
        chosen.truncate(count);
        return chosen;
    };
    points.extend(chosen.iter().filter_map(|&index| Some(trials[index].judgement.accepted()?.to_vec())));
    let volume = |points: &[Vec<f64>]| hypervolume(points, &reference).unwrap_or_default();
    let mut before = volume(&points);
    while chosen.len() < count && !order.is_empty() {
        let with = |index: &usize| {
            let Some(losses) = trials[*index].judgement.accepted() else { return 0.0 };
            volume(&[points.as_slice(), &[losses.to_vec()]].concat()) - before
        };
        let added: Vec<f64> = order.iter().map(with).collect();
        let best = (0..added.len()).fold(0, |best, it| if added[it] > added[best] { it } else { best });
        let index = order.remove(best);
        points.extend(trials[index].judgement.accepted().map(<[f64]>::to_vec));
        before += added[best];
        chosen.push(index);
    }
    chosen
}

/// The worst of the points in each objective, and a tenth of their range beyond it; of its size if they are all the same.
fn reference(points: &[Vec<f64>]) -> Option<Vec<f64>> {
    let of = |objective: usize| {
        let values = points.iter().map(|point| point[objective]);
        let (least, most) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), it| (least.min(it), most.max(it)));
        let range = if most > least { most - least } else { most.abs() };
        most + 0.1 * range
    };
    points.first().map(|first| (0..first.len()).map(of).collect())
}

/// `chosen`, and the first of `order`, which has these too, each at least a distance from those before it, until there are `count`.
fn apart(
    problem: &Problem,
    trials: &[Trial],
    mut chosen: Vec<usize>,
    order: &[usize],
    count: usize,
) -> Vec<usize> {
    let mut apart = APART;
    while chosen.len() < count && chosen.len() < order.len() {
        for &index in order {
            if chosen.len() == count {
                break;
            }
            if chosen.contains(&index) {
                continue;
            }
            let others = chosen.iter().map(|&it| trials[it].design.clone()).collect();
            let nearest =
                Support::new(problem.space(), others, 1).distance(&trials[index].design, problem.space());
            if nearest >= apart {
                chosen.push(index);
            }
        }
        apart = if apart < LEAST_APART { 0.0 } else { apart / 2.0 };
    }
    let place = |index: &usize| order.iter().position(|it| it == index);
    chosen.sort_by_key(place);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{DesignSpace, Goal, Metric, Objective, Outcome, Parameter};

    /// One parameter of 17 levels whose metric is the level: 0 is the best and known, so 1 is the first; the next are at least 0.1 of the way
    /// across apart, two levels, 3 and 5. Of two levels both are taken, however near.
    #[test]
    fn a_batch_by_hand() {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 16)], Vec::new()).unwrap();
        let goal = Goal { objectives: vec![Objective::minimize("y")], constraints: Vec::new() };
        let problem = Problem::new(space.clone(), vec![Metric::new("y", "", "level")], goal).unwrap();
        let trial = |level: u32| {
            let outcome = Outcome::Measured(vec![f64::from(level)]);
            problem.trial(space.design(&[level]).unwrap(), outcome)
        };
        let trials: Vec<Trial> = (0..=16).map(trial).collect();
        let known = BTreeSet::from([space.design(&[0]).unwrap()]);
        let nothing = BTreeSet::new();
        let evidence = BatchEvidence { logged: &[], known: &known, near: &nothing };
        assert_eq!(batch(&problem, &trials, evidence, 3), [1, 3, 5]);
        assert_eq!(batch(&problem, &trials[..2], BatchEvidence { known: &nothing, ..evidence }, 3), [0, 1]);
        // Of four places two are for those beside the best logged, however near each other: 6 and 7. The others are apart from these too: 1 and 3.
        let near = [6, 7, 9].map(|level| space.design(&[level]).unwrap()).into();
        assert_eq!(batch(&problem, &trials, BatchEvidence { near: &near, ..evidence }, 4), [1, 3, 6, 7]);
    }

    /// Two objectives. Logged are (0, 4) and (4, 0), so the reference is 4.4 in both. (1, 1) adds most: 3.4 x 3.4 but for what is below the logged
    /// ones. Then (2, 0.5) adds 2.4 x 0.5 and little is taken off below (4, 0); its neighbour (1.1, 1.1) adds nothing and comes last.
    #[test]
    fn a_batch_of_several_objectives_by_hand() {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 2)], Vec::new()).unwrap();
        let goal = Goal {
            objectives: vec![Objective::minimize("a"), Objective::minimize("b")],
            constraints: Vec::new(),
        };
        let metrics = vec![Metric::new("a", "", "one"), Metric::new("b", "", "other")];
        let problem = Problem::new(space.clone(), metrics, goal).unwrap();
        let trial = |level: u32, values: [f64; 2]| {
            problem.trial(space.design(&[level]).unwrap(), Outcome::Measured(values.to_vec()))
        };
        let trials = [trial(0, [1.1, 1.1]), trial(1, [2.0, 0.5]), trial(2, [1.0, 1.0])];
        let logged = [trial(0, [0.0, 4.0]), trial(1, [4.0, 0.0])];
        let nothing = BTreeSet::new();
        let evidence = BatchEvidence { logged: &logged, known: &nothing, near: &nothing };
        assert_eq!(batch(&problem, &trials, evidence, 3), [2, 1, 0]);
        // Of two places one is for what is beside the best logged; then (1, 1) adds most.
        let near = [space.design(&[0]).unwrap()].into();
        assert_eq!(batch(&problem, &trials, BatchEvidence { near: &near, ..evidence }, 2), [0, 2]);
    }
}
