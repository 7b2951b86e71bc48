//! The test of Nemenyi: how far average ranks must lie apart to differ by more than chance.
//!
//! Source: Demšar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, section 3.2.2. Its q are found here
//! from the distribution of the range of normal numbers, for any number of agents.

/// Of ranks that come of chance alone one picture in so many shows a difference. Source: Demšar (2006), section 3.2.2, table 5.
const ALPHA: f64 = 0.05;

/// How far two of `k` average ranks over `n` blocks lie apart at least that differ by more than chance; 0 without two agents.
/// Source: Demšar (2006), section 3.2.2, q_α √(k (k + 1) / 6 N).
pub fn critical_difference(k: usize, n: usize) -> f64 {
    if k < 2 || n == 0 {
        return 0.0;
    }
    let (agents, blocks) = (k as f64, n as f64);
    range_quantile(k) / std::f64::consts::SQRT_2 * (agents * (agents + 1.0) / (6.0 * blocks)).sqrt()
}

/// What the range of `k` normal numbers exceeds with probability [`ALPHA`], by bisection.
fn range_quantile(k: usize) -> f64 {
    // Ours: no range of fewer than 10^9 normal numbers exceeds 16 as often; 60 halvings are a double's worth.
    let (mut low, mut high) = (0.0, 16.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if range_probability(middle, k) < 1.0 - ALPHA { low = middle } else { high = middle }
    }
    low
}

/// The probability that `k` normal numbers lie within `q` of each other: k ∫ φ(x) (Φ(x) − Φ(x − q))^(k − 1) dx, by the trapezoidal rule.
fn range_probability(q: f64, k: usize) -> f64 {
    /// Ours: beyond 9 standard deviations lies less than 10^-18; steps of 0.01 are exact to the last digits for so smooth a function.
    const STEP: f64 = 0.01;
    let below = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let at = |step: i32| {
        let x = f64::from(step) * STEP;
        density(x) * (below(x) - below(x - q)).powi(k as i32 - 1)
    };
    k as f64 * STEP * (-900..=900).map(at).sum::<f64>()
}

/// The longest stretches of two or more `ranks`, rising, whose ends lie no more than `difference` apart.
pub fn cliques(ranks: &[f64], difference: f64) -> Vec<[usize; 2]> {
    let mut cliques: Vec<[usize; 2]> = Vec::new();
    for first in 0..ranks.len() {
        let end = ranks.partition_point(|&rank| rank - ranks[first] <= difference);
        let is_within_another = cliques.last().is_some_and(|[_, last]| end - 1 <= *last);
        if end - first > 1 && !is_within_another {
            cliques.push([first, end - 1]);
        }
    }
    cliques
}

#[cfg(test)]
mod tests {
    use super::*;

    // Source: Demšar (2006), table 5(a), q for α = 0.05 of the Nemenyi test, whose last digit is cut off, not rounded: one of it is allowed.
    #[test]
    fn quantiles_are_those_of_the_table() {
        let table = [
            (2, 1.960),
            (3, 2.343),
            (4, 2.569),
            (5, 2.728),
            (6, 2.850),
            (7, 2.949),
            (8, 3.031),
            (9, 3.102),
            (10, 3.164),
        ];
        for (k, q) in table {
            assert!((range_quantile(k) / std::f64::consts::SQRT_2 - q).abs() < 1e-3, "{k}");
        }
    }

    // Source: Demšar (2006), section 3.2.3: four classifiers on 14 data sets, "2.569 √(4 · 5 / (6 · 14)) = 1.25".
    #[test]
    fn the_difference_is_that_of_the_worked_example() {
        assert!((critical_difference(4, 14) - 1.25).abs() < 5e-3);
        assert_eq!([critical_difference(1, 14), critical_difference(4, 0)], [0.0, 0.0]);
    }

    // By hand: with 1 apart at most, 1.0 to 1.9 and 1.9 to 2.5 hang together; 4 stands alone, and 1.5 to 2.5 is a stretch of its own.
    #[test]
    fn cliques_are_the_longest_stretches() {
        assert_eq!(cliques(&[1.0, 1.5, 1.9, 2.5, 4.0], 1.0), [[0, 2], [1, 3]]);
        assert_eq!(cliques(&[1.0, 3.0], 1.0), Vec::<[usize; 2]>::new());
        assert_eq!(cliques(&[], 1.0), Vec::<[usize; 2]>::new());
    }
}
