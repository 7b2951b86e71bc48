//! How a search went: the hypervolume of its front and the best values after so many trials.

use serde::Serialize;
use tapeout_core::pareto::{Archive, hypervolume};
use tapeout_core::{Problem, Trial};

/// After how many trials the hypervolume is taken. Ours: a curve of so many points looks smooth.
const POINTS: usize = 120;

/// A front of more designs over four objectives or more has no volume in a report: it would take longer than all else.
/// Ours: 200 designs over five objectives take 0.2 s.
const LARGEST_FRONT: usize = 200;

/// What a search had found after so many trials.
#[derive(Debug, Serialize)]
pub(crate) struct Course {
    /// Up to where volumes are measured, in the metrics' units; shape `[m]`. Empty with one objective.
    reference: Vec<f64>,
    /// The volume, where it was taken: trials, and volume in the product of the losses' units. Shape `[points][2]`.
    hypervolume: Vec<[f64; 2]>,
    /// Where an acceptable design was better in an objective than all before: trials, and value. Shape `[m][steps][2]`.
    best: Vec<Vec<[f64; 2]>>,
}

/// For each objective the largest loss of an acceptable design; none if nothing is acceptable. Shape `[m]`.
pub(crate) fn worst(trials: &[Trial]) -> Option<Vec<f64>> {
    let mut losses = trials.iter().filter_map(|trial| trial.judgement.accepted());
    let first = losses.next()?.to_vec();
    Some(losses.fold(first, |worst, losses| larger(&worst, losses)))
}

/// The larger of two losses for each objective. Shape `[m]`.
pub(crate) fn larger(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(a, b)| a.max(*b)).collect()
}

impl Course {
    /// The course of `trials`, and the trials of the final front; volumes end at `reference`, in losses, shape `[m]`.
    pub(crate) fn of(problem: &Problem, trials: &[Trial], reference: Option<&[f64]>) -> (Self, Vec<usize>) {
        let m = problem.n_objectives();
        let reference = reference.filter(|_| m > 1);
        let value = |(index, &loss): (usize, &f64)| problem.objective_value(index, loss);
        let mut course = Self {
            reference: reference.unwrap_or_default().iter().enumerate().map(value).collect(),
            hypervolume: Vec::new(),
            best: vec![Vec::new(); m],
        };
        let mut archive = Archive::new(m);
        let mut least = vec![f64::INFINITY; m];
        let (mut is_changed, mut is_small) = (false, true);
        for (index, trial) in trials.iter().enumerate() {
            if let Some(losses) = trial.judgement.accepted() {
                let is_new = archive.insert(index, losses);
                is_changed |= is_new.expect("invariant: judged losses are finite, one for each objective");
                for (objective, &loss) in
                    losses.iter().enumerate().filter(|&(objective, &loss)| loss < least[objective])
                {
                    course.best[objective]
                        .push([(index + 1) as f64, problem.objective_value(objective, loss)]);
                }
                least.iter_mut().zip(losses).for_each(|(least, &loss)| *least = least.min(loss));
            }
            is_small &= m <= 3 || archive.members().len() <= LARGEST_FRONT;
            if let (Some(reference), true) =
                (reference, is_changed && is_small && is_point(index + 1, trials.len()))
            {
                let volume = hypervolume(archive.members(), reference);
                let volume = volume.expect("invariant: judged losses are finite, one for each objective");
                course.hypervolume.push([(index + 1) as f64, volume]);
                is_changed = false;
            }
        }
        if !is_small {
            course.hypervolume.clear();
        }
        (course, archive.members().iter().map(|member| member.trial).collect())
    }
}

/// Whether the volume is taken after `done` of `total` trials: evenly over all of them, as often on a logarithmic axis, and at the end.
fn is_point(done: usize, total: usize) -> bool {
    let even = |done: usize| done * POINTS / total;
    let along = |done: usize| ((done as f64).ln() / (total as f64).ln().max(1.0) * POINTS as f64) as usize;
    done == total || done == 1 || even(done) > even(done - 1) || along(done) > along(done - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{DesignSpace, Goal, Metric, Objective, Outcome, Parameter};

    // By hand: the worst is (3, 3); (1, 3) and (3, 1) have no volume below it, (2, 2) has 1.
    #[test]
    fn the_volume_grows_when_a_design_is_better_than_the_worst_in_all() {
        let space = DesignSpace::new(vec![Parameter::integer("lanes", 1, 8)], Vec::new()).unwrap();
        let metrics = ["a", "b"].map(|name| Metric::new(name, "s", "")).to_vec();
        let goal = Goal {
            objectives: vec![Objective::minimize("a"), Objective::minimize("b")],
            constraints: Vec::new(),
        };
        let problem = Problem::new(space, metrics, goal).unwrap();
        let outcomes = [vec![1.0, 3.0], vec![3.0, 1.0], vec![2.0, 2.0]].map(Outcome::Measured);
        let designs = problem.space().iter().zip(outcomes);
        let trials: Vec<Trial> = designs.map(|(design, outcome)| problem.trial(design, outcome)).collect();
        let reference = worst(&trials).unwrap();
        let (course, front) = Course::of(&problem, &trials, Some(&reference));
        assert_eq!(course.reference, [3.0, 3.0]);
        assert_eq!(course.hypervolume, [[1.0, 0.0], [2.0, 0.0], [3.0, 1.0]]);
        assert_eq!(course.best, [vec![[1.0, 1.0]], vec![[1.0, 3.0], [2.0, 1.0]]]);
        assert_eq!(front, [0, 2, 1]);
    }

    #[test]
    fn points_are_few_and_the_last_is_the_end() {
        for total in [1, 2, 7, 1000, 200_000] {
            let points = (1..=total).filter(|&done| is_point(done, total)).count();
            assert!(points <= 2 * POINTS + 2 && is_point(total, total), "{points} of {total}");
        }
    }
}
