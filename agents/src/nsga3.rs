//! NSGA-III: elitist genetic search for a front, kept spread by reference directions.
//!
//! Source: Deb & Jain (2014), "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based Nondominated Sorting
//! Approach, Part I", doi:10.1109/TEVC.2013.2281535; constraints after part II, Jain & Deb (2014), doi:10.1109/TEVC.2013.2281534; the
//! directions after Das & Dennis (1998), doi:10.1137/S1052623496307510.
//! Departs from it: children are made as `parts/variation.rs` says; parents win a tournament by dominance, where there they are drawn
//! uniformly; the population is as large as its first front needs; where the extreme points span no plane, losses are divided by the front's
//! range; known designs are not proposed again.

use rand::RngExt;
use tapeout_core::pareto::non_dominated_sort;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

pub use crate::parts::front_population::FrontPopulationConfig;
use crate::parts::front_population::dominating;
use crate::parts::seen::Seen;
use crate::parts::variation::Variation;

/// Deb & Jain (2014), eq. 4: what stands for a weight of zero in the achievement scalarizing function.
const LEAST_WEIGHT: f64 = 1e-6;
/// Intercepts less than this share of the front's range are rounding, or negative.
const LEAST_INTERCEPT: f64 = 1e-6;

/// Largest share of the first front's range at which the plane may cut an axis. Ours: beyond that it is nearly parallel to the axis, and its
/// losses would hardly count.
const FARTHEST_INTERCEPT: f64 = 2.0;

/// Non-dominated sorting, and niches around directions.
pub struct Nsga3 {
    config: FrontPopulationConfig,
    variation: Variation,
    seen: Seen,
    rng: Stream,
    /// Unit vectors, shape `[directions][m]`.
    directions: Vec<Vec<f64>>,
    parents: Vec<Trial>,
    /// Observed since the parents were chosen.
    offspring: Vec<Trial>,
}

impl Nsga3 {
    /// Parents and offspring compete for the places of the next generation. Algorithm 1.
    fn select_survivors(&mut self) {
        let trials: Vec<Trial> = self.parents.drain(..).chain(self.offspring.drain(..)).collect();
        let (accepted, mut others): (Vec<usize>, Vec<usize>) =
            (0..trials.len()).partition(|&index| trials[index].judgement.accepted().is_some());
        let losses: Vec<&[f64]> =
            accepted.iter().filter_map(|&index| trials[index].judgement.accepted()).collect();
        let fronts = non_dominated_sort(&losses);
        let n_kept = self.config.survivors(fronts.first().map_or(0, Vec::len)).min(trials.len());
        let mut kept: Vec<usize> = Vec::with_capacity(n_kept);
        for front in &fronts {
            if kept.len() + front.len() > n_kept {
                let first: Vec<&[f64]> = fronts[0].iter().map(|&place| losses[place]).collect();
                let scale = Scale::of(&first);
                let niches = Niches { directions: &self.directions, losses: &losses, scale };
                let chosen = niches.choose(&kept, front, n_kept - kept.len(), &mut self.rng);
                kept.extend(chosen);
                break;
            }
            kept.extend_from_slice(front);
        }
        let mut survivors: Vec<usize> = kept.into_iter().map(|place| accepted[place]).collect();
        others.sort_by(|&a, &b| trials[a].judgement.compare_shortfall(&trials[b].judgement));
        survivors.extend(others.into_iter().take(n_kept - survivors.len()));
        survivors.sort_unstable();
        self.parents.extend(survivors.into_iter().map(|index| trials[index].clone()));
    }
}

/// Which design belongs to which direction. Algorithms 3 and 4.
struct Niches<'a> {
    directions: &'a [Vec<f64>],
    /// Shape `[n][m]`.
    losses: &'a [&'a [f64]],
    scale: Scale,
}

impl Niches<'_> {
    /// The direction of a design, by its place among the losses, and the distance from it.
    fn of(&self, index: usize) -> (usize, f64) {
        nearest(self.directions, &self.scale.apply(self.losses[index]))
    }

    /// `count` of the `last` front, which fits only in part, each from the niche of which the fewest are there.
    fn choose(&self, kept: &[usize], last: &[usize], count: usize, rng: &mut Stream) -> Vec<usize> {
        let n = self.directions.len();
        let mut counts = vec![0; n];
        kept.iter().for_each(|&index| counts[self.of(index).0] += 1);
        // By niche: the distances from its direction, and whose they are.
        let mut open: Vec<Vec<(f64, usize)>> = vec![Vec::new(); n];
        for &index in last {
            let (niche, distance) = self.of(index);
            open[niche].push((distance, index));
        }
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count {
            let inhabited = (0..n).filter(|&niche| !open[niche].is_empty());
            let least = inhabited.clone().map(|niche| counts[niche]).min().expect("the last front has more");
            let emptiest: Vec<usize> = inhabited.filter(|&niche| counts[niche] == least).collect();
            let niche = emptiest[rng.random_range(0..emptiest.len())];
            let members = &mut open[niche];
            let place = if counts[niche] == 0 {
                let nearest = (0..members.len()).min_by(|&a, &b| members[a].0.total_cmp(&members[b].0));
                nearest.expect("invariant: inhabited")
            } else {
                rng.random_range(0..members.len())
            };
            chosen.push(members.swap_remove(place).1);
            counts[niche] += 1;
        }
        chosen
    }
}

/// From losses to shares of what lies between the ideal point and the intercepts. Algorithm 2.
struct Scale {
    ideal: Vec<f64>,
    widths: Vec<f64>,
}

impl Scale {
    /// `front`: shape `[n][m]`, not empty.
    fn of(front: &[&[f64]]) -> Self {
        let m = front[0].len();
        let along = |objective: usize| front.iter().map(move |point| point[objective]);
        let ideal: Vec<f64> =
            (0..m).map(|objective| along(objective).fold(f64::INFINITY, f64::min)).collect();
        let ranges: Vec<f64> = (0..m)
            .map(|objective| along(objective).fold(f64::NEG_INFINITY, f64::max) - ideal[objective])
            .map(|range| if range > 0.0 { range } else { 1.0 })
            .collect();
        let shares: Vec<Vec<f64>> =
            front.iter().map(|point| (0..m).map(|j| (point[j] - ideal[j]) / ranges[j]).collect()).collect();
        let widths = match intercepts(&shares) {
            Some(intercepts) => ranges.iter().zip(intercepts).map(|(range, share)| range * share).collect(),
            None => ranges,
        };
        Self { ideal, widths }
    }

    fn apply(&self, losses: &[f64]) -> Vec<f64> {
        let axes = losses.iter().zip(&self.ideal).zip(&self.widths);
        axes.map(|((loss, ideal), width)| (loss - ideal) / width).collect()
    }
}

/// Where the plane through the extreme points cuts the axes; none if they span no plane that cuts all of them. `points`: shape `[n][m]`, not
/// empty, all of them 0 or more.
fn intercepts(points: &[Vec<f64>]) -> Option<Vec<f64>> {
    let m = points[0].len();
    // The point that is the least in the achievement function along an axis, eq. 4.
    let extreme = |axis: usize| {
        let achievement = |point: &Vec<f64>| {
            let weighted =
                point.iter().enumerate().map(|(j, x)| if j == axis { *x } else { x / LEAST_WEIGHT });
            weighted.fold(0.0, f64::max)
        };
        let least = points.iter().min_by(|a, b| achievement(a).total_cmp(&achievement(b)));
        least.expect("the caller gives a point").clone()
    };
    // E a = 1, and the intercept of axis j is 1 / a_j; by Gauss-Jordan elimination with partial pivoting.
    let mut rows: Vec<Vec<f64>> = (0..m).map(extreme).collect();
    rows.iter_mut().for_each(|row| row.push(1.0));
    for column in 0..m {
        let pivot = (column..m).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        let pivot = rows[column].clone();
        if pivot[column].abs() < LEAST_INTERCEPT {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate() {
            let factor = if index == column { 0.0 } else { row[column] / pivot[column] };
            row.iter_mut().zip(&pivot).for_each(|(entry, pivot)| *entry -= factor * pivot);
        }
    }
    let intercepts: Vec<f64> = (0..m).map(|axis| rows[axis][axis] / rows[axis][m]).collect();
    let is_usable = |share: &f64| (LEAST_INTERCEPT..=FARTHEST_INTERCEPT).contains(share);
    intercepts.iter().all(is_usable).then_some(intercepts)
}

/// The direction nearest to a point, and the distance to it. Algorithm 3.
fn nearest(directions: &[Vec<f64>], point: &[f64]) -> (usize, f64) {
    let square: f64 = point.iter().map(|x| x * x).sum();
    let distance = |direction: &Vec<f64>| {
        let along: f64 = direction.iter().zip(point).map(|(a, b)| a * b).sum();
        (square - along * along).max(0.0).sqrt()
    };
    let distances = directions.iter().map(distance).enumerate();
    distances.min_by(|(_, a), (_, b)| a.total_cmp(b)).expect("invariant: there is a direction")
}

/// At most `most` directions spread evenly over those of `m` objectives, as unit vectors; one for each axis at least.
///
/// Das & Dennis (1998): all whose shares are multiples of 1/p. Where p is less than m all of them lie on the edge, so a second layer stands
/// halfway between them and the middle. Deb & Jain (2014), section V.
fn directions(m: usize, most: usize) -> Vec<Vec<f64>> {
    let largest = |room: usize, below: usize| (1..=below).take_while(|&p| n_lattice(m, p) <= room).last();
    let p = largest(most, most).unwrap_or(1);
    let mut points = lattice(m, p);
    if let Some(q) = largest(most.saturating_sub(points.len()), p).filter(|_| p < m) {
        let inner = lattice(m, q).into_iter();
        points.extend(inner.map(|point| point.iter().map(|share| 0.5 * share + 0.5 / m as f64).collect()));
    }
    let unit = |point: Vec<f64>| {
        let length = point.iter().map(|x| x * x).sum::<f64>().sqrt();
        point.into_iter().map(|x| x / length).collect()
    };
    points.into_iter().map(unit).collect()
}

/// How many points [`lattice`] has: p + m - 1 over p. Beyond what a count can hold it stays the largest there is.
fn n_lattice(m: usize, p: usize) -> usize {
    let terms = (1..m as u128).try_fold(1_u128, |n, k| Some(n.checked_mul(p as u128 + k)? / k));
    terms.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
}

/// All points of `m` shares that are multiples of 1/p and add up to 1.
fn lattice(m: usize, p: usize) -> Vec<Vec<f64>> {
    fn extend(taken: &mut Vec<usize>, left: usize, m: usize, all: &mut Vec<Vec<usize>>) {
        if taken.len() + 1 == m {
            all.push(taken.iter().copied().chain([left]).collect());
            return;
        }
        for parts in 0..=left {
            taken.push(parts);
            extend(taken, left - parts, m, all);
            taken.pop();
        }
    }
    let mut all = Vec::new();
    extend(&mut Vec::new(), p, m, &mut all);
    all.into_iter().map(|parts| parts.into_iter().map(|part| part as f64 / p as f64).collect()).collect()
}

impl Agent for Nsga3 {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        Ok(self.variation.breed(&mut self.seen, &mut self.rng, &self.parents, dominating, count))
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.offspring.extend_from_slice(trials);
        if self.offspring.len() >= self.config.survivors(self.parents.len()) {
            self.select_survivors();
        }
        Ok(())
    }
}

impl BuildAgent for Nsga3 {
    const ID: &'static str = "nsga3";
    const SUMMARY: &'static str =
        "NSGA-III: non-dominated sorting, niches around reference directions; for four and more objectives";
    const DESCRIPTION: &'static str = include_str!("nsga3.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = FrontPopulationConfig;

    fn build(problem: &Problem, config: FrontPopulationConfig, seed: Seed) -> Result<Self, ConfigError> {
        Ok(Self {
            variation: config.variation(problem.space())?,
            directions: directions(problem.n_objectives(), config.population),
            config,
            seen: Seen::new(problem.space()),
            rng: seed.stream("nsga3"),
            parents: Vec::new(),
            offspring: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// Authority: Deb & Jain (2014), table I: 91 directions for three objectives and 12 divisions; for eight, 120 of 3 divisions and
    /// 36 of 2 inside. With five objectives and 100 at most: 70 of 4 divisions, and 15 of 2 inside, since 35 of 3 are too many.
    #[test]
    fn directions_are_as_many_as_published() {
        assert_eq!(directions(3, 91).len(), 91);
        assert_eq!(directions(8, 156).len(), 156);
        assert_eq!(directions(5, 100).len(), 85);
        assert_eq!(directions(1, 100), [[1.0]]);
        assert_eq!(directions(9, 2).len(), 9, "one for each axis, though there are too many");
        let lengths = directions(4, 100).into_iter().map(|point| point.iter().map(|x| x * x).sum::<f64>());
        assert!(lengths.into_iter().all(|square| (square - 1.0).abs() < 1e-12));
    }

    /// Extreme points (0, 0.5), (1, 0): the line through them is x + 2 y = 1. Where one point is the least along both axes there is no line.
    #[test]
    fn intercepts_by_hand() {
        let found = intercepts(&[vec![0.0, 0.5], vec![1.0, 0.0], vec![0.9, 0.9]]).unwrap();
        assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] - 0.5).abs() < 1e-12, "{found:?}");
        assert_eq!(intercepts(&[vec![0.0, 0.0]]), None);
        // The line through (1, 0.9) and (0, 1) is x + 10 y = 10, which cuts the first axis at 10.
        assert_eq!(intercepts(&[vec![1.0, 0.9], vec![0.0, 1.0]]), None);
    }

    /// The places of the toy's first designs that survive among three, given what each is measured at.
    fn survivors(outcomes: &[Outcome]) -> Vec<u128> {
        let toy = Toy::tradeoff();
        let config = FrontPopulationConfig { population: 3, ..FrontPopulationConfig::default() };
        let mut agent = Nsga3::build(&toy.problem(), config, Seed::new(0)).unwrap();
        let trial = |(rank, outcome): (usize, &Outcome)| {
            toy.problem().trial(toy.space().unrank(rank as u128), outcome.clone())
        };
        agent.observe(&outcomes.iter().enumerate().map(trial).collect::<Vec<_>>()).unwrap();
        agent.parents.iter().map(|parent| toy.space().rank(&parent.design)).collect()
    }

    /// Three directions: both axes and the diagonal. (9, 2) lies by the axis of (10, 0), which is nearer to it, and (5, 5) on the
    /// diagonal, so each of the others has a niche of its own. What is dominated, (11, 11), goes first.
    #[test]
    fn each_niche_keeps_its_nearest() {
        let points = [[0.0, 10.0], [9.0, 2.0], [5.0, 5.0], [11.0, 11.0], [10.0, 0.0]];
        assert_eq!(survivors(&points.map(|point| Outcome::Measured(point.to_vec()))), [0, 2, 4]);
    }

    #[test]
    fn what_falls_short_stands_behind_what_is_acceptable() {
        let broken = |violation| Outcome::infeasible("never", violation);
        let measured = Outcome::Measured(vec![9.0, 9.0]);
        assert_eq!(survivors(&[broken(0.5), broken(0.1), measured, broken(0.2)]), [1, 2, 3]);
    }
}
