//! From the trials of a search to plots: the front over two metrics, and the best value so far.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use tapeout_core::pareto::front;
use tapeout_core::{Column, Direction, Judgement, Outcome, Problem, Trial, UnknownName};

use super::axis::Axis;
use super::error::PlotError;
use super::line::{LineChart, Series};
use super::matrix::ParetoMatrix;
use super::pareto::ParetoPlot;
use super::quantity::count;
use crate::trials::Trials;

/// Share of a search after which its progress counts in full to the height of a picture. Ours: the first designs of a search are often many
/// times worse than all that is compared later.
pub(crate) const SETTLED: f64 = 0.1;

/// All designs of a search over two metrics, and their front: what to export when the search is over.
///
/// `axes`: names of two of the problem's metrics, the first to the right, the second upwards. A metric that is no objective
/// counts as to be small. Title and caption say what the problem tells; they are fields, to be set to what suits.
///
/// # Errors
/// [`PlotError::UnknownName`] if the problem has no such metric. Without an acceptable design the plot is empty, and is
/// refused when it is drawn.
///
/// ```
/// use tapeout_core::check::toy::Toy;
/// use tapeout_core::{Env, Seed};
/// use tapeout_experiment::plot::{Plot, pareto_of};
///
/// let env = Toy::tradeoff();
/// let problem = env.problem();
/// let mut stream = Seed::new(0).stream("designs");
/// let designs: Vec<_> = (0..50).map(|_| problem.space().sample(&mut stream)).collect();
/// let outcomes = env.evaluate_batch(&designs);
/// let trials = designs.into_iter().zip(outcomes).map(|(design, outcome)| Ok(problem.trial(design, outcome?)));
/// let trials = trials.collect::<Result<Vec<_>, tapeout_core::EvalError>>()?;
///
/// let [x, y] = [0, 1].map(|index| problem.objective_metric(index).name.as_str());
/// let plot = pareto_of(&problem, &trials, [x, y])?;
/// assert_eq!(plot.acceptable.len() + plot.unacceptable.len() + plot.infeasible, 50);
/// assert!(plot.svg()?.contains("Pareto front"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pareto_of<T: Borrow<Trial>>(
    problem: &Problem,
    trials: impl IntoIterator<Item = T>,
    axes: [&str; 2],
) -> Result<ParetoPlot, PlotError> {
    let [x, y] = [column(problem, axes[0])?, column(problem, axes[1])?];
    let directions = axes.map(|axis| direction(problem, axis));
    let (mut acceptable, mut unacceptable, mut n_trials) = (Vec::new(), Vec::new(), 0_u64);
    let mut without = WithoutResult::default();
    for trial in trials {
        let trial = trial.borrow();
        n_trials += 1;
        without.see(trial);
        let Some(point) =
            trial.outcome.metrics().and_then(|metrics| Some([x.value(metrics)?, y.value(metrics)?]))
        else {
            continue;
        };
        match trial.judgement {
            Judgement::Acceptable { .. } => acceptable.push(point),
            Judgement::Unacceptable { .. } => unacceptable.push(point),
            Judgement::Infeasible { .. } | Judgement::Failed => {}
        }
    }
    let loss = |direction, value: f64| if direction == Direction::Minimize { value } else { -value };
    let losses: Vec<[f64; 2]> =
        acceptable.iter().map(|&[x, y]| [loss(directions[0], x), loss(directions[1], y)]).collect();
    // As in a summary, of designs that are worth the same one stands for all.
    let mut seen = BTreeSet::new();
    let front = front(&losses).into_iter().map(|index| acceptable[index]);
    let front = front.filter(|point| seen.insert(point.map(f64::to_bits))).collect();
    let [x, y] = [x.metric(), y.metric()].map(Axis::of);
    Ok(ParetoPlot {
        title: format!("{} and {} of {} designs", x.label, y.label, count(n_trials)),
        x,
        y,
        directions,
        front,
        acceptable,
        unacceptable,
        infeasible: without.infeasible,
        failed: without.failed,
        caption: note(limits(problem)),
        reference: None,
    })
}

/// Trials that have nothing to show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WithoutResult {
    /// Those that cannot be built or run.
    pub(super) infeasible: usize,
    /// Those that failed.
    pub(super) failed: usize,
}

impl WithoutResult {
    fn see(&mut self, trial: &Trial) {
        self.infeasible += usize::from(matches!(trial.outcome, Outcome::Infeasible { .. }));
        self.failed += usize::from(trial.outcome.is_failed());
    }
}

/// All designs of a search over every pair of its objectives, and the front of all objectives together.
pub(super) fn matrix_of(
    problem: &Problem,
    trials: &Trials,
    front: &[usize],
) -> (ParetoMatrix, WithoutResult) {
    let none = || vec![Vec::new(); problem.n_objectives()];
    let (mut acceptable, mut unacceptable, mut on_front) = (none(), none(), none());
    let mut without = WithoutResult::default();
    let add = |columns: &mut [Vec<f64>], losses: &[f64]| {
        for (index, (column, &loss)) in columns.iter_mut().zip(losses).enumerate() {
            column.push(problem.objective_value(index, loss));
        }
    };
    for trial in trials {
        without.see(&trial);
        match &trial.judgement {
            Judgement::Acceptable { losses } => add(&mut acceptable, losses),
            Judgement::Unacceptable { losses, .. } => add(&mut unacceptable, losses),
            Judgement::Infeasible { .. } | Judgement::Failed => {}
        }
    }
    for &index in front {
        add(&mut on_front, trials.at(index).judgement.losses().unwrap_or_default());
    }
    let axis = |index| Axis::of(problem.objective_metric(index));
    let axes = (0..problem.n_objectives()).map(axis).collect();
    (ParetoMatrix { axes, acceptable, unacceptable, front: on_front, ..ParetoMatrix::default() }, without)
}

/// The best acceptable value of an objective after so many trials, as a chart of one line called `name`. The lines of other
/// searches for the same objective may be put beside it.
///
/// # Errors
/// [`PlotError::UnknownName`] if the problem has no such objective, [`PlotError::NoProgress`] if no trial is acceptable.
///
/// ```
/// use tapeout_core::check::toy::Toy;
/// use tapeout_core::{Env, Seed};
/// use tapeout_experiment::plot::progress_of;
///
/// let env = Toy::bowl();
/// let problem = env.problem();
/// let mut trials = Vec::new();
/// let mut stream = Seed::new(0).stream("designs");
/// for _ in 0..50 {
///     let design = problem.space().sample(&mut stream);
///     let outcome = env.evaluate(&design)?;
///     trials.push(problem.trial(design, outcome));
/// }
/// let objective = &problem.objectives()[0].metric;
/// let chart = progress_of(&problem, &trials, objective, "random")?;
/// let values: Vec<f64> = chart.series[0].points.iter().map(|point| point[1]).collect();
/// assert!(values.is_sorted_by(|earlier, later| later <= earlier));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn progress_of<T: Borrow<Trial>>(
    problem: &Problem,
    trials: impl IntoIterator<Item = T>,
    objective: &str,
    name: &str,
) -> Result<LineChart, PlotError> {
    let objectives = problem.objectives().iter().map(|objective| objective.metric.as_str());
    let index = objectives
        .clone()
        .position(|known| known == objective)
        .ok_or_else(|| UnknownName::among("objective", objective, objectives))?;
    let (points, n_trials) = incumbents(problem, trials, index);
    if points.is_empty() {
        return Err(PlotError::NoProgress { search: name.to_owned(), trials: n_trials });
    }
    let y = Axis::of(problem.objective_metric(index));
    Ok(LineChart {
        title: format!("best {} so far", y.label),
        x: Axis::new("designs evaluated", "").linear(),
        y,
        settles_after: Some(SETTLED),
        series: vec![Series { name: name.to_owned(), points, band: Vec::new() }],
        caption: note(limits(problem)),
        ..LineChart::default()
    })
}

/// The constraints of a problem, a text each.
pub(super) fn limits(problem: &Problem) -> impl Iterator<Item = String> {
    problem.constraints().iter().map(ToString::to_string)
}

/// As many of `parts` as fit on a line, as a sentence; nothing if there are none.
pub(super) fn note(parts: impl Iterator<Item = String>) -> String {
    /// Letters that leave room on a line for the share of infeasible designs.
    const LETTERS: usize = 70;
    let mut length = 0;
    let fitting = parts.take_while(|part| {
        length += part.len();
        length <= LETTERS
    });
    let note = fitting.collect::<Vec<_>>().join("; ");
    if note.is_empty() { note } else { format!("{note}.") }
}

/// The steps of the best acceptable value of the objective at `index`, and the value at the end; and how many trials there are.
fn incumbents<T: Borrow<Trial>>(
    problem: &Problem,
    trials: impl IntoIterator<Item = T>,
    index: usize,
) -> (Vec<[f64; 2]>, usize) {
    let (mut best, mut points, mut n_trials) = (f64::INFINITY, Vec::new(), 0);
    for trial in trials {
        n_trials += 1;
        if let Some(losses) = trial.borrow().judgement.accepted()
            && losses[index] < best
        {
            best = losses[index];
            points.push([n_trials as f64, problem.objective_value(index, best)]);
        }
    }
    if let Some(&[number, value]) = points.last()
        && number < n_trials as f64
    {
        points.push([n_trials as f64, value]);
    }
    (points, n_trials)
}

/// The metric called `name`, measured or one that follows from others.
fn column(problem: &Problem, name: &str) -> Result<Column, UnknownName> {
    let known = || problem.quantities().iter().map(|metric| metric.name.as_str());
    problem.column(name).ok_or_else(|| UnknownName::among("metric", name, known()))
}

/// Which way a metric is to go: down, unless it is an objective that is to go up.
fn direction(problem: &Problem, name: &str) -> Direction {
    let objective = problem.objectives().iter().find(|objective| objective.metric == name);
    objective.map_or(Direction::Minimize, |objective| objective.direction)
}

#[cfg(test)]
mod tests {
    use tapeout_core::{Constraint, DesignSpace, Goal, Metric, Objective, Parameter};

    use super::*;

    /// Small latency and large throughput are wanted, and at most 10 W.
    fn problem() -> Problem {
        let space = DesignSpace::new(vec![Parameter::integer("lanes", 1, 8)], Vec::new()).unwrap();
        let metrics = [("latency_s", "s"), ("throughput_op_per_s", "op/s"), ("power_w", "W")];
        let metrics = metrics.map(|(name, unit)| Metric::new(name, unit, "")).to_vec();
        let goal = Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::maximize("throughput_op_per_s")],
            constraints: vec![Constraint::at_most("power_w", 10.0)],
        };
        Problem::new(space, metrics, goal).unwrap()
    }

    fn trials(outcomes: Vec<Outcome>) -> Vec<Trial> {
        let problem = problem();
        let designs = problem.space().iter();
        designs.zip(outcomes).map(|(design, outcome)| problem.trial(design, outcome)).collect()
    }

    fn six() -> Vec<Trial> {
        trials(vec![
            Outcome::infeasible("area", 0.5),
            Outcome::Measured(vec![2.0, 5.0, 1.0]),
            Outcome::Measured(vec![1.0, 9.0, 11.0]),
            Outcome::Measured(vec![3.0, 4.0, 10.0]),
            Outcome::Measured(vec![1.0, 4.0, 2.0]),
            Outcome::failed("no answer"),
        ])
    }

    // By hand: the third breaks the constraint; the fourth is slower and does less than the second, the fifth is faster.
    #[test]
    fn a_pareto_plot_sorts_trials_by_what_they_are_worth() {
        let plot = pareto_of(&problem(), six(), ["latency_s", "throughput_op_per_s"]).unwrap();
        assert_eq!(plot.acceptable, [[2.0, 5.0], [3.0, 4.0], [1.0, 4.0]]);
        assert_eq!(plot.unacceptable, [[1.0, 9.0]]);
        assert_eq!((plot.infeasible, plot.failed), (1, 1));
        let mut front = plot.front.clone();
        front.sort_by(|one, other| one[0].total_cmp(&other[0]));
        assert_eq!(front, [[1.0, 4.0], [2.0, 5.0]]);
        assert_eq!(plot.directions, [Direction::Minimize, Direction::Maximize]);
        assert_eq!(plot.title, "latency and throughput of 6 designs");
        assert_eq!(plot.caption, "power_w <= 10.0.");
    }

    // By hand: the second and the third are the front, and worth the same.
    #[test]
    fn of_designs_that_are_worth_the_same_one_is_on_the_front() {
        let worth = |latency_s, power_w| Outcome::Measured(vec![latency_s, 5.0, power_w]);
        let three = trials(vec![worth(2.0, 2.0), worth(1.0, 2.0), worth(1.0, 2.0)]);
        let plot = pareto_of(&problem(), &three, ["latency_s", "power_w"]).unwrap();
        assert_eq!((plot.front.as_slice(), plot.acceptable.len()), ([[1.0, 2.0]].as_slice(), 3));
    }

    #[test]
    fn a_metric_that_is_no_objective_counts_as_to_be_small() {
        let plot = pareto_of(&problem(), six(), ["latency_s", "power_w"]).unwrap();
        assert_eq!(plot.directions[1], Direction::Minimize);
        // 1 s at 2 W; 2 s at 1 W; 3 s at 10 W is beaten.
        assert_eq!(plot.front.len(), 2);
    }

    // By hand: the best throughput is 5 from the second trial to the last; that of the third does not count.
    #[test]
    fn progress_steps_where_an_acceptable_design_is_better() {
        let chart = progress_of(&problem(), six(), "throughput_op_per_s", "random").unwrap();
        assert_eq!(chart.series[0].points, [[2.0, 5.0], [6.0, 5.0]]);
        let chart = progress_of(&problem(), six(), "latency_s", "random").unwrap();
        assert_eq!(chart.series[0].points, [[2.0, 2.0], [5.0, 1.0], [6.0, 1.0]]);
        assert_eq!((chart.title.as_str(), chart.series[0].name.as_str()), ("best latency so far", "random"));
    }

    #[test]
    fn unknown_names_and_searches_without_result_are_named() {
        let error = pareto_of(&problem(), six(), ["latency", "power_w"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown metric `latency`; did you mean `latency_s`?");
        let error = progress_of(&problem(), six(), "power_w", "random").unwrap_err();
        assert!(error.to_string().starts_with("unknown objective `power_w`"), "{error}");
        let error = progress_of(&problem(), &six()[..1], "latency_s", "random").unwrap_err();
        assert_eq!(error.to_string(), "no progress of `random` to show: no acceptable design among 1 trials");
    }

    #[test]
    fn a_note_ends_before_the_part_that_does_not_fit() {
        let parts = |lengths: &[usize]| {
            note(lengths.iter().map(|&length| "x".repeat(length)).collect::<Vec<_>>().into_iter())
        };
        assert_eq!(parts(&[]), "");
        assert_eq!(parts(&[1, 2]), "x; xx.");
        assert_eq!(parts(&[1, 70, 1]), "x.");
    }
}
