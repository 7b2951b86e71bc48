//! Register files built of flip-flops, for storage smaller than the smallest SRAM macro.
//!
//! Source: one-bit register of Aladdin (Shao et al., ISCA 2014, doi:10.1109/ISCA.2014.6853196), file
//! `common/power_func.h` of its repository, macros `REG_1ns_*`: a commercial 40 nm library at 1 GHz.
//! Other nodes follow the multiplier of the [`mac()`] table, which is logic of the same library.
//! The energy per access is that of the bits read or written alone; the source has no figure for
//! addressing and multiplexers, so the model is held to [`REGISTER_FILE_MAX_BYTES`].

use super::{Node, StorageCost, TechnologyError, mac, sram};

/// Largest register file, in byte: one less than the smallest SRAM macro of the table.
pub const REGISTER_FILE_MAX_BYTES: u64 = 255;

// Source: Aladdin `REG_1ns_dynamic_energy`, 8.999e-3 pJ for one bit.
const ENERGY_40NM_J_PER_BIT: f64 = 8.999_495e-15;
// Source: Aladdin `REG_1ns_area`, 5.981 um2 for one bit.
const AREA_40NM_M2_PER_BIT: f64 = 5.981_433e-12;
// Source: Aladdin `REG_1ns_leakage_power`, 7.395e-5 mW for one bit.
const LEAKAGE_40NM_W_PER_BIT: f64 = 7.395_312e-8;
// Source: the clock period of the `REG_1ns_*` macros. A flip-flop is faster; this is what was characterised.
const CYCLE_S: f64 = 1e-9;

/// Cost of a register file of `size_bytes`, `width_bits` of which are read or written at a time.
///
/// # Errors
/// [`TechnologyError::RegisterFileSize`] outside 1 to [`REGISTER_FILE_MAX_BYTES`],
/// [`TechnologyError::RegisterFileWidth`] if the width is zero or more than all bits held.
///
/// ```
/// # use tapeout_simulators::technology::{Node, register_file};
/// // 12 words of 16 bits, as an Eyeriss element keeps of its inputs: 16 bits at 9 fJ each.
/// let spad = register_file(24, 16, Node::new(40)?)?;
/// assert!((spad.read_j - 0.144e-12).abs() < 1e-16);
/// # Ok::<(), tapeout_simulators::technology::TechnologyError>(())
/// ```
pub fn register_file(size_bytes: u64, width_bits: u32, node: Node) -> Result<StorageCost, TechnologyError> {
    if !(1..=REGISTER_FILE_MAX_BYTES).contains(&size_bytes) {
        let max_bytes = REGISTER_FILE_MAX_BYTES;
        return Err(TechnologyError::RegisterFileSize { got_bytes: size_bytes, max_bytes });
    }
    let size_bits = 8 * size_bytes;
    if !(1..=size_bits).contains(&u64::from(width_bits)) {
        return Err(TechnologyError::RegisterFileWidth { got_bits: width_bits, max_bits: size_bits });
    }
    let shrink = mac::relative_to_40nm(node);
    let access_j = f64::from(width_bits) * ENERGY_40NM_J_PER_BIT * shrink.energy_j;
    Ok(StorageCost {
        read_j: access_j,
        write_j: access_j,
        area_m2: size_bits as f64 * AREA_40NM_M2_PER_BIT * shrink.area_m2,
        leakage_w: size_bits as f64 * LEAKAGE_40NM_W_PER_BIT * shrink.leakage_w,
        cycle_s: CYCLE_S,
    })
}

/// Cost of on-chip storage of any size: a register file up to [`REGISTER_FILE_MAX_BYTES`], one SRAM macro
/// from there on.
///
/// # Errors
/// Those of [`register_file`] and [`sram`].
pub fn storage(size_bytes: u64, width_bits: u32, node: Node) -> Result<StorageCost, TechnologyError> {
    if size_bytes <= REGISTER_FILE_MAX_BYTES {
        register_file(size_bytes, width_bits, node)
    } else {
        sram(size_bytes, width_bits, node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_smallest_macro_registers_are_cheaper_to_read_and_larger_per_bit() {
        for node in Node::all() {
            let (registers, macro_cell) = (storage(255, 16, node).unwrap(), storage(256, 16, node).unwrap());
            assert_eq!(registers, register_file(255, 16, node).unwrap());
            assert_eq!(macro_cell, sram(256, 16, node).unwrap());
            assert!(registers.read_j < macro_cell.read_j && registers.area_m2 > macro_cell.area_m2, "{node}");
        }
    }

    #[test]
    fn register_files_that_cannot_be_are_refused_with_the_range() {
        let text = |size, width| register_file(size, width, Node::new(65).unwrap()).unwrap_err().to_string();
        assert_eq!(
            text(256, 16),
            "register file size 256 byte is outside 1..=255 byte; larger storage is sram"
        );
        assert_eq!(text(0, 1), "register file size 0 byte is outside 1..=255 byte; larger storage is sram");
        assert_eq!(text(2, 17), "register file width 17 bit is outside 1..=16 bit, the bits it holds");
    }
}
