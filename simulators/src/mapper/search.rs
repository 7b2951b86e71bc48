//! The one call.

use super::candidate::Costing;
use super::constraints::MappingConstraints;
use super::options::{Objective, Options, Search};
use super::outcome::{Best, NoMapping};
use super::problem::Problem;
use super::{exhaustive, fast};
use crate::loop_nest::{Architecture, Einsum};

/// The best mapping of `einsum` onto `architecture` within `constraints`, and its cost.
///
/// Deterministic. The quick and the fast search cost a bounded number of mappings, whatever the layer.
///
/// # Errors
/// [`NoMapping`]: which level and tensor do not fit and by how much, or what else stands in the way.
pub fn best_mapping(
    architecture: &Architecture,
    einsum: &Einsum,
    objective: Objective,
    constraints: &MappingConstraints,
    options: Options,
) -> Result<Best, NoMapping> {
    let problem = Problem::new(architecture, einsum, objective, options.quirks, constraints)?;
    problem.check_smallest()?;
    let mut costing = Costing::new(&problem);
    let effort = if options.search == Search::Quick { fast::QUICK } else { fast::FAST };
    fast::search(&problem, &mut costing, effort)?;
    if let Search::Exhaustive { max_evaluations } = options.search {
        exhaustive::search(&problem, &mut costing, max_evaluations)?;
    }
    let is_proven = matches!(options.search, Search::Exhaustive { .. });
    costing.finish(is_proven)?.ok_or_else(|| problem.nothing_fits())
}
