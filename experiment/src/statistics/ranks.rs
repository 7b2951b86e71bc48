//! Who comes first.

/// The rank of each value, the least first, from 1; equal values share the mean of their ranks.
///
/// `values`: shape `[n]`; infinite ones are allowed, and equal to each other.
///
/// ```
/// # use tapeout_experiment::statistics::ranks;
/// assert_eq!(ranks(&[0.3, 0.1, 0.3, 0.2]), [3.5, 1.0, 3.5, 2.0]);
/// ```
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for equals in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // Ranks start + 1 to start + length, whose mean is half their sum.
        let shared = (2 * start + equals.len() + 1) as f64 / 2.0;
        for &index in equals {
            ranks[index] = shared;
        }
        start += equals.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(ranks(&[5.0, 5.0, 5.0]), [2.0; 3]);
        assert_eq!(ranks(&[f64::INFINITY, 1.0, f64::INFINITY]), [2.5, 1.0, 2.5]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    // Law: ranks of n values add up to n (n + 1) / 2, whatever the ties.
    #[test]
    fn ranks_add_up() {
        for values in [vec![], vec![1.0], vec![2.0, 1.0, 2.0, 0.0], vec![1.0, 1.0, 3.0, 3.0, 3.0, 2.0]] {
            let n = values.len() as f64;
            assert_eq!(ranks(&values).iter().sum::<f64>(), n * (n + 1.0) / 2.0);
        }
    }
}
