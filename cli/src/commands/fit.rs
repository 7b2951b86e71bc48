//! `tapeout fit`.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::{Map, Value, json};
use tapeout::core::{Catalog, Constraint, Goal, ModelFile, Objective, Problem, Seed};
use tapeout::experiment::dataset::{Dataset, Split};
use tapeout::offline::{Quality, Recipe, assess, fit};

use super::dataset::CutFlags;
use crate::answer::Answer;
use crate::arguments::{insert, setting_value};
use crate::failure::Failure;
use crate::table::{Column, Table};

/// What to learn, from what, and where to keep it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    fit: FitFlags,
    /// The file of the model
    #[arg(long, value_name = "FILE", default_value = "model.tapeout")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What to learn from what, shared by `fit` and `offline`.
#[derive(clap::Args)]
pub(crate) struct FitFlags {
    /// The folder of a data set: `tapeout dataset`
    dataset: PathBuf,
    /// Who learns: `tapeout list learners`
    #[arg(long, value_name = "NAME", default_value = "prime")]
    learner: String,
    /// A hyperparameter of the learner: `alpha=0.5`, `training.max_steps=1000`; again for several
    #[arg(long = "learner-set", value_name = "KEY=VALUE")]
    set: Vec<LearnerSetting>,
    /// What to optimise: `latency_s`; again for several [default: what the environment says]
    #[arg(long, value_name = "METRIC")]
    objective: Vec<Objective>,
    /// What is acceptable: `area_m2 <= 2.7e-5`; again for several [default: what the environment says]
    #[arg(long, value_name = "LIMIT")]
    constraint: Vec<Constraint>,
    #[command(flatten)]
    cut: CutFlags,
    /// Where all randomness comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1 << 63))]
    seed: u64,
}

/// A model with what it was made of.
pub(crate) struct Fitted {
    pub(crate) dataset: Dataset,
    pub(crate) problem: Problem,
    pub(crate) split: Split,
    pub(crate) model: ModelFile,
    pub(crate) seed: Seed,
}

impl FitFlags {
    /// Reads the data set and fits the model.
    pub(crate) fn fit(&self, catalog: &Catalog) -> Result<Fitted, Failure> {
        let dataset = Dataset::read(catalog, &self.dataset)?;
        let problem = dataset.problem(self.goal(catalog, &dataset)?).map_err(Failure::bad_input)?;
        let rules = self.cut.rules(problem.objectives().first(), problem.constraints());
        let seed = Seed::new(self.seed);
        let split = dataset.split(&rules, seed).map_err(Failure::bad_input)?;
        let mut config = Map::new();
        self.set.iter().for_each(|setting| insert(&mut config, &setting.path, setting.value.clone()));
        let recipe = Recipe { learner: self.learner.clone(), config: Value::Object(config), seed };
        let model = fit(catalog, &dataset, &split, &problem, &recipe)?;
        Ok(Fitted { dataset, problem, split, model, seed })
    }

    /// What the flags say, and else what the environment says.
    fn goal(&self, catalog: &Catalog, dataset: &Dataset) -> Result<Goal, Failure> {
        let settings = Value::Object(dataset.env_of(0).config);
        let (_, default) = catalog.build_env(&dataset.env().id, &settings)?;
        let or = |flags: &[Objective], default: Vec<Objective>| {
            if flags.is_empty() { default } else { flags.to_vec() }
        };
        let constraints =
            if self.constraint.is_empty() { default.constraints } else { self.constraint.clone() };
        Ok(Goal { objectives: or(&self.objective, default.objectives), constraints })
    }
}

/// Writes a model.
pub(crate) fn write(model: &ModelFile, path: &Path) -> Result<(), Failure> {
    fs::write(path, model.to_bytes())
        .map_err(|error| Failure::failed(error).context(format!("{}: cannot write", path.display())))
}

impl Args {
    /// How wrong the model is on what it has not seen.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let fitted = self.fit.fit(catalog)?;
        write(&fitted.model, &self.out)?;
        let surrogate = catalog.surrogate(&fitted.model, fitted.dataset.space()).map_err(Failure::failed)?;
        let parts = [("validation", &fitted.split.validation), ("hidden", &fitted.split.hidden)];
        let assessed = parts
            .map(|(part, rows)| (part, assess(surrogate.as_ref(), &fitted.dataset, rows, &fitted.problem)));
        if self.json {
            let [validation, hidden] = assessed.map(|(_, quality)| quality);
            return Ok(Answer::json(&json!({
                "model": self.out, "card": fitted.model.card, "validation": validation, "hidden": hidden,
            })));
        }
        let split = &fitted.split;
        Ok(Answer::text(format!(
            "{} learned from {} rows of {}, and was chosen by {}; {} are hidden\n\n{}\nthe model is {}",
            fitted.model.saved.learner,
            split.train.len(),
            self.fit.dataset.display(),
            split.validation.len(),
            split.hidden.len(),
            table(&assessed),
            self.out.display()
        )))
    }
}

fn table(assessed: &[(&str, Vec<Quality>)]) -> String {
    let mut columns =
        vec![("workload", Column::Words), ("rows of", Column::Words), ("metric", Column::Words)];
    let numbers = ["rows", "log error", "relative RMSE", "tau", "regret of 10", "Brier", "calibration"];
    columns.extend(numbers.map(|name| (name, Column::Numbers)));
    let mut table = Table::new(&columns);
    for (part, qualities) in assessed {
        for quality in qualities {
            let percent = |share: f64| format!("{:.2} %", 100.0 * share);
            table.row([
                quality.workload.clone(),
                (*part).to_owned(),
                quality.metric.clone(),
                quality.rows.to_string(),
                percent(quality.log_error),
                percent(quality.relative_rmse),
                format!("{:.3}", quality.tau),
                percent(quality.regret),
                format!("{:.3}", quality.brier),
                format!("{:.3}", quality.calibration_error),
            ]);
        }
    }
    table.text()
}

/// `alpha=0.5`, `training.max_steps=1000`.
#[derive(Debug, Clone, PartialEq)]
struct LearnerSetting {
    /// At least one key.
    path: Vec<String>,
    value: Value,
}

impl FromStr for LearnerSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected `KEY=VALUE`, such as `alpha=0.5`")?;
        let path = key.split('.').map(|step| step.trim().to_owned()).collect();
        Ok(Self { path, value: setting_value(value) })
    }
}
