//! The loss, term by term, in the paper's symbols: f is the predicted cost, D the data, x a design and y its cost.
//!
//! ```text
//! L(theta) = E_{(x,y) ~ D_feasible} (f(x) - y)^2 - alpha E_{x- ~ Opt(f)} f(x-) - beta E_{x' ~ D_infeasible} f(x')
//! ```
//!
//! Source: Kumar et al. (2022), arXiv:2110.11346, eq. 3 (the terms) and section 4.2 (infeasible designs).

use crate::models::network::losses::{cross_entropy, squared_error};

/// The value of a term, and its gradient by each prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The mean over the predictions.
    pub value: f32,
    /// Shape `[n]`.
    pub gradient: Vec<f32>,
}

impl Term {
    /// The mean of `n` values, each with its derivative.
    fn mean(of: impl Iterator<Item = (f32, f32)>, n: usize) -> Self {
        let share = 1.0 / n.max(1) as f32;
        let (values, slopes): (Vec<f32>, Vec<f32>) = of.unzip();
        Self {
            value: share * values.iter().sum::<f32>(),
            gradient: slopes.iter().map(|slope| share * slope).collect(),
        }
    }
}

/// E_{(x,y) ~ D_feasible} (f(x) - y)^2.
///
/// `f`, `y`: shape `[n]`.
pub fn regression(f: &[f32], y: &[f32]) -> Term {
    let (value, gradient) = squared_error(f, y);
    Term { value: value as f32, gradient }
}

/// -alpha E_{x- ~ Opt(f)} f(x-): pushes the cost of what the optimizer likes now up, if there is a `ceiling` no further than to
/// that: alpha E max(0, ceiling - f(x-)).
///
/// `f`: costs of the negatives x-, shape `[n]`.
pub fn conservatism(f: &[f32], alpha: f32, ceiling: Option<f32>) -> Term {
    Term::mean(f.iter().map(|&f| pushed_up(f, alpha, ceiling)), f.len())
}

/// -beta E_{x' ~ D_infeasible} f(x'): pushes the cost of designs known to be infeasible up, if there is a `ceiling` no further
/// than to that.
///
/// `f`: costs of infeasible designs x', shape `[n]`.
pub fn infeasibility(f: &[f32], beta: f32, ceiling: Option<f32>) -> Term {
    Term::mean(f.iter().map(|&f| pushed_up(f, beta, ceiling)), f.len())
}

/// The cross-entropy of a feasibility head over `n_feasible` designs that are feasible and, after them, others that are not.
///
/// `logits`: ln(p / (1 - p)) of being feasible, shape `[n]`.
pub fn feasibility(logits: &[f32], n_feasible: usize) -> Term {
    let labels: Vec<f32> = (0..logits.len()).map(|row| f32::from(u8::from(row < n_feasible))).collect();
    let (value, gradient) = cross_entropy(logits, &labels);
    Term { value: value as f32, gradient }
}

/// The value and slope of -weight f, or of weight max(0, ceiling - f).
fn pushed_up(f: f32, weight: f32, ceiling: Option<f32>) -> (f32, f32) {
    match ceiling {
        None => (-weight * f, -weight),
        Some(ceiling) if f < ceiling => (weight * (ceiling - f), -weight),
        Some(_) => (0.0, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors 1 and -2: (1 + 4) / 2 = 2.5; slopes 2 * 1 / 2 and 2 * -2 / 2.
    #[test]
    fn regression_by_hand() {
        assert_eq!(regression(&[3.0, 1.0], &[2.0, 3.0]), Term { value: 2.5, gradient: vec![1.0, -2.0] });
    }

    /// -0.5 * (1 + 3) / 2 = -1; with a ceiling of 2, 0.5 * ((2 - 1) + 0) / 2 = 0.25, and what is above it is left alone.
    #[test]
    fn what_is_liked_too_much_is_pushed_up_as_far_as_the_ceiling() {
        let free = Term { value: -1.0, gradient: vec![-0.25, -0.25] };
        let hinged = Term { value: 0.25, gradient: vec![-0.25, 0.0] };
        assert_eq!(conservatism(&[1.0, 3.0], 0.5, None), free);
        assert_eq!(conservatism(&[1.0, 3.0], 0.5, Some(2.0)), hinged);
        assert_eq!(infeasibility(&[1.0, 3.0], 0.5, Some(2.0)), hinged);
    }

    /// Central differences with h = 1e-2 of smooth or piecewise linear terms, away from the kink, in single precision: rounding
    /// leaves about 1e-7 / 1e-2.
    #[test]
    fn gradients_agree_with_finite_differences() {
        const H: f32 = 1e-2;
        let f = [0.3, -0.8, 1.7];
        let terms: [fn(&[f32]) -> Term; 4] = [
            |f| regression(f, &[1.0, 0.0, 2.0]),
            |f| conservatism(f, 0.7, Some(1.0)),
            |f| infeasibility(f, 0.3, None),
            |f| feasibility(f, 2),
        ];
        for (number, term) in terms.iter().enumerate() {
            for index in 0..f.len() {
                let at = |step: f32| {
                    let mut moved = f;
                    moved[index] += step;
                    term(&moved).value
                };
                let slope = (at(H) - at(-H)) / (2.0 * H);
                let gradient = term(&f).gradient[index];
                assert!((slope - gradient).abs() < 1e-3, "term {number}: {slope} {gradient}");
            }
        }
    }
}
