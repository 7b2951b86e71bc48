//! Data sets, and models fitted to them.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tapeout::core::{DesignSpace, ModelFile, Seed, Surrogate};
use tapeout::experiment::Experiment;
use tapeout::experiment::dataset::{Split, TableFormat};
use tapeout::experiment::put_whole;
use tapeout::offline::{OfflineError, Recipe};

use crate::env::{catalog, goal};
use crate::fault::{failed, refused};
use crate::outcomes::{Builder, Columns};
use crate::space::{Levels, Space, matrix};
use crate::waiting::patient;

/// What a model expects of `n` designs: metrics `[n][k]`; their standard deviations in the same shape, if it has them; the
/// probability that each is feasible, `[n]`.
type Expected<'py> =
    (Bound<'py, PyArray2<f64>>, Option<Bound<'py, PyArray2<f64>>>, Bound<'py, PyArray1<f64>>);

/// Designs and what became of them, for one workload or several.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Dataset(tapeout::experiment::dataset::Dataset);

#[pymethods]
impl Dataset {
    /// The data set in the folder `path`.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let read = patient(py, |_| tapeout::experiment::dataset::Dataset::read(catalog(), &path))?;
        Ok(Self(read.map_err(|error| refused(&error))?))
    }

    /// The trials of all runs in these folders.
    #[staticmethod]
    fn of_runs(py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<Self> {
        let read = patient(py, |_| tapeout::experiment::dataset::Dataset::of_runs(catalog(), &paths))?;
        Ok(Self(read.map_err(|error| refused(&error))?))
    }

    /// Writes it into the folder `path`.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.write(&path, TableFormat::Parquet)).map_err(|error| failed(&error))
    }

    fn env_id(&self) -> &str {
        &self.0.env().id
    }

    fn space(&self) -> Space {
        Space(self.0.space().clone())
    }

    /// Name, unit and summary of each metric.
    fn metrics(&self) -> Vec<(String, String, String)> {
        let metrics = self.0.metrics().iter();
        metrics.map(|it| (it.name.clone(), it.unit.clone(), it.summary.clone())).collect()
    }

    fn workloads(&self) -> Vec<&str> {
        self.0.workloads().iter().map(|workload| workload.name.as_str()).collect()
    }

    fn n_rows(&self) -> usize {
        self.0.rows().len()
    }

    /// The rows as columns, and the number of each row's workload, `[n]`.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<(Columns<'py>, Bound<'py, PyArray1<i32>>)> {
        let rows = self.0.rows();
        let mut table = Builder::new(rows.len(), self.0.metrics().len());
        rows.iter().for_each(|row| table.add(row.design.levels(), &row.outcome));
        let workloads: Vec<i32> = rows.iter().map(|row| row.workload as i32).collect();
        Ok((table.columns(py, self.0.space().n_parameters())?, workloads.into_pyarray(py)))
    }

    /// A model of all rows.
    fn fit(
        &self,
        py: Python<'_>,
        learner: String,
        config: &Bound<'_, PyAny>,
        objectives: Option<Vec<String>>,
        constraints: Option<Vec<String>>,
        seed: u64,
    ) -> PyResult<Model> {
        let env = self.0.env_of(0);
        let recipe = Recipe { learner, config: pythonize::depythonize(config)?, seed: Seed::new(seed) };
        let fitted = patient(py, |_| {
            let (_, own) = Experiment::env_again(catalog(), &env).map_err(|error| refused(&error))?;
            let problem = self.0.problem(goal(&own, objectives, constraints)?);
            let problem = problem.map_err(|error| refused(&error))?;
            let split = Split { train: (0..self.0.rows().len()).collect(), ..Split::default() };
            tapeout::offline::fit(catalog(), &self.0, &split, &problem, &recipe).map_err(
                |error| match error {
                    OfflineError::Fit(_) => failed(&error),
                    _ => refused(&error),
                },
            )
        })?;
        Model::of(fitted?, self.0.space().clone())
    }
}

/// A fitted model.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Model {
    file: ModelFile,
    surrogate: Box<dyn Surrogate>,
    space: DesignSpace,
}

impl Model {
    fn of(file: ModelFile, space: DesignSpace) -> PyResult<Self> {
        let surrogate = catalog().surrogate(&file, &space).map_err(|error| refused(&error))?;
        Ok(Self { file, surrogate, space })
    }
}

#[pymethods]
impl Model {
    /// The model in the file `path`.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let file = ModelFile::from_bytes(&std::fs::read(&path)?).map_err(|error| refused(&error))?;
        let settings = file.card.sources.first().map(|source| source.settings.clone()).unwrap_or_default();
        let built = patient(py, |_| catalog().build_env(&file.card.env, &settings))?;
        let space = built.map_err(|error| refused(&error))?.0.space().clone();
        Self::of(file, space)
    }

    /// Writes it to the file `path`.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        Ok(put_whole(&path, &self.file.to_bytes())?)
    }

    fn learner(&self) -> &str {
        &self.file.saved.learner
    }

    fn space(&self) -> Space {
        Space(self.space.clone())
    }

    /// Names of the metrics that it predicts.
    fn metrics(&self) -> Vec<&str> {
        self.file.card.metrics.iter().map(|metric| metric.name.as_str()).collect()
    }

    /// The workloads that it was fitted to.
    fn workloads(&self) -> Vec<&str> {
        self.file.card.sources.iter().map(|source| source.workload.name.as_str()).collect()
    }

    /// What it expects of designs, in the workload of this name or the first.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        levels: Levels<'_>,
        workload: Option<String>,
    ) -> PyResult<Expected<'py>> {
        let sources = &self.file.card.sources;
        let source = match &workload {
            None => sources.first(),
            Some(name) => sources.iter().find(|source| source.workload.name == *name),
        };
        let source = source.ok_or_else(|| {
            PyValueError::new_err(format!("no such workload; there are {}", self.workloads().join(", ")))
        })?;
        let designs = self.space().designs(&levels)?;
        let said = patient(py, |_| self.surrogate.predict(&source.workload.context, &designs))?;
        let width = self.file.card.metrics.len();
        let std = said.std.map(|rows| matrix(py, rows.concat(), width)).transpose()?;
        Ok((matrix(py, said.mean.concat(), width)?, std, said.p_feasible.into_pyarray(py)))
    }
}
