//! The device: whether there is one, and its context.

use std::sync::Arc;

use cudarc::driver::sys::{self, CUdevice_attribute_enum};
use cudarc::driver::{CudaContext, CudaStream, DriverError};

use super::monitor::Monitor;
use crate::measurement::{Origin, Session, TimingMethod};
use crate::nvrtc::Nvrtc;

/// Why there is nothing to measure on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No driver.
    #[error("there is no driver of an NVIDIA GPU (libcuda) among the system's libraries")]
    Driver,
    /// A driver without a device.
    #[error("the driver shows no GPU: {0}")]
    Device(String),
    /// No compiler.
    #[error("{0}")]
    Compiler(String),
}

/// What is missing to measure here; none if nothing is.
pub fn missing() -> Option<Unavailable> {
    if let Err(unavailable) = driver_present() {
        return Some(unavailable);
    }
    match CudaContext::device_count() {
        Ok(0) => Some(Unavailable::Device("it counts none".to_owned())),
        Ok(_) => Nvrtc::load().err().map(|missing| Unavailable::Compiler(missing.to_string())),
        Err(error) => Some(no_device(&error)),
    }
}

fn driver_present() -> Result<(), Unavailable> {
    // SAFETY: loads the library, whose initialization has no preconditions, and calls nothing in it.
    if unsafe { sys::is_culib_present() } { Ok(()) } else { Err(Unavailable::Driver) }
}

fn no_device(error: &DriverError) -> Unavailable {
    Unavailable::Device(error.to_string())
}

/// A device with a context and a stream of its own.
pub(super) struct OpenDevice {
    pub(super) context: Arc<CudaContext>,
    pub(super) stream: Arc<CudaStream>,
    /// Size of the second-level cache.
    pub(super) l2_byte: usize,
    /// As NVML knows the device: `GPU-01234567-...`.
    pub(super) uuid: String,
    name: String,
    compute_capability: u32,
}

impl OpenDevice {
    /// The first that the driver shows.
    pub(super) fn first() -> Result<Self, Unavailable> {
        driver_present()?;
        Self::open().map_err(|error| no_device(&error))
    }

    fn open() -> Result<Self, DriverError> {
        let context = CudaContext::new(0)?;
        // SAFETY: one stream does all the work, so its order is all the synchronization there is to track.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream()?;
        let l2_byte = context.attribute(CUdevice_attribute_enum::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)?;
        let (major, minor) = context.compute_capability()?;
        Ok(Self {
            stream,
            l2_byte: usize::try_from(l2_byte).unwrap_or(0),
            uuid: uuid_text(context.uuid()?.bytes.map(|byte| byte as u8)),
            name: context.name()?,
            compute_capability: (10 * major + minor).unsigned_abs(),
            context,
        })
    }

    /// What measurements are made with.
    pub(super) fn session(&self, nvrtc: &Nvrtc, monitor: Option<&Monitor>, method: TimingMethod) -> Session {
        let [major, minor] = nvrtc.version();
        Session {
            origin: Origin::Device,
            device: self.name.clone(),
            compute_capability: self.compute_capability,
            driver: monitor.and_then(Monitor::driver).unwrap_or_else(|| "unknown".to_owned()),
            compiler: format!("NVRTC {major}.{minor}"),
            sm_clock_max_hz: monitor.and_then(Monitor::sm_clock_max_hz),
            memory_clock_max_hz: monitor.and_then(Monitor::memory_clock_max_hz),
            power_limit_w: monitor.and_then(Monitor::power_limit_w),
            method,
        }
    }
}

/// `GPU-` and the hexadecimal digits in groups of 8, 4, 4, 4 and 12.
/// Source: NVML API reference, "nvmlDeviceGetUUID".
fn uuid_text(bytes: [u8; 16]) -> String {
    let digits = |range: std::ops::Range<usize>| {
        bytes[range].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let groups = [0..4, 4..6, 6..8, 8..10, 10..16].map(digits);
    format!("GPU-{}", groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_in_five_groups() {
        let bytes = std::array::from_fn(|index| index as u8 * 17);
        assert_eq!(uuid_text(bytes), "GPU-00112233-4455-6677-8899-aabbccddeeff");
    }

    /// Claim: with or without a driver, asking is no panic, and whoever opens a device is told the same.
    #[test]
    fn what_is_missing_is_what_opening_says() {
        match missing() {
            Some(Unavailable::Compiler(_)) | None => assert!(OpenDevice::first().is_ok()),
            Some(unavailable) => assert_eq!(OpenDevice::first().err(), Some(unavailable)),
        }
    }
}
