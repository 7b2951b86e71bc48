//! Data sets: trials of many runs as one table, to learn from.
//!
//! ```text
//! run folders -> Dataset::of_runs --+--> Dataset -> write -> folder: dataset.toml . table.parquet (or table.csv)
//! environment -> generate ----------+       ^                   |
//! somebody's log -> import ---------+       |                   |
//!                                           +------ read -------+
//! Dataset -> split -> Split: rows to train on, to select by, and to hide
//! ```
//!
//! A row is a design, what became of it, and for which *workload*: the workload that the environment's settings name.
//! All rows share space, environment, version, metrics and every other setting; logs that differ in any of them are
//! refused with the difference. Infeasible designs are rows like others, with the rule that they break.
//!
//! | module | holds |
//! |---|---|
//! | [`table`] | the data set: workloads, sources, rows |
//! | [`gather`] | a data set of run folders |
//! | [`import`] | a data set of somebody's log: CSV, JSON lines, Parquet |
//! | `logged`, `recorded` | a data set as an environment: its space alone, and its table as answers |
//! | [`generate`](mod@generate) | a data set of designs drawn at random, made in parallel, resumable |
//! | [`split`](mod@split) | by quality, by workload, by the levels of a parameter |
//! | [`overview`] | counts, infeasible shares by rule, quantiles of metrics |
//! | [`folder`] | a data set on disk: manifest with checksum, table as Parquet or CSV |
//! | [`error`] | what can be wrong with all of these |

mod arrow_schema;
mod croissant;
mod csv;
pub mod error;
pub mod folder;
pub mod gather;
pub mod generate;
pub mod import;
mod kinship;
mod layout;
mod logged;
mod manifest;
pub mod overview;
mod parquet;
mod recorded;
pub mod split;
pub mod table;

pub use error::DatasetError;
pub use folder::TableFormat;
pub use generate::{DatasetPlan, Generation, generate};
pub use layout::TableFault;
pub use logged::{Logged, LoggedConfig};
pub use manifest::DATASET_SCHEMA;
pub use overview::{MetricOverview, Overview};
pub use recorded::{RecordedConfig, RecordedDesigns};
pub use split::{Split, SplitBy, SplitError};
pub use table::{Dataset, DatasetSource, DatasetWorkload, Row};
