//! Filling tables of measured kernels: which designs, who measures them, and what is there already.
//!
//! A search whose environment measures and whose log is the table. A table grows by a line for each measurement and can be gone
//! on with at any time: designs that are in it are answered from it. Several processes compile side by side; the device is lent
//! from one to the next.

mod error;
mod fill;
mod measured_kernels;
mod table_log;
mod workers;

pub use error::MeasureError;
pub use fill::{Filled, MeasurePlan, fill};
pub use workers::Workers;
