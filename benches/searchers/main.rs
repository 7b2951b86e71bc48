//! How well agents search problems that cost nothing to evaluate, and what their proposals cost.
//!
//! `cargo bench -p tapeout-benches --bench searchers -- FIELDS AGENTS SEEDS TRIALS`: names with commas between, `0..15`, and a
//! number. Printed are medians over seeds at the budgets of [`BUDGETS`], for kernels means and half of a 95 % interval, the share of acceptable
//! designs, and the time of a proposal with its observation: the mean, and the longest. An agent's settings follow its name: `tpe:gamma=0.2`.
//! The agent `exact` is random search on a kernel, counted out.

mod accelerator;
mod engineering;
mod field;
mod tuning;

use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde_json::{Map, Value};
use tapeout_core::Seed;

use field::Field;

/// Where a search is looked at.
const BUDGETS: [usize; 6] = [25, 50, 100, 200, 500, 1000];

/// What came of one search.
struct Result {
    scores: Vec<f64>,
    accepted: f64,
    mean: Duration,
    longest: Duration,
}

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn search(field: &Field, id: &str, settings: &Value, seed: u64, trials: usize) -> Result {
    let (mut total, mut longest, mut since, mut part) =
        (Duration::ZERO, Duration::ZERO, Instant::now(), Duration::ZERO);
    let mut halves = 0;
    let mut during = |is_begin: bool| {
        if is_begin {
            since = Instant::now();
            return;
        }
        part += since.elapsed();
        halves += 1;
        if halves % 2 == 0 {
            total += part;
            longest = longest.max(part);
            part = Duration::ZERO;
        }
    };
    let log = field.timed_run(id, settings, Seed::new(seed), trials, &mut during);
    let reached = BUDGETS.iter().filter(|&&budget| budget <= trials);
    let scores = reached.map(|&budget| field.score(&log[..budget.min(log.len())])).collect();
    let n_accepted = log.iter().filter(|trial| trial.judgement.accepted().is_some()).count();
    Result { scores, accepted: n_accepted as f64 / log.len() as f64, mean: total / log.len() as u32, longest }
}

/// `agent:name=value:name=value` as its id and settings.
fn settings(text: &str) -> (String, Value) {
    let mut parts = text.split(':');
    let id = parts.next().unwrap_or_default().to_owned();
    let settings: Map<String, Value> = parts
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
        .collect();
    (id, Value::Object(settings))
}

/// The mean and 1.96 standard errors.
fn mean(values: &[f64]) -> [f64; 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    [mean, 1.96 * (variance / n).sqrt()]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { 0.5 * (values[middle - 1] + values[middle]) }
}

#[allow(clippy::print_stdout, reason = "a bench tells what it measured")]
fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [fields, agents, seeds, trials] = &arguments[..] else {
        println!("FIELDS AGENTS SEEDS TRIALS: see the head of benches/searchers/main.rs");
        return;
    };
    let (first, end) = seeds.split_once("..").expect("seeds are FIRST..END");
    let seeds: Vec<u64> = (first.parse().expect("a number")..end.parse().expect("a number")).collect();
    let trials: usize = trials.parse().expect("a number");
    for name in fields.split(',') {
        let field = Field::new(name);
        if agents == "best" {
            println!("{name}: {:.4}", field.best());
            continue;
        }
        println!(
            "{name}\n{:<32}{}  acceptable  ms mean  ms most",
            "",
            BUDGETS.map(|budget| format!("{budget:>15}")).concat()
        );
        for agent in agents.split(',') {
            if agent == "exact" {
                let reached = BUDGETS.iter().filter(|&&budget| budget <= trials);
                let scores = reached.map(|&budget| format!("  {:.3}        ", field.exact_random(budget)));
                println!("{agent:<32}{}", scores.collect::<String>());
                continue;
            }
            let (id, settings) = settings(agent);
            let results: Vec<Result> =
                seeds.par_iter().map(|&seed| search(&field, &id, &settings, seed, trials)).collect();
            let n_reached = results[0].scores.len();
            let scores = (0..BUDGETS.len()).map(|index| {
                if index >= n_reached {
                    return format!("{:>15}", "");
                }
                let scores: Vec<f64> = results.iter().map(|result| result.scores[index]).collect();
                if field.is_told_by_mean() {
                    let [mean, half] = mean(&scores);
                    return format!("  {mean:.3} ± {half:.3}");
                }
                let median = median(scores);
                // Seconds and square metres are small numbers.
                if median < 0.01 { format!("{median:>15.4e}") } else { format!("{median:>15.4}") }
            });
            let scores: String = scores.collect();
            let of = |value: fn(&Result) -> f64| median(results.iter().map(value).collect());
            let (accepted, step) =
                (of(|result| result.accepted), of(|result| 1e3 * result.mean.as_secs_f64()));
            let longest = of(|result| 1e3 * result.longest.as_secs_f64());
            println!("{agent:<32}{scores}  {accepted:>10.3}  {step:>7.3}  {longest:>7.2}");
        }
    }
}
