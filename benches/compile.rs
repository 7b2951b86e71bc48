//! How long kernels take to compile, and how many spill: the sample of `tests/compile.rs`, 324 in all.
//!
//! `cargo bench -p tapeout-benches --bench compile`, with NVRTC installed.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used, missing_docs)]

#[path = "../gpu/tests/sample/mod.rs"]
mod sample;

use std::time::Instant;

use tapeout_gpu::{GpuArchitecture, KernelSource};
use tapeout_simulators::gpu_gemm::Operands;

const TILES: usize = 9;

fn main() {
    let Some(nvrtc) = sample::nvrtc() else { return };
    println!("NVRTC {:?}", nvrtc.version());
    println!("architecture  kernels  refused  spilling  registers (median)  seconds (median, worst)");
    for device_id in ["a100", "l40s", "h100"] {
        let (mut registers, mut times_s, mut refused, mut spilling) = (Vec::new(), Vec::new(), 0, 0);
        let mut architecture = None;
        for operands in Operands::ALL {
            let gemm = sample::published(operands);
            let (device, tiles) = sample::tiles(device_id, &gemm, TILES);
            let target = *architecture.insert(GpuArchitecture::of(&device));
            for tile in tiles {
                let start = Instant::now();
                match nvrtc.compile(&KernelSource::for_tile(&tile, &gemm), target) {
                    Ok(cubin) => {
                        registers.push(cubin.report.registers);
                        spilling += u32::from(cubin.report.spill_store_byte > 0);
                    }
                    Err(_) => refused += 1,
                }
                times_s.push(start.elapsed().as_secs_f64());
            }
        }
        registers.sort_unstable();
        times_s.sort_by(f64::total_cmp);
        let (count, worst) = (times_s.len(), times_s[times_s.len() - 1]);
        println!(
            "{}  {count}  {refused}  {spilling}  {}  {:.2}, {worst:.2}",
            architecture.unwrap(),
            registers[registers.len() / 2],
            times_s[count / 2],
        );
    }
}
