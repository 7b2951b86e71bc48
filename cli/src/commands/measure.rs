//! `tapeout measure`.

use std::env::current_exe;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Map;
use tapeout::core::{Catalog, Seed};
use tapeout::envs::TileEncoding;
use tapeout::experiment::AgentSpec;
use tapeout::gpu::{Limits, Method, Table as Measurements, WorkerCommand};
use tapeout::measure::{Crew, Filled, MeasureError, Plan, fill};
use tapeout::simulators::gpu_gemm::{Gemm, Operands};

use super::measure_worker::MethodFlags;
use crate::answer::{Answer, Exit};
use crate::arguments::Setting;
use crate::failure::Failure;
use crate::number::usize_count;
use crate::table::{Column, Table};
use crate::watched_run::{RunFlags, interrupt_on_signal};

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
    /// Types of the operands, apart by commas, one product after the other
    #[arg(long, value_name = "TYPES", value_delimiter = ',', default_value = "f16-u8")]
    types: Vec<Operands>,
    /// The encoding that designs are drawn from: `raw` or `structured`
    #[arg(long, value_name = "ENCODING", default_value = "structured", value_parser = encoding)]
    sample: TileEncoding,
    /// Who proposes designs [default: nobody, they are drawn at random]
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// A hyperparameter of the agent: `agent.population=64`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// Designs for each product, those in the table among them
    #[arg(long, value_name = "NUMBER", default_value = "200")]
    designs: NonZeroUsize,
    /// Where all randomness comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1 << 63))]
    seed: u64,
    /// Designs between two measurements of cuBLASLt on the wide type, the baseline
    #[arg(long, value_name = "DESIGNS", default_value = "50")]
    baseline_every: NonZeroUsize,
    /// Designs after which a process is replaced, with fresh operands
    #[arg(long, value_name = "DESIGNS", default_value_t = Limits::default().designs_per_process)]
    per_process: u32,
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
        let (crew, interrupt) = (self.crew()?, interrupt_on_signal()?);
        let mut all = Vec::new();
        for &operands in &self.types {
            let mut watcher = self.flags.watcher();
            let filled = fill(catalog, &self.plan(operands)?, &crew, &self.out, &interrupt, &mut |at| {
                let best =
                    at.best_s.map_or_else(String::new, |best_s| format!(", best {:.1} us", best_s * 1e6));
                watcher.advance(at.done, at.total, &format!("{}{best}", at.gemm.operands));
            });
            watcher.finish();
            all.push(filled?);
            if !all.last().is_some_and(|filled| filled.is_finished) {
                break;
            }
        }
        let answer = if self.flags.is_json() { Answer::json(&all) } else { Answer::text(table(&all)) };
        if all.iter().all(|filled| filled.is_finished) {
            return Ok(answer);
        }
        self.flags.watcher().note("hint: the same command goes on with the table");
        Ok(answer.with_exit(Exit::Interrupted))
    }

    fn plan(&self, operands: Operands) -> Result<Plan, Failure> {
        let (mut config, mut env) = (Map::new(), Map::new());
        self.set.iter().for_each(|setting| setting.apply(&mut env, &mut config));
        if let Some((key, _)) = env.iter().next() {
            let error = anyhow::anyhow!("`env.{key}`: there is no environment");
            return Err(
                Failure::bad_input(error).hint("the product is set by `--m`, `--n`, `--k`, `--types`")
            );
        }
        if self.agent.is_none() && !config.is_empty() {
            let error =
                anyhow::anyhow!("`--set` without `--agent`: designs are drawn at random, by no agent");
            return Err(Failure::bad_input(error).hint("name the agent with `--agent`"));
        }
        Ok(Plan {
            device: self.device.clone(),
            gemm: Gemm { m: self.m, n: self.n, k: self.k, operands },
            encoding: self.sample,
            designs: self.designs.get(),
            agent: self.agent.clone().map(|id| AgentSpec { id, config }),
            seed: Seed::new(self.seed),
            baseline_every: self.baseline_every.get(),
        })
    }

    fn crew(&self) -> Result<Crew, Failure> {
        let method: Method = self.method.method();
        let mut arguments = method.worker_arguments();
        if self.rehearse {
            arguments.extend(["--model".to_owned(), self.device.clone()]);
        }
        let program = current_exe()
            .map_err(|error| Failure::failed(error).context("cannot find this program to start it again"))?;
        let limits = Limits {
            compile: self.compile_limit_s,
            run: self.run_limit_s + Duration::from_secs_f64(method.energy_s),
            designs_per_process: self.per_process,
            ..Limits::default()
        };
        let n_stations = self.flags.threads().get();
        Ok(Crew { command: WorkerCommand { program, arguments }, limits, n_stations })
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
