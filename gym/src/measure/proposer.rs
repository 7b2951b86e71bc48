//! Which designs are measured: drawn at random, or proposed by an agent.

use std::collections::BTreeSet;

use serde_json::Value;
use tapeout_core::{Agent, Catalog, Design, DesignSpace, Outcome, Problem, seed::Stream};

use super::{MeasureError, Plan};

/// Designs that an agent is asked for at once. Ours: enough to keep several processes compiling.
const BATCH: usize = 16;
/// Rounds, or draws for each design, without one that is new, after which nothing more is expected. Ours.
const STALE_ROUNDS: usize = 100;

/// Proposes as many distinct designs as a plan wants.
pub(super) struct Proposer {
    source: Source,
    /// The levels of what was proposed.
    proposed: BTreeSet<Vec<u32>>,
    total: usize,
    /// Rounds since an agent proposed something new.
    stale_rounds: usize,
}

enum Source {
    Random { space: DesignSpace, rng: Box<Stream> },
    Agent(Box<dyn Agent>),
}

impl Proposer {
    pub(super) fn new(catalog: &Catalog, plan: &Plan, problem: &Problem) -> Result<Self, MeasureError> {
        let source = match &plan.agent {
            None => {
                Source::Random { space: problem.space().clone(), rng: Box::new(plan.seed.stream("designs")) }
            }
            Some(agent) => {
                let settings = Value::Object(agent.config.clone());
                Source::Agent(catalog.agent(&agent.id)?.build(problem, &settings, plan.seed)?)
            }
        };
        let held = usize::try_from(problem.space().cardinality()).unwrap_or(usize::MAX);
        Ok(Self { source, proposed: BTreeSet::new(), total: plan.designs.min(held), stale_rounds: 0 })
    }

    /// Up to `room` designs, an agent's perhaps with some that it has proposed before; none if there are no more.
    pub(super) fn next(&mut self, room: usize) -> Result<Vec<Design>, MeasureError> {
        let count = room.min(self.total - self.proposed.len()).min(BATCH);
        if count == 0 || self.stale_rounds >= STALE_ROUNDS {
            return Ok(Vec::new());
        }
        let proposed = &mut self.proposed;
        let mut is_new = |design: &Design| proposed.insert(design.levels().to_vec());
        match &mut self.source {
            Source::Random { space, rng } => {
                let drawn = (0..count * STALE_ROUNDS).map(|_| space.sample(rng));
                Ok(drawn.filter(is_new).take(count).collect())
            }
            Source::Agent(agent) => {
                let designs = agent.suggest(count)?;
                let n_new = designs.iter().filter(|&design| is_new(design)).count();
                self.stale_rounds = if n_new == 0 { self.stale_rounds + 1 } else { 0 };
                Ok(designs)
            }
        }
    }

    /// Tells whoever proposed `designs` what became of them.
    pub(super) fn learn(
        &mut self,
        problem: &Problem,
        designs: Vec<Design>,
        outcomes: Vec<Outcome>,
    ) -> Result<(), MeasureError> {
        if let Source::Agent(agent) = &mut self.source {
            let trials =
                designs.into_iter().zip(outcomes).map(|(design, outcome)| problem.trial(design, outcome));
            agent.observe(&trials.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}
