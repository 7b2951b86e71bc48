//! The designs to build, with what a model expects of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapeout_core::parameter;
use tapeout_core::pareto::{crowding_distance, non_dominated_sort};
use tapeout_core::{Design, DesignSpace, Direction, Goal, Problem, Seed, Trial};
use tapeout_experiment::{EnvSpec, put_whole};

use super::OfflineError;
use super::interval::Interval;

/// The version of the file.
pub const PROPOSALS_SCHEMA: u32 = 3;

/// Designs that a model proposes, best first; with several objectives first those beside the best logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposals {
    /// [`PROPOSALS_SCHEMA`].
    pub schema: u32,
    /// The environment they are for, with the settings that all workloads share.
    pub env: EnvSpec,
    /// What is to run on them.
    pub workloads: Vec<WeightedWorkload>,
    /// What was wanted.
    pub goal: Goal,
    /// The learner that made the model.
    pub learner: String,
    /// The learner that says what to promise of what the first one found, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// The agent that searched the model.
    pub agent: String,
    /// The seed of the search.
    pub seed: Seed,
    /// How often the model was asked.
    pub model_calls: usize,
    /// The best design that was learned from, if it was measured in all of the workloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedBest>,
    /// The designs.
    pub proposals: Vec<Proposal>,
}

/// A workload that a design is to run, and how much it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedWorkload {
    /// The workload's name.
    pub name: String,
    /// The settings of the environment that name it.
    pub settings: Map<String, Value>,
    /// Its weight in the mean over workloads; above 0.
    pub weight: f64,
}

/// One design.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Its values by parameter.
    pub design: BTreeMap<String, parameter::Value>,
    /// What the model expects of each metric, the weighted mean over workloads.
    pub predicted: BTreeMap<String, f64>,
    /// The spread around that, if the model has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<BTreeMap<String, f64>>,
    /// Where to expect each metric: what the second learner says, after what came of its word about designs that were held out; none if
    /// there were too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<BTreeMap<String, Interval>>,
    /// How likely the model thinks it is to be feasible in all workloads.
    pub p_feasible: f64,
    /// How far the nearest logged design is: 0 if it is one, 1 across the whole space.
    pub distance: f64,
    /// Parameters at a level beyond, or other than, those of the feasible logged designs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
}

/// The best design that was learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedBest {
    /// Its values by parameter.
    pub design: BTreeMap<String, parameter::Value>,
    /// What was measured of it, the weighted mean over workloads, and over measurements.
    pub measured: BTreeMap<String, f64>,
}

impl Proposals {
    /// Reads a file of proposals.
    ///
    /// # Errors
    /// [`OfflineError`] if it cannot be read, or says something else.
    pub fn read(path: &Path) -> Result<Self, OfflineError> {
        let text = tapeout_input::read_text(path)
            .map_err(|source| OfflineError::File { path: path.to_owned(), source })?;
        let content = |field: &str, message: String| OfflineError::Content {
            path: path.to_owned(),
            field: field.to_owned(),
            message,
        };
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let proposals: Self = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| content(&error.path().to_string(), error.inner().to_string()))?;
        if proposals.schema != PROPOSALS_SCHEMA {
            let message = format!("got {}; this version reads {PROPOSALS_SCHEMA}", proposals.schema);
            return Err(content("schema", message));
        }
        if proposals.workloads.is_empty() {
            return Err(content("workloads", "got none; expected at least one workload".to_owned()));
        }
        let is_usable = |weight: f64| weight.is_finite() && weight > 0.0;
        match proposals.workloads.iter().find(|workload| !is_usable(workload.weight)) {
            Some(WeightedWorkload { name, weight, .. }) => {
                Err(content("workloads", format!("`{name}` has weight {weight}; expected a number above 0")))
            }
            None => Ok(proposals),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`OfflineError::File`] if that is not possible.
    pub fn write(&self, path: &Path) -> Result<(), OfflineError> {
        let mut text =
            serde_json::to_string_pretty(self).expect("proposals have text keys and finite numbers");
        text.push('\n');
        put_whole(path, text.as_bytes())
            .map_err(|source| OfflineError::File { path: path.to_owned(), source })
    }

    /// Whether no proposal is expected to be better than the best logged design even at the good end of its interval, for the only
    /// objective; not so if there are several, or there is nothing to compare.
    pub fn beat_nothing(&self) -> bool {
        let ([objective], Some(logged)) = (self.goal.objectives.as_slice(), &self.logged) else {
            return false;
        };
        let Some(&best) = logged.measured.get(&objective.metric) else { return false };
        let promises = self.proposals.iter().filter_map(|it| it.intervals.as_ref()?.get(&objective.metric));
        let mut is_beyond = promises.map(|interval| match objective.direction {
            Direction::Minimize => interval.low >= best,
            Direction::Maximize => interval.high <= best,
        });
        is_beyond.next().is_some_and(|first| first && is_beyond.all(|is| is))
    }

    /// The proposals as designs of `space`.
    ///
    /// # Errors
    /// [`OfflineError::Design`] naming the first that is none.
    pub fn designs(&self, space: &DesignSpace) -> Result<Vec<Design>, OfflineError> {
        let design = |(index, proposal): (usize, &Proposal)| {
            let values = proposal.design.iter().map(|(name, value)| (name.as_str(), value.clone()));
            space.design_of(values).map_err(|source| OfflineError::Design { number: index + 1, source })
        };
        self.proposals.iter().enumerate().map(design).collect()
    }
}

/// The `count` best of `trials`, best first: by loss, or for several objectives front by front and the least crowded of a front
/// first; then, if there are not enough acceptable ones, those nearest to being so. Of designs that the space states to be
/// equal the first alone. Indices.
pub fn choose(problem: &Problem, trials: &[Trial], count: usize) -> Vec<usize> {
    let accepted = |index: &usize| trials[*index].judgement.accepted();
    let (acceptable, mut others): (Vec<usize>, Vec<usize>) =
        (0..trials.len()).partition(|index| accepted(index).is_some());
    let losses: Vec<&[f64]> = acceptable.iter().filter_map(accepted).collect();
    let order: Vec<usize> = if problem.n_objectives() == 1 {
        let mut order: Vec<usize> = (0..losses.len()).collect();
        order.sort_by(|&a, &b| losses[a][0].total_cmp(&losses[b][0]));
        order
    } else {
        non_dominated_sort(&losses).into_iter().flat_map(|front| least_crowded(&front, &losses)).collect()
    };
    others.sort_by(|&a, &b| trials[a].judgement.compare_shortfall(&trials[b].judgement));
    let mut chosen = BTreeSet::new();
    let mut is_another =
        |&index: &usize| chosen.insert(problem.space().representative(&trials[index].design));
    let ordered = order.into_iter().map(|place| acceptable[place]).chain(others);
    ordered.filter(|index| is_another(index)).take(count).collect()
}

/// The points of a front, the least crowded first.
fn least_crowded(front: &[usize], losses: &[&[f64]]) -> Vec<usize> {
    let points: Vec<&[f64]> = front.iter().map(|&place| losses[place]).collect();
    let crowding = crowding_distance(&points);
    let mut order: Vec<usize> = (0..front.len()).collect();
    order.sort_by(|&a, &b| crowding[b].total_cmp(&crowding[a]));
    order.into_iter().map(|index| front[index]).collect()
}
