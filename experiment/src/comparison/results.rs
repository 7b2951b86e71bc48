//! What each run was worth after so many trials, on a scale that all runs of an environment share.
//!
//! With one objective a run is worth its best acceptable value; with several, the hypervolume of its front. Either is kept
//! as a *cost*, of which less is better: the loss, infinite as long as nothing is acceptable, or the negative volume.

use std::collections::BTreeSet;

use tapeout_core::Direction;
use tapeout_core::pareto::{Archive, hypervolume, igd_plus};

use super::conduct::ComparedProblem;
use super::reference::{self, Ranges, width};
use super::{ComparisonPlan, RunTrace};

/// Equal parts of the budget after which runs are compared. Ours: a curve of 100 points looks smooth.
const PARTS: usize = 100;

/// Parts of each decade of the budget after which runs are compared too. Ours: so a curve keeps its beginning on a
/// logarithmic axis.
const PARTS_OF_DECADE: usize = 10;

/// The results of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonResults {
    /// Names of the agents.
    pub agents: Vec<String>,
    /// How many seeds each has.
    pub seeds: usize,
    /// The first of them; the others follow.
    pub first_seed: u64,
    /// After how many trials runs are compared, rising; the last is the budget.
    pub checkpoints: Vec<usize>,
    /// The results in each environment.
    pub envs: Vec<EnvResults>,
}

/// The results in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvResults {
    /// The environment's name.
    pub name: String,
    /// What was sought.
    pub problem: ComparedProblem,
    /// Up to where volumes are measured: for each objective what is fixed, or else a tenth of their range beyond the worst loss on the
    /// final front of any run. Empty with one objective, and if nothing acceptable was found.
    pub reference: Vec<f64>,
    /// The cost of the best that all runs found together; none if they found nothing acceptable.
    pub best_known: Option<f64>,
    /// How many trials of each agent, those of all its runs, failed to be evaluated. Shape `[agents]`.
    pub failed: Vec<usize>,
    /// Shape `[agents][seeds][checkpoints]`.
    costs: Vec<Vec<Vec<f64>>>,
    /// How far each final front stays behind that of all runs together, infinite without one; empty with one objective. Shape
    /// `[agents][seeds]`.
    distances: Vec<Vec<f64>>,
}

impl ComparisonResults {
    /// The results of the runs of `plan`: `traces` in the order of its cells, `problems` in that of its environments.
    pub fn of(plan: &ComparisonPlan, problems: &[ComparedProblem], traces: &[RunTrace]) -> Self {
        let checkpoints = checkpoints(plan.trials.get());
        let cells = plan.cells();
        let env = |(index, problem): (usize, &ComparedProblem)| {
            let of_agent = |agent: usize| -> Vec<&RunTrace> {
                let mine = cells.iter().zip(traces);
                let mine = mine.filter(|(cell, _)| (cell.env, cell.agent) == (index, agent));
                mine.map(|(_, trace)| trace).collect()
            };
            let runs: Vec<Vec<&RunTrace>> = (0..plan.agents.len()).map(of_agent).collect();
            EnvResults::of(&plan.envs[index].name, problem, &runs, &checkpoints)
        };
        Self {
            agents: plan.agents.iter().map(|agent| agent.name.clone()).collect(),
            seeds: plan.seeds.clone().count(),
            first_seed: plan.seeds.start,
            envs: problems.iter().enumerate().map(env).collect(),
            checkpoints,
        }
    }

    /// The seeds, for a caption: `n = 10 seeds, 0 to 9`.
    pub fn seed_words(&self) -> String {
        let last = (self.first_seed + self.seeds as u64).saturating_sub(1);
        format!("n = {} seeds, {} to {last}", self.seeds, self.first_seed)
    }

    /// The budget of each run.
    pub fn trials(&self) -> usize {
        self.checkpoints.last().copied().unwrap_or_default()
    }
}

impl EnvResults {
    fn of(name: &str, problem: &ComparedProblem, runs: &[Vec<&RunTrace>], checkpoints: &[usize]) -> Self {
        let n_objectives = problem.objectives.len();
        let mut union = Archive::new(n_objectives);
        let mut ranges: Ranges = Vec::new();
        for trace in runs.iter().flatten() {
            let front = front(trace, n_objectives);
            for member in front.members() {
                take(&mut union, &member.losses);
                ranges.resize(n_objectives, (f64::INFINITY, f64::NEG_INFINITY));
                for ((low, high), &loss) in ranges.iter_mut().zip(&member.losses) {
                    (*low, *high) = (low.min(loss), high.max(loss));
                }
            }
        }
        let is_volume = n_objectives > 1;
        let reference: Vec<f64> =
            if is_volume { reference::point(&ranges, &problem.reference) } else { Vec::new() };
        let costs_of = |trace: &&RunTrace| costs(trace, n_objectives, &reference, checkpoints);
        Self {
            name: name.to_owned(),
            problem: problem.clone(),
            best_known: (!union.members().is_empty()).then(|| cost(&union, &reference)),
            failed: runs.iter().map(|seeds| seeds.iter().map(|trace| trace.failed).sum()).collect(),
            costs: runs.iter().map(|seeds| seeds.iter().map(costs_of).collect()).collect(),
            distances: if is_volume { distances(runs, &union) } else { Vec::new() },
            reference,
        }
    }

    /// Cost of a run at each checkpoint; infinite where nothing acceptable was found yet. Shape `[checkpoints]`.
    pub fn costs(&self, agent: usize, seed: usize) -> &[f64] {
        &self.costs[agent][seed]
    }

    /// Cost of a run at the end.
    pub fn final_cost(&self, agent: usize, seed: usize) -> f64 {
        self.costs(agent, seed).last().copied().unwrap_or(f64::INFINITY)
    }

    /// IGD+ of the final front of a run: how far, in units of the range of each objective, it stays behind the front of all runs together,
    /// on average over that; infinite if the run found nothing acceptable. None with one objective.
    pub fn distance(&self, agent: usize, seed: usize) -> Option<f64> {
        self.distances.get(agent).map(|seeds| seeds[seed])
    }

    /// The common logarithm of the share of the best known hypervolume that is missing: minus infinity if nothing is. None with one
    /// objective, and if there is no best known volume.
    pub fn log_difference(&self, cost: f64) -> Option<f64> {
        let share = self.fraction(cost).filter(|_| self.is_volume())?;
        Some((1.0 - share).max(0.0).log10())
    }

    /// Whether runs are worth the hypervolume of their front.
    pub fn is_volume(&self) -> bool {
        self.problem.objectives.len() > 1
    }

    /// What is measured, as tables call it: `latency_s`, `hypervolume`.
    pub fn measure(&self) -> &str {
        if self.is_volume() { "hypervolume" } else { &self.problem.metrics[0].name }
    }

    /// Which way the value of a run is to go.
    pub fn direction(&self) -> Direction {
        if self.is_volume() { Direction::Maximize } else { self.problem.objectives[0].direction }
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
        let objectives = self.problem.objectives.iter().zip(&self.reference);
        let value = |(objective, &loss): (&tapeout_core::Objective, &f64)| match objective.direction {
            Direction::Minimize => loss,
            Direction::Maximize => 0.0 - loss,
        };
        let names = self.problem.metrics.iter().map(|metric| metric.name.as_str());
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

fn front(trace: &RunTrace, n_objectives: usize) -> Archive {
    let mut archive = Archive::new(n_objectives);
    for (_, losses) in &trace.incumbents {
        take(&mut archive, losses);
    }
    archive
}

/// IGD+ of each final front from `union`, whose range is the unit of each objective. Shape `[agents][seeds]`.
fn distances(runs: &[Vec<&RunTrace>], union: &Archive) -> Vec<Vec<f64>> {
    let n_objectives = union.members().first().map_or(0, |member| member.losses.len());
    let range = |index: usize| {
        let losses = union.members().iter().map(|member| member.losses[index]);
        losses.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| (low.min(loss), high.max(loss)))
    };
    let scale: Vec<f64> = (0..n_objectives).map(|index| width(&range(index))).collect();
    let distance = |trace: &&RunTrace| {
        let front = front(trace, n_objectives);
        let distance = igd_plus(front.members(), union.members(), &scale);
        distance
            .expect("invariant: judged losses are finite, one for each objective")
            .unwrap_or(f64::INFINITY)
    };
    runs.iter().map(|seeds| seeds.iter().map(distance).collect()).collect()
}

fn take(archive: &mut Archive, losses: &[f64]) {
    archive.insert(0, losses).expect("invariant: judged losses are finite, one for each objective");
}

/// Cost of a whole run. `reference`: empty with one objective.
pub(super) fn worth(trace: &RunTrace, reference: &[f64]) -> f64 {
    cost(&front(trace, reference.len().max(1)), reference)
}

/// Cost of a run at each checkpoint.
fn costs(trace: &RunTrace, n_objectives: usize, reference: &[f64], checkpoints: &[usize]) -> Vec<f64> {
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
        ([], _) => f64::INFINITY,
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
    pub(in crate::comparison) fn problem(objectives: &[&str]) -> ComparedProblem {
        let objectives: Vec<Objective> = objectives.iter().map(|text| text.parse().unwrap()).collect();
        let metrics = objectives.iter().map(|objective| Metric::new(&objective.metric, "s", "")).collect();
        ComparedProblem { objectives, metrics, reference: Vec::new() }
    }

    /// A run with these incumbents.
    pub(in crate::comparison) fn trace(incumbents: &[(usize, &[f64])]) -> RunTrace {
        let incumbents: Vec<(usize, Vec<f64>)> =
            incumbents.iter().map(|(trials, losses)| (*trials, losses.to_vec())).collect();
        RunTrace { acceptable: incumbents.len(), incumbents, trials: 4, failed: 0 }
    }

    /// Results of two agents, `a` and `b`, with these runs in one environment.
    pub(in crate::comparison) fn results(
        objectives: &[&str],
        a: &[RunTrace],
        b: &[RunTrace],
    ) -> ComparisonResults {
        let checkpoints = checkpoints(4);
        let runs = [a.iter().collect(), b.iter().collect()];
        let env = EnvResults::of("env", &problem(objectives), &runs, &checkpoints);
        ComparisonResults {
            agents: vec!["a".to_owned(), "b".to_owned()],
            seeds: a.len(),
            first_seed: 0,
            checkpoints,
            envs: vec![env],
        }
    }

    // By hand: 8 s after 2 trials, 4 s after 3, against 5 s at once; 4 s is the best known, of which 5 s is 4/5.
    #[test]
    fn one_objective_is_worth_its_best_value_so_far() {
        let results = results(&["time_s"], &[trace(&[(2, &[8.0]), (3, &[4.0])])], &[trace(&[(1, &[5.0])])]);
        let env = &results.envs[0];
        assert_eq!(results.checkpoints, [1, 2, 3, 4]);
        assert_eq!(env.costs(0, 0), [f64::INFINITY, 8.0, 4.0, 4.0]);
        assert_eq!(env.costs(1, 0), [5.0; 4]);
        assert_eq!(env.fraction(env.final_cost(1, 0)), Some(0.8));
        assert_eq!((env.fraction(f64::INFINITY), env.value(f64::INFINITY)), (Some(0.0), None));
    }

    #[test]
    fn what_is_to_be_large_is_shown_in_its_own_direction() {
        let results = results(&["max:speed"], &[trace(&[(1, &[-8.0])])], &[trace(&[(1, &[-2.0])])]);
        let env = &results.envs[0];
        assert_eq!(env.value(env.final_cost(0, 0)), Some(8.0));
        assert_eq!(env.fraction(env.final_cost(1, 0)), Some(0.25));
    }

    // By hand: `a` ends with (1, 3) and (3, 1), `b` with (2, 2); the worst on either front is (3, 3), and a tenth of the range of 2
    // beyond it (3.2, 3.2). `a` dominates 2.2 x 0.2 twice less 0.2 x 0.2, `b` 1.2 x 1.2, and both together 1 x 0.2 twice more than `b`.
    #[test]
    fn volumes_end_beyond_the_worst_point_of_all_fronts() {
        let a = [trace(&[(1, &[1.0, 3.0]), (2, &[3.0, 1.0])])];
        let env = &results(&["x_s", "y_s"], &a, &[trace(&[(1, &[9.0, 9.0]), (4, &[2.0, 2.0])])]).envs[0];
        let is_near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(env.reference_values().iter().all(|&(_, value)| is_near(value, 3.2)));
        assert_eq!(env.costs(1, 0)[..3], [0.0; 3]);
        assert!(is_near(env.costs(1, 0)[3], -1.44));
        assert!(is_near(env.final_cost(0, 0), -0.84));
        assert!(is_near(env.best_known.unwrap(), -1.84));
    }

    // By hand: up to (4, 4) `a` dominates 3 x 1 twice less 1, `b` 2 x 2, and both together 1 more than `a`; up to 2 in the first loss
    // `b` dominates nothing. Of all three designs on the front, whose range is 2 in both losses, `a` misses (2, 2) by half a range, and
    // `b` the others by as much.
    #[test]
    fn a_fixed_reference_is_where_volumes_end() {
        let a = [trace(&[(1, &[1.0, 3.0]), (2, &[3.0, 1.0])])];
        let b = [trace(&[(4, &[2.0, 2.0])])];
        let with = |reference: Vec<Option<f64>>| {
            let problem = ComparedProblem { reference, ..problem(&["x_s", "y_s"]) };
            let runs = [a.iter().collect(), b.iter().collect()];
            EnvResults::of("env", &problem, &runs, &checkpoints(4))
        };
        let env = with(vec![Some(4.0); 2]);
        assert_eq!([env.final_cost(0, 0), env.final_cost(1, 0), env.best_known.unwrap()], [-5.0, -4.0, -6.0]);
        assert_eq!([env.distance(0, 0), env.distance(1, 0)], [Some(0.5 / 3.0), Some(1.0 / 3.0)]);
        assert!((env.log_difference(-5.0).unwrap() - (1.0_f64 / 6.0).log10()).abs() < 1e-12);
        let env = with(vec![Some(2.0), None]);
        assert_eq!((env.final_cost(1, 0), env.reference[0]), (0.0, 2.0));
        assert!((env.reference[1] - 3.2).abs() < 1e-12);
    }

    // By hand: all fronts are the one design (2, 0): a tenth of 2 and of 1 beyond it, the volume is 0.2 x 0.1.
    #[test]
    fn a_front_of_one_design_has_a_volume() {
        let one = [trace(&[(1, &[2.0, 0.0])])];
        let env = &results(&["x_s", "y_s"], &one, &one).envs[0];
        assert!((env.final_cost(0, 0) + 0.02).abs() < 1e-12);
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
