//! The analytical model: how long a tile takes, and what bounds it.
//!
//! A step of the main loop keeps busy: tensor cores with the conversion that they wait for, shared memory, the other pipes,
//! instruction issue, the second-level cache: the busiest counts. Co-resident blocks share all of them and hide each other's waiting:
//! for the loads of a step to arrive, from cache or from DRAM, of which a deeper pipeline has more under way, and for one instruction
//! to end before the next that needs it. Waiting is hidden in part, since nothing arrives in step.
//! Steps add up to a block, blocks to waves; DRAM bandwidth is a floor under the whole.
//! `docs/concepts/gpu-model.md` has the equations, the constants with what they were fitted on, and the comparison with
//! the published ablation that `tests/gpu_ablation.rs` pins.

use super::banks::Access;
use super::device::Device;
use super::gemm::Gemm;
use super::instructions::{self, Instructions};
use super::occupancy::{Occupancy, PARTS, Waves};
use super::operands::NarrowSide;
use super::rules::static_fault;
use super::tile::{Layout, MMA, Tile, WARP_THREADS};
use super::timer::{TileFault, TileTimer, TileTiming, TimerError};
use super::traffic::Traffic;

/// Clocks from the start of an `mma.m16n8k16` to its sums, for which the next of the same sums waits. Source: Sun, Li, Geng,
/// Stuijk & Corporaal (2022), doi:10.1109/TPDS.2022.3217824, table of the A100, recalled; taken over for the other devices.
const MMA_LATENCY_CYCLES: f64 = 33.0;

/// Share of the data sheet's DRAM bandwidth that a kernel reaches: 4300 of the 4800 GB/s of an H200, measured in a copy.
const DRAM_EFFICIENCY: f64 = 0.9;

/// Between the end of a queued kernel and the start of the next; where the depth is cut in slices, the product is cleared
/// first. Assumed.
const NEXT_LAUNCH_S: f64 = 1.0e-6;

/// From a launch to its first instruction. Assumed: 4 to 5 us are said to be usual for a launch on these devices.
const LAUNCH_S: f64 = 4.5e-6;

/// Share of what the less busy of tensor cores and converting pipes do that the busiest does not hide: they wait in the same warp
/// for each other. Chosen in steps of 0.05 by the seven rates of the published A100 ablation, together with the A100's
/// `mma_efficiency`; `docs/concepts/gpu-model.md` says how, and has the residuals.
const PIPES_EXPOSED: f64 = 0.60;

/// Load latencies that the start of a block exposes: the first load, and half of one until the pipeline is full.
/// Source: the model of `docs/concepts/gpu-model.md`, which was fitted with this figure in place.
const PROLOGUE_LATENCIES: f64 = 1.5;

/// Instructions around each `cp.async`: itself, its global and its shared address; by hand.
const COPY_INSTRUCTIONS: f64 = 3.0;

/// Bytes that one `ldmatrix.x4` of a warp loads (PTX ISA, section "ldmatrix": four 8x8 matrices of 16 bit).
const LDMATRIX_BYTE: f64 = 512.0;

/// Share of board power drawn whatever the kernel does; an assumption, no data sheet states it.
const IDLE_POWER_SHARE: f64 = 0.3;

/// What a tile waits for most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Multiply-adds.
    TensorCores,
    /// Conversion and layout of the narrow operand.
    Conversion,
    /// Shared memory: fragments, fills, collisions, spilled registers.
    SharedMemory,
    /// Instruction issue or the integer pipe.
    Issue,
    /// Bandwidth of the second-level cache.
    L2,
    /// DRAM bandwidth.
    Dram,
    /// Loads of a step that too few stages leave exposed.
    LoadLatency,
    /// Instructions that wait for each other, with too few warps to fill the gaps.
    MmaLatency,
}

/// Clocks of one multiprocessor that one step of one block keeps each of its parts busy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepCycles {
    /// Tensor cores alone.
    pub mma: f64,
    /// What conversion and layout add to the tensor cores: where their busiest pipe is busier than the tensor cores, and where they
    /// run one after another.
    pub conversion: f64,
    /// Shared memory.
    pub shared: f64,
    /// The busiest of the other pipes, and instruction issue.
    pub issue: f64,
    /// Second-level cache.
    pub l2: f64,
    /// Instructions of one warp that wait for each other: however many warps there are, a step is no shorter.
    pub chain: f64,
}

impl StepCycles {
    /// Clocks that the part takes that takes longest, and which it is.
    fn longest(&self) -> (f64, Bound) {
        let compute = if self.conversion > self.mma { Bound::Conversion } else { Bound::TensorCores };
        let parts = [
            (self.mma + self.conversion, compute),
            (self.shared, Bound::SharedMemory),
            (self.issue, Bound::Issue),
            (self.l2, Bound::L2),
        ];
        parts.into_iter().fold(parts[0], |longest, part| if part.0 > longest.0 { part } else { longest })
    }
}

/// When the buffers of shared memory that a step has multiplied are filled again, which is how many steps a pipeline loads at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MainLoop {
    /// While the next step is multiplied, as the kernels of `tapeout-gpu` and the multistage main loops of CUTLASS do: of `stages`
    /// buffers one is multiplied. A single one is loaded and multiplied by turns.
    Multistage,
    /// As soon as the step has been multiplied, as kernels that Triton's pipeliner makes for `mma.sync` do: all `stages` buffers
    /// are loaded at once, and a single one is loaded and multiplied by turns.
    LoadAfterUse,
}

impl MainLoop {
    /// Steps whose loads are under way at once.
    fn loads(self, stages: u32) -> f64 {
        match self {
            Self::Multistage => f64::from(stages.saturating_sub(1).max(1)),
            Self::LoadAfterUse => f64::from(stages),
        }
    }
}

/// What the model says of a tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileEstimate {
    /// From launch to completion.
    pub time_s: f64,
    /// Floating-point operations per second.
    pub throughput_flop_per_s: f64,
    /// Throughput as a share of the data sheet's peak.
    pub peak_fraction: f64,
    /// Energy of the device, from its board power and how busy it is; a rough figure.
    pub energy_j: f64,
    /// The part that the tile waits for most.
    pub bound: Bound,
    /// Clocks of each part in one step of one block.
    pub step: StepCycles,
    /// Blocks and warps on a multiprocessor.
    pub occupancy: Occupancy,
    /// How the blocks fall on the multiprocessors.
    pub waves: Waves,
    /// Bytes to and from DRAM.
    pub dram_byte: f64,
}

/// The model for one device.
///
/// ```
/// # use tapeout_simulators::gpu_gemm::{Bound, Gemm, Model, Operands, Tile, device};
/// let model = Model::new(device("a100")?);
/// let gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);
/// let estimate = model.estimate(&gemm, &Tile::default())?;
/// assert_eq!(estimate.bound, Bound::TensorCores);
/// assert!(estimate.peak_fraction > 0.5 && estimate.peak_fraction < 0.71);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Model {
    device: Device,
    main_loop: MainLoop,
}

impl Model {
    /// The version of its numbers: any change to them is a new one. It is that of `gpu-gemm-model`, and stands in tables that were rehearsed.
    pub const VERSION: u32 = 2;

    /// The model of `device` and of our own kernels.
    pub const fn new(device: Device) -> Self {
        Self::of(device, MainLoop::Multistage)
    }

    /// The model of `device` and of kernels with another main loop.
    pub const fn of(device: Device, main_loop: MainLoop) -> Self {
        Self { device, main_loop }
    }

    /// The device.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// How long `tile` takes to compute `gemm`, and why.
    ///
    /// # Errors
    /// [`TileFault`] with the first [`StaticRule`](super::StaticRule) that the tile breaks.
    pub fn estimate(&self, gemm: &Gemm, tile: &Tile) -> Result<TileEstimate, TileFault> {
        let device = &self.device;
        if let Some(fault) = static_fault(tile, gemm, device) {
            return Err(fault);
        }
        let registers = tile.registers(gemm, device.fitted.register_overhead);
        let occupancy = Occupancy::of(tile, gemm, device, registers);
        let waves = Waves::of(tile, gemm, device, occupancy.blocks);
        let step = self.step(gemm, tile, occupancy.spilled);
        let traffic = Traffic::of(tile, gemm, device, occupancy.blocks);
        let n_waves = waves.full + u64::from(waves.tail > 0);
        let n_cold = self.cold_waves(gemm, &waves, occupancy.blocks, traffic.missing).min(n_waves);
        let latency = |is_cold| match is_cold {
            true => device.fitted.dram_latency_cycles,
            false => device.fitted.l2_latency_cycles,
        };
        let some_waves = |n: u64, is_cold, resident| match n {
            0 => 0.0,
            _ => n as f64 * self.wave_cycles(gemm, tile, &step, latency(is_cold), resident),
        };
        let n_cold_full = n_cold.min(waves.full);
        let cycles = some_waves(n_cold_full, true, occupancy.blocks)
            + some_waves(waves.full - n_cold_full, false, occupancy.blocks)
            + some_waves(u64::from(waves.tail > 0), n_cold == n_waves, waves.tail);
        let on_chip_s = cycles / device.clock_hz;
        let dram_byte = traffic.read_byte + traffic.written_byte;
        let dram_s = dram_byte / (device.dram_byte_per_s * DRAM_EFFICIENCY);
        let launch_s = if tile.split_k == 1 { LAUNCH_S } else { LAUNCH_S + NEXT_LAUNCH_S };
        let time_s = overlapped([on_chip_s, dram_s]) + launch_s;
        let throughput_flop_per_s = gemm.flop() / time_s;
        let peak_fraction = throughput_flop_per_s / device.peak_flop_per_s;
        let busy = peak_fraction.max(dram_s / time_s).min(1.0);
        let power_w = device.power_w * (IDLE_POWER_SHARE + (1.0 - IDLE_POWER_SHARE) * busy);
        let resident = if waves.full == 0 { waves.tail } else { occupancy.blocks };
        let bound = if dram_s >= on_chip_s {
            Bound::Dram
        } else {
            self.step_cycles(tile, &step, latency(2 * n_cold >= n_waves), resident).1
        };
        Ok(TileEstimate {
            time_s,
            throughput_flop_per_s,
            peak_fraction,
            energy_j: power_w * time_s,
            bound,
            step,
            occupancy,
            waves,
            dram_byte,
        })
    }

    /// Waves whose loads wait for DRAM. Blocks of the first wave of a product run side by side and wait for the same loads; later ones are
    /// no longer in step and find what others have loaded, but for the share `missing` of it that no longer fits in the
    /// second-level cache. Blocks are added up and not shares of loads, so that more work never makes waiting shorter.
    fn cold_waves(&self, gemm: &Gemm, waves: &Waves, resident: u32, missing: f64) -> u64 {
        let running = f64::from(self.device.n_sms * resident);
        let of_product = (waves.blocks / u64::from(gemm.batch)) as f64;
        let first = of_product.min(running);
        let cold = first + (of_product - first) * missing;
        (cold * f64::from(gemm.batch) / running).ceil() as u64
    }

    /// Clocks of `resident` blocks that run on one multiprocessor from start to end, loads taking `latency`.
    fn wave_cycles(&self, gemm: &Gemm, tile: &Tile, step: &StepCycles, latency: f64, resident: u32) -> f64 {
        let steps = f64::from(tile.slice_steps(gemm));
        let [rows, columns, _] = fullest(gemm, tile);
        // A slice of the depth is added to what is there: read and written.
        let accesses = if tile.split_k == 1 { 1.0 } else { 2.0 };
        let written = rows * columns * f64::from(gemm.output.bytes());
        let epilogue = f64::from(resident) * accesses * written / self.device.fitted.l2_byte_per_clock;
        steps * self.step_cycles(tile, step, latency, resident).0 + PROLOGUE_LATENCIES * latency + epilogue
    }

    /// Clocks of one step of all of `resident` blocks, and what it waits for.
    fn step_cycles(&self, tile: &Tile, step: &StepCycles, latency: f64, resident: u32) -> (f64, Bound) {
        let (one, bound) = step.longest();
        let work = f64::from(resident) * (one + self.device.fitted.step_overhead_cycles);
        let busy = work.max(step.chain);
        // Copies are spread over a step of the block, so that the last is used a latency and that step later; as many steps are under
        // way as the pipeline loads. However little of that is hidden, a latency is all that there is to wait for.
        let loads = self.main_loop.loads(tile.stages);
        let waiting = latency / loads;
        let cycles = overlapped([busy, (latency + one.max(step.chain)) / loads]).min(busy + waiting);
        let bound = if waiting > busy {
            Bound::LoadLatency
        } else if step.chain > work {
            Bound::MmaLatency
        } else {
            bound
        };
        (cycles, bound)
    }

    /// Clocks that one step of one block keeps each part busy; `spilled` registers of each thread are not to be had.
    fn step(&self, gemm: &Gemm, tile: &Tile, spilled: u32) -> StepCycles {
        let (device, pipes) = (&self.device, &self.device.pipes);
        let products = f64::from(tile.block_m) * f64::from(tile.block_n) * f64::from(tile.block_k);
        let filled = tile.step_byte(gemm.operands).map(f64::from).into_iter().sum::<f64>();
        let copies = filled / f64::from(tile.copy_byte * WARP_THREADS);

        let registers = f64::from(tile.narrow_registers(gemm.operands) / WARP_THREADS);
        let prepare = preparation(gemm, tile);
        let [integer, single, half, convert, shuffle, load] =
            prepare.pipe_cycles(pipes, narrow_load_conflicts(gemm, tile)).map(|cycles| cycles * registers);

        let fragment = fragment_byte(gemm, tile);
        let conflicts = fragment_conflicts(gemm, tile);
        let spill = spill_byte(tile, spilled);
        let shared = (fragment[0] * conflicts[0] + fragment[1] * conflicts[1] + filled + spill)
            / pipes.shared_byte
            + shuffle
            + load;

        let mma_instructions = products / MMA.map(f64::from).iter().product::<f64>();
        let loads = (fragment[0] + fragment[1] + spill) / LDMATRIX_BYTE;
        let copy_work = COPY_INSTRUCTIONS * copies;
        let instructions = mma_instructions + loads + copy_work + f64::from(prepare.total()) * registers;
        let addresses = (COPY_INSTRUCTIONS - 1.0) * copies * f64::from(WARP_THREADS) / pipes.integer;
        let busiest_pipe = (integer + addresses).max(single).max(half).max(convert);

        let mma = products / (device.mma_fma_per_clock * device.fitted.mma_efficiency);
        let busy = [mma, integer, single, half, convert, shuffle + load];
        let busiest = busy.into_iter().fold(0.0, f64::max);
        let compute = busiest + PIPES_EXPOSED * (busy.into_iter().sum::<f64>() - busiest);

        StepCycles {
            mma,
            conversion: compute - mma,
            shared,
            issue: (instructions / f64::from(PARTS)).max(busiest_pipe),
            l2: fetched_byte(gemm, tile) / device.fitted.l2_byte_per_clock,
            chain: MMA_LATENCY_CYCLES * f64::from(tile.block_k / MMA[2]),
        }
    }
}

impl TileTimer for Model {
    fn time(&self, gemm: &Gemm, tile: &Tile) -> Result<TileTiming, TimerError> {
        let estimate = self.estimate(gemm, tile)?;
        Ok(TileTiming { time_s: estimate.time_s, energy_j: Some(estimate.energy_j) })
    }
}

/// How long two things take that overlap: the root of the sum of their squares, so at least as long as each, and longer as
/// they wait for each other: of two that are equal 1.41 times either, of one that is half of the other 1.12 times that.
///
/// The power is ours. Loads do not arrive in step, so that each is waited for now and then; the greatest alone, which takes
/// them to arrive in step, makes most pairs of kernels equal that differ in the depth of their pipeline, and few are.
fn overlapped(times: [f64; 2]) -> f64 {
    times.into_iter().map(|time| time * time).sum::<f64>().sqrt()
}

/// Rows, columns and depth, on average over its steps, that the fullest tile has of the product: what the busiest
/// multiprocessor computes, however empty tiles at an edge are. What lies beyond the edges is computed, but neither fetched
/// nor written.
fn fullest(gemm: &Gemm, tile: &Tile) -> [f64; 3] {
    let steps = tile.slice_steps(gemm);
    let depth = gemm.k.min(steps.saturating_mul(tile.block_k));
    let [rows, columns] = [gemm.m.min(tile.block_m), gemm.n.min(tile.block_n)].map(f64::from);
    [rows, columns, f64::from(depth) / f64::from(steps)]
}

/// Bytes that a block fetches in one step of both operands. Scales and zero points are fetched once a group, as they stay in the
/// first-level cache until the group ends, an assumption: each element brings its share.
fn fetched_byte(gemm: &Gemm, tile: &Tile) -> f64 {
    let [rows, columns, depth] = fullest(gemm, tile);
    let [a_byte, b_byte, _] = Gemm { batch: 1, ..*gemm }.matrix_byte();
    let [m, n, k] = [gemm.m, gemm.n, gemm.k].map(f64::from);
    depth * (rows * (a_byte / (m * k)) + columns * (b_byte / (n * k)))
}

/// Instructions that make one register of the narrow operand ready; none in the baselines.
fn preparation(gemm: &Gemm, tile: &Tile) -> Instructions {
    gemm.operands.conversion().map_or(Instructions::default(), |(narrow, wide)| {
        let conversion = instructions::conversion(narrow, wide, tile.conversion);
        let ready = conversion.plus(&instructions::layout(narrow, tile.layout));
        gemm.scaling.map_or(ready, |scaling| ready.plus(&instructions::scaling(narrow, scaling)))
    })
}

/// Bytes that all warps of a block load in one step as whole fragments of the first operand and of the second.
fn fragment_byte(gemm: &Gemm, tile: &Tile) -> [f64; 2] {
    let [a, b] = tile.step_byte(gemm.operands).map(f64::from);
    let whole = [a * f64::from(tile.warps_n()), b * f64::from(tile.warps_m())];
    // Narrow loads stand in place of the narrow operand's fragments and are counted as instructions of their own.
    match (tile.layout, gemm.operands.narrow_side()) {
        (Layout::NarrowLoads, Some(NarrowSide::A)) => [0.0, whole[1]],
        (Layout::NarrowLoads, Some(NarrowSide::B)) => [whole[0], 0.0],
        _ => whole,
    }
}

/// Bytes that spilled registers move in one step: each is stored and loaded once for every 16 of depth, an assumption.
fn spill_byte(tile: &Tile, spilled: u32) -> f64 {
    const REGISTER_BYTE: u32 = 4;
    f64::from(2 * spilled * REGISTER_BYTE * tile.threads() * (tile.block_k / MMA[2]))
}

/// Clocks for each clock of loading fragments of the first operand and of the second.
fn fragment_conflicts(gemm: &Gemm, tile: &Tile) -> [f64; 2] {
    let narrow = gemm.operands.narrow_side();
    let conflicts = |side, element| {
        // With `k` permuted it is the wide operand that is loaded by 8 bytes a lane.
        let is_by_words = tile.layout == Layout::KPermuted && narrow.is_some_and(|narrow| narrow != side);
        let access = if is_by_words { Access::DOUBLE_WORD } else { Access::MATRIX };
        f64::from(access.conflicts(tile, element))
    };
    [conflicts(NarrowSide::A, gemm.operands.a()), conflicts(NarrowSide::B, gemm.operands.b())]
}

/// Ways in which the lanes of a two-element load of the narrow operand collide.
fn narrow_load_conflicts(gemm: &Gemm, tile: &Tile) -> f64 {
    match (tile.layout, gemm.operands.conversion()) {
        (Layout::NarrowLoads, Some((narrow, _))) => f64::from(Access::MATRIX.conflicts(tile, narrow)),
        _ => 1.0,
    }
}
