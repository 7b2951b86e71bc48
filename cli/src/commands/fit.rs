//! `tapeout fit`.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::anyhow;
use serde_json::{Map, Value, json};
use tapeout::core::{Catalog, Constraint, Goal, ModelFile, Objective, Problem, Seed};
use tapeout::experiment::dataset::{Dataset, Split};
use tapeout::experiment::put_whole;
use tapeout::offline::{AUTO, LearnedModel, Quality, Recipe, assess, importance, learn, pictures};

use super::dataset::read_split;
use crate::answer::Answer;
use crate::arguments::{insert, setting_value};
use crate::failure::Failure;
use crate::table::{Column, Table};
use crate::worth_report::worth_text;

/// What to learn, from what, and where to keep it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    fit: FitFlags,
    /// The file of the model
    #[arg(long, value_name = "FILE", default_value = "model.tapeout")]
    out: PathBuf,
    /// A folder for pictures: what was expected of rows that were held out, calibration, importance of parameters
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What to learn from what, shared by `fit` and `offline`.
#[derive(clap::Args)]
pub(crate) struct FitFlags {
    /// The folder of a data set: `tapeout dataset`
    dataset: PathBuf,
    /// Who learns: `tapeout list learners`, or `auto` for the one whose word about rows that are held out is worth most
    #[arg(long, value_name = "NAME", default_value = AUTO)]
    learner: String,
    /// A hyperparameter of the learner: `alpha=0.5`, `training.max_steps=1000`; again for several
    #[arg(long = "learner-set", value_name = "KEY=VALUE")]
    set: Vec<LearnerSetting>,
    /// What to optimise: `latency_s`; again for several [default: what the environment or the log says]
    #[arg(long, value_name = "METRIC")]
    objective: Vec<Objective>,
    /// What is acceptable: `area_m2 <= 2.7e-5`; again for several [default: what the environment or the log says]
    #[arg(long, value_name = "LIMIT")]
    constraint: Vec<Constraint>,
    /// Learn from the rows that this file says alone, as `tapeout dataset split` writes it [default: all rows]
    #[arg(long, value_name = "FILE.json")]
    split: Option<PathBuf>,
    /// Where all randomness comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1 << 63), allow_negative_numbers = true, value_parser = crate::arguments::seed)]
    seed: u64,
}

/// A model with what it was made of.
pub(crate) struct Fitted {
    pub(crate) dataset: Dataset,
    pub(crate) problem: Problem,
    pub(crate) split: Split,
    pub(crate) learned: LearnedModel,
    pub(crate) seed: Seed,
}

impl Fitted {
    /// Writes what the model is worth into `folder`, as pictures.
    pub(crate) fn draw(&self, catalog: &Catalog, folder: &Path) -> Result<(), Failure> {
        let Self { dataset, problem, split, learned, seed } = self;
        let surrogate = catalog.surrogate(&learned.model, dataset.space()).map_err(Failure::failed)?;
        let bars = importance(surrogate.as_ref(), dataset, problem, &split.train, *seed);
        pictures::importance(dataset, &bars).write_into(folder)?;
        if !learned.said.is_empty() {
            pictures::held_out(dataset, problem, &learned.said).write_into(folder)?;
            pictures::calibration(dataset, &learned.said).write_into(folder)?;
        }
        Ok(())
    }
}

impl FitFlags {
    /// Reads the data set and fits the model; `add` may add rows to what was logged, which are trained on whatever the split says.
    pub(crate) fn fit(
        &self,
        catalog: &Catalog,
        add: impl FnOnce(Dataset) -> Result<Dataset, Failure>,
    ) -> Result<Fitted, Failure> {
        let logged = Dataset::read(catalog, &self.dataset)?;
        let (n_rows, n_sources) = (logged.rows().len(), logged.sources().len());
        let split = self.split.as_ref().map(|path| read_split(path, n_rows)).transpose()?;
        let (dataset, problem) = with_problem(catalog, add(logged)?, &self.objective, &self.constraint)?;
        let seed = Seed::new(self.seed);
        let split = match split {
            Some(split) => split.with_added(&dataset, n_sources),
            None => Split { train: (0..dataset.rows().len()).collect(), ..Split::default() },
        };
        if self.learner == AUTO && !self.set.is_empty() {
            let error = anyhow!("`--learner-set`: hyperparameters are those of a learner, and none is named");
            return Err(Failure::bad_input(error).hint("name one: `--learner prime`"));
        }
        let mut config = Map::new();
        self.set.iter().for_each(|setting| insert(&mut config, &setting.path, setting.value.clone()));
        let recipe = Recipe { learner: self.learner.clone(), config: Value::Object(config), seed };
        let learned = learn(catalog, &dataset, &split, &problem, &recipe)?;
        Ok(Fitted { dataset, problem, split, learned, seed })
    }
}

/// The data set, as a log by itself if its environment is not known here, and the problem over it: what the flags say goes before what
/// the environment says.
pub(crate) fn with_problem(
    catalog: &Catalog,
    dataset: Dataset,
    objective: &[Objective],
    constraint: &[Constraint],
) -> Result<(Dataset, Problem), Failure> {
    let dataset = known(catalog, dataset, objective, constraint)?;
    let settings = Value::Object(dataset.env_of(0).config);
    let (_, mut goal) = catalog.build_env(&dataset.env().id, &settings)?;
    if !objective.is_empty() {
        goal.objectives = objective.to_vec();
    }
    if !constraint.is_empty() {
        goal.constraints = constraint.to_vec();
    }
    let problem = dataset.problem(goal).map_err(Failure::bad_input)?;
    Ok((dataset, problem))
}

fn known(
    catalog: &Catalog,
    dataset: Dataset,
    objective: &[Objective],
    constraint: &[Constraint],
) -> Result<Dataset, Failure> {
    let Err(unknown) = catalog.env(&dataset.env().id) else { return Ok(dataset) };
    if objective.is_empty() {
        let hint = "the data set can stand by itself if you say what to optimise: `--objective METRIC`";
        return Err(Failure::from(unknown).hint(hint));
    }
    Ok(dataset.standing_alone(Goal { objectives: objective.to_vec(), constraints: constraint.to_vec() }))
}

/// Writes a model.
pub(crate) fn write(model: &ModelFile, path: &Path) -> Result<(), Failure> {
    put_whole(path, &model.to_bytes())
        .map_err(|error| Failure::unwritable(error).context(format!("{}: cannot write", path.display())))
}

/// Fails now if a file cannot be written to later, after hours of work.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let is_folder = path.is_dir();
    let written = fs::File::create(&beside).and_then(|_| fs::remove_file(&beside));
    let refused =
        |error: anyhow::Error| Failure::bad_input(error).context(format!("{}: cannot write", path.display()));
    match written {
        Err(error) => Err(refused(error.into())),
        Ok(()) if is_folder => Err(refused(anyhow!("it is a folder"))),
        Ok(()) => Ok(()),
    }
}

impl Args {
    /// What the model's word is worth.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        check_writable(&self.out)?;
        if let Some(folder) = &self.plots {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::bad_input(error).context(format!("{}: cannot make the folder", folder.display()))
            })?;
        }
        let fitted = self.fit.fit(catalog, Ok)?;
        write(&fitted.learned.model, &self.out)?;
        if let Some(folder) = &self.plots {
            fitted.draw(catalog, folder)?;
        }
        let Fitted { dataset, problem, split, learned, .. } = fitted;
        let surrogate = catalog.surrogate(&learned.model, dataset.space()).map_err(Failure::failed)?;
        let parts = [("validation", &split.validation), ("hidden", &split.hidden)];
        let assessed = parts.map(|(part, rows)| (part, assess(surrogate.as_ref(), &dataset, rows, &problem)));
        if self.json {
            let [validation, hidden] = assessed.map(|(_, quality)| quality);
            return Ok(Answer::json(&json!({
                "model": self.out, "card": learned.model.card, "learner": learned.model.saved.learner,
                "worth": learned.worth, "tried": learned.tried, "validation": validation, "hidden": hidden,
            })));
        }
        let of_split = match &self.fit.split {
            Some(path) => format!("\nrows that {} keeps back\n{}", path.display(), table(&assessed)),
            None => String::new(),
        };
        Ok(Answer::text(format!(
            "{} learned from {} of {} rows of {}\n\n{}{of_split}\nthe model is {}",
            learned.model.saved.learner,
            split.train.len(),
            dataset.rows().len(),
            self.fit.dataset.display(),
            worth_text(&learned),
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
            let percent =
                |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.2} %", 100.0 * share));
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
