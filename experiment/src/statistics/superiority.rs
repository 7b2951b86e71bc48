//! The size of an effect: how often a draw from one sample is better than a draw from another.
//!
//! Source: Vargha & Delaney (2000), "A critique and improvement of the CL common language effect size statistics of McGraw and Wong",
//! doi:10.3102/10769986025002101, the measure A.

/// The probability that a cost of `a` is less than one of `b`, a tie counting half; 1/2 if either is empty.
///
/// `a` and `b`: shapes `[n]` and `[m]`; infinite costs tie with each other. O(n m).
///
/// ```
/// # use tapeout_experiment::statistics::superiority;
/// // Of four pairs, 1 < 2, 1 < 3 and 2 < 3 are won, and 2 ties with 2.
/// assert_eq!(superiority(&[1.0, 2.0], &[2.0, 3.0]), 3.5 / 4.0);
/// ```
pub fn superiority(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.5;
    }
    let won = |x: &f64| -> f64 {
        b.iter()
            .map(|y| {
                if x < y {
                    1.0
                } else if x > y {
                    0.0
                } else {
                    0.5
                }
            })
            .sum()
    };
    a.iter().map(won).sum::<f64>() / (a.len() * b.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Laws: two samples share what there is to win, and no order or scale of costs changes it.
    #[test]
    fn what_one_sample_wins_the_other_loses() {
        let (a, b) = ([3.0, f64::INFINITY, 0.5, 7.0], [2.0, 3.0, f64::INFINITY]);
        assert!((superiority(&a, &b) + superiority(&b, &a) - 1.0).abs() < 1e-12);
        assert_eq!(superiority(&a, &a), 0.5);
        let scaled = |costs: &[f64]| costs.iter().rev().map(|cost| cost * 1e-3).collect::<Vec<f64>>();
        assert_eq!(superiority(&scaled(&a), &scaled(&b)), superiority(&a, &b));
        assert_eq!(superiority(&[], &b), 0.5);
    }
}
