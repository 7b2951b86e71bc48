//! Kendall's tau, and what is lost by trusting a predicted order.
//!
//! Sources: Kendall (1945), "The treatment of ties in ranking problems", doi:10.1093/biomet/33.3.239, for tau-b; Knight (1966),
//! doi:10.1080/01621459.1966.10480879, for counting the exchanges of a merge sort, O(n log n).

use super::values::assert_pairs;

/// Kendall's tau-b: 1 if both put all in the same order, -1 if in the opposite, 0 if one says nothing about the other or is
/// the same throughout. Both slices have shape `[n]`.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// # use tapeout_surrogates::errors::kendall_tau;
/// assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[10.0, 30.0, 20.0]), 1.0 / 3.0); // 2 pairs agree, 1 does not
/// ```
pub fn kendall_tau(predicted: &[f64], truth: &[f64]) -> f64 {
    assert_eq!(predicted.len(), truth.len(), "a prediction for each truth");
    let mut order: Vec<usize> = (0..truth.len()).collect();
    order.sort_unstable_by(|&a, &b| {
        predicted[a].total_cmp(&predicted[b]).then(truth[a].total_cmp(&truth[b])).then(a.cmp(&b))
    });
    let mut by_prediction: Vec<f64> = order.iter().map(|&index| truth[index]).collect();
    let pairs = |n: usize| (n as f64) * (n as f64 - 1.0) / 2.0;
    let tied = |groups: &mut dyn Iterator<Item = usize>| groups.map(pairs).sum::<f64>();
    let tied_predicted = tied(&mut order.chunk_by(|&a, &b| predicted[a] == predicted[b]).map(<[usize]>::len));
    let both = |&a: &usize, &b: &usize| predicted[a] == predicted[b] && truth[a] == truth[b];
    let tied_both = tied(&mut order.chunk_by(both).map(<[usize]>::len));
    let n_exchanges = sort_counting(&mut by_prediction) as f64;
    let tied_truth = tied(&mut by_prediction.chunk_by(|a, b| a == b).map(<[f64]>::len));
    let all = pairs(truth.len());
    let untied = (all - tied_predicted) * (all - tied_truth);
    if untied <= 0.0 {
        return 0.0;
    }
    // concordant - discordant = all - tied in either - 2 discordant
    (all - tied_predicted - tied_truth + tied_both - 2.0 * n_exchanges) / untied.sqrt()
}

/// Sorts `values`, and returns how many pairs stood in the wrong order.
fn sort_counting(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let middle = values.len() / 2;
    let mut n_exchanges = sort_counting(&mut values[..middle]) + sort_counting(&mut values[middle..]);
    let mut merged = Vec::with_capacity(values.len());
    let (mut left, mut right) = values.split_at(middle);
    while let (Some((&a, rest_left)), Some((&b, rest_right))) = (left.split_first(), right.split_first()) {
        if b < a {
            n_exchanges += left.len() as u64;
            merged.push(b);
            right = rest_right;
        } else {
            merged.push(a);
            left = rest_left;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    values.copy_from_slice(&merged);
    n_exchanges
}

/// What is lost by evaluating only the `k` designs of least predicted loss: how far the best of them is above the best of all,
/// as a fraction of the latter's size. Both slices have shape `[n]`; less is better.
///
/// # Panics
/// If the lengths differ, `k` is 0, there is nothing to compare, or the best loss is 0.
///
/// ```
/// # use tapeout_surrogates::errors::top_k_regret;
/// let (predicted, truth) = ([1.0, 2.0, 3.0], [6.0, 4.0, 2.0]);
/// assert_eq!(top_k_regret(&predicted, &truth, 2), 1.0); // the best of the first two is 4, twice the best
/// assert_eq!(top_k_regret(&predicted, &truth, 3), 0.0);
/// ```
pub fn top_k_regret(predicted: &[f64], truth: &[f64], k: usize) -> f64 {
    assert_pairs(predicted.len(), truth.len());
    assert!(k > 0, "none of the designs is the best of nothing");
    let mut order: Vec<usize> = (0..truth.len()).collect();
    order.sort_by(|&a, &b| predicted[a].total_cmp(&predicted[b]));
    let best = |indices: &[usize]| indices.iter().map(|&index| truth[index]).fold(f64::INFINITY, f64::min);
    let (of_all, of_top) = (best(&order), best(&order[..k.min(order.len())]));
    assert!(of_all != 0.0, "regret is relative to a best loss that is not 0");
    (of_top - of_all) / of_all.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Predicted 1 1 2 3 against 1 2 2 1: of 6 pairs one is tied in the prediction (0 1), two in truth (0 3) and (1 2), none in both.
    /// (0 2) agrees, (1 3) and (2 3) do not: (1 - 2) / sqrt(5 * 4).
    #[test]
    fn ties_by_hand() {
        let tau = kendall_tau(&[1.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 2.0, 1.0]);
        assert!((tau + 1.0 / 20f64.sqrt()).abs() < 1e-12, "{tau}");
        assert_eq!(kendall_tau(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert_eq!(kendall_tau(&[], &[]), 0.0);
    }

    /// Law: counting pairs one by one gives the same, ties included.
    #[test]
    fn merging_counts_what_pairs_do() {
        use rand::RngExt;
        let mut rng = tapeout_core::Seed::new(0).stream("test");
        for n in [2, 3, 17, 64] {
            let mut draw = || -> Vec<f64> { (0..n).map(|_| f64::from(rng.random_range(0..9u8))).collect() };
            let (a, b) = (draw(), draw());
            let sign = |x: f64, y: f64| if x == y { 0.0 } else { (x - y).signum() };
            let (mut sum, mut in_a, mut in_b) = (0.0, 0.0, 0.0);
            for i in 0..n {
                for j in 0..i {
                    let (of_a, of_b) = (sign(a[i], a[j]), sign(b[i], b[j]));
                    sum += of_a * of_b;
                    in_a += of_a * of_a;
                    in_b += of_b * of_b;
                }
            }
            let expected = if in_a * in_b == 0.0 { 0.0 } else { sum / f64::sqrt(in_a * in_b) };
            assert!((kendall_tau(&a, &b) - expected).abs() < 1e-12, "{a:?} {b:?}");
        }
    }
}
