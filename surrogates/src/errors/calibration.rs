//! Whether probabilities are what they say.
//!
//! Sources: Brier (1950), "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78; Guo, Pleiss,
//! Sun & Weinberger (2017), "On calibration of modern neural networks", arXiv:1706.04599, eq. 2 and 3, for reliability by bins.

use super::values::assert_pairs;

/// The mean squared distance of the probabilities from what came of them, 1 or 0; 0 is perfect, 1/4 what 50 % throughout is
/// worth. Both slices have shape `[n]`.
///
/// # Panics
/// If the lengths differ, or there is nothing to compare.
///
/// ```
/// # use tapeout_surrogates::errors::brier_score;
/// assert_eq!(brier_score(&[1.0, 0.5], &[true, false]), 0.125);
/// ```
pub fn brier_score(p_feasible: &[f64], is_feasible: &[bool]) -> f64 {
    assert_pairs(p_feasible.len(), is_feasible.len());
    let squares = p_feasible.iter().zip(is_feasible).map(|(p, &is)| (p - f64::from(u8::from(is))).powi(2));
    squares.sum::<f64>() / is_feasible.len() as f64
}

/// The designs whose predicted probability lies in one interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// The interval's ends; the upper one belongs to it only if it is 1.
    pub from: f64,
    /// See `from`.
    pub to: f64,
    /// How many predictions are in the bin.
    pub n: usize,
    /// The mean of their predicted probabilities; 0 if there are none.
    pub mean_p: f64,
    /// The share of them that are feasible; 0 if there are none.
    pub share: f64,
}

/// What became of designs by predicted probability, in `n_bins` intervals of the same width. Both slices have shape `[n]`.
///
/// # Panics
/// If the lengths differ, there is nothing to compare, or there are no bins.
pub fn reliability(p_feasible: &[f64], is_feasible: &[bool], n_bins: usize) -> Vec<ReliabilityBin> {
    assert_pairs(p_feasible.len(), is_feasible.len());
    assert!(n_bins > 0, "probabilities are told apart by at least one bin");
    let edge = |index: usize| index as f64 / n_bins as f64;
    let empty =
        |index| ReliabilityBin { from: edge(index), to: edge(index + 1), n: 0, mean_p: 0.0, share: 0.0 };
    let mut bins: Vec<ReliabilityBin> = (0..n_bins).map(empty).collect();
    for (&p, &is) in p_feasible.iter().zip(is_feasible) {
        let bin = &mut bins[((p * n_bins as f64) as usize).min(n_bins - 1)];
        bin.n += 1;
        bin.mean_p += p;
        bin.share += f64::from(u8::from(is));
    }
    for bin in &mut bins {
        let n = bin.n.max(1) as f64;
        bin.mean_p /= n;
        bin.share /= n;
    }
    bins
}

/// How far the bins' probabilities are from their shares, weighted by how many designs are in each; Guo et al. (2017), eq. 3.
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let n: usize = bins.iter().map(|bin| bin.n).sum();
    let gaps = bins.iter().map(|bin| bin.n as f64 * (bin.mean_p - bin.share).abs());
    gaps.sum::<f64>() / n.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bins. 0.2 and 0.4, none feasible: mean 0.3, share 0. 0.5 and 1, one of them feasible: mean 0.75, share 0.5. The error is
    /// (2 * 0.3 + 2 * 0.25) / 4 = 0.275.
    #[test]
    fn bins_by_hand() {
        let bins = reliability(&[0.2, 0.4, 0.5, 1.0], &[false, false, true, false], 2);
        assert_eq!((bins[0].n, bins[0].share, bins[1].share), (2, 0.0, 0.5));
        assert!((bins[0].mean_p - 0.3).abs() < 1e-12 && (bins[1].mean_p - 0.75).abs() < 1e-12);
        assert_eq!((bins[0].to, bins[1].from), (0.5, 0.5));
        assert!((expected_calibration_error(&bins) - 0.275).abs() < 1e-12);
        assert_eq!(expected_calibration_error(&[]), 0.0);
    }
}
