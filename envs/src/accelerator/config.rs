//! Settings that all accelerators have, written once and spelled out in the settings of each.
//!
//! `#[serde(flatten)]` would share them too, but then a wrong value is reported without its field, and an unknown field not
//! at all: serde does not combine it with `deny_unknown_fields`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tapeout_core::ConfigError;
use tapeout_simulators::networks::Workload;

/// Settings of an accelerator, as far as all have them.
pub trait AcceleratorConfig: Serialize + DeserializeOwned + Default {
    /// The networks with their weights, in batches.
    ///
    /// # Errors
    /// [`ConfigError`] naming `networks`, `weights` or `batch`.
    fn workload(&self) -> Result<Workload, ConfigError>;

    /// Clock of the chip.
    fn clock_hz(&self) -> f64;
}

/// A struct of the shared settings, followed by the template's own.
macro_rules! accelerator_config {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$own_about:meta])* pub $own:ident: $kind:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// The networks that run on every design: names of built-in ones, or files.
            pub networks: Vec<String>,
            /// How often each network runs relative to the others; empty for once each.
            pub weights: Vec<f64>,
            /// Inputs that a network processes at once.
            pub batch: u64,
            /// Process node in nm.
            pub node_nm: tapeout_simulators::technology::Node,
            /// Clock of the chip.
            pub clock_hz: f64,
            $($(#[$own_about])* pub $own: $kind,)*
        }

        impl $crate::accelerator::AcceleratorConfig for $name {
            fn workload(&self) -> Result<tapeout_simulators::networks::Workload, tapeout_core::ConfigError> {
                $crate::accelerator::weighted(&self.networks, &self.weights, self.batch)
            }

            fn clock_hz(&self) -> f64 {
                self.clock_hz
            }
        }
    };
}

pub(crate) use accelerator_config;
