//! What the models promise: published figures, laws, and the results of a reference program.

mod attention;
mod dram;
mod eyeriss_alexnet;
mod fusion;
mod gemmini_rtl;
mod gpu_ablation;
mod gpu_laws;
mod llm_system;
mod loop_nest_enumeration;
mod loop_nest_latency;
mod loop_nest_laws;
mod loop_nest_layers;
mod machine;
mod mapper;
mod networks;
mod onnx_models;
mod soc;
mod timeloop;
mod timeloop_constraints;
mod timeloop_designs;
mod timeloop_templates;
