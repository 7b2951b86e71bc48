//! The parameters of the space, and what each sets in a tile.

use std::borrow::Cow;

use tapeout_core::Parameter;
use tapeout_core::rule::Assignment;
use tapeout_simulators::gpu_gemm::{Conversion, Layout, MMA, Swizzle, Tile};

use super::TileEncoding;

/// A tile in the making.
pub(super) struct Draft {
    tile: Tile,
    /// Warps along rows and columns, where they decide the block.
    warps: Option<[u32; 2]>,
}

impl Draft {
    pub(super) fn new(encoding: TileEncoding) -> Self {
        let warps = match encoding {
            TileEncoding::Raw => None,
            TileEncoding::Structured => Some([1, 1]),
        };
        Self { tile: Tile::default(), warps }
    }

    /// The tile, once all that matters is set.
    pub(super) fn tile(mut self) -> Tile {
        if let Some([warps_m, warps_n]) = self.warps {
            self.tile.block_m = warps_m * self.tile.warp_m;
            self.tile.block_n = warps_n * self.tile.warp_n;
        }
        self.tile
    }
}

/// What a parameter does to a tile.
#[derive(Debug, Clone)]
enum Action {
    /// Levels in rising order.
    Number(Cow<'static, [u32]>, fn(&mut Draft, u32)),
    Swizzle,
    Conversion,
    Layout,
}

/// A parameter of the space and what it sets.
#[derive(Debug, Clone)]
pub(super) struct Knob {
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    action: Action,
}

impl Knob {
    const fn number(
        name: &'static str,
        levels: &'static [u32],
        about: &'static str,
        set: fn(&mut Draft, u32),
    ) -> Self {
        Self { name, unit: "", about, action: Action::Number(Cow::Borrowed(levels), set) }
    }

    const fn choice(name: &'static str, action: Action, about: &'static str) -> Self {
        Self { name, unit: "", about, action }
    }

    /// The parameter's name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// The same, with the numbers at which the parameter stands in `tiles` among its levels.
    pub(super) fn with_levels_of(mut self, tiles: &[Tile]) -> Self {
        if let Action::Number(levels, _) = &mut self.action {
            let mut all: Vec<u32> = tiles.iter().map(|tile| number_in(self.name, tile)).collect();
            all.extend_from_slice(levels);
            all.sort_unstable();
            all.dedup();
            *levels = Cow::Owned(all);
        }
        self
    }

    /// The parameter.
    pub(super) fn parameter(&self) -> Parameter {
        let parameter = match &self.action {
            Action::Number(levels, _) => Parameter::ordinal(self.name, levels.iter().copied()),
            Action::Swizzle => Parameter::categorical(self.name, &Swizzle::ALL.map(|(name, _)| name)),
            Action::Conversion => Parameter::categorical(self.name, &Conversion::ALL.map(|(name, _)| name)),
            Action::Layout => Parameter::categorical(self.name, &Layout::ALL.map(|(name, _)| name)),
        };
        parameter.unit(self.unit).about(self.about)
    }

    /// Sets the tile's number to that of `level`.
    pub(super) fn turn(&self, draft: &mut Draft, level: u32) {
        let level = level as usize;
        match &self.action {
            Action::Number(levels, set) => set(draft, levels[level]),
            Action::Swizzle => draft.tile.swizzle = Swizzle::ALL[level].1,
            Action::Conversion => draft.tile.conversion = Conversion::ALL[level].1,
            Action::Layout => draft.tile.layout = Layout::ALL[level].1,
        }
    }

    /// The level at which the parameter stands in `tile`; none if it has no such level.
    pub(super) fn level_for(&self, tile: &Tile) -> Option<u32> {
        let level = match &self.action {
            Action::Number(levels, _) => {
                let number = number_in(self.name, tile);
                levels.iter().position(|&level| level == number)
            }
            Action::Swizzle => Swizzle::ALL.iter().position(|&(_, swizzle)| swizzle == tile.swizzle),
            Action::Conversion => {
                Conversion::ALL.iter().position(|&(_, conversion)| conversion == tile.conversion)
            }
            Action::Layout => Layout::ALL.iter().position(|&(_, layout)| layout == tile.layout),
        };
        level.map(|level| level as u32)
    }

    /// The level that the parameter has where a rule looks.
    pub(super) fn level_in(&self, assignment: &Assignment<'_>) -> u32 {
        let named = |names: &[&str]| names.iter().position(|&name| name == assignment.text(self.name));
        let level = match &self.action {
            Action::Number(levels, _) => {
                let number = assignment.int(self.name);
                levels.iter().position(|&level| i64::from(level) == number)
            }
            Action::Swizzle => named(&Swizzle::ALL.map(|(name, _)| name)),
            Action::Conversion => named(&Conversion::ALL.map(|(name, _)| name)),
            Action::Layout => named(&Layout::ALL.map(|(name, _)| name)),
        };
        level.expect("invariant: a space hands out values of its own levels") as u32
    }
}

/// The number of `tile` that the parameter `name` sets.
fn number_in(name: &str, tile: &Tile) -> u32 {
    match name {
        "block_m" => tile.block_m,
        "block_n" => tile.block_n,
        "block_k" => tile.block_k,
        "warp_m" => tile.warp_m,
        "warp_n" => tile.warp_n,
        "warps_m" => tile.warps_m(),
        "warps_n" => tile.warps_n(),
        "mma_m" => tile.warp_m / MMA[0],
        "mma_n" => tile.warp_n / MMA[1],
        "stages" => tile.stages,
        "copy_byte" => tile.copy_byte,
        "min_blocks" => tile.min_blocks,
        "raster_group" => tile.raster_group,
        "split_k" => tile.split_k,
        other => unreachable!("invariant: no parameter of a number is called `{other}`; a test reads each"),
    }
}

/// The parameters of an encoding. Conversion and layout are there if an operand is narrow.
///
/// Source of the levels: one workable choice around the tiles that CUTLASS lists for `mma.sync.m16n8k16`; the raw encoding
/// has 650,280,960 combinations.
pub(super) fn knobs(encoding: TileEncoding, is_mixed: bool) -> Vec<Knob> {
    let mut knobs = extents(encoding);
    knobs.extend([
        Knob::number(
            "stages",
            &[2, 3, 4, 5, 6, 8],
            "steps whose operands are in shared memory at once",
            |d, n| {
                d.tile.stages = n;
            },
        ),
        Knob::choice(
            "swizzle",
            Action::Swizzle,
            "how rows lie in shared memory, against collisions of banks",
        ),
        Knob {
            unit: "byte",
            ..Knob::number(
                "copy_byte",
                &[4, 8, 16],
                "what one asynchronous copy of a thread moves",
                |d, n| {
                    d.tile.copy_byte = n;
                },
            )
        },
    ]);
    if is_mixed {
        knobs.extend([
            Knob::choice("conversion", Action::Conversion, "how narrow elements become wide ones"),
            Knob::choice("layout", Action::Layout, "how the narrow operand gets into the right registers"),
        ]);
    }
    knobs.extend([
        Knob::number(
            "min_blocks",
            &[1, 2, 3, 4],
            "blocks on a multiprocessor to leave registers for",
            |d, n| {
                d.tile.min_blocks = n;
            },
        ),
        Knob::number(
            "raster_group",
            &[1, 2, 4, 8, 16],
            "rows of blocks that are walked through together",
            |d, n| {
                d.tile.raster_group = n;
            },
        ),
        Knob::number("split_k", &[1, 2, 4, 8], "slices of the depth, each with blocks of its own", |d, n| {
            d.tile.split_k = n;
        }),
    ]);
    knobs
}

/// The parameters that decide the extents of block and warp.
fn extents(encoding: TileEncoding) -> Vec<Knob> {
    let block_k = Knob::number("block_k", &[16, 32, 64, 128], "depth of a step of the main loop", |d, n| {
        d.tile.block_k = n;
    });
    match encoding {
        TileEncoding::Raw => vec![
            Knob::number(
                "block_m",
                &[16, 32, 64, 96, 128, 192, 256],
                "rows that a block computes",
                |d, n| {
                    d.tile.block_m = n;
                },
            ),
            Knob::number(
                "block_n",
                &[16, 32, 64, 96, 128, 192, 256],
                "columns that a block computes",
                |d, n| {
                    d.tile.block_n = n;
                },
            ),
            block_k,
            Knob::number("warp_m", &[16, 32, 48, 64, 96, 128], "rows that a warp computes", |d, n| {
                d.tile.warp_m = n;
            }),
            Knob::number(
                "warp_n",
                &[8, 16, 24, 32, 48, 64, 96, 128],
                "columns that a warp computes",
                |d, n| {
                    d.tile.warp_n = n;
                },
            ),
        ],
        TileEncoding::Structured => vec![
            Knob::number("warps_m", &[1, 2, 4, 8], "warps along the rows of a block", |d, n| {
                d.warps.get_or_insert([1, 1])[0] = n;
            }),
            Knob::number("warps_n", &[1, 2, 4, 8], "warps along the columns of a block", |d, n| {
                d.warps.get_or_insert([1, 1])[1] = n;
            }),
            Knob::number(
                "mma_m",
                &[1, 2, 3, 4, 6, 8],
                "tensor-core instructions along a warp's rows, 16 each",
                |d, n| {
                    d.tile.warp_m = n * MMA[0];
                },
            ),
            Knob::number(
                "mma_n",
                &[1, 2, 3, 4, 6, 8, 12, 16],
                "tensor-core instructions along a warp's columns, 8 each",
                |d, n| d.tile.warp_n = n * MMA[1],
            ),
            block_k,
        ],
    }
}
