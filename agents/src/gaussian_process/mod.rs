//! Bayesian optimization with Gaussian processes: expected improvement over legal designs, one objective or several.
//!
//! Source: Jones, Schonlau & Welch (1998), doi:10.1023/A:1008306431147; the kernel and the warping of losses after Song et al.
//! (2024), "The Vizier Gaussian Process Bandit Algorithm", arXiv:2408.11527; constraints after Gardner et al. (2014),
//! "Bayesian Optimization with Inequality Constraints", section 3; batches after Ginsbourger, Le Riche & Carraro (2010),
//! doi:10.1007/978-3-642-10701-6_6; two objectives after Yang et al. (2019), doi:10.1007/s10898-019-00798-7; more after Knowles
//! (2006), doi:10.1109/TEVC.2005.851274.
//! Departs from them: the first designs are fewer than the 10 d of Jones et al.; the acquisition is maximised over legal designs by
//! local search; whether a design can be measured is a regression of its class (Rasmussen & Williams 2006, section 6.5).
//!
//! | module | holds |
//! |---|---|
//! | `agent` | hyperparameters, and the search for the design most worth trying |
//! | `models` | the processes, one for each loss, each limit and what cannot be measured |
//! | `scorer` | what they make of a design |

mod agent;
mod models;
mod scorer;

pub use agent::{Acquisition, GaussianProcessConfig, GaussianProcessSearch};
