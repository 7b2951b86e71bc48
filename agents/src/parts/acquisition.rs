//! What a design is worth trying, from what a model expects of it.
//!
//! Losses are minimised, and expected normally distributed. Source: Jones, Schonlau & Welch (1998),
//! doi:10.1023/A:1008306431147, eq. 15, for the expected improvement; Ament et al. (2023), "Unexpected Improvements to Expected
//! Improvement for Bayesian Optimization", arXiv:2310.20708, section 4.1, for its logarithm; Yang et al. (2019),
//! doi:10.1007/s10898-019-00798-7, for the expected hypervolume improvement in two dimensions.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Below this many standard deviations φ(z) and z Φ(z) cancel nearly to nothing, and then underflow: a search among hopeless
/// candidates would see only zeros and have no way up. There the improvement is computed from Mills' ratio. Above it the direct
/// formula loses one decimal digit at most.
const FAR: f64 = -3.0;
/// Terms of the continued fraction, enough for ten digits at 3 and beyond, as its test shows.
const TERMS: u32 = 40;
/// Below this many standard deviations an improvement adds less than 1e-16 of one to an area, and is left out of it.
const NEGLIGIBLE: f64 = -8.0;

/// No design is less likely to be acceptable than this. Ours: where models are as good as sure that nothing is acceptable, losses still
/// tell designs apart, and one in a billion is less than any search finds out.
const LEAST_PROBABILITY: f64 = 1e-9;

/// A normally distributed expectation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    /// The mean of the value.
    pub mean: f64,
    /// The standard deviation of the value, positive.
    pub std: f64,
}

impl Normal {
    /// The probability of a value below `limit`.
    pub fn below(self, limit: f64) -> f64 {
        cumulative((limit - self.mean) / self.std)
    }

    /// The natural logarithm of [`Normal::below`], or of [`LEAST_PROBABILITY`] if that is more.
    pub fn log_below(self, limit: f64) -> f64 {
        self.below(limit).max(LEAST_PROBABILITY).ln()
    }

    fn is_hopeless(self, best: f64) -> bool {
        best - self.mean < NEGLIGIBLE * self.std
    }

    /// How far below `best` the value is expected to be, counting 0 where it is not.
    pub fn improvement(self, best: f64) -> f64 {
        let z = (best - self.mean) / self.std;
        if z < FAR { self.log_improvement(best).exp() } else { self.std * (density(z) + z * cumulative(z)) }
    }

    /// The natural logarithm of [`Normal::improvement`], finite where that is too small for a double.
    pub fn log_improvement(self, best: f64) -> f64 {
        let z = (best - self.mean) / self.std;
        if z >= FAR {
            return self.improvement(best).ln();
        }
        // φ(z) + z Φ(z) = φ(x) (1 - x R(x)) with x = -z and Mills' ratio R(x) = Φ(-x) / φ(x) = 1 / (x + c),
        // c = 1 / (x + 2 / (x + 3 / ...)); so that 1 - x R(x) = c / (x + c).
        let x = -z;
        let c = (1..=TERMS).rev().fold(0.0, |tail, term| f64::from(term) / (x + tail));
        self.std.ln() - 0.5 * x * x - 0.5 * (2.0 * PI).ln() + (c / (x + c)).ln()
    }
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

fn cumulative(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The area below a reference point that a front leaves, cut into strips along the first loss.
#[derive(Debug, Clone)]
pub struct Strips {
    /// For each strip its right end in the first loss and its height in the second; the first begins at minus infinity.
    strips: Vec<(f64, f64)>,
}

impl Strips {
    /// Left by `front`, in any order and perhaps with dominated points, below `reference`.
    pub fn new(front: &[[f64; 2]], reference: [f64; 2]) -> Self {
        let mut points: Vec<[f64; 2]> = front
            .iter()
            .copied()
            .filter(|point| point[0] < reference[0] && point[1] < reference[1])
            .collect();
        // By the first loss; a point is on the front if it is below all before it in the second, and dominated points drop out.
        points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let (mut strips, mut height) = (Vec::with_capacity(points.len() + 1), reference[1]);
        for [right, below] in points {
            if below < height {
                strips.push((right, height));
                height = below;
            }
        }
        strips.push((reference[0], height));
        Self { strips }
    }

    /// The expected growth of the dominated area by a design whose two losses are independent.
    ///
    /// Over each strip it is the expected width taken, a difference of improvements over the strip's two ends, times the
    /// expected improvement over its height. O(n) for a front of n.
    pub fn improvement(&self, losses: [Normal; 2]) -> f64 {
        let (mut total, mut up_to_left) = (0.0, 0.0);
        for &(right, height) in &self.strips {
            if losses[1].is_hopeless(height) {
                break; // heights fall from strip to strip
            }
            if losses[0].is_hopeless(right) {
                continue;
            }
            let up_to_right = losses[0].improvement(right);
            // The losses are independent, so the expectation of the product over a strip is the product of the expectations.
            total += (up_to_right - up_to_left) * losses[1].improvement(height);
            up_to_left = up_to_right;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use tapeout_core::Seed;
    use tapeout_core::pareto::hypervolume_2d;

    /// At z = 0 it is std φ(0) = 2 / sqrt(2 pi).
    #[test]
    fn the_improvement_at_the_mean_by_hand() {
        let expected = Normal { mean: 1.0, std: 2.0 }.improvement(1.0);
        assert!((expected - 0.797_884_560_802_865_4).abs() < 1e-15);
    }

    /// Half of a normal distribution is below its mean; ten deviations are beyond what counts.
    #[test]
    fn no_probability_is_less_than_one_in_a_billion() {
        let standard = Normal { mean: 0.0, std: 1.0 };
        assert!((standard.log_below(0.0) - 0.5_f64.ln()).abs() < 1e-15);
        assert_eq!(standard.log_below(-10.0), 1e-9_f64.ln());
    }

    /// All but certain to be at (1, 1): of the area 9 below (3, 3), where (2, 2) takes 1, it takes 4 in all.
    #[test]
    fn the_growth_of_an_area_by_hand() {
        let at_one = Normal { mean: 1.0, std: 1e-9 };
        let gain = Strips::new(&[[2.0, 2.0]], [3.0, 3.0]).improvement([at_one, at_one]);
        assert!((gain - 3.0).abs() < 1e-6);
    }

    /// Authority: ln(φ(z) + z Φ(z)) by mpmath 1.3 with 50 digits.
    #[test]
    fn the_log_improvement_agrees_with_arbitrary_precision() {
        let standard = Normal { mean: 0.0, std: 1.0 };
        let values = [
            (0.0, -0.918_938_533_204_672_7),
            (-3.0, -7.869_686_059_603_029),
            (-10.0, -55.553_122_036_122_36),
            (-100.0, -5_010.129_578_800_25),
        ];
        for (z, expected) in values {
            let got = standard.log_improvement(z);
            assert!((got - expected).abs() < 1e-10 * expected.abs(), "{z}: {got} {expected}");
        }
        let (above, below) = (standard.log_improvement(FAR + 1e-9), standard.log_improvement(FAR - 1e-9));
        assert!((above - below).abs() < 1e-7, "the two formulas meet");
    }

    /// Law: the expectation is the mean over draws. 40,000 draws; five standard errors of the mean.
    #[test]
    fn the_expected_hypervolume_improvement_agrees_with_sampling() {
        let front = [[1.0, 3.0], [2.0, 2.0], [2.5, 2.5], [4.0, 0.5]];
        let reference = [5.0, 4.0];
        let losses = [Normal { mean: 2.2, std: 1.0 }, Normal { mean: 1.8, std: 0.7 }];
        let before = hypervolume_2d(&front, reference).unwrap();
        let mut rng = Seed::new(0).stream("test");
        let mut draw = |normal: Normal| {
            let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
            normal.mean + normal.std * (-2.0 * u.ln()).sqrt() * (2.0 * PI * v).cos()
        };
        let gains: Vec<f64> = (0..40_000)
            .map(|_| {
                let point = [draw(losses[0]), draw(losses[1])];
                hypervolume_2d(&[front.as_slice(), &[point]].concat(), reference).unwrap() - before
            })
            .collect();
        let n = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / n;
        let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / n;
        let exact = Strips::new(&front, reference).improvement(losses);
        assert!((exact - mean).abs() < 5.0 * (variance / n).sqrt(), "{exact} {mean}");
    }
}
