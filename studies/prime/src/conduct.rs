//! The study from end to end: the data set, and then cell after cell.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use tapeout::core::{Catalog, Seed, config};
use tapeout::envs::EdgeAcceleratorConfig;
use tapeout::experiment::dataset::{self, Dataset, generate};
use tapeout::experiment::{EnvSpec, RunOptions};

use crate::cell::Study;
use crate::error::StudyError;
use crate::ledger::{CellAnswer, Ledger};
use crate::methods::DesignMethod;
use crate::plan::{EdgeEnv, StudyPlan, WORKLOADS};
use crate::proxy_models::proxy_models;
use crate::questions::Question;
use crate::results::StudyResults;

/// How far the study got.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StudyProgress<'a> {
    /// The data set is being made.
    Logging {
        /// Designs that were evaluated.
        done: usize,
        /// Designs in all.
        total: usize,
    },
    /// A cell is done.
    Answered {
        /// What came of it.
        answer: &'a CellAnswer,
        /// Cells that are done.
        done: usize,
        /// Cells in all.
        total: usize,
    },
}

/// Runs what is missing of the study in `folder`, with the data set in the folder `data`. Returns all results.
///
/// `threads`: cells side by side. Answers do not depend on it, nor on where the study was interrupted.
///
/// # Errors
/// [`StudyError`] if the folder holds a study of another plan, or a cell fails; what is done stays.
pub fn conduct(
    catalog: &Catalog,
    plan: &StudyPlan,
    folder: &Path,
    data: &Path,
    options: &RunOptions<'_>,
    watch: &(dyn Fn(StudyProgress<'_>) + Sync),
) -> Result<StudyResults, StudyError> {
    std::fs::create_dir_all(folder).map_err(|source| StudyError::File { path: folder.to_owned(), source })?;
    keep_plan(&folder.join("plan.json"), plan)?;
    let Some(dataset) = logged(catalog, plan, data, options, watch)? else {
        return StudyResults::read(folder);
    };
    let study = Study { catalog, plan, dataset: &dataset };
    let ledger = Mutex::new(Ledger::open(folder)?);
    let cells = cells(plan);
    let missing: Vec<&(Question, DesignMethod, u64)> = {
        let ledger = ledger.lock().expect("invariant: no thread has panicked yet");
        cells
            .iter()
            .filter(|(question, method, seed)| !ledger.has(question, &method.to_string(), *seed))
            .collect()
    };
    let next = AtomicUsize::new(0);
    let is_failed = AtomicBool::new(false);
    let work = || -> Result<(), StudyError> {
        loop {
            let is_over = is_failed.load(Ordering::Relaxed)
                || options.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed));
            let Some((question, method, seed)) =
                missing.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !is_over)
            else {
                return Ok(());
            };
            let answer = study.answer(question, *method, *seed).inspect_err(|_| {
                is_failed.store(true, Ordering::Relaxed);
            })?;
            let mut ledger = ledger.lock().expect("invariant: nothing that holds the ledger panics");
            ledger.add(answer.clone())?;
            let (done, total) = (ledger.answers().len(), cells.len());
            watch(StudyProgress::Answered { answer: &answer, done, total });
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.threads.get()).map(|_| scope.spawn(work)).collect();
        let ended =
            workers.into_iter().map(|worker| worker.join().expect("invariant: a cell returns its errors"));
        ended.collect::<Result<Vec<()>, StudyError>>()
    })?;
    if !options.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
        proxy_models(catalog, plan, &dataset, folder)?;
    }
    StudyResults::read(folder)
}

/// All cells: seed by seed, so that what is done so far compares all methods on the same seeds.
fn cells(plan: &StudyPlan) -> Vec<(Question, DesignMethod, u64)> {
    let questions = plan.questions();
    let of_seed = |seed: u64| {
        let cells = questions.iter().flat_map(move |(question, methods)| {
            methods.iter().map(move |&method| (question.clone(), method, seed))
        });
        cells.collect::<Vec<_>>()
    };
    (0..plan.seeds).flat_map(of_seed).collect()
}

/// The data set; none if somebody interrupted its making.
fn logged(
    catalog: &Catalog,
    plan: &StudyPlan,
    folder: &Path,
    options: &RunOptions<'_>,
    watch: &(dyn Fn(StudyProgress<'_>) + Sync),
) -> Result<Option<Dataset>, StudyError> {
    let data_plan = dataset::DatasetPlan {
        designs: plan.designs,
        seed: Seed::new(0),
        workloads: WORKLOADS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        env: EnvSpec::of::<EdgeEnv>(&plan.env()),
    };
    if !folder.join("dataset.toml").exists() {
        let is_done = generate(catalog, &data_plan, folder, options, &mut |generation| {
            watch(StudyProgress::Logging { done: generation.done, total: generation.total });
        })?;
        if !is_done {
            return Ok(None);
        }
    }
    let dataset = Dataset::read(catalog, folder)?;
    let env: EdgeAcceleratorConfig = config::read(&Value::Object(dataset.env().config.clone()))?;
    let is_of_plan = dataset.rows().len() == data_plan.designs * data_plan.workloads.len()
        && env.area_limit_m2 == plan.area_limit_m2;
    if is_of_plan { Ok(Some(dataset)) } else { Err(StudyError::OtherData { path: folder.to_owned() }) }
}

/// Writes the plan, or compares it with the one that is there. More seeds than before are welcome.
fn keep_plan(path: &Path, plan: &StudyPlan) -> Result<(), StudyError> {
    let failed = |source| StudyError::File { path: path.to_owned(), source };
    let value = serde_json::to_value(plan).expect("a plan is plain data");
    if path.exists() {
        let kept = serde_json::to_value(StudyPlan::read(path)?).expect("a plan is plain data");
        let fields = value.as_object().into_iter().flatten();
        let differs = fields
            .filter(|(field, _)| field.as_str() != "seeds")
            .find(|(field, expected)| kept.get(field.as_str()) != Some(expected));
        if let Some((field, expected)) = differs {
            let got = kept.get(field.as_str()).map_or("absent".to_owned(), ToString::to_string);
            let (field, expected) = (field.clone(), expected.to_string());
            return Err(StudyError::OtherPlan { path: path.to_owned(), field, got, expected });
        }
    }
    let mut text = serde_json::to_string_pretty(&value).expect("a plan is plain data");
    text.push('\n');
    std::fs::write(path, text).map_err(failed)
}
