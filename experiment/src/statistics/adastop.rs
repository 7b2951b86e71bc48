//! AdaStop: which of several agents differ, with as few runs as that takes.
//!
//! Source: Mathieu, Della Vecchia, Shilova, Centa de Medeiros, Kohler, Maillard & Preux (2023), "AdaStop: adaptive statistical testing for
//! sound comparisons of Deep RL agents", arXiv:2306.10882, algorithm 1: a permutation test after each of a few stages, all pairs at once,
//! stepping down from the largest difference, with an equal share of the level for each stage. Departs from it: once there are more
//! permutations than [`PERMUTATIONS`], as many are drawn, each of which goes on from one that was not rejected so far. Checked against:
//! `tests/golden/adastop.json`, made by `scripts/adastop_golden.py`.

use rand::RngExt;
use rand::seq::SliceRandom;
use tapeout_core::Seed;

/// Permutations up to which all are counted. Source: Mathieu et al. (2023), section 5, B = 10^4.
const PERMUTATIONS: usize = 10_000;

/// Differences that lie no farther apart than this share of all costs in them are equal: the same costs add up to other last digits in
/// another order. Ours: the rounding of a sum of a thousand doubles stays below it, and no two designs that matter are as near.
const ROUNDING: f64 = 1e-12;

/// What is known of two agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownOrder {
    /// The costs of the first are less.
    Less,
    /// The costs of the first are greater.
    Greater,
    /// Neither is shown.
    Open,
}

/// A pair of agents, and after how many stages what was known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownPair {
    /// The places of the two agents, the lower first.
    pub pair: (usize, usize),
    /// What is known.
    pub verdict: ShownOrder,
    /// The stage that showed it, from 1; the last one if nothing was shown.
    pub stage: usize,
}

/// The test at work.
#[derive(Debug, Clone)]
pub struct AdaStop {
    stages: usize,
    /// Chance of any false finding, over all stages and pairs.
    level: f64,
    /// Stages that were taken.
    stage: usize,
    level_spent: f64,
    /// How many permutations those that are kept were taken from.
    n_permutations: usize,
    open: Vec<OpenPair>,
    decisions: Vec<ShownPair>,
    seed: Seed,
}

#[derive(Debug, Clone)]
struct OpenPair {
    pair: (usize, usize),
    /// Sum of the costs of the first less those of the second, under each permutation that is kept; as it was observed under the first.
    differences: Vec<f64>,
    /// Sum of the sizes of all costs in it.
    size: f64,
}

impl AdaStop {
    /// A test between all pairs of `n_agents` that takes at most so many stages; `seed` is that of the permutations that are drawn.
    pub fn new(n_agents: usize, stages: usize, level: f64, seed: Seed) -> Self {
        let pairs = (0..n_agents).flat_map(|first| (first + 1..n_agents).map(move |second| (first, second)));
        Self {
            stages,
            level,
            stage: 0,
            level_spent: 0.0,
            n_permutations: 1,
            open: pairs.map(|pair| OpenPair { pair, differences: vec![0.0], size: 0.0 }).collect(),
            decisions: Vec::new(),
            seed,
        }
    }

    /// Whether another stage has anything to show.
    pub fn is_over(&self) -> bool {
        self.open.is_empty() || self.stage == self.stages
    }

    /// Whether this agent is in a pair that is open.
    pub fn needs(&self, agent: usize) -> bool {
        self.open.iter().any(|open| open.pair.0 == agent || open.pair.1 == agent)
    }

    /// Every pair, in the order of its agents.
    pub fn decisions(&self) -> Vec<ShownPair> {
        let open = self.open.iter().map(|open| ShownPair {
            pair: open.pair,
            verdict: ShownOrder::Open,
            stage: self.stage,
        });
        let mut all: Vec<ShownPair> = self.decisions.iter().copied().chain(open).collect();
        all.sort_by_key(|decision| decision.pair);
        all
    }

    /// Takes a stage: `costs` holds as many new costs of each agent that is [needed](Self::needs), shape `[agents][n]`; all finite.
    ///
    /// # Panics
    /// If the numbers of costs differ, or the test is over.
    pub fn take(&mut self, costs: &[Vec<f64>]) {
        assert!(!self.is_over(), "a test that is over takes no stage");
        self.permute(costs);
        self.stage += 1;
        let level_so_far = self.level * self.stage as f64 / self.stages as f64;
        let (mut boundary, mut spent) = (f64::INFINITY, 0.0);
        while !self.open.is_empty() {
            (boundary, spent) = self.boundary(level_so_far);
            let observed = self.open.iter().map(|open| open.differences[0].abs()).enumerate();
            let farthest = observed.max_by(|one, other| one.1.total_cmp(&other.1));
            let (place, difference) = farthest.expect("invariant: some pair is open");
            if difference <= boundary {
                break;
            }
            let OpenPair { pair, differences, .. } = self.open.remove(place);
            let verdict = if differences[0] < 0.0 { ShownOrder::Less } else { ShownOrder::Greater };
            self.decisions.push(ShownPair { pair, verdict, stage: self.stage });
        }
        self.level_spent += spent;
        let kept: Vec<bool> = (0..self.n_kept()).map(|index| self.largest(index) <= boundary).collect();
        for open in &mut self.open {
            let mut kept = kept.iter();
            open.differences.retain(|_| *kept.next().expect("invariant: one for each permutation"));
        }
    }

    /// How many permutations are kept.
    fn n_kept(&self) -> usize {
        self.open.first().map_or(0, |open| open.differences.len())
    }

    /// The largest difference of all open pairs under a permutation.
    fn largest(&self, index: usize) -> f64 {
        self.open.iter().map(|open| open.differences[index].abs()).fold(0.0, f64::max)
    }

    /// The least difference that may count as shown, such that no more than the level is spent, and how much of it this stage spends.
    fn boundary(&self, level_so_far: f64) -> (f64, f64) {
        let mut largest: Vec<f64> = (0..self.n_kept()).map(|index| self.largest(index)).collect();
        largest.sort_by(f64::total_cmp);
        let share = |place: usize| (largest.len() - 1 - place) as f64 / self.n_permutations as f64;
        let place = (0..largest.len()).find(|&place| self.level_spent + share(place) <= level_so_far);
        // What is equal but for rounding is not beyond it.
        let slack = ROUNDING * self.open.iter().map(|open| open.size).fold(0.0, f64::max);
        place.map_or((f64::INFINITY, 0.0), |place| (largest[place] + slack, share(place)))
    }

    /// Adds a stage to the differences under all permutations: under each in turn if they are few enough, and else under one at random.
    fn permute(&mut self, costs: &[Vec<f64>]) {
        let needed: Vec<usize> = (0..costs.len()).filter(|&agent| self.needs(agent)).collect();
        let n = needed.first().map_or(0, |&agent| costs[agent].len());
        assert!(needed.iter().all(|&agent| costs[agent].len() == n), "each agent has as many costs");
        let n_new = n_halves(n).filter(|n_new| self.n_permutations.saturating_mul(*n_new) <= PERMUTATIONS);
        let n_kept = self.n_kept();
        let steps: Vec<(usize, Vec<bool>)> = match n_new {
            Some(n_new) => {
                self.n_permutations *= n_new;
                let halves = halves(n);
                (0..n_kept).flat_map(|kept| halves.iter().map(move |half| (kept, half.clone()))).collect()
            }
            None => self.drawn(n, n_kept),
        };
        for open in &mut self.open {
            let (first, second) = (&costs[open.pair.0], &costs[open.pair.1]);
            let all: Vec<f64> = first.iter().chain(second).copied().collect();
            open.size += all.iter().map(|cost| cost.abs()).sum::<f64>();
            let difference = |half: &[bool]| -> f64 {
                all.iter().zip(half).map(|(cost, is_first)| if *is_first { *cost } else { 0.0 - cost }).sum()
            };
            open.differences =
                steps.iter().map(|(kept, half)| open.differences[*kept] + difference(half)).collect();
        }
    }

    /// [`PERMUTATIONS`] at random behind the one that was observed, each going on from one that was kept, all of these about as often.
    fn drawn(&mut self, n: usize, n_kept: usize) -> Vec<(usize, Vec<bool>)> {
        let mut stream = self.seed.stream(&format!("adastop {}", self.stage));
        // As many as stand for what was not rejected.
        let share = n_kept as f64 / self.n_permutations as f64;
        let n_drawn = ((share * PERMUTATIONS as f64).round() as usize).max(1);
        self.n_permutations = PERMUTATIONS;
        let observed: Vec<bool> = (0..2 * n).map(|place| place < n).collect();
        let mut steps = vec![(0, observed.clone())];
        for _ in 1..n_drawn {
            let mut half = observed.clone();
            half.shuffle(&mut stream);
            steps.push((stream.random_range(0..n_kept), half));
        }
        steps
    }
}

/// The fewest stages of `n` costs after which two agents can be shown to differ at `level`: of all permutations the two most extreme must
/// be no larger a share.
///
/// `n`: at least one.
pub fn stages_to_show(level: f64, n: usize) -> usize {
    let halves = n_halves(n).map_or(f64::INFINITY, |halves| halves as f64);
    (1..).find(|&stages| 2.0 * halves.powi(-stages) <= level).expect("invariant: each stage halves it")
        as usize
}

/// In how many ways half of `2 n` costs can be the first agent's; none if they are too many to count.
fn n_halves(n: usize) -> Option<usize> {
    // Each product of consecutive numbers is divided without a rest.
    (1..=n).try_fold(1_usize, |product, k| Some(product.checked_mul(n + k)? / k))
}

/// Every way, that which was observed first.
fn halves(n: usize) -> Vec<Vec<bool>> {
    let mut all = Vec::new();
    let mut half = Vec::with_capacity(2 * n);
    extend(n, n, &mut half, &mut all);
    all
}

/// All halves that begin so, with so many left of the first agent's and of the second's.
fn extend(first: usize, second: usize, half: &mut Vec<bool>, all: &mut Vec<Vec<bool>>) {
    if first + second == 0 {
        all.push(half.clone());
    }
    for (is_first, left) in [(true, first), (false, second)] {
        if left > 0 {
            half.push(is_first);
            extend(first - usize::from(is_first), second - usize::from(!is_first), half, all);
            half.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed::new(0);

    // By hand: of two times three costs 20 halves are all there are; 1, 2, 3 against 11, 12, 13 is one of the two most extreme. At a level of
    // 1/10 those two may be beyond the boundary, but the boundary is the last value within: two of 20 are beyond the third.
    #[test]
    fn the_most_extreme_half_shows_a_difference_at_a_tenth() {
        assert_eq!((n_halves(3), halves(3).len(), n_halves(4)), (Some(20), 20, Some(70)));
        let mut test = AdaStop::new(2, 1, 0.1, SEED);
        test.take(&[vec![1.0, 2.0, 3.0], vec![11.0, 12.0, 13.0]]);
        assert_eq!(test.decisions(), [ShownPair { pair: (0, 1), verdict: ShownOrder::Less, stage: 1 }]);
        let mut test = AdaStop::new(2, 1, 0.09, SEED);
        test.take(&[vec![1.0, 2.0, 3.0], vec![11.0, 12.0, 13.0]]);
        assert_eq!(test.decisions(), [ShownPair { pair: (0, 1), verdict: ShownOrder::Open, stage: 1 }]);
        assert!(test.is_over());
    }

    #[derive(serde::Deserialize)]
    struct Golden {
        level: f64,
        costs: Vec<Vec<f64>>,
        pairs: Vec<GoldenPair>,
    }

    #[derive(serde::Deserialize)]
    struct GoldenPair {
        pair: (usize, usize),
        decision: String,
        stage: usize,
    }

    // Authority: the package adastop 0.1.3, with absolute differences, on 24 sets of two to four agents; all permutations are counted.
    #[test]
    fn decisions_are_those_of_the_package() {
        let golden = include_str!("../../tests/golden/adastop.json");
        let golden: Vec<Golden> = serde_json::from_str(golden).unwrap();
        assert_eq!(golden.len(), 24);
        for (index, case) in golden.iter().enumerate() {
            let mut test = AdaStop::new(case.costs.len(), 2, case.level, SEED);
            let mut stages = 0..2;
            while !test.is_over() {
                let first = 4 * stages.next().expect("two stages");
                test.take(
                    &case.costs.iter().map(|costs| costs[first..first + 4].to_vec()).collect::<Vec<_>>(),
                );
            }
            let verdict = |decision: &str| match decision {
                "smaller" => ShownOrder::Less,
                "larger" => ShownOrder::Greater,
                _ => ShownOrder::Open,
            };
            let expected = case.pairs.iter().map(|it| ShownPair {
                pair: it.pair,
                verdict: verdict(&it.decision),
                stage: it.stage,
            });
            assert_eq!(test.decisions(), expected.collect::<Vec<_>>(), "case {index}");
        }
    }

    // Claim: with more seeds than permutations can be counted out, what differs by far is shown, and an agent is never shown to differ
    // from its own copy.
    #[test]
    fn what_is_drawn_shows_the_same() {
        let mut test = AdaStop::new(3, 4, 0.05, SEED);
        let mut stream = Seed::new(3).stream("costs");
        while !test.is_over() {
            let mut costs = || -> Vec<f64> { (0..10).map(|_| stream.random::<f64>()).collect() };
            let first = costs();
            let far = costs().iter().map(|cost| cost + 2.0).collect();
            test.take(&[first.clone(), first, far]);
        }
        let verdicts: Vec<ShownOrder> = test.decisions().iter().map(|decision| decision.verdict).collect();
        assert_eq!(verdicts, [ShownOrder::Open, ShownOrder::Less, ShownOrder::Less]);
    }

    // By hand: costs that are the same for both agents differ under no permutation; of .1, .1, .1 against .2, .1, .1 every permutation is
    // as far from zero as what was observed. At a fifth a last digit more would be shown.
    #[test]
    fn rounding_shows_no_difference() {
        for (first, second) in
            [([0.3; 3], [0.3; 3]), ([0.1; 3], [0.2, 0.1, 0.1]), ([0.1; 3], [0.1, 0.1, 0.2])]
        {
            for level in [0.05, 0.1, 0.2, 0.5] {
                let mut test = AdaStop::new(2, 1, level, SEED);
                test.take(&[first.to_vec(), second.to_vec()]);
                assert_eq!(test.decisions()[0].verdict, ShownOrder::Open, "{first:?} {second:?} {level}");
            }
        }
    }

    // Claim: of pairs that do not differ, in two stages of five whose permutations are too many to count, as many are shown to differ as the
    // level says: of 200 at a fifth 40, with a standard deviation of 5.7; four of them are allowed above, and below the level that a stage
    // of 252 permutations leaves over too.
    #[test]
    fn as_many_of_equal_pairs_are_shown_as_the_level_says() {
        let mut n_shown = 0;
        for seed in 0..200 {
            let mut stream = Seed::new(seed).stream("costs");
            let mut test = AdaStop::new(2, 2, 0.2, Seed::new(seed));
            while !test.is_over() {
                let mut costs = || -> Vec<f64> { (0..5).map(|_| stream.random::<f64>()).collect() };
                test.take(&[costs(), costs()]);
            }
            n_shown += usize::from(test.decisions()[0].verdict != ShownOrder::Open);
        }
        assert!((17..63).contains(&n_shown), "{n_shown}");
    }

    // By hand: five costs between five others differ by 5, which most halves do; five that lie far below five others are one of the two most
    // extreme of 252 halves, and with any first stage of the permutations that are drawn about 2/252.
    #[test]
    fn what_is_drawn_can_show_what_was_counted_out_before_did_not() {
        let stages = [[1.0, 3.0, 5.0, 7.0, 9.0], [0.0, 1.0, 2.0, 3.0, 4.0]];
        let others = [[2.0, 4.0, 6.0, 8.0, 10.0], [50.0, 51.0, 52.0, 53.0, 54.0]];
        for is_swapped in [false, true] {
            let mut test = AdaStop::new(2, 2, 0.05, SEED);
            for (one, other) in stages.iter().zip(others) {
                assert_eq!(test.decisions()[0].verdict, ShownOrder::Open);
                let (one, other) = (one.to_vec(), other.to_vec());
                test.take(&if is_swapped { [other, one] } else { [one, other] });
            }
            let verdict = if is_swapped { ShownOrder::Greater } else { ShownOrder::Less };
            assert_eq!(test.decisions(), [ShownPair { pair: (0, 1), verdict, stage: 2 }]);
        }
    }

    // By hand: 2/2^6 = 1/32, 2/6^3 = 1/108, 2/20^2 = 1/200 and 2/70 = 1/35 are the first within a twentieth; 2/2^5, 2/6^2 and 2/20 are not.
    #[test]
    fn what_stages_can_show_by_hand() {
        assert_eq!([1, 2, 3, 4, 5, 1000].map(|n| stages_to_show(0.05, n)), [6, 3, 2, 1, 1, 1]);
        assert_eq!(stages_to_show(0.1, 3), 1);
    }
}
