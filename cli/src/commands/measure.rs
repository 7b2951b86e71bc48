//! `tapeout measure`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, json};
use tapeout::core::{Catalog, Seed};
use tapeout::envs::TileEncoding;
use tapeout::experiment::{AgentSpec, Event, Observer};
use tapeout::gpu::{DESIGNS_PER_PROCESS, StationLimits, Table as Measurements, TimingMethod, WorkerCommand};
use tapeout::measure::{Filled, MeasureError, MeasurePlan, Workers, fill};
use tapeout::simulators::gpu_gemm::{Gemm, Operands, Output, Scaling};

use super::measure_worker::MethodFlags;
use crate::answer::{Answer, Exit};
use crate::arguments::Setting;
use crate::failure::Failure;
use crate::number::usize_count;
use crate::progress::Watcher;
use crate::table::{Column, Table};
use crate::watched_run::{RunFlags, interrupt_on_signal};

/// Who draws designs when nobody is named.
const DRAWN_BY: &str = "random";

/// Products that belong together.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Preset {
    /// "Mixed-input matrix multiplication performance optimizations" (Google Research, 2024): its shape and its ten bars.
    Post,
}

impl Preset {
    fn gemms(self) -> Vec<Gemm> {
        match self {
            Self::Post => Operands::ALL
                .into_iter()
                .filter(|operands| {
                    operands.conversion().is_none_or(|(narrow, _)| narrow.is_integer() && narrow.bits() == 8)
                })
                .map(|operands| Gemm::new(3456, 4096, 2048, operands))
                .collect(),
        }
    }
}

/// What to measure, and where to.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The table; designs that are in it are not measured again
    #[arg(long, value_name = "TABLE.jsonl")]
    out: PathBuf,
    /// Write one table with all rows of these, and measure nothing; gzipped if the name of `--out` ends in `.gz`
    #[arg(long, value_name = "TABLE", num_args = 1..)]
    merge: Vec<PathBuf>,
    /// What the device is, for the rules known before compiling
    #[arg(long, value_name = "NAME", default_value = "h200")]
    device: String,
    /// Rows of the product
    #[arg(long, default_value_t = 3456)]
    m: u32,
    /// Columns of the product
    #[arg(long, default_value_t = 4096)]
    n: u32,
    /// Depth of the product
    #[arg(long, default_value_t = 2048)]
    k: u32,
    /// Products of these extents, one after another
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    batch: u32,
    /// What the address of each row of 16-bit elements is a multiple of: 4, 8 or 16
    #[arg(long, value_name = "BYTE", default_value_t = 16)]
    alignment_byte: u32,
    /// Elements of the narrow operand along `k` that share a scale, a multiple of 32; 0 for no scales
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    group: u32,
    /// Scaled integers have zero points
    #[arg(long, requires = "group")]
    zero_points: bool,
    /// Type of the product: `f32`, `f16` or `bf16`
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    output: Output,
    /// Types of the operands, apart by commas, one product after the other
    #[arg(long, value_name = "TYPES", value_delimiter = ',', default_value = "f16-u8")]
    types: Vec<Operands>,
    /// Products that belong together, in the place of all that says what a product is: `post` is the published ablation, eight
    /// variants of mixed input and both baselines
    #[arg(long, value_name = "NAME", conflicts_with_all = ["m", "n", "k", "batch", "alignment_byte", "group", "zero_points", "output", "types"])]
    preset: Option<Preset>,
    /// The encoding that designs are drawn from: `raw` or `structured`
    #[arg(long, value_name = "ENCODING", default_value = "structured", value_parser = encoding)]
    sample: TileEncoding,
    /// Who proposes designs
    #[arg(long, value_name = "NAME", default_value = DRAWN_BY)]
    agent: String,
    /// A hyperparameter of the agent: `agent.population=64`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// Designs for each product, those in the table among them
    #[arg(long, value_name = "NUMBER", default_value = "200", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    designs: NonZeroUsize,
    /// Where all randomness comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1 << 63), allow_negative_numbers = true, value_parser = crate::arguments::seed)]
    seed: u64,
    /// Designs between two measurements of cuBLASLt on the wide type, the baseline, which is measured before the next batch of 16
    #[arg(long, value_name = "DESIGNS", default_value = "50")]
    baseline_every: NonZeroUsize,
    /// Designs after which processes are replaced, with fresh operands, before the next batch of 16
    #[arg(long, value_name = "DESIGNS", default_value_t = DESIGNS_PER_PROCESS)]
    per_process: NonZeroUsize,
    /// Seconds that compiling a kernel may take
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    compile_limit_s: Duration,
    /// Seconds that checking and timing a kernel may take
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    run_limit_s: Duration,
    /// Measure nothing: take times from the model of the device, with noise, into a table that says so
    #[arg(long)]
    rehearse: bool,
    #[command(flatten)]
    method: MethodFlags,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// What came of each product.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        if !self.merge.is_empty() {
            return self.merged();
        }
        let plans = self.gemms().into_iter().map(|gemm| self.plan(gemm)).collect::<Result<Vec<_>, _>>()?;
        // Before the first is measured, so that none is refused hours later.
        plans.iter().try_for_each(MeasurePlan::check)?;
        let (workers, interrupt) = (self.workers(catalog)?, interrupt_on_signal()?);
        let mut all = Vec::new();
        for plan in plans {
            let mut watcher = self.flags.watcher();
            let mut fastest = Fastest { plan: &plan, watcher: &mut watcher, best_s: None };
            let filled = fill(catalog, &plan, &workers, &self.out, &interrupt, &mut fastest);
            watcher.finish();
            let filled = filled?;
            if let Some(cause) = &filled.first_failure {
                let (types, failed) = (&filled.types, usize_count(filled.failed));
                watcher.note(&format!(
                    "note: {failed} designs of {types} could not be measured and are not in the table, the first: {cause}"
                ));
            }
            all.push(filled);
            if !all.last().is_some_and(|filled| filled.is_finished) {
                break;
            }
        }
        let answer = if self.flags.is_json() {
            Answer::json(&json!({ "tables": all }))
        } else {
            Answer::text(table(&all))
        };
        if all.iter().all(|filled| filled.is_finished) {
            return Ok(answer);
        }
        self.flags.watcher().note("hint: the same command goes on with the table");
        Ok(answer.with_exit(Exit::Interrupted))
    }

    fn gemms(&self) -> Vec<Gemm> {
        if let Some(preset) = self.preset {
            return preset.gemms();
        }
        let &Self { m, n, k, batch, alignment_byte, group, zero_points, output, .. } = self;
        let scaling = Scaling::of(group, zero_points);
        let gemm =
            |&operands| Gemm { batch, alignment_byte, scaling, output, ..Gemm::new(m, n, k, operands) };
        self.types.iter().map(gemm).collect()
    }

    fn plan(&self, gemm: Gemm) -> Result<MeasurePlan, Failure> {
        let (mut config, mut env) = (Map::new(), Map::new());
        self.set.iter().for_each(|setting| setting.apply(&mut env, &mut config));
        if let Some((key, _)) = env.iter().next() {
            let error = anyhow::anyhow!("`env.{key}`: there is no environment");
            return Err(
                Failure::bad_input(error).hint("the product is set by `--m`, `--n`, `--k`, `--types`")
            );
        }
        Ok(MeasurePlan {
            device: self.device.clone(),
            gemm,
            encoding: self.sample,
            designs: self.designs,
            agent: AgentSpec { config, ..AgentSpec::named(&self.agent) },
            seed: Seed::new(self.seed),
            baseline_every: self.baseline_every,
        })
    }

    fn workers(&self, catalog: &Catalog) -> Result<Workers, Failure> {
        let method: TimingMethod = self.method.method();
        let mut arguments = method.worker_arguments();
        if self.rehearse {
            arguments.extend(["--model".to_owned(), self.device.clone()]);
        }
        // Under an interpreter this program is none that can be started by its file alone.
        let here: Option<Vec<String>> =
            catalog.here("worker").and_then(|here| serde_json::from_value(here.clone()).ok());
        let command = WorkerCommand::of(here.as_deref(), arguments)
            .map_err(|error| Failure::failed(error).context("cannot find this program to start it again"))?;
        let limits = StationLimits {
            compile: self.compile_limit_s,
            run: self.run_limit_s + Duration::from_secs_f64(method.energy_s),
            ..StationLimits::default()
        };
        let (count, designs_per_process) = (self.flags.threads(), self.per_process);
        Ok(Workers { command, limits, designs_per_process, count })
    }

    fn merged(&self) -> Result<Answer, Failure> {
        let read = |path: &PathBuf| Ok((path.clone(), Measurements::read(path)?));
        let tables = self.merge.iter().map(read).collect::<Result<Vec<_>, MeasureError>>()?;
        let merged = Measurements::merge(tables).map_err(MeasureError::from)?;
        merged.write(&self.out).map_err(MeasureError::from)?;
        let (rows, designs) = (merged.rows().len(), merged.answers().len());
        Ok(Answer::text(format!(
            "{}: {} measurements of {} designs and baselines in {} products",
            self.out.display(),
            usize_count(rows),
            usize_count(designs),
            merged.gemms().len()
        )))
    }
}

/// Says which kernel is the fastest so far.
struct Fastest<'a> {
    plan: &'a MeasurePlan,
    watcher: &'a mut Watcher,
    best_s: Option<f64>,
}

impl Observer for Fastest<'_> {
    fn event(&mut self, event: Event<'_>) {
        let Event::Trial { index, trial, is_incumbent, .. } = event else { return };
        if let (true, Some(losses)) = (is_incumbent, trial.judgement.accepted()) {
            self.best_s = losses.first().copied();
        }
        let best = self.best_s.map_or_else(String::new, |best_s| format!(", best {:.1} us", best_s * 1e6));
        let at_hand = format!("{}{best}", self.plan.gemm.operands);
        self.watcher.advance(index + 1, self.plan.designs.get(), &at_hand);
    }
}

fn table(all: &[Filled]) -> String {
    let mut table = Table::new(&[
        ("types", Column::Words),
        ("measured", Column::Numbers),
        ("infeasible", Column::Numbers),
        ("known before", Column::Numbers),
        ("best us", Column::Numbers),
        ("cuBLASLt us", Column::Numbers),
    ]);
    let time =
        |time_s: Option<f64>| time_s.map_or_else(|| "-".to_owned(), |time_s| format!("{:.2}", time_s * 1e6));
    for filled in all {
        table.row(vec![
            filled.types.clone(),
            usize_count(filled.measured),
            usize_count(filled.infeasible),
            usize_count(filled.known),
            time(filled.best_s),
            time(filled.baseline_s),
        ]);
    }
    table.text()
}

fn encoding(text: &str) -> Result<TileEncoding, String> {
    match text {
        "raw" => Ok(TileEncoding::Raw),
        "structured" => Ok(TileEncoding::Structured),
        _ => Err("expected `raw` or `structured`".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl From<MeasureError> for Failure {
    fn from(error: MeasureError) -> Self {
        let hint = error.hint();
        let failure = if error.is_bad_input() { Self::bad_input(error) } else { Self::failed(error) };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
