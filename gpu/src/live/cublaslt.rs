//! The baseline: NVIDIA's library, with the algorithm that its heuristic puts first.
//!
//! The library thinks in columns. Our product is `C[m][n]` with rows contiguous, which is its `n` by `m` matrix; our second
//! operand, `n` rows of `k`, is its `k` by `n` matrix, to be transposed; our first is its `k` by `m` matrix. Operands are of
//! 16 bit, product and sums in single precision, as in our own kernels.

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::cublaslt::result::{self, CublasError};
use cudarc::cublaslt::sys;
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};
use tapeout_simulators::gpu_gemm::{ElementType, Gemm, Output, Stage};

use super::buffers::BufferSet;
use super::device::OpenDevice;
use super::{Launch, out_of_memory};
use crate::bench::Halt;
use crate::measurement::{Fault, FaultRule};

/// Scratch memory that the library may use. Source: cuBLAS documentation, section "cublasSetWorkspace" (32 MiB recommended
/// for Hopper, 4 MiB for others; more does no harm).
const WORKSPACE_BYTE: usize = 32 << 20;

/// Bytes of an element of either operand.
const WIDE_BYTE: u64 = 2;

/// A product, planned.
pub(super) struct CublasLt {
    handle: Handle,
    product: Description,
    /// Of the library's first operand, its second, and the product.
    layouts: [MatrixLayout; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
    workspace: CudaSlice<u8>,
}

impl CublasLt {
    /// Plans `gemm`.
    pub(super) fn new(device: &OpenDevice, gemm: &Gemm) -> Result<Self, Halt> {
        if gemm.operands.narrow_side().is_some() {
            return Err(refused(format_args!("{} has no baseline in the library", gemm.operands)));
        }
        // SAFETY: loads the library, whose initialization has no preconditions, and calls nothing in it.
        if !unsafe { sys::is_culib_present() } {
            return Err(refused("cuBLASLt (libcublasLt) is not among the system's libraries"));
        }
        let workspace = device.stream.alloc_zeros(WORKSPACE_BYTE).map_err(out_of_memory)?;
        Self::plan(gemm, workspace).map_err(refused)
    }

    fn plan(gemm: &Gemm, workspace: CudaSlice<u8>) -> Result<Self, CublasError> {
        let [m, n, k] = [gemm.m, gemm.n, gemm.k].map(u64::from);
        let pitch = u64::from(gemm.row_pitch_byte(gemm.operands.a())) / WIDE_BYTE;
        let handle = Handle(result::create_handle()?);
        let product = Description::new()?;
        let operand = data_type(gemm.operands.a());
        let layouts = [
            MatrixLayout::new(operand, [k, n], pitch, gemm.batch)?,
            MatrixLayout::new(operand, [k, m], pitch, gemm.batch)?,
            MatrixLayout::new(output_type(gemm.output), [n, m], n, gemm.batch)?,
        ];
        let preference = Preference::new()?;
        let [first, second, output] = [&layouts[0], &layouts[1], &layouts[2]];
        // SAFETY: handle, descriptions and preference were made above and are alive.
        let heuristic = unsafe {
            result::get_matmul_algo_heuristic(
                handle.0,
                product.0,
                first.0,
                second.0,
                output.0,
                output.0,
                preference.0,
            )
        }?;
        Ok(Self { handle, product, layouts, algorithm: heuristic.algo, workspace })
    }
}

impl Launch for CublasLt {
    fn launch(&self, stream: &Arc<CudaStream>, set: &mut BufferSet) -> Result<(), Halt> {
        let (alpha, beta) = (1.0_f32, 0.0_f32);
        let (a, _a_guard) = set.a.device_ptr(stream);
        let (b, _b_guard) = set.b.device_ptr(stream);
        let (c, _c_guard) = set.c.device_ptr_mut(stream);
        let (workspace, _workspace_guard) = self.workspace.device_ptr(stream);
        // SAFETY: all handles are alive; the pointers are to buffers of the extents in the layouts, owned by `set` and by
        // `self`; the factors are of the type that the description names, and are read before the call returns (the
        // pointer mode is the host's, the default). The stream is of the context that is current.
        let queued = unsafe {
            result::matmul(
                self.handle.0,
                self.product.0,
                (&raw const alpha).cast(),
                (&raw const beta).cast(),
                b as *const c_void,
                self.layouts[0].0,
                a as *const c_void,
                self.layouts[1].0,
                c as *const c_void,
                self.layouts[2].0,
                c as *mut c_void,
                self.layouts[2].0,
                &raw const self.algorithm,
                workspace as *mut c_void,
                WORKSPACE_BYTE,
                stream.cu_stream().cast(),
            )
        };
        // A product that was planned and is not queued may be the first to hear of a context that is broken.
        queued.map_err(|error| Halt::Lost(Fault::new(Stage::Run, FaultRule::LibraryRefused, error)))
    }
}

fn refused(reason: impl std::fmt::Display) -> Halt {
    Halt::Fault(Fault::new(Stage::Launch, FaultRule::LibraryRefused, reason))
}

const fn output_type(output: Output) -> sys::cudaDataType {
    match output {
        Output::F32 => sys::cudaDataType::CUDA_R_32F,
        Output::F16 => sys::cudaDataType::CUDA_R_16F,
        Output::Bf16 => sys::cudaDataType::CUDA_R_16BF,
    }
}

const fn data_type(element: ElementType) -> sys::cudaDataType {
    match element {
        ElementType::Bf16 => sys::cudaDataType::CUDA_R_16BF,
        // Narrow types were refused before.
        _ => sys::cudaDataType::CUDA_R_16F,
    }
}

/// The library's state, destroyed when dropped.
struct Handle(sys::cublasLtHandle_t);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is alive, and nothing uses it afterwards. A failure leaks it, no more.
        let _ = unsafe { result::destroy_handle(self.0) };
    }
}

/// What is computed: the first operand transposed, everything in single precision.
struct Description(sys::cublasLtMatmulDesc_t);

impl Description {
    fn new() -> Result<Self, CublasError> {
        /// `CUBLAS_OP_T`. Source: cuBLAS documentation, section "cublasOperation_t".
        const TRANSPOSED: i32 = 1;
        let description = Self(result::create_matmul_desc(
            sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            sys::cudaDataType::CUDA_R_32F,
        )?);
        // SAFETY: the description is alive, and the attribute is read from a 32-bit integer, which outlives the call.
        unsafe {
            result::set_matmul_desc_attribute(
                description.0,
                sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSA,
                std::ptr::from_ref(&TRANSPOSED).cast(),
                size_of_val(&TRANSPOSED),
            )
        }?;
        Ok(description)
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: as of the handle.
        let _ = unsafe { result::destroy_matmul_desc(self.0) };
    }
}

/// Matrices whose columns are contiguous, one after another in memory.
struct MatrixLayout(sys::cublasLtMatrixLayout_t);

impl MatrixLayout {
    /// `count` of them, of so many rows and columns, a column `pitch` elements after the one before.
    fn new(
        element: sys::cudaDataType,
        [rows, columns]: [u64; 2],
        pitch: u64,
        count: u32,
    ) -> Result<Self, CublasError> {
        use sys::cublasLtMatrixLayoutAttribute_t::{
            CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
        };
        let layout = Self(result::create_matrix_layout(element, rows, columns, pitch.cast_signed())?);
        let (count, stride) = (count.cast_signed(), (pitch * columns).cast_signed());
        // SAFETY: the layout is alive, and the attributes are read from integers of 32 and of 64 bits, which outlive the calls
        // (cuBLAS documentation, section "cublasLtMatrixLayoutAttribute_t").
        unsafe {
            let size = size_of_val(&count);
            let count = std::ptr::from_ref(&count).cast();
            result::set_matrix_layout_attribute(layout.0, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, count, size)?;
            let size = size_of_val(&stride);
            let stride = std::ptr::from_ref(&stride).cast();
            let attribute = CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET;
            result::set_matrix_layout_attribute(layout.0, attribute, stride, size)?;
        }
        Ok(layout)
    }
}

impl Drop for MatrixLayout {
    fn drop(&mut self) {
        // SAFETY: as of the handle.
        let _ = unsafe { result::destroy_matrix_layout(self.0) };
    }
}

/// What an algorithm may use.
struct Preference(sys::cublasLtMatmulPreference_t);

impl Preference {
    fn new() -> Result<Self, CublasError> {
        let preference = Self(result::create_matmul_pref()?);
        // SAFETY: the preference is alive, and the attribute is read from a 64-bit integer, which outlives the call.
        unsafe {
            result::set_matmul_pref_attribute(
                preference.0,
                sys::cublasLtMatmulPreferenceAttributes_t::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                std::ptr::from_ref(&(WORKSPACE_BYTE as u64)).cast(),
                size_of::<u64>(),
            )
        }?;
        Ok(preference)
    }
}

impl Drop for Preference {
    fn drop(&mut self) {
        // SAFETY: as of the handle.
        let _ = unsafe { result::destroy_matmul_pref(self.0) };
    }
}
