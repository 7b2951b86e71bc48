//! L-BFGS with a backtracking line search.
//!
//! Source: Nocedal & Wright (2006), "Numerical Optimization", algorithms 7.4 (two-loop recursion), 7.5 and 3.1.
//! Departs from it: the line search looks for sufficient decrease only, and a pair along which the
//! function is not convex is left out.

use std::collections::VecDeque;

use super::factor::{add_scaled, dot};

// Nocedal & Wright (2006), section 7.2: m "between 3 and 20".
const MEMORY: usize = 8;
// Nocedal & Wright (2006), section 3.1: c1 "quite small, say 1e-4".
const SUFFICIENT_DECREASE: f64 = 1e-4;
/// A step this often halved is below any useful precision.
const MAX_HALVINGS: usize = 20;

/// A function's value and gradient, shape `[p]`; none where it cannot be computed.
pub type Evaluation = Option<(f64, Vec<f64>)>;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub struct DescentLimits {
    /// At most so many steps.
    pub steps: usize,
    /// No entry of a step is larger.
    pub step_length: f64,
    /// Enough once a step gains less.
    pub gain: f64,
}

/// Minimises `function` from `start`, shape `[p]`; returns the best point met, `start` if that cannot be evaluated.
pub fn minimize(
    start: Vec<f64>,
    limits: DescentLimits,
    mut function: impl FnMut(&[f64]) -> Evaluation,
) -> Vec<f64> {
    let Some((mut value, mut gradient)) = function(&start) else { return start };
    let mut x = start;
    let mut memory: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    for _ in 0..limits.steps {
        let mut direction = descent_direction(&gradient, &memory);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            memory.clear();
            direction = gradient.iter().map(|entry| -entry).collect();
            slope = -dot(&gradient, &gradient);
        }
        let longest = direction.iter().fold(0.0, |longest: f64, entry| longest.max(entry.abs()));
        let mut step = if longest > limits.step_length { limits.step_length / longest } else { 1.0 };
        let mut found = None;
        for _ in 0..MAX_HALVINGS {
            let mut candidate = x.clone();
            add_scaled(&mut candidate, step, &direction);
            if let Some((next, next_gradient)) = function(&candidate)
                && next <= value + SUFFICIENT_DECREASE * step * slope
            {
                found = Some((candidate, next, next_gradient));
                break;
            }
            step *= 0.5;
        }
        let Some((next_x, next_value, next_gradient)) = found else { break };
        let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
        let pair = Pair { s: difference(&next_x, &x), y: difference(&next_gradient, &gradient) };
        if dot(&pair.s, &pair.y) > f64::EPSILON * dot(&pair.y, &pair.y) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back(pair);
        }
        let gain = value - next_value;
        (x, value, gradient) = (next_x, next_value, next_gradient);
        if gain < limits.gain {
            break;
        }
    }
    x
}

/// A step and the change of the gradient along it.
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
}

/// -H g by the two-loop recursion, algorithm 7.4, with the initial scaling of eq. 7.20.
fn descent_direction(gradient: &[f64], memory: &VecDeque<Pair>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|entry| -entry).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let alpha = dot(&pair.s, &q) / dot(&pair.s, &pair.y);
        add_scaled(&mut q, -alpha, &pair.y);
        alphas.push(alpha);
    }
    if let Some(last) = memory.back() {
        let gamma = dot(&last.s, &last.y) / dot(&last.y, &last.y);
        q.iter_mut().for_each(|entry| *entry *= gamma);
    }
    for (pair, alpha) in memory.iter().zip(alphas.into_iter().rev()) {
        let beta = dot(&pair.y, &q) / dot(&pair.s, &pair.y);
        add_scaled(&mut q, alpha - beta, &pair.s);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's function, whose least value is 0 at (1, 1). Source: Rosenbrock (1960), doi:10.1093/comjnl/3.3.175.
    #[test]
    fn the_bottom_of_rosenbrocks_valley_is_found() {
        let rosenbrock = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            Some((a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b]))
        };
        let limits = DescentLimits { steps: 100, step_length: 1.0, gain: 1e-14 };
        let found = minimize(vec![-1.2, 1.0], limits, rosenbrock);
        assert!(found.iter().all(|entry| (entry - 1.0).abs() < 1e-4), "{found:?}");
    }

    /// -ln x - ln(1 - x) is least at 1/2 and cannot be evaluated outside (0, 1): steps that leave are shortened.
    #[test]
    fn steps_out_of_the_domain_are_shortened() {
        let barrier = |x: &[f64]| {
            let x = x[0];
            (x > 0.0 && x < 1.0).then(|| (-x.ln() - (1.0 - x).ln(), vec![-1.0 / x + 1.0 / (1.0 - x)]))
        };
        let limits = DescentLimits { steps: 50, step_length: 10.0, gain: 1e-14 };
        let found = minimize(vec![0.01], limits, barrier);
        assert!((found[0] - 0.5).abs() < 1e-5, "{found:?}");
    }
}
