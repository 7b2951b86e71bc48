//! Gradient-boosted regression trees on binned coordinates.
//!
//! Sources: Friedman (2001), doi:10.1214/aos/1013203451, for the machine; Friedman (2002), doi:10.1016/S0167-9473(01)00065-2, for
//! samples drawn anew for each tree; Chen & Guestrin (2016), "XGBoost", doi:10.1145/2939672.2939785, eq. 5 and 7, for leaves
//! and gains by gradient and hessian; Ke et al. (2017), "LightGBM", for growing the best leaf first on histograms.
//! Departs from them: a category is split from all others, one at a time.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use tapeout_core::Seed;

use super::decision_tree::{NodeSplit, Tree};
use super::gaussian_process::embedding::CoordinateKind;

/// Points whose coordinates are whole numbers, bins, kept by coordinate.
#[derive(Debug, Clone)]
pub struct Binned {
    /// Shape `[d]`.
    pub kinds: Vec<CoordinateKind>,
    /// How many bins each coordinate has, shape `[d]`.
    pub n_bins: Vec<usize>,
    /// Shape `[d][n]`.
    pub columns: Vec<Vec<u8>>,
}

/// Hyperparameters of the growth of trees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoostingGrowth {
    /// Trees at most.
    pub n_estimators: usize,
    /// The factor on what each tree adds.
    pub learning_rate: f64,
    /// Leaves of a tree, at most.
    pub max_leaf_nodes: usize,
    /// Points of a leaf, at least.
    pub min_samples_leaf: usize,
    /// The share of points that each tree is grown from.
    pub subsample: f64,
    /// lambda: what is added to the hessian of a leaf.
    pub l2_regularization: f64,
    /// Trees without a smaller loss on the points for validation, after which no more are grown.
    pub patience: usize,
}

/// The loss that trees are to make small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// Half the squared distance from the target.
    Squared,
    /// The cross-entropy of a label 0 or 1, by its log-odds.
    Logistic,
}

impl Loss {
    /// The loss, its gradient and its hessian at `output`.
    fn at(self, output: f64, target: f64) -> (f64, f64, f64) {
        match self {
            Self::Squared => (0.5 * (output - target).powi(2), output - target, 1.0),
            Self::Logistic => {
                let p = 1.0 / (1.0 + (-output).exp());
                let loss = output.max(0.0) - target * output + (-output.abs()).exp().ln_1p();
                (loss, p - target, p * (1.0 - p))
            }
        }
    }

    /// The constant that makes the loss least.
    fn best_constant(self, targets: &[f64]) -> f64 {
        let mean = targets.iter().sum::<f64>() / targets.len() as f64;
        match self {
            Self::Squared => mean,
            Self::Logistic => (mean / (1.0 - mean)).ln(),
        }
    }
}

/// A constant, and trees that each correct what is before them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Boosted {
    constant: f64,
    trees: Vec<Tree<u8, f64>>,
}

/// Sums over points: gradients, hessians, how many.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    hessian: f64,
    n: f64,
}

impl Sums {
    fn and(self, other: Self) -> Self {
        let Self { gradient, hessian, n } = other;
        Self { gradient: self.gradient + gradient, hessian: self.hessian + hessian, n: self.n + n }
    }

    fn without(self, other: Self) -> Self {
        let Self { gradient, hessian, n } = other;
        Self { gradient: self.gradient - gradient, hessian: self.hessian - hessian, n: self.n - n }
    }

    /// Twice what a leaf of these points lessens the loss by; Chen & Guestrin (2016), eq. 6.
    fn score(self, regularization: f64) -> f64 {
        self.gradient * self.gradient / (self.hessian + regularization)
    }

    /// The best output of a leaf; eq. 5.
    fn output(self, regularization: f64) -> f64 {
        -self.gradient / (self.hessian + regularization)
    }
}

/// A leaf that may still be split.
struct Open {
    node: usize,
    points: Vec<u32>,
    /// Shape `[total bins]`.
    histogram: Vec<Sums>,
    best: Option<(f64, NodeSplit<u8>)>,
}

/// The points and their slopes, from which trees are grown.
struct Grower<'a> {
    growth: BoostingGrowth,
    binned: &'a Binned,
    /// Where the bins of each coordinate begin in a histogram, and where the last ends; shape `[d + 1]`.
    starts: Vec<usize>,
    /// The gradient and hessian of each point, shape `[n]`.
    slopes: Vec<(f64, f64)>,
}

impl Grower<'_> {
    fn histogram(&self, points: &[u32]) -> Vec<Sums> {
        let mut histogram = vec![Sums::default(); *self.starts.last().unwrap_or(&0)];
        for (column, start) in self.binned.columns.iter().zip(&self.starts) {
            let bins = &mut histogram[*start..];
            for &point in points {
                let (gradient, hessian) = self.slopes[point as usize];
                let bin = &mut bins[usize::from(column[point as usize])];
                bin.gradient += gradient;
                bin.hessian += hessian;
                bin.n += 1.0;
            }
        }
        histogram
    }

    /// The split of most gain; none if no split leaves enough points on both sides and lessens the loss.
    fn best_split(&self, histogram: &[Sums]) -> Option<(f64, NodeSplit<u8>)> {
        let BoostingGrowth { l2_regularization: regularization, min_samples_leaf, .. } = self.growth;
        let least = min_samples_leaf.max(1) as f64;
        let mut best: Option<(f64, NodeSplit<u8>)> = None;
        for (coordinate, (&kind, bounds)) in self.binned.kinds.iter().zip(self.starts.windows(2)).enumerate()
        {
            let bins = &histogram[bounds[0]..bounds[1]];
            let all = bins.iter().fold(Sums::default(), |sum, &bin| sum.and(bin));
            let mut below = Sums::default();
            for (bin, &here) in bins.iter().enumerate() {
                below = below.and(here);
                let near = if kind == CoordinateKind::Ordered { below } else { here };
                let far = all.without(near);
                // Halves stand for whole numbers, which sums of ones are.
                if here.n < 0.5 || near.n + 0.5 < least || far.n + 0.5 < least {
                    continue;
                }
                // eq. 7, twice, without the penalty on leaves
                let gain = near.score(regularization) + far.score(regularization) - all.score(regularization);
                if gain > best.map_or(LEAST_GAIN, |(most, _)| most) {
                    best = Some((gain, NodeSplit { coordinate: coordinate as u32, kind, at: bin as u8 }));
                }
            }
        }
        best
    }

    fn open(&self, node: usize, points: Vec<u32>, histogram: Vec<Sums>) -> Open {
        let best = self.best_split(&histogram);
        Open { node, points, histogram, best }
    }

    /// A tree on these points, and nothing else.
    fn grow(&self, points: Vec<u32>) -> Tree<u8, f64> {
        let mut tree = Tree::new();
        let histogram = self.histogram(&points);
        let mut leaves = vec![self.open(0, points, histogram)];
        while leaves.len() < self.growth.max_leaf_nodes {
            let gain = |leaf: &Open| leaf.best.map_or(0.0, |(gain, _)| gain);
            let most =
                (0..leaves.len()).reduce(|a, b| if gain(&leaves[b]) > gain(&leaves[a]) { b } else { a });
            let Some((index, (_, split))) = most.and_then(|index| Some((index, leaves[index].best?))) else {
                break;
            };
            let Open { node, points, histogram, .. } = leaves.swap_remove(index);
            let column = &self.binned.columns[split.coordinate as usize];
            let (near, far): (Vec<u32>, Vec<u32>) =
                points.into_iter().partition(|&point| split.is_near(&column[point as usize]));
            // The larger side's histogram is what the smaller leaves of the whole.
            let is_near_smaller = near.len() < far.len();
            let small = self.histogram(if is_near_smaller { &near } else { &far });
            let large = histogram.iter().zip(&small).map(|(all, part)| all.without(*part)).collect();
            let (near_histogram, far_histogram) =
                if is_near_smaller { (small, large) } else { (large, small) };
            let [near_node, far_node] = tree.split(node, split);
            leaves.push(self.open(near_node, near, near_histogram));
            leaves.push(self.open(far_node, far, far_histogram));
        }
        for leaf in leaves {
            let slopes = leaf.points.iter().map(|&point| self.slopes[point as usize]);
            let sums = slopes.fold(Sums::default(), |sums, (gradient, hessian)| {
                sums.and(Sums { gradient, hessian, n: 1.0 })
            });
            let output = self.growth.learning_rate * sums.output(self.growth.l2_regularization);
            tree.set_leaf(leaf.node, output);
        }
        tree
    }
}

/// Gains below this are rounding: targets are of the order of 1.
const LEAST_GAIN: f64 = 1e-9;

impl Boosted {
    /// Trees that make the loss small at `points`; `targets`: shape `[n]`. With points and targets for validation, as many trees
    /// as make it least there.
    ///
    /// # Panics
    /// If there is no point, or not one target for each.
    pub fn fit(
        growth: BoostingGrowth,
        loss: Loss,
        (points, targets): (&Binned, &[f64]),
        validation: Option<(&Binned, &[f64])>,
        seed: Seed,
    ) -> Self {
        let n = targets.len();
        assert!(n > 0 && points.columns.iter().all(|column| column.len() == n), "one target for each point");
        let mut starts = vec![0];
        starts.extend(points.n_bins.iter().scan(0, |end, n_bins| {
            *end += n_bins;
            Some(*end)
        }));
        let mut boosted = Self { constant: loss.best_constant(targets), trees: Vec::new() };
        let mut grower = Grower { growth, binned: points, starts, slopes: vec![(0.0, 0.0); n] };
        let mut outputs = vec![boosted.constant; n];
        let mut watch =
            validation.map(|(points, targets)| Watch::new(boosted.constant, loss, points, targets));
        let mut rng = seed.stream("samples");
        let mut order: Vec<u32> = (0..n as u32).collect();
        let n_drawn = ((growth.subsample * n as f64).round() as usize).clamp(1, n);
        for _ in 0..growth.n_estimators {
            for ((slopes, &output), &target) in grower.slopes.iter_mut().zip(&outputs).zip(targets) {
                let (_, gradient, hessian) = loss.at(output, target);
                *slopes = (gradient, hessian);
            }
            let drawn = if n_drawn < n { order.partial_shuffle(&mut rng, n_drawn).0 } else { &mut order };
            let mut drawn = drawn.to_vec();
            drawn.sort_unstable(); // memory is read in order
            let tree = grower.grow(drawn);
            if tree.is_leaf() {
                break;
            }
            for (point, output) in outputs.iter_mut().enumerate() {
                *output += *tree.leaf(|coordinate| points.columns[coordinate][point]);
            }
            boosted.trees.push(tree);
            let Some(watch) = &mut watch else { continue };
            watch.add(boosted.trees.last().expect("a tree was pushed"), boosted.trees.len());
            if boosted.trees.len() >= watch.best.1 + growth.patience {
                break;
            }
        }
        if let Some(watch) = watch {
            boosted.trees.truncate(watch.best.1);
        }
        boosted
    }

    /// The output at each point, of which these are the bins, shape `[n][d]`. Trees are gone through in the outer loop, since all of them do
    /// not stay in a cache.
    pub fn predict_all<P: AsRef<[u8]>>(&self, points: &[P]) -> Vec<f64> {
        let mut sums = vec![0.0; points.len()];
        for tree in &self.trees {
            for (sum, point) in sums.iter_mut().zip(points) {
                *sum += *tree.leaf(|coordinate| point.as_ref()[coordinate]);
            }
        }
        sums.into_iter().map(|sum| self.constant + sum).collect()
    }

    /// How many trees it has.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Whether it can be asked about points of `d` coordinates.
    pub fn fits(&self, d: usize) -> bool {
        self.trees.iter().all(|tree| tree.fits(d))
    }
}

/// The loss on points that are not learned from, tree by tree.
struct Watch<'a> {
    loss: Loss,
    points: &'a Binned,
    targets: &'a [f64],
    outputs: Vec<f64>,
    /// The least sum of losses, and with how many trees.
    best: (f64, usize),
}

impl<'a> Watch<'a> {
    fn new(constant: f64, loss: Loss, points: &'a Binned, targets: &'a [f64]) -> Self {
        let mut watch =
            Self { loss, points, targets, outputs: vec![constant; targets.len()], best: (0.0, 0) };
        watch.best.0 = watch.total();
        watch
    }

    fn total(&self) -> f64 {
        self.outputs.iter().zip(self.targets).map(|(&output, &target)| self.loss.at(output, target).0).sum()
    }

    fn add(&mut self, tree: &Tree<u8, f64>, n_trees: usize) {
        for (point, output) in self.outputs.iter_mut().enumerate() {
            *output += *tree.leaf(|coordinate| self.points.columns[coordinate][point]);
        }
        let total = self.total();
        if total < self.best.0 {
            self.best = (total, n_trees);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROWTH: BoostingGrowth = BoostingGrowth {
        n_estimators: 1,
        learning_rate: 1.0,
        max_leaf_nodes: 2,
        min_samples_leaf: 1,
        subsample: 1.0,
        l2_regularization: 1.0,
        patience: 10,
    };

    fn binned(columns: Vec<Vec<u8>>, kinds: &[CoordinateKind]) -> Binned {
        let n_bins = columns.iter().map(|column| usize::from(*column.iter().max().unwrap()) + 1).collect();
        Binned { kinds: kinds.to_vec(), n_bins, columns }
    }

    /// Targets 0, 0, 3, 5 in bins 0, 1, 2, 3: the mean is 2, the gradients 2, 2, -1, -3. Between 1 and 2 the gain is
    /// 4^2 / 3 + 4^2 / 3 = 10.7, more than 2^2 / 2 + 2^2 / 4 = 3 and 3^2 / 2 + 3^2 / 4 = 6.75; the leaves are -4/3 and 4/3.
    #[test]
    fn one_tree_by_hand() {
        let points = binned(vec![vec![0, 1, 2, 3]], &[CoordinateKind::Ordered]);
        let boosted =
            Boosted::fit(GROWTH, Loss::Squared, (&points, &[0.0, 0.0, 3.0, 5.0]), None, Seed::new(0));
        let expected = [2.0 - 4.0 / 3.0, 2.0 + 4.0 / 3.0];
        assert!((boosted.predict_all(&[[1]])[0] - expected[0]).abs() < 1e-12);
        assert!((boosted.predict_all(&[[2]])[0] - expected[1]).abs() < 1e-12);
    }

    /// Labels 1, 1, 1, 0 where only category 1 is 0: log-odds ln 3, p = 3/4, gradients -1/4, -1/4, -1/4, 3/4, hessians 3/16.
    /// The leaf of category 1 is -(3/4) / (3/16 + 1) = -12/19.
    #[test]
    fn a_category_and_its_log_odds_by_hand() {
        let points = binned(vec![vec![0, 2, 0, 1]], &[CoordinateKind::Categorical]);
        let boosted =
            Boosted::fit(GROWTH, Loss::Logistic, (&points, &[1.0, 1.0, 1.0, 0.0]), None, Seed::new(0));
        assert!((boosted.predict_all(&[[1]])[0] - (3f64.ln() - 12.0 / 19.0)).abs() < 1e-12);
    }

    /// Noise cannot be learned: points for validation stop the growth long before the most trees there may be. Without them it is
    /// learned by heart: the error at the points learned from falls below a third of the targets' standard deviation, 0.29.
    #[test]
    fn validation_says_how_many_trees_there_are() {
        let mut rng = Seed::new(1).stream("test");
        let mut draw = |n: usize| -> (Binned, Vec<f64>) {
            use rand::RngExt;
            let columns = (0..3).map(|_| (0..n).map(|_| rng.random_range(0..16)).collect()).collect();
            let targets = (0..n).map(|_| rng.random::<f64>() - 0.5).collect();
            (binned(columns, &[CoordinateKind::Ordered; 3]), targets)
        };
        let ((points, targets), (others, other_targets)) = (draw(100), draw(100));
        let growth = BoostingGrowth { n_estimators: 200, learning_rate: 0.3, max_leaf_nodes: 8, ..GROWTH };
        let fit =
            |validation| Boosted::fit(growth, Loss::Squared, (&points, &targets), validation, Seed::new(0));
        let stopped = fit(Some((&others, &other_targets)));
        assert!(stopped.n_trees() < 20, "{}", stopped.n_trees());
        let full = fit(None);
        let error = |point: usize| {
            let bins: Vec<u8> = points.columns.iter().map(|column| column[point]).collect();
            (full.predict_all(&[&bins])[0] - targets[point]).powi(2)
        };
        let rms = ((0..100).map(error).sum::<f64>() / 100.0).sqrt();
        assert!(rms < 0.1, "{rms}");
    }
}
