//! Steps of inference against bounds worked by hand.

use tapeout_simulators::attention::{AttentionMachine, Binding, Place};
use tapeout_simulators::precision::{ElementDemand, PeStyle, Precision, ProcessingElement};
use tapeout_simulators::technology::{MainMemory, Node, SramArray};
use tapeout_simulators::transformer::{
    AttentionCascade, InferenceStep, Residency, StepReport, TransformerChip, TransformerCosts,
    TransformerWorkload, transformer,
};

use super::table::machine;

/// FuseMax's machine with elements for 16 bits in 7 nm, by `memory`.
fn chip(machine: AttentionMachine, memory: MainMemory) -> TransformerChip {
    let node = Node::new(7).unwrap();
    let demand = ElementDemand {
        style: PeStyle::Multiplier,
        precision: Precision { accumulator_bits: 32, ..Precision::integer(16) },
        node,
        clock_hz: 940e6,
        spread: 20.0,
    };
    let element = ProcessingElement::new(&demand).unwrap();
    let buffer = SramArray { size_bytes: 16 << 20, width_bits: 4096, banks: 16, slices: 32 };
    let buffer = buffer.cost(node).unwrap();
    let costs = TransformerCosts { element, buffer, node };
    let cascade = AttentionCascade::OnePass(Binding::Interleaved);
    TransformerChip::new(machine, cascade, 2048, memory, &costs)
}

fn run(name: &str, step: InferenceStep, batch: u64, memory: MainMemory) -> StepReport {
    chip(machine(16.0), memory).run(&workload(name, step, batch, Place::OffChip))
}

fn workload(name: &str, step: InferenceStep, batch: u64, place: Place) -> TransformerWorkload {
    let model = transformer(name).unwrap();
    let residency = Residency { weights: place, cache: place };
    TransformerWorkload::new(&model, step, batch, &Precision::integer(16), 16, residency).unwrap()
}

// By hand: Llama 3 8B has 32 layers of 4096 * (4096 + 1024 + 1024) + 4096 * 4096 for attention and 3 * 4096 * 14336 for the feed-forward part,
// 218,103,808 weights a layer, and 128256 * 4096 = 525,336,576 for logits: 7,504,658,432 weights of two bytes, 15.009 GB. The cache of 2,048 tokens
// is 32 * 8 * 128 * 2 * 2048 elements of two bytes, 268.4 MB. 400 * 2^30 byte a second move 15.278 GB in 35.57 ms. The array takes in 256 weights
// a cycle, so it could have done so in 31.2 ms.
#[test]
fn decoding_llama_takes_what_its_weights_and_cache_take_to_be_read() {
    let step = InferenceStep::Decode { context: 2048 };
    let report = run("llama-3-8b", step, 1, MainMemory::Hbm2);
    let weights = 32.0 * (4096.0 * 10_240.0 + 3.0 * 4096.0 * 14_336.0) + 128_256.0 * 4096.0;
    let bound_s: f64 = (2.0 * weights + 2.0 * 32.0 * 8.0 * 128.0 * 2.0 * 2048.0) / (400.0 * 1_073_741_824.0);
    assert!((bound_s - 35.57e-3).abs() < 1e-5, "{bound_s}");
    assert!(report.latency_s >= bound_s && report.latency_s < 1.1 * bound_s, "{}", report.latency_s);
}

// By hand: 2,048 tokens times 32 * 218,103,808 weights, and of attention 32 layers * 32 heads * 2048^2 scores * 2 * 128, and one token's
// logits: 1.4293e13 + 1.0995e12 + 5e8 = 1.5393e13 multiply-accumulates; 65,536 a cycle at 940 MHz take 249.9 ms.
#[test]
fn reading_a_prompt_takes_what_the_array_takes_to_multiply() {
    let report = run("llama-3-8b", InferenceStep::Prefill { tokens: 2048 }, 1, MainMemory::Hbm2);
    let macs = 2048.0 * 32.0 * 218_103_808.0 + 32.0 * 32.0 * 2048.0 * 2048.0 * 256.0 + 128_256.0 * 4096.0;
    assert_eq!(report.macs, macs);
    let bound_s: f64 = macs / 65_536.0 / 940e6;
    assert!((bound_s - 249.9e-3).abs() < 1e-4, "{bound_s}");
    assert!(report.latency_s >= bound_s && report.latency_s < 1.05 * bound_s, "{}", report.latency_s);
}

// By hand: eight sequences share the weights, not the caches.
#[test]
fn a_batch_shares_weights_and_not_caches() {
    let read = |batch| {
        let report = run("llama-3-8b", InferenceStep::Decode { context: 2048 }, batch, MainMemory::Hbm2);
        report.dram.read_byte
    };
    let cache = 268_435_456.0;
    let (one, eight) = (read(1), read(8));
    // Seven caches more, and a few activations.
    assert!(eight - one > 7.0 * cache && eight - one < 7.2 * cache, "{}", (eight - one) / cache);
}

// By hand: weights and cache on the chip leave activations: per layer and token a few hundred thousand bytes, not half a gigabyte.
#[test]
fn what_is_resident_is_not_read() {
    let step = InferenceStep::Decode { context: 2048 };
    let chip = chip(machine(16.0), MainMemory::StackedSram);
    let streamed = chip.run(&workload("llama-3-8b", step, 1, Place::OffChip));
    let resident = chip.run(&workload("llama-3-8b", step, 1, Place::OnChip));
    assert!(streamed.dram.total_byte() > 15e9 && resident.dram.total_byte() < 0.01e9);
    assert!(resident.latency_s < streamed.latency_s);
}

// By hand: banks read nine times as fast as the interface, so decoding takes a ninth of the time but for what vectors and softmax
// take; prompts of thousands of tokens are no work for banks, which read the matrix for every token anew.
#[test]
fn banks_multiply_vectors_and_leave_prompts_to_the_array() {
    let decode = |memory| run("llama-3-8b", InferenceStep::Decode { context: 2048 }, 1, memory);
    let (beside, inside) = (decode(MainMemory::Hbm3), decode(MainMemory::Hbm3Pim));
    let gain = beside.latency_s / inside.latency_s;
    assert!(gain > 7.5 && gain <= 9.0, "{gain}");
    assert!(inside.energy_j < beside.energy_j);
    let prefill = |memory| run("llama-3-8b", InferenceStep::Prefill { tokens: 2048 }, 1, memory).latency_s;
    // One token's logits are a vector's work.
    assert!((prefill(MainMemory::Hbm3Pim) / prefill(MainMemory::Hbm3) - 1.0).abs() < 0.01);
}

// Claim: Mixtral reads two of eight experts for one token, and all of them for many.
#[test]
fn a_mixture_of_experts_reads_what_its_tokens_ask_for() {
    let read = |batch| {
        run("mixtral-8x7b", InferenceStep::Decode { context: 128 }, batch, MainMemory::Hbm3).dram.read_byte
    };
    // 12.88e9 weights are active for a token (Jiang et al. 2024, arXiv 2401.04088: 13B), two bytes each, less embeddings.
    assert!((read(1) / 2.0 / 12.75e9 - 1.0).abs() < 0.01, "{}", read(1) / 2.0);
    assert!((read(64) / 2.0 / 46.6e9 - 1.0).abs() < 0.02, "{}", read(64) / 2.0);
}
