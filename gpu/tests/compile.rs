//! Every statically feasible kernel compiles, without a GPU.

use std::time::Duration;

use tapeout_gpu::{CompileError, GpuArchitecture, KernelSource};
use tapeout_simulators::gpu_gemm::{Operands, Tile};

use crate::sample::{nvrtc, published, tiles};

/// Tiles of each pair of types and each device: 324 in all.
const TILES: usize = 9;

/// Claim: no tile of the raw space that obeys all static rules is refused by the compiler or its assembler.
fn random_tiles_compile(device_id: &str) {
    let Some(nvrtc) = nvrtc() else { return };
    for operands in Operands::ALL {
        let gemm = published(operands);
        let (device, tiles) = tiles(device_id, &gemm, TILES);
        for tile in tiles {
            let source = KernelSource::for_tile(&tile, &gemm);
            let cubin = nvrtc.compile(&source, GpuArchitecture::of(&device));
            let report = cubin.unwrap_or_else(|error| panic!("{tile:?} {operands}: {error}")).report;
            assert!((16..=255).contains(&report.registers), "{report:?}");
            // Each warp multiplies its share of a step with as many instructions of 16x8x16.
            let least = tile.warp_m / 16 * (tile.warp_n / 8);
            assert!(report.instructions.tensor >= least, "{tile:?} {operands}: {report:?}");
        }
    }
}

#[test]
fn random_tiles_compile_for_sm_80() {
    random_tiles_compile("a100");
}

#[test]
fn random_tiles_compile_for_sm_89() {
    random_tiles_compile("l40s");
}

#[test]
fn random_tiles_compile_for_sm_90() {
    random_tiles_compile("h100");
}

/// 128 threads of 64x64 sums hold 128 of them each, which does not fit into the 64 registers that eight blocks leave them.
#[test]
fn a_kernel_that_is_left_too_few_registers_spills() {
    let Some(nvrtc) = nvrtc() else { return };
    let spilled = |min_blocks| {
        let tile = Tile { min_blocks, block_k: 16, stages: 2, ..Tile::default() };
        let source = KernelSource::for_tile(&tile, &published(Operands::F16_F16));
        nvrtc.compile(&source, GpuArchitecture::new(80)).unwrap().report.spill_store_byte
    };
    assert_eq!(spilled(1), 0);
    assert!(spilled(8) > 64 * 4);
}

#[test]
fn what_does_not_compile_is_refused_with_the_reason() {
    let Some(nvrtc) = nvrtc() else { return };
    // 48 columns are no whole number of warps of 64, and nothing is left of the block.
    let tile = Tile { block_n: 48, ..Tile::default() };
    let source = KernelSource::for_tile(&tile, &published(Operands::F16_U8));
    let error = nvrtc.compile(&source, GpuArchitecture::new(80)).unwrap_err();
    assert!(matches!(&error, CompileError::Refused { log, .. } if log.contains("error")), "{error}");
}

#[test]
fn a_compiler_that_takes_too_long_is_not_waited_for() {
    let Some(nvrtc) = nvrtc() else { return };
    let source = KernelSource::for_tile(&Tile::default(), &published(Operands::F16_U8));
    let limit = Duration::from_millis(1);
    let error = nvrtc.compile_within(&source, GpuArchitecture::new(80), limit).unwrap_err();
    assert_eq!(error.to_string(), "kernel does not compile for sm_80 within 0.001 s");
}
