//! Workloads that are built in.

use tapeout_core::UnknownName;

use super::workload::SocWorkload;
use crate::names::index_of;

/// A built-in workload, not read yet.
#[derive(Debug, Clone, Copy)]
pub struct SocWorkloadRow {
    /// Its name on the command line and in specs.
    pub id: &'static str,
    text: &'static str,
}

impl SocWorkloadRow {
    /// The workload in the file.
    pub fn workload(&self) -> SocWorkload {
        SocWorkload::from_toml(self.text)
            .expect("invariant: built-in files are well formed; a test reads each of them")
    }
}

macro_rules! row {
    ($id:literal) => {
        SocWorkloadRow { id: $id, text: include_str!(concat!("../../../data/soc/", $id, ".toml")) }
    };
}

/// The built-in workloads, by name.
pub static SOC_WORKLOADS: &[SocWorkloadRow] = &[row!("audio-decoder"), row!("cava"), row!("edge-detection")];

/// The built-in workload called `id`.
///
/// # Errors
/// [`UnknownName`] with the nearest known name.
pub fn soc_workload(id: &str) -> Result<SocWorkload, UnknownName> {
    let known = SOC_WORKLOADS.iter().map(|row| row.id);
    index_of("workload", id, known).map(|index| SOC_WORKLOADS[index].workload())
}
