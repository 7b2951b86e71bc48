//! A batch of designs to build: good ones that are not all neighbours, so that the next model learns from each.
//!
//! Ours: half of the places are for designs that differ in one parameter from one of the best logged: little can be wrong about them. Those
//! from which most is to be gained over the best logged, by how they may turn out: by what is expected alone, all of them would differ in
//! a parameter that does nothing, and be as good as the best. The other half goes greedily by what the model expects, each at least a distance from those before it. Where
//! the model is wrong about one design, it is wrong about its neighbours too, and a batch of them is a single bet. With several
//! objectives greedily by how much a design is expected to add to the hypervolume of what was logged and chosen before, over
//! [`scenario`](super::scenario)s, which leaves neighbours nothing to add.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use tapeout_core::pareto::{hypervolume, non_dominated_sort};
use tapeout_core::{Design, Problem, Trial};
use tapeout_surrogates::support::Support;

use super::choose;
use super::scenario::Scenario;

/// How far the designs of a batch are from each other, as a share of the way across the space. Ours: one of ten parameters over a
/// third of its range; halved until there are enough.
const APART: f64 = 0.1;
/// Below this all designs that are not the same are apart. Ours: one of a hundred parameters by a hundredth of its range.
const LEAST_APART: f64 = 1e-3;

/// With several objectives, how many designs are looked at closely for each of a batch. Ours: some fronts; each is held against all that was chosen,
/// in every scenario. With one objective all that are beside the best logged are looked at.
const LOOKED_AT: usize = 20;

/// What is known of designs, for whoever chooses some.
#[derive(Clone, Copy)]
pub struct BatchEvidence<'a> {
    /// What was measured.
    pub logged: &'a [Trial],
    /// Designs that are not to be chosen, nor what is stated to be equal to one.
    pub known: &'a BTreeSet<Design>,
    /// Designs beside the best logged ones.
    pub near: &'a BTreeSet<Design>,
    /// How the designs may turn out, each scenario with all of them in their order; only those [`looked_at`] closely need differ.
    pub scenarios: &'a [Scenario],
}

/// What stands to be chosen: indices of trials, by what is expected, the best first.
struct Candidates {
    all: Vec<usize>,
    /// Those beside the best logged ones that are acceptable.
    beside: Vec<usize>,
}

impl Candidates {
    fn new(problem: &Problem, trials: &[Trial], known: &BTreeSet<Design>, near: &BTreeSet<Design>) -> Self {
        let representative = |design: &Design| problem.space().representative(design);
        let [known, near] =
            [known, near].map(|them| them.iter().map(representative).collect::<BTreeSet<_>>());
        let mut all = choose(problem, trials, trials.len());
        all.retain(|&index| !known.contains(&representative(&trials[index].design)));
        let is_near = |index: &&usize| near.contains(&representative(&trials[**index].design));
        let is_acceptable = |index: &&usize| trials[**index].judgement.accepted().is_some();
        let beside = all.iter().filter(is_near).filter(is_acceptable).copied().collect();
        Self { all, beside }
    }
}

/// The designs for which a [`batch`] of `count` asks how they may turn out: indices of `trials`.
pub fn looked_at(
    problem: &Problem,
    trials: &[Trial],
    (known, near): (&BTreeSet<Design>, &BTreeSet<Design>),
    count: usize,
) -> Vec<usize> {
    let Candidates { all, beside } = Candidates::new(problem, trials, known, near);
    if problem.n_objectives() == 1 {
        return beside;
    }
    let most = LOOKED_AT * count;
    // Of all some are chosen already when the others are looked at.
    let all = all.into_iter().take(most + count);
    beside.into_iter().take(most).chain(all).collect::<BTreeSet<usize>>().into_iter().collect()
}

/// The `count` designs to build next, none of them known: indices of `trials`, which have a design once. The best first with one objective;
/// with several first those beside the best logged.
pub fn batch(problem: &Problem, trials: &[Trial], evidence: BatchEvidence<'_>, count: usize) -> Vec<usize> {
    let BatchEvidence { logged, known, near, scenarios } = evidence;
    let Candidates { all: mut order, mut beside } = Candidates::new(problem, trials, known, near);
    let places = count / 2;
    if problem.n_objectives() > 1 {
        let looked_at = |order: &[usize]| order.iter().copied().take(LOOKED_AT * count).collect();
        let mut added = AddedVolume::new(scenarios, logged);
        let mut chosen = added.choose(looked_at(&beside), places);
        order.retain(|index| !chosen.contains(index));
        chosen.extend(added.choose(looked_at(&order), count - chosen.len()));
        return chosen;
    }
    // Stable: what gains nothing stays in the order of what is expected.
    let best = logged.iter().filter_map(only_loss).min_by(f64::total_cmp);
    beside.sort_by_cached_key(|&index| Reverse(expected_gain(scenarios, best, index).to_bits()));
    beside.truncate(places);
    apart(problem, trials, beside, &order, count)
}

/// The loss of an acceptable trial with one objective.
fn only_loss(trial: &Trial) -> Option<f64> {
    trial.judgement.accepted().map(|losses| losses[0])
}

/// By how much the design at `index` is expected to be better than the best logged loss, for the only objective; 0 or more.
/// Source: Mockus, Tiesis & Zilinskas (1978), expected improvement, over scenarios.
fn expected_gain(scenarios: &[Scenario], best: Option<f64>, index: usize) -> f64 {
    let Some(best) = best else { return 0.0 };
    let gain =
        |it: &Scenario| it.weight * only_loss(&it.trials[index]).map_or(0.0, |loss| (best - loss).max(0.0));
    scenarios.iter().map(gain).sum()
}

/// What designs are expected to add to the hypervolume of what was logged and of those chosen before.
struct AddedVolume<'a> {
    /// None if nothing is acceptable.
    reference: Option<Vec<f64>>,
    parts: Vec<VolumePart<'a>>,
}

/// The points of one scenario.
struct VolumePart<'a> {
    scenario: &'a Scenario,
    /// Those logged, and those chosen as the scenario has them; shape `[n][m]`.
    points: Vec<Vec<f64>>,
    volume: f64,
}

impl<'a> AddedVolume<'a> {
    fn new(scenarios: &'a [Scenario], logged: &[Trial]) -> Self {
        let losses = |trials: &[Trial]| -> Vec<Vec<f64>> {
            trials.iter().filter_map(|it| it.judgement.accepted().map(<[f64]>::to_vec)).collect()
        };
        let logged = losses(logged);
        let front = non_dominated_sort(&logged);
        let points: Vec<Vec<f64>> =
            front.first().into_iter().flatten().map(|&it| logged[it].clone()).collect();
        let reference = reference(&points)
            .or_else(|| reference(&scenarios.iter().flat_map(|it| losses(&it.trials)).collect::<Vec<_>>()));
        let volume = reference.as_ref().map_or(0.0, |it| hypervolume(&points, it).unwrap_or_default());
        let part = |scenario| VolumePart { scenario, points: points.clone(), volume };
        Self { reference, parts: scenarios.iter().map(part).collect() }
    }

    /// The `count` designs of `order` that add most, one after the other; then those that add nothing, in their order.
    fn choose(&mut self, mut order: Vec<usize>, count: usize) -> Vec<usize> {
        let mut chosen = Vec::new();
        while chosen.len() < count && !order.is_empty() {
            let added: Vec<f64> = order.iter().map(|&index| self.added(index)).collect();
            let best = (0..added.len()).fold(0, |best, it| if added[it] > added[best] { it } else { best });
            let index = order.remove(best);
            self.take(index);
            chosen.push(index);
        }
        chosen
    }

    fn added(&self, index: usize) -> f64 {
        let Some(reference) = &self.reference else { return 0.0 };
        self.parts
            .iter()
            .map(|part| part.scenario.weight * (part.with(index, reference).0 - part.volume))
            .sum()
    }

    fn take(&mut self, index: usize) {
        let Some(reference) = &self.reference else { return };
        for part in &mut self.parts {
            (part.volume, part.points) = part.with(index, reference);
        }
    }
}

impl VolumePart<'_> {
    /// The volume with one more design, and its points.
    fn with(&self, index: usize, reference: &[f64]) -> (f64, Vec<Vec<f64>>) {
        match self.scenario.trials[index].judgement.accepted() {
            None => (self.volume, self.points.clone()),
            Some(losses) => {
                let points = [self.points.as_slice(), &[losses.to_vec()]].concat();
                (hypervolume(&points, reference).unwrap_or(self.volume), points)
            }
        }
    }
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
    use tapeout_core::{DesignSpace, EqualLevelsText, Goal, Metric, Objective, Outcome, Parameter, Value};

    /// Levels 1, 2 and 3 are stated to be equal: of these the best is chosen alone, and none if another is known.
    #[test]
    fn of_equal_designs_one_is_chosen() {
        let levels = [1, 2, 3].map(Value::Integer).to_vec();
        let stated = EqualLevelsText { parameter: "x".to_owned(), levels, given: None };
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 16)], Vec::new()).unwrap();
        let space = space.with_equal_levels(&[stated]).unwrap();
        let goal = Goal { objectives: vec![Objective::minimize("y")], constraints: Vec::new() };
        let problem = Problem::new(space.clone(), vec![Metric::new("y", "", "level")], goal).unwrap();
        let trial = |level: u32| {
            let outcome = Outcome::Measured(vec![f64::from(level)]);
            problem.trial(space.design(&[level]).unwrap(), outcome)
        };
        let trials: Vec<Trial> = (0..=5).map(trial).collect();
        assert_eq!(choose(&problem, &trials, 3), [0, 1, 4]);
        let known = BTreeSet::from([space.design(&[3]).unwrap()]);
        let nothing = BTreeSet::new();
        let evidence = BatchEvidence { logged: &[], known: &known, near: &nothing, scenarios: &[] };
        let mut chosen = batch(&problem, &trials, evidence, 6);
        chosen.sort_unstable();
        assert_eq!(chosen, [0, 4, 5]);
    }

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
        let evidence = BatchEvidence { logged: &[], known: &known, near: &nothing, scenarios: &[] };
        assert_eq!(batch(&problem, &trials, evidence, 3), [1, 3, 5]);
        assert_eq!(batch(&problem, &trials[..2], BatchEvidence { known: &nothing, ..evidence }, 3), [0, 1]);
        // Of four places two are for those beside the best logged, however near each other: 6 and 7. The others are apart from these too: 1 and 3.
        let near = [6, 7, 9].map(|level| space.design(&[level]).unwrap()).into();
        assert_eq!(batch(&problem, &trials, BatchEvidence { near: &near, ..evidence }, 4), [1, 3, 6, 7]);
        // 8 was the best that was logged. That 9 may turn out to be 5, by one in ten, is worth more than that 7 will be 7.9, and 6 is 8 for sure.
        let turn_out = |six: f64, seven: f64, nine: f64| -> Vec<Trial> {
            let value = |level: u32| match level {
                6 => six,
                7 => seven,
                9 => nine,
                _ => f64::from(level),
            };
            let outcome = |level: u32| Outcome::Measured(vec![value(level)]);
            (0..=16).map(|level| problem.trial(space.design(&[level]).unwrap(), outcome(level))).collect()
        };
        let scenarios = [
            Scenario { weight: 0.9, trials: turn_out(8.0, 7.9, 9.0) },
            Scenario { weight: 0.1, trials: turn_out(8.0, 7.9, 5.0) },
        ];
        let logged = [trial(8)];
        let evidence = BatchEvidence { logged: &logged, known: &known, near: &near, scenarios: &scenarios };
        assert_eq!(batch(&problem, &trials, evidence, 2), [1, 9]);
        assert_eq!(batch(&problem, &trials, evidence, 4), [1, 3, 7, 9]);
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
        let expected = [Scenario { weight: 1.0, trials: trials.to_vec() }];
        let evidence =
            BatchEvidence { logged: &logged, known: &nothing, near: &nothing, scenarios: &expected };
        assert_eq!(batch(&problem, &trials, evidence, 3), [2, 1, 0]);
        // Of two places one is for what is beside the best logged, (1.1, 1.1). Then (2, 0.5) adds 2 x 0.6, where (1, 1) adds some 0.6.
        let near = [space.design(&[0]).unwrap()].into();
        assert_eq!(batch(&problem, &trials, BatchEvidence { near: &near, ..evidence }, 2), [0, 1]);
    }

    /// Logged are (0, 4) and (4, 0), so the reference is 4.4 in both. What lies at (2, 2) adds 2.4 x 2.4 but for what is below the logged ones, 2 x
    /// 0.4 twice: about 5 for sure. What lies at (1, 1) in one of two cases and cannot be built in the other adds half of 11: more. In one of ten, it adds 1.
    #[test]
    fn what_may_fail_counts_for_less_by_hand() {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 2)], Vec::new()).unwrap();
        let objectives = vec![Objective::minimize("a"), Objective::minimize("b")];
        let metrics = vec![Metric::new("a", "", "one"), Metric::new("b", "", "other")];
        let goal = Goal { objectives, constraints: Vec::new() };
        let problem = Problem::new(space.clone(), metrics, goal).unwrap();
        let trial = |level: u32, outcome: Outcome| problem.trial(space.design(&[level]).unwrap(), outcome);
        let measured = |level: u32, both: [f64; 2]| trial(level, Outcome::Measured(both.to_vec()));
        let logged = [measured(2, [0.0, 4.0]), measured(2, [4.0, 0.0])];
        let trials = [measured(0, [2.0, 2.0]), measured(1, [1.0, 1.0])];
        let fails = [trials[0].clone(), trial(1, Outcome::infeasible("r", 1.0))];
        let nothing = BTreeSet::new();
        let first = |weight: f64| {
            let scenarios = [
                Scenario { weight, trials: trials.to_vec() },
                Scenario { weight: 1.0 - weight, trials: fails.to_vec() },
            ];
            let evidence =
                BatchEvidence { logged: &logged, known: &nothing, near: &nothing, scenarios: &scenarios };
            batch(&problem, &trials, evidence, 1)
        };
        assert_eq!((first(0.5), first(0.1)), (vec![1], vec![0]));
    }
}
