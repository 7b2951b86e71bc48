//! The fixed mapping policy: how a layer runs on a chip.
//!
//! **In space.** The four ways of a lane add up over one reduction dimension; the lanes of a core run over output
//! channels (or groups); cores, and the array's x and y, each run over one output dimension. The dimensions are those
//! of the fewest cycles, and among equals those that split images over the array and channels over cores.
//! A dimension that does not divide is padded up to the array, in as many steps as it needs and no wider than they need.
//!
//! **In time.** Tiles are as large as core memory and PE memory hold, double-buffered; the window of a convolution is
//! never split, and tile sizes divide the steps of their dimension. Loops over tiles run with reductions innermost, so
//! no incomplete sum leaves the chip. The dataflow decides which dimensions grow first, which of weights and inputs is
//! fetched once, and what stays in the lanes:
//!
//! | dataflow | grows first | outer loops over tiles | stays in a lane |
//! |---|---|---|---|
//! | output-stationary | whichever order moves the fewest bytes | whichever order moves the fewest bytes | one sum |
//! | weight-stationary | reductions, output channels | output channels | four weights |
//! | input-stationary | reductions, rows and columns | rows and columns | four inputs |

use super::chip::{CORE, Chip, DRAM, LANE, PE, SUM_BYTES};
use super::infeasible::{Infeasible, Rule};
use super::layer::{INPUTS, Kind, OUTPUTS, PreparedLayer, WEIGHTS};
use super::template::{Dataflow, LANE_WAYS, Template};
use crate::loop_nest::{Einsum, LevelMapping, Loop, MAX_DIMS, Mapping, TensorSet};

/// A layer on a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// The layer, its dimensions padded to the array.
    pub einsum: Einsum,
    /// Where its loops run.
    pub mapping: Mapping,
    /// Bytes of an output in the PE memory: 1 if it arrives complete, 4 while it is a sum.
    pub output_bytes: u64,
    /// Transfers of a tile of weights, inputs and outputs.
    pub transfers: [u64; 3],
    /// Tiles computed.
    pub tiles: u64,
    /// Words of one tile of weights, inputs and outputs over the whole chip.
    pub tile_words: [u64; 3],
    /// Columns and rows of the array that are used.
    pub used_pes: (u64, u64),
}

impl Placement {
    /// Length of the program: an instruction for each transfer of a tile and for each tile computed.
    pub fn instructions(&self) -> u64 {
        self.tiles + self.transfers.iter().sum::<u64>()
    }
}

/// Maps `layer` onto `chip`.
///
/// # Errors
/// [`Infeasible`] if the smallest tile does not fit a memory, or the program does not fit the instruction memory.
pub fn map(chip: &Chip, layer: &PreparedLayer) -> Result<Placement, Infeasible> {
    let spread = Spread::new(chip.template(), layer);
    let mut best: Option<Tiling> = None;
    for &(growth, order) in candidates(chip.setting().dataflow) {
        let tiling = Tiling::grown(chip, layer, &spread, growth, order)?;
        if best.as_ref().is_none_or(|best| tiling.moved_words < best.moved_words) {
            best = Some(tiling);
        }
    }
    let tiling = best.expect("invariant: every dataflow has a candidate");
    let placement = Placement {
        einsum: layer.padded(&spread.padded),
        mapping: mapping(chip.setting().dataflow, layer, &spread, &tiling),
        output_bytes: tiling.output_bytes,
        transfers: tiling.transfers,
        tiles: tiling.tiles,
        tile_words: tiling.tile_words,
        used_pes: (spread.factors[X], spread.factors[Y]),
    };
    let (need, have) = (placement.instructions() as f64, chip.template().instruction_entries as f64);
    Infeasible::unless_within(Rule::InstructionMemory, need, have)?;
    Ok(placement)
}

type Order = [Kind; 5];

/// Loops over tiles from the outermost: inputs are fetched once.
const INPUTS_ONCE: Order = [Kind::Shared, Kind::Input, Kind::Weight, Kind::Sum, Kind::Window];
/// Weights are fetched once.
const WEIGHTS_ONCE: Order = [Kind::Shared, Kind::Weight, Kind::Input, Kind::Sum, Kind::Window];
const SUM_INPUT: Order = [Kind::Window, Kind::Sum, Kind::Input, Kind::Weight, Kind::Shared];
const SUM_WEIGHT: Order = [Kind::Window, Kind::Sum, Kind::Weight, Kind::Input, Kind::Shared];
const INPUT_SUM: Order = [Kind::Window, Kind::Input, Kind::Weight, Kind::Sum, Kind::Shared];
const WEIGHT_SUM: Order = [Kind::Window, Kind::Weight, Kind::Input, Kind::Sum, Kind::Shared];

/// Orders in which tiles grow, each with an order of the loops over them.
fn candidates(dataflow: Dataflow) -> &'static [(Order, Order)] {
    match dataflow {
        Dataflow::OutputStationary => &[
            (SUM_INPUT, INPUTS_ONCE),
            (SUM_INPUT, WEIGHTS_ONCE),
            (SUM_WEIGHT, INPUTS_ONCE),
            (SUM_WEIGHT, WEIGHTS_ONCE),
            (INPUT_SUM, INPUTS_ONCE),
            (WEIGHT_SUM, WEIGHTS_ONCE),
        ],
        Dataflow::WeightStationary => &[(SUM_WEIGHT, WEIGHTS_ONCE)],
        Dataflow::InputStationary => &[(SUM_INPUT, INPUTS_ONCE)],
    }
}

/// The places a dimension can be spread over, from the outermost.
const Y: usize = 0;
const X: usize = 1;
const CORES: usize = 2;
const LANES: usize = 3;
const WAYS: usize = 4;
const N_PLACES: usize = 5;

/// How a layer is spread over the array.
struct Spread {
    /// The dimension of each place.
    dims: [usize; N_PLACES],
    /// How many of the place's instances it uses.
    factors: [u64; N_PLACES],
    /// Steps in time of each dimension.
    steps: [u64; MAX_DIMS],
    /// Sizes rounded up to the array.
    padded: [u64; MAX_DIMS],
}

impl Spread {
    fn new(template: &Template, layer: &PreparedLayer) -> Self {
        let limits = [template.pes_y, template.pes_x, template.cores, template.lanes, LANE_WAYS];
        let mut dims = [0; N_PLACES];
        dims[WAYS] = fewest_steps(layer, &[Kind::Sum, Kind::Window], LANE_WAYS);
        dims[LANES] = fewest_steps(layer, &[Kind::Weight, Kind::Shared], template.lanes);
        let images: Vec<usize> = outputs(layer, [Kind::Input, Kind::Weight, Kind::Shared]);
        let channels: Vec<usize> = outputs(layer, [Kind::Weight, Kind::Input, Kind::Shared]);
        let mut least = u128::MAX;
        for &cores in &channels {
            for &x in &images {
                for &y in &images {
                    let trial = [y, x, cores, dims[LANES], dims[WAYS]];
                    let cycles = cycles(layer, &trial, &limits);
                    if cycles < least {
                        (least, dims) = (cycles, trial);
                    }
                }
            }
        }
        let mut spread = Self { dims, factors: [1; N_PLACES], steps: [1; MAX_DIMS], padded: [1; MAX_DIMS] };
        for dim in 0..layer.n_dims() {
            spread.fit(dim, layer.size(dim), &limits);
        }
        spread
    }

    /// Spreads `dim` evenly over its places: as many steps as it needs, and no wider than they need.
    fn fit(&mut self, dim: usize, size: u64, limits: &[u64; N_PLACES]) {
        let width = |from: usize| -> u64 {
            (from..N_PLACES).filter(|&p| self.dims[p] == dim).map(|p| limits[p]).product()
        };
        let steps = size.div_ceil(width(0));
        let mut rest = size.div_ceil(steps);
        let mut used = 1;
        for place in 0..N_PLACES {
            if self.dims[place] == dim {
                let inside: u64 =
                    (place + 1..N_PLACES).filter(|&p| self.dims[p] == dim).map(|p| limits[p]).product();
                self.factors[place] = rest.div_ceil(inside);
                rest = rest.div_ceil(self.factors[place]);
                used *= self.factors[place];
            }
        }
        self.steps[dim] = steps;
        self.padded[dim] = steps * used;
    }

    /// Points of each dimension in one tile of `tile` steps, over the places from `outermost` inwards.
    fn extents(&self, tile: &[u64; MAX_DIMS], outermost: usize) -> [u64; MAX_DIMS] {
        let mut extents = *tile;
        for place in outermost..N_PLACES {
            extents[self.dims[place]] *= self.factors[place];
        }
        extents
    }
}

/// Output dimensions of more than one point by kind, the largest of a kind first; at least one.
fn outputs(layer: &PreparedLayer, kinds: [Kind; 3]) -> Vec<usize> {
    let mut dims = Vec::with_capacity(layer.n_dims());
    for kind in kinds {
        let start = dims.len();
        dims.extend(layer.of_kind(kind).filter(|&dim| layer.size(dim) > 1));
        dims[start..].sort_by_key(|&dim| std::cmp::Reverse(layer.size(dim)));
    }
    if dims.is_empty() {
        dims.extend(layer.of_kind(Kind::Weight).take(1));
    }
    dims
}

/// The dimension of these kinds of which `width` at once save the most steps; the first among equals.
fn fewest_steps(layer: &PreparedLayer, kinds: &[Kind], width: u64) -> usize {
    let dims = kinds.iter().flat_map(|&kind| layer.of_kind(kind));
    let remaining = |dim: usize| layer.size(dim).div_ceil(width) as f64 / layer.size(dim) as f64;
    dims.min_by(|&a, &b| remaining(a).total_cmp(&remaining(b)))
        .expect("invariant: layers have output channels and a reduction")
}

/// Steps in time of the whole layer.
fn cycles(layer: &PreparedLayer, dims: &[usize; N_PLACES], limits: &[u64; N_PLACES]) -> u128 {
    let mut width = [1u64; MAX_DIMS];
    for (&dim, &limit) in dims.iter().zip(limits) {
        width[dim] *= limit;
    }
    (0..layer.n_dims()).map(|dim| u128::from(layer.size(dim).div_ceil(width[dim]))).product()
}

/// Tiles in time.
struct Tiling {
    /// Steps of each dimension in one tile.
    tile: [u64; MAX_DIMS],
    order: Order,
    output_bytes: u64,
    transfers: [u64; 3],
    tiles: u64,
    /// Words of one tile of each tensor over the whole chip.
    tile_words: [u64; 3],
    /// Words to and from DRAM, halos between tiles counted twice.
    moved_words: u128,
}

impl Tiling {
    fn grown(
        chip: &Chip,
        layer: &PreparedLayer,
        spread: &Spread,
        growth: Order,
        order: Order,
    ) -> Result<Self, Infeasible> {
        let mut tile = [1; MAX_DIMS];
        for dim in layer.of_kind(Kind::Window) {
            tile[dim] = spread.steps[dim];
        }
        fits(chip, layer, spread, &tile)?;
        for kind in growth {
            for dim in layer.of_kind(kind).rev() {
                let steps = spread.steps[dim];
                let fitting = (1..=steps).filter(|&n| steps.is_multiple_of(n)).find(|&n| {
                    let mut larger = tile;
                    larger[dim] = steps / n;
                    fits(chip, layer, spread, &larger).is_ok()
                });
                tile[dim] = steps / fitting.unwrap_or(steps / tile[dim]);
            }
        }
        let mut tiling = Self {
            output_bytes: output_bytes(chip, layer, spread, &tile),
            tile,
            order,
            transfers: [1; 3],
            tiles: 1,
            tile_words: [0; 3],
            moved_words: 0,
        };
        tiling.count(layer, spread);
        Ok(tiling)
    }

    /// Walks the loops over tiles from the outermost: a tensor moves again with every loop that changes its tile, and
    /// with every loop outside of one that does.
    fn count(&mut self, layer: &PreparedLayer, spread: &Spread) {
        for dim in self.loops(layer) {
            let n_tiles = spread.steps[dim] / self.tile[dim];
            self.tiles = self.tiles.saturating_mul(n_tiles);
            for tensor in [WEIGHTS, INPUTS, OUTPUTS] {
                if n_tiles > 1 && layer.uses(tensor, dim) {
                    self.transfers[tensor] = self.tiles;
                }
            }
        }
        let extents = spread.extents(&self.tile, Y);
        self.tile_words = [WEIGHTS, INPUTS, OUTPUTS].map(|tensor| layer.box_words(tensor, &extents));
        let moved = self.tile_words.iter().zip(&self.transfers);
        self.moved_words = moved.map(|(&words, &transfers)| u128::from(words) * u128::from(transfers)).sum();
    }

    /// Dimensions in the order of the loops over tiles, the outermost first.
    fn loops<'a>(&self, layer: &'a PreparedLayer) -> impl Iterator<Item = usize> + use<'a> {
        self.order.into_iter().flat_map(|kind| layer.of_kind(kind))
    }
}

/// Whether the tiles fit core memory and PE memory.
fn fits(
    chip: &Chip,
    layer: &PreparedLayer,
    spread: &Spread,
    tile: &[u64; MAX_DIMS],
) -> Result<(), Infeasible> {
    let weights = layer.box_words(WEIGHTS, &spread.extents(tile, LANES));
    let core = Rule::CoreMemoryCapacity;
    Infeasible::unless_within(core, weights as f64, chip.core_tile_bytes() as f64)?;
    let extents = spread.extents(tile, CORES);
    let outputs = layer.box_words(OUTPUTS, &extents) * output_bytes(chip, layer, spread, tile);
    let need = layer.box_words(INPUTS, &extents) + outputs;
    Infeasible::unless_within(Rule::PeMemoryCapacity, need as f64, chip.pe_tile_bytes() as f64)
}

/// An output that is added up in a lane arrives in the PE memory complete, as one byte. If its reduction takes several
/// tiles, or another dataflow keeps sums in the PE memory, it is a sum there.
fn output_bytes(chip: &Chip, layer: &PreparedLayer, spread: &Spread, tile: &[u64; MAX_DIMS]) -> u64 {
    let is_whole = layer.of_kind(Kind::Sum).all(|dim| tile[dim] == spread.steps[dim]);
    if chip.setting().dataflow == Dataflow::OutputStationary && is_whole { 1 } else { SUM_BYTES }
}

fn mapping(dataflow: Dataflow, layer: &PreparedLayer, spread: &Spread, tiling: &Tiling) -> Mapping {
    let in_tile = |kinds: &[Kind]| -> Vec<Loop> {
        let dims = kinds.iter().flat_map(|&kind| layer.of_kind(kind));
        dims.map(|dim| Loop::new(dim, tiling.tile[dim])).collect()
    };
    let over = |place: usize| vec![Loop::new(spread.dims[place], spread.factors[place])];
    let keep = |tensors: &[usize]| tensors.iter().fold(TensorSet::EMPTY, |set, &tensor| set.with(tensor));
    let (stationary, lane_loops, core_loops) = match dataflow {
        Dataflow::OutputStationary => (
            OUTPUTS,
            in_tile(&[Kind::Sum, Kind::Window]),
            in_tile(&[Kind::Shared, Kind::Weight, Kind::Input]),
        ),
        Dataflow::WeightStationary => (
            WEIGHTS,
            Vec::new(),
            in_tile(&[Kind::Shared, Kind::Weight, Kind::Sum, Kind::Window, Kind::Input]),
        ),
        Dataflow::InputStationary => {
            (INPUTS, Vec::new(), in_tile(&[Kind::Shared, Kind::Input, Kind::Sum, Kind::Window, Kind::Weight]))
        }
    };
    let mut levels = vec![LevelMapping::default(); 4];
    levels[LANE] = LevelMapping {
        keep: keep(&[stationary]),
        temporal: lane_loops,
        spatial_x: over(WAYS),
        ..Default::default()
    };
    levels[CORE] = LevelMapping {
        keep: keep(&[WEIGHTS]),
        temporal: core_loops,
        spatial_x: over(LANES),
        ..Default::default()
    };
    levels[PE] =
        LevelMapping { keep: keep(&[INPUTS, OUTPUTS]), spatial_x: over(CORES), ..Default::default() };
    let tiles = tiling.loops(layer).map(|dim| Loop::new(dim, spread.steps[dim] / tiling.tile[dim]));
    levels[DRAM] = LevelMapping {
        keep: TensorSet::all(3),
        temporal: tiles.collect(),
        spatial_x: over(X),
        spatial_y: over(Y),
        ..Default::default()
    };
    Mapping { levels }
}
