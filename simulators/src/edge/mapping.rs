//! How a layer runs on a chip: the best mapping that the template allows, and the program that it takes.

use std::sync::Arc;

use super::chip::Chip;
use super::constraints::constraints;
use super::hierarchy::{ACTIVATION, CORE, INPUT, SUM};
use super::key::MappingKey;
use super::layer::{INPUTS, OUTPUTS, PreparedLayer, WEIGHTS};
use crate::loop_nest::Report;
use crate::mapper::{Best, Objective, Options, best_mapping};

/// The best mapping of `layer` onto `chip`.
pub(super) fn best(chip: &Chip, layer: &PreparedLayer) -> Arc<Best> {
    let search = || {
        let constraints = constraints(chip.setting().dataflow, layer);
        let options = Options::quick();
        best_mapping(chip.architecture(), layer.einsum(), Objective::EnergyDelay, &constraints, options)
    };
    layer
        .mapping(&MappingKey::new(chip), search)
        .expect("invariant: the smallest tiles are of one word, and every memory that can be made holds two")
}

/// Length of the program behind a report: an instruction for each transfer into core memories, into and out of PE
/// memories, and one for what is computed between two transfers. A transfer moves as many tiles as half of the memory
/// takes, as the other half is in use.
pub(super) fn instructions(chip: &Chip, report: &Report) -> u64 {
    let results = report.tensor(ACTIVATION, OUTPUTS).updates;
    let moved = [
        (CORE, report.tensor(CORE, WEIGHTS).fills),
        (INPUT, report.tensor(INPUT, INPUTS).fills),
        (SUM, results.div_ceil(report.levels[SUM].used_instances)),
    ];
    let transfers = moved.map(|(memory, words)| words.div_ceil(chip.tile_words(memory)));
    let computed = transfers.iter().copied().max().unwrap_or(1);
    transfers.iter().fold(computed, |sum, &n| sum.saturating_add(n))
}
