//! Kernels compute the product: their PTX, run instruction by instruction, gives what integers give.

use std::panic::catch_unwind;

use half::{bf16, f16};
use tapeout_core::Seed;
use tapeout_gpu::{GpuArchitecture, KernelSource, LaunchGeometry, NarrowOrder, Nvrtc};
use tapeout_simulators::gpu_gemm::{Conversion, Device, ElementType, Gemm, Layout, Operands, Tile, device};

use crate::golden::goldens;
use crate::ptx::{Block, Global, Program, run};
use crate::sample::{nvrtc, published, tiles};

/// The integer that a code stands for.
fn integer(element: ElementType, code: u8) -> i64 {
    match element {
        ElementType::U8 => i64::from(code),
        ElementType::S8 => i64::from(code as i8),
        ElementType::U4 => i64::from(code & 15),
        ElementType::S4 => i64::from((code << 4) as i8 >> 4),
        ElementType::F16 | ElementType::Bf16 => i64::from(code as i8),
    }
}

/// An operand of `rows` by `k` random elements: as integers, and as the kernel wants it.
fn operand(
    element: ElementType,
    order: Option<&NarrowOrder>,
    count: usize,
    purpose: &str,
) -> (Vec<i64>, Vec<u8>) {
    use rand::RngExt;
    let mut rng = Seed::new(1).stream(purpose);
    let is_wide = element.bits() == 16;
    // Wide numbers stay small, so that all sums are exact in single precision.
    let codes: Vec<u8> = (0..count)
        .map(|_| if is_wide { rng.random_range(-15_i8..=15) as u8 } else { rng.random() })
        .collect();
    let integers: Vec<i64> = codes.iter().map(|&code| integer(element, code)).collect();
    let bytes = match element {
        ElementType::F16 => integers.iter().flat_map(|&x| f16::from_f64(x as f64).to_le_bytes()).collect(),
        ElementType::Bf16 => integers.iter().flat_map(|&x| bf16::from_f64(x as f64).to_le_bytes()).collect(),
        _ => order.expect("a narrow operand has an order").pack(&codes),
    };
    (integers, bytes)
}

/// Compiles the kernel for `device`, runs all its blocks, and compares with the product in integers.
fn check(nvrtc: Nvrtc, tile: &Tile, gemm: &Gemm, device: &Device) {
    let source = KernelSource::for_tile(tile, gemm);
    let cubin = nvrtc
        .compile(&source, GpuArchitecture::of(device))
        .unwrap_or_else(|error| panic!("{tile:?} {gemm:?}: {error}"));
    check_ptx(&cubin.ptx, source.launch(), tile, gemm);
}

fn check_ptx(ptx: &str, launch: LaunchGeometry, tile: &Tile, gemm: &Gemm) {
    let program = Program::read(ptx);
    let [m, n, k] = [gemm.m, gemm.n, gemm.k].map(|extent| extent as usize);
    let order = NarrowOrder::of(tile, gemm);
    let (a, a_bytes) = operand(gemm.operands.a(), order.as_ref(), m * k, "a");
    let (b, b_bytes) = operand(gemm.operands.b(), order.as_ref(), n * k, "b");
    let poison = if launch.adds_to_product { 0.0 } else { f32::NAN };
    let mut global =
        Global { operands: [a_bytes, b_bytes], product: vec![poison; m * n], writes: vec![0; m * n] };
    for y in 0..launch.grid[1] {
        for x in 0..launch.grid[0] {
            let (threads, shared_byte) = (launch.block[0] as usize, launch.shared_byte as usize);
            run(&program, Block { index: [x, y], threads, shared_byte }, &mut global);
        }
    }
    for row in 0..m {
        for column in 0..n {
            let (a, b) = (&a[row * k..][..k], &b[column * k..][..k]);
            let expected: i64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
            let element = row * n + column;
            assert_eq!(
                global.writes[element], tile.split_k,
                "writes of ({row}, {column}), {tile:?} {gemm:?}"
            );
            assert_eq!(
                f64::from(global.product[element]),
                expected as f64,
                "({row}, {column}), {tile:?} {gemm:?}"
            );
        }
    }
}

/// Claim: kernels of each layout compute the product; their PTX is kept, so this needs no compiler.
#[test]
fn kept_kernels_compute_the_product() {
    for golden in goldens() {
        let path = golden.path();
        let ptx =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            ptx.lines().next(),
            Some(golden.head().as_str()),
            "{} was made of another source; `cargo run -p tapeout-gpu --example golden_ptx` makes it again",
            path.display()
        );
        check_ptx(
            &ptx,
            KernelSource::for_tile(&golden.tile, &golden.gemm).launch(),
            &golden.tile,
            &golden.gemm,
        );
    }
}

/// Claim: the machine notices what would go wrong on a device: no barrier, too short a wait, a byte in the wrong place, a
/// lane that asks the wrong one, a copy into a stage still in use.
#[test]
fn the_machine_notices_broken_kernels() {
    let Some(nvrtc) = nvrtc() else { return };
    let tile = Tile { block_m: 32, block_n: 32, warp_m: 16, warp_n: 32, ..Tile::default() };
    let gemm = Gemm { m: 32, n: 32, k: 64 * 6, operands: Operands::F16_U8 };
    let source = KernelSource::for_tile(&tile, &gemm);
    let ptx = nvrtc.compile(&source, GpuArchitecture::new(80)).unwrap().ptx;
    let breaks = |from: &str, to: &str| {
        assert!(ptx.contains(from), "`{from}` is in the kernel");
        let broken = ptx.replace(from, to);
        catch_unwind(|| check_ptx(&broken, source.launch(), &tile, &gemm)).is_err()
    };
    assert!(!breaks("bar.sync", "bar.sync"));
    assert!(breaks("bar.sync \t0;", ""));
    assert!(breaks("cp.async.wait_group 1;", "cp.async.wait_group 2;"));
    assert!(breaks(", 20816;", ", 20817;"), "0x5150 takes bytes 0 and 1, 0x5151 byte 1 twice");
    assert!(breaks(", 30258, 21520,", ", 21520, 30258,"), "odd lanes take upper halves");
}

/// Claim: each conversion of each type with each layout is right, to the last bit of the product.
#[test]
fn every_conversion_and_layout_computes_the_product() {
    let Some(nvrtc) = nvrtc() else { return };
    let device = device("a100").unwrap();
    let tile = Tile { block_m: 32, block_n: 32, warp_m: 16, warp_n: 32, ..Tile::default() };
    for operands in Operands::ALL {
        let gemm = Gemm { m: 32, n: 32, k: 128, operands };
        for (_, layout) in Layout::ALL {
            for conversion in
                [Conversion::Naive, Conversion::Unpacked, Conversion::Fast, Conversion::Alternative]
            {
                check(nvrtc, &Tile { conversion, layout, ..tile }, &gemm, &device);
            }
        }
    }
}

/// Claim: whatever the tile, each element of the product is right and written once for each slice of the depth, no byte
/// of shared memory is read before it has arrived, and none is overwritten before all have read it.
fn random_tiles_compute_the_product(device_id: &str) {
    let Some(nvrtc) = nvrtc() else { return };
    for operands in Operands::ALL {
        let (device, tiles) = tiles(device_id, &published(operands), TILES);
        for tile in tiles {
            let steps = tile.stages + 1;
            let [m, n, k] = [tile.block_m, 2 * tile.block_n, steps * tile.split_k * tile.block_k];
            check(nvrtc, &tile, &Gemm { m, n, k, operands }, &device);
        }
    }
}

/// Tiles of each pair of types and each device. Each takes about a second.
const TILES: usize = 2;

#[test]
fn random_tiles_compute_the_product_on_sm_80() {
    random_tiles_compute_the_product("a100");
}

#[test]
fn random_tiles_compute_the_product_on_sm_89() {
    random_tiles_compute_the_product("l40s");
}

#[test]
fn random_tiles_compute_the_product_on_sm_90() {
    random_tiles_compute_the_product("h100");
}

/// Claim: blocks walk over all tiles, also where the rows of tiles are no whole number of groups, and where there are fewer
/// steps than stages.
#[test]
fn every_walk_over_the_tiles_covers_the_product() {
    let Some(nvrtc) = nvrtc() else { return };
    let device = device("h100").unwrap();
    for (raster_group, split_k) in [(1, 1), (2, 2), (4, 1), (16, 4)] {
        let tile = Tile {
            block_m: 32,
            block_n: 16,
            warp_m: 16,
            warp_n: 8,
            stages: 4,
            copy_byte: 8,
            raster_group,
            split_k,
            ..Tile::default()
        };
        let gemm = Gemm { m: 7 * 32, n: 3 * 16, k: 64 * 4, operands: Operands::F16_S8 };
        check(nvrtc, &tile, &gemm, &device);
    }
}
