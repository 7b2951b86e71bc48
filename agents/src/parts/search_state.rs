//! All that a search by a model knows but for the model: its initial design, what was observed, and the
//! best of that from which to climb.

use tapeout_core::config::check;
use tapeout_core::{ConfigError, Design, Problem, Seed, Stream, Trial};
use tapeout_surrogates::models::gaussian_process::embedding::Embedding;

use crate::parts::candidates::spread;
use crate::parts::history::History;
use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;

/// Designs before the first model. Ours: of 5, 10, 20 and 30 the best after 50 and 100 designs on three of four accelerators of 14 parameters.
const N_INITIAL: usize = 20;

/// What is known to a search by a model, but for the model.
pub struct SearchState {
    /// Designs as points.
    pub embedding: Embedding,
    /// The designs that are known.
    pub seen: Seen,
    /// Several objectives as one.
    pub scalarizer: Scalarizer,
    /// All that was observed.
    pub history: History,
    /// The search's stream of random numbers.
    pub rng: Stream,
    /// How many designs come before the first model.
    n_initial: usize,
    /// Designs proposed before any model was made.
    initial: Vec<Design>,
}

impl SearchState {
    /// For a search that draws from the stream `purpose` of `seed`, with `initial` designs before the first model; [`N_INITIAL`]
    /// if absent, and fewer for few parameters.
    ///
    /// # Errors
    /// [`ConfigError`] if `initial` is 0.
    pub fn new(
        problem: &Problem,
        initial: Option<usize>,
        seed: Seed,
        purpose: &str,
    ) -> Result<Self, ConfigError> {
        check("n_initial_points", initial.unwrap_or(1), 1..)?;
        let embedding = Embedding::new(problem.space());
        Ok(Self {
            n_initial: initial.unwrap_or(N_INITIAL.min(2 * (embedding.n_free() + 1))),
            embedding,
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            history: History::new(problem),
            rng: seed.stream(purpose),
            initial: Vec::new(),
        })
    }

    /// At most `count` designs that spread over the levels of all parameters: as many as are wanted before there is a model.
    pub fn initial_design(&mut self, count: usize) -> Vec<Design> {
        let mut designs = Vec::with_capacity(count);
        while designs.len() < count && (self.history.trials.is_empty() || self.initial.len() < self.n_initial)
        {
            let observed = self.history.trials.iter().map(|trial| &trial.design);
            let known: Vec<&Design> = self.initial.iter().chain(observed).collect();
            let design = spread(&self.seen, &known, &mut self.rng);
            let design = design.unwrap_or_else(|| self.seen.draw(&mut self.rng));
            self.seen.insert(&design);
            self.initial.push(design.clone());
            designs.push(design);
        }
        designs
    }

    /// The best `count` designs observed: with several objectives, a spread along the front.
    pub fn best(&mut self, count: usize) -> Vec<Design> {
        let trials = &self.history.trials;
        let best = self.scalarizer.select(trials, count).into_iter();
        best.map(|index| trials[index].design.clone()).collect()
    }

    /// Random designs up to `count`, where the model has no more to propose.
    pub fn fill_up(&mut self, designs: &mut Vec<Design>, count: usize) {
        while designs.len() < count {
            designs.push(self.seen.draw(&mut self.rng));
        }
    }

    /// Takes in trials; those before the first proposal, of an earlier log, count as its initial design.
    pub fn observe(&mut self, trials: &[Trial]) {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        if self.initial.is_empty() {
            self.n_initial = self.n_initial.saturating_sub(trials.len());
        }
        trials.iter().for_each(|trial| self.history.push(trial, &self.embedding));
    }
}
