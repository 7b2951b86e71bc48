//! How often the mapper breaks its laws on real layers: more capacity or bandwidth at the same energies is no worse, and no goal's result
//! is beaten by that of another goal. `cargo run --release -p tapeout-simulators --example mapper_laws -- quick` (or `careful`, or an effort);
//! without an argument, on a layer of each network alone.

use std::error::Error;
use std::io::Write;

use tapeout_simulators::architectures::{ARCHITECTURES, architecture};
use tapeout_simulators::gemmini::{GemminiDataflow, GemminiSetting, GemminiTemplate};
use tapeout_simulators::loop_nest::{Architecture, Einsum, Level};
use tapeout_simulators::mapper::{MappingConstraints, Objective, Options, best_mapping};
use tapeout_simulators::networks::network;
use tapeout_simulators::technology::{DramKind, Node};

/// Every so many of a network's layers are looked at. Ours: seconds in all.
const STRIDE: usize = 5;

/// Pairs of results of which one must be no worse than the other.
#[derive(Default)]
struct Law {
    n: usize,
    n_broken: usize,
    n_by_a_per_cent: usize,
    worst: f64,
}

impl Law {
    /// Takes in that `score` should be no more than `rival`.
    fn hold(&mut self, score: f64, rival: f64) {
        let excess = score / rival - 1.0;
        self.n += 1;
        self.n_broken += usize::from(excess > 1e-9);
        self.n_by_a_per_cent += usize::from(excess > 0.01);
        self.worst = self.worst.max(excess);
    }

    fn print(&self, out: &mut impl Write, machine: &str, law: &str) -> std::io::Result<()> {
        let Self { n, n_broken, n_by_a_per_cent, worst } = self;
        writeln!(out, "{machine:13} {law:26} {n:6} {n_broken:7} {n_by_a_per_cent:9} {:8.2} %", 100.0 * worst)
    }
}

type Constrain = Box<dyn Fn(&Architecture, &Einsum) -> MappingConstraints>;

/// A machine, its name, and what it allows.
type Machine = (String, Architecture, Constrain);

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1);
    let options = match argument.as_deref() {
        None | Some("quick") => Options::quick(),
        Some("careful") => Options::careful(),
        Some(effort) => Options {
            effort: effort.parse().map_err(|_| {
                format!("argument 1: `{effort}`, expected `quick`, `careful` or an effort, a whole number")
            })?,
            ..Options::quick()
        },
    };
    let n_layers = if argument.is_some() { usize::MAX } else { 1 };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:13} {:26} {:>6} {:>7} {:>9} {:>10}",
        "machine", "law", "pairs", "broken", "by 1 %", "worst"
    )?;
    for (name, machine, constrain) in machines()? {
        let score = |machine: &Architecture, layer: &Einsum, objective: Objective| {
            let constraints = constrain(machine, layer);
            best_mapping(machine, layer, objective, &constraints, options)
                .map(|best| Objective::ALL.map(|objective| objective.of(&best.report).0))
        };
        let (mut goals, mut grown) = (Law::default(), [Law::default(), Law::default()]);
        for id in ["resnet50", "mobilenet-v2", "bert-base"] {
            for layer in network(id)?.layers().iter().step_by(STRIDE).take(n_layers) {
                let mut results = Vec::new();
                for objective in Objective::ALL {
                    results.push(score(&machine, layer.einsum(), objective)?);
                }
                for (goal, objective) in Objective::ALL.into_iter().enumerate() {
                    (0..3)
                        .filter(|&other| other != goal)
                        .for_each(|other| goals.hold(results[goal][goal], results[other][goal]));
                    for level in 0..machine.levels().len() {
                        for (law, larger) in
                            grown.iter_mut().zip([capacity(&machine, level), bandwidth(&machine, level)])
                        {
                            let Some(larger) = larger else { continue };
                            law.hold(score(&larger?, layer.einsum(), objective)?[goal], results[goal][goal]);
                        }
                    }
                }
            }
        }
        goals.print(&mut out, &name, "no goal is beaten")?;
        grown[0].print(&mut out, &name, "twice the capacity")?;
        grown[1].print(&mut out, &name, "twice the bandwidth")?;
    }
    Ok(())
}

/// The built-in machines, which keep what they like, and a Gemmini with its dataflow.
fn machines() -> Result<Vec<Machine>, Box<dyn Error>> {
    let mut machines: Vec<Machine> = Vec::new();
    for row in ARCHITECTURES {
        machines.push((row.id.to_owned(), architecture(row.id)?, Box::new(MappingConstraints::free)));
    }
    let dataflow = GemminiDataflow::WeightStationary;
    let setting = GemminiSetting { node: Node::new(22)?, clock_hz: 1e9, dram: DramKind::Lpddr4, dataflow };
    let template = GemminiTemplate { array: 16, scratchpad_bytes: 64 << 10, accumulator_bytes: 16 << 10 };
    let gemmini = template.architecture(&setting)?;
    machines.push(("gemmini".to_owned(), gemmini, Box::new(move |_, layer| dataflow.constraints(layer))));
    Ok(machines)
}

type Changed = Option<Result<Architecture, Box<dyn Error>>>;

/// `machine` with twice the entries of a level, if those are limited.
fn capacity(machine: &Architecture, level: usize) -> Changed {
    let entries = machine.levels()[level].entries?;
    Some(with(machine, level, |level| level.entries = Some(2 * entries)))
}

/// `machine` with twice the bandwidth of a level, if that is limited.
fn bandwidth(machine: &Architecture, level: usize) -> Changed {
    let limits = machine.levels()[level].bandwidth;
    let of = [limits.read_words_per_cycle, limits.write_words_per_cycle, limits.shared_words_per_cycle];
    of.iter().any(Option::is_some).then(|| {
        with(machine, level, |level| {
            let twice = |limit: &mut Option<f64>| *limit = limit.map(|words| 2.0 * words);
            let limits = &mut level.bandwidth;
            twice(&mut limits.read_words_per_cycle);
            twice(&mut limits.write_words_per_cycle);
            twice(&mut limits.shared_words_per_cycle);
        })
    })
}

fn with(
    machine: &Architecture,
    level: usize,
    change: impl FnOnce(&mut Level),
) -> Result<Architecture, Box<dyn Error>> {
    let mut levels = machine.levels().to_vec();
    change(&mut levels[level]);
    Ok(Architecture::new(machine.mac().clone(), levels)?)
}
