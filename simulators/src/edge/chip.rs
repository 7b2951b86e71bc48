//! A template in a setting: its storage hierarchy and area.

use super::hierarchy;
use super::infeasible::Infeasible;
use super::parts::Parts;
use super::template::{EdgeSetting, EdgeTemplate};
use crate::dram::DramDevice;
use crate::levels::BUFFERS;
use crate::loop_nest::Architecture;

/// Where the area of a chip goes, in m2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Multiply-accumulate units.
    pub macs_m2: f64,
    /// Registers of the lanes.
    pub registers_m2: f64,
    /// Memories of all cores.
    pub core_memory_m2: f64,
    /// Memories of all processing elements.
    pub pe_memory_m2: f64,
    /// Staging memories and instruction memory.
    pub controller_m2: f64,
}

impl Area {
    /// Area of the whole chip.
    pub fn total_m2(&self) -> f64 {
        self.macs_m2 + self.registers_m2 + self.core_memory_m2 + self.pe_memory_m2 + self.controller_m2
    }
}

/// A template that can be built.
#[derive(Debug, Clone)]
pub struct Chip {
    template: EdgeTemplate,
    setting: EdgeSetting,
    architecture: Architecture,
    area: Area,
    pub(super) controller: Controller,
    /// The memory that is simulated; none if bandwidth and latency are as stated.
    pub(super) memory: Option<DramDevice>,
}

/// What the hierarchy does not hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Controller {
    /// Fetching an instruction.
    pub(super) instruction_j: f64,
    /// Leakage of the instruction memory.
    pub(super) leakage_w: f64,
}

impl Chip {
    /// Builds `template` in `setting`.
    ///
    /// # Errors
    /// [`Infeasible`] with the memory that cannot be synthesized.
    pub fn new(template: EdgeTemplate, setting: EdgeSetting) -> Result<Self, Infeasible> {
        let parts = Parts::new(&template, &setting)?;
        let (macs, lanes) = (template.n_macs() as f64, template.n_lanes() as f64);
        let (pes, cores) = (template.n_pes() as f64, (template.n_pes() * template.cores) as f64);
        let controller = [parts.activation.cost, parts.parameter.cost, parts.instruction];
        let area = Area {
            macs_m2: macs * parts.unit.area_m2,
            registers_m2: lanes * parts.register.area_m2,
            core_memory_m2: cores * parts.core.area_m2,
            pe_memory_m2: pes * parts.pe.area_m2,
            controller_m2: controller.iter().map(|cost| cost.area_m2).sum(),
        };
        Ok(Self {
            architecture: hierarchy::architecture(&parts, &template, &setting),
            template,
            setting,
            area,
            controller: Controller {
                instruction_j: parts.instruction.read_j,
                leakage_w: parts.instruction.leakage_w,
            },
            memory: None,
        })
    }

    /// The same chip, whose DRAM is as fast as a simulation of `device` says, layer by layer: of the stated bandwidth the share that
    /// the layer's accesses reach, and their latency. The chip itself stays as it was built, and so do its mappings.
    #[must_use]
    pub fn with_simulated_memory(mut self, device: DramDevice) -> Self {
        self.memory = Some(device);
        self
    }

    /// The ten numbers.
    pub fn template(&self) -> &EdgeTemplate {
        &self.template
    }

    /// Technology and surroundings of the chip.
    pub fn setting(&self) -> &EdgeSetting {
        &self.setting
    }

    /// Lanes, core memories, the two halves of the PE memories, staging memories and DRAM as storage levels over the
    /// multiply-accumulate units.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Words of the tile that a memory holds while the next one arrives.
    pub(super) fn tile_words(&self, memory: usize) -> u64 {
        self.architecture.levels()[memory].entries.map_or(u64::MAX, |words| words / BUFFERS)
    }

    /// Area of the chip by its parts.
    pub fn area(&self) -> Area {
        self.area
    }
}
