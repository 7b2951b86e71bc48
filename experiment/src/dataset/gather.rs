//! A data set of run folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use tapeout_core::env::Env;
use tapeout_core::{Catalog, Design, DesignSpace, EnvEntry, Goal, Metric, Problem};

use super::error::DatasetError;
use super::kinship::{self, Difference};
use super::table::{About, Dataset, DatasetSource, DatasetWorkload, Row};
use crate::experiment::Experiment;
use crate::log::{Header, LogReader, LoggedWorkload, Record};
use crate::run_files::log_path;
use crate::spec::{EnvSpec, drop_nulls};

impl Dataset {
    /// The trials of all `runs`: every log is read by what its header says, finished or not, whatever its agent, goal and
    /// version of the environment. The workloads stand in the order in which they are first met, and the rows workload
    /// by workload, run by run, trial by trial.
    ///
    /// A design that was evaluated twice on one workload is kept once, or every time if the environment is noisy.
    /// `catalog`: makes spaces that rules tie, and says what logs of before workloads were logged leave out.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no log, one cannot be read, logs differ in environment, version, shared settings, contents of a file
    /// that settings name, space, metrics or context, or contradict each other.
    pub fn of_runs(catalog: &Catalog, runs: &[PathBuf]) -> Result<Self, DatasetError> {
        let Some((first, others)) = runs.split_first() else { return Err(DatasetError::NoRuns) };
        let first = Log::open(catalog, first, None)?;
        let mut gathered = Gathered::new(&first);
        let space = first.space.clone();
        let head = first.head();
        gathered.add(first)?;
        for run in others {
            let log = Log::open(catalog, run, Some(&space))?;
            if let Some(difference) = log.difference(&head) {
                return Err(DatasetError::differs(log.path, head.path, difference));
            }
            gathered.add(log)?;
        }
        Ok(gathered.finish())
    }
}

/// A log, opened.
struct Log {
    run: PathBuf,
    path: PathBuf,
    header: Header,
    /// The settings that do not name the workload.
    env: EnvSpec,
    is_noisy: bool,
    workload: DatasetWorkload,
    space: DesignSpace,
    metrics: Vec<Metric>,
    records: LogReader,
}

/// What all logs of a data set share, as the first has it.
struct Head {
    path: PathBuf,
    header: Header,
    env: EnvSpec,
    workload: DatasetWorkload,
}

impl Log {
    /// `known`: a space that is likely to be the log's.
    fn open(catalog: &Catalog, run: &Path, known: Option<&DesignSpace>) -> Result<Self, DatasetError> {
        let path = log_path(run);
        if !path.is_file() {
            return Err(DatasetError::NoRun { path: run.to_owned() });
        }
        let header = LogReader::header(&path)?;
        let unusable = |reason| DatasetError::Space { path: path.clone(), reason };
        let space = match known {
            Some(space)
                if kinship::mark(space) == header.space && space.parameters() == header.parameters =>
            {
                space.clone()
            }
            _ => kinship::space_again(catalog, &header.env, &header.parameters, &header.space)
                .map_err(unusable)?,
        };
        let built = built(catalog, &header.env);
        let space = match &built {
            Some(env) if env.space() == &space => env.space().clone(),
            _ => space,
        };
        let metrics = metrics(&header, built.as_deref());
        let goal = Goal {
            objectives: header.search.objectives.clone(),
            constraints: header.search.constraints.clone(),
        };
        let problem = Problem::new(space.clone(), metrics.clone(), goal)
            .map_err(|error| unusable(error.to_string()))?;
        let logged =
            header.workload.clone().or_else(|| built.as_deref().map(LoggedWorkload::of)).unwrap_or_default();
        let mut env = header.env.clone();
        // A setting that is null is one that is absent, and the manifest cannot hold it.
        drop_nulls(&mut env.config);
        let defaults = catalog.env(&env.id).map(EnvEntry::defaults).unwrap_or_default();
        let named: Map<String, Value> = (logged.settings.iter())
            .filter_map(|name| Some((name.clone(), env.config.shift_remove(name)?)))
            .collect();
        let workload = DatasetWorkload::new(&env.id, named, &defaults, logged.context);
        let (_, records) = LogReader::open(&path, &problem)?;
        let (run, is_noisy) = (run.to_owned(), logged.is_noisy);
        Ok(Self { run, path, header, env, is_noisy, workload, space, metrics, records })
    }

    fn head(&self) -> Head {
        Head {
            path: self.path.clone(),
            header: self.header.clone(),
            env: self.env.clone(),
            workload: self.workload.clone(),
        }
    }

    /// What keeps this log out of the table that begins with `head`.
    fn difference(&self, head: &Head) -> Option<Difference> {
        let space = |header: &Header| (header.parameters.clone(), header.space.clone());
        let ((got, got_mark), (expected, expected_mark)) = (space(&self.header), space(&head.header));
        let metrics = |header: &Header| -> Vec<(String, String)> {
            header.metrics.iter().map(|metric| (metric.name.clone(), metric.unit.clone())).collect()
        };
        let (got_metrics, expected_metrics) = (metrics(&self.header), metrics(&head.header));
        kinship::env_difference(&self.env, &head.env)
            .or_else(|| kinship::space_difference((&got, &got_mark), (&expected, &expected_mark)))
            .or_else(|| kinship::names_difference("metrics", texts(&got_metrics), texts(&expected_metrics)))
            .or_else(|| {
                let (got, expected) = (&self.workload.context, &head.workload.context);
                kinship::names_difference(
                    "features of the workload's context",
                    kinship::feature_names(got),
                    kinship::feature_names(expected),
                )
            })
    }
}

fn texts(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, unit)| (name.as_str(), unit.as_str()))
}

/// The environment, if the catalog has it in this very version.
fn built(catalog: &Catalog, env: &EnvSpec) -> Option<Arc<dyn Env>> {
    catalog.env(&env.id).ok().filter(|entry| Some(entry.version) == env.version)?;
    Experiment::env_again(catalog, env).ok().map(|(env, _)| env)
}

/// The metrics in the log's header, with what the environment says of them.
fn metrics(header: &Header, built: Option<&dyn Env>) -> Vec<Metric> {
    let summary = |name: &str| {
        let known = built.into_iter().flat_map(|env| env.metrics()).find(|metric| metric.name == name);
        known.map_or_else(String::new, |metric| metric.summary.clone())
    };
    header
        .metrics
        .iter()
        .map(|metric| Metric::new(&metric.name, &metric.unit, &summary(&metric.name)))
        .collect()
}

/// A data set in the making.
struct Gathered {
    about: About,
    /// For each file that settings name its checksum, and the source that named it first.
    files: BTreeMap<String, (String, usize)>,
    /// For each workload its rows, and where in them each design is.
    tables: Vec<(Vec<Row>, BTreeMap<Design, usize>)>,
}

impl Gathered {
    fn new(first: &Log) -> Self {
        let about = About {
            space: first.space.clone(),
            env: first.env.clone(),
            is_noisy: first.is_noisy,
            metrics: first.metrics.clone(),
            workloads: Vec::new(),
            sources: Vec::new(),
        };
        Self { about, files: BTreeMap::new(), tables: Vec::new() }
    }

    fn add(&mut self, log: Log) -> Result<(), DatasetError> {
        self.add_files(&log)?;
        let workload = self.workload(&log)?;
        let source = self.about.sources.len();
        self.about.is_noisy |= log.is_noisy;
        self.about.sources.push(DatasetSource {
            name: log.run.display().to_string(),
            agent: log.header.search.agent.id.clone(),
            seed: log.header.search.seed,
        });
        for (trial, record) in log.records.enumerate() {
            let Record { design, outcome, .. } = record?;
            // Of a failure there is nothing to learn.
            if !outcome.is_failed() {
                self.add_row(Row { workload, design, outcome, source, trial })?;
            }
        }
        Ok(())
    }

    /// Notes the files that the log's settings name; one that was edited between two logs is two machines under one name.
    fn add_files(&mut self, log: &Log) -> Result<(), DatasetError> {
        let source = self.about.sources.len();
        for (file, got) in &log.env.files {
            let (expected, first) = self.files.entry(file.clone()).or_insert_with(|| (got.clone(), source));
            if got != expected {
                let first = log_path(Path::new(&self.about.sources[*first].name));
                let difference = Difference {
                    what: format!("checksum of `{file}`"),
                    got: got.clone(),
                    expected: expected.clone(),
                };
                return Err(DatasetError::differs(log.path.clone(), first, difference));
            }
        }
        Ok(())
    }

    /// The index of the log's workload, a new one if it is not there yet.
    fn workload(&mut self, log: &Log) -> Result<usize, DatasetError> {
        let workloads = &mut self.about.workloads;
        let Some(index) = workloads.iter().position(|known| known.settings == log.workload.settings) else {
            workloads.push(log.workload.clone());
            self.tables.push(Default::default());
            return Ok(self.tables.len() - 1);
        };
        let differs =
            |(got, expected): (&tapeout_core::env::ContextFeature, &tapeout_core::env::ContextFeature)| {
                (got.value.to_bits() != expected.value.to_bits()).then(|| Difference {
                    what: format!("context `{}` of workload `{}`", got.name, log.workload.name),
                    got: got.value.to_string(),
                    expected: expected.value.to_string(),
                })
            };
        match log.workload.context.iter().zip(&workloads[index].context).find_map(differs) {
            None => Ok(index),
            Some(difference) => {
                let first = self.tables[index].0.first().map_or(0, |row| row.source);
                let first = log_path(Path::new(&self.about.sources[first].name));
                Err(DatasetError::differs(log.path.clone(), first, difference))
            }
        }
    }

    fn add_row(&mut self, row: Row) -> Result<(), DatasetError> {
        let (rows, index_by_design) = &mut self.tables[row.workload];
        if self.about.is_noisy {
            rows.push(row);
            return Ok(());
        }
        let Some(&index) = index_by_design.get(&row.design) else {
            index_by_design.insert(row.design.clone(), rows.len());
            rows.push(row);
            return Ok(());
        };
        if rows[index].outcome == row.outcome {
            return Ok(());
        }
        let place = |row: &Row| (self.about.sources[row.source].name.clone(), row.trial);
        let values = self.about.space.values(&row.design);
        let design: Vec<String> =
            values.map(|(parameter, value)| format!("{} = {value}", parameter.name())).collect();
        Err(DatasetError::Contradiction {
            workload: self.about.workloads[row.workload].name.clone(),
            design: design.join(", "),
            first: place(&rows[index]),
            second: place(&row),
        })
    }

    fn finish(mut self) -> Dataset {
        self.about.env.files = self.files.into_iter().map(|(file, (sha256, _))| (file, sha256)).collect();
        Dataset { about: self.about, rows: self.tables.into_iter().flat_map(|(rows, _)| rows).collect() }
    }
}
