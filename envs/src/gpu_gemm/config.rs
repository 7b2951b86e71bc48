//! A product as settings name it, written once and spelled out in the settings of each environment that is asked about it.

use std::time::Duration;

use tapeout_core::config::check;
use tapeout_core::{ConfigError, UnknownName};
use tapeout_simulators::gpu_gemm::{self, Device, Gemm, Operands, Output};

/// A struct of settings with their defaults: an environment's own, those of the product in the place of `..product`, and
/// again its own. The default product is that of the published ablation. One of the first is `device`.
macro_rules! gemm_config {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$first_about:meta])* pub $first:ident: $first_kind:ty = $first_value:expr,)*
            ..product,
            $($(#[$last_about:meta])* pub $last:ident: $last_kind:ty = $last_value:expr,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$first_about])* pub $first: $first_kind,)*
            /// Rows of the product.
            pub m: u32,
            /// Columns of the product.
            pub n: u32,
            /// Depth of the product.
            pub k: u32,
            /// Products of these extents, one after another.
            pub batch: u32,
            /// What the address of each row of 16-bit elements is a multiple of, in byte: 4, 8 or 16.
            pub alignment_byte: u32,
            /// Elements of the narrow operand along `k` that share a scale: a multiple of 32, of `k` or more for one to a row;
            /// 0 for no scales.
            pub group: u32,
            /// Whether scaled integers have zero points.
            pub zero_points: bool,
            /// Types of the first and the second operand: `f16-u8`, `bf16-s8`, `u8-f16`, `f16-u4`, `f16-f16`, ...
            pub types: String,
            /// Type of the product: `f32`, `f16` or `bf16`; sums are in single precision.
            pub output: String,
            /// `raw` or `structured`.
            pub encoding: $crate::gpu_gemm::TileEncoding,
            $($(#[$last_about])* pub $last: $last_kind,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($first: $first_value,)*
                    m: 3456,
                    n: 4096,
                    k: 2048,
                    batch: 1,
                    alignment_byte: 16,
                    group: 0,
                    zero_points: false,
                    types: "f16-u8".to_owned(),
                    output: "f32".to_owned(),
                    encoding: $crate::gpu_gemm::TileEncoding::Raw,
                    $($last: $last_value,)*
                }
            }
        }

        impl $name {
            fn gemm(&self) -> Result<tapeout_simulators::gpu_gemm::Gemm, tapeout_core::ConfigError> {
                let operands = $crate::gpu_gemm::config::operands(&self.types)?;
                $crate::gpu_gemm::config::checked(tapeout_simulators::gpu_gemm::Gemm {
                    m: self.m,
                    n: self.n,
                    k: self.k,
                    batch: self.batch,
                    operands,
                    alignment_byte: self.alignment_byte,
                    scaling: tapeout_simulators::gpu_gemm::Scaling::of(self.group, self.zero_points),
                    output: $crate::gpu_gemm::config::output(&self.output)?,
                })
            }

            fn device(&self) -> Result<tapeout_simulators::gpu_gemm::Device, tapeout_core::ConfigError> {
                $crate::gpu_gemm::config::device(&self.device)
            }
        }
    };
}

pub(super) use gemm_config;

/// # Errors
/// [`ConfigError`] if there are no such types.
pub(super) fn operands(types: &str) -> Result<Operands, ConfigError> {
    types.parse().map_err(|unknown: UnknownName| ConfigError::new("types", unknown.to_string()))
}

/// # Errors
/// [`ConfigError`] if there is no such type.
pub(super) fn output(name: &str) -> Result<Output, ConfigError> {
    name.parse().map_err(|unknown: UnknownName| ConfigError::new("output", unknown.to_string()))
}

/// # Errors
/// [`ConfigError`] with the extent for which no kernel computes it.
pub(super) fn checked(gemm: Gemm) -> Result<Gemm, ConfigError> {
    gemm.check().map_err(|error| ConfigError::new(error.extent, error.to_string()))?;
    Ok(gemm)
}

/// # Errors
/// [`ConfigError`] if there is no such device.
pub(super) fn device(id: &str) -> Result<Device, ConfigError> {
    gpu_gemm::device(id).map_err(|unknown| ConfigError::new("device", unknown.to_string()))
}

/// The setting `field` of so many seconds.
///
/// # Errors
/// [`ConfigError`] if they are below 0, not finite, or more than a [`Duration`] holds.
pub(super) fn seconds(field: &str, seconds: f64) -> Result<Duration, ConfigError> {
    check(field, seconds, 0.0..)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|error| ConfigError::new(field, format!("got {seconds}: {error}")))
}
