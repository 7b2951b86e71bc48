//! A data set of designs drawn at random: every workload gets designs of its own, uniform over the legal ones and each at
//! most once, and all that becomes of them is kept, infeasible or not. A design whose evaluation fails has no row: nothing is known of
//! it.
//!
//! While it is being made, the folder holds `plan.toml`, which says what is asked for, and a file for each workload
//! that is done; whoever asks for the same again goes on with the first workload that is not. The rows of one
//! workload are a function of seed, workload and number of designs, whatever the threads and the other workloads.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapeout_core::{Catalog, Design, DesignSpace, Env, EnvEntry, NarrowedEnv, Outcome, Seed, Stream};

use super::error::DatasetError;
use super::folder::{TableFormat, TableWriter, each_group, make_folder, write_manifest};
use super::kinship::{self, Difference};
use super::table::{About, DatasetSource, DatasetWorkload, Row};
use crate::durable_file::put_whole;
use crate::evaluate::Evaluator;
use crate::failures::FAILURES_IN_A_ROW;
use crate::run::RunOptions;
use crate::spec::{EnvSpec, drop_nulls};

/// Designs that are evaluated between two looks at the interrupt, at most. Ours: well under a second of a fast model, and some
/// hundred designs in each piece of work.
const BATCH: usize = 4096;

/// The agent that drew the designs, as a source names it.
const DRAWN_BY: &str = "uniform";

/// What to draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetPlan {
    /// How many designs for each workload; all there are, if there are fewer.
    pub designs: usize,
    /// Where all randomness comes from.
    pub seed: Seed,
    /// The workloads by name: a value of the first setting that names a workload, and `setting=value` for others, apart by
    /// spaces: `unet batch=4`. Empty for the one that the settings of `env` say.
    pub workloads: Vec<String>,
    /// The environment, the part of its space that is drawn from, and the settings that all workloads share.
    pub env: EnvSpec,
}

/// How far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation<'a> {
    /// The workload that is being evaluated.
    pub workload: &'a str,
    /// Designs of all workloads that have been evaluated.
    pub done: usize,
    /// Designs that are asked for.
    pub total: usize,
    /// Those of the designs evaluated now that have no row, since their evaluation failed.
    pub failed: usize,
}

/// One workload, with its environment.
struct Part {
    workload: DatasetWorkload,
    env: Box<dyn Env>,
}

/// Makes a data set as `plan` says in `folder`, or goes on making it. Tells `watch` after each batch how far it got.
///
/// Returns whether it is done: no if somebody interrupted it, in which case the workloads that were finished stay.
///
/// # Errors
/// [`DatasetError`] if the environment or a workload is unknown, there is a data set or another plan in the folder, it
/// cannot be written to, or so many evaluations in a row fail that it is not the fault of their designs.
pub fn generate(
    catalog: &Catalog,
    plan: &DatasetPlan,
    folder: &Path,
    options: &RunOptions<'_>,
    watch: &mut dyn FnMut(Generation<'_>),
) -> Result<bool, DatasetError> {
    let entry = catalog.env(&plan.env.id)?;
    let parts = parts(catalog, entry, plan)?;
    let about = about(entry, plan, &parts)?;
    make_folder(folder)?;
    let plan_path = folder.join("plan.toml");
    keep_plan(&plan_path, plan, entry)?;
    let _lock = locked(&plan_path)?;
    let n_designs = |space: &DesignSpace| {
        usize::try_from(space.cardinality()).map_or(plan.designs, |n| n.min(plan.designs))
    };
    let total = n_designs(&about.space) * parts.len();
    let (mut done, mut failed) = (0, 0);
    for (index, part) in parts.iter().enumerate() {
        let path = part_path(folder, index);
        if path.exists() {
            done += n_designs(&about.space);
            continue;
        }
        let mut table = TableWriter::create_at(path, TableFormat::Parquet, &about)?;
        let mut draw = Draw::new(&about.space, plan, &part.workload);
        let evaluator = Evaluator::new(part.env.as_ref(), options.threads)?;
        let (mut trial, mut failed_in_a_row) = (0, 0);
        // An evaluator that does not work at all is found out in the first, and shorter, batch.
        let mut length = FAILURES_IN_A_ROW;
        loop {
            if options.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
                return Ok(false);
            }
            let designs = draw.next_batch(length);
            if designs.is_empty() {
                break;
            }
            length = BATCH.min(2 * length);
            for (design, outcome) in evaluate(&evaluator, designs, failed_in_a_row)? {
                if let Outcome::Failed { cause } = &outcome {
                    (failed, failed_in_a_row) = (failed + 1, failed_in_a_row + 1);
                    if failed_in_a_row == FAILURES_IN_A_ROW {
                        return Err(part.failed(&about.space, &design, cause));
                    }
                } else {
                    failed_in_a_row = 0;
                    table.add(Row { workload: index, design, outcome, source: 0, trial })?;
                }
                trial += 1;
            }
            let workload = part.workload.name.as_str();
            watch(Generation { workload, done: done + trial, total, failed });
        }
        table.finish()?;
        done += trial;
    }
    merge(folder, &about)?;
    for path in (0..parts.len()).map(|index| part_path(folder, index)).chain([plan_path]) {
        fs::remove_file(&path).map_err(|source| DatasetError::File { path, action: "delete", source })?;
    }
    Ok(true)
}

impl Part {
    /// The error of a workload whose evaluator fails, for the last of its designs.
    fn failed(&self, space: &DesignSpace, design: &Design, cause: &str) -> DatasetError {
        let values = space.values(design).map(|(parameter, value)| format!("{} = {value}", parameter.name()));
        DatasetError::Evaluation {
            workload: self.workload.name.clone(),
            failures: FAILURES_IN_A_ROW,
            design: values.collect::<Vec<_>>().join(", "),
            reason: cause.to_owned(),
        }
    }
}

fn part_path(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("workload-{index}.parquet"))
}

/// Each workload's environment.
fn parts(catalog: &Catalog, entry: &EnvEntry, plan: &DatasetPlan) -> Result<Vec<Part>, DatasetError> {
    let refuse =
        |error: tapeout_core::ConfigError| DatasetError::Config { env: entry.id.to_owned(), source: error };
    let build = |settings: &Map<String, Value>| -> Result<Box<dyn Env>, DatasetError> {
        let built = catalog.build_env(entry.id, &Value::Object(settings.clone()));
        let (env, _) = built.map_err(|error| DatasetError::built(entry.id, error))?;
        let narrowing = plan.env.narrowing();
        if narrowing.is_whole() {
            return Ok(env);
        }
        let part = NarrowedEnv::new(env.into(), &narrowing);
        Ok(Box::new(part.map_err(|source| DatasetError::Narrowing {
            env: entry.id.to_owned(),
            source: Box::new(source),
        })?))
    };
    let whole = |settings: &Map<String, Value>| -> Result<Map<String, Value>, DatasetError> {
        match entry.resolve(&Value::Object(settings.clone())).map_err(refuse)? {
            Value::Object(resolved) => Ok(resolved),
            _ => Ok(Map::new()), // a unit struct: no settings
        }
    };
    let names = build(&plan.env.config)?.workload_settings();
    let resolved = whole(&plan.env.config)?;
    let part = |named: Map<String, Value>| -> Result<Part, DatasetError> {
        let mut settings = plan.env.config.clone();
        settings.extend(named);
        let env = build(&settings)?;
        let all = whole(&settings)?;
        let named = names.iter().filter_map(|&name| Some((name.to_owned(), all.get(name)?.clone())));
        Ok(Part {
            workload: DatasetWorkload::new(entry.id, named.collect(), &entry.defaults(), env.context()),
            env,
        })
    };
    if plan.workloads.is_empty() {
        return Ok(vec![part(Map::new())?]);
    }
    let mut parts: Vec<Part> = Vec::new();
    for text in &plan.workloads {
        let made = part(workload(entry.id, names, &resolved, text)?)?;
        if parts.iter().any(|other| other.workload.name == made.workload.name) {
            return Err(DatasetError::WorkloadTwice { workload: made.workload.name });
        }
        parts.push(made);
    }
    Ok(parts)
}

/// The workload settings that `text` stands for: a value of the first, and `setting=value` for others.
fn workload(
    env: &str,
    names: &[&str],
    resolved: &Map<String, Value>,
    text: &str,
) -> Result<Map<String, Value>, DatasetError> {
    let refuse = || {
        let settings = names.iter().map(|&name| name.to_owned()).collect();
        DatasetError::NotAWorkload { env: env.to_owned(), got: text.to_owned(), settings }
    };
    let mut words = text.split(' ');
    let (Some(&first), Some(value)) = (names.first(), words.next()) else { return Err(refuse()) };
    let mut settings = Map::new();
    settings.insert(first.to_owned(), setting_value(value, resolved.get(first)));
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(refuse)?;
        if !names.contains(&name) {
            return Err(refuse());
        }
        settings.insert(name.to_owned(), setting_value(value, resolved.get(name)));
    }
    Ok(settings)
}

/// What `text` says, of the kind that the setting has now: a list's entries stand apart by `+`.
fn setting_value(text: &str, now: Option<&Value>) -> Value {
    let plain = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    match now {
        Some(Value::Array(_)) => text.split('+').map(plain).collect(),
        Some(Value::String(_)) => Value::String(text.to_owned()),
        _ => plain(text),
    }
}

/// What all rows share.
fn about(entry: &EnvEntry, plan: &DatasetPlan, parts: &[Part]) -> Result<About, DatasetError> {
    let first = &parts.first().expect("invariant: a plan has at least one workload").env;
    for part in parts {
        let (got, expected) = (part.env.space(), first.space());
        let difference = kinship::space_difference(
            (got.parameters(), &kinship::mark(got)),
            (expected.parameters(), &kinship::mark(expected)),
        );
        if let Some(Difference { what, got, expected }) = difference {
            let workload = part.workload.name.clone();
            return Err(DatasetError::WorkloadDiffers { workload, what, got, expected });
        }
    }
    let refuse = |source| DatasetError::Config { env: entry.id.to_owned(), source };
    let mut config = match entry.resolve(&Value::Object(plan.env.config.clone())).map_err(refuse)? {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    for name in first.workload_settings() {
        config.shift_remove(*name);
    }
    drop_nulls(&mut config);
    Ok(About {
        space: first.space().clone(),
        env: EnvSpec { version: Some(entry.version), config, ..plan.env.clone() },
        is_noisy: first.is_noisy(),
        metrics: first.metrics().to_vec(),
        workloads: parts.iter().map(|part| part.workload.clone()).collect(),
        sources: vec![DatasetSource {
            name: format!("{} designs for each workload", plan.designs),
            agent: DRAWN_BY.to_owned(),
            seed: plan.seed,
        }],
    })
}

/// Writes the plan down, or fails if the folder holds another.
fn keep_plan(path: &Path, plan: &DatasetPlan, entry: &EnvEntry) -> Result<(), DatasetError> {
    let mut plan = plan.clone();
    plan.env.version = Some(entry.version);
    drop_nulls(&mut plan.env.config);
    let text = toml::to_string(&plan)
        .map_err(|error| DatasetError::Plan { path: path.to_owned(), reason: error.to_string() })?;
    match tapeout_input::read_text(path) {
        Ok(there) if there == text => Ok(()),
        Ok(_) => Err(DatasetError::OtherPlan { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => put_whole(path, text.as_bytes())
            .map_err(|source| DatasetError::File { path: path.to_owned(), action: "write", source }),
        Err(source) => Err(DatasetError::File { path: path.to_owned(), action: "read", source }),
    }
}

/// The plan, for nobody else as long as the file is open.
fn locked(path: &Path) -> Result<File, DatasetError> {
    let failed = |source| DatasetError::File { path: path.to_owned(), action: "lock", source };
    let file = File::open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DatasetError::Busy { path: path.to_owned() }),
        // A file system without locks is no reason not to begin.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Designs, drawn uniformly without repetition.
struct Draw<'a> {
    space: &'a DesignSpace,
    rng: Stream,
    wanted: usize,
    drawn: BTreeSet<u128>,
}

impl<'a> Draw<'a> {
    fn new(space: &'a DesignSpace, plan: &DatasetPlan, workload: &DatasetWorkload) -> Self {
        let rng = plan.seed.stream(&format!("designs for {}", workload.name));
        let wanted = usize::try_from(space.cardinality()).map_or(plan.designs, |n| n.min(plan.designs));
        Self { space, rng, wanted, drawn: BTreeSet::new() }
    }

    /// So many more, or as many as are wanted; none when there are as many.
    fn next_batch(&mut self, length: usize) -> Vec<Design> {
        let mut batch = Vec::new();
        while batch.len() < length && self.drawn.len() < self.wanted {
            let design = self.space.sample(&mut self.rng);
            if self.drawn.insert(self.space.rank(&design)) {
                batch.push(design);
            }
        }
        batch
    }
}

/// What becomes of each of `designs`, in their order; of the first alone if so many in a row fail that the rest need not be asked about.
///
/// `failed_in_a_row`: how many designs before them did, without one between that did not.
fn evaluate(
    evaluator: &Evaluator<'_>,
    designs: Vec<Design>,
    mut failed_in_a_row: usize,
) -> Result<Vec<(Design, Outcome)>, DatasetError> {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; designs.len()];
    let is_hopeless = AtomicBool::new(false);
    // How many are done up to the first that is not: pieces come in whatever order.
    let mut n_seen = 0;
    evaluator.evaluate(&designs, &|| is_hopeless.load(Ordering::Relaxed), &mut |first, done| {
        for (place, (outcome, _)) in outcomes[first..].iter_mut().zip(done) {
            *place = Some(outcome);
        }
        for outcome in outcomes[n_seen..].iter().map_while(Option::as_ref) {
            n_seen += 1;
            failed_in_a_row = if outcome.is_failed() { failed_in_a_row + 1 } else { 0 };
            if failed_in_a_row >= FAILURES_IN_A_ROW {
                is_hopeless.store(true, Ordering::Relaxed);
                break;
            }
        }
        Ok::<(), DatasetError>(())
    })?;
    Ok(designs.into_iter().zip(outcomes.into_iter().map_while(|outcome| outcome)).collect())
}

/// Puts the workloads together.
fn merge(folder: &Path, about: &About) -> Result<(), DatasetError> {
    let mut table = TableWriter::create(folder, TableFormat::Parquet, about)?;
    for index in 0..about.workloads.len() {
        each_group(&part_path(folder, index), TableFormat::Parquet, about, |rows| {
            rows.into_iter().try_for_each(|row| table.add(row))
        })?;
    }
    let (entry, counts) = table.finish()?;
    write_manifest(folder, about, &counts, entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: two do not make one data set at once, and who comes later begins when the first has ended.
    #[test]
    fn a_data_set_that_is_being_made_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("plan.toml");
        fs::write(&plan, "").unwrap();
        let first = locked(&plan).unwrap();
        assert!(matches!(locked(&plan), Err(DatasetError::Busy { .. })));
        drop(first);
        assert!(locked(&plan).is_ok());
    }
}
