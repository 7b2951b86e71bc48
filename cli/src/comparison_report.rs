//! A comparison at work, as `compare` and `sweep` share it, and what came of it as text and as data.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tapeout::core::Catalog;
use tapeout::experiment::comparison::conduct::ComparedProblem;
use tapeout::experiment::comparison::pairs::seeds_to_show;
use tapeout::experiment::comparison::pictures::pictures;
use tapeout::experiment::comparison::standings::{EnvStandings, IntervalEstimate, Standing};
use tapeout::experiment::comparison::{
    Cell, ComparisonError, ComparisonPlan, ComparisonResults, Conditions, RunTrace, Shard, ShardDone,
    Standings, conduct, conduct_shard, tables,
};
use tapeout::experiment::plot::quantity;

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::number::usize_count;
use crate::table::{Column, Table};
use crate::watched_run::{RunFlags, interrupt_on_signal};

/// A line of progress at each of so many equal parts of the runs. Ours: a log of a comparison stays within a screen.
const LINES: usize = 20;

/// What counts as shown. Ours: what most papers call significant.
const LEVEL: f64 = 0.05;

/// A comparison on disk, and what came of it.
#[derive(Serialize)]
struct Report<'a> {
    comparison: &'a Path,
    tables: [PathBuf; 4],
    plots: Vec<PathBuf>,
    #[serde(flatten)]
    standings: &'a Standings,
}

/// What came of a call: all runs, or those of a part.
enum Conducted {
    Whole((Vec<ComparedProblem>, Vec<RunTrace>)),
    Part(ShardDone),
}

/// Runs what is not run yet of `plan`, and reports on all of it; or runs a part, and says that it did. `baseline` is who the others are
/// tested against.
pub(crate) fn compare(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    baseline: Option<usize>,
    (out, shard): (&Path, Option<Shard>),
    flags: &RunFlags,
) -> Result<Answer, Failure> {
    let watcher = flags.watcher();
    let interrupt = interrupt_on_signal()?;
    let n_cells = plan.cells().len();
    let watch = |cell: Cell, done: usize| {
        if done * LINES / n_cells > (done - 1) * LINES / n_cells {
            let (env, agent) = (&plan.envs[cell.env].name, &plan.agents[cell.agent].name);
            let (done, all) = (usize_count(done), usize_count(n_cells));
            watcher.note(&format!("{done} of {all} runs, the last {agent} on {env}, seed {}", cell.seed));
        }
    };
    let conditions = Conditions { threads: flags.threads(), interrupt: Some(&interrupt), watch: &watch };
    let conducted = match shard {
        Some(shard) => conduct_shard(catalog, plan, out, &conditions, shard).map(Conducted::Part),
        None => conduct(catalog, plan, out, &conditions).map(Conducted::Whole),
    };
    let (problems, traces) = match conducted {
        Err(error @ ComparisonError::Interrupted { .. }) => {
            watcher.note(&format!("{error}\nhint: the same command goes on"));
            return Ok(Answer::text("").with_exit(Exit::Interrupted));
        }
        Err(error) => return Err(error.into()),
        Ok(Conducted::Part(part)) => return Ok(part_answer(part, out, flags)),
        Ok(Conducted::Whole(whole)) => whole,
    };
    let results = ComparisonResults::of(plan, &problems, &traces);
    let standings = Standings::of(&results, baseline);
    let tables = tables::write(&results, &standings, out)?;
    let mut plots = Vec::new();
    for picture in pictures(&results) {
        plots.extend(picture.write_into(out)?);
    }
    let report = Report { comparison: out, tables, plots, standings: &standings };
    Ok(if flags.is_json() { Answer::json(&report) } else { Answer::text(report.text(plan)) })
}

fn part_answer(part: ShardDone, out: &Path, flags: &RunFlags) -> Answer {
    let ShardDone { done, held } = part;
    if flags.is_json() {
        return Answer::json(&serde_json::json!({ "comparison": out, "done": done, "held": held }));
    }
    let theirs = match held {
        0 => String::new(),
        held => format!("; another process is at {}", usize_count(held)),
    };
    Answer::text(format!(
        "{} runs of this part are done{theirs}. The same command without `--shard` gathers all parts",
        usize_count(done)
    ))
}

impl From<ComparisonError> for Failure {
    fn from(error: ComparisonError) -> Self {
        let message = error.to_string();
        match error {
            ComparisonError::Run { source, .. } => Self::from(*source).context(message),
            ComparisonError::Plot(error) => error.into(),
            ComparisonError::Held { .. } => {
                Self::failed(error).hint("the same command gathers them when they are done")
            }
            ComparisonError::Twice { kind: "environment", .. } => {
                Self::bad_input(error).hint("give each a name of its own: `--env a=NAME --env b=NAME`")
            }
            ComparisonError::Empty { .. } | ComparisonError::Twice { .. } => Self::bad_input(error),
            _ => Self::failed(error),
        }
    }
}

impl Report<'_> {
    fn text(&self, plan: &ComparisonPlan) -> String {
        let standings = self.standings;
        let mut text = format!(
            "n = {} seeds (0 to {}), {} designs each, {} at once; intervals are bootstrap, 95 %\n",
            standings.seeds,
            standings.seeds.saturating_sub(1),
            usize_count(standings.trials),
            plan.batch
        );
        if let Some(baseline) = &standings.baseline {
            text.push_str(&format!(
                "won-lost and p against {baseline}: Wilcoxon's signed-rank test over seeds, two-sided, after Holm; \
                 superiority: how likely a run is better than one of {baseline}\n"
            ));
            text.push_str(&self.warning(plan.agents.len() - 1));
        }
        for env in &standings.envs {
            text.push_str(&format!("\n{}", heading(env)));
            text.push_str(&env_table(env, standings.baseline.is_some()));
        }
        if standings.envs.len() > 1 {
            text.push_str(&format!(
                "\nover all {} environments and their seeds\n\n{}",
                standings.envs.len(),
                self.overall()
            ));
        }
        text.push('\n');
        for path in &self.tables {
            text.push_str(&format!("table {}\n", path.display()));
        }
        for path in self.plots.iter().filter(|path| path.extension().is_some_and(|it| it == "png")) {
            text.push_str(&format!("plot  {}\n", path.display()));
        }
        text
    }

    /// That so many seeds cannot show what is asked, and how many can.
    fn warning(&self, n_tests: usize) -> String {
        match self.standings.least_p {
            Some(least) if least >= LEVEL => format!(
                "warning: with {} seeds no p is below {least:.4}; to show a difference at {LEVEL} takes {} seeds\n",
                self.standings.seeds,
                seeds_to_show(LEVEL, n_tests)
            ),
            _ => String::new(),
        }
    }

    fn overall(&self) -> String {
        let mut table = Table::new(&[("agent", Column::Words), ("average rank", Column::Numbers)]);
        for overall in &self.standings.overall {
            table.row([overall.agent.clone(), interval(&overall.rank, |rank| format!("{rank:.2}"))]);
        }
        table.text()
    }
}

/// What is measured in an environment, and against what.
fn heading(env: &EnvStandings) -> String {
    let mut text = format!("{}: {} of {}", env.env, env.measure, env.objectives.join(", "));
    if let Some(best) = env.best_known {
        text.push_str(&format!("; best known {}", shown(env, best)));
    }
    if !env.reference.is_empty() {
        let values = env.reference.iter().map(|(name, value)| format!("{name} = {value:.4e}"));
        text.push_str(&format!("; reference {}", values.collect::<Vec<_>>().join(", ")));
    }
    text.push_str("\n\n");
    text
}

fn shown(env: &EnvStandings, value: f64) -> String {
    // Products of units have no prefix of their own.
    if env.unit.is_empty() { format!("{value:.4e}") } else { quantity(value, &env.unit) }
}

fn env_table(env: &EnvStandings, is_tested: bool) -> String {
    let mut columns = vec![
        ("agent", Column::Words),
        ("found", Column::Numbers),
        ("lower quartile", Column::Numbers),
        ("median", Column::Numbers),
        ("upper quartile", Column::Numbers),
        ("mean", Column::Numbers),
        ("share of best known", Column::Numbers),
        ("average rank", Column::Numbers),
    ];
    if is_tested {
        let tested = ["won-lost", "superiority", "p"];
        columns.extend(tested.map(|name| (name, Column::Numbers)));
    }
    let mut table = Table::new(&columns);
    for standing in &env.standings {
        let tests = is_tested.then(|| tests(standing)).into_iter().flatten();
        table.row(figures(env, standing).into_iter().chain(tests));
    }
    table.text()
}

fn figures(env: &EnvStandings, standing: &Standing) -> Vec<String> {
    let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| shown(env, value));
    let [lower, median, upper] = standing.quartiles.map(value);
    let estimate = |estimate: &Option<IntervalEstimate>, shown: &dyn Fn(f64) -> String| {
        estimate.as_ref().map_or_else(|| "-".to_owned(), |estimate| interval(estimate, shown))
    };
    vec![
        standing.agent.clone(),
        standing.found.to_string(),
        lower,
        median,
        upper,
        estimate(&standing.mean, &|value| shown(env, value)),
        estimate(&standing.fraction, &|share| format!("{share:.3}")),
        interval(&standing.rank, |rank| format!("{rank:.2}")),
    ]
}

fn tests(standing: &Standing) -> [String; 3] {
    match &standing.test {
        None => ["-"; 3].map(str::to_owned),
        Some(test) => [
            format!("{}-{}", test.wins, test.losses),
            format!("{:.2}", test.superiority),
            format!("{:.2e}", test.p_holm),
        ],
    }
}

/// `0.921 [0.910, 0.930]`.
fn interval(estimate: &IntervalEstimate, shown: impl Fn(f64) -> String) -> String {
    format!("{} [{}, {}]", shown(estimate.value), shown(estimate.low), shown(estimate.high))
}
