//! A comparison on disk, read again from its runs: `OUT/<env>/<agent>/<seed>`.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use tapeout_core::Catalog;

use super::conduct::{ComparedProblem, has_ended, trace};
use super::{
    ComparedAgent, ComparedEnv, ComparisonError, ComparisonPlan, ComparisonResults, ReferenceValue, RunTrace,
};
use crate::finished::Run;
use crate::folder::spec_path;

/// A comparison that was read from its folder.
pub struct OpenedComparison {
    /// What was compared: environments and agents in the order of their names, with the first seeds in a row that every pair of them has.
    pub plan: ComparisonPlan,
    /// What came of it.
    pub results: ComparisonResults,
}

impl OpenedComparison {
    /// Whether `folder` holds a comparison: runs in folders of folders of folders, and is no run itself.
    pub fn is_in(folder: &Path) -> bool {
        !spec_path(folder).exists()
            && folders(folder).iter().any(|env| folders(env).iter().any(|agent| !seeds(agent).is_empty()))
    }

    /// Reads the comparison in `folder`; volumes end where it noted that they do.
    ///
    /// # Errors
    /// [`ComparisonError::Empty`] if there is no run that every agent has in every environment, [`ComparisonError::Run`] if one
    /// cannot be read, [`ComparisonError::Unfinished`] if one is not finished.
    pub fn open(catalog: &Catalog, folder: &Path) -> Result<Self, ComparisonError> {
        let envs: Vec<PathBuf> = folders(folder)
            .into_iter()
            .filter(|env| folders(env).iter().any(|it| !seeds(it).is_empty()))
            .collect();
        let first = envs.first().ok_or(ComparisonError::Empty { missing: "environment" })?;
        let is_everywhere = |agent: &String| envs.iter().all(|env| !seeds(&env.join(agent)).is_empty());
        let agents: Vec<String> =
            folders(first).iter().map(|agent| name(agent)).filter(is_everywhere).collect();
        let pairs = envs.iter().flat_map(|env| agents.iter().map(move |agent| env.join(agent)));
        let shared = pairs.map(|pair| seeds(&pair)).reduce(|one, other| &one & &other);
        let Some(shared) = shared else {
            return Err(ComparisonError::Empty { missing: "agent that searched every environment" });
        };
        let first = *shared.first().ok_or(ComparisonError::Empty { missing: "seed that all have" })?;
        let seeds = first..(first..).find(|seed| !shared.contains(seed)).unwrap_or(u64::MAX);
        let run = |env: &Path, agent: &str, seed: u64| {
            let path = env.join(agent).join(seed.to_string());
            Run::open(catalog, &path).map_err(|source| ComparisonError::Run {
                path,
                agent: agent.to_owned(),
                env: name(env),
                seed,
                source: Box::new(source),
            })
        };
        let mut plan = ComparisonPlan {
            envs: Vec::new(),
            agents: Vec::new(),
            seeds: seeds.clone(),
            trials: NonZeroUsize::MAX,
            batch: NonZeroUsize::MIN,
            reference: ReferenceValue::kept(folder)?,
        };
        let (mut problems, mut all) = (Vec::new(), Vec::new());
        for env in &envs {
            for seed in seeds.clone() {
                for agent in &agents {
                    let run = run(env, agent, seed)?;
                    let (spec, problem) = (run.experiment().spec(), run.experiment().problem());
                    if plan.agents.len() < agents.len() {
                        plan.agents.push(ComparedAgent { name: agent.clone(), spec: spec.agent.clone() });
                    }
                    if plan.envs.last().is_none_or(|last: &ComparedEnv| last.name != name(env)) {
                        problems.push(ComparedProblem::of(problem, &plan.reference)?);
                        plan.envs.push(ComparedEnv {
                            name: name(env),
                            spec: spec.env.clone(),
                            objectives: spec.objectives.clone(),
                            constraints: spec.constraints.clone(),
                            derived: spec.derived.clone(),
                        });
                    }
                    let path = env.join(agent).join(seed.to_string());
                    if run.trials().len() < spec.budget.trials.get() && !has_ended(&path) {
                        return Err(ComparisonError::Unfinished { path });
                    }
                    (plan.trials, plan.batch) = (plan.trials.min(spec.budget.trials), spec.batch);
                    all.push(run);
                }
            }
        }
        // Some may have gone on for longer than others.
        let traces: Vec<RunTrace> = all.iter().map(|run| trace(run, &plan)).collect();
        let results = ComparisonResults::of(&plan, &problems, &traces);
        Ok(Self { plan, results })
    }
}

/// The folders in `folder`, by name; none if it cannot be read.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The seeds whose runs are in the folder of an agent.
fn seeds(agent: &Path) -> BTreeSet<u64> {
    let runs = folders(agent).into_iter().filter(|run| spec_path(run).is_file());
    runs.filter_map(|run| name(&run).parse().ok()).collect()
}
