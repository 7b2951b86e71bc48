//! The cheapest bound of an unrolling: every word that an instance handles is fetched once, and every unit is fed.

use super::plan::{Choice, Plan};
use super::prices::{MAX_METRICS, Metrics, Prices, Toll};
use super::problem::Problem;
use super::unrolling::Unrolling;
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS, MAX_TENSORS};

/// No mapping with `unrolling` has less in any metric; `prices` are those of `unrolling`. `None` if no choice of what is
/// kept leads to a mapping.
pub(super) fn outline(problem: &Problem, plan: &Plan, prices: &Prices, unrolling: &Unrolling) -> Option<Metrics> {
    let tolls = prices.tolls(plan);
    let least = least_words(problem, prices, unrolling);
    let iterations = unrolling.iterations();
    let mut inside: Vec<Option<Metrics>> = plan
        .units
        .iter()
        .map(|crossings| {
            let costs = crossings.iter().map(|&index| linear(&tolls[index], iterations, 0.0));
            (!crossings.is_empty()).then(|| costs.fold([0.0; MAX_METRICS], plus))
        })
        .collect();
    for stage in plan.stages.iter().rev() {
        let cost = |choice: &Choice| {
            let crossings = choice.crossings.iter().map(|&index| {
                let crossing = plan.crossings[index];
                let (words, tile) = least[crossing.child.unwrap_or(0)][crossing.tensor];
                linear(&tolls[index], words, tile)
            });
            inside[choice.next].map(|inside| crossings.fold(inside, plus))
        };
        let outside = stage.choices.iter().map(|choices| choices.iter().filter_map(cost).reduce(minimum));
        inside = outside.collect();
    }
    inside[0].map(|least| plus(least, prices.start))
}

/// By level and tensor: words that one instance fetches, and words of its tile, both at least.
fn least_words(
    problem: &Problem,
    prices: &Prices,
    unrolling: &Unrolling,
) -> [[(f64, f64); MAX_TENSORS]; MAX_LEVELS] {
    let mut least = [[(0.0, 0.0); MAX_TENSORS]; MAX_LEVELS];
    let mut inside = [1.0; MAX_DIMS];
    for (level, row) in least.iter_mut().enumerate().take(problem.n_levels) {
        let mut reached = inside;
        for (dim, inside) in inside.iter_mut().enumerate().take(problem.n_dims) {
            *inside *= prices.widths[level][dim];
            reached[dim] = *inside * unrolling.steps[dim] as f64;
        }
        for (slot, shape) in row.iter_mut().zip(&problem.shapes) {
            *slot = (shape.distinct(&reached), shape.words(&inside));
        }
    }
    least
}

fn linear(toll: &Toll, words: f64, tile: f64) -> Metrics {
    std::array::from_fn(|metric| {
        toll.fixed[metric] + words * toll.per_word[metric] + tile * toll.per_tile_word[metric]
    })
}

fn plus(a: Metrics, b: Metrics) -> Metrics {
    std::array::from_fn(|metric| a[metric] + b[metric])
}

fn minimum(a: Metrics, b: Metrics) -> Metrics {
    std::array::from_fn(|metric| a[metric].min(b[metric]))
}
