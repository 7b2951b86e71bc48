//! The cheapest bounds: every word that an instance handles is fetched once, and every unit is fed; of one unrolling, and
//! of all.

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

/// Energy and cycles that no mapping is below, whatever its unrolling: what a search goes by.
pub(super) fn relaxed(problem: &Problem) -> (f64, f64) {
    let sizes = problem.sizes.map(|size| size as f64);
    let macs: f64 = sizes[..problem.n_dims].iter().product();
    let units: f64 = problem.places().map(|place| problem.positions[place].limit as f64).product();
    let (mut energy_j, mut read, mut written) = (macs * problem.mac_j, 0.0, 0.0);
    let top = problem.n_levels - 1;
    let top_cost = &problem.costs[top];
    for (tensor, shape) in problem.shapes.iter().enumerate() {
        let words = shape.words(&sizes);
        let is_outside = problem.must_keep[top].contains(tensor);
        // Words between the outermost level and the next one.
        let from_outside = match (is_outside, shape.output) {
            (true, true) => words * top_cost.update_j / top_cost.cluster_size as f64,
            (true, false) => {
                problem.stored(tensor, top) * words * top_cost.read_j / top_cost.cluster_size as f64
            }
            (false, _) => 0.0,
        };
        let moved = problem.stored(tensor, top) * words;
        *if shape.output { &mut written } else { &mut read } += if is_outside { moved } else { 0.0 };
        let alike = |first: usize, last: usize| alike(problem, tensor, first, last);
        let mut least = f64::INFINITY;
        for level in 0..problem.n_levels {
            let accesses = macs / alike(0, level);
            if !problem.may_keep[level].contains(tensor) {
                continue;
            }
            let cost = &problem.costs[level];
            // Each of those that add to one sum begins it once, without reading it.
            let first = words * alike(level + 1, top);
            let (reads, updates) =
                if shape.output { ((accesses - first).max(0.0), accesses) } else { (accesses, 0.0) };
            let own_j = (reads * problem.stored(tensor, level) * cost.read_j + updates * cost.update_j)
                / cost.cluster_size as f64;
            least = least.min(own_j + if level < top { from_outside } else { 0.0 });
            if problem.must_keep[level].contains(tensor) {
                break;
            }
        }
        energy_j += least;
    }
    let transfers = (read * top_cost.read_cycles)
        .max(written * top_cost.write_cycles)
        .max((read + written) * top_cost.shared_cycles);
    (energy_j, (macs / units).max(transfers / top_cost.instances as f64))
}

/// Instances below the levels from `first` to `last` that may be told apart by nothing that `tensor` uses, at most.
pub(super) fn alike(problem: &Problem, tensor: usize, first: usize, last: usize) -> f64 {
    let shape = &problem.shapes[tensor];
    let places = problem.positions[problem.places()].iter();
    // Indices that add up can be alike, too.
    let idle = places.filter(|place| shape.slides || place.dims.iter().any(|dim| !shape.uses.contains(dim)));
    idle.filter(|place| (first..=last).contains(&place.level)).map(|place| place.limit as f64).product()
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
