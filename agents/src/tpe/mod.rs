//! TPE: designs that are likely among good ones and unlikely among the others.
//!
//! Source: Bergstra, Bardenet, Bengio & Kégl (2011), "Algorithms for Hyper-Parameter Optimization", section 4; Watanabe (2023),
//! "Tree-Structured Parzen Estimator", arXiv:2304.11127, for the joint kernel, the split and the weights he recommends, and
//! for the kernel of a discrete parameter; Ozaki et al. (2020), doi:10.1145/3377930.3389817, for several objectives. Bandwidths
//! are those of Optuna 4's multivariate estimator.
//! Departs from them: a bandwidth ends a level beyond the spread of the centres; the uniform component weighs the same in both
//! densities; kernels around the good give ordered levels a uniform share; samples are made legal, and known ones are not proposed.
//!
//! | file | holds |
//! |---|---|
//! | `agent` | hyperparameters, and the choice among samples |
//! | `split` | which trials are good, and what each of them weighs |
//! | `density` | the two densities |

mod agent;
mod density;
mod split;

pub use agent::{Tpe, TpeConfig};
