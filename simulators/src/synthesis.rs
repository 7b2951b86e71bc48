//! A memory as the banks and slices of SRAM macros that take the least area and keep up with the clock.

use crate::technology::{Node, SramArray, StorageCost, TechnologyError};

/// Widths of a macro in bits: the columns of the SRAM table.
const MACRO_BITS: [u32; 6] = [16, 32, 64, 128, 256, 512];

/// Size, width and accesses that a memory must provide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    pub(crate) size_bytes: u64,
    /// Bits of one access.
    pub(crate) width_bits: u64,
    /// Accesses that can be under way at once, to different banks.
    pub(crate) ports: u64,
}

/// No arrangement of macros is as wide as the port and as fast as the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unsynthesizable {
    /// What is needed over what there is, less 1; above 0.
    pub(crate) violation: f64,
}

/// The arrangement of least area whose macros keep up with the clock.
///
/// Tried are all macro widths that divide the port, and numbers of banks from `ports` (rounded up to a power of two)
/// upwards, doubling while a bank is not smaller than the smallest macro.
pub(crate) fn synthesize(demand: Demand, node: Node, clock_hz: f64) -> Result<StorageCost, Unsynthesizable> {
    let mut search = Search { best: None, least_cycle_s: f64::INFINITY, least_bytes: u64::MAX };
    for macro_bits in MACRO_BITS {
        if demand.width_bits.is_multiple_of(u64::from(macro_bits)) {
            search.try_banks(demand, macro_bits, node, clock_hz);
        }
    }
    search.best.ok_or_else(|| {
        let shortfall = if search.least_cycle_s.is_finite() {
            search.least_cycle_s * clock_hz
        } else {
            search.least_bytes as f64 / demand.size_bytes as f64
        };
        Unsynthesizable { violation: shortfall - 1.0 }
    })
}

struct Search {
    best: Option<StorageCost>,
    /// Cycle time of the fastest arrangement, if there is any.
    least_cycle_s: f64,
    /// Size of the smallest memory of this width and number of ports.
    least_bytes: u64,
}

impl Search {
    fn try_banks(&mut self, demand: Demand, macro_bits: u32, node: Node, clock_hz: f64) {
        let slices = demand.width_bits / u64::from(macro_bits);
        let mut banks = demand.ports.next_power_of_two();
        loop {
            let array = SramArray {
                size_bytes: demand.size_bytes,
                width_bits: demand.width_bits as u32,
                banks: banks as u32,
                slices: slices as u32,
            };
            match array.cost(node) {
                Ok(cost) => self.take(cost, clock_hz),
                Err(TechnologyError::SramSize { got_bytes, min_bytes, .. }) if got_bytes < min_bytes => {
                    self.least_bytes = self.least_bytes.min(min_bytes * banks * slices);
                    return;
                }
                // A macro beyond the table: more banks make it smaller.
                Err(TechnologyError::SramSize { .. }) => {}
                // Macros of less than a byte, or of unequal size: more banks do not mend it.
                Err(_) => {
                    let least = u64::from(macro_bits) / 8 * banks * slices;
                    self.least_bytes = self.least_bytes.min(least.max(demand.size_bytes + 1));
                    return;
                }
            }
            banks *= 2;
        }
    }

    fn take(&mut self, cost: StorageCost, clock_hz: f64) {
        self.least_cycle_s = self.least_cycle_s.min(cost.cycle_s);
        let is_smaller = self.best.is_none_or(|best| cost.area_m2 < best.area_m2);
        if cost.cycle_s * clock_hz <= 1.0 && is_smaller {
            self.best = Some(cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(size_bytes: u64, width_bits: u64, ports: u64) -> Demand {
        Demand { size_bytes, width_bits, ports }
    }

    fn node() -> Node {
        Node::new(22).unwrap()
    }

    // By hand, at 22 nm and 128 bits: one macro of 512 KiB cycles in 2.01 ns. At 800 MHz (1.25 ns) it is too slow, and
    // the 128 KiB macros of 0.97 ns are the largest that keep up: 4 banks. At 400 MHz one macro would do; whichever
    // arrangement is chosen, it is no larger than that one.
    #[test]
    fn slow_macros_are_split_into_banks_and_no_more_than_pays() {
        let fast = synthesize(demand(512 << 10, 128, 1), node(), 0.8e9).unwrap();
        assert!(fast.cycle_s <= 1.25e-9);
        let slow = synthesize(demand(512 << 10, 128, 1), node(), 0.4e9).unwrap();
        let one =
            SramArray { size_bytes: 512 << 10, width_bits: 128, banks: 1, slices: 1 }.cost(node()).unwrap();
        assert!(slow.area_m2 <= one.area_m2 && slow.area_m2 <= fast.area_m2);
    }

    // By hand: 4 KiB behind a port of 256 lanes * 4 bytes = 8192 bits, in two halves. The macros that need the least
    // are of 128 bits and 256 bytes: 64 slices * 2 banks * 256 bytes = 32 KiB, 8 times what there is.
    #[test]
    fn a_memory_shallower_than_its_port_cannot_be_synthesized() {
        let error = synthesize(demand(4096, 8192, 2), node(), 0.8e9).unwrap_err();
        assert_eq!(error, Unsynthesizable { violation: 7.0 });
    }

    #[test]
    fn a_clock_beyond_the_fastest_macro_cannot_be_met() {
        let error = synthesize(demand(4096, 128, 1), node(), 10e9).unwrap_err();
        // The fastest macro of the table takes more than two cycles of 0.1 ns.
        assert!(error.violation > 1.0 && error.violation < 10.0, "{error:?}");
    }
}
