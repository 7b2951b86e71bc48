//! Walks through the neighbours of a candidate by the guess: downhill, and at random.

use super::candidate::{Candidate, Move};
use super::options::is_better;
use super::trial::{Score, Stream, Trial};
use crate::loop_nest::TensorSet;

/// Walks downhill until no neighbour is better or `guesses` are used up. Returns the score at the end.
pub(super) fn descend(trial: &mut Trial, score: Score, guesses: u32) -> Score {
    let mut walk = Descent { trial, score, guesses };
    while walk.guesses > 0 && (walk.move_one() || walk.toggle() || walk.exchange()) {}
    walk.score
}

struct Descent<'a, 'b> {
    trial: &'b mut Trial<'a>,
    score: Score,
    guesses: u32,
}

impl Descent<'_, '_> {
    /// Whether the candidate as it is now is better than before; it is the new start then.
    fn improves(&mut self) -> bool {
        self.guesses = self.guesses.saturating_sub(1);
        match self.trial.score() {
            Some(score) if is_better(score, self.score) => {
                self.score = score;
                true
            }
            _ => false,
        }
    }

    fn move_one(&mut self) -> bool {
        let mut moved = false;
        for step in self.trial.moves() {
            if self.guesses == 0 {
                break;
            }
            if !self.trial.allows(step) {
                continue;
            }
            self.trial.shift(step);
            if self.improves() {
                moved = true;
            } else {
                self.trial.shift(step.reverse());
            }
        }
        moved
    }

    fn toggle(&mut self) -> bool {
        let problem = self.trial.problem;
        for level in 0..problem.n_levels {
            for tensor in 0..problem.shapes.len() {
                if let Some(keep) = self.trial.toggled(level, tensor) {
                    let before = self.trial.keep(level, keep);
                    if self.improves() {
                        return true;
                    }
                    self.trial.keep(level, before);
                }
            }
        }
        false
    }

    /// Two moves at once, one of them the way back of the other but with another dimension.
    fn exchange(&mut self) -> bool {
        let moves = self.trial.exchangeable();
        for (index, &step) in moves.iter().enumerate() {
            for &other in &moves[index + 1..] {
                if !self.trial.can_exchange(step, other) {
                    continue;
                }
                if self.guesses == 0 {
                    return false;
                }
                self.trial.shift(step);
                self.trial.shift(other);
                if self.improves() {
                    return true;
                }
                self.trial.shift(other.reverse());
                self.trial.shift(step.reverse());
            }
        }
        false
    }
}

/// What a change at random may make worse at first, as a share.
const THRESHOLD: f64 = 0.2;

/// How often a walk at random goes back to the best on its way.
const RETURNS: u32 = 2;

/// Changes `start` at random, `guesses` times, keeping what is worse by less than a threshold that falls to 0.
/// Returns the best on the way.
/// Source: Dueck & Scheuer (1990), "Threshold accepting", doi:10.1016/0021-9991(90)90201-B.
pub(super) fn anneal(start: &Trial, score: Score, guesses: u32, random: &mut Stream) -> (Score, Candidate) {
    let mut trial = Trial::new(start.problem, start.candidate().clone());
    let mut score = score;
    let mut best = (score, trial.candidate().clone());
    for guessed in 0..guesses {
        if guessed > 0 && guessed % guesses.div_ceil(RETURNS + 1) == 0 {
            (score, trial) = (best.0, Trial::new(start.problem, best.1.clone()));
        }
        let threshold = 1.0 + THRESHOLD * f64::from(guesses - guessed) / f64::from(guesses);
        let change = Change::any(&mut trial, random);
        match trial.score() {
            Some(next) if next.0 < score.0 * threshold => {
                score = next;
                if is_better(next, best.0) {
                    best = (next, trial.candidate().clone());
                }
            }
            _ => change.undo(&mut trial),
        }
    }
    best
}

/// What was done to a candidate.
#[derive(Default)]
struct Change {
    moves: [Option<Move>; 2],
    keep: Option<(usize, TensorSet)>,
}

impl Change {
    /// Mostly one or two moves or an exchange, else a tensor kept or let pass.
    fn any(trial: &mut Trial, random: &mut Stream) -> Self {
        let mut change = Self::default();
        let kind = random.below(8);
        if kind == 0 {
            let level = random.below(trial.problem.n_levels);
            if let Some(keep) = trial.toggled(level, random.below(trial.problem.shapes.len())) {
                change.keep = Some((level, trial.keep(level, keep)));
                return change;
            }
        }
        if kind < 4 {
            if let Some(exchange) = trial.any_exchange(random) {
                exchange.into_iter().for_each(|step| trial.shift(step));
                change.moves = exchange.map(Some);
            }
            return change;
        }
        for slot in &mut change.moves[..if kind < 6 { 2 } else { 1 }] {
            *slot = trial.any_move(random);
            if let Some(step) = *slot {
                trial.shift(step);
            }
        }
        change
    }

    fn undo(self, trial: &mut Trial) {
        self.moves.into_iter().rev().flatten().for_each(|step| trial.shift(step.reverse()));
        if let Some((level, keep)) = self.keep {
            trial.keep(level, keep);
        }
    }
}
