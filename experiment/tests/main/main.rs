//! Experiments end to end: specs, runs and their logs, warm starts, data sets.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod datasets;
mod executors;
mod failures;
mod faults;
mod following;
mod imports;
mod memory;
mod packed;
mod runs;
mod specs;
mod toys;
mod warm_start;
