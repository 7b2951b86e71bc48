//! A kernel of the family on the device.

use std::sync::Arc;

use cudarc::driver::sys::CUfunction_attribute_enum;
use cudarc::driver::{CudaFunction, CudaStream, DriverError, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;
use tapeout_simulators::gpu_gemm::Stage;

use super::buffers::BufferSet;
use super::device::OpenDevice;
use super::{Launch, lost};
use crate::bench::Halt;
use crate::launch::LaunchGeometry;
use crate::measurement::{Fault, FaultRule};
use crate::source::KernelSource;

/// A loaded kernel.
pub(super) struct TileKernel {
    function: CudaFunction,
    geometry: LaunchGeometry,
}

impl TileKernel {
    /// Loads the machine code in `image` and asks for its shared memory.
    pub(super) fn load(device: &OpenDevice, image: Vec<u8>, geometry: LaunchGeometry) -> Result<Self, Halt> {
        let refused =
            |rule| move |error| Halt::Fault(Fault::new(Stage::Launch, rule, format_args!("{error:?}")));
        let module =
            device.context.load_module(Ptx::from_binary(image)).map_err(refused(FaultRule::ModuleLoad))?;
        let function = module.load_function(KernelSource::ENTRY).map_err(refused(FaultRule::ModuleLoad))?;
        function
            .set_attribute(
                CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                geometry.shared_byte.cast_signed(),
            )
            .map_err(refused(FaultRule::SharedMemoryLimit))?;
        Ok(Self { function, geometry })
    }
}

/// Whether the launch itself was refused, for too many registers or an impossible geometry, and the context is whole.
/// Source: CUDA Driver API reference, "CUresult".
fn is_refusal(error: &DriverError) -> bool {
    use cudarc::driver::sys::cudaError_enum::{CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES};
    [CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES].contains(&error.0)
}

impl Launch for TileKernel {
    fn launch(&self, stream: &Arc<CudaStream>, set: &mut BufferSet) -> Result<(), Halt> {
        if self.geometry.adds_to_product {
            stream.memset_zeros(&mut set.c).map_err(lost)?;
        }
        let tuple = |[x, y, z]: [u32; 3]| (x, y, z);
        let config = LaunchConfig {
            grid_dim: tuple(self.geometry.grid),
            block_dim: tuple(self.geometry.block),
            shared_mem_bytes: self.geometry.shared_byte,
        };
        let mut launch = stream.launch_builder(&self.function);
        launch.arg(&set.a).arg(&set.b).arg(&mut set.c);
        // SAFETY: the kernel takes three pointers, to operands and product of the extents that are constants in its source;
        // the buffers were allocated with these extents, aligned to at least 256 byte as all device memory is, and live as
        // long as the stream, which is synchronized before they are dropped. A kernel that strays all the same breaks this
        // process's context on the device, not memory of the host.
        match unsafe { launch.launch(config) } {
            Ok(_) => Ok(()),
            Err(error) if is_refusal(&error) => {
                Err(Halt::Fault(Fault::new(Stage::Launch, FaultRule::LaunchRefused, error)))
            }
            // It is of an earlier launch.
            Err(error) => Err(lost(error)),
        }
    }
}
