//! Environments: design spaces over the simulators.

mod dram_controller;
mod edge_accelerator;
mod eyeriss_accelerator;
mod gemmini_accelerator;
mod gpu_gemm;
mod gpu_gemm_compiled;
mod gpu_gemm_live;
mod gpu_gemm_model;
mod gpu_gemm_recorded;
mod mapping;
mod recorded_kernel;
mod workload;

use tapeout_core::EnvEntry;

pub use dram_controller::{DramController, DramControllerConfig, DramOptimum, DramSpace, dram_optima};
pub use edge_accelerator::{EdgeAccelerator, EdgeAcceleratorConfig};
pub use eyeriss_accelerator::{EyerissAccelerator, EyerissAcceleratorConfig};
pub use gemmini_accelerator::{GemminiAccelerator, GemminiAcceleratorConfig};
pub use gpu_gemm::{TileEncoding, TileSpace};
pub use gpu_gemm_compiled::{GpuGemmCompiled, GpuGemmCompiledConfig};
pub use gpu_gemm_live::{GpuGemmLive, GpuGemmLiveConfig};
pub use gpu_gemm_model::{GpuGemmModel, GpuGemmModelConfig};
pub use gpu_gemm_recorded::{GpuGemmRecorded, GpuGemmRecordedConfig};
pub use mapping::{LayerMapping, LayerMappingConfig};
pub use recorded_kernel::{CacheFile, CacheFileError, RecordedKernel, RecordedKernelConfig};

/// Every environment of this crate.
pub const ENVS: &[EnvEntry] = &[
    EnvEntry::of::<DramController>(),
    EnvEntry::of::<EdgeAccelerator>(),
    EnvEntry::of::<EyerissAccelerator>(),
    EnvEntry::of::<GpuGemmCompiled>(),
    EnvEntry::of::<GemminiAccelerator>(),
    EnvEntry::of::<GpuGemmLive>(),
    EnvEntry::of::<GpuGemmModel>(),
    EnvEntry::of::<GpuGemmRecorded>(),
    EnvEntry::of::<LayerMapping>(),
    EnvEntry::of::<RecordedKernel>(),
];
