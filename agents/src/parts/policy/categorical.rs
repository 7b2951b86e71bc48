//! A distribution over the levels allowed, and its gradients.
//!
//! Levels that are not allowed are left out of the softmax, so they have probability 0 and get no gradient; every level that
//! is allowed has a positive probability.

use rand::RngExt;
use tapeout_core::Stream;

/// A softmax over a few choices.
#[derive(Debug, Clone, PartialEq)]
pub struct Categorical {
    /// ln of each choice's probability, shape `[choices]`.
    log_p: Vec<f32>,
}

impl Categorical {
    /// The distribution with these unnormalised log-probabilities, shape `[choices]`.
    pub fn new(logits: impl Iterator<Item = f32>) -> Self {
        let mut log_p: Vec<f32> = logits.collect();
        let largest = log_p.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let log_sum = log_p.iter().map(|logit| (logit - largest).exp()).sum::<f32>().ln();
        log_p.iter_mut().for_each(|logit| *logit -= largest + log_sum);
        Self { log_p }
    }

    /// ln of the probability of `choice`.
    pub fn log_p(&self, choice: usize) -> f32 {
        self.log_p[choice]
    }

    /// A choice drawn at random.
    pub fn sample(&self, rng: &mut Stream) -> usize {
        let mut left: f32 = rng.random();
        for (choice, log_p) in self.log_p.iter().enumerate() {
            left -= log_p.exp();
            if left < 0.0 {
                return choice;
            }
        }
        self.log_p.len() - 1 // what rounding leaves
    }

    /// H = -sum p ln p.
    pub fn entropy(&self) -> f32 {
        -self.log_p.iter().map(|log_p| log_p.exp() * log_p).sum::<f32>()
    }

    /// The gradient by the logits of ln p of `choice`: 1 - p at the choice, -p elsewhere. Shape `[choices]`.
    pub fn log_p_gradient(&self, choice: usize) -> impl Iterator<Item = f32> {
        let is_chosen = move |index| f32::from(u8::from(index == choice));
        self.log_p.iter().enumerate().map(move |(index, log_p)| is_chosen(index) - log_p.exp())
    }

    /// The gradient by the logits of the entropy: -p (ln p + H). Shape `[choices]`.
    pub fn entropy_gradient(&self) -> impl Iterator<Item = f32> {
        let entropy = self.entropy();
        self.log_p.iter().map(move |log_p| -log_p.exp() * (log_p + entropy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;

    fn of(logits: &[f32]) -> Categorical {
        Categorical::new(logits.iter().copied())
    }

    /// Logits ln 1 and ln 3: probabilities 1/4 and 3/4, entropy 0.25 ln 4 + 0.75 ln(4/3) = 0.562335.
    #[test]
    fn two_choices_by_hand() {
        let distribution = of(&[0.0, 3f32.ln()]);
        assert!((distribution.log_p(0) - 0.25f32.ln()).abs() < 1e-6);
        assert!((distribution.entropy() - 0.562_335).abs() < 1e-6);
        let mut rng = Seed::new(0).stream("test");
        let n_first = (0..4000).filter(|_| distribution.sample(&mut rng) == 0).count();
        // Binomial(4000, 1/4): mean 1000, standard deviation 27; 5 of them is 137.
        assert!(n_first.abs_diff(1000) < 137, "{n_first}");
    }

    /// Central differences with h = 1e-2: h^2 leaves about 1e-4, rounding 1e-5.
    #[test]
    fn gradients_agree_with_finite_differences() {
        let logits = [0.3, -1.2, 0.9, 0.1];
        let slope = |index: usize, of_distribution: &dyn Fn(&Categorical) -> f32| {
            let at = |step: f32| {
                let mut moved = logits;
                moved[index] += step;
                of_distribution(&of(&moved))
            };
            (at(1e-2) - at(-1e-2)) / 2e-2
        };
        let log_p: Vec<f32> = of(&logits).log_p_gradient(2).collect();
        let entropy: Vec<f32> = of(&logits).entropy_gradient().collect();
        for index in 0..logits.len() {
            assert!((log_p[index] - slope(index, &|d| d.log_p(2))).abs() < 5e-4, "{index}");
            assert!((entropy[index] - slope(index, &Categorical::entropy)).abs() < 5e-4, "{index}");
        }
    }
}
