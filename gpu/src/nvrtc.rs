//! Compiling kernels with NVRTC, NVIDIA's run-time compiler, found when it is first asked for.
//!
//! Source: NVRTC documentation, sections "User Interface" and "Supported Compile Options".
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fmt;
use std::os::raw::c_char;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use cudarc::nvrtc::{result, sys};
use tapeout_simulators::gpu_gemm::Device;

use crate::report::{CompileReport, ReportError};
use crate::source::KernelSource;

/// The machine code that a kernel is compiled to, as `sm_80`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GpuArchitecture(u32);

impl GpuArchitecture {
    /// That of a compute capability, ten times its major number plus its minor one.
    pub const fn new(compute_capability: u32) -> Self {
        Self(compute_capability)
    }

    /// That of `device`.
    pub const fn of(device: &Device) -> Self {
        Self(device.compute_capability)
    }
}

impl fmt::Display for GpuArchitecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sm_{}", self.0)
    }
}

/// There is no NVRTC to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the compiler NVRTC (libnvrtc) is not among the system's libraries, major version 12 or 13")]
pub struct NvrtcMissing;

/// Why a kernel was not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The compiler or its assembler refused the kernel.
    #[error("kernel does not compile for {architecture}: {log}")]
    Refused {
        /// What for.
        architecture: GpuArchitecture,
        /// What the compiler said.
        log: String,
    },
    /// It took too long.
    #[error("kernel does not compile for {architecture} within {} s", limit.as_secs_f64())]
    TimeLimit {
        /// What for.
        architecture: GpuArchitecture,
        /// The limit.
        limit: Duration,
    },
    /// The compiler could not be asked, which says nothing about the kernel.
    #[error("compiler NVRTC: {code}")]
    Failed {
        /// Its error code.
        code: String,
    },
    /// What the compiler returned could not be read.
    #[error("compiler NVRTC: what it made for {architecture} cannot be read")]
    Unreadable {
        /// What for.
        architecture: GpuArchitecture,
        /// What is wrong with it.
        #[source]
        source: ReportError,
    },
}

/// A compiled kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cubin {
    /// The module, as the driver loads it.
    pub image: Vec<u8>,
    /// The virtual instructions that it was assembled from.
    pub ptx: String,
    /// What the compiler says of it.
    pub report: CompileReport,
}

/// The compiler.
#[derive(Debug, Clone, Copy)]
pub struct Nvrtc {
    version: [i32; 2],
}

impl Nvrtc {
    /// Looks for the compiler where the system's loader looks for libraries.
    ///
    /// # Errors
    /// [`NvrtcMissing`] if it is not there.
    pub fn load() -> Result<Self, NvrtcMissing> {
        // SAFETY: loads the library, whose initialization has no preconditions, and calls nothing in it.
        if !unsafe { sys::is_culib_present() } {
            return Err(NvrtcMissing);
        }
        let [mut major, mut minor] = [0, 0];
        // SAFETY: both pointers are to integers that outlive the call.
        let code = unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) };
        code.result().map_err(|_| NvrtcMissing)?;
        Ok(Self { version: [major, minor] })
    }

    /// Its version, major and minor.
    pub const fn version(&self) -> [i32; 2] {
        self.version
    }

    /// Compiles `source` for `architecture`.
    ///
    /// # Errors
    /// [`CompileError`]; only `Refused` says something about the kernel.
    pub fn compile(
        &self,
        source: &KernelSource,
        architecture: GpuArchitecture,
    ) -> Result<Cubin, CompileError> {
        let text = CString::new(source.text()).expect("invariant: sources have no zero byte");
        let program = Program::new(&text)?;
        let options = [
            format!("--gpu-architecture={architecture}"),
            "--std=c++17".to_owned(),
            "--ptxas-options=-v".to_owned(),
            // Not every kernel of the family uses every constant.
            "--diag-suppress=177".to_owned(),
        ];
        // SAFETY: the program is alive, and so is the text it was made of.
        let compiled = unsafe { result::compile_program(program.0, &options) };
        let log = program.log()?;
        match compiled {
            Ok(()) => {}
            Err(result::NvrtcError(sys::nvrtcResult::NVRTC_ERROR_COMPILATION)) => {
                return Err(CompileError::Refused { architecture, log });
            }
            Err(error) => return Err(failed(error)),
        }
        let (image, ptx) = (program.image()?, program.ptx()?);
        let report = CompileReport::read(&log, &ptx, &image, source);
        let report = report.map_err(|source| CompileError::Unreadable { architecture, source })?;
        Ok(Cubin { image, ptx, report })
    }

    /// Compiles `source` for `architecture`, but waits for no longer than `limit`.
    ///
    /// A compiler that is busy cannot be stopped: beyond the limit it goes on in its own thread until it is done, and what
    /// it makes is thrown away.
    ///
    /// # Errors
    /// [`CompileError`]; `Refused` and `TimeLimit` say something about the kernel.
    pub fn compile_within(
        &self,
        source: &KernelSource,
        architecture: GpuArchitecture,
        limit: Duration,
    ) -> Result<Cubin, CompileError> {
        let (sender, receiver) = channel();
        let (nvrtc, source) = (*self, source.clone());
        thread::spawn(move || {
            // Nobody listens any more if the time is up.
            let _ = sender.send(nvrtc.compile(&source, architecture));
        });
        match receiver.recv_timeout(limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(CompileError::TimeLimit { architecture, limit }),
            Err(RecvTimeoutError::Disconnected) => {
                Err(CompileError::Failed { code: "its thread panicked".to_owned() })
            }
        }
    }
}

fn failed(error: result::NvrtcError) -> CompileError {
    CompileError::Failed { code: error.to_string() }
}

/// A program of the compiler, destroyed when dropped. Its text must outlive it.
struct Program<'a>(sys::nvrtcProgram, std::marker::PhantomData<&'a CString>);

impl<'a> Program<'a> {
    fn new(text: &'a CString) -> Result<Self, CompileError> {
        let program = result::create_program(text, Some(c"tapeout_gemm.cu")).map_err(failed)?;
        Ok(Self(program, std::marker::PhantomData))
    }

    fn log(&self) -> Result<String, CompileError> {
        // SAFETY: the program is alive.
        unsafe { result::get_program_log(self.0) }.map(|log| text(&log)).map_err(failed)
    }

    fn ptx(&self) -> Result<String, CompileError> {
        // SAFETY: the program is alive.
        unsafe { result::get_ptx(self.0) }.map(|ptx| text(&ptx)).map_err(failed)
    }

    fn image(&self) -> Result<Vec<u8>, CompileError> {
        let mut size = 0;
        // SAFETY: the program is alive, and the pointer is to an integer that outlives the call.
        unsafe { sys::nvrtcGetCUBINSize(self.0, &raw mut size) }.result().map_err(failed)?;
        let mut image = vec![0_u8; size];
        // SAFETY: the program is alive, and the buffer has the size that it announced.
        unsafe { sys::nvrtcGetCUBIN(self.0, image.as_mut_ptr().cast::<c_char>()) }
            .result()
            .map_err(failed)?;
        Ok(image)
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // SAFETY: the program is alive, and nothing uses it afterwards. A failure leaks it, no more.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// What the compiler wrote, up to its final zero.
fn text(characters: &[c_char]) -> String {
    let bytes: Vec<u8> =
        characters.iter().map(|&character| character as u8).take_while(|&b| b != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
