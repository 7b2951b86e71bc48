//! The page of a leaderboard, in Markdown.

use std::fmt::Write;

use tapeout_experiment::comparison::standings::EnvStandings;
use tapeout_experiment::comparison::{AgentCost, IntervalEstimate, Standings};
use tapeout_experiment::plot::quantity;
use tapeout_experiment::statistics::critical_difference;

use super::BoardResults;

/// The page of `boards`, made by `command`.
pub fn page(boards: &[BoardResults<'_>], command: &str) -> String {
    let (seeds, trials) = boards.first().map_or((0, 0), |it| (it.standings.seeds, it.standings.trials));
    let mut text = format!(
        "# Leaderboard\n\n\
         Every agent with its default settings on every environment that needs no device: {trials} distinct designs a run, n = {seeds} seeds, one \
         design at a time. `grid` is left out, which takes a space in order, and `process`, which is a program of your own.\n\n\
         ```sh\n{command}\n```\n\n\
         makes this page again: it reads the runs that are there and makes the others, `--shard` makes a part of them. Without `--seeds` and \
         `--trials` it runs 15 seeds of 100 designs. Ranks are averages over problems and seeds, 1 is best, with 95 % bootstrap intervals over \
         both. A *share* is the mean over seeds of the share of the best result that any run here found; 1 is best. What an agent takes is its \
         median processor time for each design, as measured here: it differs from machine to machine, all else does not.\n"
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
    recommendations(text, board);
    let name = board.board.name;
    let _ = write!(
        text,
        "\n### Ranks\n\n![average ranks, agents that do not differ are joined]({name}-ranks.svg)\n\n"
    );
    text.push_str("| agent | average rank | takes for each design |\n|---|---|---|\n");
    for overall in &board.standings.overall {
        let cost = cost_of(&board.costs, &overall.agent);
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

/// For each kind of problem who is best, who is not told apart from it, and who of these takes least.
fn recommendations(text: &mut String, board: &BoardResults<'_>) {
    text.push_str(
        "The best average rank on the problems of each kind; those that are within the critical difference of it (Nemenyi, 5 %) are not told apart \
         from it by these seeds.\n\n\
         | problems | take | average rank | not told apart | cheapest of these |\n|---|---|---|---|---|\n",
    );
    let all = board.board.problems.iter().map(|problem| problem.name).collect::<Vec<_>>();
    let mut rows = vec![("all of them", all)];
    for kind in board.board.kinds() {
        let of_kind = board.board.problems.iter().filter(|problem| problem.kind == kind);
        rows.push((kind, of_kind.map(|problem| problem.name).collect()));
    }
    for (kind, names) in rows {
        let overall = Standings::over(&board.results, &names);
        let blocks = names.len() * board.standings.seeds;
        let difference = critical_difference(overall.len(), blocks);
        let Some((best, others)) = overall.split_first() else { continue };
        let level: Vec<&str> = others
            .iter()
            .filter(|other| other.rank.value - best.rank.value <= difference)
            .map(|other| other.agent.as_str())
            .collect();
        let cheapest =
            board.costs.iter().find(|cost| cost.agent == best.agent || level.contains(&cost.agent.as_str()));
        let cheapest =
            cheapest.map_or_else(String::new, |it| format!("`{}`, {}", it.agent, quantity(it.own_s[1], "s")));
        let level = level.iter().map(|agent| format!("`{agent}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "| {kind} | **`{}`** | {} | {level} | {cheapest} |",
            best.agent,
            interval(&best.rank)
        );
    }
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
    use tapeout_experiment::comparison::{RunCost, RunTrace};

    use super::*;
    use crate::leaderboard::{BOARDS, BoardResults};

    /// By hand: the agent at place i finds 1 + i s at once on every problem with every seed, so `random`, the first, is the best
    /// everywhere, with share 1, and the second has share 1/2; the second takes least of all for a design.
    #[test]
    fn the_page_recommends_who_ranks_first() {
        let (board, catalog) = (&BOARDS[1], crate::builtin());
        let plan = board.plan(&catalog, 4, NonZeroUsize::MIN);
        let problem = ComparedProblem {
            objectives: vec![Objective::minimize("time_s")],
            metrics: vec![Metric::new("time_s", "s", "")],
            reference: vec![None],
        };
        let trace = |loss: f64| RunTrace { incumbents: vec![(1, vec![loss])], trials: 1, acceptable: 1 };
        let traces: Vec<RunTrace> = plan.cells().iter().map(|cell| trace(1.0 + cell.agent as f64)).collect();
        let cost = |agent: &str, agent_s| RunCost {
            env: "edge".to_owned(),
            agent: agent.to_owned(),
            seed: 0,
            trials: 1,
            agent_s: Some(agent_s),
            evaluation_s: 1.0,
        };
        let [first, second] = [&plan.agents[0].name, &plan.agents[1].name];
        let runs = [cost(first, 2e-3), cost(second, 1e-6)];
        let problems = vec![problem; board.problems.len()];
        let results = BoardResults::of(board, &plan, &(problems, traces), &runs);
        let page = page(&[results], "tapeout leaderboard --seeds 4 --trials 1");
        assert_eq!(first, "random");
        assert!(page.contains("| all of them | **`random`** | 1.00 [1.00, 1.00] |"), "{page}");
        assert!(page.contains("| `random` | 1.00 [1.00, 1.00] | 2 ms |"), "{page}");
        let shares = page.lines().find(|line| line.starts_with(&format!("| `{second}` | 0.500 |"))).unwrap();
        assert_eq!(shares.matches("0.500").count(), board.problems.len());
        assert!(page.contains("n = 4 seeds") && page.contains("leaderboard --seeds 4 --trials 1"), "{page}");
    }
}
