//! The program of a layer: an instruction for each transfer into memories, and one for what is computed between two.

use tapeout_core::Value;

use super::number::{Names, Number};
use super::text::{CountText, ProgramText};
use super::{FileFault, Unbuildable};
use crate::loop_nest::{Architecture, Report};
use crate::names::index_of;

/// The rule that a layer breaks whose program is longer than the memory of instructions.
const INSTRUCTION_MEMORY: &str = "instruction_memory";

/// Transfers that a controller makes, and its memory.
#[derive(Debug, Clone)]
pub(super) struct ProgramFields {
    entries: Number,
    instruction_j: Number,
    transfers: Vec<Transfer>,
}

/// Words that go into the memories of one level, as many at once as a tile of it has.
#[derive(Debug, Clone)]
struct Transfer {
    level: usize,
    tensor: usize,
    count: CountText,
    /// The level where the words of all instances are counted together; if absent, they are counted at `level` itself.
    at: Option<usize>,
}

/// The controller of a design.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Controller {
    entries: u64,
    instruction_j: f64,
}

impl ProgramFields {
    /// Reads the program on levels of these names.
    pub(super) fn read(text: &ProgramText, names: &Names, levels: &[String]) -> Result<Self, FileFault> {
        let level = |name: &str| {
            let index = index_of("level", name, levels.iter().map(String::as_str));
            index.map_err(|unknown| FileFault::new("program.transfers", unknown.to_string()))
        };
        let transfers = text.transfers.iter().map(|transfer| {
            let tensor = index_of("tensor", &transfer.tensor, super::dataflow::TENSORS.iter().copied());
            Ok(Transfer {
                level: level(&transfer.level)?,
                tensor: tensor.map_err(|unknown| FileFault::new("program.transfers", unknown.to_string()))?,
                count: transfer.count,
                at: transfer.at.as_deref().map(level).transpose()?,
            })
        });
        Ok(Self {
            entries: Number::read(&text.entries, "program.entries", "program_entries", names)?,
            instruction_j: Number::read(
                &text.instruction_j,
                "program.instruction_j",
                "program_instruction_j",
                names,
            )?,
            transfers: transfers.collect::<Result<_, _>>()?,
        })
    }

    /// The controller of a design with these values.
    pub(super) fn controller(&self, values: &[Value]) -> Result<Controller, Unbuildable> {
        Ok(Controller {
            entries: self.entries.count(values, 1, "program_entries")?,
            instruction_j: self.instruction_j.amount(values, "program_instruction_j")?,
        })
    }

    /// Energy of the program behind `report`, or the rule that it breaks.
    pub(super) fn energy_j(
        &self,
        controller: Controller,
        architecture: &Architecture,
        report: &Report,
    ) -> Result<f64, Unbuildable> {
        let instructions = self.instructions(architecture, report);
        let (need, have) = (instructions as f64, controller.entries as f64);
        if need > have {
            let reason = format!("a program of {instructions} instructions, {} fit", controller.entries);
            return Err(Unbuildable::new(INSTRUCTION_MEMORY, need / have - 1.0, reason));
        }
        Ok(need * controller.instruction_j)
    }

    fn instructions(&self, architecture: &Architecture, report: &Report) -> u64 {
        let transfers = self.transfers.iter().map(|transfer| {
            let entry = report.tensor(transfer.at.unwrap_or(transfer.level), transfer.tensor);
            let words = match transfer.count {
                CountText::Reads => entry.reads,
                CountText::Fills => entry.fills,
                CountText::Updates => entry.updates,
            };
            let instances =
                if transfer.at.is_some() { report.levels[transfer.level].used_instances } else { 1 };
            let level = &architecture.levels()[transfer.level];
            let tile =
                level.entries.map_or(u64::MAX, |words| (words as f64 / level.multiple_buffering) as u64);
            words.div_ceil(instances.max(1)).div_ceil(tile.max(1))
        });
        let transfers: Vec<u64> = transfers.collect();
        let computed = transfers.iter().copied().max().unwrap_or(1);
        transfers.iter().fold(computed, |sum, &n| sum.saturating_add(n))
    }
}
