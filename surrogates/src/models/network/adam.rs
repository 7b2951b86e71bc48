//! Adam: gradient descent with a step for each weight that adapts to its gradients.
//!
//! Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", arXiv:1412.6980, algorithm 1.
//! Departs from it: moments too small for a normal number become zero. They decay towards zero for as long as a weight
//! gets no gradient, and arithmetic on subnormal numbers is many times slower.

// Kingma & Ba (2015), algorithm 1: "good default settings".
const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The optimizer's state for one vector of weights.
#[derive(Debug, Clone)]
pub struct Adam {
    /// alpha.
    learning_rate: f32,
    /// First and second moment estimates, shape `[n weights]`.
    m: Vec<f32>,
    v: Vec<f32>,
    /// beta1^t and beta2^t.
    beta1_power: f64,
    beta2_power: f64,
}

impl Adam {
    /// An optimizer of `n_weights` weights that takes steps of about `learning_rate`; 0.001 in the paper.
    pub fn new(n_weights: usize, learning_rate: f32) -> Self {
        Self {
            learning_rate,
            m: vec![0.0; n_weights],
            v: vec![0.0; n_weights],
            beta1_power: 1.0,
            beta2_power: 1.0,
        }
    }

    /// Sets how long steps are from now on: for a schedule.
    pub fn set_learning_rate(&mut self, learning_rate: f32) {
        self.learning_rate = learning_rate;
    }

    /// Moves `weights` down the `gradient`; both of shape `[n weights]`.
    ///
    /// # Panics
    /// If a shape differs.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32]) {
        assert_eq!(weights.len(), self.m.len(), "an optimizer is made for a number of weights");
        assert_eq!(gradient.len(), self.m.len(), "there is a gradient for each weight");
        self.beta1_power *= f64::from(BETA1);
        self.beta2_power *= f64::from(BETA2);
        let step = (f64::from(self.learning_rate) / (1.0 - self.beta1_power)) as f32;
        let correction = (1.0 - self.beta2_power).sqrt() as f32;
        let moments = self.m.iter_mut().zip(&mut self.v);
        for ((weight, &g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
            *m = normal(BETA1 * *m + (1.0 - BETA1) * g);
            *v = normal(BETA2 * *v + (1.0 - BETA2) * g * g);
            // alpha m_hat / (sqrt(v_hat) + epsilon)
            *weight -= step * *m / (v.sqrt() / correction + EPSILON);
        }
    }
}

/// The number itself, or zero if it is subnormal.
fn normal(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gradients 2 and then -1 at alpha = 0.1. After the first, m_hat = 2 and v_hat = 4: the step is 0.1 whatever the gradient.
    /// After the second, m = 0.9 * 0.2 - 0.1 = 0.08, m_hat = 0.08 / 0.19 = 0.421053; v = 0.999 * 0.004 + 0.001 = 0.004996,
    /// v_hat = 0.004996 / 0.001999 = 2.499250; the step is 0.1 * 0.421053 / 1.580902 = 0.026634.
    #[test]
    fn two_steps_by_hand() {
        let mut adam = Adam::new(1, 0.1);
        let mut weights = [1.0];
        adam.step(&mut weights, &[2.0]);
        assert!((weights[0] - 0.9).abs() < 1e-6, "{weights:?}");
        adam.step(&mut weights, &[-1.0]);
        assert!((weights[0] - (0.9 - 0.026_634)).abs() < 1e-6, "{weights:?}");
    }

    /// v is 1e-37 after the first step and would be 1e-37 * 0.999^3000 = 5e-39 at the end, which is subnormal.
    #[test]
    fn moments_that_fade_become_zero() {
        let mut adam = Adam::new(1, 0.1);
        let mut weights = [1.0];
        adam.step(&mut weights, &[1e-17]);
        (0..3000).for_each(|_| adam.step(&mut weights, &[0.0]));
        assert_eq!((adam.m[0], adam.v[0]), (0.0, 0.0));
        assert!(weights[0].is_finite());
    }
}
