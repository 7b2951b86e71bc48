//! What the classic regressions share that people expect beside a surrogate: rows, folds, a spread and p(feasible).
//!
//! The regressions are those of the crate smartcore. They say nothing of how sure they are, so both of that is made here, from the
//! trials alone: the spread at a design is the root mean square of the errors of cross-validation at the logged designs nearest to
//! it, and p(feasible) the share of feasible ones among the nearest.
//!
//! | file | holds |
//! |---|---|
//! | `learner` | the learner around any of the regressions, and its model |
//! | `nearest` | means over the nearest of some rows |

mod learner;
mod nearest;

pub use learner::{Baseline, Regression};
pub(crate) use nearest::{Nearest, Weighting, matrix};
