//! Where a model looks for its next proposals: designs scattered in the space, and climbs from the best of them.
//!
//! Source: Hutter, Hoos & Leyton-Brown (2011), doi:10.1007/978-3-642-25566-3_40, section 4.3: a local search over
//! neighbours from several good designs, beside random designs that are scored with them.
//! Departs from it: every score counts against one budget; a climb expands the best design not yet expanded, wherever it
//! came from, in place of following one path for each start; a space smaller than the budget is scored whole.

use std::collections::HashSet;

use tapeout_core::space::Neighbourhood;
use tapeout_core::{Design, DesignSpace, Stream};

use crate::parts::seen::Seen;

/// The climbs go on until so many of the best designs have been expanded.
const EXPANDED: usize = 10;
/// A third of the budget each goes to neighbours of the starts, to designs drawn at random, and to climbs.
const SHARES: usize = 3;
/// A space whose designs have more neighbours than this is climbed to adjacent levels only.
const MANY_NEIGHBOURS: u32 = 128;
/// Draws for each random design wanted, before it is left out: nearly all of the space is known.
const DRAWS: usize = 4;

/// A design that could be proposed, and what it is worth; more is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Not known, unless every design is.
    pub design: Design,
    /// The model's score of the design.
    pub score: f64,
}

/// Which neighbours a climb in `space` looks at.
pub fn neighbourhood(space: &DesignSpace) -> Neighbourhood {
    let n_neighbours: u32 = space.parameters().iter().map(|parameter| parameter.n_levels() - 1).sum();
    if n_neighbours > MANY_NEIGHBOURS { Neighbourhood::Adjacent } else { Neighbourhood::Hamming }
}

/// About `budget` designs that are not known, best first.
///
/// `starts`: known designs from which to climb. `score`: a number for each of some designs. Empty only if every design is known.
pub fn search(
    seen: &Seen,
    starts: &[Design],
    budget: usize,
    rng: &mut Stream,
    mut score: impl FnMut(&[Design]) -> Vec<f64>,
) -> Vec<Candidate> {
    let space = seen.space();
    if space.cardinality() <= budget as u128 {
        let designs = space.iter().filter(|design| !seen.contains(design)).collect();
        return ranked(designs, &mut score);
    }
    let neighbourhood = neighbourhood(space);
    let mut listed = HashSet::new();
    let mut is_open = |design: &Design| !seen.contains(design) && listed.insert(design.clone());
    let mut fresh: Vec<Design> = Vec::new();
    for start in starts {
        fresh.extend(space.neighbours(start, neighbourhood).into_iter().filter(&mut is_open));
    }
    fresh.truncate(budget / SHARES);
    let n_wanted = fresh.len() + budget / SHARES;
    for _ in 0..DRAWS * (budget / SHARES) {
        if fresh.len() == n_wanted {
            break;
        }
        let design = space.sample(rng);
        if is_open(&design) {
            fresh.push(design);
        }
    }
    let mut candidates = ranked(fresh, &mut score);
    let mut expanded: HashSet<Design> = HashSet::new();
    while candidates.len() < budget {
        let mut best = candidates.iter().take(EXPANDED).map(|candidate| &candidate.design);
        let Some(next) = best.find(|&design| !expanded.contains(design)).cloned() else { break };
        let fresh: Vec<Design> =
            space.neighbours(&next, neighbourhood).into_iter().filter(&mut is_open).collect();
        expanded.insert(next);
        candidates.extend(ranked(fresh, &mut score));
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable: of equals, the first found
    }
    candidates
}

fn ranked(designs: Vec<Design>, score: &mut impl FnMut(&[Design]) -> Vec<f64>) -> Vec<Candidate> {
    let scores = score(&designs);
    let pairs = designs.into_iter().zip(scores);
    let mut candidates: Vec<Candidate> = pairs.map(|(design, score)| Candidate { design, score }).collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates
}

/// A legal design far from all in `known`: of some drawn at random, the one whose nearest is furthest, counted in
/// parameters that differ, each by its share of the range.
///
/// Source: Mitchell (1991), doi:10.1145/127719.122736, the best-candidate algorithm.
pub fn apart(seen: &Seen, known: &[&Design], rng: &mut Stream) -> Option<Design> {
    /// Own choice: dozens tell a filled corner from an empty one, and cost less than a model.
    const DRAWN: usize = 32;
    let space = seen.space();
    let mut best: Option<(f64, Design)> = None;
    for _ in 0..DRAWN {
        let design = space.sample(rng);
        if seen.contains(&design) {
            continue;
        }
        let nearest = known.iter().map(|other| distance(space, &design, other)).fold(f64::INFINITY, f64::min);
        if best.as_ref().is_none_or(|(distance, _)| nearest > *distance) {
            best = Some((nearest, design));
        }
    }
    best.map(|(_, design)| design)
}

fn distance(space: &DesignSpace, a: &Design, b: &Design) -> f64 {
    let levels = a.levels().iter().zip(b.levels()).zip(space.parameters());
    let along = levels.map(|((&a, &b), parameter)| {
        let last = parameter.n_levels() - 1;
        if a == b {
            0.0
        } else if parameter.is_categorical() {
            1.0
        } else {
            f64::from(a.abs_diff(b)) / f64::from(last)
        }
    });
    along.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Seed};

    fn worth(toy: &Toy, designs: &[Design]) -> Vec<f64> {
        let loss = |design| match toy.evaluate(design) {
            Ok(outcome) => outcome.metrics().map_or(f64::INFINITY, |metrics| metrics[0]),
            Err(_) => f64::INFINITY,
        };
        designs.iter().map(|design| -loss(design)).collect()
    }

    /// From one known corner of 3,145,728 designs, the bowl's optimum is met within 1,500 scores: it is one climb.
    #[test]
    fn a_climb_gets_to_the_top() {
        let toy = Toy::bowl();
        let mut seen = Seen::new(toy.space());
        let start = toy.space().unrank(0);
        seen.insert(&start);
        let mut rng = Seed::new(0).stream("test");
        let found = search(&seen, &[start], 1500, &mut rng, |designs| worth(&toy, designs));
        assert_eq!(found[0].design.levels(), [11, 3, 7, 12, 5, 2]);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }

    #[test]
    fn a_small_space_is_scored_whole_but_for_what_is_known() {
        let toy = Toy::tied();
        let mut seen = Seen::new(toy.space());
        seen.insert(&toy.space().unrank(5));
        let mut rng = Seed::new(0).stream("test");
        let found = search(&seen, &[], 100, &mut rng, |designs| worth(&toy, designs));
        assert_eq!(found.len(), 36);
        assert!(found.iter().all(|candidate| !seen.contains(&candidate.design)));
        assert_eq!(found[0].score, -14.0);
    }

    /// Two corners of an 8 x 8 square are known, (0, 0) and (7, 7). Designs drawn apart from them lie near the others.
    #[test]
    fn designs_are_placed_apart() {
        let toy = Toy::hopeless();
        let known = [toy.space().unrank(0), toy.space().unrank(63)];
        let mut rng = Seed::new(0).stream("test");
        for _ in 0..10 {
            let design = apart(&Seen::new(toy.space()), &known.each_ref(), &mut rng).unwrap();
            let distances = known.each_ref().map(|other| distance(toy.space(), &design, other));
            assert!(distances.iter().all(|&distance| distance > 0.7), "{design:?}");
        }
    }
}
