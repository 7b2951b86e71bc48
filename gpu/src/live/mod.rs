//! Measuring on a device, in the process that has the context: correct first, then timed.
//!
//! Sources: CUDA Driver API reference, NVML API reference, cuBLAS documentation, section "cuBLASLt API".
#![allow(unsafe_code)]

mod buffers;
mod cublaslt;
mod device;
mod kernel;
mod monitor;
mod operands;
mod reference;

use std::sync::Arc;

use cudarc::driver::sys::CUevent_flags;
use cudarc::driver::{CudaEvent, CudaStream, DriverError};
use tapeout_core::Seed;
use tapeout_simulators::gpu_gemm::{Gemm, Stage};

pub use device::{Unavailable, missing};

use crate::bench::{Halt, Measurer};
use crate::launch::LaunchGeometry;
use crate::measurement::{By, Compiled, DeviceState, Fault, FaultRule, Job, Measured, Session, TimingMethod};
use crate::nvrtc::{CompileError, Cubin, GpuArchitecture, Nvrtc};
use crate::source::KernelSource;
use crate::weights::NarrowOrder;
use buffers::{BufferSet, Buffers};
use cublaslt::CublasLt;
use device::OpenDevice;
use kernel::TileKernel;
use monitor::Monitor;
use operands::Operand;
use reference::Reference;

/// Measures on the first device that the driver shows this process.
pub struct Live {
    device: OpenDevice,
    nvrtc: Nvrtc,
    monitor: Option<Monitor>,
    session: Session,
    problem: Option<Problem>,
}

/// A product's operands, what is known of the right result, and where they lie on the device.
struct Problem {
    gemm: Gemm,
    inputs: u64,
    operands: [Operand; 2],
    reference: Reference,
    buffers: Option<Buffers>,
}

/// A compiled kernel and how it wants its operands.
pub struct Ready {
    gemm: Gemm,
    inputs: u64,
    kind: Kind,
}

enum Kind {
    Tile { cubin: Cubin, launch: LaunchGeometry, order: Option<NarrowOrder> },
    CublasLt,
}

/// Something that can be launched again and again.
trait Launch {
    /// Queues one computation of the product in `set`, all that belongs to it included.
    fn launch(&self, stream: &Arc<CudaStream>, set: &mut BufferSet) -> Result<(), Halt>;
}

impl Live {
    /// Opens the first device.
    ///
    /// # Errors
    /// [`Unavailable`] if there is no driver, no device or no compiler.
    pub fn open(method: TimingMethod) -> Result<Self, Unavailable> {
        let device = OpenDevice::first()?;
        let nvrtc = Nvrtc::load().map_err(|missing| Unavailable::Compiler(missing.to_string()))?;
        let monitor = Monitor::of(&device.uuid);
        let session = device.session(&nvrtc, monitor.as_ref(), method);
        Ok(Self { device, nvrtc, monitor, session, problem: None })
    }

    fn compile(&self, job: &Job) -> Result<Kind, Halt> {
        let By::Tile(tile) = job.by else { return Ok(Kind::CublasLt) };
        let source = KernelSource::for_tile(&tile, &job.gemm);
        let architecture = GpuArchitecture::new(self.session.compute_capability);
        // Whoever started this process watches the time.
        match self.nvrtc.compile(&source, architecture) {
            Ok(cubin) => {
                let order = NarrowOrder::of(&tile, &job.gemm);
                Ok(Kind::Tile { cubin, launch: source.launch(), order })
            }
            Err(error @ CompileError::Refused { .. }) => {
                Err(Halt::Fault(Fault::new(Stage::Compile, FaultRule::CompileRefused, error)))
            }
            Err(error) => Err(Halt::Failed(error.to_string())),
        }
    }

    /// Draws the operands of a product and computes what it is compared with, unless that is done.
    fn meet(&mut self, gemm: &Gemm, inputs: u64) {
        let is_met = self.problem.as_ref().is_some_and(|known| known.gemm == *gemm && known.inputs == inputs);
        if !is_met {
            // Memory of the last product is given back before that of the next is asked for.
            self.problem = None;
            let seed = Seed::new(inputs);
            let operands = Operand::pair(gemm, seed);
            let reference = Reference::of(gemm, &operands, seed);
            self.problem = Some(Problem { gemm: *gemm, inputs, operands, reference, buffers: None });
        }
    }

    fn measure(
        &mut self,
        kernel: &dyn Launch,
        order: Option<&NarrowOrder>,
        compiled: Option<Compiled>,
    ) -> Result<Measured, Halt> {
        let problem = self.problem.as_mut().expect("invariant: `run` has met the problem");
        let buffers = match problem.buffers.take() {
            Some(buffers) => buffers,
            None => Buffers::new(&self.device, &problem.gemm).map_err(out_of_memory)?,
        };
        let buffers = problem.buffers.insert(buffers);
        buffers.upload(&self.device.stream, &problem.operands, order).map_err(lost)?;

        let stream = &self.device.stream;
        let first = &mut buffers.sets[0];
        first.poison(stream).map_err(lost)?;
        kernel.launch(stream, first)?;
        let product = first.product(stream).map_err(lost)?;
        let error_share = problem
            .reference
            .compare(&product)
            .map_err(|wrong| Halt::Fault(Fault::new(Stage::Run, FaultRule::WrongResult, wrong)))?;

        let mut timing =
            Timing { device: &self.device, monitor: self.monitor.as_ref(), kernel, buffers, next: 0 };
        let (samples_s, state) = timing.samples(&self.session.method)?;
        let energy_j =
            timing.energy_j(self.session.method.energy_s, crate::measurement::median(samples_s.clone()))?;
        Ok(Measured { samples_s, energy_j, error_share, compiled, state })
    }
}

impl Measurer for Live {
    type Prepared = Ready;

    fn session(&self) -> &Session {
        &self.session
    }

    fn prepare(&mut self, job: &Job, inputs: u64) -> Result<Ready, Halt> {
        let kind = self.compile(job)?;
        self.meet(&job.gemm, inputs);
        Ok(Ready { gemm: job.gemm, inputs, kind })
    }

    fn run(&mut self, ready: Ready) -> Result<Measured, Halt> {
        self.meet(&ready.gemm, ready.inputs);
        match ready.kind {
            Kind::Tile { cubin, launch, order } => {
                let compiled = Compiled {
                    registers: cubin.report.registers,
                    spill_byte: cubin.report.spill_store_byte + cubin.report.spill_load_byte,
                };
                let kernel = TileKernel::load(&self.device, cubin.image, launch)?;
                self.measure(&kernel, order.as_ref(), Some(compiled))
            }
            Kind::CublasLt => {
                let product = CublasLt::new(&self.device, &ready.gemm)?;
                self.measure(&product, None, None)
            }
        }
    }
}

/// Launches between events, over buffers that take turns so that no launch finds its operands in the second-level cache.
struct Timing<'a> {
    device: &'a OpenDevice,
    monitor: Option<&'a Monitor>,
    kernel: &'a dyn Launch,
    buffers: &'a mut Buffers,
    next: usize,
}

impl Timing<'_> {
    fn launch(&mut self, count: u32) -> Result<(), Halt> {
        for _ in 0..count {
            let n_sets = self.buffers.sets.len();
            self.kernel.launch(&self.device.stream, &mut self.buffers.sets[self.next % n_sets])?;
            self.next += 1;
        }
        Ok(())
    }

    /// Every sample, and the device while it was busy.
    fn samples(&mut self, method: &TimingMethod) -> Result<(Vec<f64>, Option<DeviceState>), Halt> {
        self.launch(method.warm_ups)?;
        let mut samples_s = Vec::with_capacity(method.samples as usize);
        let mut state = None;
        for _ in 0..method.samples {
            let [start, end] = [self.event()?, self.event()?];
            start.record(&self.device.stream).map_err(lost)?;
            self.launch(method.launches)?;
            end.record(&self.device.stream).map_err(lost)?;
            // Asked now, while what was queued is running.
            state = self.monitor.and_then(Monitor::state).or(state);
            let elapsed_ms = start.elapsed_ms(&end).map_err(lost)?;
            samples_s.push(f64::from(elapsed_ms) * 1e-3 / f64::from(method.launches));
        }
        Ok((samples_s, state))
    }

    /// The energy of one launch, from repeating it for about `energy_s`; none if nobody wants to know or can say.
    fn energy_j(&mut self, energy_s: f64, time_s: f64) -> Result<Option<f64>, Halt> {
        let Some(monitor) = self.monitor.filter(|_| energy_s > 0.0) else { return Ok(None) };
        let count = (energy_s / time_s).ceil() as u32;
        let before_j = monitor.energy_j();
        self.launch(count)?;
        self.device.stream.synchronize().map_err(lost)?;
        let after_j = monitor.energy_j();
        Ok(before_j.zip(after_j).map(|(before_j, after_j)| (after_j - before_j) / f64::from(count)))
    }

    fn event(&self) -> Result<CudaEvent, Halt> {
        self.device.context.new_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).map_err(lost)
    }
}

/// An error that comes after a launch: whatever it is, the context is not to be trusted any more.
/// Source: CUDA Driver API reference, "CUresult" (errors after which the process must be ended).
fn lost(error: DriverError) -> Halt {
    Halt::Lost(Fault::new(Stage::Run, FaultRule::StickyError, error))
}

fn out_of_memory(error: DriverError) -> Halt {
    Halt::Failed(format!("no memory on the device for operands and product: {error}"))
}
