//! How wrong predictions are: of values, of an order, of the best, of probabilities.
//!
//! | file | holds |
//! |---|---|
//! | `values` | errors relative to the size of what is predicted |
//! | `ranks` | Kendall's tau, and what is lost by trusting a predicted order |
//! | `calibration` | whether of the designs said to be feasible with 70 % as many are |
//!
//! All take what was predicted first and the truth second, of the same length.

mod calibration;
mod ranks;
mod values;

pub use calibration::{ReliabilityBin, brier_score, expected_calibration_error, reliability};
pub use ranks::{kendall_tau, top_k_regret};
pub use values::{log_scale_error, relative_rmse};
