//! A comparison at work, as `compare` and `sweep` share it, and what came of it as text and as data.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tapeout::core::Catalog;
use tapeout::experiment::comparison::conduct::ComparedProblem;
use tapeout::experiment::comparison::pairs::{LEVEL, Pair, PairedTest, least_p, seeds_to_show};
use tapeout::experiment::comparison::pictures::{costs, pictures};
use tapeout::experiment::comparison::standings::{EnvStandings, Standing};
use tapeout::experiment::comparison::{
    AgentCost, Cell, ComparisonError, ComparisonPlan, ComparisonResults, Conditions, Decided, DecidedPair,
    IntervalEstimate, ReferenceValue, RunCost, RunTrace, Shard, ShardDone, Standings, conduct, conduct_shard,
    conduct_until_decided, merge, tables,
};
use tapeout::experiment::plot::quantity;

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::number::usize_count;
use crate::table::{Column, Table};
use crate::watched_run::{RunFlags, interrupt_on_signal};

/// A line of progress at each of so many equal parts of the runs. Ours: a log of a comparison stays within a screen.
const LINES: usize = 20;

/// What is done about a plan, and what is shown of it.
pub(crate) struct Course<'a> {
    /// The folder of everything.
    pub(crate) out: PathBuf,
    /// The part that is run, if not all of it.
    pub(crate) shard: Option<Shard>,
    /// Folders of other machines, from which runs are taken over first.
    pub(crate) merge: &'a [PathBuf],
    /// Who the others are tested against.
    pub(crate) baseline: Option<usize>,
    /// Whether every pair is shown.
    pub(crate) all_pairs: bool,
    /// Seeds of a stage, if it ends when it is decided who differs.
    pub(crate) until_decided: Option<NonZeroU64>,
}

/// What stands above the only table that is another one when the runs are made again.
const COSTS: &str =
    "what the agents took for each design: processor time of their own, and time in the environment";

/// What stands above the pairs of a comparison that ended when it was decided.
const DECIDED: &str = "who differs from whom, in how many seeds of both: AdaStop, all pairs of an environment at a level of 0.05; the tables \
                       above are of the seeds that all have";

/// Why there is no p beside it.
const NO_P: &str = "no p: seeds that were looked at until something was shown make it too small";

/// A comparison on disk, and what came of it.
#[derive(Serialize)]
struct Report<'a> {
    comparison: &'a Path,
    tables: [PathBuf; 5],
    plots: Vec<PathBuf>,
    costs: Vec<AgentCost>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decided: Vec<DecidedPair>,
    #[serde(flatten)]
    standings: &'a Standings,
}

/// What came of a call: all runs, or those of a part.
enum Conducted {
    Whole(Ran),
    Decided(Decided, Ran),
    Part(ShardDone),
}

/// What is sought in each environment, and what came of each run.
type Ran = (Vec<ComparedProblem>, Vec<RunTrace>);

fn conducted(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    course: &Course<'_>,
    conditions: &Conditions<'_>,
) -> Result<Conducted, ComparisonError> {
    let out = &course.out;
    Ok(match (course.shard, course.until_decided) {
        (Some(shard), _) => Conducted::Part(conduct_shard(catalog, plan, out, conditions, shard)?),
        (None, Some(stage)) => {
            let decided = conduct_until_decided(catalog, plan, out, conditions, stage)?;
            let ran = conduct(catalog, &decided.shared, out, conditions)?;
            Conducted::Decided(decided, ran)
        }
        (None, None) => Conducted::Whole(conduct(catalog, plan, out, conditions)?),
    })
}

/// Runs what is not run yet of `plan`, and reports on all of it; or runs a part, and says that it did.
pub(crate) fn compare(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    course: &Course<'_>,
    flags: &RunFlags,
) -> Result<Answer, Failure> {
    let out = course.out.as_path();
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
    if !course.merge.is_empty() {
        let copied = merge(catalog, plan, out, course.merge)?;
        watcher.note(&format!("{} runs taken over", usize_count(copied)));
    }
    let (plan, decided, (problems, traces)) = match conducted(catalog, plan, course, &conditions) {
        Err(error @ ComparisonError::Interrupted { .. }) => {
            watcher.note(&format!("{error}\nhint: the same command goes on"));
            return Ok(Answer::text("").with_exit(Exit::Interrupted));
        }
        Err(error) => return Err(error.into()),
        Ok(Conducted::Part(part)) => return Ok(part_answer(part, out, flags)),
        Ok(Conducted::Whole(whole)) => (plan.clone(), Vec::new(), whole),
        Ok(Conducted::Decided(decided, whole)) => {
            watcher.note(&ended(&decided));
            (decided.shared, decided.pairs, whole)
        }
    };
    let plan = &plan;
    let results = ComparisonResults::of(plan, &problems, &traces);
    let standings = Standings::of(&results, course.baseline);
    let runs = RunCost::read(plan, out);
    ReferenceValue::keep(&plan.reference, out)?;
    let tables = tables::write(&results, &standings, &runs, out)?;
    let mut plots = Vec::new();
    for picture in pictures(&results, &standings).into_iter().chain(costs(&runs)) {
        plots.extend(picture.write_into(out)?);
    }
    let costs = AgentCost::of(&runs);
    let report = Report { comparison: out, tables, plots, costs, decided, standings: &standings };
    Ok(if flags.is_json() { Answer::json(&report) } else { Answer::text(report.text(plan, course)) })
}

/// How a comparison ended that was to end when all was decided.
fn ended(decided: &Decided) -> String {
    let runs = usize_count(decided.runs);
    let mut text = match decided.pairs.iter().filter(|pair| pair.better.is_none()).count() {
        0 => format!("{runs} runs until all was decided"),
        open => format!("{runs} runs used up all seeds; {} pairs are not decided", usize_count(open)),
    };
    if !decided.unused.is_empty() {
        let last = decided.unused.end - 1;
        text.push_str(&format!(
            "\nseeds {} to {last} do not fill a stage, and were not run",
            decided.unused.start
        ));
    }
    text
}

pub(crate) fn part_answer(part: ShardDone, out: &Path, flags: &RunFlags) -> Answer {
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
            ComparisonError::Differ { .. } => Self::bad_input(error).hint(
                "both cannot be right: run it again in a new folder, and leave out whichever comes out differently",
            ),
            ComparisonError::Foreign { .. } => {
                Self::bad_input(error).hint("`--merge` takes the command that the other machine was given")
            }
            ComparisonError::Unfinished { .. } => Self::bad_input(error)
                .hint("the command that made the comparison goes on with it; one of its runs can be drawn, `COMPARISON/ENV/AGENT/SEED`"),
            ComparisonError::Stale { source, .. } => Self::from(*source)
                .context(message)
                .hint("make all runs again in a new folder, or take that one away"),
            ComparisonError::Twice { .. } => {
                Self::bad_input(error).hint("give each a name of its own: `--agent a=NAME --agent b=NAME`")
            }
            ComparisonError::Empty { .. } => Self::bad_input(error)
                .hint("compare two agents on an environment with the same seeds: `--agents random,ga --env NAME --seeds 10`"),
            ComparisonError::Stages { takes, .. } => {
                Self::bad_input(error).hint(format!("give it more seeds: `--seeds {takes}`"))
            }
            ComparisonError::Reference { .. } => {
                Self::bad_input(error).hint("write each once, in the unit of its metric: `--reference area_m2=10 mm2`")
            }
            _ => Self::failed(error),
        }
    }
}

impl Report<'_> {
    fn text(&self, plan: &ComparisonPlan, course: &Course<'_>) -> String {
        let standings = self.standings;
        let mut text = format!(
            "n = {} seeds ({} to {}), {} designs each, {} at once; intervals are 95 %, by bootstrap, of superiorities Newcombe's\n",
            standings.seeds,
            standings.first_seed,
            (standings.first_seed + standings.seeds as u64).saturating_sub(1),
            usize_count(standings.trials),
            plan.batch
        );
        // A p after seeds that were looked at until something was shown is too small.
        let has_p = course.until_decided.is_none();
        if let Some(baseline) = &standings.baseline {
            let superiority = format!("superiority: how likely a run is better than one of {baseline}");
            if has_p {
                text.push_str(&format!(
                    "won-lost and p against {baseline}: Wilcoxon's signed-rank test over seeds, two-sided, after Holm; {superiority}\n"
                ));
                text.push_str(&self.warning(standings.least_p, plan.agents.len() - 1));
            } else {
                text.push_str(&format!("won-lost against {baseline}; {superiority}; {NO_P}\n"));
            }
        }
        let n_pairs = plan.agents.len() * (plan.agents.len() - 1) / 2;
        if course.all_pairs && n_pairs > 0 && has_p {
            text.push_str(
                "pairs: the same test between every two agents, after Holm for all pairs of an environment\n",
            );
            text.push_str(&self.warning(Some(least_p(standings.seeds, n_pairs)), n_pairs));
        }
        for env in &standings.envs {
            text.push_str(&format!("\n{}", heading(env)));
            text.push_str(&env_table(env, standings.baseline.is_some(), has_p));
            env.failures().iter().for_each(|failures| text.push_str(&format!("note: {failures}\n")));
            if course.all_pairs && n_pairs > 0 {
                text.push_str(&format!("\n{}", pairs_table(&env.pairs, has_p)));
            }
        }
        if standings.envs.len() > 1 {
            text.push_str(&format!(
                "\nover all {} environments and their seeds\n\n{}",
                standings.envs.len(),
                self.overall()
            ));
        }
        if !self.costs.is_empty() {
            text.push_str(&format!("\n{COSTS}\n\n{}", costs_table(&self.costs)));
        }
        if !self.decided.is_empty() {
            text.push_str(&format!("\n{DECIDED}\n\n{}", decided_table(&self.decided)));
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
    fn warning(&self, least_p: Option<f64>, n_tests: usize) -> String {
        match least_p {
            Some(least) if least >= LEVEL => format!(
                "warning: with {} seeds no p of {n_tests} tests together is below {least:.4}; to show a difference at {LEVEL} takes {} seeds\n",
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

fn env_table(env: &EnvStandings, is_tested: bool, has_p: bool) -> String {
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
    let is_volume = env.standings.iter().any(|standing| standing.front.is_some());
    if is_volume {
        columns.extend(["IGD+", "log10 of missing volume"].map(|name| (name, Column::Numbers)));
    }
    if is_tested {
        columns.extend(tested(has_p).iter().map(|&name| (name, Column::Numbers)));
    }
    let mut table = Table::new(&columns);
    for standing in &env.standings {
        let tests = is_tested.then(|| tests(standing.test.as_ref(), has_p)).into_iter().flatten();
        let fronts = is_volume.then(|| fronts(standing)).into_iter().flatten();
        table.row(figures(env, standing).into_iter().chain(fronts).chain(tests));
    }
    table.text()
}

fn decided_table(pairs: &[DecidedPair]) -> String {
    let words = ["environment", "agent", "other", "better"].map(|name| (name, Column::Words));
    let mut table = Table::new(&[words.as_slice(), &[("seeds", Column::Numbers)]].concat());
    for pair in pairs {
        let better = pair.better.clone().unwrap_or_else(|| "not shown".to_owned());
        let words = [pair.env.clone(), pair.agent.clone(), pair.other.clone(), better];
        table.row(words.into_iter().chain([pair.seeds.to_string()]));
    }
    table.text()
}

fn costs_table(costs: &[AgentCost]) -> String {
    let numbers = ["lower quartile", "median", "upper quartile", "in the environment"];
    let mut columns = vec![("agent", Column::Words)];
    columns.extend(numbers.map(|name| (name, Column::Numbers)));
    let mut table = Table::new(&columns);
    for cost in costs {
        let times = cost.own_s.into_iter().chain([cost.evaluation_s]).map(|time_s| quantity(time_s, "s"));
        table.row([cost.agent.clone()].into_iter().chain(times));
    }
    table.text()
}

fn pairs_table(pairs: &[Pair], has_p: bool) -> String {
    let words = ["agent", "other"].map(|name| (name, Column::Words));
    let numbers: Vec<_> = tested(has_p).iter().map(|&name| (name, Column::Numbers)).collect();
    let mut table = Table::new(&[words.as_slice(), &numbers].concat());
    let mut pairs: Vec<&Pair> = pairs.iter().collect();
    pairs.sort_by(|a, b| a.test.p_holm.total_cmp(&b.test.p_holm));
    for pair in pairs {
        table.row([pair.agent.clone(), pair.other.clone()].into_iter().chain(tests(Some(&pair.test), has_p)));
    }
    table.text()
}

/// Medians over the runs.
fn fronts(standing: &Standing) -> [String; 2] {
    let medians = standing.front.map(|front| [front.igd_plus[1], front.log_hypervolume_difference[1]]);
    medians.unwrap_or_default().map(|median| median.map_or_else(|| "-".to_owned(), |it| format!("{it:.3}")))
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

/// The columns of a paired test.
fn tested(has_p: bool) -> &'static [&'static str] {
    if has_p { &["won-lost", "superiority", "p"] } else { &["won-lost", "superiority"] }
}

fn tests(test: Option<&PairedTest>, has_p: bool) -> Vec<String> {
    let figures = test.map(|test| {
        let superiority = interval(&test.superiority, |share| format!("{share:.2}"));
        [format!("{}-{}", test.wins, test.losses), superiority, format!("{:.2e}", test.p_holm)]
    });
    let figures = figures.unwrap_or_else(|| ["-"; 3].map(str::to_owned));
    figures.into_iter().take(tested(has_p).len()).collect()
}

/// `0.921 [0.910, 0.930]`.
fn interval(estimate: &IntervalEstimate, shown: impl Fn(f64) -> String) -> String {
    format!("{} [{}, {}]", shown(estimate.value), shown(estimate.low), shown(estimate.high))
}
