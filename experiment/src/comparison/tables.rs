//! The tables of a comparison as CSV (RFC 4180), one observation to a row, empty where there is no value.

use std::path::{Path, PathBuf};

use super::pairs::PairedTest;
use super::parquet::results_parquet;
use super::rows::{ResultRow, rows};
use super::standings::{Standing, Standings};
use super::{ComparisonError, ComparisonResults, IntervalEstimate, RunCost};
use crate::durable_file::put_whole;

/// Every run at every checkpoint.
///
/// Columns: `env`, `agent`, `seed`, `trials`, `measure`, `value` (in SI units) and `fraction` of the best known.
pub fn results_csv(results: &ComparisonResults) -> String {
    csv_of(rows(results).into_iter())
}

/// The same at the end of each run alone.
pub fn finals_csv(results: &ComparisonResults) -> String {
    csv_of(rows(results).into_iter().filter(|row| row.trials == results.trials()))
}

fn csv_of<'a>(rows: impl Iterator<Item = ResultRow<'a>>) -> String {
    let mut csv = line(["env", "agent", "seed", "trials", "measure", "value", "fraction"].map(str::to_owned));
    for row in rows {
        csv.push_str(&line([
            row.env.to_owned(),
            row.agent.to_owned(),
            row.seed.to_string(),
            row.trials.to_string(),
            row.measure.to_owned(),
            number(row.value),
            number(row.fraction),
        ]));
    }
    csv
}

/// Every agent in every environment.
pub fn summary_csv(standings: &Standings) -> String {
    let mut csv = line(
        [
            "env",
            "agent",
            "seeds",
            "trials",
            "measure",
            "found",
            "q1",
            "median",
            "q3",
            "mean",
            "mean_low",
            "mean_high",
            "fraction",
            "fraction_low",
            "fraction_high",
            "rank",
            "rank_low",
            "rank_high",
        ]
        .into_iter()
        .chain(TEST)
        .chain(["igd_plus", "log_hypervolume_difference"])
        .map(str::to_owned),
    );
    for env in &standings.envs {
        for standing in &env.standings {
            let whose = [
                env.env.clone(),
                standing.agent.clone(),
                standings.seeds.to_string(),
                standings.trials.to_string(),
                env.measure.clone(),
                standing.found.to_string(),
            ];
            csv.push_str(&line(whose.into_iter().chain(figures(standing))));
        }
    }
    csv
}

fn figures(standing: &Standing) -> impl Iterator<Item = String> {
    let estimate = |estimate: Option<IntervalEstimate>| {
        [estimate.map(|it| it.value), estimate.map(|it| it.low), estimate.map(|it| it.high)]
    };
    let tests = standing.test.as_ref().map(|test| test_figures(test).map(Some)).unwrap_or_default();
    let front = standing.front.map(|front| [front.igd_plus[1], front.log_hypervolume_difference[1]]);
    (standing.quartiles.into_iter())
        .chain(estimate(standing.mean))
        .chain(estimate(standing.fraction))
        .chain(estimate(Some(standing.rank)))
        .chain(tests)
        .chain(front.unwrap_or_default())
        .map(number)
}

/// Columns of a test of two agents, as [`test_figures`] gives them.
const TEST: [&str; 7] =
    ["wins", "losses", "superiority", "superiority_low", "superiority_high", "p", "p_holm"];

fn test_figures(test: &PairedTest) -> [f64; 7] {
    let IntervalEstimate { value, low, high } = test.superiority;
    [test.wins as f64, test.losses as f64, value, low, high, test.p, test.p_holm]
}

/// Every pair of agents in every environment.
pub fn pairs_csv(standings: &Standings) -> String {
    let mut csv = line(["env", "agent", "other", "seeds"].into_iter().chain(TEST).map(str::to_owned));
    for env in &standings.envs {
        for pair in &env.pairs {
            let seeds = standings.seeds.to_string();
            let whose = [env.env.clone(), pair.agent.clone(), pair.other.clone(), seeds];
            let figures = test_figures(&pair.test).map(|figure| number(Some(figure)));
            csv.push_str(&line(whose.into_iter().chain(figures)));
        }
    }
    csv
}

/// What each run took. Unlike the other tables it is another one when the runs are made again.
pub fn costs_csv(costs: &[RunCost]) -> String {
    let header = ["env", "agent", "seed", "trials", "agent_s", "evaluation_s"];
    let mut csv = line(header.map(str::to_owned));
    for cost in costs {
        let counts = [cost.seed.to_string(), cost.trials.to_string()];
        let times = [number(cost.agent_s), number(Some(cost.evaluation_s))];
        csv.push_str(&line([cost.env.clone(), cost.agent.clone()].into_iter().chain(counts).chain(times)));
    }
    csv
}

/// Writes `results.csv`, `results.parquet`, `summary.csv`, `pairs.csv` and `costs.csv` in `folder`, and returns their paths.
///
/// # Errors
/// [`ComparisonError::Table`] if a file cannot be written, [`ComparisonError::Parquet`] if it cannot be encoded.
pub fn write(
    results: &ComparisonResults,
    standings: &Standings,
    costs: &[RunCost],
    folder: &Path,
) -> Result<[PathBuf; 5], ComparisonError> {
    let put = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        match put_whole(&path, &bytes) {
            Ok(()) => Ok(path),
            Err(source) => Err(ComparisonError::Table { path, source }),
        }
    };
    Ok([
        put("results.csv", results_csv(results).into_bytes())?,
        put("results.parquet", results_parquet(results)?)?,
        put("summary.csv", summary_csv(standings).into_bytes())?,
        put("pairs.csv", pairs_csv(standings).into_bytes())?,
        put("costs.csv", costs_csv(costs).into_bytes())?,
    ])
}

/// A number such that reading gives the same bits; nothing for none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn line(fields: impl IntoIterator<Item = String>) -> String {
    let quoted = |field: String| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    };
    let mut line = fields.into_iter().map(quoted).collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, trace};
    use super::*;

    #[test]
    fn each_run_has_a_row_for_each_checkpoint() {
        let results = results(&["time_s"], &[trace(&[(2, &[8.0])])], &[trace(&[(1, &[4.0])])]);
        let csv = results_csv(&results);
        let rows: Vec<&str> = csv.lines().collect();
        assert_eq!(rows.len(), 1 + 2 * 4);
        assert_eq!(rows[1], "env,a,0,1,time_s,,0");
        assert_eq!(rows[2], "env,a,0,2,time_s,8,0.5");
    }

    #[test]
    fn every_row_of_the_summary_is_as_long_as_its_header() {
        let results = results(&["time_s"], &[trace(&[])], &[trace(&[(1, &[4.0])])]);
        let csv = summary_csv(&Standings::of(&results, Some(0)));
        let lengths: Vec<usize> = csv.lines().map(|row| row.split(',').count()).collect();
        assert_eq!(lengths, [27; 3]);
    }

    /// By hand: with one seed `b` wins; either sign is as likely, so p is 1.
    #[test]
    fn each_pair_has_a_row() {
        let results = results(&["time_s"], &[trace(&[(1, &[8.0])])], &[trace(&[(1, &[4.0])])]);
        let csv = pairs_csv(&Standings::of(&results, None));
        assert_eq!(csv.lines().nth(1), Some("env,a,b,1,0,1,0,0,0.7934506856227627,1,1"));
    }

    #[test]
    fn fields_with_commas_are_quoted() {
        assert_eq!(line(["a=1,b=2".to_owned(), "say \"x\"".to_owned()]), "\"a=1,b=2\",\"say \"\"x\"\"\"\n");
    }
}
