//! Pareto dominance over loss vectors: fronts, ranks, crowding, hypervolume and an archive.
//!
//! Every loss is minimised, as [`Problem::judge`](crate::Problem) hands it out, and a set of points has
//! shape `[n][m]`: `n` designs, `m` objectives. A point is anything that can be seen as a slice
//! of `f64` (`Vec<f64>`, `[f64; 3]`, `&[f64]`, an archive's [`Member`]).
//!
//! Constraints are not known here: to rank by constraint domination, sort the acceptable designs and
//! put the others behind them.
//!
//! Two ways of failing. [`hypervolume`], [`contributions`] and [`Archive`] meet figures that a person typed
//! or a log holds, so they return [`ParetoError`]. Ranking runs in the middle of a search, on losses that
//! were judged already, so there a loss that is not finite is a bug and panics.
//!
//! ```
//! use tapeout_core::pareto::{front, hypervolume};
//!
//! let losses = [[1.0, 3.0], [2.0, 1.0], [3.0, 3.0]]; // the third is worse than the second in both
//! assert_eq!(front(&losses), [0, 1]);
//! assert_eq!(hypervolume(&losses, &[4.0, 4.0])?, 7.0);
//! # Ok::<(), tapeout_core::pareto::ParetoError>(())
//! ```

mod archive;
mod crowding;
mod distance;
mod dominance;
mod error;
mod hypervolume;
mod losses;
mod staircase;

pub use archive::{Archive, Member};
pub use crowding::crowding_distance;
pub use distance::igd_plus;
pub use dominance::{dominates, front, non_dominated_sort};
pub use error::ParetoError;
pub use hypervolume::{contributions, hypervolume, hypervolume_2d};
