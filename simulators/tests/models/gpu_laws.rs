//! Laws of the tile model: what more hardware, or less work, may never do. Over several thousand kernels drawn from the
//! raw space, on every built-in device.

use std::cell::Cell;

use tapeout_simulators::gpu_gemm::{
    Conversion, DEVICES, Device, Gemm, Layout, MainLoop, Model, Operands, Swizzle, Tile, TileEstimate,
    static_fault,
};

/// A stride through the 650,280,960 raw combinations; prime to them, so that levels come in every company.
const STRIDE: u64 = 20_011;

const SHAPE: Gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);

fn take<T: Copy>(code: &mut u64, levels: &[T]) -> T {
    let level = levels[(*code % levels.len() as u64) as usize];
    *code /= levels.len() as u64;
    level
}

fn tile_at(mut code: u64) -> Tile {
    let code = &mut code;
    Tile {
        block_m: take(code, &[16, 32, 64, 96, 128, 192, 256]),
        block_n: take(code, &[16, 32, 64, 96, 128, 192, 256]),
        block_k: take(code, &[16, 32, 64, 128]),
        warp_m: take(code, &[16, 32, 48, 64, 96, 128]),
        warp_n: take(code, &[8, 16, 24, 32, 48, 64, 96, 128]),
        stages: take(code, &[2, 3, 4, 5, 6, 8]),
        swizzle: take(code, &Swizzle::ALL).1,
        copy_byte: take(code, &[4, 8, 16]),
        conversion: take(code, &Conversion::ALL).1,
        layout: take(code, &Layout::ALL).1,
        min_blocks: take(code, &[1, 2, 3, 4]),
        raster_group: take(code, &[1, 2, 4, 8, 16]),
        split_k: take(code, &[1, 2, 4, 8]),
    }
}

/// Calls `check` with every device, product and kernel of the sample.
fn for_each_kernel(check: impl Fn(&Device, &Gemm, &Tile)) {
    let mut n_kernels = 0;
    for (row, operands) in DEVICES.iter().cycle().zip(Operands::ALL) {
        let (device, gemm) = (row.device(), Gemm { operands, ..SHAPE });
        let tiles = (0..650_280_960 / STRIDE).map(|i| tile_at(i * STRIDE));
        for tile in tiles.filter(|tile| static_fault(tile, &gemm, &device).is_none()) {
            check(&device, &gemm, &tile);
            n_kernels += 1;
        }
    }
    assert!(n_kernels > 10_000, "{n_kernels} kernels are too few to say anything");
}

fn estimate(device: &Device, gemm: &Gemm, tile: &Tile) -> TileEstimate {
    Model::new(device.clone()).estimate(gemm, tile).expect("the kernel is legal")
}

fn is_never_slower(improve: fn(&mut Device)) {
    for_each_kernel(|device, gemm, tile| {
        let mut better = device.clone();
        improve(&mut better);
        let [before, after] = [device, &better].map(|device| estimate(device, gemm, tile).time_s);
        assert!(after <= before, "{}: {before} s to {after} s with {tile:?}", device.id);
    });
}

#[test]
fn more_dram_bandwidth_is_never_slower() {
    is_never_slower(|device| device.dram_byte_per_s *= 1.5);
}

#[test]
fn more_multiprocessors_are_never_slower() {
    is_never_slower(|device| device.n_sms += 7);
}

#[test]
fn a_larger_or_faster_second_level_cache_is_never_slower() {
    is_never_slower(|device| {
        device.l2_byte *= 2.0;
        device.fitted.l2_byte_per_clock *= 2.0;
    });
}

#[test]
fn faster_pipes_are_never_slower() {
    is_never_slower(|device| {
        device.mma_fma_per_clock *= 2.0;
        device.pipes.convert *= 2.0;
        device.pipes.integer *= 2.0;
    });
}

#[test]
fn a_shorter_load_latency_is_never_slower() {
    is_never_slower(|device| device.fitted.l2_latency_cycles *= 0.5);
    is_never_slower(|device| device.fitted.dram_latency_cycles = device.fitted.l2_latency_cycles);
}

#[test]
fn no_kernel_beats_the_peak_or_the_bandwidth_of_its_device() {
    for_each_kernel(|device, gemm, tile| {
        let estimate = estimate(device, gemm, tile);
        let [a, b, c] = gemm.matrix_byte();
        assert!(estimate.dram_byte >= a + b + c);
        assert!(estimate.time_s > estimate.dram_byte / device.dram_byte_per_s);
        assert!(estimate.peak_fraction > 0.0 && estimate.peak_fraction < 1.0, "{tile:?} {estimate:?}");
        assert!(estimate.energy_j <= device.power_w * estimate.time_s);
    });
}

#[test]
fn the_blocks_that_were_asked_for_fit() {
    for_each_kernel(|device, gemm, tile| {
        let occupancy = estimate(device, gemm, tile).occupancy;
        assert!(occupancy.blocks >= tile.min_blocks, "{}: {tile:?} {occupancy:?}", device.id);
    });
}

#[test]
fn less_work_on_the_narrow_operand_is_never_slower() {
    for_each_kernel(|device, gemm, tile| {
        let time_s = |tile: Tile| estimate(device, gemm, &tile).time_s;
        let naive = time_s(Tile { conversion: Conversion::Naive, ..*tile });
        assert!(time_s(Tile { conversion: Conversion::Fast, ..*tile }) <= naive, "{tile:?}");
        let plain = time_s(Tile { layout: Layout::Prepermuted, ..*tile });
        for layout in [Layout::Shuffle, Layout::NarrowLoads] {
            assert!(plain <= time_s(Tile { layout, ..*tile }), "{layout:?} {tile:?}");
        }
        // Without a swizzle the 8-byte loads of permuted k collide in fewer rows than `ldmatrix` does.
        if tile.swizzle != Swizzle::None {
            assert!(plain <= time_s(Tile { layout: Layout::KPermuted, ..*tile }), "{tile:?}");
        }
    });
}

#[test]
fn without_a_swizzle_no_kernel_is_faster() {
    for_each_kernel(|device, gemm, tile| {
        let [none, xor] = [Swizzle::None, Swizzle::Xor]
            .map(|swizzle| estimate(device, gemm, &Tile { swizzle, ..*tile }).time_s);
        // Swapping padding for none keeps a kernel legal: it only shrinks.
        assert!(xor <= none, "{tile:?}");
    });
}

#[test]
fn a_broken_rule_is_named_with_its_excess() {
    let model = Model::new(DEVICES[0].device());
    // Six stages of 24 KiB are 147,456 byte; eight are 196,608, which is 29,696 more than 163 KiB.
    let fault = model.estimate(&SHAPE, &Tile { stages: 8, ..Tile::default() }).unwrap_err();
    assert_eq!(fault.to_string(), "static rule `shared_per_block` is broken by 29696");
}

/// Claim: that pipelines differ in depth alone is seldom without effect: of pairs of kernels that do, at most 5 in 100 are
/// within a thousandth of each other, and none is equal.
#[test]
fn kernels_that_differ_in_depth_alone_seldom_tie() {
    let (n_pairs, n_ties) = (Cell::new(0_u32), Cell::new(0_u32));
    for_each_kernel(|device, gemm, tile| {
        for stages in [2, 3, 4, 5, 6, 8].into_iter().filter(|&stages| stages > tile.stages) {
            let other = Tile { stages, ..*tile };
            if static_fault(&other, gemm, device).is_none() {
                let [one, other] = [tile, &other].map(|tile| estimate(device, gemm, tile).time_s);
                assert_ne!(one, other, "{}: {tile:?} and {stages} stages", device.id);
                n_pairs.set(n_pairs.get() + 1);
                n_ties.set(n_ties.get() + u32::from((one / other - 1.0).abs() < 1e-3));
            }
        }
    });
    let (n_pairs, n_ties) = (n_pairs.get(), n_ties.get());
    assert!(n_pairs > 10_000 && n_ties * 20 <= n_pairs, "{n_ties} of {n_pairs} pairs tie");
}

/// Claim: with the number of blocks on a multiprocessor the same, a deeper pipeline is never slower.
#[test]
fn a_deeper_pipeline_of_as_many_blocks_is_never_slower() {
    for_each_kernel(|device, gemm, tile| {
        let deeper = Tile { stages: tile.stages + 1, ..*tile };
        if static_fault(&deeper, gemm, device).is_none() {
            let [one, other] = [tile, &deeper].map(|tile| estimate(device, gemm, tile));
            let is_alike = one.occupancy.blocks == other.occupancy.blocks;
            assert!(!is_alike || other.time_s < one.time_s, "{}: {tile:?}", device.id);
        }
    });
}

/// Claim: the fastest kernels of large products have deep pipelines, as kernels that people ship have.
#[test]
fn large_products_prefer_deep_pipelines() {
    for id in ["a100", "h100"] {
        for operands in [Operands::F16_F16, Operands::F16_U8] {
            let gemm = Gemm::new(8192, 8192, 8192, operands);
            let device = tapeout_simulators::gpu_gemm::device(id).unwrap();
            let tiles =
                (0..650_280_960 / 3989).map(|i| Tile { copy_byte: 16, split_k: 1, ..tile_at(i * 3989) });
            let legal = tiles.filter(|tile| static_fault(tile, &gemm, &device).is_none());
            let timed = legal.map(|tile| (estimate(&device, &gemm, &tile).time_s, tile));
            let (_, best) = timed.min_by(|(one_s, _), (other_s, _)| one_s.total_cmp(other_s)).unwrap();
            assert!(best.stages >= 3, "{id} {operands}: {best:?}");
        }
    }
}

/// Claim: one more row, column or step of the depth never takes less time, even if a tile is added that is all but empty.
#[test]
fn more_work_is_never_faster_at_the_edge_of_a_tile() {
    let small = |tile: &Tile, gemm: &Gemm, k| Gemm { m: tile.block_m, n: 2 * tile.block_n, k, ..*gemm };
    for_each_kernel(|device, gemm, tile| {
        let whole = small(tile, gemm, tile.block_k * tile.split_k);
        let before_s = estimate(device, &whole, tile).time_s;
        let more = [
            Gemm { m: whole.m + 1, ..whole },
            Gemm { n: whole.n + 1, ..whole },
            Gemm { k: whole.k + 1, ..whole },
            Gemm { batch: 2, ..whole },
        ];
        for more in more {
            let after_s = estimate(device, &more, tile).time_s;
            assert!(
                after_s >= before_s,
                "{}: {tile:?} {whole:?} {before_s} s, {more:?} {after_s} s",
                device.id
            );
        }
    });
}

/// Claim: on 108 multiprocessors, 32 tiles and 64 are one each, so a row more costs but its bytes.
#[test]
fn a_row_in_another_tile_costs_but_its_bytes() {
    let tile = Tile { raster_group: 1, ..Tile::default() };
    let device = tapeout_simulators::gpu_gemm::device("a100").unwrap();
    let one = |m| estimate(&device, &Gemm::new(m, 4096, 4096, Operands::F16_F16), &tile);
    let [whole, more] = [128, 129].map(one);
    assert!(more.time_s >= whole.time_s && more.time_s < 1.01 * whole.time_s, "{whole:?} {more:?}");
    assert_eq!(more.step, whole.step);
}

/// Claim: whatever the extents, the time is above that of the bytes that have to move; more rows never take less time.
#[test]
fn products_of_any_extents_are_bounded_by_their_bytes() {
    let device = tapeout_simulators::gpu_gemm::device("a100").unwrap();
    let tile = Tile { block_m: 16, warp_m: 16, block_n: 128, warp_n: 32, ..Tile::default() };
    let mut before_s = 0.0;
    for m in [1, 2, 7, 16, 17, 33, 100, 513, 4097] {
        let gemm = Gemm::new(m, 14_336, 4096, Operands::F16_U4);
        let estimate = estimate(&device, &gemm, &tile);
        let bytes: f64 = gemm.matrix_byte().into_iter().sum();
        assert!(estimate.time_s > bytes / device.dram_byte_per_s && estimate.time_s >= before_s, "{m}");
        before_s = estimate.time_s;
    }
}

/// Claim: more rows, columns, depth or products never take less time, over one wave to ten, ragged tails, several products and
/// operands that fit in the second-level cache and do not; nor do more multiprocessors make them take more.
#[test]
fn more_work_is_never_faster_over_many_waves() {
    let shapes =
        [[32, 8192, 4096], [500, 3000, 1000], [3456, 4096, 2048], [8200, 8200, 8200], [100, 40_000, 300]];
    let (n_checked, n_several) = (Cell::new(0_u32), Cell::new(0_u32));
    for_each_kernel(|device, gemm, tile| {
        let turn = n_checked.get();
        n_checked.set(turn + 1);
        if turn % 3 != 0 {
            return;
        }
        let [m, n, k] = shapes[(turn / 3) as usize % shapes.len()];
        let batch = [1, 3][(turn / 3) as usize % 2];
        let before = Gemm { m, n, k, batch, ..*gemm };
        if static_fault(tile, &before, device).is_some() {
            return;
        }
        let one = estimate(device, &before, tile);
        n_several.set(n_several.get() + u32::from(one.waves.full > 1 && one.waves.tail > 0));
        let more = [
            Gemm { m: m + 1, ..before },
            Gemm { m: m + tile.block_m, ..before },
            Gemm { m: m + m / 3, ..before },
            Gemm { n: n + 1, ..before },
            Gemm { n: n + n / 3, ..before },
            Gemm { k: k + 1, ..before },
            Gemm { k: k + k / 3, ..before },
            Gemm { batch: batch + 1, ..before },
        ];
        for more in more {
            let after_s = estimate(device, &more, tile).time_s;
            assert!(
                after_s >= one.time_s,
                "{}: {tile:?} {before:?} {} s, {more:?} {after_s} s",
                device.id,
                one.time_s
            );
        }
        let larger = Device { n_sms: device.n_sms + 7, ..device.clone() };
        let after_s = estimate(&larger, &before, tile).time_s;
        assert!(after_s <= one.time_s, "{}: {tile:?} {before:?}", device.id);
    });
    assert!(n_several.get() > 300, "{} kernels of several waves are too few", n_several.get());
}

/// Claim: loads cost at most their latency in each step and at the start of a block, and nothing if they have none, so that depth
/// is without effect then.
#[test]
fn waiting_costs_no_more_than_the_latency() {
    for_each_kernel(|device, gemm, tile| {
        let mut at_once = device.clone();
        at_once.fitted.l2_latency_cycles = 0.0;
        at_once.fitted.dram_latency_cycles = 0.0;
        let [with, without] = [device, &at_once].map(|device| estimate(device, gemm, tile));
        let waves = (with.waves.full + u64::from(with.waves.tail > 0)) as f64;
        let steps = f64::from(tile.slice_steps(gemm));
        let latencies_s = waves * (steps + 1.5) * device.fitted.dram_latency_cycles / device.clock_hz;
        assert!(with.time_s <= (without.time_s + latencies_s) * (1.0 + 1e-12), "{}: {tile:?}", device.id);
        let deeper = Tile { stages: tile.stages + 1, ..*tile };
        if static_fault(&deeper, gemm, device).is_none() {
            let deeper = estimate(&at_once, gemm, &deeper);
            let is_alike = deeper.occupancy.blocks == without.occupancy.blocks;
            assert!(!is_alike || deeper.time_s == without.time_s, "{}: {tile:?}", device.id);
        }
    });
}

/// One block of one step on an A100 from one buffer: (128 * 128 * 64 / (1024 * 0.75) + 48) clocks of work, which nothing hides, 1077 for the load
/// and half as much again and once more at the start, 128 * 128 * 4 bytes written at 34.8 a clock.
#[test]
fn a_single_buffer_is_loaded_and_multiplied_by_turns() {
    let device = tapeout_simulators::gpu_gemm::device("a100").unwrap();
    let gemm = Gemm::new(128, 128, 64, Operands::F16_F16);
    let tile = Tile { stages: 1, ..Tile::default() };
    let work: f64 = 128.0 * 128.0 * 64.0 / (1024.0 * 0.75) + 48.0;
    let on_chip_s = (work + 2.5 * 1077.0 + 65_536.0 / 34.8) / 1.41e9;
    let dram_s = (2.0 * 128.0 * 64.0 * 2.0 + 65_536.0) / (1.555e12 * 0.9);
    let by_hand_s = on_chip_s.hypot(dram_s) + 4.5e-6;
    for main_loop in [MainLoop::LoadAfterUse, MainLoop::Multistage] {
        let got = Model::of(device.clone(), main_loop).estimate(&gemm, &tile).unwrap();
        assert!((got.time_s / by_hand_s - 1.0).abs() < 1e-9, "{main_loop:?}: {} {by_hand_s}", got.time_s);
    }
}
