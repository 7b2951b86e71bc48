//! The report of what was answered.

use std::fmt::Write;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use tapeout::core::Seed;
use tapeout::experiment::statistics::{bootstrap_interval, mean, signed_rank};

use crate::learned::ModelErrors;
use crate::lottery::Regrets;
use crate::plan::{AGENTS, GOALS, LOTTERY};

/// All answers, and what was asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DramAnswers {
    /// Seeds of each agent.
    pub seeds: u64,
    /// Distinct designs of a run.
    pub trials: NonZeroUsize,
    /// Combinations of hyperparameters of an agent.
    pub variants: NonZeroUsize,
    /// Designs of the learned models.
    pub designs: usize,
    /// By environment and agent.
    pub regrets: Vec<Regrets>,
    /// By workload and learner.
    pub learned: Vec<ModelErrors>,
}

/// The report in Markdown.
pub fn report(answers: &DramAnswers) -> String {
    let DramAnswers { seeds, trials, variants, designs, .. } = answers;
    let mut text = format!(
        "# The memory controller: agents, hyperparameters, a learned model\n\n\
         ArchGym (Krishnan et al., ISCA 2023) asks in 21,000 runs whether the choice of agent matters or that of its hyperparameters. Here: four \
         kinds of traffic (`stream`, `random`, `cloud`, `mixed`) of 10,000 requests, three goals (energy, mean latency, both), all agents with their \
         defaults and {variants} combinations of hyperparameters of four of them, {seeds} seeds, {trials} distinct designs a run of the space of 442,368, \
         {} runs. The exact optimum of each single goal is known, so that regret is: value over optimum, less 1. With two goals it is 1 less the share of \
         the largest hypervolume that any run has.\n\n\
         `cargo run --release -p dram-study -- --seeds {seeds} --trials {trials} --variants {variants} --designs {designs}` makes it again, and goes on with \
         more seeds.\n\n\
         ## Agents with their defaults\n\n\
         Mean regret over traffic and seeds, in per cent, with a 95 % bootstrap interval.\n\n",
        answers.regrets.iter().map(|it| it.by_seed.len()).sum::<usize>()
    );
    agents(&mut text, answers);
    text.push_str(
        "\n## The lottery\n\nHyperparameters drawn from the values of `studies/dram/src/plan.rs`: regret in per cent averaged over traffic, goals and \
         seeds, of the best, the (upper) median and the worst combination, and of the defaults; 95 % bootstrap intervals.\n\n",
    );
    lottery(&mut text, answers);
    text.push_str("\n## One policy or one for each parameter\n\n");
    duel(&mut text, answers, "mappo", "ppo");
    duel(&mut text, answers, "mappo", "reinforce");
    let _ = write!(
        text,
        "\n## A learned model\n\nRoot mean square of relative errors, in per cent, on a fifth of {designs} different designs with refreshes. Designs that are \
         provably equal count once, so that none is on both sides. ArchGym's forest: 0.61 %, some 2,000 times as fast as its simulator.\n\n\
         | traffic | learner | time | energy | mean latency |\n|---|---|---|---|---|\n"
    );
    for it in &answers.learned {
        let [time, energy, latency] = it.errors.map(|error| 100.0 * error);
        let (workload, learner) = (&it.workload, &it.learner);
        let _ = writeln!(text, "| `{workload}` | `{learner}` | {time:.2} | {energy:.2} | {latency:.2} |");
    }
    text
}

/// The regrets of an agent, of one goal or all.
fn of<'a>(answers: &'a DramAnswers, agent: &'a str, goal: Option<&'a str>) -> Vec<f64> {
    let is_asked = move |it: &&Regrets| it.agent == agent && goal.is_none_or(|goal| it.goal == goal);
    answers.regrets.iter().filter(is_asked).flat_map(|it| it.by_seed.iter().copied()).collect()
}

fn with_interval(values: &[f64]) -> String {
    let mean_of = |drawn: &[usize]| mean(&drawn.iter().map(|&it| values[it]).collect::<Vec<f64>>());
    let [low, high] = bootstrap_interval(values.len(), Seed::new(0), mean_of);
    format!("{:.2} [{:.2}, {:.2}]", 100.0 * mean(values), 100.0 * low, 100.0 * high)
}

fn agents(text: &mut String, answers: &DramAnswers) {
    let goals = GOALS.map(|(goal, _)| goal);
    let _ = writeln!(text, "| agent | {} | all |\n|---|---|---|---|---|", goals.join(" | "));
    let mut rows: Vec<(f64, &str)> =
        AGENTS.iter().map(|agent| (mean(&of(answers, agent, None)), *agent)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, agent) in rows {
        let cells = goals.map(|goal| with_interval(&of(answers, agent, Some(goal))));
        let all = with_interval(&of(answers, agent, None));
        let _ = writeln!(text, "| `{agent}` | {} | {all} |", cells.join(" | "));
    }
}

fn lottery(text: &mut String, answers: &DramAnswers) {
    text.push_str("| agent | best | median | worst | defaults |\n|---|---|---|---|---|\n");
    let mut spreads = Vec::new();
    let mut medians = Vec::new();
    for agent in LOTTERY {
        let mut names: Vec<&str> = answers.regrets.iter().map(|it| it.agent.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let prefix = format!("{agent} ");
        let mut ranked: Vec<(f64, &str)> = names
            .iter()
            .filter(|name| name.starts_with(&prefix))
            .map(|name| (mean(&of(answers, name, None)), *name))
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (Some(&best), Some(&worst)) = (ranked.first(), ranked.last()) else { continue };
        let median = ranked[ranked.len() / 2];
        spreads.push(worst.0 - best.0);
        medians.push(median.0);
        let cells = [best.1, median.1, worst.1, agent].map(|name| with_interval(&of(answers, name, None)));
        let _ = writeln!(text, "| `{agent}` | {} |", cells.join(" | "));
    }
    let between = medians.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        - medians.iter().copied().fold(f64::INFINITY, f64::min);
    let within = mean(&spreads);
    let _ = writeln!(
        text,
        "\nHyperparameters of one agent move the regret by {:.2} points on average; the medians of the agents are {:.2} apart.",
        100.0 * within,
        100.0 * between
    );
}

/// Two agents, paired by traffic, goal and seed.
fn duel(text: &mut String, answers: &DramAnswers, one: &str, other: &str) {
    let (a, b) = (of(answers, one, None), of(answers, other, None));
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    let test = signed_rank(&differences);
    let wins = differences.iter().filter(|difference| **difference < 0.0).count();
    let losses = differences.iter().filter(|difference| **difference > 0.0).count();
    let _ = writeln!(
        text,
        "`{one}` against `{other}`, paired by traffic, goal and seed: better in {wins}, worse in {losses} of {}; mean difference of the regret {} points \
         (negative: `{one}` is better); Wilcoxon's signed-rank test, two-sided: p {}.\n",
        differences.len(),
        with_interval(&differences),
        if test.p < 0.001 { "< 0.001".to_owned() } else { format!("= {:.3}", test.p) }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: the report is what the answers beside it say.
    #[test]
    fn the_report_follows_from_the_answers() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/studies/dram");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let answers: DramAnswers = serde_json::from_str(&read("answers.json")).unwrap();
        assert_eq!(report(&answers), read("README.md"));
    }
}
