//! DRAM as its controller makes it: the accesses of a mapped layer are played to a simulated memory, which says what share of its
//! bandwidth they reach and how long one of them takes.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::chip::Chip;
use super::hierarchy::{ACTIVATION, DRAM, PARAMETER};
use super::layer::PreparedLayer;
use super::mapping::best;
use super::parts::WORD_BITS;
use crate::dram::{
    Arbiter, Controller, DramDevice, Order, PagePolicy, RefreshPolicy, Request, ResponseQueue, Scheduler,
    SchedulerBuffer, Scratch, Simulator, Trace,
};
use crate::loop_nest::{Architecture, Evaluator, Quirks, Report, Workspace};
use crate::mapped_trace::MappedTrace;
use crate::mapper::Best;

/// Accesses of a layer that are played. Ours: some dozen tiles of most layers, and a millisecond of processor time.
const N_REQUESTS: usize = 4096;

/// Words that the template's outside moves are bytes.
const WORD_BYTE: u64 = WORD_BITS as u64 / 8;

/// What a memory is to a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedMemory {
    /// Share of the peak bandwidth that the layer's accesses reach when all are asked for at once.
    pub efficiency: f64,
    /// Mean time of an access when they go one at a time.
    pub latency_s: f64,
}

impl Chip {
    /// The accesses to DRAM of a layer under its best mapping, in bursts of `device`, in time with the multiply-accumulates.
    pub fn trace(&self, layer: &PreparedLayer, device: &DramDevice) -> MappedTrace {
        let best = best(self, layer);
        let trace = MappedTrace::new(&best.einsum, &best.mapping, WORD_BYTE, device, 0.0);
        let compute_s = best.report.latency.compute_cycles as f64 / self.setting().clock_hz;
        let clocks = compute_s / device.clock_s / trace.steps();
        MappedTrace::new(&best.einsum, &best.mapping, WORD_BYTE, device, clocks)
    }

    /// What `device` is to a layer under its best mapping.
    pub fn simulated_memory(&self, layer: &PreparedLayer, device: &DramDevice) -> SimulatedMemory {
        simulate(&best(self, layer), device)
    }
}

fn simulate(best: &Best, device: &DramDevice) -> SimulatedMemory {
    let trace = MappedTrace::new(&best.einsum, &best.mapping, WORD_BYTE, device, 0.0);
    let requests: Vec<Request> = trace.take(N_REQUESTS).collect();
    let trace =
        Trace::new(requests).expect("invariant: every layer reads something, and this is the first of it");
    let simulator = Simulator::new(device, &trace);
    let mut scratch = Scratch::new();
    let mut run = |max_active| simulator.run(&controller(max_active), Order::Fast, &mut scratch);
    let (busy, single) = (run(BUSY), run(NonZeroU32::MIN));
    SimulatedMemory {
        efficiency: busy.bandwidth_byte_per_s / device.peak_byte_per_s(),
        latency_s: single.latency.mean_s,
    }
}

/// Accesses under way when all are asked for at once. Ours: more than the buffer holds.
const BUSY: NonZeroU32 = NonZeroU32::new(64).expect("64 is not 0");

/// Ours: row hits first, rows closed when nobody wants them, a buffer of 32, refreshes put off up to eight times.
fn controller(max_active: NonZeroU32) -> Controller {
    let (size, most) = (NonZeroU32::new(32), NonZeroU32::new(8));
    let (Some(buffer_size), Some(most)) = (size, most) else { unreachable!("neither is 0") };
    Controller {
        page_policy: PagePolicy::OpenAdaptive,
        scheduler: Scheduler::FrFcfs,
        buffer: SchedulerBuffer::Shared,
        buffer_size,
        responses: ResponseQueue::Fifo,
        refresh: RefreshPolicy::AllBank { max_postponed: most, max_pulled_in: most },
        arbiter: Arbiter::Fifo { max_active },
        power_down: None,
    }
}

/// The mapping `best` of a layer, costed with DRAM as `device` is to it.
pub(super) fn under(chip: &Chip, device: &DramDevice, best: &Arc<Best>) -> Arc<Best> {
    let architecture = architecture(chip, simulate(best, device));
    let evaluator = Evaluator::new(&architecture, &best.einsum, Quirks::default());
    let mut report = Report::new();
    evaluator
        .and_then(|evaluator| evaluator.evaluate(&best.mapping, &mut Workspace::new(), &mut report))
        .expect("invariant: bandwidths do not decide whether a mapping can run");
    Arc::new(Best { report, ..Best::clone(best) })
}

/// The hierarchy of a chip that was built for the stated DRAM, on a DRAM that behaves like this.
fn architecture(chip: &Chip, memory: SimulatedMemory) -> Architecture {
    let (template, clock_hz) = (chip.template(), chip.setting().clock_hz);
    let given = memory.efficiency * template.dram_bandwidth_byte_per_s / clock_hz;
    let mut levels = chip.architecture().levels().to_vec();
    levels[DRAM].bandwidth.shared_words_per_cycle = Some(given);
    for (level, bytes) in
        [(PARAMETER, template.parameter_memory_bytes), (ACTIVATION, template.activation_memory_bytes)]
    {
        // Little's law, as for the stated latency; the port, which was made for that, moves each byte twice.
        let in_flight = bytes as f64 / memory.latency_s / clock_hz;
        let sustained = in_flight.min(levels[level].block_words as f64 / 2.0);
        levels[level].bandwidth.write_words_per_cycle = (sustained < given).then_some(sustained);
    }
    Architecture::new(chip.architecture().mac().clone(), levels)
        .expect("invariant: bandwidths do not decide how levels nest")
}

#[cfg(test)]
mod tests {
    use super::super::layer::{INPUTS, OUTPUTS, WEIGHTS};
    use super::*;
    use crate::dram::{DDR3_1600, LPDDR4_3200, Operation};
    use crate::edge::{EdgeDataflow, EdgeSetting, EdgeTemplate};
    use crate::networks::{Layer, NeuralNetwork};
    use crate::technology::{DramKind, Node};

    fn chip() -> Chip {
        let template = EdgeTemplate {
            pes_x: 2,
            pes_y: 2,
            cores: 2,
            lanes: 16,
            pe_memory_bytes: 256 << 10,
            core_memory_bytes: 4 << 10,
            activation_memory_bytes: 1024,
            parameter_memory_bytes: 2048,
            instruction_entries: 65_536,
            dram_bandwidth_byte_per_s: 10e9,
        };
        let setting = EdgeSetting {
            node: Node::new(16).unwrap(),
            clock_hz: 800e6,
            dram: DramKind::Lpddr4,
            dram_latency_s: 110e-9,
            dataflow: EdgeDataflow::OutputStationary,
        };
        Chip::new(template, setting).unwrap()
    }

    fn layers() -> Vec<Layer> {
        let text = r#"
            schema = 1
            id = "small"
            title = "small layers"
            source = "made up"
            layers = [
              { name = "window", conv2d = { in_channels = 32, out_channels = 64, output = [28, 28], kernel = [3, 3], padding = [2, 2] } },
              { name = "point", conv2d = { in_channels = 128, out_channels = 96, output = [14, 14], kernel = [1, 1] } },
              { name = "product", matmul = { m = 64, n = 512, k = 256, second = "weight" } },
            ]"#;
        NeuralNetwork::from_toml(text, "small.toml").unwrap().layers().to_vec()
    }

    // Law: a trace moves what the loop-nest model counts: with bursts of one byte, as many reads and writes as there are words that each tensor
    // has read from and written to DRAM, zeros around an image among them.
    #[test]
    fn a_trace_moves_the_words_that_are_counted() {
        let words = DramDevice { burst_byte: 1, ..DDR3_1600 };
        for layer in layers() {
            let (chip, layer) = (chip(), PreparedLayer::new(&layer, 1.0));
            let best = best(&chip, &layer);
            let quirks = Quirks { padding_from_memory: true, ..Quirks::default() };
            let mut report = Report::new();
            Evaluator::new(chip.architecture(), &best.einsum, quirks)
                .and_then(|evaluator| evaluator.evaluate(&best.mapping, &mut Workspace::new(), &mut report))
                .unwrap();
            let count = |operation| {
                chip.trace(&layer, &words).filter(|request| request.operation == operation).count() as u64
            };
            let reads: u64 =
                [WEIGHTS, INPUTS, OUTPUTS].map(|tensor| report.tensor(DRAM, tensor).reads).iter().sum();
            assert_eq!(count(Operation::Read), reads, "{}", layer.name());
            assert_eq!(count(Operation::Write), report.tensor(DRAM, OUTPUTS).updates, "{}", layer.name());
        }
    }

    // Law: requests come in time with the multiply-accumulates: none before, and the last within a step of their end.
    #[test]
    fn a_trace_keeps_time_with_the_arithmetic() {
        let (chip, layer) = (chip(), PreparedLayer::new(&layers()[0], 1.0));
        let clocks: Vec<u64> = chip.trace(&layer, &DDR3_1600).map(|request| request.cycle).collect();
        assert!(clocks.is_sorted());
        let compute_s = best(&chip, &layer).report.latency.compute_cycles as f64 / 800e6;
        let last_s = *clocks.last().unwrap() as f64 * DDR3_1600.clock_s;
        assert!(last_s <= compute_s && last_s > 0.5 * compute_s, "{last_s} {compute_s}");
    }

    // Law: no memory gives more than its peak, so that a layer is not faster than with all of the bandwidth at the simulated latency; and a
    // layer that computes for long is not slower either.
    #[test]
    fn a_simulated_memory_gives_a_share_of_its_peak() {
        for layer in layers() {
            let layer = PreparedLayer::new(&layer, 1.0);
            let chip = chip();
            let memory = chip.simulated_memory(&layer, &LPDDR4_3200);
            assert!(memory.efficiency > 0.05 && memory.efficiency <= 1.0, "{memory:?}");
            // WR to the last data, 28 clocks, at the least; a row conflict and its refreshes at the most.
            assert!(memory.latency_s > 28.0 * 0.625e-9 && memory.latency_s < 200e-9, "{memory:?}");
            let stated = chip.run_layer(&layer).unwrap();
            let simulated = chip.with_simulated_memory(LPDDR4_3200).run_layer(&layer).unwrap();
            assert_eq!(stated.best.mapping, simulated.best.mapping);
            let compute = stated.best.report.latency.compute_cycles;
            assert!(simulated.cycles() >= compute && simulated.instructions == stated.instructions);
        }
    }
}
