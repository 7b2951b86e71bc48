//! The conformance check of agents.

use serde_json::json;

use super::Findings;
use super::toy::Toy;
use crate::agent::Agent;
use crate::catalog::AgentEntry;
use crate::env::Env;
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::seed::Seed;
use crate::space::Design;
use crate::trial::Trial;

/// How many batches each toy is searched for, at most.
const BATCHES: usize = 12;
/// After so many designs no more batches are asked for: learners that train on each take seconds otherwise.
const DESIGNS: usize = 384;

/// Checks that an agent keeps its contract, on toy problems of every kind.
///
/// # Errors
/// [`Findings`]: every departure, with how to mend it.
pub fn check_agent(entry: &AgentEntry) -> Result<(), Findings> {
    let mut findings = Findings::default();
    let toys = [
        ("a plain problem", Toy::bowl()),
        ("two objectives", Toy::tradeoff()),
        ("a space tied by rules", Toy::tied()),
        ("a space of one design", Toy::single()),
        ("a problem without a feasible design", Toy::hopeless()),
    ];
    for (name, toy) in &toys {
        for batch in [1, 7, 64] {
            let proposals = search(entry, toy, batch, &[], name, &mut findings);
            let again = search(entry, toy, batch, &[], name, &mut findings);
            findings.require(
                proposals == again,
                || format!("on {name}, in batches of {batch}, two searches with one seed differ"),
                "draw all randomness from the seed's streams, and never iterate a HashMap",
            );
        }
        check_warm_start(entry, toy, name, &mut findings);
        check_failures(entry, toy, name, &mut findings);
    }
    let problem = toys[0].1.problem();
    findings.require(
        entry.build(&problem, &json!({ "no-such-setting": 1 }), Seed::new(0)).is_err(),
        || "an unknown hyperparameter is accepted".to_owned(),
        "put #[serde(deny_unknown_fields, default)] on the configuration",
    );
    findings.require(
        entry.build(&problem, &entry.defaults(), Seed::new(0)).is_ok(),
        || "the default hyperparameters, written out, are refused".to_owned(),
        "let every field of the configuration be read as it is written",
    );
    findings.into_result()
}

/// A log the agent did not write must be taken in without complaint.
fn check_warm_start(entry: &AgentEntry, toy: &Toy, name: &str, findings: &mut Findings) {
    let problem = toy.problem();
    let mut rng = Seed::new(1).stream("check_agent warm start");
    let designs: Vec<Design> = (0..40).map(|_| toy.space().sample(&mut rng)).collect();
    let mut log = evaluate(toy, &problem, &designs);
    log.extend_from_within(..3);
    search(entry, toy, 8, &log, name, findings);
}

/// Trials without a result, among others and alone, must be taken in, and the search go on.
fn check_failures(entry: &AgentEntry, toy: &Toy, name: &str, findings: &mut Findings) {
    let problem = toy.problem();
    for (every, what) in [(3, "with every third trial failed"), (1, "with every trial failed")] {
        let Ok(mut agent) = entry.build(&problem, &serde_json::Value::Null, Seed::new(4)) else { return };
        let what = format!("{name}, {what}");
        for _ in 0..BATCHES {
            let Some(suggested) = suggest(agent.as_mut(), 7, &what, findings) else { return };
            let mut trials = evaluate(toy, &problem, &suggested);
            for trial in trials.iter_mut().step_by(every) {
                *trial = problem.trial(trial.design.clone(), Outcome::failed("the evaluator crashed"));
            }
            if suggested.is_empty() || !observe(agent.as_mut(), &trials, &what, findings) {
                break;
            }
        }
    }
}

/// What is proposed; none if that fails.
fn suggest(agent: &mut dyn Agent, batch: usize, name: &str, findings: &mut Findings) -> Option<Vec<Design>> {
    match agent.suggest(batch) {
        Ok(suggested) => Some(suggested),
        Err(error) => {
            let seen = || format!("on {name}, suggest failed: {error}");
            let remedy = "propose something legal whatever was observed, or nothing when finished";
            findings.require(false, seen, remedy);
            None
        }
    }
}

/// Searches a toy and returns all proposals. The last trial of every third batch is withheld, as when a run ends.
fn search(
    entry: &AgentEntry,
    toy: &Toy,
    batch: usize,
    log: &[Trial],
    name: &str,
    findings: &mut Findings,
) -> Vec<Design> {
    let problem = toy.problem();
    let mut proposals = Vec::new();
    let built = entry.build(&problem, &serde_json::Value::Null, Seed::new(3));
    let mut agent = match built {
        Ok(agent) => agent,
        Err(error) => {
            let seen = || format!("on {name}, the default configuration is refused: {error}");
            findings.require(false, seen, "give every hyperparameter a default that works on any problem");
            return proposals;
        }
    };
    if !log.is_empty() && !observe(agent.as_mut(), log, name, findings) {
        return proposals;
    }
    for round in 0..BATCHES.min(DESIGNS / batch) {
        let Some(suggested) = suggest(agent.as_mut(), batch, name, findings) else { break };
        if suggested.is_empty() {
            break;
        }
        let seen = || {
            format!(
                "on {name}, {} designs were proposed where at most {batch} were asked for",
                suggested.len()
            )
        };
        findings.require(
            suggested.len() <= batch,
            seen,
            "propose at most `count` designs; keep the rest for the next call",
        );
        let is_legal = |design: &Design| problem.space().is_legal(design.levels());
        let seen = || format!("on {name}, a design of another space was proposed");
        if !findings.require(suggested.iter().all(is_legal), seen, "make designs with problem.space() only") {
            break;
        }
        let mut trials = evaluate(toy, &problem, &suggested);
        if round % 3 == 2 {
            trials.pop();
        }
        proposals.extend(suggested);
        if !observe(agent.as_mut(), &trials, name, findings) {
            break;
        }
    }
    let seen = || format!("on {name}, nothing was ever proposed");
    findings.require(!proposals.is_empty(), seen, "propose at least one design before finishing");
    proposals
}

fn observe(agent: &mut dyn Agent, trials: &[Trial], name: &str, findings: &mut Findings) -> bool {
    let result = agent.observe(trials);
    let seen = || {
        format!(
            "on {name}, observe failed: {}",
            result.as_ref().err().map_or_else(String::new, ToString::to_string)
        )
    };
    findings.require(
        result.is_ok(),
        seen,
        "accept any trial: infeasible, failed, repeated, proposed by somebody else, or missing",
    )
}

fn evaluate(toy: &Toy, problem: &Problem, designs: &[Design]) -> Vec<Trial> {
    let outcome = |design: &Design| toy.evaluate(design).expect("toys never fail");
    designs.iter().map(|design| problem.trial(design.clone(), outcome(design))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{AgentError, BuildAgent, ObjectiveSupport};
    use crate::config::ConfigError;

    /// Proposes one design too many, and gives up on infeasible trials.
    struct Eager(Problem);

    impl Agent for Eager {
        fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
            let cardinality = self.0.space().cardinality();
            Ok((0..=count as u128).map(|rank| self.0.space().unrank(rank % cardinality)).collect())
        }
        fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
            if trials.iter().any(|trial| trial.outcome.metrics().is_none()) {
                return Err(AgentError::new("cannot learn from that"));
            }
            Ok(())
        }
    }

    impl BuildAgent for Eager {
        const ID: &'static str = "eager";
        const SUMMARY: &'static str = "";
        const DESCRIPTION: &'static str = "";
        const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
        type Config = std::collections::BTreeMap<String, f64>;
        fn build(problem: &Problem, _: Self::Config, _: Seed) -> Result<Self, ConfigError> {
            Ok(Self(problem.clone()))
        }
    }

    #[test]
    fn every_departure_is_found_with_a_remedy() {
        let findings = check_agent(&AgentEntry::of::<Eager>()).unwrap_err();
        for seen in ["8 designs were proposed where at most 7", "observe failed: cannot learn"] {
            assert!(findings.list().iter().any(|finding| finding.seen.contains(seen)), "{seen}\n{findings}");
        }
    }
}
