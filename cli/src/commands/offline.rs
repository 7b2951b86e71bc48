//! `tapeout offline`.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::Map;
use tapeout::core::Catalog;
use tapeout::experiment::plot::quantity;
use tapeout::experiment::{AgentSpec, Experiment, run};
use tapeout::offline::{ModelSearch, Proposals, workloads};

use super::fit::{FitFlags, write};
use crate::answer::Answer;
use crate::failure::Failure;
use crate::table::{Column, Table};
use crate::watched_run::{RunFlags, WatchedRun};

/// What to learn from, how to search it, and where to keep what comes of it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    fit: FitFlags,
    /// A workload the design is for, with its weight in the mean if it is not 1: `unet=2`; again for several [default: all]
    #[arg(long, value_name = "NAME[=WEIGHT]")]
    workload: Vec<WeightedName>,
    /// Who searches the model
    #[arg(long, value_name = "NAME", default_value = "firefly")]
    agent: String,
    /// How often the model is asked
    #[arg(long, value_name = "NUMBER", default_value = "5000")]
    trials: NonZeroUsize,
    /// Designs asked for at once
    #[arg(long, value_name = "DESIGNS", default_value = "32")]
    batch: NonZeroUsize,
    /// By how many standard deviations metrics are taken to be worse than expected
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, allow_negative_numbers = true)]
    kappa: f64,
    /// Designs that the model thinks less likely to be feasible are not wanted
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    least_p_feasible: f64,
    /// Leave it to the model which designs are feasible, even where the environment can tell by arithmetic alone, such as from area
    #[arg(long)]
    no_exact_checks: bool,
    /// How many designs to propose
    #[arg(long, value_name = "NUMBER", default_value = "16")]
    top: NonZeroUsize,
    /// The folder of model, search and proposals
    #[arg(long, value_name = "FOLDER", default_value = "offline")]
    out: PathBuf,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// Fits, searches, and proposes; no simulator is asked.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let folder = self.out.join("search");
        let mut watched = WatchedRun::begin(&self.flags, &folder)?;
        let fitted = self.fit.fit(catalog)?;
        fs::create_dir_all(&self.out).map_err(|error| {
            Failure::failed(error).context(format!("{}: cannot make the folder", self.out.display()))
        })?;
        let path = self.out.join("model.tapeout");
        write(&fitted.model, &path)?;
        let named: Vec<(String, f64)> =
            self.workload.iter().map(|weighted| (weighted.name.clone(), weighted.weight)).collect();
        let search = ModelSearch {
            workloads: workloads(&fitted.dataset, &named)?,
            agent: AgentSpec { id: self.agent.clone(), config: Map::new() },
            calls: self.trials,
            batch: self.batch,
            kappa: self.kappa,
            least_p_feasible: self.least_p_feasible,
            exact_checks: !self.no_exact_checks,
            seed: fitted.seed,
        };
        let experiment =
            Experiment::prepare(catalog, search.spec(&search.proxy(Some(&path)), fitted.problem.goal()))?;
        let finished = watched.watch(|options, observer| run(&experiment, &folder, options, observer))?;
        let proposals = search.proposals(
            catalog,
            &fitted.model,
            &fitted.problem,
            &fitted.dataset,
            finished.run.trials(),
            self.top.get(),
        )?;
        let path = self.out.join("proposals.json");
        proposals.write(&path)?;
        if self.flags.is_json() {
            return Ok(Answer::json(&proposals));
        }
        Ok(Answer::text(format!(
            "{}\n{} was asked {} times, the simulator never; `tapeout validate {}` asks it about these",
            table(&proposals, fitted.problem.metrics()),
            proposals.learner,
            proposals.model_calls,
            path.display()
        )))
    }
}

/// The proposals with what the model expects.
fn table(proposals: &Proposals, metrics: &[tapeout::core::Metric]) -> String {
    let mut columns = vec![("", Column::Numbers)];
    columns.extend(metrics.iter().map(|metric| (metric.name.as_str(), Column::Numbers)));
    columns.extend([
        ("p(feasible)", Column::Numbers),
        ("distance", Column::Numbers),
        ("design", Column::Words),
    ]);
    let mut table = Table::new(&columns);
    for (index, proposal) in proposals.proposals.iter().enumerate() {
        let expected = metrics.iter().map(|metric| {
            let mean = proposal.predicted.get(&metric.name).copied().unwrap_or(f64::NAN);
            let spread = proposal.spread.as_ref().and_then(|spread| spread.get(&metric.name));
            let around =
                spread.map_or_else(String::new, |spread| format!(" ± {:.0} %", 100.0 * spread / mean));
            format!("{}{around}", quantity(mean, &metric.unit))
        });
        let design: Vec<String> =
            proposal.design.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut cells = vec![(index + 1).to_string()];
        cells.extend(expected);
        cells.extend([
            format!("{:.3}", proposal.p_feasible),
            format!("{:.3}", proposal.distance),
            design.join(" "),
        ]);
        table.row(cells);
    }
    table.text()
}

/// `unet=2`.
#[derive(Debug, Clone, PartialEq)]
struct WeightedName {
    name: String,
    weight: f64,
}

impl FromStr for WeightedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let weighted =
            text.rsplit_once('=').and_then(|(name, weight)| Some((name, weight.trim().parse().ok()?)));
        let (name, weight) = weighted.unwrap_or((text, 1.0));
        if !(f64::is_finite(weight) && weight > 0.0) {
            return Err(format!("the weight of `{name}` is {weight}; expected a number above 0"));
        }
        Ok(Self { name: name.trim().to_owned(), weight })
    }
}
