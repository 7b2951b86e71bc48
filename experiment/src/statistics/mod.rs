//! What a few repetitions of a random run say: pure functions of samples.
//!
//! | function | says |
//! |---|---|
//! | [`quantile`], [`quartiles`] | where the middle of a sample lies |
//! | [`bootstrap_interval`], [`grouped_interval`] | how far a figure would move if the runs were made again |
//! | [`ranks`] | who comes first, ties shared |
//! | [`critical_difference`], [`cliques`] | which average ranks differ by more than chance |
//! | [`signed_rank`], [`holm`] | whether one of two paired samples is smaller, and of how many such questions |
//! | [`AdaStop`], [`stages_to_show`] | which of several samples differ, looked at as they grow, and what that takes |
//! | [`superiority`], [`superiority_interval`] | how much smaller it tends to be |

mod adastop;
mod bootstrap;
mod nemenyi;
mod quantile;
mod ranks;
mod signed_rank;
mod superiority;

pub use adastop::{AdaStop, ShownOrder, ShownPair, stages_to_show};
pub use bootstrap::{CONFIDENCE, RESAMPLES, bootstrap_interval, grouped_interval};
pub use nemenyi::{cliques, critical_difference};
pub use quantile::{mean, quantile, quartiles};
pub use ranks::ranks;
pub use signed_rank::{SignedRank, holm, signed_rank};
pub use superiority::{superiority, superiority_interval};
