use super::*;
use tapeout_core::{Seed, Value};
use tapeout_simulators::gpu_gemm::{Operands, device, static_fault};

fn gemm(operands: Operands) -> Gemm {
    Gemm::new(3456, 4096, 2048, operands)
}

fn space(device_id: &str, operands: Operands, encoding: TileEncoding) -> TileSpace {
    TileSpace::new(&gemm(operands), &device(device_id).unwrap(), encoding).unwrap()
}

/// Kernels of the raw space for `f16-u8`, counted one by one in plain arithmetic; `published` ones are those whose blocks
/// divide 3456 x 4096, of at least 32 rows and without the unpacked conversion.
fn count(device: &Device, published: bool) -> u128 {
    let mut n_legal = 0;
    // 3456 = 2^7 * 27, 4096 = 2^12.
    let counts = |block: u32, extent: u32| !published || extent.is_multiple_of(block);
    let rows = [16, 32, 64, 96, 128, 192, 256];
    for block_m in rows.into_iter().filter(|&block| counts(block, 3456) && (block >= 32 || !published)) {
        for block_n in [16, 32, 64, 96, 128, 192, 256].into_iter().filter(|&block| counts(block, 4096)) {
            for warp_m in [16, 32, 48, 64, 96, 128].into_iter().filter(|warp| block_m % warp == 0) {
                for warp_n in [8, 16, 24, 32, 48, 64, 96, 128].into_iter().filter(|warp| block_n % warp == 0)
                {
                    let threads = block_m / warp_m * (block_n / warp_n) * 32;
                    if threads > 1024 || warp_m * warp_n >= 240 * 32 {
                        continue;
                    }
                    for block_k in [16, 32, 64, 128] {
                        let copied = [4, 8, 16].into_iter().filter(|width| {
                            block_m * block_k * 2 % (threads * width) == 0
                                && block_n * block_k % (threads * width) == 0
                        });
                        let mut n_pipelines = 0;
                        for stages in [2, 3, 4, 5, 6, 8] {
                            for padding in [0, 0, 16] {
                                let rows = block_m * (block_k * 2 + padding) + block_n * (block_k + padding);
                                let fits = |blocks: &u32| {
                                    stages * rows <= device.shared_per_block_byte
                                        && blocks * (stages * rows + 1024) <= device.shared_per_sm_byte
                                        && blocks * threads <= device.threads_per_sm()
                                };
                                n_pipelines += (1..=4).filter(fits).count();
                            }
                        }
                        // Conversions, 4 layouts, 5 raster groups, 4 split-K: 2048 has 16 steps at least.
                        let n_conversions = if published { 3 } else { 4 };
                        n_legal += copied.count() * n_pipelines * n_conversions * 4 * 5 * 4;
                    }
                }
            }
        }
    }
    n_legal as u128
}

/// Claim: of the published space (3.92, 2.62 and 4.76 % of 418,037,760 are kernels) as many are kernels here; blocks that
/// do not divide the product, blocks of 16 rows and the unpacked conversion come on top, and the rules count as plain
/// arithmetic does.
#[test]
fn the_raw_space_is_the_published_one_and_more() {
    for (id, published, all) in [
        ("a100", 16_399_920, 37_126_720),
        ("rtx-4090", 10_930_320, 24_453_440),
        ("h100", 19_886_640, 45_883_840),
    ] {
        let of_device = device(id).unwrap();
        assert_eq!((count(&of_device, true), count(&of_device, false)), (published, all), "{id}");
        let raw = space(id, Operands::F16_U8, TileEncoding::Raw);
        assert_eq!(raw.space().n_combinations(), 418_037_760 / 6 * 7 / 3 * 4);
        assert_eq!(raw.space().cardinality(), all, "{id}");
    }
}

/// Claim: more of the structured space is legal than of the raw one: 21.0 % against 5.7 %. The count is what was found,
/// pinned so that a change of rules shows.
#[test]
fn the_structured_space_is_denser() {
    let structured = space("a100", Operands::F16_U8, TileEncoding::Structured);
    assert_eq!(structured.space().n_combinations(), 212_336_640);
    assert_eq!(structured.space().cardinality(), 44_508_480);
}

#[test]
fn every_design_is_a_kernel() {
    let mut rng = Seed::new(0).stream("test");
    for encoding in [TileEncoding::Raw, TileEncoding::Structured] {
        for operands in Operands::ALL {
            let (device, gemm) = (device("l40s").unwrap(), gemm(operands));
            let tiles = TileSpace::new(&gemm, &device, encoding).unwrap();
            for _ in 0..200 {
                let tile = tiles.tile(&tiles.space().sample(&mut rng));
                assert_eq!(static_fault(&tile, &gemm, &device), None, "{operands} {tile:?}");
            }
        }
    }
}

/// Claim: both encodings say the same of the same kernel.
#[test]
fn a_tile_can_be_written_either_way() {
    let raw = space("a100", Operands::F16_U8, TileEncoding::Raw);
    let structured = space("a100", Operands::F16_U8, TileEncoding::Structured);
    let shared = [
        ("block_k", Value::from(64)),
        ("stages", Value::from(4)),
        ("swizzle", Value::from("pad16")),
        ("copy_byte", Value::from(8)),
        ("conversion", Value::from("alternative")),
        ("layout", Value::from("k-permuted")),
        ("min_blocks", Value::from(1)),
        ("raster_group", Value::from(4)),
        ("split_k", Value::from(2)),
    ];
    let extents = [("block_m", 128), ("block_n", 64), ("warp_m", 64), ("warp_n", 32)];
    let factors = [("warps_m", 2), ("warps_n", 2), ("mma_m", 4), ("mma_n", 4)];
    let with = |numbers: [(&'static str, i64); 4]| {
        shared.clone().into_iter().chain(numbers.map(|(name, number)| (name, Value::from(number))))
    };
    let one = raw.tile(&raw.space().design_of(with(extents)).unwrap());
    let other = structured.tile(&structured.space().design_of(with(factors)).unwrap());
    assert_eq!(one, other);
    assert_eq!((one.block_m, one.warp_n, one.stages, one.copy_byte, one.split_k), (128, 32, 4, 8, 2));
}

/// Claim: a design that breaks a rule is told which and by how much. Eight stages of 24 KiB are 29,696 byte too many.
#[test]
fn a_broken_rule_is_named_with_its_excess() {
    let raw = space("a100", Operands::F16_U8, TileEncoding::Raw);
    let tile = raw.space().design_of([
        ("block_m", Value::from(128)),
        ("block_n", Value::from(128)),
        ("block_k", Value::from(64)),
        ("warp_m", Value::from(64)),
        ("warp_n", Value::from(64)),
        ("stages", Value::from(8)),
        ("swizzle", Value::from("xor")),
        ("copy_byte", Value::from(16)),
        ("conversion", Value::from("fast")),
        ("layout", Value::from("shuffle")),
        ("min_blocks", Value::from(1)),
        ("raster_group", Value::from(1)),
        ("split_k", Value::from(1)),
    ]);
    let message = tile.unwrap_err().to_string();
    assert!(message.starts_with("rule `shared_per_block`"), "{message}");
    assert!(message.contains("<= 166912 byte") && message.contains("violation 29696"), "{message}");
}

#[test]
fn baselines_have_neither_conversion_nor_layout() {
    let names = |operands| {
        let space = space("a100", operands, TileEncoding::Raw);
        space.space().parameters().iter().map(|parameter| parameter.name().to_owned()).collect::<Vec<_>>()
    };
    let (mixed, baseline) = (names(Operands::F16_U8), names(Operands::F16_F16));
    let extra: Vec<&String> = mixed.iter().filter(|name| !baseline.contains(name)).collect();
    assert_eq!(extra, ["conversion", "layout"]);
}

/// Claim: whatever the extents, there are kernels, down to one element, in both encodings, for all types and alignments.
#[test]
fn products_of_any_extents_have_kernels() {
    let mut rng = Seed::new(0).stream("test");
    let device = device("rtx-4090").unwrap();
    let shapes = [[1, 1, 1], [1, 14_336, 4096], [5, 3, 31], [100, 4097, 2048], [1 << 20, 8, 1 << 20]];
    for encoding in [TileEncoding::Raw, TileEncoding::Structured] {
        for (operands, [m, n, k]) in Operands::ALL.into_iter().zip(shapes.into_iter().cycle()) {
            let gemm = Gemm { batch: 65_535, alignment_byte: 4, ..Gemm::new(m, n, k, operands) };
            gemm.check().unwrap();
            let tiles = TileSpace::new(&gemm, &device, encoding).unwrap();
            let tile = tiles.tile(&tiles.space().sample(&mut rng));
            assert_eq!(static_fault(&tile, &gemm, &device), None, "{gemm:?}");
            assert_eq!(tile.copy_byte, 4, "rows at multiples of 4 byte take copies of 4");
        }
    }
}

/// Law: writing a tile down as a design and reading it back changes nothing, in either encoding, whichever it was drawn from,
/// and with or without conversion; and a space of some tiles has these and no others.
#[test]
fn a_space_of_tiles_holds_exactly_these() {
    let mut rng = Seed::new(0).stream("test");
    for encoding in [TileEncoding::Raw, TileEncoding::Structured] {
        for (drawn, operands) in [
            (TileEncoding::Raw, Operands::F16_U8),
            (TileEncoding::Structured, Operands::F16_U8),
            (TileEncoding::Structured, Operands::F16_F16),
        ] {
            let all = space("a100", operands, drawn);
            let tiles: Vec<_> = (0..50).map(|_| all.tile(&all.space().sample(&mut rng))).collect();
            let some = TileSpace::of_tiles(&gemm(operands), &tiles, encoding).unwrap();
            let held: Vec<_> = some.space().iter().map(|design| some.tile(&design)).collect();
            assert!(tiles.iter().all(|tile| held.contains(tile)), "{operands}");
            assert!(held.iter().all(|tile| tiles.contains(tile)), "{operands}");
        }
    }
}
