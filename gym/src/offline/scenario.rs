//! How designs may turn out.
//!
//! Source: Emmerich, Giannakoglou & Naujoks (2006), "Single- and multiobjective evolutionary optimization assisted by Gaussian random
//! field metamodels", doi:10.1109/TEVC.2005.859463, for the expected improvement of the hypervolume; Daulton, Balandat & Bakshy (2020),
//! arXiv:2006.05078, for taking it over samples of what a model holds for possible, in which a batch is chosen jointly.
//! Ours: few samples that are no accident: each learner by itself, as it expects all metrics of the goal, and better and worse by its
//! spread. A design that one of them rules out counts for nothing there, so p(feasible) and limits are part of what is expected.

use tapeout_core::{Catalog, Design, ModelFile, Problem, Trial};

use super::{ModelSearch, OfflineError, SecondOpinion};

/// Standard deviations from the mean, and their weights: Gauss and Hermite's quadrature with three points, exact up to polynomials of
/// the fifth degree. Source: Abramowitz & Stegun (1964), table 25.10, for the standard normal distribution.
const NODES: [(f64, f64); 3] =
    [(-1.732_050_807_568_877_2, 1.0 / 6.0), (0.0, 2.0 / 3.0), (1.732_050_807_568_877_2, 1.0 / 6.0)];

/// A way in which designs may turn out.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// How much it counts.
    pub weight: f64,
    /// The designs as they are then.
    pub trials: Vec<Trial>,
}

impl ModelSearch {
    /// How the designs of `trials` may turn out by the model, and by the second opinion if there is one; only those at `looked_at` are asked about,
    /// and the others are in each scenario as they are expected.
    ///
    /// # Errors
    /// [`OfflineError`] if a model cannot be read back.
    pub fn scenarios(
        &self,
        catalog: &Catalog,
        model: &ModelFile,
        problem: &Problem,
        second: Option<&SecondOpinion>,
        (trials, looked_at): (&[Trial], &[usize]),
    ) -> Result<Vec<Scenario>, OfflineError> {
        let designs: Vec<Design> = looked_at.iter().map(|&index| trials[index].design.clone()).collect();
        let deviations = NODES.map(|(deviations, _)| deviations);
        let mut scenarios = Vec::new();
        for model in std::iter::once(model).chain(second.map(|it| &it.model)) {
            let asked = self.asked(catalog, model, problem, &deviations, &designs)?;
            for ((_, weight), asked) in NODES.into_iter().zip(asked) {
                let mut trials = trials.to_vec();
                looked_at.iter().zip(asked).for_each(|(&index, trial)| trials[index] = trial);
                scenarios.push(Scenario { weight, trials });
            }
        }
        Ok(scenarios)
    }
}
