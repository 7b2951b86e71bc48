//! The pictures of a comparison.
//!
//! Sources: runtime distributions over targets, Hansen, Auger, Ros, Mersmann, Tušar & Brockhoff (2021), COCO,
//! doi:10.1080/10556788.2020.1808977, section 4; performance profiles, Dolan & Moré (2002), doi:10.1007/s101070100263,
//! here of final results in place of computing times; the spread of final results, Krishnan et al. (2023), ArchGym,
//! doi:10.1145/3579371.3589049, which calls it the hyperparameter lottery; critical-difference diagrams, Demšar (2006), "Statistical
//! comparisons of classifiers over multiple data sets", JMLR 7.

use super::{AgentCost, ComparisonResults, EnvResults, RunCost, Standings};
use crate::plot::{Axis, BoxPlot, LineChart, Picture, RankDiagram, SETTLED, Series, Spread};
use crate::statistics::{critical_difference, quartiles};

/// Gaps to the best known result that count as targets: this many, ten to a decade from 0.79 down to 0.001. Ours: COCO's
/// targets are as evenly spread on a logarithmic scale, over more decades than a discrete space resolves.
const TARGETS: i32 = 30;

/// The pictures of `results` and their `standings`: for each environment progress and final results, and over all environments the
/// runtime distributions, the performance profiles and the ranks. What has nothing to show is left out.
pub fn pictures(results: &ComparisonResults, standings: &Standings) -> Vec<Picture> {
    let mut pictures = Vec::new();
    for env in &results.envs {
        let progress = progress(results, env);
        if !progress.series.is_empty() {
            pictures.push(Picture { name: format!("progress-{}", env.name), plot: Box::new(progress) });
        }
        let spread = spread(results, env);
        if !spread.rows.is_empty() {
            pictures.push(Picture { name: format!("final-{}", env.name), plot: Box::new(spread) });
        }
    }
    // Shares need a best known result that is not zero.
    let shared: Vec<&EnvResults> =
        results.envs.iter().filter(|env| env.fraction(f64::INFINITY).is_some()).collect();
    if !shared.is_empty() {
        let runtimes = runtimes(results, &shared);
        pictures.push(Picture { name: "runtimes".to_owned(), plot: Box::new(runtimes) });
        let profiles = profiles(results, &shared);
        pictures.push(Picture { name: "profiles".to_owned(), plot: Box::new(profiles) });
    }
    if standings.overall.len() > 1 {
        pictures.push(ranks(results, standings));
    }
    pictures
}

/// What each agent took of its own for each design, in all of `runs`; none if nobody's was measured. Unlike [`pictures`] it is another one
/// when the runs are made again.
pub fn costs(runs: &[RunCost]) -> Option<Picture> {
    let row = |cost: AgentCost| {
        // The clock of a thread may not have moved.
        let values: Vec<f64> = cost.each_s.into_iter().filter(|&each_s| each_s > 0.0).collect();
        (!values.is_empty()).then(|| Spread { name: cost.agent, quartiles: quartiles(&values), values })
    };
    let rows: Vec<Spread> = AgentCost::of(runs).into_iter().filter_map(row).collect();
    let plot = BoxPlot {
        title: "What the agents took".to_owned(),
        x: Axis::new("processor time of the agent for each design", "s"),
        rows,
        caption: "Quartiles, median and every run; what evaluations took is not in it.".to_owned(),
    };
    (!plot.rows.is_empty()).then(|| Picture { name: "costs".to_owned(), plot: Box::new(plot) })
}

/// The average ranks of `standings`, which are those of `results`, with their critical difference. What is counted are environments: other
/// seeds of one are no other problem (Demšar 2006, section 3.2). In one environment alone it is seeds, and says nothing of others.
pub fn ranks(results: &ComparisonResults, standings: &Standings) -> Picture {
    let (n_envs, seeds) = (results.envs.len(), results.seeds);
    let (n_blocks, over) = match n_envs {
        1 => (seeds, format!("Over n = {seeds} seeds of one environment.")),
        _ => (n_envs, format!("Over {n_envs} environments, in each the average of n = {seeds} seeds.")),
    };
    let ranks = standings.overall.iter().map(|overall| (overall.agent.clone(), overall.rank.value));
    let plot = RankDiagram {
        title: "Average ranks with their critical difference".to_owned(),
        ranks: ranks.collect(),
        critical_difference: critical_difference(standings.overall.len(), n_blocks),
        caption: format!(
            "{over} 1 is best; agents joined by a bar do not differ by more than chance (Nemenyi, 5 %)."
        ),
    };
    Picture { name: "ranks".to_owned(), plot: Box::new(plot) }
}

/// What an environment's results are shown as: a share of the best known volume, or the value of the only objective.
fn shown(env: &EnvResults, cost: f64) -> Option<f64> {
    if env.is_volume() { env.fraction(cost) } else { env.value(cost) }
}

fn axis(env: &EnvResults) -> Axis {
    if env.is_volume() {
        Axis::new("hypervolume, share of that of all runs together", "").linear()
    } else {
        Axis::of(&env.problem.metrics[0])
    }
}

/// Where volumes end, for a caption.
fn reference(env: &EnvResults) -> String {
    let values = env.reference_values();
    if values.is_empty() {
        return String::new();
    }
    let point: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {value:.3e}")).collect();
    format!(" Reference: {}.", point.join(", "))
}

/// Median and quartiles against trials, from where three quarters of the runs have a result.
fn progress(results: &ComparisonResults, env: &EnvResults) -> LineChart {
    let series = |(agent, name): (usize, &String)| {
        let mut series = Series { name: name.clone(), ..Series::default() };
        for (at, &trials) in results.checkpoints.iter().enumerate() {
            let costs: Vec<f64> = (0..results.seeds).map(|seed| env.costs(agent, seed)[at]).collect();
            if let [Some(a), Some(median), Some(b)] = quartiles(&costs).map(|cost| shown(env, cost)) {
                series.points.push([trials as f64, median]);
                series.band.push([trials as f64, a.min(b), a.max(b)]);
            }
        }
        series
    };
    let all = results.agents.iter().enumerate().map(series);
    let all: Vec<Series> = all.filter(|series| !series.points.is_empty()).collect();
    let mut y = axis(env);
    if !env.is_volume() && all.iter().flat_map(|series| &series.band).all(|band| band[1] > 0.0) {
        y = y.log(); // the first designs of a search may be far worse than all that matters later
    }
    let what = if env.is_volume() { "hypervolume" } else { "best so far" };
    LineChart {
        title: format!("{}: {what}", env.name),
        x: Axis::new("designs evaluated", "").linear(),
        y,
        settles_after: Some(SETTLED),
        series: all,
        caption: format!("Median and quartiles of {}.{}", results.seed_words(), reference(env)),
        ..LineChart::default()
    }
}

/// Every final result, best median first.
fn spread(results: &ComparisonResults, env: &EnvResults) -> BoxPlot {
    let mut rows: Vec<(f64, Spread)> = Vec::new();
    let mut n_without = 0;
    for (agent, name) in results.agents.iter().enumerate() {
        let costs: Vec<f64> = (0..results.seeds).map(|seed| env.final_cost(agent, seed)).collect();
        let values: Vec<f64> = costs.iter().filter_map(|&cost| shown(env, cost)).collect();
        n_without += costs.len() - values.len();
        if !values.is_empty() {
            let row = Spread { name: name.clone(), quartiles: quartiles(&values), values };
            rows.push((quartiles(&costs)[1], row));
        }
    }
    rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let without = match n_without {
        0 => String::new(),
        n => format!(" Left out: {n} runs without an acceptable design."),
    };
    BoxPlot {
        title: format!("{}: after {} designs", env.name, results.trials()),
        x: axis(env),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        caption: format!(
            "Quartiles, median and every result of n = {} seeds.{without}{}",
            results.seeds,
            reference(env)
        ),
    }
}

/// Share of all targets of all runs that are reached after so many trials.
fn runtimes(results: &ComparisonResults, envs: &[&EnvResults]) -> LineChart {
    let targets: Vec<f64> = (1..=TARGETS).map(|k| 1.0 - 10_f64.powf(-f64::from(k) / 10.0)).collect();
    let share_reached = |agent: usize, at: usize| {
        let mut n_reached = 0;
        for env in envs {
            for seed in 0..results.seeds {
                let fraction = env.fraction(env.costs(agent, seed)[at]).unwrap_or(0.0);
                n_reached += targets.iter().filter(|&&target| fraction >= target).count();
            }
        }
        n_reached as f64 / (envs.len() * results.seeds * targets.len()) as f64
    };
    let series = |(agent, name): (usize, &String)| {
        let checkpoints = results.checkpoints.iter().enumerate();
        let points = checkpoints.map(|(at, &trials)| [trials as f64, share_reached(agent, at)]);
        Series { name: name.clone(), points: points.collect(), band: Vec::new() }
    };
    LineChart {
        title: "Empirical runtime distributions".to_owned(),
        x: Axis::new("designs evaluated", "").log(),
        y: Axis::new("share of targets reached", "").linear(),
        series: results.agents.iter().enumerate().map(series).collect(),
        caption: format!(
            "{TARGETS} targets, 79 % to 0.1 % from the best known, in each of {} environments; n = {} seeds.",
            envs.len(),
            results.seeds
        ),
        ..LineChart::default()
    }
}

/// For each agent, the share of environments and seeds on which its final result is within a factor of the best one.
fn profiles(results: &ComparisonResults, envs: &[&EnvResults]) -> LineChart {
    let ratios: Vec<Vec<f64>> = ratios(results, envs);
    let n = envs.len() * results.seeds;
    let farthest = ratios.iter().flatten().copied().filter(|ratio| ratio.is_finite()).fold(1.0, f64::max);
    let series = |(name, ratios): (&String, &Vec<f64>)| {
        let reached = ratios.iter().enumerate().filter(|(_, ratio)| ratio.is_finite());
        let steps = reached.map(|(index, &ratio)| [ratio, (index + 1) as f64 / n as f64]);
        let mut points = vec![[1.0, 0.0]];
        points.extend(steps);
        let end = points.last().map_or(0.0, |&[_, share]| share);
        points.push([farthest, end]);
        Series { name: name.clone(), points, band: Vec::new() }
    };
    LineChart {
        title: "Performance profiles of final results".to_owned(),
        x: Axis::new("factor from the best agent with the same seed", ""),
        y: Axis::new("share of environments and seeds", "").linear(),
        series: results.agents.iter().zip(&ratios).map(series).collect(),
        caption: format!(
            "After {} designs in {} environments; n = {} seeds each.",
            results.trials(),
            envs.len(),
            results.seeds
        ),
        ..LineChart::default()
    }
}

/// For each agent the factors that its final results are from the best one, rising; infinite for a run without any.
/// Shape `[agents][environments x seeds]`.
fn ratios(results: &ComparisonResults, envs: &[&EnvResults]) -> Vec<Vec<f64>> {
    let fraction = |env: &EnvResults, agent, seed| env.fraction(env.final_cost(agent, seed)).unwrap_or(0.0);
    let mut ratios = vec![Vec::new(); results.agents.len()];
    for env in envs {
        for seed in 0..results.seeds {
            let fractions = (0..ratios.len()).map(|agent| fraction(env, agent, seed));
            let fractions: Vec<f64> = fractions.collect();
            let best = fractions.iter().copied().fold(0.0, f64::max);
            for (ratios, mine) in ratios.iter_mut().zip(fractions) {
                ratios.push(if mine > 0.0 { best / mine } else { f64::INFINITY });
            }
        }
    }
    for ratios in &mut ratios {
        ratios.sort_by(f64::total_cmp);
    }
    ratios
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, trace};
    use super::*;

    /// Over two seeds `a` ends with 4 s and nothing, `b` with 8 s and 5 s; each on its first trial.
    fn uneven() -> ComparisonResults {
        let at_once = |value: f64| trace(&[(1, &[value])]);
        results(&["time_s"], &[at_once(4.0), trace(&[])], &[at_once(8.0), at_once(5.0)])
    }

    // By hand: with seed 0 `a` is best and `b` twice as far; with seed 1 `b` is best and `a` has nothing.
    #[test]
    fn profiles_count_how_often_who_is_how_near_the_best() {
        let results = uneven();
        let envs: Vec<&EnvResults> = results.envs.iter().collect();
        assert_eq!(ratios(&results, &envs), [[1.0, f64::INFINITY], [1.0, 2.0]]);
        let chart = profiles(&results, &envs);
        assert_eq!(chart.series[0].points, [[1.0, 0.0], [1.0, 0.5], [2.0, 0.5]]);
        assert_eq!(chart.series[1].points, [[1.0, 0.0], [1.0, 0.5], [2.0, 1.0], [2.0, 1.0]]);
    }

    // By hand: of the gaps 10^(-k/10), k = 1 to 30, `a` reaches all with seed 0 and none with seed 1; `b`, with
    // gaps of 0.5 and 0.2, those for k up to 3 (0.501) and up to 6 (0.251).
    #[test]
    fn runtimes_count_targets_over_all_runs() {
        let results = uneven();
        let envs: Vec<&EnvResults> = results.envs.iter().collect();
        let chart = runtimes(&results, &envs);
        assert_eq!(chart.series[0].points[0], [1.0, 0.5]);
        assert_eq!(chart.series[1].points[0], [1.0, 9.0 / 60.0]);
    }

    #[test]
    fn runs_without_a_result_are_counted_not_drawn() {
        let results = uneven();
        let plot = spread(&results, &results.envs[0]);
        assert_eq!((plot.rows[0].name.as_str(), plot.rows[0].values.len()), ("b", 2));
        assert!(plot.caption.contains("Left out: 1 runs"), "{}", plot.caption);
    }

    #[test]
    fn every_picture_says_how_many_seeds_it_has() {
        let results = uneven();
        let pictures = pictures(&results, &Standings::of(&results, None));
        let names: Vec<&str> = pictures.iter().map(|picture| picture.name.as_str()).collect();
        assert_eq!(names, ["progress-env", "final-env", "runtimes", "profiles", "ranks"]);
        for picture in pictures {
            assert!(picture.plot.svg().unwrap().contains("n = 2 seeds"), "{}", picture.name);
        }
    }

    // Claim: of one environment seeds are counted, of several environments.
    #[test]
    fn ranks_say_what_they_are_counted_over() {
        let mut results = uneven();
        let caption = |results: &ComparisonResults| {
            ranks(results, &Standings::of(results, None)).plot.svg().unwrap().replace("\n", " ")
        };
        assert!(caption(&results).contains("2 seeds of one environment"));
        results.envs.push(results.envs[0].clone());
        assert!(caption(&results).contains("Over 2 environments"));
    }
}
