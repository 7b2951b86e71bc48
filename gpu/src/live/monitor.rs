//! Clocks, temperature, power and energy, read through NVML.

use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::{Device, Nvml};

use crate::measurement::DeviceState;

/// NVML counts clocks in MHz.
const HZ_PER_MHZ: f64 = 1e6;
/// NVML counts power in mW and energy in mJ.
const PER_MILLI: f64 = 1e-3;

/// Reads a device's sensors; it sets nothing.
pub(super) struct Monitor {
    nvml: Nvml,
    uuid: String,
}

impl Monitor {
    /// The sensors of the device with this name; none where NVML is missing or does not show it.
    pub(super) fn of(uuid: &str) -> Option<Self> {
        let monitor = Self { nvml: Nvml::init().ok()?, uuid: uuid.to_owned() };
        monitor.device().is_some().then_some(monitor)
    }

    fn device(&self) -> Option<Device<'_>> {
        self.nvml.device_by_uuid(self.uuid.as_str()).ok()
    }

    /// The driver's version.
    pub(super) fn driver(&self) -> Option<String> {
        self.nvml.sys_driver_version().ok()
    }

    /// Highest clock of the multiprocessors.
    pub(super) fn sm_clock_max_hz(&self) -> Option<f64> {
        self.device()?.max_clock_info(Clock::SM).ok().map(|clock| f64::from(clock) * HZ_PER_MHZ)
    }

    /// Highest clock of the memory.
    pub(super) fn memory_clock_max_hz(&self) -> Option<f64> {
        self.device()?.max_clock_info(Clock::Memory).ok().map(|clock| f64::from(clock) * HZ_PER_MHZ)
    }

    /// Power that the device is held to.
    pub(super) fn power_limit_w(&self) -> Option<f64> {
        self.device()?.enforced_power_limit().ok().map(|power| f64::from(power) * PER_MILLI)
    }

    /// The device now.
    pub(super) fn state(&self) -> Option<DeviceState> {
        let device = self.device()?;
        Some(DeviceState {
            sm_clock_hz: f64::from(device.clock_info(Clock::SM).ok()?) * HZ_PER_MHZ,
            memory_clock_hz: f64::from(device.clock_info(Clock::Memory).ok()?) * HZ_PER_MHZ,
            temperature_c: f64::from(device.temperature(TemperatureSensor::Gpu).ok()?),
            power_w: f64::from(device.power_usage().ok()?) * PER_MILLI,
            throttle: device.current_throttle_reasons().ok()?.bits(),
        })
    }

    /// Energy since the driver was loaded.
    pub(super) fn energy_j(&self) -> Option<f64> {
        self.device()?.total_energy_consumption().ok().map(|energy| energy as f64 * PER_MILLI)
    }
}
