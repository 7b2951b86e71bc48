//! Proxy models: models in the place of the simulator, as ArchGym states them, and how wrong they are about unseen designs.
//!
//! Source: Krishnan, Yazdanbakhsh et al. (2023), "ArchGym", doi:10.1145/3579371.3589049, section 7: a random forest with a root mean
//! square error of 0.61 % in the place of a DRAM simulator.

use std::fmt::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tapeout::core::parameter::Value;
use tapeout::core::{Catalog, Goal, Objective, Seed};
use tapeout::experiment::dataset::split::DEFAULT_UNRANKED;
use tapeout::experiment::dataset::{Dataset, Split, SplitBy};
use tapeout::experiment::statistics::mean;

use crate::error::StudyError;
use crate::ledger::{lines_of, text_of};
use crate::plan::{LATENCY, StudyPlan, WORKLOADS};
use tapeout::offline::{Quality, Recipe, assess, fit};

/// The file in which it is recorded how wrong they are.
const PROXY_MODELS: &str = "proxy-models.jsonl";
/// The learners that proxy models are made by.
const LEARNERS: [&str; 2] = ["random-forest", "gaussian-process"];
/// What is predicted.
const METRICS: [&str; 2] = [LATENCY, "energy_j"];
/// A level that is hidden: an inner one, so that models interpolate. Own choice.
const HIDDEN_LEVEL: (&str, i64) = ("lanes", 64);
/// One row in so many is hidden, which is as good as at random, since the designs were drawn so. Own choice.
const ONE_IN: usize = 10;

/// How wrong a model is about a metric of a workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProxyAccuracy {
    /// What the model had not seen.
    pub unseen: Unseen,
    /// Who learned.
    pub learner: String,
    /// What is predicted.
    pub metric: String,
    /// For which workload.
    pub workload: String,
    /// Designs that it was asked about.
    pub rows: usize,
    /// The root of the mean squared error, over the mean.
    pub relative_rmse: f64,
    /// Kendall's tau between predicted and true order.
    pub tau: f64,
}

/// What a model had not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// Designs drawn as those that it learned from.
    Rows,
    /// Designs with a level that no design had.
    Level,
    /// The workload.
    Workload,
    /// The best designs.
    Best,
}

impl Unseen {
    const ALL: [Self; 4] = [Self::Rows, Self::Level, Self::Workload, Self::Best];

    fn text(self) -> String {
        let (parameter, level) = HIDDEN_LEVEL;
        match self {
            Self::Rows => "other random designs".to_owned(),
            Self::Level => format!("designs with {level} {parameter}"),
            Self::Workload => "the workload".to_owned(),
            Self::Best => "the best designs".to_owned(),
        }
    }
}

/// Fits proxy models and writes how wrong they are into `folder`, unless that is there already.
///
/// # Errors
/// [`StudyError`] if a fit fails, or the file cannot be written.
pub fn proxy_models(
    catalog: &Catalog,
    plan: &StudyPlan,
    dataset: &Dataset,
    folder: &Path,
) -> Result<(), StudyError> {
    let path = folder.join(PROXY_MODELS);
    if path.exists() {
        return Ok(());
    }
    let mut lines = String::new();
    for unseen in Unseen::ALL {
        for split in splits(unseen, plan, dataset)? {
            for learner in LEARNERS {
                for accuracy in fitted(catalog, dataset, &split, (unseen, learner))? {
                    lines += &serde_json::to_string(&accuracy).expect("an accuracy is plain data");
                    lines.push('\n');
                }
            }
        }
    }
    let failed = |source| StudyError::File { path: path.clone(), source };
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, lines).map_err(failed)?;
    std::fs::rename(&unfinished, &path).map_err(failed)
}

/// How wrong proxy models are, as recorded in `folder`; none if nothing is.
///
/// # Errors
/// [`StudyError`] if the file cannot be read, or a line says something else.
pub fn read(folder: &Path) -> Result<Vec<ProxyAccuracy>, StudyError> {
    let path = folder.join(PROXY_MODELS);
    if path.exists() { lines_of(&text_of(&path)?, &path) } else { Ok(Vec::new()) }
}

/// What a model learns from and is asked about; for unseen workloads each is hidden in turn.
fn splits(unseen: Unseen, plan: &StudyPlan, dataset: &Dataset) -> Result<Vec<Split>, StudyError> {
    let rules = match unseen {
        Unseen::Rows => {
            let is_hidden = |row: &usize| row.is_multiple_of(ONE_IN);
            let (hidden, train) = (0..dataset.rows().len()).partition(is_hidden);
            return Ok(vec![Split { train, validation: Vec::new(), hidden }]);
        }
        Unseen::Level => {
            let (parameter, level) = HIDDEN_LEVEL;
            vec![SplitBy::Architecture {
                parameter: parameter.to_owned(),
                hidden: vec![Value::Integer(level)],
                validation: Vec::new(),
            }]
        }
        Unseen::Workload => {
            let hide = |(name, _): &(&str, &str)| SplitBy::Workload {
                hidden: vec![(*name).to_owned()],
                validation: Vec::new(),
            };
            WORKLOADS.iter().map(hide).collect()
        }
        Unseen::Best => vec![SplitBy::Quality {
            objective: Objective::minimize(LATENCY),
            constraints: Vec::new(),
            worst: plan.worst + plan.band,
            band: 0.0,
            unranked: DEFAULT_UNRANKED,
        }],
    };
    let split = |rule: &SplitBy| dataset.split(std::slice::from_ref(rule), Seed::new(0));
    Ok(rules.iter().map(split).collect::<Result<_, _>>()?)
}

fn fitted(
    catalog: &Catalog,
    dataset: &Dataset,
    split: &Split,
    (unseen, learner): (Unseen, &str),
) -> Result<Vec<ProxyAccuracy>, StudyError> {
    let goal = Goal { objectives: METRICS.map(Objective::minimize).to_vec(), constraints: Vec::new() };
    let problem = dataset.problem(goal)?;
    let recipe = Recipe::named(learner, Seed::new(0).child(learner, 0));
    let model = fit(catalog, dataset, split, &problem, &recipe)?;
    let surrogate = catalog.surrogate(&model, dataset.space())?;
    let proxy_model = |quality: Quality| {
        Some(ProxyAccuracy {
            unseen,
            learner: learner.to_owned(),
            metric: quality.metric,
            workload: quality.workload,
            rows: quality.rows,
            relative_rmse: quality.relative_rmse?,
            tau: quality.tau,
        })
    };
    let assessed = assess(surrogate.as_ref(), dataset, &split.hidden, &problem);
    Ok(assessed.into_iter().filter_map(proxy_model).collect())
}

/// Writes what came of it, if it was done.
pub fn table(proxy_models: &[ProxyAccuracy], text: &mut String) {
    if proxy_models.is_empty() {
        return;
    }
    let _ = write!(
        text,
        "\n## Proxy models\n\n\
         Models in the place of the simulator: root mean square error over the mean, and Kendall's tau; means over nine workloads, in brackets the least and the most. \
         Learned from all feasible designs that are not unseen, all workloads in one model. ArchGym states 0.61 % for a random \
         forest in the place of a DRAM simulator, on designs drawn as those that it learned from.\n\n\
         | unseen | learner | metric | error | tau |\n|---|---|---|---|---|\n"
    );
    for unseen in Unseen::ALL {
        for (learner, metric) in LEARNERS.iter().flat_map(|learner| METRICS.map(|metric| (*learner, metric)))
        {
            let of =
                |it: &&ProxyAccuracy| it.unseen == unseen && it.learner == learner && it.metric == metric;
            let found: Vec<&ProxyAccuracy> = proxy_models.iter().filter(of).collect();
            let errors: Vec<f64> = found.iter().map(|it| 100.0 * it.relative_rmse).collect();
            let taus: Vec<f64> = found.iter().map(|it| it.tau).collect();
            let (errors, taus) = (ranged(&errors, 1), ranged(&taus, 2));
            let _ = writeln!(text, "| {} | {learner} | {metric} | {errors} % | {taus} |", unseen.text());
        }
    }
}

/// The mean, the least and the most.
fn ranged(values: &[f64], digits: usize) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.digits$} [{least:.digits$}, {most:.digits$}]", mean(values))
}
