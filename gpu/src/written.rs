//! Products, tiles and stages as they are written in tables and messages: by name, whatever the types look like.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tapeout_simulators::gpu_gemm::{
    Conversion, Gemm, Layout, Operands, Output, Scaling, Stage, Swizzle, Tile,
};

/// A product.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenGemm {
    m: u32,
    n: u32,
    k: u32,
    types: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    batch: u32,
    #[serde(default = "whole_copies", skip_serializing_if = "is_whole_copies")]
    alignment_byte: u32,
    /// 0 if nothing is scaled.
    #[serde(default, skip_serializing_if = "is_default")]
    group: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    zero_points: bool,
    /// None if it is single precision.
    #[serde(default, skip_serializing_if = "is_default")]
    output: Option<String>,
}

fn is_default<T: PartialEq + Default>(value: &T) -> bool {
    *value == T::default()
}

const fn one() -> u32 {
    1
}

const fn is_one(batch: &u32) -> bool {
    *batch == one()
}

/// What tables of version 1 that name no alignment were measured with.
const fn whole_copies() -> u32 {
    16
}

const fn is_whole_copies(alignment_byte: &u32) -> bool {
    *alignment_byte == whole_copies()
}

impl WrittenGemm {
    pub(crate) fn serialize<S: Serializer>(gemm: &Gemm, serializer: S) -> Result<S::Ok, S::Error> {
        let types = gemm.operands.name().to_owned();
        let &Gemm { m, n, k, batch, alignment_byte, scaling, output, .. } = gemm;
        let output = (output != Output::F32).then(|| output.name().to_owned());
        let (group, zero_points) = scaling.map_or((0, false), |scaling| (scaling.group, scaling.zero_points));
        let written = Self { m, n, k, types, batch, alignment_byte, group, zero_points, output };
        Serialize::serialize(&written, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Gemm, D::Error> {
        let written = <Self as Deserialize>::deserialize(deserializer)?;
        let operands: Operands = written.types.parse().map_err(D::Error::custom)?;
        let Self { m, n, k, batch, alignment_byte, group, zero_points, .. } = written;
        let scaling = (group > 0 || zero_points).then_some(Scaling { group, zero_points });
        let output = written.output.as_deref().unwrap_or("f32").parse().map_err(D::Error::custom)?;
        let gemm = Gemm { batch, alignment_byte, scaling, output, ..Gemm::new(m, n, k, operands) };
        gemm.check().map_err(|error| D::Error::custom(format!("`{}`: {error}", error.extent)))?;
        Ok(gemm)
    }
}

/// A tile.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenTile {
    block_m: u32,
    block_n: u32,
    block_k: u32,
    warp_m: u32,
    warp_n: u32,
    stages: u32,
    swizzle: String,
    copy_byte: u32,
    conversion: String,
    layout: String,
    min_blocks: u32,
    raster_group: u32,
    split_k: u32,
}

impl WrittenTile {
    pub(crate) fn serialize<S: Serializer>(tile: &Tile, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Self {
            block_m: tile.block_m,
            block_n: tile.block_n,
            block_k: tile.block_k,
            warp_m: tile.warp_m,
            warp_n: tile.warp_n,
            stages: tile.stages,
            swizzle: name::<_, S>("swizzle", Swizzle::ALL, tile.swizzle)?,
            copy_byte: tile.copy_byte,
            conversion: name::<_, S>("conversion", Conversion::ALL, tile.conversion)?,
            layout: name::<_, S>("layout", Layout::ALL, tile.layout)?,
            min_blocks: tile.min_blocks,
            raster_group: tile.raster_group,
            split_k: tile.split_k,
        };
        Serialize::serialize(&written, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tile, D::Error> {
        let written = <Self as Deserialize>::deserialize(deserializer)?;
        let tile = Tile {
            block_m: written.block_m,
            block_n: written.block_n,
            block_k: written.block_k,
            warp_m: written.warp_m,
            warp_n: written.warp_n,
            stages: written.stages,
            swizzle: written.swizzle.parse().map_err(D::Error::custom)?,
            copy_byte: written.copy_byte,
            conversion: written.conversion.parse().map_err(D::Error::custom)?,
            layout: written.layout.parse().map_err(D::Error::custom)?,
            min_blocks: written.min_blocks,
            raster_group: written.raster_group,
            split_k: written.split_k,
        };
        let extents = [
            ("block_m", tile.block_m),
            ("block_n", tile.block_n),
            ("block_k", tile.block_k),
            ("warp_m", tile.warp_m),
            ("warp_n", tile.warp_n),
            ("split_k", tile.split_k),
        ];
        for (name, extent) in extents {
            above_zero::<D>(name, extent)?;
        }
        Ok(tile)
    }
}

/// Tiles and products are divided by their extents.
fn above_zero<'de, D: Deserializer<'de>>(name: &str, extent: u32) -> Result<(), D::Error> {
    if extent == 0 { Err(D::Error::custom(format!("`{name}` is 0; expected 1 or more"))) } else { Ok(()) }
}

fn name<T: PartialEq + Copy, S: Serializer>(
    what: &str,
    all: impl IntoIterator<Item = (&'static str, T)>,
    value: T,
) -> Result<String, S::Error> {
    let row = all.into_iter().find(|&(_, candidate)| candidate == value);
    row.map(|(name, _)| name.to_owned())
        .ok_or_else(|| S::Error::custom(format!("this {what} has no name: design spaces do not offer it")))
}

/// When a fault shows.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Stage", rename_all = "lowercase")]
pub(crate) enum WrittenStage {
    Static,
    Compile,
    Launch,
    Run,
}
