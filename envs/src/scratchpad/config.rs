//! Settings of `scratchpad`.

use serde::{Deserialize, Serialize};
use tapeout_core::ConfigError;
use tapeout_core::config::check;
use tapeout_simulators::scratchpad::{Buffers, MINIMALLOC_BYTE, scratchpad};
use tapeout_simulators::transformer::transformer;

use crate::settings_file;

/// Bytes of a file of buffers; ours: some hundred for each of the most that an instance may have.
const MAX_FILE_BYTE: u64 = 1 << 20;

/// Buffers, the memory that they go to, and what a design is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScratchpadConfig {
    /// The buffers: `minimalloc-a`, `-b`, `-d`, `-f`, `-h`, `-j` or `-k`; or a file that ends in `.csv`, with the columns `id`, `lower`, `upper`
    /// and `size`. Not read if `network` is given.
    pub instance: String,
    /// A transformer whose activations are the buffers instead: `bert-base`, `gpt2`, ...; empty for none.
    pub network: String,
    /// Layers of that transformer.
    pub layers: u64,
    /// Tokens of its sequence.
    pub tokens: u64,
    /// Bytes of a number of it.
    pub element_byte: u64,
    /// The memory.
    pub capacity_byte: u64,
    /// What becomes of an allocation beyond the capacity: it is `measured`, or `refused` as infeasible.
    pub overflow: Overflow,
    /// What a design is: `rules` that order buffers, or, of up to 33 buffers, `orders`.
    pub designs: PlacementDesigns,
}

/// What becomes of an allocation beyond the capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// Its height counts.
    Measured,
    /// It is infeasible.
    Refused,
}

/// What a design says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlacementDesigns {
    /// Weights by which buffers are ordered, and some that go before.
    Rules,
    /// The order itself.
    Orders,
}

impl Default for ScratchpadConfig {
    fn default() -> Self {
        Self {
            instance: "minimalloc-a".to_owned(),
            network: String::new(),
            layers: 2,
            tokens: 128,
            element_byte: 2,
            capacity_byte: MINIMALLOC_BYTE,
            overflow: Overflow::Measured,
            designs: PlacementDesigns::Rules,
        }
    }
}

impl ScratchpadConfig {
    /// The buffers that the settings name.
    pub(super) fn buffers(&self) -> Result<Buffers, ConfigError> {
        check("capacity_byte", self.capacity_byte, 1..=1 << 53)?;
        if !self.network.is_empty() {
            return self.activations();
        }
        let refused = |message: String| ConfigError::new("instance", message);
        if !self.instance.ends_with(".csv") {
            return scratchpad(&self.instance).map_err(|error| refused(error.to_string()));
        }
        let in_file = |message: String| refused(format!("{}: {message}", self.instance));
        let text = settings_file::read(&self.instance, MAX_FILE_BYTE).map_err(in_file)?;
        Buffers::from_csv(&text).map_err(|error| in_file(error.to_string()))
    }

    fn activations(&self) -> Result<Buffers, ConfigError> {
        let refused = |message: String| ConfigError::new("network", message);
        let mut model = transformer(&self.network).map_err(|error| refused(error.to_string()))?;
        check("layers", self.layers, 1..=model.layers)?;
        check("tokens", self.tokens, 1..=1 << 20)?;
        check("element_byte", self.element_byte, 1..=8)?;
        model.layers = self.layers;
        let cascade = model.cascade(self.tokens, self.element_byte as f64);
        let cascade = cascade.map_err(|error| refused(error.to_string()))?;
        Buffers::of_cascade(&cascade).map_err(|error| refused(error.to_string()))
    }
}
