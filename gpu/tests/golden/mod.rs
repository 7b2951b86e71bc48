//! Kernels whose PTX is kept, so that they are run where there is no NVRTC: one of each layout, one with edges in all extents,
//! two of scaled weights.
//!
//! `cargo run -p tapeout-gpu --example golden_ptx` makes the files again, with NVRTC installed.

use std::path::PathBuf;

use tapeout_gpu::KernelSource;
use tapeout_simulators::gpu_gemm::{Conversion, Gemm, Layout, Operands, Output, Scaling, Swizzle, Tile};

/// A kernel whose PTX is kept.
pub struct Golden {
    pub name: &'static str,
    pub tile: Tile,
    pub gemm: Gemm,
}

impl Golden {
    pub fn path(&self) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        folder.join(format!("{}.ptx", self.name))
    }

    /// The first line of the file: which source it was made of.
    pub fn head(&self) -> String {
        // FNV-1a, 64 bits (Fowler, Noll & Vo, draft-eastlake-fnv).
        let text = KernelSource::for_tile(&self.tile, &self.gemm).text().to_owned();
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, step);
        format!("// sm_80, source {hash:016x}")
    }
}

pub fn goldens() -> [Golden; 7] {
    let tile = Tile {
        block_m: 32,
        block_n: 32,
        block_k: 32,
        warp_m: 16,
        warp_n: 32,
        copy_byte: 8,
        raster_group: 2,
        ..Tile::default()
    };
    let gemm = Gemm::new(96, 64, 128, Operands::F16_U8);
    [
        Golden { name: "f16-u8-shuffle", tile, gemm },
        Golden {
            name: "s8-bf16-k-permuted",
            tile: Tile { layout: Layout::KPermuted, conversion: Conversion::Alternative, split_k: 2, ..tile },
            gemm: Gemm { operands: Operands::S8_BF16, ..gemm },
        },
        Golden {
            name: "f16-u4-prepermuted",
            tile: Tile { layout: Layout::Prepermuted, swizzle: Swizzle::Pad16, ..tile },
            gemm: Gemm { operands: Operands::F16_U4, ..gemm },
        },
        Golden {
            name: "bf16-s8-narrow-loads",
            tile: Tile { layout: Layout::NarrowLoads, conversion: Conversion::Naive, stages: 2, ..tile },
            gemm: Gemm { operands: Operands::BF16_S8, ..gemm },
        },
        Golden {
            name: "f16-s8-edges",
            tile: Tile { copy_byte: 4, split_k: 2, ..tile },
            gemm: Gemm { batch: 2, alignment_byte: 4, ..Gemm::new(33, 35, 70, Operands::F16_S8) },
        },
        Golden {
            name: "bf16-u4-groups",
            tile: Tile { layout: Layout::Prepermuted, ..tile },
            gemm: Gemm {
                scaling: Some(Scaling { group: 32, zero_points: true }),
                ..Gemm::new(40, 48, 96, Operands::BF16_U4)
            },
        },
        Golden {
            name: "f16-e4m3-rows",
            tile,
            gemm: Gemm {
                scaling: Some(Scaling { group: 96, zero_points: false }),
                output: Output::F16,
                ..Gemm::new(32, 64, 96, Operands::F16_E4M3)
            },
        },
    ]
}
