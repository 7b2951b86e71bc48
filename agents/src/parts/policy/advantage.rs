//! How much better a decision turned out than was expected of it.

/// How far into the future a reward is felt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// gamma: what a reward is worth one step earlier.
    pub discount: f32,
    /// lambda: between trust in the values (0) and in the reward (1).
    pub gae_lambda: f32,
}

impl Horizon {
    /// The advantage of each step of an episode that ends with `reward`, in which `values` were expected. Shape `[steps]`.
    ///
    /// Source: Schulman, Moritz, Levine, Jordan & Abbeel (2016), "High-dimensional continuous control using generalized
    /// advantage estimation", arXiv:1506.02438, eq. 16, with no reward before the end and no value after it.
    pub fn advantages(&self, values: &[f32], reward: f32) -> Vec<f32> {
        let mut advantages = vec![0.0; values.len()];
        let (mut next_value, mut next_advantage, mut reward) = (0.0, 0.0, reward);
        for (advantage, &value) in advantages.iter_mut().zip(values).rev() {
            let delta = reward + self.discount * next_value - value;
            *advantage = delta + self.discount * self.gae_lambda * next_advantage;
            (next_value, next_advantage, reward) = (value, *advantage, 0.0);
        }
        advantages
    }
}

/// Shifts and scales to mean 0 and variance 1; to 0 if all are alike.
pub fn standardise(advantages: &mut [f32]) {
    let n = advantages.len() as f32;
    let mean = advantages.iter().sum::<f32>() / n;
    let variance = advantages.iter().map(|advantage| (advantage - mean).powi(2)).sum::<f32>() / n;
    let scale = if variance > f32::EPSILON { 1.0 / variance.sqrt() } else { 0.0 };
    advantages.iter_mut().for_each(|advantage| *advantage = scale * (*advantage - mean));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// gamma = 0.5, lambda = 0.5, values 1, 2, 4, reward 8. Backwards: 8 - 4 = 4; 0.5 * 4 - 2 = 0, plus 0.25 * 4 = 1;
    /// 0.5 * 2 - 1 = 0, plus 0.25 * 1 = 0.25.
    #[test]
    fn generalised_advantages_by_hand() {
        let horizon = Horizon { discount: 0.5, gae_lambda: 0.5 };
        assert_eq!(horizon.advantages(&[1.0, 2.0, 4.0], 8.0), [0.25, 1.0, 4.0]);
    }

    /// Law: at lambda = 1 advantage and value add up to the discounted reward, whatever the values.
    #[test]
    fn with_lambda_one_the_values_cancel() {
        let horizon = Horizon { discount: 0.9, gae_lambda: 1.0 };
        let values = [0.3, -2.0, 5.0];
        for (step, advantage) in horizon.advantages(&values, 7.0).iter().enumerate() {
            let discounted = 7.0 * 0.9f32.powi(2 - step as i32);
            assert!((advantage + values[step] - discounted).abs() < 1e-5);
        }
    }

    #[test]
    fn standardised_advantages_keep_their_order() {
        let mut advantages = [1.0, 3.0];
        standardise(&mut advantages);
        assert_eq!(advantages, [-1.0, 1.0]);
        let mut alike = [2.0, 2.0];
        standardise(&mut alike);
        assert_eq!(alike, [0.0, 0.0]);
    }
}
