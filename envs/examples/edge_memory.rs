//! What a simulated memory moves: random designs of `edge-accelerator` that can be built, with the DRAM as stated and simulated. Prints the
//! table of `docs/concepts/dram.md`:
//!
//! ```sh
//! cargo run --release -p tapeout-envs --example edge_memory -- lpddr4 40
//! ```

use std::error::Error;

use tapeout_core::{BuildEnv, Design, Env, Seed};
use tapeout_envs::{AcceleratorEnv, EdgeAccelerator, EdgeAcceleratorConfig, EdgeMemory};

type Edge = AcceleratorEnv<EdgeAccelerator>;

/// Latencies of the designs that can be built, `None` for the others.
fn latencies(memory: EdgeMemory, dram: &str, designs: &[Design]) -> Result<Vec<Option<f64>>, Box<dyn Error>> {
    let env = Edge::build(EdgeAcceleratorConfig { memory, dram: dram.parse()?, ..Default::default() })?;
    let latency = |design| Ok(env.evaluate(design)?.metrics().map(|metrics| metrics[0]));
    designs.iter().map(latency).collect()
}

/// Spearman's rank correlation of values without ties.
fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let rank = |value: f64, all: &dyn Fn(&(f64, f64)) -> f64| {
        pairs.iter().filter(|pair| all(pair) < value).count() as f64
    };
    let n = pairs.len() as f64;
    let squares: f64 = pairs
        .iter()
        .map(|&(one, other)| (rank(one, &|pair| pair.0) - rank(other, &|pair| pair.1)).powi(2))
        .sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

#[expect(clippy::print_stdout, reason = "its answer is what it prints")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dram = arguments.next().unwrap_or_else(|| "lpddr4".to_owned());
    let n: usize = arguments.next().map_or(Ok(60), |n| n.parse())?;
    let probe = Edge::build(EdgeAcceleratorConfig::default())?;
    let mut rng = Seed::new(0).stream("edge memory");
    let mut designs = Vec::new();
    while designs.len() < n {
        let design = probe.space().sample(&mut rng);
        if probe.precheck(&design).is_none() {
            designs.push(design);
        }
    }
    let stated = latencies(EdgeMemory::Stated, &dram, &designs)?;
    let simulated = latencies(EdgeMemory::Simulated, &dram, &designs)?;
    let pairs: Vec<(f64, f64)> =
        stated.into_iter().zip(simulated).filter_map(|(a, b)| Some((a?, b?))).collect();
    let mut ratios: Vec<f64> = pairs.iter().map(|(stated, simulated)| simulated / stated).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share) as usize];
    let best = |of: &dyn Fn(&(f64, f64)) -> f64| {
        (0..pairs.len()).min_by(|&a, &b| of(&pairs[a]).total_cmp(&of(&pairs[b])))
    };
    let is_same = best(&|pair| pair.0) == best(&|pair| pair.1);
    println!(
        "{dram}: {} designs; simulated over stated latency: least {:.3}, quartiles {:.3} {:.3} {:.3}, most {:.3}; rank correlation {:.4}; the fastest is {}",
        pairs.len(),
        at(0.0),
        at(0.25),
        at(0.5),
        at(0.75),
        at(1.0),
        rank_correlation(&pairs),
        if is_same { "the same" } else { "another" }
    );
    Ok(())
}
