//! What the runs of a comparison took. The one part that differs between two comparisons of one plan, so it stands in files of its own.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::ComparisonPlan;
use crate::budget::StopReason;
use crate::folder::summary_path;
use crate::statistics::quartiles;
use crate::summary::Summary;

/// What one run took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunCost {
    /// Where.
    pub env: String,
    /// Who.
    pub agent: String,
    /// The seed.
    pub seed: u64,
    /// How many designs the run evaluated.
    pub trials: usize,
    /// Processor time of the agent, in seconds; none if it was not measured.
    pub agent_s: Option<f64>,
    /// Time spent in the environment, in seconds.
    pub evaluation_s: f64,
}

/// What an agent took, beside what evaluations took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentCost {
    /// Who.
    pub agent: String,
    /// Its processor time for each design in each of its runs that was measured, in seconds.
    #[serde(skip)]
    pub each_s: Vec<f64>,
    /// Quartiles over its runs of its processor time for each design, in seconds.
    pub own_s: [f64; 3],
    /// The median over its runs of the time for each design that was spent in the environment, in seconds.
    pub evaluation_s: f64,
}

impl RunCost {
    /// What each run of `plan` in the folder `out` took that is finished, in the order of the plan's cells. A run that was interrupted, or went
    /// on beyond what the plan asks for, is another: what an agent takes for a design grows with those before.
    pub fn read(plan: &ComparisonPlan, out: &Path) -> Vec<Self> {
        let cost = |cell| {
            let text = fs::read(summary_path(&plan.folder(out, cell))).ok()?;
            let summary: Summary = serde_json::from_slice(&text).ok()?;
            let is_whole = summary.stop != StopReason::Interrupted && summary.trials <= plan.trials.get();
            is_whole.then(|| Self {
                env: plan.envs[cell.env].name.clone(),
                agent: plan.agents[cell.agent].name.clone(),
                seed: cell.seed,
                trials: summary.trials,
                agent_s: summary.timing.agent_s,
                evaluation_s: summary.timing.evaluation_s,
            })
        };
        plan.cells().into_iter().filter_map(cost).collect()
    }

    fn each(&self, time_s: f64) -> f64 {
        time_s / self.trials.max(1) as f64
    }
}

impl AgentCost {
    /// What each agent took in all of `runs`, the cheapest first; nothing of those whose time was not measured.
    pub fn of(runs: &[RunCost]) -> Vec<Self> {
        let mut agents: Vec<&str> = Vec::new();
        for run in runs {
            if !agents.contains(&run.agent.as_str()) {
                agents.push(&run.agent);
            }
        }
        let cost = |agent: &str| {
            let mine = runs.iter().filter(|run| run.agent == agent);
            let measured: Vec<(f64, f64)> =
                mine.filter_map(|run| Some((run.each(run.agent_s?), run.each(run.evaluation_s)))).collect();
            let (own, evaluation): (Vec<f64>, Vec<f64>) = measured.into_iter().unzip();
            (!own.is_empty()).then(|| Self {
                agent: agent.to_owned(),
                own_s: quartiles(&own),
                each_s: own,
                evaluation_s: quartiles(&evaluation)[1],
            })
        };
        let mut costs: Vec<Self> = agents.into_iter().filter_map(cost).collect();
        costs.sort_by(|one, other| one.own_s[1].total_cmp(&other.own_s[1]));
        costs
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::super::{ComparedAgent, ComparedEnv};
    use super::*;
    use crate::spec::{AgentSpec, EnvSpec};

    // By hand: 2 s for 10 designs and 8 s for 20 are 0.2 and 0.4 s each; of a run that was not measured nothing counts.
    #[test]
    fn costs_are_for_each_design() {
        let run = |agent: &str, trials, agent_s, evaluation_s| RunCost {
            env: "env".to_owned(),
            agent: agent.to_owned(),
            seed: 0,
            trials,
            agent_s,
            evaluation_s,
        };
        let runs = [
            run("slow", 10, Some(2.0), 10.0),
            run("slow", 20, Some(8.0), 60.0),
            run("slow", 20, None, 1e9),
            run("quick", 10, Some(1.0), 10.0),
            run("old", 10, None, 10.0),
        ];
        let costs = AgentCost::of(&runs);
        assert_eq!(costs.iter().map(|it| it.agent.as_str()).collect::<Vec<_>>(), ["quick", "slow"]);
        assert!((costs[1].own_s[1] - 0.3).abs() < 1e-12 && (costs[1].evaluation_s - 2.0).abs() < 1e-12);
    }

    // Claim: a run that was interrupted, or went on beyond the plan, took something else than what the plan asks for.
    #[test]
    fn runs_that_are_not_those_of_the_plan_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let env = ComparedEnv {
            name: "env".to_owned(),
            spec: EnvSpec::named("env"),
            objectives: None,
            constraints: None,
            derived: Vec::new(),
        };
        let agent = AgentSpec::named("agent");
        let plan = ComparisonPlan {
            envs: vec![env],
            agents: vec![ComparedAgent { name: "agent".to_owned(), spec: agent }],
            seeds: 0..4,
            trials: NonZeroUsize::new(10).unwrap(),
            batch: NonZeroUsize::MIN,
            reference: Vec::new(),
        };
        let runs = [("trials-spent", 10), ("trials-spent", 20), ("interrupted", 5), ("space-exhausted", 8)];
        for (cell, (stop, trials)) in plan.cells().into_iter().zip(runs) {
            let summary = serde_json::json!({
                "version": 1, "env": "env", "env_version": 1, "agent": "agent", "seed": cell.seed, "objectives": [], "constraints": [],
                "stop": stop, "trials": trials, "acceptable": 0, "unacceptable": 0, "infeasible": {}, "duplicates": 0, "front": [],
                "best": [], "hypervolume": null, "timing": { "wall_s": 1.0, "evaluation_s": 1.0, "agent_s": 1.0 },
            });
            let path = plan.folder(folder.path(), cell);
            fs::create_dir_all(&path).unwrap();
            fs::write(summary_path(&path), summary.to_string()).unwrap();
        }
        let read = RunCost::read(&plan, folder.path());
        assert_eq!(read.iter().map(|run| (run.seed, run.trials)).collect::<Vec<_>>(), [(0, 10), (3, 8)]);
    }
}
