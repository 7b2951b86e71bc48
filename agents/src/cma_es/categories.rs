//! The distribution of categories.

use rand::RngExt;
use tapeout_core::{Design, DesignSpace, Stream};

use super::gaussian::Strategy;

/// Independent probabilities of the categories of each parameter, none below a margin.
pub(super) struct Categories {
    parameters: Vec<Parameter>,
}

struct Parameter {
    index: usize,
    probabilities: Vec<f64>,
    margin: f64,
}

impl Categories {
    /// Uniform probabilities of all categories.
    pub(super) fn new(space: &DesignSpace) -> Self {
        let all =
            || space.parameters().iter().enumerate().filter(|(_, p)| p.is_categorical() && p.n_levels() > 1);
        let n = all().count().max(1) as f64;
        let parameter = |(index, parameter): (usize, &tapeout_core::Parameter)| {
            let n_levels = f64::from(parameter.n_levels());
            // CatCMA: with all at their margins every parameter draws its best with probability 0.73 together.
            let margin = ((1.0 - 0.73f64.powf(1.0 / n)) / (n_levels - 1.0)).min(1.0 / n_levels);
            Parameter { index, probabilities: vec![1.0 / n_levels; parameter.n_levels() as usize], margin }
        };
        Self { parameters: all().map(parameter).collect() }
    }

    /// Writes a category for each of the parameters into `levels`.
    pub(super) fn draw(&self, levels: &mut [u32], rng: &mut Stream) {
        for Parameter { index, probabilities, .. } in &self.parameters {
            let mut left = rng.random::<f64>();
            let drawn = probabilities.iter().position(|probability| {
                left -= probability;
                left < 0.0
            });
            levels[*index] = drawn.unwrap_or(probabilities.len() - 1) as u32;
        }
    }

    /// Moves towards the weighted designs, best first: the natural gradient of the expected weight, Sum w_i (c_i - q).
    pub(super) fn update(&mut self, strategy: &Strategy, designs: &[&Design]) {
        for parameter in &mut self.parameters {
            let mut target = vec![0.0; parameter.probabilities.len()];
            for (weight, design) in strategy.weights.iter().zip(designs) {
                target[design.levels()[parameter.index] as usize] += weight;
            }
            for (probability, target) in parameter.probabilities.iter_mut().zip(target) {
                *probability += strategy.c_mu * (target - *probability);
            }
            parameter.keep_margin();
        }
    }

    /// The frequencies among `designs`.
    pub(super) fn fit(&mut self, designs: &[&Design]) {
        for parameter in &mut self.parameters {
            parameter.probabilities.fill(0.0);
            for design in designs {
                parameter.probabilities[design.levels()[parameter.index] as usize] +=
                    1.0 / designs.len() as f64;
            }
            parameter.keep_margin();
        }
    }
}

impl Parameter {
    /// Raises what is below the margin, at the cost of what is above it, in proportion.
    fn keep_margin(&mut self) {
        let margin = self.margin;
        // In proportion to what is above the margin, so that nothing that was above it falls below.
        let raised: Vec<f64> = self.probabilities.iter().map(|probability| probability.max(margin)).collect();
        let excess: f64 = raised.iter().sum::<f64>() - 1.0;
        let free: f64 = raised.iter().map(|probability| probability - margin).sum();
        let kept = if free > 0.0 { 1.0 - excess / free } else { 1.0 };
        self.probabilities =
            raised.iter().map(|probability| margin + (probability - margin) * kept).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    /// One parameter of three categories: the margin is 0.27 / 2 = 0.135. Frequencies 0, 0, 1 become 0.135, 0.135,
    /// 0.73.
    #[test]
    fn the_margin_by_hand() {
        let toy = Toy::bowl();
        let mut categories = Categories::new(toy.space());
        let tile = toy.space().repair(&[0, 0, 0, 0, 0, 2]);
        categories.fit(&[&tile]);
        let probabilities = &categories.parameters[0].probabilities;
        for (probability, expected) in probabilities.iter().zip([0.135, 0.135, 0.73]) {
            assert!((probability - expected).abs() < 1e-12, "{probabilities:?}");
        }
    }
}
