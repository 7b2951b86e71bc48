//! Kernels compute the product: their PTX, run instruction by instruction, gives what integers give.

use std::panic::catch_unwind;

use half::{bf16, f16};
use tapeout_core::{Seed, Stream};
use tapeout_gpu::{GpuArchitecture, KernelSource, LaunchGeometry, NarrowOrder, Nvrtc};
use tapeout_simulators::gpu_gemm::{
    Conversion, Device, ElementType, Gemm, Layout, NarrowSide, Operands, Output, Scaling, Tile, device,
};

use crate::golden::goldens;
use crate::ptx::{Block, Global, Program, run};
use crate::sample::{nvrtc, published, tiles};

/// The number that a code stands for; of wide types, which stand for integers here, that integer.
fn number(element: ElementType, code: u8) -> f64 {
    match element {
        ElementType::U8 => f64::from(code),
        ElementType::S8 => f64::from(code as i8),
        ElementType::U4 => f64::from(code & 15),
        ElementType::S4 => f64::from((code << 4) as i8 >> 4),
        ElementType::E4m3 => small_float(code, [4, 3]),
        ElementType::E5m2 => small_float(code, [5, 2]),
        ElementType::E2m1 => small_float(code, [2, 1]),
        ElementType::F16 | ElementType::Bf16 => f64::from(code as i8),
    }
}

/// A finite floating-point number: its sign, so many bits of exponent and of mantissa.
/// Source: of eight bits Micikevicius et al. (2022), arXiv:2209.05433, table 1; of four "OCP Microscaling Formats (MX) Specification" 1.0
/// (2023), section 5.3.3.
fn small_float(code: u8, [exponent_bits, mantissa]: [u32; 2]) -> f64 {
    let sign = 1 << (exponent_bits + mantissa);
    let exponent = i32::from(code & (sign - 1)) >> mantissa;
    let bias = (1 << (exponent_bits - 1)) - 1;
    let fraction = f64::from(code & ((1 << mantissa) - 1)) / f64::from(1 << mantissa);
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(1 - bias),
        _ => (1.0 + fraction) * 2_f64.powi(exponent - bias),
    };
    if code & sign == 0 { magnitude } else { -magnitude }
}

/// A code whose number is small and short enough that all sums are exact in single precision.
fn short(element: ElementType, rng: &mut Stream) -> u8 {
    use rand::RngExt;
    let sign_and_mantissa = |mask: u8, rng: &mut Stream| rng.random::<u8>() & mask;
    match element {
        ElementType::F16 | ElementType::Bf16 => rng.random_range(-15_i8..=15) as u8,
        ElementType::E4m3 => sign_and_mantissa(0x87, rng) | rng.random_range(5_u8..=9) << 3,
        ElementType::E5m2 => sign_and_mantissa(0x83, rng) | rng.random_range(13_u8..=17) << 2,
        _ => rng.random(),
    }
}

/// So many random codes.
fn random(element: ElementType, count: u32, purpose: &str) -> Vec<u8> {
    let mut rng = Seed::new(1).stream(purpose);
    (0..count).map(|_| short(element, &mut rng)).collect()
}

/// The bytes of `number` in a wide type.
fn encode(wide: ElementType, number: f64) -> [u8; 2] {
    if wide == ElementType::Bf16 {
        bf16::from_f64(number).to_le_bytes()
    } else {
        f16::from_f64(number).to_le_bytes()
    }
}

/// `number`, rounded to a wide type.
fn rounded(wide: ElementType, number: f64) -> f64 {
    if wide == ElementType::Bf16 { bf16::from_f64(number).to_f64() } else { f16::from_f64(number).to_f64() }
}

/// Scales with which all sums stay exact: powers of two.
const EXACT: [f64; 3] = [0.5, 1.0, 2.0];

/// The zero point, a multiple of the second of `scales`, and the scale, one of them, of a group of a row of a product.
fn zero_and_scale(scales: [f64; 3], [product, group, row]: [usize; 3]) -> (f64, f64) {
    ((product + 2 * group + 5 * row) as f64 % 16.0 * scales[1], scales[(product + 3 * group / 2 + row) % 3])
}

/// An operand of these codes, scaled by `scales` if it is scaled at all: the numbers that it stands for, and as the kernel wants it.
fn operand(
    element: ElementType,
    order: Option<&NarrowOrder>,
    codes: &[u8],
    scales: [f64; 3],
    gemm: &Gemm,
) -> (Vec<f64>, Vec<u8>) {
    let (k, batch) = (gemm.k as usize, gemm.batch as usize);
    let rows = codes.len() / k / batch;
    let mut numbers: Vec<f64> = codes.iter().map(|&code| number(element, code)).collect();
    if element.bits() == 16 {
        let row = |row: &[f64]| {
            let mut bytes: Vec<u8> = row.iter().flat_map(|&x| encode(element, x)).collect();
            // What lies between rows must not be used: here it is no number.
            bytes.resize(gemm.row_pitch_byte(element) as usize, 0xff);
            bytes
        };
        let bytes = numbers.chunks(k).flat_map(row).collect();
        return (numbers, bytes);
    }
    let mut bytes = order.expect("a narrow operand has an order").pack(codes, k);
    if let Some((scaling, (_, wide))) = gemm.scaling.zip(gemm.operands.conversion()) {
        let group = scaling.group as usize;
        for (index, number) in numbers.iter_mut().enumerate() {
            let (zero, scale) =
                zero_and_scale(scales, [index / k / rows, index % k / group, index / k % rows]);
            let centred =
                rounded(wide, *number - if scaling.zero_points { rounded(wide, zero) } else { 0.0 });
            *number = rounded(wide, centred * rounded(wide, scale));
        }
        let groups = k.div_ceil(group);
        let places = || (0..batch * groups * rows).map(|i| [i / rows / groups, i / rows % groups, i % rows]);
        bytes.extend(places().flat_map(|place| encode(wide, zero_and_scale(scales, place).1)));
        if scaling.zero_points {
            bytes.extend(places().flat_map(|place| encode(wide, zero_and_scale(scales, place).0)));
        }
    }
    assert_eq!(
        bytes.len() as u64,
        gemm.stored_byte().into_iter().nth(usize::from(gemm.operands.a() != element)).unwrap()
    );
    (numbers, bytes)
}

/// Compiles the kernel for `device`, runs all its blocks, and compares with the product in double precision, which is exact.
fn check(nvrtc: Nvrtc, tile: &Tile, gemm: &Gemm, device: &Device) {
    let source = KernelSource::for_tile(tile, gemm);
    let cubin = nvrtc
        .compile(&source, GpuArchitecture::of(device))
        .unwrap_or_else(|error| panic!("{tile:?} {gemm:?}: {error}"));
    check_ptx(&cubin.ptx, source.launch(), tile, gemm);
}

fn check_ptx(ptx: &str, launch: LaunchGeometry, tile: &Tile, gemm: &Gemm) {
    let [a, b] = [(gemm.operands.a(), gemm.m, "a"), (gemm.operands.b(), gemm.n, "b")]
        .map(|(element, rows, purpose)| random(element, gemm.batch * rows * gemm.k, purpose));
    check_codes(ptx, launch, tile, gemm, Inputs { codes: [&a, &b], scales: EXACT });
}

/// What operands are made of.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    codes: [&'a [u8]; 2],
    scales: [f64; 3],
}

fn check_codes(ptx: &str, launch: LaunchGeometry, tile: &Tile, gemm: &Gemm, inputs: Inputs<'_>) {
    let Inputs { codes, scales } = inputs;
    let program = Program::read(ptx);
    let [m, n, k, batch] = [gemm.m, gemm.n, gemm.k, gemm.batch].map(|extent| extent as usize);
    let order = NarrowOrder::of(tile, gemm);
    let (a, a_bytes) = operand(gemm.operands.a(), order.as_ref(), codes[0], scales, gemm);
    let (b, b_bytes) = operand(gemm.operands.b(), order.as_ref(), codes[1], scales, gemm);
    let poison = if launch.adds_to_product { 0 } else { u32::MAX };
    let count = batch * m * n;
    let mut global = Global {
        operands: [a_bytes, b_bytes],
        product: vec![poison; count],
        element_byte: gemm.output.bytes() as usize,
        writes: vec![0; count],
    };
    for index in blocks(launch.grid) {
        let (threads, shared_byte) = (launch.block[0] as usize, launch.shared_byte as usize);
        run(&program, Block { index, threads, shared_byte }, &mut global);
    }
    for element in 0..count {
        let (product, row, column) = (element / (m * n), element / n % m, element % n);
        let (a, b) = (&a[(product * m + row) * k..][..k], &b[(product * n + column) * k..][..k]);
        let expected: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
        let place = || format!("({product}, {row}, {column}), {tile:?} {gemm:?}");
        assert_eq!(global.writes[element], tile.split_k, "writes of {}", place());
        let bits = global.product[element];
        let (got, expected) = match gemm.output {
            Output::F32 => (f64::from(f32::from_bits(bits)), expected),
            Output::F16 => (f16::from_bits(bits as u16).to_f64(), f16::from_f64(expected).to_f64()),
            Output::Bf16 => (bf16::from_bits(bits as u16).to_f64(), bf16::from_f64(expected).to_f64()),
        };
        assert_eq!(got, expected, "{}", place());
    }
}

fn blocks([x, y, z]: [u32; 3]) -> impl Iterator<Item = [u32; 3]> {
    (0..x * y * z).map(move |index| [index % x, index / x % y, index / x / y])
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
    let gemm = Gemm::new(32, 32, 64 * 6, Operands::F16_U8);
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
        let gemm = Gemm::new(32, 32, 128, operands);
        for (_, layout) in Layout::ALL {
            for (_, conversion) in Conversion::ALL {
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
        let (device, tiles) = tiles(device_id, &published(operands), at_least(TILES));
        for tile in tiles {
            let steps = tile.stages + 1;
            let [m, n, k] = [tile.block_m, 2 * tile.block_n, steps * tile.split_k * tile.block_k];
            check(nvrtc, &tile, &Gemm::new(m, n, k, operands), &device);
        }
    }
}

/// Tiles of each pair of types and each device. Each takes about a second.
const TILES: usize = 2;

/// So many tiles, or as many as the environment variable `TAPEOUT_TILES` says when this is compiled, if it says more.
fn at_least(few: usize) -> usize {
    let said =
        option_env!("TAPEOUT_TILES").map(|said| said.parse().expect("TAPEOUT_TILES is a whole number"));
    said.map_or(few, |said: usize| said.max(few))
}

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
        let gemm = Gemm::new(7 * 32, 3 * 16, 64 * 4, Operands::F16_S8);
        check(nvrtc, &tile, &gemm, &device);
    }
}

/// Tiles of each pair of types at each of the shapes.
const ODD_TILES: usize = 1;

/// Claim: no extent has to be a multiple of anything: edges in all three of them, one row, one column, less depth than a step,
/// slices that do not come out even, rows aligned to 4 and to 8 byte, products of a batch. What lies beyond an edge is not
/// read, which the machine sees to, nor written, nor does what lies between padded rows count.
fn odd_shapes_are_computed(types: &[Operands]) {
    let Some(nvrtc) = nvrtc() else { return };
    for (index, &operands) in types.iter().enumerate() {
        for (shape, [m, n, k]) in ODD_SHAPES.into_iter().enumerate() {
            let alignment_byte = [16, 8, 4][(index + shape) % 3];
            let batch = if shape == 0 { 3 } else { 1 };
            let gemm = Gemm { batch, alignment_byte, ..Gemm::new(m, n, k, operands) };
            let (device, tiles) = tiles(["a100", "l40s", "h100"][shape % 3], &gemm, at_least(ODD_TILES));
            for tile in tiles {
                check(nvrtc, &tile, &gemm, &device);
            }
        }
    }
}

const ODD_SHAPES: [[u32; 3]; 5] = [[1, 24, 72], [17, 33, 136], [130, 5, 200], [7, 65, 31], [40, 129, 257]];

#[test]
fn odd_shapes_of_bytes_on_the_right_are_computed() {
    odd_shapes_are_computed(&[Operands::F16_U8, Operands::F16_S8, Operands::BF16_U8, Operands::BF16_S8]);
}

#[test]
fn odd_shapes_of_bytes_on_the_left_are_computed() {
    odd_shapes_are_computed(&[Operands::U8_F16, Operands::S8_F16, Operands::U8_BF16, Operands::S8_BF16]);
}

#[test]
fn odd_shapes_of_four_bits_are_computed() {
    odd_shapes_are_computed(&[Operands::F16_U4, Operands::F16_S4, Operands::BF16_U4, Operands::BF16_S4]);
}

#[test]
fn odd_shapes_of_floating_point_are_computed() {
    let bytes = [Operands::F16_E4M3, Operands::F16_E5M2, Operands::BF16_E4M3, Operands::BF16_E5M2];
    odd_shapes_are_computed(&bytes);
    odd_shapes_are_computed(&[Operands::F16_E2M1, Operands::BF16_E2M1]);
    odd_shapes_are_computed(&[Operands::F16_F16, Operands::BF16_BF16]);
}

/// Claim: each conversion of each type is right for every number that the type has. A product with a diagonal of ones has
/// each of them for itself: 256 codes of a byte in 16 rows of 16 (of what is infinite or no number, the code of one), 16 codes of
/// four bits at each of 32 places.
#[test]
fn every_conversion_is_right_for_every_number() {
    let Some(nvrtc) = nvrtc() else { return };
    for operands in Operands::ALL {
        let Some((narrow, _)) = operands.conversion() else { continue };
        let depth = if narrow.bits() == 4 { 32 } else { 16 };
        let one: u8 = if narrow == ElementType::E4m3 { 0x38 } else { 0x3c };
        let finite = |code: u8| match narrow {
            ElementType::E4m3 if code & 0x7f == 0x7f => one,
            ElementType::E5m2 if code & 0x7c == 0x7c => one,
            _ => code,
        };
        // Row r of four-bit numbers has code (r + k) % 16 at place k.
        let code = |row: u32, k: u32| {
            if narrow.bits() == 4 { ((row + k) % 16) as u8 } else { finite((16 * row + k) as u8) }
        };
        let every: Vec<u8> =
            (0..16).flat_map(|row| (0..depth).map(move |k| (row, k))).map(|(row, k)| code(row, k)).collect();
        let diagonal: Vec<u8> =
            (0..depth).flat_map(|row| (0..depth).map(move |k| u8::from(row == k))).collect();
        let (m, n, codes) = match operands.narrow_side() {
            Some(NarrowSide::A) => (16, depth, [&every[..], &diagonal]),
            _ => (depth, 16, [&diagonal[..], &every]),
        };
        let gemm = Gemm::new(m, n, depth, operands);
        for (_, conversion) in Conversion::ALL {
            let tile = Tile {
                block_m: 16,
                block_n: 16,
                block_k: depth,
                warp_m: 16,
                warp_n: 16,
                stages: 2,
                copy_byte: 8,
                conversion,
                layout: Layout::KPermuted,
                ..Tile::default()
            };
            let source = KernelSource::for_tile(&tile, &gemm);
            let cubin = nvrtc.compile(&source, GpuArchitecture::new(80));
            let ptx = cubin.unwrap_or_else(|error| panic!("{tile:?} {gemm:?}: {error}")).ptx;
            check_codes(&ptx, source.launch(), &tile, &gemm, Inputs { codes, scales: EXACT });
        }
    }
}

/// Claim: weights with a scale for each group, or for each row, with zero points and without, are what their numbers are: in
/// each layout, on either side, at odd extents, in batches.
#[test]
fn scaled_weights_are_computed() {
    let Some(nvrtc) = nvrtc() else { return };
    let cases = [
        (Operands::F16_U8, Layout::Shuffle, 32, true),
        (Operands::F16_U4, Layout::Prepermuted, 128, true),
        (Operands::F16_S4, Layout::KPermuted, 32, false),
        (Operands::BF16_U4, Layout::KPermuted, 64, true),
        (Operands::BF16_S8, Layout::NarrowLoads, 288, false),
        (Operands::U8_F16, Layout::Shuffle, 64, true),
        (Operands::S8_BF16, Layout::Prepermuted, 32, false),
        (Operands::BF16_E4M3, Layout::Shuffle, 288, false),
        (Operands::F16_E5M2, Layout::KPermuted, 128, false),
        (Operands::F16_E2M1, Layout::Prepermuted, 32, false),
        (Operands::BF16_E2M1, Layout::Shuffle, 32, false),
    ];
    for (operands, layout, group, zero_points) in cases {
        let scaling = Some(Scaling { group, zero_points });
        let gemm = Gemm { batch: 2, scaling, ..Gemm::new(19, 37, 272, operands) };
        gemm.check().unwrap();
        let (device, tiles) = tiles("a100", &gemm, 1);
        check(nvrtc, &Tile { layout, ..tiles[0] }, &gemm, &device);
    }
}

/// Claim: an element less its zero point, and that times its scale, are each rounded to the wide type. A product with a diagonal of
/// ones has each of them for itself; scales and zero points are such that all of it has to be rounded.
#[test]
fn scaled_weights_are_rounded_to_the_wide_type() {
    let Some(nvrtc) = nvrtc() else { return };
    for operands in [Operands::F16_U8, Operands::BF16_S8] {
        let scaling = Some(Scaling { group: 32, zero_points: true });
        let gemm = Gemm { scaling, ..Gemm::new(64, 37, 64, operands) };
        let (_, tiles) = tiles("a100", &gemm, 1);
        let source = KernelSource::for_tile(&tiles[0], &gemm);
        let ptx = nvrtc.compile(&source, GpuArchitecture::new(80)).unwrap().ptx;
        let diagonal: Vec<u8> = (0..64).flat_map(|row| (0..64).map(move |k| u8::from(row == k))).collect();
        let codes = random(operands.b(), gemm.n * gemm.k, "rounded");
        let inputs = Inputs { codes: [&diagonal, &codes], scales: [0.1, 0.3, 1.7] };
        check_codes(&ptx, source.launch(), &tiles[0], &gemm, inputs);
    }
}

/// Claim: products in half precision and in bfloat16 are the sums, rounded once: whole and with edges, an odd number of columns.
#[test]
fn short_products_are_rounded_sums() {
    let Some(nvrtc) = nvrtc() else { return };
    for (operands, output) in [
        (Operands::F16_E5M2, Output::F16),
        (Operands::BF16_S4, Output::Bf16),
        (Operands::F16_F16, Output::F16),
        (Operands::BF16_E4M3, Output::Bf16),
    ] {
        for [m, n, k] in [[64, 64, 128], [3, 45, 77]] {
            let gemm = Gemm { output, batch: 2, ..Gemm::new(m, n, k, operands) };
            let (device, tiles) = tiles("a100", &gemm, 1);
            check(nvrtc, &tiles[0], &gemm, &device);
        }
    }
}
