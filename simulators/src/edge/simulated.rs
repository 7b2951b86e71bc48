//! DRAM as its controller makes it: the accesses of a mapped layer are played to a simulated memory, which says what share of its
//! bandwidth they reach and how long one of them takes.

use super::chip::Chip;
use super::hierarchy::{ACTIVATION, DRAM, PARAMETER};
use super::layer::PreparedLayer;
use super::mapping::best;
use crate::dram::{
    Arbiter, Controller, DDR3_1600, DramDevice, HBM2_2000, LPDDR4_3200, MappedTraceError, Order, PagePolicy,
    RefreshPolicy, ResponseQueue, Scheduler, SchedulerBuffer, Scratch, Simulator, Trace,
};
use crate::loop_nest::{Architecture, Evaluator, Quirks, Report, Workspace};
use crate::mapped_trace::MappedTrace;
use crate::mapper::Best;
use crate::technology::DramKind;
