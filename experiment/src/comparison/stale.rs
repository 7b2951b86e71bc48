//! Runs of another version: an agent is known by its name and settings alone, so its runs are asked whether it would make them again.

use std::path::Path;

use tapeout_core::{Catalog, Seed};

use super::conduct::{failed, prepare};
use super::{Cell, ComparisonError, ComparisonPlan, Conditions, Shard};
use crate::error::RunError;
use crate::folder::log_path;
use crate::replay::replay_of;
use crate::workers::Workers;

/// Replays one run of each agent in each environment of `plan` that is in `out`, of those of `shard` if there is one: nothing is evaluated.
///
/// # Errors
/// [`ComparisonError::Stale`] if an agent would propose other designs now, [`ComparisonError::Run`] if a run cannot be read.
pub fn refuse_stale(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    out: &Path,
    conditions: &Conditions<'_>,
    shard: Option<Shard>,
) -> Result<(), ComparisonError> {
    plan.check()?;
    let mut cells: Vec<Cell> = Vec::new();
    for (place, cell) in plan.cells().into_iter().enumerate() {
        let is_asked = cells.iter().any(|asked| (asked.env, asked.agent) == (cell.env, cell.agent));
        let is_mine = shard.is_none_or(|shard| shard.has(place));
        if !is_asked && is_mine && log_path(&plan.folder(out, cell)).exists() {
            cells.push(cell);
        }
    }
    if cells.is_empty() {
        return Ok(());
    }
    let prepared = prepare(catalog, plan, out)?;
    let of_cell = |index: usize| {
        let (cell, path) = (cells[index], plan.folder(out, cells[index]));
        let experiment =
            prepared[cell.env][cell.agent].with_seed(Seed::new(cell.seed)).map_err(RunError::from);
        Some(match experiment.and_then(|experiment| replay_of(experiment, &path)) {
            Ok(_) => Ok(()),
            Err(source @ RunError::Diverged { .. }) => {
                Err(ComparisonError::Stale { path, source: Box::new(source) })
            }
            Err(source) => Err(failed(plan, out, cell, source)),
        })
    };
    Workers::new(conditions.threads)?.run(cells.len(), &of_cell, &mut |_, asked| asked)
}
