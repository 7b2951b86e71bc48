//! Who compiles and times kernels: a device, or a stand-in.

use crate::measurement::{Fault, Job, Measured, Session};

/// Compiles kernels, and says how long they take.
pub trait Measurer {
    /// A kernel that is ready to run.
    type Prepared;

    /// What it measures with.
    fn session(&self) -> &Session;

    /// All that can be done without the device: compiling. The operands of products are drawn from `inputs`.
    ///
    /// # Errors
    /// [`Halt`].
    fn prepare(&mut self, job: &Job, inputs: u64) -> Result<Self::Prepared, Halt>;

    /// Checks what the kernel computes, and times it.
    ///
    /// # Errors
    /// [`Halt`].
    fn run(&mut self, prepared: Self::Prepared) -> Result<Measured, Halt>;
}

/// Why there is no measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The kernel cannot be used.
    Fault(Fault),
    /// It cannot be used, and has broken the context of the process, which can measure nothing more.
    Lost(Fault),
    /// It could not be measured, which says nothing about it.
    Failed(String),
}
