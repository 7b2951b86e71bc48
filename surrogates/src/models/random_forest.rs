//! Random forests for regression, with the spread of their trees as uncertainty.
//!
//! Source: Breiman (2001), doi:10.1023/A:1010933404324; Hutter, Xu, Hoos & Leyton-Brown (2014), "Algorithm runtime prediction",
//! doi:10.1016/j.artint.2013.10.003, sections 4.1 and 4.3.2, for split points drawn within the gap between values and for the
//! predictive variance.
//! Geurts, Ernst & Wehenkel (2006), "Extremely randomized trees", doi:10.1007/s10994-006-6226-1, for trees that each learn from all samples.
//! Departs from them: a category is split from all others, one at a time.

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tapeout_core::{Seed, Stream};

use super::decision_tree::{NodeSplit, Tree};
use super::gaussian_process::embedding::CoordinateKind;

/// Hyperparameters of the growth of trees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForestGrowth {
    /// How many trees.
    pub n_estimators: usize,
    /// The share of coordinates among which each split is chosen, at least one.
    pub max_features: f64,
    /// A node of fewer samples is not split.
    pub min_samples_split: usize,
    /// Whether each tree learns from a bootstrap sample, or from all.
    pub bootstrap: bool,
}

/// Trees that each learned from a sample of their own, or from all with splits of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RandomForest {
    trees: Vec<Tree<f64, Leaf>>,
}

/// The moments of the targets in a leaf.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Leaf {
    mean: f64,
    variance: f64,
}

/// One coordinate of all points: the values there are, increasing, and which of them each point has.
struct Column {
    values: Vec<f64>,
    /// Shape `[n]`.
    ranks: Vec<u32>,
}

impl Column {
    fn new(points: &[Vec<f64>], coordinate: usize) -> Self {
        let mut values: Vec<f64> = points.iter().map(|point| point[coordinate]).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        let rank = |point: &Vec<f64>| values.partition_point(|&value| value < point[coordinate]) as u32;
        let ranks = points.iter().map(rank).collect();
        Self { values, ranks }
    }
}

/// The samples from which a tree is grown, and the tree so far.
struct Grower<'a> {
    growth: ForestGrowth,
    kinds: &'a [CoordinateKind],
    /// Shape `[d]`.
    columns: &'a [Column],
    targets: &'a [f64],
    tree: Tree<f64, Leaf>,
    /// Room for the samples of each value of a coordinate; empty between uses.
    buckets: Vec<Moments>,
}

/// A number of samples, their sum and the sum of their squares.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn with(self, target: f64) -> Self {
        Self { n: self.n + 1.0, sum: self.sum + target, squares: self.squares + target * target }
    }

    fn and(self, other: Self) -> Self {
        Self { n: self.n + other.n, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }

    fn without(self, other: Self) -> Self {
        Self { n: self.n - other.n, sum: self.sum - other.sum, squares: self.squares - other.squares }
    }

    /// The sum of squared distances from the mean.
    fn scatter(self) -> f64 {
        (self.squares - self.sum * self.sum / self.n).max(0.0)
    }
}

impl<'a> Grower<'a> {
    fn new(
        growth: ForestGrowth,
        kinds: &'a [CoordinateKind],
        columns: &'a [Column],
        targets: &'a [f64],
    ) -> Self {
        let most_values = columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
        let buckets = vec![Moments::default(); most_values];
        Self { growth, kinds, columns, targets, tree: Tree::new(), buckets }
    }

    /// Grows the subtree of `samples`, which are in increasing order, from the leaf at `node`.
    fn grow(&mut self, node: usize, samples: &mut [u32], rng: &mut Stream) {
        let targets = samples.iter().map(|&i| self.targets[i as usize]);
        let all = targets.fold(Moments::default(), Moments::with);
        let is_leaf = samples.len() < self.growth.min_samples_split;
        let split = if is_leaf { None } else { self.best_split(samples, all, rng) };
        let Some(split) = split else {
            let leaf = Leaf { mean: all.sum / all.n, variance: all.scatter() / all.n };
            self.tree.set_leaf(node, leaf);
            return;
        };
        let column = &self.columns[split.coordinate as usize];
        let is_near = |i: u32| split.is_near(&column.values[column.ranks[i as usize] as usize]);
        let (mut sorted, mut rest) = (Vec::with_capacity(samples.len()), Vec::new());
        samples.iter().for_each(|&i| if is_near(i) { sorted.push(i) } else { rest.push(i) });
        let n_near = sorted.len();
        sorted.extend(rest);
        samples.copy_from_slice(&sorted);
        let (near, far) = samples.split_at_mut(n_near);
        let [near_node, far_node] = self.tree.split(node, split);
        self.grow(near_node, near, rng);
        self.grow(far_node, far, rng);
    }

    /// The split that leaves the least scatter, among coordinates drawn at random; none if no split lessens it.
    fn best_split(&mut self, samples: &[u32], all: Moments, rng: &mut Stream) -> Option<NodeSplit<f64>> {
        let d = self.kinds.len();
        let n_drawn = ((self.growth.max_features * d as f64) as usize).max(1);
        let mut coordinates: Vec<usize> = (0..d).collect();
        let mut best: Option<(f64, NodeSplit<f64>)> = None;
        for drawn in 0..n_drawn.min(d) {
            coordinates.swap(drawn, rng.random_range(drawn..d));
            let coordinate = coordinates[drawn];
            let found = self.best_split_along(coordinate, samples, all, rng);
            if let Some((scatter, split)) = found
                && scatter < best.as_ref().map_or(all.scatter(), |(least, _)| *least)
            {
                best = Some((scatter, split));
            }
        }
        best.map(|(_, split)| split)
    }

    fn best_split_along(
        &mut self,
        coordinate: usize,
        samples: &[u32],
        all: Moments,
        rng: &mut Stream,
    ) -> Option<(f64, NodeSplit<f64>)> {
        let (column, kind) = (&self.columns[coordinate], self.kinds[coordinate]);
        let (mut first, mut last) = (u32::MAX, 0);
        for &i in samples {
            let rank = column.ranks[i as usize];
            (first, last) = (first.min(rank), last.max(rank));
            let bucket = &mut self.buckets[rank as usize];
            *bucket = bucket.with(self.targets[i as usize]);
        }
        let (mut best, mut near) = (None::<(f64, f64, f64)>, Moments::default());
        let mut here = first as usize;
        loop {
            let bucket = std::mem::take(&mut self.buckets[here]);
            let next = (here + 1..=last as usize).find(|&rank| self.buckets[rank].n > 0.0);
            near = match kind {
                CoordinateKind::Ordered => near.and(bucket),
                CoordinateKind::Categorical => bucket,
            };
            let has_other_side = match kind {
                CoordinateKind::Ordered => next.is_some(),
                CoordinateKind::Categorical => first < last,
            };
            if !has_other_side {
                break;
            }
            let scatter = near.scatter() + all.without(near).scatter();
            let value = column.values[here];
            if best.is_none_or(|(least, _, _)| scatter < least) {
                best = Some((scatter, value, next.map_or(value, |next| column.values[next])));
            }
            let Some(next) = next else { break };
            here = next;
        }
        let (scatter, low, high) = best?;
        let at = match kind {
            // Rounding may end at `high`, which is on the far side.
            CoordinateKind::Ordered => (low + (high - low) * rng.random::<f64>()).min(high.next_down()),
            CoordinateKind::Categorical => low,
        };
        Some((scatter, NodeSplit { coordinate: coordinate as u32, kind, at }))
    }
}

impl RandomForest {
    /// Trees grown on samples of `points`, shape `[n][d]`, and `targets`, shape `[n]`.
    ///
    /// `kinds`: whether each coordinate is ordered, shape `[d]`.
    ///
    /// # Panics
    /// If there is no point, no tree, or not one target for each point.
    pub fn fit(
        growth: ForestGrowth,
        kinds: &[CoordinateKind],
        points: &[Vec<f64>],
        targets: &[f64],
        rng: &mut Stream,
    ) -> Self {
        Self::fit_trees(growth, kinds, points, targets, |grow| {
            (0..growth.n_estimators).map(|_| grow(rng)).collect()
        })
    }

    /// As [`fit`](RandomForest::fit), on several threads: each tree draws from a stream of its own.
    ///
    /// # Panics
    /// As `fit`.
    pub fn fit_in_parallel(
        growth: ForestGrowth,
        kinds: &[CoordinateKind],
        points: &[Vec<f64>],
        targets: &[f64],
        seed: Seed,
    ) -> Self {
        Self::fit_trees(growth, kinds, points, targets, |grow| {
            let trees = (0..growth.n_estimators as u64).into_par_iter();
            trees.map(|index| grow(&mut seed.child("tree", index).stream("growth"))).collect()
        })
    }

    fn fit_trees(
        growth: ForestGrowth,
        kinds: &[CoordinateKind],
        points: &[Vec<f64>],
        targets: &[f64],
        grow_all: impl FnOnce(&(dyn Fn(&mut Stream) -> Tree<f64, Leaf> + Sync)) -> Vec<Tree<f64, Leaf>>,
    ) -> Self {
        assert!(!points.is_empty() && growth.n_estimators > 0, "a forest has trees, and trees have samples");
        assert_eq!(points.len(), targets.len(), "one target for each point");
        let columns: Vec<Column> = (0..kinds.len()).map(|index| Column::new(points, index)).collect();
        let n = points.len() as u32;
        let grow = |rng: &mut Stream| {
            let mut samples: Vec<u32> = (0..n).collect();
            if growth.bootstrap {
                samples.iter_mut().for_each(|sample| *sample = rng.random_range(0..n as usize) as u32);
                samples.sort_unstable();
            }
            let mut grower = Grower::new(growth, kinds, &columns, targets);
            grower.grow(0, &mut samples, rng);
            grower.tree
        };
        Self { trees: grow_all(&grow) }
    }

    /// Whether it can be asked about points of `d` coordinates.
    pub fn fits(&self, d: usize) -> bool {
        !self.trees.is_empty() && self.trees.iter().all(|tree| tree.fits(d))
    }

    /// The mean and the variance expected at a point, shape `[d]`: the moments of a mixture of the leaves it falls into.
    /// Source: Hutter et al. (2014), section 4.3.2.
    pub fn predict(&self, point: &[f64]) -> (f64, f64) {
        self.predict_all(&[point])[0]
    }

    /// The same at several points, shape `[n][d]`. Tree after tree, so that each is fetched from memory once.
    pub fn predict_all<P: AsRef<[f64]>>(&self, points: &[P]) -> Vec<(f64, f64)> {
        let mut moments = vec![(0.0, 0.0); points.len()];
        for tree in &self.trees {
            for (point, (sum, squares)) in points.iter().zip(&mut moments) {
                let Leaf { mean, variance } = *tree.leaf(|coordinate| point.as_ref()[coordinate]);
                *sum += mean;
                *squares = *squares + variance + mean * mean;
            }
        }
        let n = self.trees.len() as f64;
        let expected = |(sum, squares): (f64, f64)| {
            let mean = sum / n;
            (mean, (squares / n - mean * mean).max(0.0))
        };
        moments.into_iter().map(expected).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [CoordinateKind; 2] = [CoordinateKind::Ordered, CoordinateKind::Categorical];

    fn grid() -> Vec<Vec<f64>> {
        (0..30).map(|i| vec![f64::from(i / 3) / 9.0, f64::from(i % 3)]).collect()
    }

    /// A tree on four samples, by hand: 0, 0 on the left, 6, 8 on the right. The split that leaves the least scatter, 2, is
    /// between them; with nodes of up to three left alone the leaves are 0 and 7, the latter with variance 1.
    #[test]
    fn one_tree_by_hand() {
        let points: Vec<Vec<f64>> = [0.0, 0.25, 0.75, 1.0].iter().map(|&x| vec![x, 0.0]).collect();
        let growth =
            ForestGrowth { n_estimators: 1, max_features: 1.0, min_samples_split: 4, bootstrap: true };
        let targets = [0.0, 0.0, 6.0, 8.0];
        let columns = [0, 1].map(|index| Column::new(&points, index));
        let mut grower = Grower::new(growth, &KINDS, &columns, &targets);
        grower.grow(0, &mut [0, 1, 2, 3], &mut Seed::new(0).stream("test"));
        let leaf = |x: f64| *grower.tree.leaf(|coordinate| [x, 0.0][coordinate]);
        assert_eq!(
            (leaf(0.1), leaf(0.9)),
            (Leaf { mean: 0.0, variance: 0.0 }, Leaf { mean: 7.0, variance: 1.0 })
        );
    }

    /// A step in the first coordinate and a category that matters: what is learned is near the truth on the samples, and
    /// further from samples than among them the trees disagree.
    #[test]
    fn steps_and_categories_are_learned() {
        let points = grid();
        let truth = |point: &[f64]| {
            let step = if point[0] > 0.5 { 4.0 } else { 0.0 };
            step + if point[1] == 1.0 { 2.0 } else { 0.0 }
        };
        let targets: Vec<f64> = points.iter().map(|point| truth(point)).collect();
        let growth =
            ForestGrowth { n_estimators: 50, max_features: 1.0, min_samples_split: 2, bootstrap: true };
        let forest = RandomForest::fit(growth, &KINDS, &points, &targets, &mut Seed::new(0).stream("test"));
        let alone: Vec<(f64, f64)> = points.iter().map(|point| forest.predict(point)).collect();
        assert_eq!(forest.predict_all(&points), alone);
        let errors = points.iter().zip(alone).map(|(point, (mean, _))| (mean - truth(point)).powi(2));
        // The variance of the targets is 4 + 8/9; a tenth of its root would be 0.22.
        let rmse = (errors.sum::<f64>() / points.len() as f64).sqrt();
        assert!(rmse < 0.22, "{rmse}");
        assert!(forest.predict(&[0.5, 1.0]).1 > forest.predict(&[0.0, 0.0]).1);
    }

    /// Law: trees that each learn from all samples, to the last one, say of a sample what was measured, and disagree only between samples; those of
    /// bootstrap samples do not know all of them.
    #[test]
    fn trees_of_all_samples_know_each_of_them() {
        let points = grid();
        let targets: Vec<f64> = (0..points.len()).map(|i| ((i * 7) % 11) as f64).collect();
        let error = |bootstrap| {
            let growth =
                ForestGrowth { n_estimators: 20, max_features: 1.0, min_samples_split: 2, bootstrap };
            let forest =
                RandomForest::fit(growth, &KINDS, &points, &targets, &mut Seed::new(0).stream("test"));
            let said = forest.predict_all(&points);
            said.iter().zip(&targets).map(|((mean, _), target)| (mean - target).abs()).fold(0.0, f64::max)
        };
        assert!(error(false) < 1e-9 && error(true) > 0.5, "{} {}", error(false), error(true));
    }

    /// Law: equal targets give no split, and no doubt.
    #[test]
    fn nothing_is_split_where_all_is_equal() {
        let growth =
            ForestGrowth { n_estimators: 3, max_features: 1.0, min_samples_split: 2, bootstrap: true };
        let forest = RandomForest::fit(growth, &KINDS, &grid(), &[5.0; 30], &mut Seed::new(0).stream("test"));
        assert_eq!(forest.predict(&[0.3, 1.0]), (5.0, 0.0));
        assert!(forest.trees.iter().all(|tree| tree.is_leaf()));
    }

    /// Between two numbers with none between them every split is the lower one, so that no side is empty and no mean is that of nothing.
    #[test]
    fn neighbouring_numbers_are_split() {
        let points: Vec<Vec<f64>> =
            (0..20).map(|i| vec![if i % 2 == 0 { 1.0 } else { 1f64.next_up() }]).collect();
        let targets: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
        let growth =
            ForestGrowth { n_estimators: 50, max_features: 1.0, min_samples_split: 2, bootstrap: true };
        let forest = RandomForest::fit(
            growth,
            &[CoordinateKind::Ordered],
            &points,
            &targets,
            &mut Seed::new(0).stream("trees"),
        );
        assert!(forest.predict(&[1.0]).0 < 0.1 && forest.predict(&[1f64.next_up()]).0 > 0.9);
    }
}
