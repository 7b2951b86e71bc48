//! Environments, shared by all who ask for the same settings.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use numpy::PyArrayMethods as _;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Map, Value};
use tapeout::core::{Catalog, Design, Goal, Outcome, Problem};
use tapeout::experiment::{Budget, EnvSpec, Experiment, OnFailure, RunOptions, Spec, evaluate};
use tapeout::gymnasium::{DesignTask, EpisodeStyle};

use crate::fault::{failed, refused, run_failed};
use crate::outcomes::{Builder, Columns};
use crate::space::{Levels, Space};
use crate::waiting::{QUICK_US, impatient, patient, quick};

/// Environments that somebody has, by settings.
static BUILT: Mutex<BTreeMap<String, Weak<Place>>> = Mutex::new(BTreeMap::new());

static CATALOG: OnceLock<Catalog> = OnceLock::new();

/// All there is by name.
pub(crate) fn catalog() -> &'static Catalog {
    CATALOG.get().expect("invariant: it is made when the module is imported")
}

/// Makes the catalog, in which classes of Python run under this interpreter, and the program that measures is the console script.
pub(crate) fn make_catalog(py: Python<'_>) -> PyResult<()> {
    let interpreter: Option<String> = py.import("sys")?.getattr("executable")?.extract()?;
    CATALOG.get_or_init(|| match interpreter.filter(|path| !path.is_empty()) {
        // An interpreter that is embedded has no file.
        None => tapeout::builtin(),
        Some(path) => {
            let program = vec![path.clone(), "-m".to_owned(), "tapeout".to_owned()];
            tapeout::builtin().with_here("python", path.into()).with_here("worker", program.into())
        }
    });
    Ok(())
}

/// An environment that is built, and the spec that it was built from.
pub(crate) struct Place {
    pub(crate) spec: EnvSpec,
    pub(crate) env: Arc<dyn tapeout::core::Env>,
    pub(crate) goal: Goal,
    /// Wall time that the last design took, in microseconds.
    last_us: AtomicU64,
    /// The environment's own goal, rewarded relative to what is usual: found out once.
    usual: OnceLock<DesignTask>,
}

impl Place {
    /// The environment that the spec names, built now unless somebody has it.
    fn shared(py: Python<'_>, mut spec: Spec) -> PyResult<Arc<Self>> {
        Experiment::resolve_env(catalog(), &mut spec).map_err(|error| refused(&error))?;
        let key = serde_json::to_string(&spec.env).expect("a spec is plain data with text keys");
        let known = BUILT.lock().unwrap_or_else(PoisonError::into_inner).get(&key).and_then(Weak::upgrade);
        if let Some(known) = known {
            return Ok(known);
        }
        let built = impatient(py, move |_| {
            let (env, goal) = Experiment::build_env(catalog(), &mut spec)?;
            Ok((spec, env, goal))
        })?;
        let (spec, env, goal) = built.map_err(|error: tapeout::experiment::SpecError| refused(&error))?;
        let (last_us, usual) = (AtomicU64::new(u64::MAX), OnceLock::new());
        let place = Arc::new(Self { spec: spec.env, env, goal, last_us, usual });
        let mut kept = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, place| place.strong_count() > 0);
        kept.insert(key, Arc::downgrade(&place));
        Ok(place)
    }

    /// What the environment says of `designs`, with these.
    fn ask(
        self: &Arc<Self>,
        py: Python<'_>,
        designs: Vec<Design>,
        on_failure: OnFailure,
        threads: NonZeroUsize,
    ) -> PyResult<(Vec<Design>, Vec<Outcome>)> {
        let is_quick = designs.len() <= 1 && self.last_us.load(Ordering::Relaxed) < QUICK_US;
        // Who is not asked side by side is left when it is done with the design at hand.
        let is_left = self.env.is_parallel();
        let place = Arc::clone(self);
        let work = move |interrupt: Option<&AtomicBool>| {
            let options = RunOptions { threads, interrupt, ..RunOptions::default() };
            let answers = evaluate(place.env.as_ref(), &place.spec.id, &designs, on_failure, &options)?;
            let each_us = 1e6 * answers.wall_s / designs.len().max(1) as f64;
            place.last_us.store(each_us as u64, Ordering::Relaxed);
            Ok((designs, answers.outcomes))
        };
        let answered = match (is_quick, is_left) {
            (true, _) => quick(py, || work(None))?,
            (false, true) => impatient(py, |interrupt| work(Some(interrupt)))?,
            (false, false) => patient(py, |interrupt| work(Some(interrupt)))?,
        };
        answered.map_err(|error| run_failed(&error))
    }

    /// The task of the environment's own goal, rewarded relative to what is usual.
    pub(crate) fn usual_task(&self, py: Python<'_>) -> PyResult<DesignTask> {
        if let Some(task) = self.usual.get() {
            return Ok(task.clone());
        }
        let task = patient(py, |_| DesignTask::relative(Arc::clone(&self.env), self.goal.clone()))?;
        let task = task.map_err(|error| failed(&error))?;
        Ok(self.usual.get_or_init(|| task).clone())
    }
}

/// An environment: what designs there are, and what each is worth.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Env(pub(crate) Arc<Place>);

#[pymethods]
impl Env {
    /// The environment called `id` with these settings; what is absent keeps its default.
    #[new]
    fn new(py: Python<'_>, id: &str, config: &Bound<'_, PyAny>) -> PyResult<Self> {
        let config: Map<String, Value> = pythonize::depythonize(config)?;
        let mut spec = Spec::new(id, "random", Budget::trials(NonZeroUsize::MIN));
        spec.env.config = config;
        Ok(Self(Place::shared(py, spec)?))
    }

    /// Its name.
    fn id(&self) -> &str {
        &self.0.spec.id
    }

    /// Its version.
    fn version(&self) -> Option<u32> {
        self.0.spec.version
    }

    /// Every setting.
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize::pythonize(py, &self.0.spec.config)?)
    }

    fn space(&self) -> Space {
        Space(self.0.env.space().clone())
    }

    /// Name, unit and summary of each metric.
    fn metrics(&self) -> Vec<(String, String, String)> {
        let metrics = self.0.env.metrics().iter();
        metrics.map(|it| (it.name.clone(), it.unit.clone(), it.summary.clone())).collect()
    }

    /// What to optimise, and what is acceptable, when nobody says.
    fn goal(&self) -> (Vec<String>, Vec<String>) {
        let Goal { objectives, constraints } = &self.0.goal;
        (
            objectives.iter().map(ToString::to_string).collect(),
            constraints.iter().map(ToString::to_string).collect(),
        )
    }

    /// Whether asking twice may give two answers.
    fn is_noisy(&self) -> bool {
        self.0.env.is_noisy()
    }

    /// What is missing to ask it, if anything is.
    fn missing(&self) -> Option<String> {
        self.0.env.missing()
    }

    /// Evaluates designs: columns, with infeasible ones where levels are not legal and `on_illegal` is `mark`, and failed ones where the
    /// evaluator fails and `on_failure` is.
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        levels: Levels<'_>,
        on_illegal: &str,
        on_failure: &str,
        threads: NonZeroUsize,
    ) -> PyResult<Columns<'py>> {
        let on_failure = match on_failure {
            "raise" => OnFailure::Stop,
            "mark" => OnFailure::Keep,
            other => {
                let message = format!("on_failure: got `{other}`, expected `raise` or `mark`");
                return Err(PyValueError::new_err(message));
            }
        };
        let space = self.0.env.space();
        let (n, d) = (levels.as_array().nrows(), space.n_parameters());
        let rows = || levels.as_slice().map(|levels| levels.chunks_exact(d));
        let (designs, broken) = match on_illegal {
            "raise" => (self.space().designs(&levels)?, Vec::new()),
            "repair" => {
                (self.space().designs(&self.space().repair(py, levels.clone())?.readonly())?, Vec::new())
            }
            "mark" => {
                let broken = self.space().broken(levels.clone())?;
                let legal = rows()?.zip(&broken).filter(|(_, broken)| broken.is_none());
                (legal.filter_map(|(row, _)| space.design(row).ok()).collect(), broken)
            }
            other => {
                let message = format!("on_illegal: got `{other}`, expected `raise`, `mark` or `repair`");
                return Err(PyValueError::new_err(message));
            }
        };
        let (designs, outcomes) = self.0.ask(py, designs, on_failure, threads)?;
        let mut table = Builder::new(n, self.0.env.metrics().len());
        let mut answered = designs.iter().zip(&outcomes);
        let mut next = |table: &mut Builder| {
            if let Some((design, outcome)) = answered.next() {
                table.add(design.levels(), outcome);
            }
        };
        if broken.is_empty() {
            (0..n).for_each(|_| next(&mut table));
        } else {
            for (row, broken) in rows()?.zip(&broken) {
                match broken {
                    Some((rule, _, violation)) => table.add(row, &Outcome::infeasible(rule, *violation)),
                    None => next(&mut table),
                }
            }
        }
        table.columns(py, d)
    }
}

/// A goal from texts; what is not given is the environment's own.
pub(crate) fn goal(
    own: &Goal,
    objectives: Option<Vec<String>>,
    constraints: Option<Vec<String>>,
) -> PyResult<Goal> {
    let parsed = |error: tapeout::core::ProblemError| refused(&error);
    Ok(Goal {
        objectives: match objectives {
            None => own.objectives.clone(),
            Some(texts) => texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(parsed)?,
        },
        constraints: match constraints {
            None => own.constraints.clone(),
            Some(texts) => texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(parsed)?,
        },
    })
}

/// What is wanted of an environment.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Judge(Problem);

#[pymethods]
impl Judge {
    #[new]
    #[pyo3(signature = (env, objectives=None, constraints=None))]
    fn new(env: &Env, objectives: Option<Vec<String>>, constraints: Option<Vec<String>>) -> PyResult<Self> {
        let goal = goal(&env.0.goal, objectives, constraints)?;
        let problem = Problem::new(env.0.env.space().clone(), env.0.env.metrics().to_vec(), goal);
        Ok(Self(problem.map_err(|error| refused(&error))?))
    }

    /// Objectives and constraints as they are written in a spec.
    fn goal(&self) -> (Vec<String>, Vec<String>) {
        let texts =
            |objectives: &[tapeout::core::Objective]| objectives.iter().map(ToString::to_string).collect();
        (texts(self.0.objectives()), self.0.constraints().iter().map(ToString::to_string).collect())
    }

    /// What outcomes are worth: losses `[n][m]`, NaN where infeasible; the class of each, 0 acceptable, 1 outside a constraint, 2
    /// infeasible; and by how much.
    fn judge<'py>(
        &self,
        py: Python<'py>,
        metrics: numpy::PyReadonlyArray2<'_, f64>,
        rule: numpy::PyReadonlyArray1<'_, i32>,
        rules: Vec<String>,
        violation: numpy::PyReadonlyArray1<'_, f64>,
        causes: Vec<(usize, String)>,
    ) -> PyResult<crate::run::Judged<'py>> {
        let outcomes = crate::outcomes::outcomes(&metrics, &rule, &rules, &violation, causes)?;
        crate::run::judged(py, self.0.n_objectives(), outcomes.iter().map(|outcome| self.0.judge(outcome)))
    }
}

/// The episode style called `name`.
pub(crate) fn episode_style(name: &str) -> PyResult<EpisodeStyle> {
    match name {
        "design" => Ok(EpisodeStyle::WholeDesign),
        "parameter" => Ok(EpisodeStyle::ParameterByParameter),
        other => {
            Err(PyValueError::new_err(format!("episode: got `{other}`, expected `design` or `parameter`")))
        }
    }
}
