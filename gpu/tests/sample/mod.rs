//! Random kernels of the family.

use tapeout_core::Seed;
use tapeout_envs::{TileEncoding, TileSpace};
use tapeout_gpu::Nvrtc;
use tapeout_simulators::gpu_gemm::{Device, Gemm, Operands, Tile, device};

/// The compiler, or a message that there is none and what is not tested therefore.
pub fn nvrtc() -> Option<Nvrtc> {
    let found = Nvrtc::load();
    if let Err(missing) = &found {
        println!("skipped: {missing}; see `GPU kernels` in README.md");
    }
    found.ok()
}

/// As many statically feasible tiles, drawn uniformly from the raw space of `gemm` on `device`.
pub fn tiles(device_id: &str, gemm: &Gemm, count: usize) -> (Device, Vec<Tile>) {
    let device = device(device_id).unwrap();
    let space = TileSpace::new(gemm, &device, TileEncoding::Raw).unwrap();
    let mut rng = Seed::new(0).stream(&format!("{device_id} {}", gemm.operands));
    let tiles = (0..count).map(|_| space.tile(&space.space().sample(&mut rng))).collect();
    (device, tiles)
}

/// The product of the published ablation.
pub const fn published(operands: Operands) -> Gemm {
    Gemm { m: 3456, n: 4096, k: 2048, operands }
}
