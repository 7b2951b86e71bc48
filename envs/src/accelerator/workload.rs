//! The workload that settings name: networks with weights, in batches.

use tapeout_core::ConfigError;
use tapeout_core::config::check;
use tapeout_simulators::networks::{NeuralNetwork, Workload, WorkloadError, open_network};

/// The `networks`, built-in ones or files, each for `batch` inputs at once, with `weights`, or once each if there are none.
///
/// # Errors
/// [`ConfigError`] naming `networks`, `weights` or `batch`.
pub(crate) fn weighted(networks: &[String], weights: &[f64], batch: u64) -> Result<Workload, ConfigError> {
    let (n_networks, n_weights) = (networks.len(), weights.len());
    if n_weights > 0 && n_weights != n_networks {
        let message =
            format!("{n_weights} weights for {n_networks} networks, expected one each, or none at all");
        return Err(ConfigError::new("weights", message));
    }
    check("batch", batch, 1..)?;
    let batched = |id: &String| -> Result<NeuralNetwork, ConfigError> {
        let network = open_network(id).map_err(|error| ConfigError::new("networks", error.to_string()))?;
        network.with_batch(batch).map_err(|error| ConfigError::new("batch", error.to_string()))
    };
    let weight = |index: usize| weights.get(index).copied().unwrap_or(1.0);
    let networks = networks.iter().enumerate().map(|(index, id)| Ok((batched(id)?, weight(index))));
    Workload::new(networks.collect::<Result<_, ConfigError>>()?).map_err(|error| {
        let field = if matches!(error, WorkloadError::Weight { .. }) { "weights" } else { "networks" };
        ConfigError::new(field, error.to_string())
    })
}
