//! How near the model of Gemmini's loop unroller comes to cycles in RTL:
//! `cargo run --release -p tapeout-simulators --example gemmini_rtl -- FILE.jsonl`.

use tapeout_simulators::gemmini::runs::{Accuracy, Loops, RtlRun, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("expected a file of runs")?;
    let runs = read(&std::fs::read_to_string(path)?)?;
    let kinds: [(&str, fn(&RtlRun) -> bool); 3] = [
        ("all", |_| true),
        ("convolutions", |run| matches!(run.loops, Loops::Convolution(..))),
        ("products", |run| matches!(run.loops, Loops::Product(..))),
    ];
    println!("| runs | number | mean error | median error | Spearman |");
    println!("|---|---|---|---|---|");
    for (name, is_of_kind) in kinds {
        let own = runs.iter().filter(|run| is_of_kind(run));
        let pairs: Vec<(f64, f64)> = own.map(|run| (run.cycles(), run.rtl_cycles)).collect();
        if pairs.is_empty() {
            continue;
        }
        let Accuracy { mean_error, median_error, spearman } = Accuracy::of(&pairs);
        let [mean, median] = [mean_error, median_error].map(|error| 100.0 * error);
        println!("| {name} | {} | {mean:.1} % | {median:.1} % | {spearman:.3} |", pairs.len());
    }
    Ok(())
}
