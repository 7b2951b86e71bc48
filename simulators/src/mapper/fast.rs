//! The search of bounded effort.
//!
//! 1. A beam finds spreads of few steps ([`spread::fewest_steps`]); a lower bound picks some.
//! 2. In each, tiles grow from the outermost buffer inwards while that saves something, by a guess of the cost that
//!    takes the best loop orders for granted ([`Mode::Guess`]).
//! 3. From the best of these, prime factors move between levels and between time and space, one by one and in
//!    exchange for each other, and tensors are kept or let pass, while the guess falls; then at random, accepting
//!    what is a little worse, from a fixed stream of numbers; then downhill again.
//! 4. The model costs the results, and other loop orders, factors and choices of what is kept near the best.

use super::candidate::{Candidate, Costing};
use super::estimate::{Mode, estimate};
use super::options::is_better;
use super::outcome::NoMapping;
use super::problem::{Problem, Way};
use super::spread;
use crate::loop_nest::TensorSet;

/// How much is tried, in each step of the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Spreads in which tiles are grown.
    grown: usize,
    /// Grown candidates from which walks start.
    starts: usize,
    /// Guesses of one walk downhill.
    walk_guesses: u32,
    /// Results of walks that are changed at random.
    annealed: usize,
    /// Guesses of each of those.
    anneal_guesses: u32,
    /// Evaluations by the model.
    evaluations: u64,
}

/// Less than 2 ms on small layers.
pub(super) const FAST: Effort =
    Effort { grown: 12, starts: 4, walk_guesses: 250, annealed: 2, anneal_guesses: 1500, evaluations: 60 };
/// Several times faster.
pub(super) const QUICK: Effort =
    Effort { grown: 4, starts: 2, walk_guesses: 150, annealed: 1, anneal_guesses: 250, evaluations: 25 };

/// What a change at random may make worse at first, as a share.
const THRESHOLD: f64 = 0.7;

type Score = (f64, f64);

/// Puts the best mapping found into `costing`.
pub(super) fn search(problem: &Problem, costing: &mut Costing, effort: Effort) -> Result<(), NoMapping> {
    let mut starts: Vec<(Score, Candidate)> = Vec::new();
    for (_, mut candidate) in promising(problem, effort.grown) {
        if let Some(score) = grow(problem, &mut candidate) {
            starts.push((score, candidate));
        }
    }
    sort(&mut starts);
    starts.truncate(effort.starts);
    starts.iter_mut().for_each(|start| descend(problem, start, effort.walk_guesses));
    sort(&mut starts);
    let mut random = Stream(0);
    for index in 0..effort.annealed.min(starts.len()) {
        let mut annealed = anneal(problem, &starts[index], effort.anneal_guesses, &mut random);
        descend(problem, &mut annealed, effort.walk_guesses);
        starts.push(annealed);
    }
    sort(&mut starts);
    starts.truncate(effort.starts);
    for (_, candidate) in &mut starts {
        order(problem, candidate);
        costing.cost(candidate)?;
    }
    polish(problem, costing, effort.evaluations)
}

/// Changes `candidate` at random, `guesses` times, keeping what is worse by less than a threshold that falls to 0.
/// Returns the best on the way.
/// Source: Dueck & Scheuer (1990), "Threshold accepting", doi:10.1016/0021-9991(90)90201-B.
fn anneal(
    problem: &Problem,
    start: &(Score, Candidate),
    guesses: u32,
    random: &mut Stream,
) -> (Score, Candidate) {
    let (mut score, mut candidate) = start.clone();
    let mut best = start.clone();
    for guessed in 0..guesses {
        let threshold = 1.0 + THRESHOLD * f64::from(guesses - guessed) / f64::from(guesses);
        let change = Change::any(problem, &mut candidate, random);
        match guess(problem, &candidate) {
            Some(next) if next.0 < score.0 * threshold => {
                score = next;
                if is_better(next, best.0) {
                    best = (next, candidate.clone());
                }
            }
            _ => change.undo(&mut candidate),
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
    /// Mostly one or two moves, else a tensor kept or let pass.
    fn any(problem: &Problem, candidate: &mut Candidate, random: &mut Stream) -> Self {
        let mut change = Self::default();
        let kind = random.below(8);
        if kind == 0 {
            let level = random.below(problem.n_levels);
            if let Some(keep) = toggled(problem, candidate, level, random.below(problem.shapes.len())) {
                change.keep = Some((level, std::mem::replace(&mut candidate.keep[level], keep)));
                return change;
            }
        }
        for slot in &mut change.moves[..if kind < 5 { 2 } else { 1 }] {
            *slot = any_move(problem, candidate, random);
            if let Some(step) = slot {
                step.apply(candidate);
            }
        }
        change
    }

    fn undo(self, candidate: &mut Candidate) {
        self.moves.into_iter().rev().flatten().for_each(|step| step.reverse().apply(candidate));
        if let Some((level, keep)) = self.keep {
            candidate.keep[level] = keep;
        }
    }
}

/// Tries to find a move before [`any_move`] gives up.
const TRIES: usize = 64;

fn any_move(problem: &Problem, candidate: &Candidate, random: &mut Stream) -> Option<Move> {
    let n_positions = problem.positions.len();
    if problem.dims.is_empty() {
        return None;
    }
    for _ in 0..TRIES {
        let dim = problem.dims[random.below(problem.dims.len())];
        let (from, to) = (random.below(n_positions), random.below(n_positions));
        let factor = candidate.factors[from][dim];
        if factor == 1 || from == to {
            continue;
        }
        let n_primes = primes(factor).count();
        let prime = primes(factor).nth(random.below(n_primes))?;
        let step = Move { dim, from, to, prime };
        if step.is_allowed(problem, candidate) {
            return Some(step);
        }
    }
    None
}

/// A fixed stream of numbers, so that results do not depend on anything else.
/// Source: Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators", doi:10.1145/2660193.2660195,
/// figure 13 (the mixing function of SplitMix64).
struct Stream(u64);

impl Stream {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// Walks downhill from `start`.
fn descend(problem: &Problem, start: &mut (Score, Candidate), guesses: u32) {
    let mut walk = Walk { problem, candidate: start.1.clone(), score: start.0, guesses };
    walk.run();
    *start = (walk.score, walk.candidate);
}

fn sort(list: &mut [(Score, Candidate)]) {
    list.sort_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
}

/// Spreads of the least lower bounds whose smallest tiles fit.
fn promising(problem: &Problem, most: usize) -> Vec<(Score, Candidate)> {
    let mut spreads: Vec<(Score, Candidate)> = Vec::new();
    for mut spread in spread::fewest_steps(problem) {
        fit(problem, &mut spread);
        let bound = estimate(problem, &spread, Mode::Bound { decided: problem.n_levels });
        if let Some(bound) = bound.filter(|_| estimate(problem, &spread, Mode::Guess).is_some()) {
            spreads.push((bound.score(problem.objective), spread));
        }
    }
    sort(&mut spreads);
    spreads.truncate(most);
    spreads
}

/// Lets tensors pass by that need not be kept, where the smallest tiles do not fit.
fn fit(problem: &Problem, candidate: &mut Candidate) {
    for level in 0..problem.n_levels {
        for tensor in 0..problem.shapes.len() {
            if estimate(problem, candidate, Mode::Guess).is_some() {
                return;
            }
            if !problem.must_keep[level].contains(tensor) {
                candidate.keep[level] = candidate.keep[level].without(tensor);
            }
        }
    }
}

fn guess(problem: &Problem, candidate: &Candidate) -> Option<Score> {
    estimate(problem, candidate, Mode::Guess).map(|guess| guess.score(problem.objective))
}

/// Moves prime factors inwards, from the outermost buffer to the innermost, the most saving one first.
fn grow(problem: &Problem, candidate: &mut Candidate) -> Option<Score> {
    let mut score = guess(problem, candidate)?;
    for level in (0..problem.n_levels - 1).rev() {
        loop {
            let mut best: Option<(Score, Move)> = None;
            for &dim in problem.dims.iter().filter(|&&dim| problem.positions[level].dims.contains(dim)) {
                let Some(from) = (level + 1..problem.n_levels).find(|&l| candidate.factors[l][dim] > 1)
                else {
                    continue;
                };
                let step = Move { dim, from, to: level, prime: least_prime(candidate.factors[from][dim]) };
                step.apply(candidate);
                let grown = guess(problem, candidate);
                step.reverse().apply(candidate);
                if let Some(grown) =
                    grown.filter(|&grown| best.is_none_or(|(least, _)| is_better(grown, least)))
                {
                    best = Some((grown, step));
                }
            }
            match best {
                Some((grown, step)) if !is_better(score, grown) => {
                    step.apply(candidate);
                    score = grown;
                }
                _ => break,
            }
        }
    }
    Some(score)
}

/// A prime factor of a dimension on its way from one position to another.
#[derive(Debug, Clone, Copy)]
struct Move {
    dim: usize,
    from: usize,
    to: usize,
    prime: u64,
}

impl Move {
    fn apply(self, candidate: &mut Candidate) {
        candidate.factors[self.from][self.dim] /= self.prime;
        candidate.factors[self.to][self.dim] *= self.prime;
    }

    fn reverse(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
    }

    fn is_allowed(self, problem: &Problem, candidate: &Candidate) -> bool {
        let to = &problem.positions[self.to];
        to.dims.contains(self.dim)
            && (to.way == Way::Time || candidate.width(problem, self.to) * self.prime <= to.limit)
    }
}

fn least_prime(n: u64) -> u64 {
    primes(n).next().unwrap_or(1)
}

/// The different prime factors of `n`, the least first.
fn primes(mut n: u64) -> impl Iterator<Item = u64> {
    let mut divisor = 2;
    std::iter::from_fn(move || {
        while divisor * divisor <= n {
            if n.is_multiple_of(divisor) {
                while n.is_multiple_of(divisor) {
                    n /= divisor;
                }
                divisor += 1;
                return Some(divisor - 1);
            }
            divisor += 1;
        }
        (n > 1).then(|| std::mem::replace(&mut n, 1))
    })
}

/// Every single move of `candidate`.
fn moves(problem: &Problem, candidate: &Candidate) -> Vec<Move> {
    let n_positions = problem.positions.len();
    let mut moves = Vec::with_capacity(64);
    for &dim in &problem.dims {
        for from in 0..n_positions {
            for prime in primes(candidate.factors[from][dim]) {
                let step = |to: usize| Move { dim, from, to, prime };
                let to = (0..n_positions).filter(|&to| to != from).map(step);
                moves.extend(to.filter(|step| step.is_allowed(problem, candidate)));
            }
        }
    }
    moves
}

/// A walk downhill in the guess.
struct Walk<'a> {
    problem: &'a Problem<'a>,
    candidate: Candidate,
    score: Score,
    guesses: u32,
}

impl Walk<'_> {
    fn run(&mut self) {
        while self.guesses > 0 && (self.move_one() || self.toggle() || self.exchange()) {}
    }

    /// Whether the candidate as it is now is better than before; it is the new start then.
    fn improves(&mut self) -> bool {
        self.guesses = self.guesses.saturating_sub(1);
        match guess(self.problem, &self.candidate) {
            Some(score) if is_better(score, self.score) => {
                self.score = score;
                true
            }
            _ => false,
        }
    }

    fn move_one(&mut self) -> bool {
        let mut moved = false;
        for step in moves(self.problem, &self.candidate) {
            if self.guesses == 0 {
                break;
            }
            let is_there = self.candidate.factors[step.from][step.dim].is_multiple_of(step.prime);
            if !is_there || !step.is_allowed(self.problem, &self.candidate) {
                continue;
            }
            step.apply(&mut self.candidate);
            if self.improves() {
                moved = true;
            } else {
                step.reverse().apply(&mut self.candidate);
            }
        }
        moved
    }

    fn toggle(&mut self) -> bool {
        for level in 0..self.problem.n_levels {
            for tensor in 0..self.problem.shapes.len() {
                let before = self.candidate.keep[level];
                if let Some(after) = toggled(self.problem, &self.candidate, level, tensor) {
                    self.candidate.keep[level] = after;
                    if self.improves() {
                        return true;
                    }
                    self.candidate.keep[level] = before;
                }
            }
        }
        false
    }

    /// Two moves at once, one of them the way back of the other but with another dimension.
    fn exchange(&mut self) -> bool {
        let moves = moves(self.problem, &self.candidate);
        for (index, step) in moves.iter().enumerate() {
            for other in &moves[index + 1..] {
                let is_exchange = step.from == other.to && step.to == other.from && step.dim != other.dim;
                if !is_exchange {
                    continue;
                }
                if self.guesses == 0 {
                    return false;
                }
                step.apply(&mut self.candidate);
                other.apply(&mut self.candidate);
                if self.improves() {
                    return true;
                }
                other.reverse().apply(&mut self.candidate);
                step.reverse().apply(&mut self.candidate);
            }
        }
        false
    }
}

/// What `level` keeps if it keeps `tensor` where it did not, or lets it pass where it did; if that is allowed.
fn toggled(problem: &Problem, candidate: &Candidate, level: usize, tensor: usize) -> Option<TensorSet> {
    let keep = candidate.keep[level];
    match keep.contains(tensor) {
        true if !problem.must_keep[level].contains(tensor) => Some(keep.without(tensor)),
        false if problem.may_keep[level].contains(tensor) => Some(keep.with(tensor)),
        _ => None,
    }
}

/// Orders the loops of every level as the guess has it: the best dimension innermost, then those that leave the same
/// tensors where they are.
fn order(problem: &Problem, candidate: &mut Candidate) {
    let Some(guess) = estimate(problem, candidate, Mode::Guess) else { return };
    for level in 1..problem.n_levels {
        let Some(innermost) = guess.innermost[level] else { continue };
        let stay = |dim: usize| {
            let stays = problem.shapes.iter().filter(|shape| !shape.uses.contains(usize::from(innermost)));
            stays.filter(|shape| !shape.uses.contains(dim)).count()
        };
        let order = &mut candidate.order[level][..problem.dims.len()];
        order.sort_by_key(|&dim| (dim != innermost, std::cmp::Reverse(stay(usize::from(dim))), dim));
    }
}

/// Lets the model judge the neighbours of the best candidate until none is better or the evaluations are used up.
fn polish(problem: &Problem, costing: &mut Costing, evaluations: u64) -> Result<(), NoMapping> {
    while let Some((start, before)) = costing.best.clone() {
        reorder(problem, costing, &start, evaluations)?;
        let Some((start, _)) = costing.best.clone() else { break };
        let mut trial = start.clone();
        for step in moves(problem, &start) {
            if costing.evaluated >= evaluations {
                return Ok(());
            }
            step.apply(&mut trial);
            costing.cost(&trial)?;
            step.reverse().apply(&mut trial);
        }
        for level in 0..problem.n_levels {
            for tensor in 0..problem.shapes.len() {
                if let Some(keep) = toggled(problem, &start, level, tensor) {
                    trial.keep[level] = keep;
                    costing.cost(&trial)?;
                    trial.keep[level] = start.keep[level];
                }
            }
        }
        if !costing.best.as_ref().is_some_and(|(_, after)| is_better(*after, before)) {
            break;
        }
    }
    Ok(())
}

/// Tries every loop of every level as the innermost.
fn reorder(
    problem: &Problem,
    costing: &mut Costing,
    start: &Candidate,
    evaluations: u64,
) -> Result<(), NoMapping> {
    let mut base = start.clone();
    for level in 1..problem.n_levels {
        let loops = problem.dims.iter().filter(|&&dim| start.factors[level][dim] > 1);
        for &dim in loops {
            if costing.evaluated >= evaluations {
                return Ok(());
            }
            let mut trial = base.clone();
            trial.pull_in(level, dim, problem.dims.len());
            if trial.order[level] != base.order[level] {
                costing.cost(&trial)?;
            }
        }
        if let Some((best, _)) = &costing.best {
            base = best.clone();
        }
    }
    Ok(())
}
