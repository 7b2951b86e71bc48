//! `tapeout offline`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::anyhow;
use serde_json::json;
use tapeout::core::{Catalog, Goal, Metric, Value};
use tapeout::experiment::dataset::{Dataset, TableFormat};
use tapeout::experiment::plot::quantity;
use tapeout::experiment::{AgentSpec, Experiment, run};
use tapeout::offline::promised::{Kept, kept};
use tapeout::offline::{
    BatchEvidence, Evidence, ModelSearch, Proposal, Proposals, batch, looked_at, read_sheet, workloads,
    write_sheet,
};

use super::fit::{FitFlags, Fitted, check_writable, write};
use crate::answer::Answer;
use crate::failure::Failure;
use crate::table::{Column, Table};
use crate::watched_run::{RunFlags, WatchedRun};
use crate::worth_report::{kept_text, worth_text};

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
    #[arg(long, value_name = "NUMBER", default_value = "5000", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    trials: NonZeroUsize,
    /// Designs asked for at once
    #[arg(long, value_name = "DESIGNS", default_value = "32", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
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
    #[arg(long, value_name = "NUMBER", default_value = "16", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    top: NonZeroUsize,
    /// A table of what was measured since, such as a filled-in `proposals.csv`: learned from as well, and held against what was
    /// promised; again for several
    #[arg(long, value_name = "FILE.csv")]
    append: Vec<PathBuf>,
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
        self.check_out(&folder)?;
        let mut watched = WatchedRun::begin(&self.flags, &folder)?;
        let mut record = None;
        let fitted = self.fit.fit(catalog, |dataset| {
            let (dataset, kept) = self.appended(dataset)?;
            record = kept;
            Ok(dataset)
        })?;
        let path = self.out.join("model.tapeout");
        write(&fitted.learned.model, &path)?;
        let search = self.search(&fitted)?;
        let spec = search.spec(&search.proxy(Some(&path)), fitted.problem.goal());
        let experiment = Experiment::prepare(catalog, spec)?;
        let finished = watched.watch(|options, observer| run(&experiment, &folder, options, observer))?;
        let logged = Evidence {
            dataset: &fitted.dataset,
            rows: &fitted.split.train,
            second: fitted.learned.second.as_ref(),
        };
        let (model, problem) = (&fitted.learned.model, &fitted.problem);
        let near = search.near(catalog, model, problem, &logged)?;
        let mut trials = finished.run.trials().to_vec();
        trials.extend(near.iter().cloned());
        let mut asked = BTreeSet::new();
        trials.retain(|trial| asked.insert(trial.design.clone()));
        if let Some(second) = logged.second {
            write(&second.model, &self.out.join("second.tapeout"))?;
            trials = search.reconsidered(catalog, model, problem, second, &trials)?;
        }
        let known = logged.known(&search.workloads);
        let measured = logged.trials(problem, &search.workloads);
        let near = near.into_iter().map(|trial| trial.design).collect();
        let looked_at = looked_at(problem, &trials, (&known, &near), self.top.get());
        let scenarios = search.scenarios(catalog, model, problem, logged.second, (&trials, &looked_at))?;
        let evidence = BatchEvidence { logged: &measured, known: &known, near: &near, scenarios: &scenarios };
        let chosen = batch(problem, &trials, evidence, self.top.get());
        let proposals = search.proposals(catalog, model, problem, &logged, &trials, &chosen)?;
        proposals.write(&self.out.join("proposals.json"))?;
        let sheet = search.sheet(catalog, model, &logged, &proposals)?;
        write_sheet(&self.out.join("proposals.csv"), &fitted.dataset, &sheet)?;
        fitted.draw(catalog, &self.out)?;
        if !self.append.is_empty() {
            fitted.dataset.write(&self.out.join("logged"), TableFormat::Parquet)?;
        }
        if self.flags.is_json() {
            return Ok(Answer::json(&json!({
                "proposals": proposals, "worth": fitted.learned.worth, "tried": fitted.learned.tried,
                "kept": record,
            })));
        }
        let record = record.map_or_else(String::new, |kept| format!("{}\n", kept_text(&kept)));
        Ok(Answer::text(format!(
            "{record}{}\n{}\n{}",
            worth_text(&fitted.learned),
            table(&proposals, fitted.problem.metrics()),
            self.remarks(&proposals)
        )))
    }

    /// Fails before hours are spent: if there is a run already, or nothing can be written.
    fn check_out(&self, search: &Path) -> Result<(), Failure> {
        if search.exists() {
            let error = anyhow!("{}: there are proposals in this folder already", self.out.display());
            return Err(Failure::bad_input(error).hint("choose another folder, or delete this one"));
        }
        fs::create_dir_all(&self.out).map_err(|error| {
            Failure::bad_input(error).context(format!("{}: cannot make the folder", self.out.display()))
        })?;
        check_writable(&self.out.join("model.tapeout"))
    }

    /// The data set with what was measured since, and what the promises about that were worth.
    fn appended(&self, mut dataset: Dataset) -> Result<(Dataset, Option<Kept>), Failure> {
        let mut all = Vec::new();
        for path in &self.append {
            let rows = read_sheet(path, &dataset)?;
            let measured: Vec<_> = rows
                .iter()
                .filter_map(|row| Some((row.workload, row.design.clone(), row.outcome.clone()?)))
                .collect();
            if measured.is_empty() {
                let error = anyhow!("{}: no line is filled in", path.display());
                return Err(
                    Failure::bad_input(error).hint("write what was measured into the columns of the metrics")
                );
            }
            dataset = dataset.with_measured(&path.display().to_string(), measured);
            all.extend(rows);
        }
        let known: Vec<_> = all
            .iter()
            .filter_map(|row| Some((row.promised.clone(), row.p_feasible, row.outcome.as_ref()?)))
            .collect();
        let kept = (!known.is_empty()).then(|| kept(dataset.metrics(), &known));
        Ok((dataset, kept))
    }

    fn search(&self, fitted: &Fitted) -> Result<ModelSearch, Failure> {
        let named: Vec<(String, f64)> =
            self.workload.iter().map(|weighted| (weighted.name.clone(), weighted.weight)).collect();
        Ok(ModelSearch {
            workloads: workloads(&fitted.dataset, &named)?,
            agent: AgentSpec::named(&self.agent),
            calls: self.trials,
            batch: self.batch,
            kappa: self.kappa,
            least_p_feasible: self.least_p_feasible,
            exact_checks: !self.no_exact_checks,
            seed: fitted.seed,
        })
    }

    fn remarks(&self, proposals: &Proposals) -> String {
        let mut text = String::new();
        if proposals.proposals.len() < self.top.get() {
            text.push_str(&format!(
                "{} of {} are proposed: there is no other that is not known, and that the model likes\n",
                proposals.proposals.len(),
                self.top
            ));
        }
        if proposals.beat_nothing() {
            text.push_str(
                "warning: none of these is expected to be better than the best logged design, even at the good end of its interval\n",
            );
        }
        let second = proposals
            .second
            .as_ref()
            .map_or_else(String::new, |second| format!(", {second} what to expect of what it found"));
        text + &format!(
            "{} was asked {} times{second}, the simulator never. Next: `tapeout validate {}`, or fill in {} and `--append` it",
            proposals.learner,
            proposals.model_calls,
            self.out.join("proposals.json").display(),
            self.out.join("proposals.csv").display()
        )
    }
}

/// The proposals with what to expect, below the best logged design.
fn table(proposals: &Proposals, metrics: &[Metric]) -> String {
    let mut columns = vec![("", Column::Numbers)];
    columns.extend(metrics.iter().map(|metric| (metric.name.as_str(), Column::Numbers)));
    columns.extend([
        ("p(feasible)", Column::Numbers),
        ("distance", Column::Numbers),
        ("outside", Column::Words),
        ("design", Column::Words),
    ]);
    let mut table = Table::new(&columns);
    let design = |design: &BTreeMap<String, Value>| {
        design.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let Goal { objectives, constraints } = &proposals.goal;
    let goal = objectives.iter().map(|it| it.metric.as_str());
    let goal: Vec<&str> = goal.chain(constraints.iter().map(|it| it.metric.as_str())).collect();
    if let Some(logged) = &proposals.logged {
        let mut cells = vec!["logged".to_owned()];
        cells.extend(metrics.iter().map(|it| {
            logged.measured.get(&it.name).map_or_else(String::new, |&value| quantity(value, &it.unit))
        }));
        cells.extend([String::new(), String::new(), String::new(), design(&logged.design)]);
        table.row(cells);
    }
    for (index, proposal) in proposals.proposals.iter().enumerate() {
        let mut cells = vec![(index + 1).to_string()];
        cells.extend(
            metrics.iter().map(|metric| expected(proposal, metric, goal.contains(&metric.name.as_str()))),
        );
        cells.extend([
            format!("{:.3}", proposal.p_feasible),
            format!("{:.3}", proposal.distance),
            proposal.outside.join(", "),
            design(&proposal.design),
        ]);
        table.row(cells);
    }
    table.text()
}

/// The middle of the interval, with its ends if the goal names the metric; or what the model expects and its spread.
fn expected(proposal: &Proposal, metric: &Metric, is_goal: bool) -> String {
    if let Some(it) = proposal.intervals.as_ref().and_then(|it| it.get(&metric.name)) {
        if !is_goal {
            return quantity(it.middle, &metric.unit);
        }
        let [low, middle, high] = [it.low, it.middle, it.high].map(|value| quantity(value, &metric.unit));
        return format!("{middle} ({low} to {high})");
    }
    let mean = proposal.predicted.get(&metric.name).copied().unwrap_or(f64::NAN);
    let spread = proposal.spread.as_ref().and_then(|spread| spread.get(&metric.name));
    let around = spread.map_or_else(String::new, |spread| format!(" ± {:.0} %", 100.0 * spread / mean.abs()));
    format!("{}{around}", quantity(mean, &metric.unit))
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
