//! PRIME: a conservative model of hardware, learned from feasible and infeasible designs alike.
//!
//! Source: Kumar, Yazdanbakhsh, Hashemi, Swersky & Levine (2022), "Data-driven offline optimization for architecting
//! hardware accelerators", ICLR, arXiv:2110.11346; its public code (google-research, folder `prime`) for constants.
//! Departs from it: a multilayer perceptron in place of two transformer layers (two cores train it); a context is joined to the
//! inputs, not multiplied onto the hidden layer; all metrics are learned, and the objectives among them conservatively.
//! `prime` adds the improvements that its config names; `prime-paper` is the paper's form.
//!
//! | file | holds |
//! |---|---|
//! | `loss` | the three terms, and the feasibility head's |
//! | `config` | hyperparameters, and the two presets |
//! | `learner` | one step of training, and the learner |

mod config;
mod learner;
mod loss;

pub use config::{Improved, Negatives, Paper, Preset, PrimeConfig, Units};
pub use learner::Prime;
pub use loss::{Term, conservatism, feasibility, infeasibility, regression};
