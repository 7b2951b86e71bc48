//! Writes the PTX that `tests/emulation.rs` runs where there is no NVRTC. Needs NVRTC.

#[path = "../tests/golden/mod.rs"]
mod golden;

use tapeout_gpu::{GpuArchitecture, KernelSource, Nvrtc};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let nvrtc = Nvrtc::load()?;
    for golden in golden::goldens() {
        let source = KernelSource::for_tile(&golden.tile, &golden.gemm);
        let ptx = nvrtc.compile(&source, GpuArchitecture::new(80))?.ptx;
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let code: Vec<&str> = ptx.lines().filter(is_code).collect();
        std::fs::write(golden.path(), format!("{}\n{}\n", golden.head(), code.join("\n")))?;
    }
    Ok(())
}
