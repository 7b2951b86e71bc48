//! Graphics processors: what the data sheets say of them, and the few constants that were fitted.

use serde::Deserialize;
use tapeout_core::UnknownName;

use super::tile::WARP_THREADS;
use crate::names::index_of;

/// A graphics processor. `data/devices/` holds those known; each file says where its figures come from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its name on the command line.
    pub id: String,
    /// Name on the box.
    pub name: String,
    /// Where the figures come from.
    pub source: String,
    /// Compute capability, ten times the major number plus the minor: 80 for `sm_80`.
    pub compute_capability: u32,
    /// Streaming multiprocessors.
    pub n_sms: u32,
    /// Boost clock.
    pub clock_hz: f64,
    /// Tensor-core peak in 16-bit floating point with single-precision accumulation, nothing sparse.
    pub peak_flop_per_s: f64,
    /// Tensor-core multiply-adds of one multiprocessor per clock, same types.
    pub mma_fma_per_clock: f64,
    /// DRAM bandwidth.
    pub dram_byte_per_s: f64,
    /// Size of the second-level cache.
    pub l2_byte: f64,
    /// Shared memory of a multiprocessor.
    pub shared_per_sm_byte: u32,
    /// Most shared memory a block may ask for.
    pub shared_per_block_byte: u32,
    /// Shared memory that the system takes for each block.
    pub shared_reserved_byte: u32,
    /// Most warps resident on a multiprocessor.
    pub warps_per_sm: u32,
    /// Most blocks resident on a multiprocessor.
    pub blocks_per_sm: u32,
    /// Board power.
    pub power_w: f64,
    /// Results per clock and multiprocessor of the pipes beside the tensor cores.
    pub pipes: Pipes,
    /// Constants that no data sheet gives.
    pub fitted: Fitted,
}

/// Results per clock and multiprocessor. An instruction of a warp takes 32 results.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipes {
    /// Integer logic, shifts, byte permutes and packing conversions.
    pub integer: f64,
    /// Single-precision additions and multiplications.
    pub single: f64,
    /// Half-precision additions and multiplications in pairs; a pair is one result.
    pub half_pair: f64,
    /// Conversions between integers and floating point.
    pub convert: f64,
    /// Exchanges between the lanes of a warp.
    pub shuffle: f64,
    /// Bytes per clock that shared memory delivers or takes.
    pub shared_byte: f64,
}

/// What was fitted to measured times; each device's file says to which.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// Share of the tensor-core rate that `mma.sync` reaches in a main loop.
    pub mma_efficiency: f64,
    /// Bytes per clock that one multiprocessor gets from the second-level cache.
    pub l2_byte_per_clock: f64,
    /// Clocks from a copy's issue to the use of its data, which the second-level cache had.
    pub l2_latency_cycles: f64,
    /// The same of data that comes from DRAM.
    pub dram_latency_cycles: f64,
    /// Clocks that each step of the main loop costs beside its work.
    pub step_overhead_cycles: f64,
    /// Registers of a thread beside accumulators and fragments.
    pub register_overhead: u32,
}

impl Device {
    /// Most threads resident on a multiprocessor.
    pub const fn threads_per_sm(&self) -> u32 {
        self.warps_per_sm * WARP_THREADS
    }
}

/// A built-in device, not read yet.
#[derive(Debug, Clone, Copy)]
pub struct DeviceRow {
    /// Its name on the command line.
    pub id: &'static str,
    text: &'static str,
}

impl DeviceRow {
    /// The device that the file describes.
    pub fn device(&self) -> Device {
        toml::from_str(self.text)
            .expect("invariant: built-in devices are well formed; a test reads each of them")
    }
}

macro_rules! row {
    ($id:literal) => {
        DeviceRow { id: $id, text: include_str!(concat!("../../../data/devices/", $id, ".toml")) }
    };
}

/// The built-in devices, by name.
pub static DEVICES: &[DeviceRow] =
    &[row!("a100"), row!("h100"), row!("h200"), row!("l40s"), row!("rtx-3090"), row!("rtx-4090")];

/// The built-in device called `id`.
///
/// # Errors
/// [`UnknownName`] with the nearest known name.
pub fn device(id: &str) -> Result<Device, UnknownName> {
    index_of("device", id, DEVICES.iter().map(|row| row.id)).map(|index| DEVICES[index].device())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_carries_its_own_name() {
        for row in DEVICES {
            assert_eq!(row.device().id, row.id);
        }
    }

    /// Claim: multiprocessors, clock and rate agree with the peak of the data sheet. The H200 is the exception: its
    /// clock is a measured one, 8 % above that of the peak.
    #[test]
    fn the_peak_follows_from_clock_and_rate() {
        for row in DEVICES {
            let device = row.device();
            let peak = 2.0 * f64::from(device.n_sms) * device.mma_fma_per_clock * device.clock_hz;
            let tolerance = if row.id == "h200" { 0.09 } else { 0.015 };
            assert!((peak / device.peak_flop_per_s - 1.0).abs() < tolerance, "{}: {peak}", row.id);
        }
    }

    #[test]
    fn an_unknown_device_is_refused_with_the_nearest() {
        assert_eq!(device("h1000").unwrap_err().nearest.as_deref(), Some("h100"));
    }
}
