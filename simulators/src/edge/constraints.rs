//! What of a mapping the template fixes: which tensor each memory holds, and which dimensions run where.
//!
//! | memory | holds | over the instances below it | in time |
//! |---|---|---|---|
//! | lane | what the dataflow keeps stationary | four ways: reductions, which they add up | reductions, if a sum stays |
//! | core | weights | lanes: output channels, groups | any |
//! | inputs, of a PE | inputs | cores: output dimensions | any |
//! | sums, of a PE | outputs, 32 bits wide from the first partial sum on | | any |
//! | staging of weights | weights | array: output dimensions in x and y | |
//! | staging of inputs and outputs | inputs, outputs | | |
//! | DRAM | all | | output dimensions |
//!
//! Reductions do not run in time outside of the sums, so that every output is complete before it leaves them for DRAM,
//! where it has 8 bits; and none runs over cores or the array, which cannot add.

use super::hierarchy::{ACTIVATION, CORE, DRAM, INPUT, LANE, N_LEVELS, PARAMETER, SUM};
use super::layer::{INPUTS, OUTPUTS, PreparedLayer, WEIGHTS};
use super::template::EdgeDataflow;
use crate::dataflow::keeping;
use crate::loop_nest::TensorSet;
use crate::mapper::{DimSet, LevelConstraints, MappingConstraints};

/// Constraints on mappings of `layer`, by level of the hierarchy.
pub(super) fn constraints(dataflow: EdgeDataflow, layer: &PreparedLayer) -> MappingConstraints {
    let (reductions, outputs) = (layer.reductions(), layer.outputs());
    let (stationary, lane_loops) = match dataflow {
        EdgeDataflow::OutputStationary => (OUTPUTS, reductions),
        EdgeDataflow::WeightStationary => (WEIGHTS, DimSet::EMPTY),
        EdgeDataflow::InputStationary => (INPUTS, DimSet::EMPTY),
    };
    let holds = |tensors: &[usize], temporal: DimSet| {
        keeping(tensors.iter().copied().fold(TensorSet::EMPTY, TensorSet::with), temporal)
    };
    let mut levels = vec![holds(&[], DimSet::EMPTY); N_LEVELS];
    levels[LANE] = LevelConstraints { spatial_x: reductions, ..holds(&[stationary], lane_loops) };
    levels[CORE] = LevelConstraints { spatial_x: layer.channels(), ..holds(&[WEIGHTS], DimSet::ALL) };
    levels[INPUT] = LevelConstraints { spatial_x: outputs, ..holds(&[INPUTS], DimSet::ALL) };
    levels[SUM] = holds(&[OUTPUTS], DimSet::ALL);
    levels[PARAMETER] =
        LevelConstraints { spatial_x: outputs, spatial_y: outputs, ..holds(&[WEIGHTS], DimSet::EMPTY) };
    levels[ACTIVATION] = holds(&[INPUTS, OUTPUTS], DimSet::EMPTY);
    levels[DRAM] = holds(&[WEIGHTS, INPUTS, OUTPUTS], outputs);
    MappingConstraints { levels }
}
