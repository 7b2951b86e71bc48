//! The program as people and scripts use it.

mod bad_input;
mod compare;
mod dataset;
mod offline;
mod measure;
mod pages;
mod runs;
mod scratch;
mod simulate;
mod warm_start;
