//! The page of a leaderboard, in Markdown.

use std::fmt::Write;

use tapeout_experiment::comparison::pairs::{LEVEL, seeds_to_show};
use tapeout_experiment::comparison::standings::{EnvStandings, Overall};
use tapeout_experiment::comparison::{AgentCost, IntervalEstimate, RunCost, Standings};
use tapeout_experiment::plot::quantity;
use tapeout_experiment::statistics::critical_difference;

use super::{BASELINE, BoardResults};

/// The page of `boards`, made by `command`.
pub fn page(boards: &[BoardResults<'_>], command: &str) -> String {
    let (seeds, trials) = boards.first().map_or((0, 0), |it| (it.standings.seeds, it.standings.trials));
    let mut text = format!(
        "# Leaderboard\n\n\
         Every agent with its default settings on every environment that needs neither a device nor a file or program of your own (`command`, `logged`, \
         `recorded` and `proxy` do): up to {trials} distinct designs a run, fewer where an agent or a space has no more; n = {seeds} seeds, one \
         design at a time. `grid` is left out, which takes a space in order, and `process`, which is a program of your own.\n\n\
         ```sh\n{command}\n```\n\n\
         makes this page again: it reads the runs that are there and makes the others, `--shard` makes a part of them. Without `--seeds` and \
         `--trials` it runs 15 seeds of 100 designs. Ranks are averages over problems and seeds, 1 is best, with 95 % bootstrap intervals over \
         problems, and over seeds within each. A *share* is the mean over seeds of the share of the best result that any run here found; 1 is best. What \
         an agent takes is its median processor time for each design, as measured here: it differs from machine to machine, all else does not.\n"
    );
    for board in boards {
        board_part(&mut text, board);
    }
    text.push_str(
        "\n## What this does not show\n\n\
         One budget: with more designs the order may be another, as `progress` pictures of `tapeout compare` show. Settings are left alone, on \
         all problems the same. The best known result is that of the runs here, not an optimum. Agents that are not told apart at these seeds may be \
         with more.\n",
    );
    text
}

fn board_part(text: &mut String, board: &BoardResults<'_>) {
    let _ = write!(text, "\n## {}\n\n### Which agent to take\n\n", board.board.title);
    warning(text, &board.standings);
    recommendations(text, board);
    let costs = AgentCost::of(&board.runs);
    let name = board.board.name;
    let _ = write!(
        text,
        "\n### Ranks\n\n![average ranks, agents that do not differ are joined]({name}-ranks.svg)\n\n"
    );
    text.push_str("| agent | average rank | takes for each design |\n|---|---|---|\n");
    for overall in &board.standings.overall {
        let cost = cost_of(&costs, &overall.agent);
        let _ = writeln!(text, "| `{}` | {} | {cost} |", overall.agent, interval(&overall.rank));
    }
    let _ = write!(text, "\n### Shares of the best known, by problem\n\n");
    shares(text, board);
    let _ = write!(
        text,
        "\nEach with its interval, quartiles, and test against `random`: [{name}.csv]({name}.csv); every run: \
         [{name}-results.csv]({name}-results.csv).\n\n\
         | problem | kind | is |\n|---|---|---|\n"
    );
    for problem in board.board.problems {
        let _ = writeln!(text, "| {} | {} | {} |", problem.name, problem.kind, problem.words());
    }
}

/// That so few seeds show nothing against the baseline on any one problem.
fn warning(text: &mut String, standings: &Standings) {
    let n_tests = standings.overall.len().saturating_sub(1);
    if let Some(least) = standings.least_p.filter(|least| *least >= LEVEL) {
        let _ = write!(
            text,
            "**{} seeds are too few**: on no problem can an agent be shown to differ from `{BASELINE}`, for no p of {n_tests} tests together is below \
             {least:.2}. To show a difference at {LEVEL} takes {} seeds.\n\n",
            standings.seeds,
            seeds_to_show(LEVEL, n_tests)
        );
    }
}

/// For each kind of several problems who is best, who is not told apart from it, and who of these takes least.
fn recommendations(text: &mut String, board: &BoardResults<'_>) {
    text.push_str(
        "The best average rank on the problems of each kind; those that are within the critical difference of it (Nemenyi, 5 %, over as many blocks as \
         there are problems: other seeds are no other problem) are not told apart from it. Where `random` is one of these, nobody is to be \
         taken for it.\n\n\
         | problems | take | best average rank | not told apart | cheapest of these |\n|---|---|---|---|---|\n",
    );
    let all = board.board.problems.iter().map(|problem| problem.name).collect::<Vec<_>>();
    let mut rows = vec![("all of them", all)];
    let mut lone = Vec::new();
    for kind in board.board.kinds() {
        let of_kind = board.board.problems.iter().filter(|problem| problem.kind == kind);
        let names: Vec<&str> = of_kind.map(|problem| problem.name).collect();
        if names.len() > 1 { rows.push((kind, names)) } else { lone.push(kind) }
    }
    for (kind, names) in rows {
        recommendation(text, board, kind, &names);
    }
    if !lone.is_empty() {
        let _ = write!(text, "\nOne problem says nothing of its kind: {}.\n", lone.join(", "));
    }
}

fn recommendation(text: &mut String, board: &BoardResults<'_>, kind: &str, names: &[&str]) {
    let overall = Standings::over(&board.results, names);
    let difference = critical_difference(overall.len(), names.len());
    let Some(best) = overall.first() else { return };
    let is_level = |other: &&Overall| other.rank.value - best.rank.value <= difference;
    let level: Vec<&str> = overall.iter().filter(is_level).map(|other| other.agent.as_str()).collect();
    let is_shown = !level.contains(&BASELINE);
    let take = if is_shown { format!("**`{}`**", best.agent) } else { "not shown".to_owned() };
    let of_kind: Vec<RunCost> =
        board.runs.iter().filter(|run| names.contains(&run.env.as_str())).cloned().collect();
    let costs = AgentCost::of(&of_kind);
    let cheapest = costs.iter().find(|cost| is_shown && level.contains(&cost.agent.as_str()));
    let cheapest = cheapest
        .map_or_else(|| "-".to_owned(), |it| format!("`{}`, {}", it.agent, quantity(it.own_s[1], "s")));
    let others = level[1..].iter().map(|agent| format!("`{agent}`")).collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        text,
        "| {kind} | {take} | `{}` {} | {others} | {cheapest} |",
        best.agent,
        interval(&best.rank)
    );
}

/// A row for each agent, the best average rank first, a column for each problem; the best of each in bold.
fn shares(text: &mut String, board: &BoardResults<'_>) {
    let envs = &board.standings.envs;
    let names: Vec<&str> = envs.iter().map(|env| env.env.as_str()).collect();
    let _ = writeln!(text, "| agent | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    let share = |env: &EnvStandings, agent: &str| {
        let standing = env.standings.iter().find(|standing| standing.agent == agent)?;
        standing.fraction.map(|fraction| fraction.value)
    };
    for overall in &board.standings.overall {
        let cell = |env: &EnvStandings| {
            let best = env.standings.iter().filter_map(|standing| Some(standing.fraction?.value));
            let best = best.fold(f64::NEG_INFINITY, f64::max);
            match share(env, &overall.agent) {
                None => "-".to_owned(),
                Some(share) if share == best => format!("**{share:.3}**"),
                Some(share) => format!("{share:.3}"),
            }
        };
        let cells: Vec<String> = envs.iter().map(cell).collect();
        let _ = writeln!(text, "| `{}` | {} |", overall.agent, cells.join(" | "));
    }
}

fn cost_of(costs: &[AgentCost], agent: &str) -> String {
    let cost = costs.iter().find(|cost| cost.agent == agent);
    cost.map_or_else(|| "-".to_owned(), |cost| quantity(cost.own_s[1], "s"))
}

fn interval(estimate: &IntervalEstimate) -> String {
    format!("{:.2} [{:.2}, {:.2}]", estimate.value, estimate.low, estimate.high)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use tapeout_core::{Metric, Objective};
    use tapeout_experiment::comparison::conduct::ComparedProblem;
    use tapeout_experiment::comparison::{Cell, ComparisonPlan, RunTrace};

    use super::*;
    use crate::leaderboard::{BOARDS, BoardResults};

    fn plan(seeds: u64) -> ComparisonPlan {
        BOARDS[1].plan(&crate::builtin(), seeds, NonZeroUsize::MIN)
    }

    fn cost(env: &str, agent: &str, agent_s: f64) -> RunCost {
        let (env, agent) = (env.to_owned(), agent.to_owned());
        RunCost { env, agent, seed: 0, trials: 1, agent_s: Some(agent_s), evaluation_s: 1.0 }
    }

    /// The page of runs that each find so many seconds at once.
    fn page_of(plan: &ComparisonPlan, loss: impl Fn(&Cell) -> f64, runs: Vec<RunCost>) -> String {
        let problem = ComparedProblem {
            objectives: vec![Objective::minimize("time_s")],
            metrics: vec![Metric::new("time_s", "s", "")],
            reference: vec![None],
        };
        let trace = |cell: &Cell| RunTrace {
            incumbents: vec![(1, vec![loss(cell)])],
            trials: 1,
            acceptable: 1,
            failed: 0,
        };
        let ran = (vec![problem; plan.envs.len()], plan.cells().iter().map(trace).collect());
        page(&[BoardResults::of(&BOARDS[1], plan, &ran, runs)], "tapeout leaderboard --seeds 4 --trials 1")
    }

    /// By hand: behind `random`, which is the last everywhere, the agent at place i finds i s on every problem with every seed, so the first
    /// behind it is the best, and the second has share 1/2. On accelerators the second takes least, whatever it takes elsewhere.
    #[test]
    fn the_page_recommends_who_ranks_first() {
        let plan = plan(15);
        let [random, first, second] = [0, 1, 2].map(|place| plan.agents[place].name.as_str());
        assert_eq!(random, BASELINE);
        let n = plan.agents.len();
        let loss = |cell: &Cell| if cell.agent == 0 { n as f64 } else { cell.agent as f64 };
        let runs =
            [("edge", first, 2e-3), ("edge", second, 1e-3), ("dram", first, 1e-6), ("dram", first, 1e-6)];
        let page = page_of(&plan, loss, runs.map(|(env, agent, agent_s)| cost(env, agent, agent_s)).to_vec());
        assert!(
            page.contains(&format!("| all of them | **`{first}`** | `{first}` 1.00 [1.00, 1.00] |")),
            "{page}"
        );
        assert!(page.contains(&format!("| `{first}` | 1.00 [1.00, 1.00] | 1 µs |")), "{page}");
        let accelerators = page.lines().find(|line| line.starts_with("| accelerators")).unwrap();
        assert!(accelerators.ends_with(&format!("| `{second}`, 1 ms |")), "{accelerators}");
        let shares = page.lines().find(|line| line.starts_with(&format!("| `{second}` | 0.500 |"))).unwrap();
        assert_eq!(shares.matches("0.500").count(), plan.envs.len());
        assert!(page.contains("n = 15 seeds") && page.contains("leaderboard --seeds 4 --trials 1"), "{page}");
        assert!(!page.contains("too few"), "{page}");
        assert!(page.contains("One problem says nothing of its kind: mappings of a layer.\n"), "{page}");
    }

    /// By hand: whoever is best on one problem is worst on the next, so all ranks are about equal, however many seeds say so; four seeds cannot
    /// show anything on any problem.
    #[test]
    fn the_page_recommends_nobody_who_is_not_told_apart_from_random() {
        let plan = plan(4);
        let n = plan.agents.len();
        let loss = |cell: &Cell| {
            let rank = if cell.env.is_multiple_of(2) { cell.agent } else { n - 1 - cell.agent };
            1.0 + rank as f64
        };
        let page = page_of(&plan, loss, Vec::new());
        assert!(page.contains("| all of them | not shown |") && !page.contains("**`"), "{page}");
        assert!(page.contains("**4 seeds are too few**"), "{page}");
    }
}
