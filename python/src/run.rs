//! Runs: searched here, held by somebody else's loop, or read from their folders.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Map, Value};
use tapeout::core::{Design, EvalError, Judgement, Outcome, Seed};
use tapeout::experiment::log::MemoryLog;
use tapeout::experiment::plot::{DrawnRun, Spacing};
use tapeout::experiment::{
    AgentSpec, AskTell, Asked, Budget, EnvSpec, Executor, Experiment, RunError, RunOptions, Spec, StopReason,
    folder, search,
};

use crate::env::{Env, catalog, goal};
use crate::fault::{failed, refused, run_failed};
use crate::outcomes::{Builder, Columns, outcomes};
use crate::space::{Space, matrix};
use crate::waiting::{QUICK_US, impatient, patient, quick};

/// Losses `[n][m]`, NaN where infeasible; classes `[n]`: 0 acceptable, 1 outside a constraint, 2 infeasible; by how much, `[n]`.
pub(crate) type Judged<'py> =
    (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<f64>>);

/// Judgements as columns.
pub(crate) fn judged(
    py: Python<'_>,
    n_objectives: usize,
    judgements: impl Iterator<Item = Judgement>,
) -> PyResult<Judged<'_>> {
    let (mut losses, mut classes, mut shortfalls) = (Vec::new(), Vec::new(), Vec::new());
    for judgement in judgements {
        match judgement.losses() {
            Some(known) => losses.extend_from_slice(known),
            None => losses.extend(std::iter::repeat_n(f64::NAN, n_objectives)),
        }
        let (class, shortfall) = judgement.shortfall();
        classes.push(class);
        shortfalls.push(shortfall);
    }
    Ok((matrix(py, losses, n_objectives)?, classes.into_pyarray(py), shortfalls.into_pyarray(py)))
}

/// What is searched, by whom, and for how long.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Plan {
    agent: String,
    trials: NonZeroUsize,
    seed: u64,
    batch: NonZeroUsize,
    objectives: Option<Vec<String>>,
    constraints: Option<Vec<String>>,
}

/// A run, finished or not.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Run {
    run: tapeout::experiment::Run,
    stop: Option<StopReason>,
    folder: Option<PathBuf>,
}

fn experiment(env: &Env, plan: Plan, config: &Bound<'_, PyAny>) -> PyResult<Experiment> {
    let config: Map<String, Value> = pythonize::depythonize(config)?;
    let goal = goal(&env.0.goal, plan.objectives, plan.constraints)?;
    let mut spec = Spec::new(&env.0.spec.id, &plan.agent, Budget::trials(plan.trials));
    spec.seed = Seed::new(plan.seed);
    spec.batch = plan.batch;
    spec.env = env.0.spec.clone();
    spec.agent = AgentSpec { config, ..AgentSpec::named(&plan.agent) };
    Experiment::with_env(catalog(), spec, Arc::clone(&env.0.env), goal).map_err(|error| refused(&error))
}

/// Whether somebody has interrupted the work at hand.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Interrupt(Arc<AtomicBool>);

#[pymethods]
impl Interrupt {
    /// Whether it is to end.
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a function in Python answers: it is given levels `[n][d]` and the [`Interrupt`], and returns columns as those of [`Session::tell`].
struct PythonExecutor {
    ask: Py<PyAny>,
    interrupt: Arc<AtomicBool>,
}

impl PythonExecutor {
    fn new(ask: Option<Py<PyAny>>, interrupt: &Arc<AtomicBool>) -> Option<Self> {
        Some(Self { ask: ask?, interrupt: Arc::clone(interrupt) })
    }
}

/// How to run, heard when somebody interrupts.
fn options<'a>(
    threads: NonZeroUsize,
    interrupt: &'a AtomicBool,
    asked: Option<&'a PythonExecutor>,
) -> RunOptions<'a> {
    let executor = asked.map(|asked| asked as &dyn Executor);
    RunOptions { threads, interrupt: Some(interrupt), executor }
}

/// Metrics, numbers of rules, the rules, violations, and the causes of failures by place.
type Told<'py> = (
    PyReadonlyArray2<'py, f64>,
    PyReadonlyArray1<'py, i32>,
    Vec<String>,
    PyReadonlyArray1<'py, f64>,
    Vec<(usize, String)>,
);

impl Executor for PythonExecutor {
    fn evaluate(&self, designs: &[Design]) -> Result<Vec<Outcome>, EvalError> {
        let answer = |py: Python<'_>| -> PyResult<Vec<Outcome>> {
            let levels = designs.iter().flat_map(Design::levels).copied().collect();
            let width = designs.first().map_or(1, |design| design.levels().len());
            let interrupt = Interrupt(Arc::clone(&self.interrupt));
            let said = self.ask.call1(py, (matrix(py, levels, width)?, interrupt))?;
            let (metrics, rule, rules, violation, causes) = said.extract::<Told<'_>>(py)?;
            outcomes(&metrics, &rule, &rules, &violation, causes)
        };
        Python::attach(answer).map_err(|raised| EvalError::caused_by("the evaluator has no answer", raised))
    }
}

/// Searches `env` and logs it in `out`, or in memory alone; `ask` is asked about designs in place of the environment, if it is given.
#[pyfunction]
#[pyo3(signature = (env, plan, config, out, threads, ask))]
pub(crate) fn run(
    py: Python<'_>,
    env: &Env,
    plan: Plan,
    config: &Bound<'_, PyAny>,
    out: Option<PathBuf>,
    threads: NonZeroUsize,
    ask: Option<Py<PyAny>>,
) -> PyResult<Run> {
    let experiment = experiment(env, plan, config)?;
    let finished = match &out {
        Some(out) => patient(py, |interrupt| {
            let asked = PythonExecutor::new(ask, interrupt);
            folder::run(&experiment, out, &options(threads, interrupt, asked.as_ref()), &mut ())
        })?,
        // Who is interrupted has nothing of a log in memory.
        None => impatient(py, move |interrupt| {
            let asked = PythonExecutor::new(ask, interrupt);
            let options = options(threads, interrupt, asked.as_ref());
            search(&experiment, &mut MemoryLog::default(), &options, &mut ())
        })?,
    };
    let finished = finished.map_err(|error| run_failed(&error))?;
    Ok(Run { run: finished.run, stop: Some(finished.summary.stop), folder: out })
}

/// Reads the run in `path`.
#[pyfunction]
pub(crate) fn load(py: Python<'_>, path: PathBuf) -> PyResult<Run> {
    let folder = path.clone();
    let run = impatient(py, move |_| tapeout::experiment::Run::open(catalog(), &path))?;
    Ok(Run { run: run.map_err(|error| run_failed(&error))?, stop: None, folder: Some(folder) })
}

/// Goes on with the run in `path`, for so many trials in all if they are given; `evaluator` is an environment, and who is asked about designs
/// in its place.
#[pyfunction]
#[pyo3(signature = (path, trials, threads, evaluator))]
pub(crate) fn resume(
    py: Python<'_>,
    path: PathBuf,
    trials: Option<NonZeroUsize>,
    threads: NonZeroUsize,
    evaluator: Option<(Py<Env>, Py<PyAny>)>,
) -> PyResult<Run> {
    let ask = match evaluator {
        None => None,
        Some((env, ask)) => {
            let there = patient(py, |_| folder::experiment(catalog(), &path))?;
            let there = there.map_err(|error| run_failed(&error))?;
            let (ours, theirs) = (&env.get().0.spec, &there.spec().env);
            if ours != theirs {
                let said = |spec: &EnvSpec| serde_json::to_string(spec).unwrap_or_default();
                let message =
                    format!("evaluator: it is one of {}, the run is of {}", said(ours), said(theirs));
                return Err(PyValueError::new_err(message));
            }
            Some(ask)
        }
    };
    let finished = patient(py, |interrupt| {
        let asked = PythonExecutor::new(ask, interrupt);
        let options = options(threads, interrupt, asked.as_ref());
        folder::resume(catalog(), &path, trials.map(Budget::trials), &options, &mut ())
    })?;
    let finished = finished.map_err(|error| run_failed(&error))?;
    Ok(Run { run: finished.run, stop: Some(finished.summary.stop), folder: Some(path) })
}

#[pymethods]
impl Run {
    fn env_id(&self) -> &str {
        &self.run.experiment().spec().env.id
    }

    /// The whole spec, every default filled in, as TOML.
    fn spec(&self) -> PyResult<String> {
        self.run.experiment().spec().to_toml().map_err(|error| failed(&error))
    }

    fn space(&self) -> Space {
        Space(self.run.experiment().problem().space().clone())
    }

    /// Name, unit and summary of each metric.
    fn metrics(&self) -> Vec<(String, String, String)> {
        let metrics = self.run.experiment().problem().metrics().iter();
        metrics.map(|it| (it.name.clone(), it.unit.clone(), it.summary.clone())).collect()
    }

    fn goal(&self) -> (Vec<String>, Vec<String>) {
        let problem = self.run.experiment().problem();
        let objectives = problem.objectives().iter().map(ToString::to_string).collect();
        (objectives, problem.constraints().iter().map(ToString::to_string).collect())
    }

    /// Why it ended, if it did in this process.
    fn stop(&self) -> Option<String> {
        self.stop.map(|stop| stop.to_string())
    }

    fn folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    fn n_trials(&self) -> usize {
        self.run.trials().len()
    }

    fn trials<'py>(&self, py: Python<'py>) -> PyResult<Columns<'py>> {
        let problem = self.run.experiment().problem();
        let trials = self.run.trials();
        let mut table = Builder::new(trials.len(), problem.metrics().len());
        trials.iter().for_each(|trial| table.add(trial.design.levels(), &trial.outcome));
        table.columns(py, problem.space().n_parameters())
    }

    fn judged<'py>(&self, py: Python<'py>) -> PyResult<Judged<'py>> {
        let n_objectives = self.run.experiment().problem().n_objectives();
        judged(py, n_objectives, self.run.trials().iter().map(|trial| trial.judgement))
    }

    /// The places of the trials on the front.
    fn front(&self) -> Vec<usize> {
        self.run.front()
    }

    /// The place of the best trial by an objective, the first of which is 0; none if nothing is acceptable.
    fn best(&self, objective: usize) -> PyResult<Option<usize>> {
        let n_objectives = self.run.experiment().problem().n_objectives();
        if objective >= n_objectives {
            let message = format!("objective: got {objective}, expected a number below {n_objectives}");
            return Err(PyValueError::new_err(message));
        }
        Ok(self.run.best(objective))
    }

    /// What suits it as a picture: its front, or its progress if there is one objective; as SVG.
    fn plot(&self) -> PyResult<String> {
        let drawn = DrawnRun { name: self.env_id(), run: &self.run };
        let svg = drawn.picture([Spacing::Auto; 2]).and_then(|picture| picture.plot.svg());
        svg.map_err(|error| refused(&error))
    }
}

/// An agent whose loop is somebody else's.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Session {
    held: Arc<Held>,
    experiment: Experiment,
    folder: Option<PathBuf>,
}

/// The run that is held.
struct Held {
    run: Mutex<AskTell>,
    /// Wall time that the last call took, in microseconds.
    last_us: AtomicU64,
}

impl Held {
    /// What `work` makes of the run.
    fn timed<T>(&self, work: impl FnOnce(&mut AskTell) -> Result<T, RunError>) -> Result<T, RunError> {
        let run = &mut *self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let began_s = run.elapsed_s();
        let done = work(run);
        self.last_us.store((1e6 * (run.elapsed_s() - began_s)) as u64, Ordering::Relaxed);
        done
    }

    /// Whether it was so quick the last time that nobody need listen for signals meanwhile.
    fn is_quick(&self) -> bool {
        self.last_us.load(Ordering::Relaxed) < QUICK_US
    }
}

impl Session {
    /// What `look` sees of the run: at once, or when a question that was left has come to its end.
    fn seen<T: Send + 'static>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&AskTell) -> T + Send + 'static,
    ) -> PyResult<T> {
        if let Ok(run) = self.held.run.try_lock() {
            return Ok(look(&run));
        }
        let held = Arc::clone(&self.held);
        impatient(py, move |_| {
            let run = held.run.lock().unwrap_or_else(PoisonError::into_inner);
            look(&run)
        })
    }
}

#[pymethods]
impl Session {
    #[new]
    fn new(
        py: Python<'_>,
        env: &Env,
        plan: Plan,
        config: &Bound<'_, PyAny>,
        out: Option<PathBuf>,
    ) -> PyResult<Self> {
        let experiment = experiment(env, plan, config)?;
        let held = patient(py, |_| match &out {
            Some(out) => AskTell::open(&experiment, out),
            None => AskTell::in_memory(&experiment),
        })?;
        let run = Mutex::new(held.map_err(|error| run_failed(&error))?);
        let held = Arc::new(Held { run, last_us: AtomicU64::new(u64::MAX) });
        Ok(Self { held, experiment, folder: out })
    }

    /// Levels of the designs that the agent wants to know of, shape `[n][d]`, or why it wants none.
    fn ask<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyArray2<u32>>, Option<String>)> {
        let width = self.experiment.problem().space().n_parameters();
        // Who is interrupted asks again, and is answered when the agent has come to its proposals.
        let held = Arc::clone(&self.held);
        let work = move || held.timed(|run| run.ask());
        let asked = if self.held.is_quick() { quick(py, work)? } else { impatient(py, move |_| work())? };
        let (levels, stop) = match asked.map_err(|error| run_failed(&error))? {
            Asked::Designs(designs) => (designs.iter().flat_map(Design::levels).copied().collect(), None),
            Asked::Over(stop) => (Vec::new(), Some(stop.to_string())),
        };
        Ok((matrix(py, levels, width)?, stop))
    }

    /// Tells of the first few of the designs that were asked about: metrics `[n][k]`, numbers of rules `[n]`, the rules, violations `[n]`,
    /// and where evaluations failed, why.
    fn tell(
        &self,
        py: Python<'_>,
        metrics: PyReadonlyArray2<'_, f64>,
        rule: PyReadonlyArray1<'_, i32>,
        rules: Vec<String>,
        violation: PyReadonlyArray1<'_, f64>,
        causes: Vec<(usize, String)>,
    ) -> PyResult<()> {
        let outcomes = outcomes(&metrics, &rule, &rules, &violation, causes)?;
        let work = || self.held.timed(|run| run.tell(outcomes));
        let told = if self.held.is_quick() { quick(py, work)? } else { patient(py, |_| work())? };
        told.map_err(|error| run_failed(&error))
    }

    fn n_trials(&self, py: Python<'_>) -> PyResult<usize> {
        self.seen(py, |run| run.n_trials())
    }

    /// The run so far.
    fn run(&self, py: Python<'_>) -> PyResult<Run> {
        let run = self.seen(py, |run| run.run())?;
        Ok(Run { run, stop: None, folder: self.folder.clone() })
    }
}
