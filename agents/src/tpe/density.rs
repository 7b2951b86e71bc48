//! The two densities of TPE: mixtures of product kernels, around a few designs and around all others.
//!
//! The mixture of all others is what a proposal costs: a product for each trial and parameter, for each sample. Two things keep it
//! short. Parameters with few levels are coded together, so that one table stands for the kernels of several; and the sum
//! over trials ends where it is too large for the sample to be the best.

use std::f64::consts::SQRT_2;
use std::ops::Range;

use rand::RngExt;
use tapeout_core::{Design, DesignSpace, Parameter, Stream};

// Optuna 4, `_calculate_numerical_distributions`: sigma0_magnitude = 0.2, a share of the range.
const BANDWIDTH: f64 = 0.2;
/// Own choice: a kernel is no wider than the centres are spread, and one level. It tells where a log is all around one design.
const BEYOND_SPREAD: f64 = 1.0;
/// With more levels than this a parameter's uniform share is smaller, as one over their number. Ours: of many levels those side by side are alike.
const FEW_LEVELS: f64 = 4.0;
/// Combinations of levels that are coded together: what a byte holds.
const CODES: usize = 256;
/// Trials between two looks at whether the sum is too large. Ours: their products stay in the fastest cache.
const BLOCK: usize = 128;

/// The designs observed, as centres of kernels.
pub struct Centers {
    parameters: Vec<Parameter>,
    /// Shape `[n]`.
    designs: Vec<Design>,
    /// How many designs have each level of each parameter; shape `[d][levels]`.
    counts: Vec<Vec<u32>>,
    groups: Vec<Group>,
}

/// Neighbouring parameters and the combination of their levels in each design, the last parameter counting fastest.
struct Group {
    parameters: Range<usize>,
    codes: Codes,
}

/// Shape `[n]`.
enum Codes {
    /// Codes of a group of at most [`CODES`] combinations of levels.
    Few(Vec<u8>),
    /// Codes of a parameter of more levels.
    Many(Vec<u32>),
}

impl Centers {
    /// No designs of `space` yet.
    pub fn new(space: &DesignSpace) -> Self {
        let parameters = space.parameters().to_vec();
        let mut groups: Vec<Group> = Vec::new();
        let mut n_codes = CODES; // of the last group: the first parameter begins one
        for (index, parameter) in parameters.iter().enumerate() {
            let n_levels = parameter.n_levels() as usize;
            match groups.last_mut() {
                Some(group) if n_codes * n_levels <= CODES => {
                    group.parameters.end = index + 1;
                    n_codes *= n_levels;
                }
                _ => {
                    let is_few = n_levels <= CODES;
                    let codes = if is_few { Codes::Few(Vec::new()) } else { Codes::Many(Vec::new()) };
                    groups.push(Group { parameters: index..index + 1, codes });
                    n_codes = n_levels;
                }
            }
        }
        let counts = parameters.iter().map(|parameter| vec![0; parameter.n_levels() as usize]).collect();
        Self { parameters, designs: Vec::new(), counts, groups }
    }

    /// Takes in a design.
    pub fn push(&mut self, design: &Design) {
        for (counts, &level) in self.counts.iter_mut().zip(design.levels()) {
            counts[level as usize] += 1;
        }
        for group in &mut self.groups {
            let levels =
                group.parameters.clone().map(|index| (&self.parameters[index], design.levels()[index]));
            let code = levels.fold(0, |code, (parameter, level)| code * parameter.n_levels() + level);
            match &mut group.codes {
                Codes::Few(codes) => codes.push(code as u8),
                Codes::Many(codes) => codes.push(code),
            }
        }
        self.designs.push(design.clone());
    }
}

/// The probability of each level of a parameter given the level at a kernel's centre.
enum Kernel {
    /// A normal distribution around the centre, cut at the ends, each level having the mass within half a step.
    Ordered {
        /// The mass so many levels from the centre.
        by_distance: Vec<f64>,
        /// One over what is left of the whole after the cut, by centre; times what the uniform share leaves.
        scale: Vec<f64>,
        /// What each level has of the uniform share, wherever the centre is.
        everywhere: f64,
    },
    /// The centre, and all others alike.
    Categorical { n_levels: u32, same: f64, other: f64 },
}

impl Kernel {
    /// For a mixture of kernels, so many of them at each level as `counts` says, of `d` parameters, and a uniform component.
    fn new(parameter: &Parameter, counts: &[u32], d: usize, least_bandwidth: f64, uniform: f64) -> Self {
        let n_levels = parameter.n_levels();
        let n_kernels = f64::from(counts.iter().sum::<u32>() + 1);
        if parameter.is_categorical() {
            return Self::aitchison_aitken(n_levels, n_kernels);
        }
        // Scott's rule over d dimensions: the more kernels, the narrower each. The uniform component counts as one of them.
        let range = f64::from(n_levels);
        let widest = (BANDWIDTH * range).min(std(counts) + BEYOND_SPREAD);
        let bandwidth = widest * n_kernels.powf(-1.0 / (d as f64 + 4.0));
        let uniform = uniform * (FEW_LEVELS / range).min(1.0);
        Self::discrete_normal(n_levels as usize, bandwidth.max(least_bandwidth * range), uniform)
    }

    /// Mixed with the share `uniform` of a uniform distribution. Source: Watanabe (2023), section 3.3.2, without one.
    fn discrete_normal(n_levels: usize, std: f64, uniform: f64) -> Self {
        // What lies beyond so many and a half levels from the centre, on one side.
        let tail = |distance: usize| 0.5 * libm::erfc((distance as f64 + 0.5) / (std * SQRT_2));
        // The mass of a level is that within half a step of it and not the density at it, so that a kernel narrower than a level
        // still adds up to 1 and its centre does not come to be infinitely likely.
        let tails: Vec<f64> = (0..n_levels).map(tail).collect();
        let mass = |distance: usize| match distance {
            0 => 1.0 - 2.0 * tails[0],
            _ => tails[distance - 1] - tails[distance],
        };
        // What would lie beyond the ends is shared out among the levels, or those at the ends would seem unlikely to both
        // densities.
        let scale = |center: usize| (1.0 - uniform) / (1.0 - tails[center] - tails[n_levels - 1 - center]);
        Self::Ordered {
            by_distance: (0..n_levels).map(mass).collect(),
            scale: (0..n_levels).map(scale).collect(),
            everywhere: uniform / n_levels as f64,
        }
    }

    /// The kernel of Aitchison & Aitken (1976), doi:10.1093/biomet/63.3.413: all other categories are alike. They share the
    /// bandwidth of Optuna 4: each has 1/n beside the 1 + 1/n of the category itself.
    fn aitchison_aitken(n_levels: u32, n_kernels: f64) -> Self {
        let other = 1.0 / n_kernels;
        let total = 1.0 + f64::from(n_levels) * other;
        Self::Categorical { n_levels, same: (1.0 + other) / total, other: other / total }
    }

    fn n_levels(&self) -> u32 {
        match self {
            Self::Ordered { scale, .. } => scale.len() as u32,
            Self::Categorical { n_levels, .. } => *n_levels,
        }
    }

    fn probability(&self, level: u32, center: u32) -> f64 {
        match self {
            Self::Ordered { by_distance, scale, everywhere } => {
                by_distance[level.abs_diff(center) as usize] * scale[center as usize] + everywhere
            }
            Self::Categorical { same, other, .. } => {
                if level == center {
                    *same
                } else {
                    *other
                }
            }
        }
    }

    fn sample(&self, center: u32, rng: &mut Stream) -> u32 {
        let mut left: f64 = rng.random();
        for level in 0..self.n_levels() {
            left -= self.probability(level, center);
            if left < 0.0 {
                return level;
            }
        }
        center // rounding: probabilities add up to 1 but for the last bits
    }
}

/// The standard deviation of levels, so many of each as `counts` says.
fn std(counts: &[u32]) -> f64 {
    let n = f64::from(counts.iter().sum::<u32>().max(1));
    let mean_of = |value: &dyn Fn(f64) -> f64| {
        counts.iter().enumerate().map(|(level, &count)| f64::from(count) * value(level as f64)).sum::<f64>()
            / n
    };
    let mean = mean_of(&|level| level);
    mean_of(&|level| (level - mean).powi(2)).sqrt()
}

/// Kernels around a few designs, each with its weight, and a uniform component.
pub struct Good {
    kernels: Vec<Kernel>,
    /// Weights add up to 1 with `uniform`.
    members: Vec<(f64, Design)>,
    uniform: f64,
}

/// Kernels of the same weight around all designs but a few, and a uniform component.
pub struct Others {
    kernels: Vec<Kernel>,
    /// The weight of each design, 0 for the few; shape `[n]`, adding up to 1 with `uniform`.
    weights: Vec<f64>,
    uniform: f64,
    /// Of one design: for each group the product of its kernels, by code; shape `[groups][codes]`.
    tables: Vec<Vec<f64>>,
    /// Room for the probabilities of one parameter; shape `[levels]`.
    along: Vec<f64>,
}

/// The densities of the designs at places `good`, weighted by `gains`, and of all others. The uniform component has the mean
/// weight of the good; it has the same in both, so that where there are no trials neither is the likelier. Of each kernel of an ordered parameter
/// of few levels around the good, `uniform` is shared out among all of them.
pub fn densities(
    centers: &Centers,
    good: &[usize],
    gains: &[f64],
    least_bandwidth: f64,
    uniform: f64,
) -> (Good, Others) {
    let (n, d) = (centers.designs.len(), centers.parameters.len());
    let mut good_counts: Vec<Vec<u32>> = centers.counts.iter().map(|counts| vec![0; counts.len()]).collect();
    for &place in good {
        for (counts, &level) in good_counts.iter_mut().zip(centers.designs[place].levels()) {
            counts[level as usize] += 1;
        }
    }
    let kernels = |counts: &[Vec<u32>], uniform: f64| -> Vec<Kernel> {
        let parameters = centers.parameters.iter().zip(counts);
        parameters
            .map(|(parameter, counts)| Kernel::new(parameter, counts, d, least_bandwidth, uniform))
            .collect()
    };
    let less = |(all, good): (&Vec<u32>, &Vec<u32>)| all.iter().zip(good).map(|(a, b)| a - b).collect();
    let other_counts: Vec<Vec<u32>> = centers.counts.iter().zip(&good_counts).map(less).collect();
    let component = 1.0 / (1.0 + good.len() as f64);
    let total: f64 = gains.iter().sum();
    let mut weights = vec![(1.0 - component) / (n - good.len()).max(1) as f64; n];
    let mut members = Vec::with_capacity(good.len());
    for (&place, gain) in good.iter().zip(gains) {
        weights[place] = 0.0;
        members.push((gain / total * (1.0 - component), centers.designs[place].clone()));
    }
    // A table has an entry for each byte at least.
    let n_codes = |group: &Group| group.parameters.clone().map(|index| centers.counts[index].len()).product();
    let tables = centers.groups.iter().map(|group| vec![0.0; CODES.max(n_codes(group))]).collect();
    (
        Good { kernels: kernels(&good_counts, uniform), members, uniform: component },
        Others {
            kernels: kernels(&other_counts, 0.0),
            weights,
            uniform: component,
            tables,
            along: Vec::new(),
        },
    )
}

/// The density of the uniform component of this weight.
fn uniform_density(weight: f64, kernels: &[Kernel]) -> f64 {
    kernels.iter().fold(weight, |density, kernel| density / f64::from(kernel.n_levels()))
}

impl Good {
    /// Levels drawn from one component; not always legal.
    pub fn sample(&self, rng: &mut Stream) -> Vec<u32> {
        let mut left: f64 = rng.random();
        let component = self.members.iter().find(|(weight, _)| {
            left -= weight;
            left < 0.0
        });
        let kernels = self.kernels.iter();
        match component {
            Some((_, center)) => {
                kernels.zip(center.levels()).map(|(kernel, &center)| kernel.sample(center, rng)).collect()
            }
            None => kernels.map(|kernel| rng.random_range(0..kernel.n_levels())).collect(),
        }
    }

    /// The logarithm of the density at a design.
    pub fn log_density(&self, design: &Design) -> f64 {
        let density = self.members.iter().map(|(weight, center)| {
            let levels = design.levels().iter().zip(center.levels());
            let along = self.kernels.iter().zip(levels);
            along.fold(*weight, |product, (kernel, (&level, &center))| {
                product * kernel.probability(level, center)
            })
        });
        // Products and not sums of logarithms: they are added up, and where a product of a few dozen probabilities is too small to
        // count, the uniform component is not.
        (density.sum::<f64>() + uniform_density(self.uniform, &self.kernels)).max(f64::MIN_POSITIVE).ln()
    }
}

impl Others {
    /// The logarithm of the density at a design; none if it is above the logarithm of `most`. O(n groups).
    pub fn log_density(&mut self, design: &Design, centers: &Centers, most: f64) -> Option<f64> {
        self.tabulate(design, centers);
        let mut density = uniform_density(self.uniform, &self.kernels);
        // The newest first: they lie where samples do, so that a sum that is too large is so soon.
        for (block, weights) in self.weights.chunks(BLOCK).enumerate().rev() {
            let mut products = [0.0; BLOCK];
            products[..weights.len()].copy_from_slice(weights);
            let places = block * BLOCK..block * BLOCK + weights.len();
            for (group, table) in centers.groups.iter().zip(&self.tables) {
                multiply(&mut products, table, &group.codes, places.clone());
            }
            // Terms only add up, so a sum above the bound stays above it. That ends most sums, since few samples are the best so
            // far.
            density += sum(&products);
            if density > most {
                return None;
            }
        }
        Some(density.max(f64::MIN_POSITIVE).ln())
    }

    fn tabulate(&mut self, design: &Design, centers: &Centers) {
        for (group, table) in centers.groups.iter().zip(&mut self.tables) {
            table[0] = 1.0;
            let mut n_codes = 1;
            for index in group.parameters.clone() {
                let (kernel, level) = (&self.kernels[index], design.levels()[index]);
                let n_levels = kernel.n_levels() as usize;
                self.along.clear();
                self.along.extend((0..kernel.n_levels()).map(|center| kernel.probability(level, center)));
                // From the last code down, so that no product is written over before it is read.
                for code in (0..n_codes).rev() {
                    let product = table[code];
                    let room = &mut table[code * n_levels..(code + 1) * n_levels];
                    room.iter_mut().zip(&self.along).for_each(|(entry, along)| *entry = product * along);
                }
                n_codes *= n_levels;
            }
        }
    }
}

/// Multiplies each product by what the table has for the code at its place.
fn multiply(products: &mut [f64; BLOCK], table: &[f64], codes: &Codes, places: Range<usize>) {
    match codes {
        Codes::Few(codes) => {
            // A byte at most, and a table of known size, so that looking up a byte needs no check.
            let table: &[f64; CODES] =
                table.first_chunk().expect("invariant: a table has an entry for each byte");
            for (product, &code) in products.iter_mut().zip(&codes[places]) {
                *product *= table[usize::from(code)];
            }
        }
        Codes::Many(codes) => {
            for (product, &code) in products.iter_mut().zip(&codes[places]) {
                *product *= table[code as usize];
            }
        }
    }
}

/// In a fixed order, four sums side by side.
fn sum(products: &[f64; BLOCK]) -> f64 {
    let mut sums = [0.0; 4];
    for four in products.as_chunks::<4>().0 {
        for (sum, product) in sums.iter_mut().zip(four) {
            *sum += product;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    /// Three levels, centre 1, standard deviation 1: the mass within ±0.5 is 0.3829, within ±1.5 it is 0.8664 (any table).
    #[test]
    fn the_ordered_kernel_by_hand() {
        let kernel = Kernel::discrete_normal(3, 1.0, 0.0);
        assert!((kernel.probability(1, 1) - 0.3829 / 0.8664).abs() < 1e-4);
        assert!((kernel.probability(0, 1) - kernel.probability(2, 1)).abs() < 1e-12);
        let mixed = Kernel::discrete_normal(3, 1.0, 0.3);
        assert!((mixed.probability(1, 1) - 0.7 * 0.3829 / 0.8664 - 0.1).abs() < 1e-4);
    }

    /// Four kernels, three categories: 1.25 for the category itself and 0.25 for the others, out of 1.75.
    #[test]
    fn the_categorical_kernel_by_hand() {
        let kernel = Kernel::aitchison_aitken(3, 4.0);
        assert!((kernel.probability(2, 2) - 1.25 / 1.75).abs() < 1e-12);
        assert!((kernel.probability(0, 2) - 0.25 / 1.75).abs() < 1e-12);
    }

    /// Levels 1, 1 and 4: mean 2, variance (1 + 1 + 4) / 3.
    #[test]
    fn the_spread_of_counted_levels_by_hand() {
        assert!((std(&[0, 2, 0, 0, 1]) - 2.0_f64.sqrt()).abs() < 1e-12);
    }

    /// Kernels around the designs of `ranks`, of which the first two are good.
    fn mixtures(space: &DesignSpace, ranks: &[u128]) -> (Centers, Good, Others) {
        let mut centers = Centers::new(space);
        ranks.iter().for_each(|&rank| centers.push(&space.unrank(rank)));
        let (good, others) = densities(&centers, &[0, 1], &[2.0, 1.0], 0.03, 0.2);
        (centers, good, others)
    }

    /// Law: a density over designs adds up to 1.
    #[test]
    fn densities_add_up_to_one() {
        let toy = Toy::hopeless(); // 64 designs, no rules
        let (centers, good, mut others) = mixtures(toy.space(), &[0, 9, 13, 40, 63]);
        let mut totals = [0.0, 0.0];
        for design in toy.space().iter() {
            totals[0] += good.log_density(&design).exp();
            totals[1] += others.log_density(&design, &centers, f64::INFINITY).unwrap().exp();
        }
        assert!(totals.iter().all(|total| (total - 1.0).abs() < 1e-9), "{totals:?}");
    }

    /// Law: tables of several parameters, blocks of trials and an early end change nothing. Six parameters of 2 to 300 levels are
    /// coded as 300, then 16 x 16, then 2 x 3 x 40 together; there are more trials than in two blocks.
    #[test]
    fn coded_sums_are_the_sums_over_kernels() {
        let integer = |(index, n): (usize, i64)| Parameter::integer(&format!("p{index}"), 0, n - 1);
        let mut parameters: Vec<Parameter> =
            [300, 16, 16, 2, 40].into_iter().enumerate().map(integer).collect();
        parameters.insert(4, Parameter::categorical("order", &["a", "b", "c"]));
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        let mut rng = tapeout_core::Seed::new(0).stream("test");
        let ranks: Vec<u128> = (0..300).map(|_| space.rank(&space.sample(&mut rng))).collect();
        let (centers, _, mut others) = mixtures(&space, &ranks);
        assert_eq!(centers.groups.len(), 3);
        for _ in 0..20 {
            let design = space.sample(&mut rng);
            let along = |center: &Design, weight: f64| {
                let levels = design.levels().iter().zip(center.levels());
                let along = others.kernels.iter().zip(levels);
                along.fold(weight, |product, (kernel, (&level, &center))| {
                    product * kernel.probability(level, center)
                })
            };
            let sum: f64 =
                centers.designs.iter().zip(&others.weights).map(|(it, &weight)| along(it, weight)).sum();
            let expected = sum + uniform_density(others.uniform, &others.kernels);
            let log_density = others.log_density(&design, &centers, expected * 1.001).unwrap();
            assert!((log_density - expected.ln()).abs() < 1e-9);
            assert_eq!(others.log_density(&design, &centers, expected * 0.999), None);
        }
    }
}
