//! A network that decides, and one that expects.

use tapeout_core::{DesignSpace, Episode, Stream};
use tapeout_surrogates::models::network::{Activation, Adam, ForwardPass, Mlp};

use super::categorical::Categorical;
use super::steps::{Allowed, Decision};

// Andrychowicz et al. (2021), "What matters for on-policy deep actor-critic methods?", arXiv:2006.05990, section 3.2: the
// policy's last layer with weights 100 times smaller than the others', so that at first all choices are nearly equally likely.
const LAST_LAYER_SCALE: f32 = 0.01;

/// A network with its optimizer.
#[derive(Debug, Clone)]
struct Learner {
    network: Mlp,
    adam: Adam,
    trace: ForwardPass,
    gradient: Vec<f32>,
}

impl Learner {
    fn new(network: Mlp, learning_rate: f32) -> Self {
        let n_weights = network.n_weights();
        let (adam, gradient) = (Adam::new(n_weights, learning_rate), vec![0.0; n_weights]);
        Self { network, adam, trace: ForwardPass::default(), gradient }
    }

    /// One step down a loss, given by its gradient as a function of the outputs.
    fn descend(&mut self, observations: &[f32], by_outputs: impl FnOnce(&[f32]) -> Vec<f32>) {
        let outputs = self.network.forward(observations, &mut self.trace);
        self.gradient.fill(0.0);
        self.network.backward(&self.trace, &by_outputs(&outputs), &mut self.gradient);
        self.adam.step(self.network.weights_mut(), &self.gradient);
    }
}

/// The widths of a network over a space's observations.
fn widths(space: &DesignSpace, hidden: &[usize], n_outputs: usize) -> Vec<usize> {
    [&[Episode::observation_len(space)], hidden, &[n_outputs]].concat()
}

/// Where the logits of each parameter's levels stand among a network's outputs.
#[derive(Debug, Clone)]
struct Layout {
    /// None for parameters that others decide.
    start_by_parameter: Vec<Option<usize>>,
    n_outputs: usize,
}

impl Layout {
    /// The levels of the parameters at `decides`, one after the other.
    fn new(space: &DesignSpace, decides: &[usize]) -> Self {
        let mut layout = Self { start_by_parameter: vec![None; space.n_parameters()], n_outputs: 0 };
        for &parameter in decides {
            layout.start_by_parameter[parameter] = Some(layout.n_outputs);
            layout.n_outputs += space.parameters()[parameter].n_levels() as usize;
        }
        layout
    }

    /// The place of each of the allowed levels of `parameter`.
    fn places<'a>(&self, parameter: usize, allowed: &'a Allowed) -> impl Iterator<Item = usize> + use<'a> {
        let start = self.start_by_parameter[parameter].expect("an actor is asked for what it decides");
        allowed.levels.iter().map(move |&level| start + level as usize)
    }

    /// The distribution over the allowed levels of `parameter`; `outputs` of shape `[outputs]`.
    fn distribution(&self, outputs: &[f32], parameter: usize, allowed: &Allowed) -> Categorical {
        let places = self.places(parameter, allowed).zip(&allowed.log_shares);
        Categorical::new(places.map(|(place, log_share)| outputs[place] + log_share))
    }

    /// The distribution each decision is made from; `outputs` of shape `[n][outputs]`.
    fn distributions(&self, outputs: &[f32], decisions: &[&Decision]) -> Vec<Categorical> {
        let rows = outputs.chunks_exact(self.n_outputs).zip(decisions);
        rows.map(|(row, decision)| self.distribution(row, decision.parameter, &decision.allowed)).collect()
    }
}

/// A policy for some parameters: from what can be seen to a distribution over the levels of the parameter at hand.
#[derive(Debug, Clone)]
pub struct Actor {
    learner: Learner,
    layout: Layout,
}

impl Actor {
    /// A policy for the parameters at `decides`, with these hidden layers.
    pub fn new(
        space: &DesignSpace,
        decides: &[usize],
        hidden: &[usize],
        learning_rate: f32,
        rng: &mut Stream,
    ) -> Self {
        let layout = Layout::new(space, decides);
        let network = Mlp::new(&widths(space, hidden, layout.n_outputs), Activation::Tanh, rng);
        let learner = Learner::new(network.with_last_layer_scaled(LAST_LAYER_SCALE), learning_rate);
        Self { learner, layout }
    }

    /// The distribution over the allowed levels of `parameter` in a state with this observation.
    pub fn distribution(&self, observation: &[f32], parameter: usize, allowed: &Allowed) -> Categorical {
        self.layout.distribution(&self.learner.network.predict(observation), parameter, allowed)
    }

    /// The distribution each of the decisions is made from; `observations` of shape `[n][inputs]`.
    pub fn distributions(&self, observations: &[f32], decisions: &[&Decision]) -> Vec<Categorical> {
        self.layout.distributions(&self.learner.network.predict(observations), decisions)
    }

    /// One step of the optimizer down the mean over the decisions of a loss, given by its gradient: `by_logits` takes the
    /// index of a decision and its distribution, and returns the gradient by its logits, shape `[allowed]`.
    pub fn learn(
        &mut self,
        observations: &[f32],
        decisions: &[&Decision],
        by_logits: impl Fn(usize, &Categorical) -> Vec<f32>,
    ) {
        let layout = &self.layout;
        self.learner.descend(observations, |outputs| {
            let mut by_outputs = vec![0.0; outputs.len()];
            let rows = by_outputs.chunks_exact_mut(layout.n_outputs).zip(decisions);
            let distributions = layout.distributions(outputs, decisions);
            for (index, ((row, decision), distribution)) in rows.zip(&distributions).enumerate() {
                let places = layout.places(decision.parameter, &decision.allowed);
                for (place, slope) in places.zip(by_logits(index, distribution)) {
                    row[place] = slope / decisions.len() as f32;
                }
            }
            by_outputs
        });
    }
}

/// Expects a reward of what can be seen.
#[derive(Debug, Clone)]
pub struct Critic(Learner);

impl Critic {
    /// A critic with these hidden layers.
    pub fn new(space: &DesignSpace, hidden: &[usize], learning_rate: f32, rng: &mut Stream) -> Self {
        let network = Mlp::new(&widths(space, hidden, 1), Activation::Tanh, rng);
        Self(Learner::new(network, learning_rate))
    }

    /// The value expected in each state, shape `[n]`; `observations` of shape `[n][inputs]`.
    pub fn values(&self, observations: &[f32]) -> Vec<f32> {
        self.0.network.predict(observations)
    }

    /// One step of the optimizer down the mean of (value - target)^2 / 2.
    pub fn learn(&mut self, observations: &[f32], targets: &[f32]) {
        let n = targets.len() as f32;
        self.0.descend(observations, |values| {
            values.iter().zip(targets).map(|(value, target)| (value - target) / n).collect()
        });
    }
}
