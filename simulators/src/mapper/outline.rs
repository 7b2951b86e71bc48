//! The cheapest bound: every word that an instance handles is fetched once, and every unit is fed; of one unrolling.

use super::ground::least;
use super::plan::{Choice, Crossing, Plan};
use super::prices::{MAX_METRICS, Metrics, Prices, Toll};
use super::problem::Problem;
use super::unrolling::Unrolling;
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS};

/// No mapping with `unrolling` has less in any metric; `prices` are those of `unrolling`. `None` if no choice of what is
/// kept leads to a mapping.
pub(super) fn outline(
    problem: &Problem,
    plan: &Plan,
    prices: &Prices,
    unrolling: &Unrolling,
) -> Option<Metrics> {
    let costs = least_costs(problem, plan, prices, unrolling);
    let sum = |crossings: &[usize], start: Metrics| {
        crossings.iter().fold(start, |sum, &crossing| plus(sum, costs[crossing]))
    };
    let unit_costs = plan.units.iter();
    let mut inside: Vec<Option<Metrics>> = unit_costs
        .map(|crossings| (!crossings.is_empty()).then(|| sum(crossings, [0.0; MAX_METRICS])))
        .collect();
    for stage in plan.stages.iter().rev() {
        let cost = |choice: &Choice| inside[choice.next].map(|inside| sum(&choice.crossings, inside));
        let outside =
            stage.choices.iter().map(|choices| choices.iter().filter_map(cost).reduce(|a, b| least(&a, &b)));
        inside = outside.collect();
    }
    inside[0].map(|least| plus(least, prices.start))
}

/// By crossing: what it costs at least.
fn least_costs(problem: &Problem, plan: &Plan, prices: &Prices, unrolling: &Unrolling) -> Vec<Metrics> {
    // By level and dimension: points of the smallest tile of an instance.
    let mut tiles = [[1.0; MAX_DIMS]; MAX_LEVELS];
    let mut inside = [1.0; MAX_DIMS];
    for (tile, widths) in tiles.iter_mut().zip(&prices.widths).take(problem.n_levels) {
        inside.iter_mut().zip(widths).take(problem.n_dims).for_each(|(points, width)| *points *= width);
        *tile = inside;
    }
    let cost = |(crossing, toll): (&Crossing, &Toll)| {
        let Some(child) = crossing.child else { return linear(toll, unrolling.iterations(), 0.0) };
        let (shape, tile) = (&problem.shapes[crossing.tensor], &tiles[child]);
        let mut reached = *tile;
        let steps = unrolling.steps.iter().take(problem.n_dims);
        reached.iter_mut().zip(steps).for_each(|(points, &steps)| *points *= steps as f64);
        // Words that one instance fetches, and words of its tile, both at least.
        linear(toll, shape.distinct(&reached), shape.words(tile))
    };
    plan.crossings.iter().zip(&prices.tolls).map(cost).collect()
}

/// The toll of `words` at least, of tiles of `tile` words at least.
fn linear(toll: &Toll, words: f64, tile: f64) -> Metrics {
    std::array::from_fn(|metric| {
        // Words of a tile that are taken off again are some of those that are fetched.
        let tile = if toll.per_tile_word[metric] < 0.0 { words } else { tile };
        toll.fixed[metric] + words * toll.per_word[metric] + tile * toll.per_tile_word[metric]
    })
}

fn plus(a: Metrics, b: Metrics) -> Metrics {
    std::array::from_fn(|metric| a[metric] + b[metric])
}
