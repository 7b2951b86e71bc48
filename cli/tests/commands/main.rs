//! The program as people and scripts use it.

mod bad_input;
mod browser;
mod compare;
mod dataset;
mod failures;
mod fuzz;
mod injected;
mod measure;
mod networks;
mod offline;
mod own;
mod own_agents;
mod own_python;
mod pages;
mod report;
mod runs;
mod scratch;
mod simulate;
mod tuning;
mod warm_start;
mod watch;
