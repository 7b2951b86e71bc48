//! Energy of moving one bit between chip and DRAM.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tapeout_core::UnknownName;

use crate::names::value_of;

/// A kind of DRAM, interface included. Bandwidth and capacity belong to the architecture, not to this
/// table.
///
/// ```
/// # use tapeout_simulators::technology::DramKind;
/// let kind: DramKind = "lpddr4".parse()?;
/// assert_eq!(kind.energy_j_per_bit(), 8e-12);
/// # Ok::<(), tapeout_core::UnknownName>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum DramKind {
    /// Low-power DDR4, the edge device's memory.
    Lpddr4,
    /// DDR3, a server's memory of 2010, mostly idle (its static power is in the figure).
    Ddr3,
    /// Stacked memory on an interposer, second generation.
    Hbm2,
    /// Stacked memory on an interposer, third generation.
    Hbm3,
}

impl DramKind {
    /// Every kind.
    pub const ALL: [DramKind; 4] = [DramKind::Lpddr4, DramKind::Ddr3, DramKind::Hbm2, DramKind::Hbm3];

    /// The name in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            DramKind::Lpddr4 => "lpddr4",
            DramKind::Ddr3 => "ddr3",
            DramKind::Hbm2 => "hbm2",
            DramKind::Hbm3 => "hbm3",
        }
    }

    /// Energy of reading or writing one bit, in J; the sources do not tell reads from writes.
    pub fn energy_j_per_bit(self) -> f64 {
        match self {
            // Source: DRAM table of hwcomponents-cacti (Accelergy-Project), class `DRAM`, "public data".
            DramKind::Lpddr4 => 8e-12,
            // Source: the same table, after Malladi et al., ISCA 2012, doi:10.1109/ISCA.2012.6237004.
            DramKind::Ddr3 => 70e-12,
            // Source: figures collected with hwcomponents-cacti 1.0.40 for this project; an earlier
            // release of its table has 3.9 pJ for HBM2. docs/concepts/cost-tables.md says more.
            DramKind::Hbm2 => 6.25e-12,
            DramKind::Hbm3 => 4.05e-12,
        }
    }
}

impl fmt::Display for DramKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DramKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        value_of("DRAM", name, DramKind::ALL.map(|kind| (kind.name(), kind)))
    }
}

impl TryFrom<String> for DramKind {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.parse()
    }
}

impl From<DramKind> for &'static str {
    fn from(kind: DramKind) -> &'static str {
        kind.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_dram_is_refused_with_the_nearest_name() {
        for (typo, nearest) in
            [("LPDDR4", "lpddr4"), ("lpddr5", "lpddr4"), ("hbm2e", "hbm2"), ("ddr4", "ddr3")]
        {
            let error = typo.parse::<DramKind>().unwrap_err();
            assert_eq!(error.nearest.as_deref(), Some(nearest), "{typo}");
        }
        let text = "sram".parse::<DramKind>().unwrap_err().to_string();
        assert_eq!(text, "unknown DRAM `sram`; there are lpddr4, ddr3, hbm2, hbm3");
    }

    #[test]
    fn names_survive_a_round_trip() {
        for kind in DramKind::ALL {
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<DramKind>(&text).unwrap(), kind);
        }
    }
}
