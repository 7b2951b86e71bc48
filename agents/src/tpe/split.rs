//! Which trials count as good.
//!
//! Source: Watanabe (2023), arXiv:2304.11127, sections 3.1 and 3.2, for one objective; Ozaki, Tanigaki, Watanabe & Onishi (2020),
//! "Multiobjective Tree-Structured Parzen Estimator for Computationally Expensive Optimization Problems",
//! doi:10.1145/3377930.3389817, for several: the first fronts, of the last of them the part that dominates most, and weights by what each
//! good trial adds to the hypervolume.
//! Departs from it: losses are measured along the range of the good trials' fronts, up to a tenth beyond it; of four objectives and more, where
//! volumes cost more than all else, the last front is thinned by crowding distance and the good weigh the same.

use std::cmp::Ordering;

use tapeout_core::Judgement;
use tapeout_core::pareto::{contributions, crowding_distance, dominates, hypervolume};

use crate::parts::ranges::{along, normalised, ranges};

/// The reference lies this share of the range beyond the worst. Source: BoTorch 0.12, `infer_reference_point`.
const REFERENCE_MARGIN: f64 = 0.1;
/// With more objectives than this nothing is told by volumes.
const MOST_VOLUMES: usize = 3;
/// No good trial weighs less than this share of their mean. Ours: dominated ones add nothing to a volume, and are good all the same.
const LEAST_WEIGHT: f64 = 0.1;

/// The trials observed, from good to bad.
pub struct Ranking {
    n_objectives: usize,
    /// No more trials than this are ever asked for.
    most: usize,
    judgements: Vec<Judgement>,
    /// Trials from best to worst; with several objectives only those that are not acceptable.
    order: Vec<usize>,
    /// With several objectives, as many of the first fronts of acceptable trials as hold `most`.
    fronts: Vec<Vec<usize>>,
    /// The good trials of the latest split, and what they weigh.
    good: Vec<usize>,
    weights: Vec<f64>,
    /// Trials since then that may be good.
    fresh: Vec<usize>,
}

impl Ranking {
    /// Of no trials yet, of which at most `most` are to count as good.
    pub fn new(n_objectives: usize, most: usize) -> Self {
        Self {
            n_objectives,
            most,
            judgements: Vec::new(),
            order: Vec::new(),
            fronts: Vec::new(),
            good: Vec::new(),
            weights: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// How many trials there are.
    pub fn len(&self) -> usize {
        self.judgements.len()
    }

    /// Takes in a trial.
    pub fn push(&mut self, judgement: Judgement) {
        let trial = self.judgements.len();
        self.judgements.push(judgement);
        if self.n_objectives > 1 && self.judgements[trial].accepted().is_some() {
            self.join(trial);
            return;
        }
        let place = self.order.partition_point(|&earlier| self.compare(earlier, trial).is_le());
        self.order.insert(place, trial);
        if self.fronts.iter().map(Vec::len).sum::<usize>() < self.most {
            self.fresh.push(trial);
        }
    }

    /// The best `count` trials, at least one and at most as many as were said, and what each of them weighs.
    pub fn good(&mut self, count: usize) -> (&[usize], &[f64]) {
        if self.good.len() != count || !self.fresh.is_empty() {
            self.good = if self.n_objectives == 1 {
                self.order[..count].to_vec()
            } else {
                self.exchanged(count).unwrap_or_else(|| self.leaders(count))
            };
            self.fresh.clear();
            self.weights = self.weigh(&self.good);
        }
        (&self.good, &self.weights)
    }

    /// Acceptable ones by loss if there is but one, the others by shortfall.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (a, b) = (&self.judgements[a], &self.judgements[b]);
        match (a.accepted(), b.accepted()) {
            (Some([a]), Some([b])) => a.total_cmp(b),
            _ => a.compare_shortfall(b),
        }
    }

    fn losses(&self, trial: usize) -> &[f64] {
        self.judgements[trial].accepted().expect("invariant: on a front are acceptable trials")
    }

    /// Puts an acceptable trial on its front. Who is dominated by one that came to a front goes on to the next; nobody ever returns, so
    /// what lies behind the fronts that are kept need not be known.
    fn join(&mut self, trial: usize) {
        let is_below =
            |front: &Vec<usize>| front.iter().any(|&other| dominates(self.losses(other), self.losses(trial)));
        let mut rank = self.fronts.iter().take_while(|front| is_below(front)).count();
        if rank == self.fronts.len() && self.fronts.iter().map(Vec::len).sum::<usize>() >= self.most {
            return;
        }
        let mut coming = vec![trial];
        while !coming.is_empty() {
            let front = self.fronts.get_mut(rank).map(std::mem::take).unwrap_or_default();
            let is_beaten =
                |&other: &usize| coming.iter().any(|&it| dominates(self.losses(it), self.losses(other)));
            let (beaten, mut stays): (Vec<usize>, Vec<usize>) = front.into_iter().partition(is_beaten);
            stays.extend(coming);
            if rank == self.fronts.len() {
                self.fronts.push(stays);
            } else {
                self.fronts[rank] = stays;
            }
            coming = beaten;
            rank += 1;
        }
        let mut n_before = 0;
        self.fronts.retain(|front| {
            let is_kept = n_before < self.most;
            n_before += front.len();
            is_kept
        });
        self.fresh.push(trial);
    }

    /// The latest good trials, of which some make room for fresh ones: whoever adds least to the volume goes. None where that is not all
    /// there is to choose from, since the good are not a part of the first front, were fewer, or were dominated.
    ///
    /// Source: Knowles, Corne & Fleischer (2003), "Bounded Archiving using the Lebesgue Measure", doi:10.1109/CEC.2003.1299401.
    fn exchanged(&self, count: usize) -> Option<Vec<usize>> {
        let first = self.fronts.first().filter(|front| front.len() > count)?;
        // Of more, it takes less to choose all anew.
        if self.good.len() != count || self.fresh.len() > count || self.n_objectives > MOST_VOLUMES {
            return None;
        }
        let mut set: Vec<usize> =
            self.good.iter().chain(&self.fresh).copied().filter(|trial| first.contains(trial)).collect();
        if set.len() < count {
            return None;
        }
        let front: Vec<&[f64]> = first.iter().map(|&trial| self.losses(trial)).collect();
        let ranges = ranges(&front);
        let mut points: Vec<Vec<f64>> = set.iter().map(|&trial| along(&ranges, self.losses(trial))).collect();
        let reference = vec![1.0 + REFERENCE_MARGIN; self.n_objectives];
        while set.len() > count {
            let shares = contributions(&points, &reference).expect("invariant: judged losses are finite");
            let least = (0..shares.len()).min_by(|&a, &b| shares[a].total_cmp(&shares[b]))?;
            set.remove(least);
            points.remove(least);
        }
        Some(set)
    }

    /// The first fronts, a part of the last of them, and after them what falls the least short.
    fn leaders(&self, count: usize) -> Vec<usize> {
        let mut good = Vec::with_capacity(count);
        for front in &self.fronts {
            if good.len() + front.len() > count {
                let points: Vec<&[f64]> = front.iter().map(|&trial| self.losses(trial)).collect();
                let thinned = thinned(&points, count - good.len());
                good.extend(thinned.into_iter().map(|index| front[index]));
                break;
            }
            good.extend_from_slice(front);
        }
        let n_missing = count - good.len();
        good.extend(self.order.iter().take(n_missing));
        good
    }

    /// With one objective how much better than the best of the others each is, the weights "EI" of Watanabe (2023), section 3.2; with
    /// several what it adds to the hypervolume. All alike where that is not known.
    fn weigh(&self, good: &[usize]) -> Vec<f64> {
        let gains = match self.n_objectives {
            1 => self.gains(good),
            m if m <= MOST_VOLUMES => self.shares(good),
            _ => None,
        };
        gains.filter(|gains| gains.iter().sum::<f64>() > 0.0).unwrap_or_else(|| vec![1.0; good.len()])
    }

    fn gains(&self, good: &[usize]) -> Option<Vec<f64>> {
        let next = self.order.get(good.len())?;
        let threshold = self.judgements[*next].accepted()?[0];
        let gain = |&trial: &usize| {
            self.judgements[trial].accepted().map_or(0.0, |losses| (threshold - losses[0]).max(0.0))
        };
        Some(good.iter().map(gain).collect())
    }

    fn shares(&self, good: &[usize]) -> Option<Vec<f64>> {
        let losses: Option<Vec<&[f64]>> =
            good.iter().map(|&trial| self.judgements[trial].accepted()).collect();
        let points = normalised(&losses?);
        let reference = vec![1.0 + REFERENCE_MARGIN; self.n_objectives];
        let shares = contributions(&points, &reference).expect("invariant: judged losses are finite");
        let least = LEAST_WEIGHT * shares.iter().sum::<f64>() / shares.len() as f64;
        Some(shares.into_iter().map(|share| share.max(least)).collect())
    }
}

/// The indices of `count` of the points of one front, ascending: those that together dominate most, chosen one by one.
///
/// What a point adds to a volume never grows as others are added, so what it added before bounds what it adds now, and few are asked
/// again (Minoux 1978, doi:10.1007/BFb0006528).
fn thinned(points: &[&[f64]], count: usize) -> Vec<usize> {
    let m = points[0].len();
    let mut chosen: Vec<usize> = if m > MOST_VOLUMES {
        let crowding = crowding_distance(points);
        let mut lonely: Vec<usize> = (0..points.len()).collect();
        lonely.sort_by(|&a, &b| crowding[b].total_cmp(&crowding[a]));
        lonely.into_iter().take(count).collect()
    } else {
        let points = normalised(points);
        let reference = vec![1.0 + REFERENCE_MARGIN; m];
        let volume =
            |points: &[&[f64]]| hypervolume(points, &reference).expect("invariant: judged losses are finite");
        let mut bounds: Vec<(f64, usize)> =
            points.iter().enumerate().map(|(index, point)| (volume(&[point]), index)).collect();
        let (mut taken, mut total): (Vec<&[f64]>, f64) = (Vec::with_capacity(count + 1), 0.0);
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count {
            let place = (0..bounds.len())
                .max_by(|&a, &b| bounds[a].0.total_cmp(&bounds[b].0).then(b.cmp(&a)))
                .expect("fewer are chosen than there are");
            let index = bounds[place].1;
            taken.push(&points[index]);
            let with = volume(&taken);
            let gain = with - total;
            if bounds.iter().all(|&(other, at)| at == index || other <= gain) {
                total = with;
                chosen.push(index);
                bounds.remove(place);
            } else {
                bounds[place].0 = gain;
                taken.pop();
            }
        }
        chosen
    };
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(n_objectives: usize, most: usize, losses: &[&[f64]]) -> Ranking {
        let mut ranking = Ranking::new(n_objectives, most);
        losses.iter().for_each(|losses| ranking.push(Judgement::Acceptable { losses: losses.to_vec() }));
        ranking
    }

    /// Losses 0 to 6 and three infeasible: the best two are good, with weights 2 - 0 and 2 - 1 over the best of the others. Without
    /// enough acceptable ones the least violation counts as good.
    #[test]
    fn the_split_by_hand() {
        let mut ranking = Ranking::new(1, 25);
        for violation in [3.0, 1.0, 2.0] {
            ranking.push(Judgement::Infeasible { violation });
        }
        assert_eq!(ranking.good(1), (&[1][..], &[1.0][..]));
        for loss in [5.0, 1.0, 6.0, 0.0, 2.0, 4.0, 3.0] {
            ranking.push(Judgement::Acceptable { losses: vec![loss] });
        }
        assert_eq!(ranking.good(2), (&[6, 4][..], &[2.0, 1.0][..]));
    }

    /// The front holds (0, 9), (1, 8), (4, 4) and (9, 0). Over its range and below 1.1 of it, in ninths: (4, 4) dominates 5.9 x 5.9 =
    /// 34.8, more than any other; then (9, 0) adds 0.9 x 4 = 3.6, and (1, 8) 3 x 1.9 = 5.7 where (0, 9) adds 4 x 0.9.
    #[test]
    fn of_the_last_front_those_are_good_that_dominate_most() {
        let points: [&[f64]; 5] = [&[0.0, 9.0], &[1.0, 8.0], &[4.0, 4.0], &[9.0, 0.0], &[9.0, 9.0]];
        let mut ranking = ranking(2, 25, &points);
        assert_eq!(ranking.good(2).0, [1, 2]);
        assert_eq!(ranking.good(5).0, [0, 1, 2, 3, 4], "a front that fits is good as a whole");
    }

    /// Over ranges of 1 and below 1.1: (0, 1) adds 1/2 x 1/10, (1/2, 0) all but the overlap of 0.6 x 0.1, 0.6.
    #[test]
    fn weights_are_what_is_added_to_the_volume() {
        let mut ranking = ranking(2, 25, &[&[0.0, 2.0], &[10.0, 2.0], &[5.0, 0.0]]);
        let (good, weights) = ranking.good(3);
        assert_eq!(good, [0, 2, 1]);
        let mean = (0.05 + 0.6) / 3.0;
        let expected = [0.05, 0.6, 0.1 * mean];
        assert!(weights.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{weights:?}");
    }

    /// Law: fronts that grow trial by trial are those of all trials, as far as they are kept.
    #[test]
    fn fronts_that_grow_are_those_of_all_trials() {
        use rand::RngExt;
        use tapeout_core::pareto::non_dominated_sort;
        let mut rng = tapeout_core::Seed::new(0).stream("test");
        let losses: Vec<Vec<f64>> =
            (0..200).map(|_| (0..3).map(|_| f64::from(rng.random_range(0..20_u32))).collect()).collect();
        let points: Vec<&[f64]> = losses.iter().map(Vec::as_slice).collect();
        for n in [1, 10, 60, 200] {
            let mut grown = ranking(3, 25, &points[..n]).fronts;
            grown.iter_mut().for_each(|front| front.sort_unstable());
            let sorted = non_dominated_sort(&losses[..n]);
            assert_eq!(grown, sorted[..grown.len()]);
            assert!(grown.iter().map(Vec::len).sum::<usize>() >= n.min(25));
        }
    }
}
