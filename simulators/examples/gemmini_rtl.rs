//! How near the model of Gemmini's loop unroller comes to cycles in RTL:
//! `cargo run --release -p tapeout-simulators --example gemmini_rtl -- FILE.jsonl`, and the rows of the array behind that if all
//! runs were on one. Without a file, the runs that the model was fitted to.

use tapeout_simulators::gemmini::runs::{Accuracy, Loops, RtlRun, read};

#[expect(clippy::print_stdout, reason = "its answer is what it prints")]
fn show(kind: &str, runs: &[&RtlRun]) {
    let pairs: Vec<(f64, f64)> = runs.iter().map(|run| (run.cycles(), run.rtl_cycles)).collect();
    if pairs.is_empty() {
        return;
    }
    let Accuracy { mean_error, median_error, spearman } = Accuracy::of(&pairs);
    let [mean, median] = [mean_error, median_error].map(|error| 100.0 * error);
    println!("| {kind} | {} | {mean:.1} % | {median:.1} % | {spearman:.3} |", pairs.len());
}

#[expect(clippy::print_stdout, reason = "its answer is what it prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gemmini/random_mappings.jsonl");
    let path = std::env::args().nth(1).unwrap_or_else(|| FITTED.to_owned());
    let mut runs = read(&std::fs::read_to_string(path)?)?;
    if let Some(array) = std::env::args().nth(2) {
        let array = array.parse()?;
        runs.iter_mut().for_each(|run| run.array = array);
    }
    let (convolutions, products): (Vec<&RtlRun>, Vec<&RtlRun>) =
        runs.iter().partition(|run| matches!(run.loops, Loops::Convolution(..)));
    println!("| runs | number | mean error | median error | Spearman |");
    println!("|---|---|---|---|---|");
    show("all", &runs.iter().collect::<Vec<_>>());
    show("convolutions", &convolutions);
    show("products", &products);
    Ok(())
}
