//! Environments: design spaces over the simulators.

mod accelerator;
mod accelerator_file;
mod attention_accelerator;
mod command;
mod dram_controller;
mod dram_online;
mod edge_accelerator;
mod eyeriss_accelerator;
mod gemmini_accelerator;
mod gpu_gemm;
mod layout_assignment;
mod llm_serving;
mod llm_system;
mod mapping;
mod recorded_kernel;
mod scratchpad;
mod settings_file;
mod soc;
mod task_schedule;

use tapeout_core::EnvEntry;

pub use accelerator::{AcceleratorConfig, AcceleratorEnv, AcceleratorTemplate};
pub use accelerator_file::{AcceleratorFileConfig, AcceleratorFileEnv};
pub use attention_accelerator::{
    AttentionAccelerator, AttentionAcceleratorConfig, AttentionDesign, CachePlace, InferencePhase,
    WeightResidency,
};
pub use command::python::{PythonEnv, PythonEnvConfig};
pub use command::{CommandConfig, CommandEnv};
pub use dram_controller::{DramController, DramControllerConfig, DramOptimum, DramSpace, dram_optima};
pub use dram_online::{DramOnline, DramOnlineConfig, N_ONLINE_OBSERVATIONS, ONLINE_LEVELS, OnlineObjective};
pub use edge_accelerator::{EdgeAccelerator, EdgeAcceleratorConfig, EdgeMemory};
pub use eyeriss_accelerator::{EyerissAccelerator, EyerissAcceleratorConfig};
pub use gemmini_accelerator::{GemminiAccelerator, GemminiAcceleratorConfig};
pub use gpu_gemm::{
    GpuGemmCompiled, GpuGemmCompiledConfig, GpuGemmLive, GpuGemmLiveConfig, GpuGemmModel, GpuGemmModelConfig,
    GpuGemmRecorded, GpuGemmRecordedConfig, TileEncoding, TileSpace,
};
pub use layout_assignment::{LayoutAssignment, LayoutAssignmentConfig};
pub use llm_serving::{LlmServing, LlmServingConfig};
pub use llm_system::{LlmKnobs, LlmSystem, LlmSystemConfig};
pub use mapping::{LayerMapping, LayerMappingConfig};
pub use recorded_kernel::{RecordedKernel, RecordedKernelConfig, TuningFile, TuningFileError, TuningForm};
pub use scratchpad::{Overflow, PlacementDesigns, Scratchpad, ScratchpadConfig};
pub use soc::{SocConfig, SocDesign};
pub use task_schedule::{TaskSchedule, TaskScheduleConfig};

/// Every environment of this crate.
pub const ENVS: &[EnvEntry] = &[
    EnvEntry::of::<AcceleratorFileEnv>(),
    EnvEntry::of::<AttentionAccelerator>(),
    EnvEntry::of::<CommandEnv>(),
    EnvEntry::of::<DramController>(),
    EnvEntry::of::<AcceleratorEnv<EdgeAccelerator>>(),
    EnvEntry::of::<AcceleratorEnv<EyerissAccelerator>>(),
    EnvEntry::of::<GpuGemmCompiled>(),
    EnvEntry::of::<AcceleratorEnv<GemminiAccelerator>>(),
    EnvEntry::of::<GpuGemmLive>(),
    EnvEntry::of::<GpuGemmModel>(),
    EnvEntry::of::<GpuGemmRecorded>(),
    EnvEntry::of::<LayoutAssignment>(),
    EnvEntry::of::<LlmServing>(),
    EnvEntry::of::<LlmSystem>(),
    EnvEntry::of::<LayerMapping>(),
    EnvEntry::of::<PythonEnv>(),
    EnvEntry::of::<RecordedKernel>(),
    EnvEntry::of::<Scratchpad>(),
    EnvEntry::of::<SocDesign>(),
    EnvEntry::of::<TaskSchedule>(),
];
