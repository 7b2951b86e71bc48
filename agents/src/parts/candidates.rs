//! Where a model looks for its next proposals: designs scattered in the space, and climbs from the best of them.
//!
//! Source: Hutter, Hoos & Leyton-Brown (2011), doi:10.1007/978-3-642-25566-3_40, section 4.3: a local search over
//! neighbours from several good designs, beside random designs that are scored with them.
//! Departs from it: every score counts against one budget; a start gives designs a few random steps away, of which there are more than
//! neighbours (as Regis & Shoemaker 2013, doi:10.1080/0305215X.2012.687731, perturb some of many coordinates); a climb expands the best
//! design not yet expanded, wherever it came from, in place of following one path for each start; a space smaller than the
//! budget is scored whole.

use std::collections::HashSet;

use rand::RngExt;
use tapeout_core::space::Neighbourhood;
use tapeout_core::{Design, DesignSpace, Stream};

use crate::parts::moves::step;
use crate::parts::seen::Seen;

/// The climbs go on until so many of the best designs have been expanded.
pub const EXPANDED: usize = 10;
/// A third of the budget each goes to designs near the starts, to designs drawn at random, and to climbs.
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
    for start in starts.iter().cycle().take(if starts.is_empty() { 0 } else { budget / SHARES }) {
        let design = near(space, start, rng);
        if is_open(&design) {
            fresh.push(design);
        }
    }
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

/// A design one random step from `start`, two with half the chance, and so on.
fn near(space: &DesignSpace, start: &Design, rng: &mut Stream) -> Design {
    let mut design = step(space, start, rng);
    while rng.random() {
        design = step(space, &design, rng);
    }
    design
}

fn ranked(designs: Vec<Design>, score: &mut impl FnMut(&[Design]) -> Vec<f64>) -> Vec<Candidate> {
    let scores = score(&designs);
    let pairs = designs.into_iter().zip(scores);
    let mut candidates: Vec<Candidate> = pairs.map(|(design, score)| Candidate { design, score }).collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates
}

/// A legal design at levels that the designs in `known` seldom have: of some drawn at random, the one that is the least crowded along
/// its parameters, each by itself. So a few designs are spread along every parameter, as in a Latin square (McKay, Beckman & Conover
/// 1979, doi:10.1080/00401706.1979.10489755), also where rules or few levels leave none; and none goes to a corner because it is far
/// from the others, where much is too large or too small to work.
pub fn spread(seen: &Seen, known: &[&Design], rng: &mut Stream) -> Option<Design> {
    /// Own choice: dozens tell a crowded level from a free one, and cost less than a model.
    const DRAWN: usize = 32;
    let space = seen.space();
    let mut best: Option<(f64, Design)> = None;
    for _ in 0..DRAWN {
        let design = space.sample(rng);
        if seen.contains(&design) {
            continue;
        }
        let crowding = known.iter().map(|other| crowding(space, &design, other)).sum::<f64>();
        if best.as_ref().is_none_or(|(least, _)| crowding < *least) {
            best = Some((crowding, design));
        }
    }
    best.map(|(_, design)| design)
}

/// How close two designs are along each parameter, added up: 1 for the same level, falling to 0 at a quarter of the range.
fn crowding(space: &DesignSpace, a: &Design, b: &Design) -> f64 {
    /// Own choice: ten designs are to be told apart.
    const REACH: f64 = 0.25;
    let levels = a.levels().iter().zip(b.levels()).zip(space.parameters());
    let along = levels.map(|((&a, &b), parameter)| {
        let last = parameter.n_levels() - 1;
        if a == b {
            1.0
        } else if parameter.is_categorical() {
            0.0
        } else {
            (1.0 - f64::from(a.abs_diff(b)) / (REACH * f64::from(last))).max(0.0)
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

    /// Of an 8 x 8 square the levels 0 and 7 of both parameters are known, and next to them a seventh of the range is within reach:
    /// designs drawn apart from them have levels of 2 to 5.
    #[test]
    fn designs_are_placed_at_free_levels() {
        let toy = Toy::hopeless();
        let known = [toy.space().unrank(0), toy.space().unrank(63)];
        let mut rng = Seed::new(0).stream("test");
        for _ in 0..10 {
            let design = spread(&Seen::new(toy.space()), &known.each_ref(), &mut rng).unwrap();
            assert!(design.levels().iter().all(|level| (2..=5).contains(level)), "{design:?}");
        }
    }
}
