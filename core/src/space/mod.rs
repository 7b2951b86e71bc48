//! Design spaces: ordered, named parameters, the rules that tie them together, and the legal designs they leave.

mod block;
mod design_space;
mod diagram;
mod equal_levels;
mod error;
mod handle;
mod moves;
mod narrowing;
mod packed;
mod product;
mod walk;

pub use design_space::{Design, DesignSpace};
pub use equal_levels::{EqualLevelsText, Given};
pub use error::SpaceError;
pub use handle::{CategoryParameter, CountParameter, NumberParameter};
pub use moves::Neighbourhood;
pub use packed::{DesignIndex, PackedDesigns};
pub use product::{Product, ProductText};
pub use walk::Walk;

#[cfg(test)]
mod tests;
