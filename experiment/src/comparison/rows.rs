//! The rows of `results.csv` and `results.parquet`.

use super::ComparisonResults;

/// A run at a checkpoint.
pub(super) struct ResultRow<'a> {
    pub(super) env: &'a str,
    pub(super) agent: &'a str,
    pub(super) seed: u64,
    pub(super) trials: usize,
    pub(super) measure: &'a str,
    pub(super) value: Option<f64>,
    pub(super) fraction: Option<f64>,
}

/// Every run at every checkpoint.
pub(super) fn rows(results: &ComparisonResults) -> Vec<ResultRow<'_>> {
    let mut rows = Vec::new();
    for env in &results.envs {
        for (index, agent) in results.agents.iter().enumerate() {
            for seed in 0..results.seeds {
                let checkpoints = results.checkpoints.iter().zip(env.costs(index, seed));
                rows.extend(checkpoints.map(|(&trials, &cost)| ResultRow {
                    env: &env.name,
                    agent,
                    seed: results.first_seed + seed as u64,
                    trials,
                    measure: env.measure(),
                    value: env.value(cost),
                    fraction: env.fraction(cost),
                }));
            }
        }
    }
    rows
}
