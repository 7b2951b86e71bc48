//! What hardware costs: energy, area and leakage of storage, arithmetic, wires and DRAM from 65 to 7 nm.
//!
//! Every figure is in SI units and carries its source beside it; nothing is extrapolated, and a question
//! outside a table is a [`TechnologyError`] that names the range. `docs/concepts/cost-tables.md` tells the
//! whole story; in short:
//!
//! | function | source | nodes of the source |
//! |---|---|---|
//! | [`sram`], [`SramArray`] | CACTI 7 | 65, 45, 32, 22 nm |
//! | [`register_file`] | Aladdin (ISCA 2014) | 40 nm |
//! | [`mac`] | Aladdin (ISCA 2014) | 40 nm, scaled by its source to 65, 45, 32, 22, 16, 7 nm |
//! | [`wire_energy_j_per_bit_m`] | Keckler et al. (IEEE Micro 2011) | 40, 10 nm |
//! | [`DramKind::energy_j_per_bit`] | published figures per kind | none |
//! | [`MainMemory`] | standards and papers per kind | none |
//!
//! [`storage`] picks between the first two: the smallest SRAM macro of the table is 256 byte (of 16 to 128
//! bit), and below it storage is a register file.
//!
//! Error of the SRAM interpolation, measured by leaving out each inner point of the table and computing it
//! from its two neighbours, which are then twice as far apart as in use (median / 90th percentile / worst):
//!
//! | figure | across sizes (255 points) | across widths (183 points) |
//! |---|---|---|
//! | read energy | 6.6 % / 20.6 % / 28.9 % | 6.0 % / 26.7 % / 57.6 % |
//! | write energy | 5.1 % / 12.0 % / 18.2 % | 5.6 % / 19.0 % / 33.8 % |
//! | area | 4.9 % / 11.7 % / 22.8 % | 4.5 % / 14.9 % / 28.9 % |
//! | leakage | 2.8 % / 7.9 % / 18.2 % | 1.4 % / 8.9 % / 26.5 % |
//! | cycle time | 5.0 % / 35.6 % / 98.3 % | 4.3 % / 30.8 % / 61.0 % |
//!
//! Read and write energy, area and leakage never fall as a macro grows; cycle time does now and then, and
//! a wider word is sometimes cheaper than a narrower one, as CACTI has it.

mod dram;
mod error;
mod mac;
mod main_memory;
mod node;
mod register;
mod scaling;
mod sram;
mod table;
mod wire;

pub use dram::DramKind;
pub use error::TechnologyError;
pub(crate) use mac::mac_of;
pub use mac::{MacCost, mac};
pub use main_memory::{BankProcessing, MainMemory};
pub use node::{Node, UnknownNode};
pub use register::{REGISTER_FILE_MAX_BYTES, register_file, storage};
pub(crate) use scaling::delay_relative_to_32nm;
pub use sram::{SramArray, StorageCost, sram};
pub use wire::wire_energy_j_per_bit_m;
