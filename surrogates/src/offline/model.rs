//! A fitted network as a surrogate.

use serde::{Deserialize, Serialize};
use tapeout_core::{Design, DesignSpace, LoadError, Prediction, Saved, Surrogate};

use super::Examples;
use crate::features::{FeatureScale, Features};
use crate::models::network::Mlp;
use crate::models::network::losses::logistic;
use crate::targets::TargetScales;

/// A network with an output for each metric, and one more if it judges feasibility.
pub(crate) struct NetworkModel {
    features: Features,
    state: State,
}

/// What is saved.
#[derive(Serialize, Deserialize)]
struct State {
    learner: String,
    schema: u32,
    features: FeatureScale,
    scales: TargetScales,
    network: Mlp,
    feasibility: Feasibility,
}

/// Where p(feasible) comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Feasibility {
    /// The logistic function of the last output.
    Head,
    /// The share among the trials learned from, the same for all designs.
    Share(f64),
}

impl NetworkModel {
    pub fn new(
        (learner, schema): (&str, u32),
        examples: Examples,
        network: Mlp,
        feasibility: Feasibility,
    ) -> Self {
        let state = State {
            learner: learner.to_owned(),
            schema,
            features: examples.features.scale().clone(),
            scales: examples.scales,
            network,
            feasibility,
        };
        Self { features: examples.features, state }
    }

    /// Reads what [`save`](Surrogate::save) wrote.
    ///
    /// # Errors
    /// [`LoadError`] if the bytes say no network over this space.
    pub fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        let state: State = saved.state()?;
        let features = Features::of_scale(space, state.features.clone());
        let n_outputs = state.scales.n_metrics() + usize::from(state.feasibility == Feasibility::Head);
        let is_whole = state.network.n_outputs() == n_outputs
            && features.as_ref().is_some_and(|features| features.width() == state.network.n_inputs());
        match features {
            Some(features) if is_whole => Ok(Box::new(Self { features, state })),
            _ => Err(LoadError::Corrupt { message: "the network does not fit the space".to_owned() }),
        }
    }
}

impl Surrogate for NetworkModel {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let outputs = self.state.network.predict(&self.features.rows(context, designs));
        let rows = || outputs.chunks_exact(self.state.network.n_outputs());
        let scales = &self.state.scales;
        let metrics = |row: &[f32]| -> Vec<f64> {
            scales.0.iter().zip(row).map(|(scale, &target)| scale.value(f64::from(target), 0.0).0).collect()
        };
        let p_feasible = |row: &[f32]| match self.state.feasibility {
            Feasibility::Head => f64::from(logistic(row[scales.n_metrics()])),
            Feasibility::Share(share) => share,
        };
        Prediction {
            mean: rows().map(metrics).collect(),
            std: None,
            p_feasible: rows().map(p_feasible).collect(),
        }
    }

    fn save(&self) -> Saved {
        Saved::new(&self.state.learner, self.state.schema, &self.state)
    }
}
