//! Wilcoxon's signed-rank test: whether one of two paired samples tends to be smaller.
//!
//! Sources: Wilcoxon (1945), doi:10.2307/3001968; Holm (1979), "A simple sequentially rejective multiple test procedure",
//! Scandinavian Journal of Statistics 6. Departs from the first: the distribution is counted out for any number of pairs
//! and with the ties there are, where the paper tabulates small samples and approximates large ones.

use super::ranks;

/// What the test says of some paired differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Pairs that differ; the others say nothing and are left out.
    pub n: usize,
    /// Sum of the ranks of the positive differences.
    pub w_plus: f64,
    /// How likely a sum at least as far from its mean is, on either side, if either sign is as likely; 1 if no pair differs.
    pub p: f64,
}

/// Tests whether `differences` lean to either side of zero.
///
/// `differences`: shape `[n]`; infinite ones rank highest, NaN counts as no difference. O(n³), exact.
///
/// ```
/// # use tapeout_experiment::statistics::signed_rank;
/// // All of five differences negative: 2 of 32 equally likely signs are as extreme.
/// assert_eq!(signed_rank(&[-1.0, -2.0, -3.0, -4.0, -5.0]).p, 2.0 / 32.0);
/// ```
pub fn signed_rank(differences: &[f64]) -> SignedRank {
    let unequal: Vec<f64> =
        differences.iter().copied().filter(|difference| !difference.is_nan() && *difference != 0.0).collect();
    let sizes: Vec<f64> = unequal.iter().map(|difference| difference.abs()).collect();
    // Shared ranks are halves: twice the ranks are whole.
    let doubled: Vec<usize> = ranks(&sizes).iter().map(|rank| (2.0 * rank) as usize).collect();
    let positive = unequal.iter().zip(&doubled).filter(|(difference, _)| **difference > 0.0);
    let doubled_sum: usize = positive.map(|(_, rank)| rank).sum();
    let law = law_of_sums(&doubled);
    let below: f64 = law[..=doubled_sum].iter().sum();
    let above: f64 = law[doubled_sum..].iter().sum();
    SignedRank { n: unequal.len(), w_plus: doubled_sum as f64 / 2.0, p: (2.0 * below.min(above)).min(1.0) }
}

/// How likely each sum of `weights` is, if each of them is counted with odds of one half. Shape `[sum of weights + 1]`.
fn law_of_sums(weights: &[usize]) -> Vec<f64> {
    let mut law = vec![0.0; weights.iter().sum::<usize>() + 1];
    law[0] = 1.0;
    let mut largest = 0;
    for &weight in weights {
        largest += weight;
        // From the top, so that each weight is counted once.
        for sum in (0..=largest).rev() {
            let with = if sum >= weight { law[sum - weight] } else { 0.0 };
            law[sum] = 0.5 * (law[sum] + with);
        }
    }
    law
}

/// The p-values of several tests, raised so that the chance of any false finding among them stays what a single one says.
///
/// `p`: shape `[n]`, and so is the result, in the same order. Source: Holm (1979), section 2.
///
/// ```
/// # use tapeout_experiment::statistics::holm;
/// assert_eq!(holm(&[0.25, 0.03125, 0.125]), [0.25, 0.09375, 0.25]);
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut raised = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        largest = largest.max((p.len() - place) as f64 * p[index]).min(1.0);
        raised[index] = largest;
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences 1 to n, of which those in `positive` are above zero.
    fn signed(n: usize, positive: &[usize]) -> Vec<f64> {
        (1..=n).map(|rank| if positive.contains(&rank) { rank as f64 } else { -(rank as f64) }).collect()
    }

    /// Largest sums that are significant at 0.05, two-sided, for 6 to 16 pairs. Source: McCornack (1965), Journal of the
    /// American Statistical Association 60, 864-871.
    const CRITICAL: [(usize, usize); 11] =
        [(6, 0), (7, 2), (8, 3), (9, 5), (10, 8), (11, 10), (12, 13), (13, 17), (14, 21), (15, 25), (16, 29)];

    /// Distinct ranks up to `n` that add up to `sum`, the largest first.
    fn with_sum(n: usize, mut sum: usize) -> Vec<usize> {
        let mut taken = Vec::new();
        for rank in (1..=n).rev() {
            if rank <= sum {
                taken.push(rank);
                sum -= rank;
            }
        }
        taken
    }

    #[test]
    fn critical_values_are_those_of_the_table() {
        for (n, critical) in CRITICAL {
            let at = signed_rank(&signed(n, &with_sum(n, critical)));
            let beyond = signed_rank(&signed(n, &with_sum(n, critical + 1)));
            assert_eq!(at.w_plus, critical as f64);
            assert!(at.p <= 0.05 && 0.05 < beyond.p, "{n} pairs: {} and {}", at.p, beyond.p);
        }
    }

    // By hand: subsets of 1..10 with a sum of at most 8 are 1+1+1+2+2+3+4+5+6 = 25 (partitions of 0 to 8 into
    // distinct parts), of 1,024.
    #[test]
    fn ten_pairs_are_counted_by_hand() {
        assert_eq!(signed_rank(&signed(10, &[8])).p, 2.0 * 25.0 / 1024.0);
    }

    // By hand: sizes 1, 1, 2 have ranks 1.5, 1.5, 3; of the 8 sums 0, 1.5, 1.5, 3, 3, 4.5, 4.5, 6 three are at most 1.5.
    #[test]
    fn ties_are_counted_as_they_are() {
        let test = signed_rank(&[1.0, -1.0, -2.0, 0.0]);
        assert_eq!((test.n, test.w_plus, test.p), (3, 1.5, 0.75));
    }

    #[test]
    fn equal_samples_say_nothing() {
        assert_eq!(signed_rank(&[0.0, f64::INFINITY - f64::INFINITY]).p, 1.0);
        assert_eq!(signed_rank(&[]).n, 0);
    }

    // Law: which of the two samples is subtracted from the other does not matter.
    #[test]
    fn both_sides_are_alike() {
        let differences = [0.3, -1.0, 2.0, f64::INFINITY, -0.1, 0.3];
        let turned = differences.map(|difference| -difference);
        assert!((signed_rank(&differences).p - signed_rank(&turned).p).abs() < 1e-15);
    }
}
