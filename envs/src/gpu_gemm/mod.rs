//! The design space `gpu-gemm`: kernels that multiply 16-bit floating point with narrow integers on a graphics processor.
//!
//! One space for every way to time a kernel: by a model, from a record, on a device. There are two encodings of it: `raw`
//! states the extents of block and warp, and few combinations are kernels; `structured` states how many warps there are and
//! how many tensor-core instructions each spans, so that most divisibility holds by construction.

mod compiled;
mod config;
mod knob;
mod live;
mod model;
mod recorded;
mod timed;

use serde::{Deserialize, Serialize};
use tapeout_core::{ConfigError, Design, DesignSpace, Rule, SpaceError};
use tapeout_simulators::gpu_gemm::{Device, Gemm, StaticRule, Tile, TileField};

pub use compiled::{GpuGemmCompiled, GpuGemmCompiledConfig};
use knob::{Draft, Knob, knobs};
pub use live::{GpuGemmLive, GpuGemmLiveConfig};
pub use model::{GpuGemmModel, GpuGemmModelConfig};
pub use recorded::{GpuGemmRecorded, GpuGemmRecordedConfig};

/// Which numbers a design is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TileEncoding {
    /// Extents of block and warp.
    #[default]
    Raw,
    /// Warps, and tensor-core instructions to a warp.
    Structured,
}

/// The legal kernels for a product on a device, as a design space.
#[derive(Debug, Clone)]
pub struct TileSpace {
    space: DesignSpace,
    encoding: TileEncoding,
    knobs: Vec<Knob>,
}

impl TileSpace {
    /// The space of kernels for `gemm` on `device`.
    ///
    /// # Errors
    /// [`ConfigError`] if no kernel of the family runs on the device, which none of the built-in ones is.
    pub fn new(gemm: &Gemm, device: &Device, encoding: TileEncoding) -> Result<Self, ConfigError> {
        let knobs = knobs(encoding, gemm.operands.narrow_side().is_some());
        let rules = StaticRule::ALL.into_iter().filter(|&rule| !holds_by_construction(rule, encoding));
        let rules = rules.map(|rule| space_rule(rule, &knobs, gemm, device, encoding)).collect();
        let parameters = knobs.iter().map(Knob::parameter).collect();
        Ok(Self { space: DesignSpace::new(parameters, rules)?, encoding, knobs })
    }

    /// The space of exactly these kernels for `gemm`, those of a recorded table, say: numbers that the encoding does not offer
    /// otherwise are levels here.
    ///
    /// # Errors
    /// [`SpaceError`] if there is none.
    pub fn of_tiles(gemm: &Gemm, tiles: &[Tile], encoding: TileEncoding) -> Result<Self, SpaceError> {
        let knobs = knobs(encoding, gemm.operands.narrow_side().is_some());
        let knobs: Vec<Knob> = knobs.into_iter().map(|knob| knob.with_levels_of(tiles)).collect();
        let row = |tile| knobs.iter().map(|knob| knob.level_for(tile)).collect::<Option<Vec<u32>>>();
        let rows = tiles.iter().filter_map(row).collect();
        let space = DesignSpace::of_rows(knobs.iter().map(Knob::parameter).collect(), rows)?;
        Ok(Self { space, encoding, knobs })
    }

    /// The designs.
    pub const fn space(&self) -> &DesignSpace {
        &self.space
    }

    /// The kernel that a design of this space stands for.
    pub fn tile(&self, design: &Design) -> Tile {
        let mut draft = Draft::new(self.encoding);
        for (knob, &level) in self.knobs.iter().zip(design.levels()) {
            knob.turn(&mut draft, level);
        }
        draft.tile()
    }
}

/// Whether no design can break the rule.
fn holds_by_construction(rule: StaticRule, encoding: TileEncoding) -> bool {
    encoding == TileEncoding::Structured && matches!(rule, StaticRule::WholeWarpsM | StaticRule::WholeWarpsN)
}

/// The rule over the parameters that decide the numbers it reads.
fn space_rule(
    rule: StaticRule,
    knobs: &[Knob],
    gemm: &Gemm,
    device: &Device,
    encoding: TileEncoding,
) -> Rule {
    let names: Vec<&str> =
        rule.reads().iter().flat_map(|&field| deciding(field, encoding)).copied().collect();
    let read: Vec<Knob> = knobs.iter().filter(|knob| names.contains(&knob.name())).cloned().collect();
    let scope: Vec<&str> = read.iter().map(Knob::name).collect();
    let text = rule.text(gemm, device);
    let (gemm, device, scoped) = (*gemm, device.clone(), read.clone());
    Rule::measured(rule.name(), &text, &scope, move |assignment| {
        let mut draft = Draft::new(encoding);
        for knob in &scoped {
            knob.turn(&mut draft, knob.level_in(assignment));
        }
        rule.excess(&draft.tile(), &gemm, &device)
    })
}

/// The parameters that decide a number of the tile.
const fn deciding(field: TileField, encoding: TileEncoding) -> &'static [&'static str] {
    match (field, encoding) {
        (TileField::BlockM, TileEncoding::Raw) => &["block_m"],
        (TileField::BlockM, TileEncoding::Structured) => &["warps_m", "mma_m"],
        (TileField::BlockN, TileEncoding::Raw) => &["block_n"],
        (TileField::BlockN, TileEncoding::Structured) => &["warps_n", "mma_n"],
        (TileField::WarpM, TileEncoding::Raw) => &["warp_m"],
        (TileField::WarpM, TileEncoding::Structured) => &["mma_m"],
        (TileField::WarpN, TileEncoding::Raw) => &["warp_n"],
        (TileField::WarpN, TileEncoding::Structured) => &["mma_n"],
        (TileField::BlockK, _) => &["block_k"],
        (TileField::Stages, _) => &["stages"],
        (TileField::Swizzle, _) => &["swizzle"],
        (TileField::CopyByte, _) => &["copy_byte"],
        (TileField::MinBlocks, _) => &["min_blocks"],
        (TileField::SplitK, _) => &["split_k"],
    }
}

#[cfg(test)]
mod tests;
