//! Reports: what a search, a comparison, a data set or proposals came to, as one HTML file that needs no network.
//!
//! [`ReportPage`] holds what is to be shown, as plain data; [`ReportPage::html`] writes the page: the data, the program that shows it
//! (`page/`), the charting library (`data/charts`), and the library's licence. A page may load nothing from anywhere: it says so to
//! the browser itself.
//!
//! ```
//! use tapeout_core::check::toy::Toy;
//! use tapeout_core::{Env, Outcome, Seed};
//! use tapeout_report::{ReportPage, ReportedTrials};
//!
//! let env = Toy::tradeoff();
//! let problem = env.problem();
//! let mut stream = Seed::new(0).stream("designs");
//! let mut trials = Vec::new();
//! for _ in 0..50 {
//!     let design = problem.space().sample(&mut stream);
//!     let outcome = env.evaluate(&design)?;
//!     trials.push(problem.trial(design, outcome));
//! }
//! let part = ReportedTrials { name: "a", problem: &problem, trials: &trials, facts: Vec::new(), command: None };
//! let html = ReportPage::of_trials("Fifty designs", &[part]).html();
//! assert!(html.contains("Fifty designs") && html.contains("Apache License"));
//! # Ok::<(), tapeout_core::EvalError>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`page`] | the page: its parts as data, its text as HTML |
//! | [`searched`] | the trials of a run or a data set, as columns |
//! | `packed` | columns as text, compressed |
//! | `course` | the hypervolume and the best values over trials |
//! | [`importance`] | which parameters an objective depends on |
//! | [`compared`] | agents side by side: ranks, critical difference, what they cost |
//! | [`promised`] | what was expected of proposals, and what was measured |

pub mod compared;
mod course;
pub mod importance;
mod packed;
pub mod page;
pub mod promised;
pub mod searched;

pub use compared::ComparedAgents;
pub use page::ReportPage;
pub use promised::{PromisedDesign, PromisedMetric};
pub use searched::ReportedTrials;
