//! Clocks, temperature, power and energy, read through NVML.
//!
//! Source of the functions, their arguments and constants: NVML API Reference Guide (NVIDIA), sections "Initialization and
//! Cleanup", "System Queries" and "Device Queries". The library comes with the driver, so it is loaded when it is asked for.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

use libloading::{Library, Symbol};

use crate::measurement::DeviceState;

/// NVML counts clocks in MHz.
const HZ_PER_MHZ: f64 = 1e6;
/// NVML counts power in mW and energy in mJ.
const PER_MILLI: f64 = 1e-3;

/// The library's file, as the driver installs it.
const LIBRARY: &str = if cfg!(windows) { "nvml.dll" } else { "libnvidia-ml.so.1" };
/// `NVML_SUCCESS` of `nvmlReturn_t`.
const SUCCESS: c_int = 0;
/// `NVML_CLOCK_SM` and `NVML_CLOCK_MEM` of `nvmlClockType_t`.
const CLOCK_SM: c_uint = 1;
const CLOCK_MEMORY: c_uint = 2;
/// `NVML_TEMPERATURE_GPU` of `nvmlTemperatureSensors_t`.
const TEMPERATURE_GPU: c_uint = 0;
/// `NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE`.
const DRIVER_VERSION_BYTES: usize = 80;

/// `nvmlDevice_t`.
type Handle = *mut c_void;

/// Reads a device's sensors; it sets nothing.
pub(super) struct Monitor {
    nvml: Library,
    uuid: CString,
}

impl Monitor {
    /// The sensors of the device with this name; none where NVML is missing or does not show it.
    pub(super) fn of(uuid: &str) -> Option<Self> {
        let uuid = CString::new(uuid).ok()?;
        // SAFETY: the driver's own library, whose initialisers may run at any time.
        let nvml = unsafe { Library::new(LIBRARY) }.ok()?;
        // SAFETY: `nvmlReturn_t nvmlInit_v2(void)`.
        let status = unsafe {
            let init: Symbol<'_, unsafe extern "C" fn() -> c_int> = nvml.get(b"nvmlInit_v2\0").ok()?;
            init()
        };
        if status != SUCCESS {
            return None;
        }
        // From here on the monitor shuts NVML down when it is dropped.
        let monitor = Self { nvml, uuid };
        monitor.device().is_some().then_some(monitor)
    }

    fn device(&self) -> Option<Handle> {
        let mut device = std::ptr::null_mut();
        // SAFETY: `nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)`.
        let status = unsafe {
            let by_uuid: Symbol<'_, unsafe extern "C" fn(*const c_char, *mut Handle) -> c_int> =
                self.nvml.get(b"nvmlDeviceGetHandleByUUID\0").ok()?;
            by_uuid(self.uuid.as_ptr(), &raw mut device)
        };
        (status == SUCCESS).then_some(device)
    }

    /// What a function of the form `nvmlReturn_t name(nvmlDevice_t device, T *value)` says of the device.
    ///
    /// # Safety
    /// `name`, which ends in a zero byte, is such a function, for this very `T`.
    unsafe fn value<T: Default>(&self, name: &[u8]) -> Option<T> {
        let (device, mut value) = (self.device()?, T::default());
        // SAFETY: the caller vouches for the function's form; the device and the value outlive the call.
        let status = unsafe {
            let get: Symbol<'_, unsafe extern "C" fn(Handle, *mut T) -> c_int> = self.nvml.get(name).ok()?;
            get(device, &raw mut value)
        };
        (status == SUCCESS).then_some(value)
    }

    /// What a function of the form `nvmlReturn_t name(nvmlDevice_t device, enum kind, unsigned int *value)` says.
    ///
    /// # Safety
    /// `name`, which ends in a zero byte, is such a function, and `kind` is one of its enumeration.
    unsafe fn value_of(&self, name: &[u8], kind: c_uint) -> Option<f64> {
        let (device, mut value) = (self.device()?, 0);
        // SAFETY: the caller vouches for the function's form; the device and the value outlive the call.
        let status = unsafe {
            let get: Symbol<'_, unsafe extern "C" fn(Handle, c_uint, *mut c_uint) -> c_int> =
                self.nvml.get(name).ok()?;
            get(device, kind, &raw mut value)
        };
        (status == SUCCESS).then(|| f64::from(value))
    }

    /// The driver's version.
    pub(super) fn driver(&self) -> Option<String> {
        let mut text: [c_char; DRIVER_VERSION_BYTES] = [0; DRIVER_VERSION_BYTES];
        // SAFETY: `nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)`, which ends the text with a
        // zero byte; where it writes nothing the text is all zeros.
        let version = unsafe {
            let get: Symbol<'_, unsafe extern "C" fn(*mut c_char, c_uint) -> c_int> =
                self.nvml.get(b"nvmlSystemGetDriverVersion\0").ok()?;
            let status = get(text.as_mut_ptr(), DRIVER_VERSION_BYTES as c_uint);
            (status == SUCCESS).then(|| CStr::from_ptr(text.as_ptr()))
        };
        Some(version?.to_str().ok()?.to_owned())
    }

    /// Highest clock of the multiprocessors.
    pub(super) fn sm_clock_max_hz(&self) -> Option<f64> {
        // SAFETY: it takes an `nvmlClockType_t`.
        unsafe { self.value_of(b"nvmlDeviceGetMaxClockInfo\0", CLOCK_SM) }.map(|mhz| mhz * HZ_PER_MHZ)
    }

    /// Highest clock of the memory.
    pub(super) fn memory_clock_max_hz(&self) -> Option<f64> {
        // SAFETY: it takes an `nvmlClockType_t`.
        unsafe { self.value_of(b"nvmlDeviceGetMaxClockInfo\0", CLOCK_MEMORY) }.map(|mhz| mhz * HZ_PER_MHZ)
    }

    /// Power that the device is held to.
    pub(super) fn power_limit_w(&self) -> Option<f64> {
        // SAFETY: it writes an `unsigned int`.
        unsafe { self.value::<c_uint>(b"nvmlDeviceGetEnforcedPowerLimit\0") }
            .map(|milliwatt| f64::from(milliwatt) * PER_MILLI)
    }

    /// The device now.
    pub(super) fn state(&self) -> Option<DeviceState> {
        // SAFETY: clocks take an `nvmlClockType_t`, the temperature an `nvmlTemperatureSensors_t`; power is an
        // `unsigned int`, and the reasons for throttling are an `unsigned long long`.
        unsafe {
            Some(DeviceState {
                sm_clock_hz: self.value_of(b"nvmlDeviceGetClockInfo\0", CLOCK_SM)? * HZ_PER_MHZ,
                memory_clock_hz: self.value_of(b"nvmlDeviceGetClockInfo\0", CLOCK_MEMORY)? * HZ_PER_MHZ,
                temperature_c: self.value_of(b"nvmlDeviceGetTemperature\0", TEMPERATURE_GPU)?,
                power_w: f64::from(self.value::<c_uint>(b"nvmlDeviceGetPowerUsage\0")?) * PER_MILLI,
                throttle: self.value::<u64>(b"nvmlDeviceGetCurrentClocksThrottleReasons\0")?,
            })
        }
    }

    /// Energy since the driver was loaded.
    pub(super) fn energy_j(&self) -> Option<f64> {
        // SAFETY: it writes an `unsigned long long`.
        unsafe { self.value::<u64>(b"nvmlDeviceGetTotalEnergyConsumption\0") }
            .map(|millijoule| millijoule as f64 * PER_MILLI)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // SAFETY: `nvmlReturn_t nvmlShutdown(void)`, once for the initialisation in `of`.
        unsafe {
            if let Ok(shutdown) = self.nvml.get::<unsafe extern "C" fn() -> c_int>(b"nvmlShutdown\0") {
                shutdown();
            }
        }
    }
}
