//! CMA-ES with margin: a normal distribution over levels that learns which way is down, and never loses a level from
//! sight.
//!
//! Source: Hansen (2016), "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772v1, whose equations are numbered
//! below; with the margin of Hamano, Saito, Nomura & Shirakawa (2022), doi:10.1145/3512290.3528827, which keeps the
//! neighbouring levels of an ordered parameter within reach; and for categories a distribution with a margin beside
//! it, as in CatCMA, Hamano et al. (2024), doi:10.1145/3638529.3654198.
//! Departs from them: weights are not negative; a category's distribution moves at the learning rate of the rank-mu
//! update, in place of an adapted one; a generation is whatever has been observed when it holds lambda trials or
//! more; designs from elsewhere, and those that repair moved, are injected with a bound on their length (Hansen 2011,
//! "Injecting external solutions into CMA-ES", arXiv:1110.4181); the first generation is random; known designs are not proposed again.
//!
//! | file | holds |
//! |---|---|
//! | `agent` | hyperparameters, generations, and designs from elsewhere |
//! | `gaussian` | the distribution of ordered levels, its update and its margin |
//! | `categories` | the distribution of categories |
//! | `eigen` | eigenvalues of the covariance |

mod agent;
mod categories;
mod eigen;
mod gaussian;

pub use agent::{CmaEs, CmaEsConfig};
