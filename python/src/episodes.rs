//! Environments as reinforcement learners see them, one or many at once.

use std::sync::{Mutex, PoisonError};

use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tapeout::gymnasium::spaces::{Mask, Space as ActionSpace, SpaceElement};
use tapeout::gymnasium::{
    AutoresetMode, DesignTask, Environment, EpisodeStyle, Failures, Info, ParameterByParameter, ResetOptions,
    RewardPolicy, Scalarization, VectorEnvironment, VectorError, WholeDesign,
};

use crate::env::{Env, episode_style, goal};
use crate::fault::{failed, refused};
use crate::waiting::{patient, quick};

type Member = Box<dyn Environment>;

/// What is rewarded, and how.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Task {
    task: DesignTask,
    style: EpisodeStyle,
    metrics: Vec<String>,
}

#[pymethods]
impl Task {
    /// `reward`: `relative` to what is usual, or `sum` of losses in SI units. `on_failure`: whether an evaluation that fails is to `raise`
    /// or to `end` the episode.
    #[new]
    fn new(
        py: Python<'_>,
        env: &Env,
        episode: &str,
        objectives: Option<Vec<String>>,
        constraints: Option<Vec<String>>,
        reward: &str,
        on_failure: &str,
    ) -> PyResult<Self> {
        let style = episode_style(episode)?;
        let is_own = objectives.is_none() && constraints.is_none();
        let goal = goal(&env.0.goal, objectives, constraints)?;
        let asked = std::sync::Arc::clone(&env.0.env);
        let task = match reward {
            "relative" if is_own => env.0.usual_task(py)?,
            "relative" => {
                patient(py, |_| DesignTask::relative(asked, goal))?.map_err(|error| refused(&error))?
            }
            "sum" => {
                DesignTask::new(asked, goal, RewardPolicy::weighted_sum()).map_err(|error| refused(&error))?
            }
            other => {
                let message = format!("reward: got `{other}`, expected `relative` or `sum`");
                return Err(PyValueError::new_err(message));
            }
        };
        let task = task.with_failures(match on_failure {
            "raise" => Failures::Raise,
            "end" => Failures::End,
            other => {
                let message = format!("on_failure: got `{other}`, expected `raise` or `end`");
                return Err(PyValueError::new_err(message));
            }
        });
        let metrics = env.0.env.metrics().iter().map(|metric| metric.name.clone()).collect();
        Ok(Self { task, style, metrics })
    }

    /// Numbers of actions: a single one, or one for each parameter.
    fn actions(&self) -> (Vec<u64>, bool) {
        match self.member().action_space() {
            ActionSpace::Discrete(space) => (vec![space.n()], true),
            ActionSpace::MultiDiscrete(space) => (space.nvec().to_vec(), false),
            other => unreachable!("invariant: a design is put together of levels, not of {other}"),
        }
    }

    /// How many numbers an observation has; each is in [0, 1].
    fn observation_len(&self) -> usize {
        tapeout::core::Episode::observation_len(self.task.problem().space())
    }

    /// The value of each objective that is usual, and the reward of a design that cannot be built or run.
    fn scale(&self) -> (Option<Vec<f64>>, f64) {
        let policy = self.task.reward();
        let usual = match &policy.scalarization {
            Scalarization::Octaves { usual } => Some(usual.clone()),
            _ => None,
        };
        (usual, policy.infeasible)
    }
}

impl Task {
    fn member(&self) -> Member {
        match self.style {
            EpisodeStyle::WholeDesign => Box::new(WholeDesign::new(self.task.clone())),
            EpisodeStyle::ParameterByParameter => Box::new(ParameterByParameter::new(self.task.clone())),
        }
    }
}

/// One environment: what is done in it, and what comes of it.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Episodes(Mutex<Member>);

/// Observation, reward, terminated, truncated, info.
type StepOf<'py> = (Bound<'py, PyArray1<f32>>, f64, bool, bool, Bound<'py, PyDict>);

#[pymethods]
impl Episodes {
    #[new]
    fn new(task: &Task) -> Self {
        Self(Mutex::new(task.member()))
    }

    fn reset<'py>(
        &self,
        py: Python<'py>,
        seed: Option<u64>,
        exploring_start: usize,
    ) -> PyResult<(Bound<'py, PyArray1<f32>>, Bound<'py, PyDict>)> {
        let options = ResetOptions { exploring_start };
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).reset(seed, &options);
        let (seen, info) = begun.map_err(|error| refused(&error))?;
        Ok((numbers(seen).into_pyarray(py), info_dict(py, &info)?))
    }

    /// `action`: one number, or one for each parameter.
    fn step<'py>(&self, py: Python<'py>, action: Vec<i64>, is_single: bool) -> PyResult<StepOf<'py>> {
        let action = element(&action, is_single);
        // A design of some milliseconds at most, unless a program of one's own is asked: that hears of Ctrl-C itself.
        let step = quick(py, || self.0.lock().unwrap_or_else(PoisonError::into_inner).step(&action))?;
        let step = step.map_err(|error| match error {
            tapeout::gymnasium::EnvironmentError::Evaluation(_) => failed(&error),
            _ => refused(&error),
        })?;
        let info = info_dict(py, &step.info)?;
        Ok((numbers(step.observation).into_pyarray(py), step.reward, step.terminated, step.truncated, info))
    }
}

/// Several environments that step together.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Vector {
    members: Mutex<VectorEnvironment<Member>>,
    metrics: Vec<String>,
    n_parameters: usize,
    n_actions: usize,
    is_single: bool,
}

/// Observations `[n][o]`, rewards `[n]`, terminations `[n]`, truncations `[n]`, infos.
type VectorStepOf<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyDict>,
);

#[pymethods]
impl Vector {
    #[new]
    fn new(task: &Task, n: usize, same_step: bool) -> PyResult<Self> {
        let autoreset = if same_step { AutoresetMode::SameStep } else { AutoresetMode::NextStep };
        let members = VectorEnvironment::new((0..n).map(|_| task.member()).collect(), autoreset);
        let (actions, is_single) = task.actions();
        Ok(Self {
            members: Mutex::new(members.map_err(|error| refused(&error))?),
            metrics: task.metrics.clone(),
            n_parameters: task.task.problem().space().n_parameters(),
            n_actions: actions.iter().map(|&n| n as usize).sum(),
            is_single,
        })
    }

    fn reset<'py>(
        &self,
        py: Python<'py>,
        seed: Option<u64>,
        exploring_start: usize,
    ) -> PyResult<(Bound<'py, PyArray2<f32>>, Bound<'py, PyDict>)> {
        let options = ResetOptions { exploring_start };
        let begun = patient(py, |_| {
            self.members.lock().unwrap_or_else(PoisonError::into_inner).reset(seed, &options)
        })?;
        let (seen, infos) = begun.map_err(|error| refused(&error))?;
        Ok((self.observations(py, seen)?, self.infos(py, &infos)?))
    }

    /// `actions`: shape `[n][1]` or `[n][d]`.
    fn step<'py>(&self, py: Python<'py>, actions: PyReadonlyArray2<'_, i64>) -> PyResult<VectorStepOf<'py>> {
        let rows = actions.as_array();
        let rows = rows.rows().into_iter().map(|row| element(&row.to_vec(), self.is_single));
        let actions: Vec<SpaceElement> = rows.collect();
        let stepped =
            patient(py, |_| self.members.lock().unwrap_or_else(PoisonError::into_inner).step(&actions))?;
        let step = stepped.map_err(|error| match &error {
            VectorError::Member { source: tapeout::gymnasium::EnvironmentError::Evaluation(_), .. } => {
                failed(&error)
            }
            _ => refused(&error),
        })?;
        let infos = self.infos(py, &step.infos)?;
        Ok((
            self.observations(py, step.observations)?,
            step.rewards.into_pyarray(py),
            step.terminations.into_pyarray(py),
            step.truncations.into_pyarray(py),
            infos,
        ))
    }
}

impl Vector {
    fn observations<'py>(
        &self,
        py: Python<'py>,
        seen: Vec<SpaceElement>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let width =
            seen.first().map_or(1, |seen| if let SpaceElement::Box(row) = seen { row.len() } else { 1 });
        let mut all = Vec::with_capacity(seen.len() * width);
        seen.into_iter().for_each(|seen| all.extend(numbers(seen)));
        crate::space::matrix(py, all, width)
    }

    /// Infos as Gymnasium's vectors have them: a column for each key, and under `_key` which members have it.
    fn infos<'py>(&self, py: Python<'py>, infos: &[Info]) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        self.add(py, &all, infos)?;
        let ended: Vec<Option<&(SpaceElement, Info)>> =
            infos.iter().map(|info| info.last.as_deref()).collect();
        if ended.iter().any(Option::is_some) {
            let last = PyDict::new(py);
            let none = Info::default();
            let infos: Vec<&Info> = ended.iter().map(|ended| ended.map_or(&none, |(_, info)| info)).collect();
            self.add(py, &last, &infos)?;
            let seen: Vec<Option<Bound<'py, PyArray1<f32>>>> = ended
                .iter()
                .map(|ended| ended.map(|(seen, _)| numbers(seen.clone()).into_pyarray(py)))
                .collect();
            all.set_item("final_obs", seen)?;
            all.set_item("final_info", last)?;
            let has: Vec<bool> = ended.iter().map(Option::is_some).collect();
            all.set_item("_final_obs", has.clone().into_pyarray(py))?;
            all.set_item("_final_info", has.into_pyarray(py))?;
        }
        Ok(all)
    }

    fn add<'py, I: std::borrow::Borrow<Info>>(
        &self,
        py: Python<'py>,
        all: &Bound<'py, PyDict>,
        infos: &[I],
    ) -> PyResult<()> {
        let n = infos.len();
        let infos = || infos.iter().map(|info| -> &Info { info.borrow() });
        if infos().any(|info| info.action_mask.is_some()) {
            // A member that has ended has no mask, and no action to choose: all are as good.
            let mut masks = Array2::<i8>::ones((n, self.n_actions));
            for (mut row, info) in masks.rows_mut().into_iter().zip(infos()) {
                if let Some(Mask::Discrete(mask)) = &info.action_mask {
                    row.iter_mut().zip(mask).for_each(|(cell, &allowed)| *cell = i8::from(allowed));
                }
            }
            all.set_item("action_mask", masks.into_pyarray(py))?;
            let has: Vec<bool> = infos().map(|info| info.action_mask.is_some()).collect();
            all.set_item("_action_mask", has.into_pyarray(py))?;
        }
        if infos().any(|info| info.design.is_some()) {
            let mut levels = Vec::with_capacity(n * self.n_parameters);
            for info in infos() {
                match &info.design {
                    Some(design) => levels.extend_from_slice(design.levels()),
                    None => levels.resize(levels.len() + self.n_parameters, 0),
                }
            }
            all.set_item("levels", crate::space::matrix(py, levels, self.n_parameters)?)?;
            let has: Vec<bool> = infos().map(|info| info.design.is_some()).collect();
            all.set_item("_levels", has.into_pyarray(py))?;
        }
        if infos().any(|info| !info.metrics.is_empty()) {
            let has: Vec<bool> = infos().map(|info| !info.metrics.is_empty()).collect();
            for name in &self.metrics {
                let column = infos().map(|info| info.metrics.get(name).copied().unwrap_or(f64::NAN));
                all.set_item(name, column.collect::<Vec<f64>>().into_pyarray(py))?;
                all.set_item(format!("_{name}"), has.clone().into_pyarray(py))?;
            }
            let beyond = infos().map(|info| info.constraint_violation.unwrap_or(f64::NAN));
            all.set_item("constraint_violation", beyond.collect::<Vec<f64>>().into_pyarray(py))?;
            all.set_item("_constraint_violation", has.into_pyarray(py))?;
        }
        if infos().any(|info| info.infeasible.is_some()) {
            let rules: Vec<Option<&str>> =
                infos().map(|info| info.infeasible.as_ref().map(|it| it.rule.as_str())).collect();
            let violations = infos().map(|info| info.infeasible.as_ref().map_or(0.0, |it| it.violation));
            let has: Vec<bool> = infos().map(|info| info.infeasible.is_some()).collect();
            all.set_item("infeasible", rules)?;
            all.set_item("_infeasible", has.clone().into_pyarray(py))?;
            all.set_item("violation", violations.collect::<Vec<f64>>().into_pyarray(py))?;
            all.set_item("_violation", has.into_pyarray(py))?;
        }
        if infos().any(|info| info.failed.is_some()) {
            let causes: Vec<Option<&str>> = infos().map(|info| info.failed.as_deref()).collect();
            let has: Vec<bool> = infos().map(|info| info.failed.is_some()).collect();
            all.set_item("failed", causes)?;
            all.set_item("_failed", has.into_pyarray(py))?;
        }
        Ok(())
    }
}

fn element(action: &[i64], is_single: bool) -> SpaceElement {
    match (action, is_single) {
        ([number], true) => SpaceElement::Discrete(*number),
        _ => SpaceElement::MultiDiscrete(action.to_vec()),
    }
}

/// What is seen in a design's episodes is a row of numbers.
fn numbers(seen: SpaceElement) -> Vec<f32> {
    match seen {
        SpaceElement::Box(row) => row,
        _ => Vec::new(),
    }
}

fn info_dict<'py>(py: Python<'py>, info: &Info) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    if let Some(Mask::Discrete(mask)) = &info.action_mask {
        let mask: Vec<i8> = mask.iter().map(|&allowed| i8::from(allowed)).collect();
        dict.set_item("action_mask", mask.into_pyarray(py))?;
    }
    if let Some(design) = &info.design {
        dict.set_item("levels", design.levels().to_vec().into_pyarray(py))?;
    }
    for (name, value) in &info.metrics {
        dict.set_item(name, value)?;
    }
    if let Some(beyond) = info.constraint_violation {
        dict.set_item("constraint_violation", beyond)?;
    }
    if let Some(infeasible) = &info.infeasible {
        dict.set_item("infeasible", &infeasible.rule)?;
        dict.set_item("violation", infeasible.violation)?;
    }
    if let Some(cause) = &info.failed {
        dict.set_item("failed", cause)?;
    }
    Ok(dict)
}
