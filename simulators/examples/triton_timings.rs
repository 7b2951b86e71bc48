//! How far the tile model is from timings of Triton's kernels that others measured, and how well it ranks them.
//!
//! ```text
//! cargo run --release -p tapeout-simulators --example triton_timings -- --half held FILE...
//! ```
//!
//! A `FILE` is a table of `mm` or `mixed_mm` as PyTorch's AutoHeuristic collects them: a line of JSON about the device, a line of
//! names, and a line for each timing, of which a kernel may have several. `--half looked` and `--half held` take the problems
//! whose hash is even or odd, `--half all` both. Tables name no device but by its compute capability; `--dram 2039e9` says how many
//! bytes a second its memory has, where that is not what an A100 of 40 GB or an H100 SXM5 has.
//!
//! `docs/concepts/gpu-model.md` has the figures, and says which half the model's mechanisms were looked for in.

#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader};

use serde::Deserialize;
use tapeout_simulators::gpu_gemm::{
    Conversion, Device, Gemm, Layout, MainLoop, Model, Operands, Output, Swizzle, Tile, device,
};

/// First line of a table.
#[derive(Deserialize)]
struct About {
    device_capa: [u32; 2],
}

/// What a table calls a problem: extents, types, and strides of both operands.
type Problem = Vec<String>;

/// A kernel's configuration, as Triton names its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Config {
    block: [u32; 3],
    stages: u32,
    warps: u32,
}

/// Times in milliseconds of each configuration of each problem.
type Timings = BTreeMap<Problem, BTreeMap<Config, Vec<f64>>>;

struct Table {
    device: Device,
    timings: Timings,
}

/// Columns that say which problem a line is of.
const COLUMNS: [&str; 9] = [
    "m",
    "k",
    "n",
    "mat1_dtype",
    "mat2_dtype",
    "mat1_stride_0",
    "mat1_stride_1",
    "mat2_stride_0",
    "mat2_stride_1",
];

fn read(path: &str) -> Result<Table, Box<dyn Error>> {
    let file = tapeout_input::open(path).map_err(|error| format!("{path}: {error}"))?;
    let mut lines = BufReader::new(file).lines();
    let mut next = |what| lines.next().ok_or_else(|| format!("{path}: {what} is missing"));
    let about: About = serde_json::from_str(&next("the line about the device")??)
        .map_err(|error| format!("{path}:1: {error}"))?;
    let names = next("the line of names")??;
    let device = match about.device_capa {
        [8, 0] => device("a100")?,
        [9, 0] => device("h100")?,
        other => {
            return Err(format!("{path}: `device_capa` {other:?} is neither an A100's nor an H100's").into());
        }
    };
    let index_of = |name: &str| {
        let found = names.split(',').position(|other| other == name);
        found.ok_or_else(|| format!("{path}: there is no column `{name}`"))
    };
    let of_problem = COLUMNS.into_iter().map(index_of).collect::<Result<Vec<_>, _>>()?;
    let (choice, feedback) = (index_of("choice")?, index_of("feedback")?);
    let n_columns = names.split(',').count();
    let mut timings = Timings::new();
    for (number, line) in (3..).zip(lines) {
        let line = line.map_err(|error| format!("{path}:{number}: {error}"))?;
        if line.is_empty() {
            continue;
        }
        let fields: Vec<_> = line.split(',').collect();
        if fields.len() != n_columns {
            let n_fields = fields.len();
            return Err(
                format!("{path}:{number}: {n_fields} fields, but {n_columns} columns have names").into()
            );
        }
        let fault = |field: &str, index: usize, expected: &str| {
            format!("{path}:{number}: `{field}`: `{}` is not {expected}", fields[index])
        };
        for (&column, &index) in
            COLUMNS.iter().zip(&of_problem).filter(|(column, _)| !column.ends_with("dtype"))
        {
            fields[index]
                .parse::<u32>()
                .map_err(|_| fault(column, index, "a number from 0 to 4294967295"))?;
        }
        let time_ms: f64 =
            fields[feedback].parse().map_err(|_| fault("feedback", feedback, "a time in milliseconds"))?;
        if !fields[choice].starts_with("type=triton") {
            continue;
        }
        let config = config(fields[choice]).ok_or_else(|| {
            fault("choice", choice, "blocks of 1 to 4096, 1 to 64 stages and 1 to 32 warps")
        })?;
        if time_ms == f64::INFINITY {
            continue; // A kernel that was refused.
        }
        if time_ms.is_nan() || time_ms <= 0.0 {
            return Err(fault("feedback", feedback, "a time above 0").into());
        }
        let problem = of_problem.iter().map(|&index| fields[index].to_owned()).collect();
        timings.entry(problem).or_default().entry(config).or_default().push(time_ms);
    }
    Ok(Table { device, timings })
}

/// The numbers of `type=triton_BLOCK-M=16_BLOCK-K=32_BLOCK-N=64_numstages=3_numwarps=4`; none of what is no kernel of Triton's.
fn config(choice: &str) -> Option<Config> {
    let number = |name: &str| {
        let (_, rest) = choice.split_once(name)?;
        rest.split('_').next()?.parse().ok()
    };
    let block = [number("BLOCK-M=")?, number("BLOCK-N=")?, number("BLOCK-K=")?];
    let (stages, warps) = (number("numstages=")?, number("numwarps=")?);
    let is_bounded = block.iter().all(|extent| (1..=4096).contains(extent))
        && (1..=64).contains(&stages)
        && (1..=32).contains(&warps);
    is_bounded.then_some(Config { block, stages, warps })
}

/// The product that a problem asks for; none if its types are not 16-bit floating point times that or bytes, or if rows are not
/// aligned to 4 byte, which no asynchronous copy takes.
fn gemm(problem: &Problem) -> Option<Gemm> {
    let operands = match (problem[3].as_str(), problem[4].as_str()) {
        ("torch.float16", "torch.float16") => Operands::F16_F16,
        ("torch.bfloat16", "torch.bfloat16") => Operands::BF16_BF16,
        ("torch.float16", "torch.uint8") => Operands::F16_U8,
        ("torch.float16", "torch.int8") => Operands::F16_S8,
        ("torch.bfloat16", "torch.uint8") => Operands::BF16_U8,
        ("torch.bfloat16", "torch.int8") => Operands::BF16_S8,
        _ => return None,
    };
    let [m, k, n] = [0, 1, 2].map(|index: usize| problem[index].parse::<u32>().ok());
    let output = if operands.a() == Operands::F16_F16.a() { Output::F16 } else { Output::Bf16 };
    // The stride that is not 1 is that from row to row; both of a matrix are where it is a single row or column.
    let pitch_byte = [(5, operands.a().bits() / 8), (7, operands.b().bits() / 8)].map(|(first, byte)| {
        let strides = [0, 1].map(|side| problem[first + side].parse::<u32>().unwrap_or(1));
        strides[0].max(strides[1]).saturating_mul(byte)
    });
    let alignment_byte =
        [16, 8, 4].into_iter().find(|align| pitch_byte.iter().all(|pitch| pitch % align == 0))?;
    let gemm = Gemm { output, alignment_byte, ..Gemm::new(m?, n?, k?, operands) };
    gemm.check().is_ok().then_some(gemm)
}

/// The tile that does what a configuration does; none if the family has no such kernel.
///
/// Warps stand as Triton's `warpsPerTileV2` arranges them for `m16n8k16`; its pipeliner keeps one buffer fewer than it has stages; bytes
/// are loaded as they lie and the wide operand in their order, each element converted by itself (Triton 3.0, recalled).
fn tile(config: &Config, gemm: &Gemm) -> Option<Tile> {
    let [block_m, block_n, block_k] = config.block;
    let mut warps = [1, 1];
    while warps[0] * warps[1] < config.warps {
        if block_m / 16 / warps[0] >= block_n / 16 / warps[1] && warps[0] < block_m / 16 {
            warps[0] *= 2;
        } else {
            warps[1] *= 2;
        }
    }
    let tile = Tile {
        block_m,
        block_n,
        block_k,
        warp_m: block_m / warps[0],
        warp_n: block_n / warps[1],
        stages: (config.stages - 1).max(1),
        swizzle: Swizzle::Xor,
        copy_byte: 16,
        conversion: Conversion::Naive,
        layout: Layout::KPermuted,
        min_blocks: 1,
        raster_group: 8,
        split_k: 1,
    };
    if !tile.warp_m.is_multiple_of(16) || !tile.warp_n.is_multiple_of(8) || tile.warp_n == 0 {
        return None;
    }
    let threads = config.warps * 32;
    let step_byte = tile.step_byte(gemm.operands);
    let is_whole = |copy_byte: &u32| {
        *copy_byte <= gemm.alignment_byte && step_byte.iter().all(|byte| byte % (threads * copy_byte) == 0)
    };
    Some(Tile { copy_byte: [16, 8, 4].into_iter().find(is_whole)?, ..tile })
}

/// FNV-1a of extents and types.
fn hash(problem: &Problem) -> u64 {
    problem[..5]
        .join(",")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => 0.5 * (values[n / 2 - 1] + values[n / 2]),
    }
}

/// Ranks from 0, equal values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..values.len()).collect();
    order.sort_by(|&one, &other| values[one].total_cmp(&values[other]));
    let mut ranks = vec![0.0; values.len()];
    for run in order.chunk_by(|&one, &other| values[one] == values[other]) {
        let below = values.iter().filter(|&&value| value < values[run[0]]).count();
        for &index in run {
            ranks[index] = below as f64 + (run.len() - 1) as f64 / 2.0;
        }
    }
    ranks
}

fn spearman(one: &[f64], other: &[f64]) -> f64 {
    let [one, other] = [ranks(one), ranks(other)];
    let mean = (one.len() - 1) as f64 / 2.0;
    let product =
        |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum() };
    product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt()
}

#[derive(Default)]
struct Figures {
    kernels: usize,
    unasked: usize,
    problems: usize,
    errors: Vec<f64>,
    spearman: Vec<f64>,
    top_picks: Vec<f64>,
    depth_pairs: usize,
    depth_ties: usize,
}

#[derive(Clone, Copy)]
struct Timed {
    config: Config,
    time_s: f64,
    model_s: f64,
}

impl Figures {
    fn add(&mut self, timed: &[Timed]) {
        self.problems += 1;
        self.kernels += timed.len();
        let truth: Vec<_> = timed.iter().map(|kernel| kernel.time_s).collect();
        let model: Vec<_> = timed.iter().map(|kernel| kernel.model_s).collect();
        self.errors.extend(model.iter().zip(&truth).map(|(model, truth)| (model / truth - 1.0).abs()));
        // Fewer than ten are no ranking.
        if timed.len() >= 10 {
            self.spearman.push(spearman(&model, &truth));
            let best = truth.iter().copied().fold(f64::INFINITY, f64::min);
            let pick = model.iter().zip(&truth).min_by(|(one, _), (other, _)| one.total_cmp(other));
            self.top_picks.extend(pick.map(|(_, truth)| best / truth));
        }
        for (index, one) in timed.iter().enumerate() {
            let alike = |other: &&Timed| {
                other.config.block == one.config.block && other.config.warps == one.config.warps
            };
            for other in timed[..index].iter().filter(alike) {
                self.depth_pairs += 1;
                let apart = (one.model_s / other.model_s - 1.0).abs();
                self.depth_ties += usize::from(apart < 1e-3);
            }
        }
    }

    fn line(&mut self) -> String {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (rank, pick) = (mean(&self.spearman), mean(&self.top_picks));
        format!(
            "median error {:.1} %; Spearman within a problem {:.3} (median), {rank:.3} (mean); top pick at {:.3}, {pick:.3} of the \
             best; {} of {} pairs in depth tie",
            100.0 * median(&mut self.errors),
            median(&mut self.spearman),
            median(&mut self.top_picks),
            self.depth_ties,
            self.depth_pairs,
        )
    }
}

/// Whether Triton multiplies by `wgmma`, which the family has no kernel of: on an H100, where four warps have 64 rows.
/// Source: Triton 3.0, `AccelerateMatmul.cpp`, `mmaVersionToInstrShape` and its callers, recalled.
fn is_wgmma(config: &Config, device: &Device) -> bool {
    device.compute_capability == 90 && config.block[0] >= 64 && config.warps.is_multiple_of(4)
}

fn report(
    path: &str,
    is_wanted: fn(u64) -> bool,
    dram_byte_per_s: Option<f64>,
) -> Result<(), Box<dyn Error>> {
    let Table { mut device, timings } = read(path)?;
    device.dram_byte_per_s = dram_byte_per_s.unwrap_or(device.dram_byte_per_s);
    let model = Model::of(device, MainLoop::LoadAfterUse);
    let device = model.device();
    let mut figures = [Figures::default(), Figures::default(), Figures::default()];
    for (problem, configs) in timings.iter().filter(|(problem, _)| is_wanted(hash(problem))) {
        let Some(gemm) = gemm(problem) else {
            figures[0].unasked += configs.len();
            continue;
        };
        let [mut by_mma, mut by_wgmma] = [Vec::new(), Vec::new()];
        for (&config, times_ms) in configs {
            let estimate = tile(&config, &gemm).and_then(|tile| model.estimate(&gemm, &tile).ok());
            let of_kind = if is_wgmma(&config, device) { &mut by_wgmma } else { &mut by_mma };
            match estimate {
                None => figures[0].unasked += 1,
                Some(estimate) => {
                    let time_s = median(&mut times_ms.clone()) * 1e-3;
                    of_kind.push(Timed { config, time_s, model_s: estimate.time_s });
                }
            }
        }
        let all: Vec<_> = by_mma.iter().chain(&by_wgmma).copied().collect();
        figures[0].add(&all);
        figures[1].add(&by_mma);
        figures[2].add(&by_wgmma);
    }
    let [all, by_mma, by_wgmma] = &mut figures;
    if all.kernels == 0 {
        println!("{path} on {}: no kernel of this half can be asked, {} are not", device.id, all.unasked);
        return Ok(());
    }
    println!(
        "{path} on {}: {} problems, {} kernels, {} not asked",
        device.id, all.problems, all.kernels, all.unasked
    );
    println!("  {}", all.line());
    if by_mma.kernels < all.kernels {
        for (kind, figures) in [("without", by_mma), ("with", by_wgmma)] {
            let line = figures.line();
            println!("  {kind} `wgmma`, {} kernels: {line}", figures.kernels);
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut is_wanted, mut dram_byte_per_s, mut files) = (None, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--half" => is_wanted = Some(half(&arguments.next().ok_or(USAGE)?)?),
            "--dram" => {
                let got = arguments.next().ok_or(USAGE)?;
                let rate = got.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
                dram_byte_per_s = Some(rate.ok_or_else(|| format!("--dram: `{got}` is not a rate above 0"))?);
            }
            _ => files.push(argument),
        }
    }
    if is_wanted.is_none() && files.is_empty() {
        println!("{USAGE}");
        return Ok(());
    }
    let is_wanted = is_wanted.ok_or(USAGE)?;
    if files.is_empty() {
        return Err(USAGE.into());
    }
    files.iter().try_for_each(|path| report(path, is_wanted, dram_byte_per_s))
}

/// Which problems are of a half, by their hash.
fn half(name: &str) -> Result<fn(u64) -> bool, Box<dyn Error>> {
    match name {
        "all" => Ok(|_| true),
        "looked" => Ok(|hash| (hash >> 32).is_multiple_of(2)),
        "held" => Ok(|hash| !(hash >> 32).is_multiple_of(2)),
        _ => Err(USAGE.into()),
    }
}

const USAGE: &str = "usage: triton_timings --half looked|held|all [--dram BYTES_PER_SECOND] FILE...";
