//! A matrix product on the array by itself: operands from DRAM, result to DRAM.

use super::{AttentionMachine, AttentionReport, Moved, Operations, Place};

/// `count` products of `m x k` and `k x n`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatrixProduct {
    /// Products of this shape.
    pub count: f64,
    /// Rows of the first operand and of the result.
    pub m: u64,
    /// Summands of an element of the result.
    pub k: u64,
    /// Columns of the second operand and of the result.
    pub n: u64,
    /// Bytes of an element of the first operand.
    pub first_byte: f64,
    /// Bytes of an element of the second operand.
    pub second_byte: f64,
    /// Bytes of an element of the result.
    pub result_byte: f64,
    /// Where the second operand is. On the chip it has a memory of its own beside the buffer.
    pub second: Place,
}

/// What products take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProductReport {
    /// Cycles of the array.
    pub cycles: f64,
    /// To and from DRAM.
    pub dram: Moved,
    /// To and from the buffer.
    pub buffer: Moved,
}

impl MatrixProduct {
    /// Multiply-accumulates of all products.
    pub fn macs(&self) -> f64 {
        self.count * self.m as f64 * self.k as f64 * self.n as f64
    }

    /// What the products take on `machine`, under the best of the mappings below.
    ///
    /// The array holds a tile of the result, of the second or of the first operand, and what is left of the product runs in time. A tile
    /// that is an operand takes a cycle a row to load, while its predecessor is in use. In the buffer stands a block of whole rows
    /// of the first operand, of whole columns of the second, or of the result; what streams by is read once for each block.
    pub fn report(&self, machine: &AttentionMachine) -> ProductReport {
        ProductReport {
            cycles: self.cycles(machine),
            dram: self.dram(machine.buffer_byte),
            buffer: self.buffer(machine),
        }
    }

    /// What the products take as a phase of its own: the longer of computing and moving.
    pub fn phase(&self, machine: &AttentionMachine) -> AttentionReport {
        let report = self.report(machine);
        let compute_s = machine.seconds(report.cycles);
        AttentionReport {
            latency_s: compute_s.max(report.dram.total_byte() / machine.dram_byte_per_s),
            array_busy_s: machine.seconds(self.macs() / machine.macs_per_cycle()),
            dram: report.dram,
            buffer: report.buffer,
            operations: Operations { macs: self.macs(), ..Operations::default() },
            ..AttentionReport::default()
        }
    }

    fn cycles(&self, machine: &AttentionMachine) -> f64 {
        let cut = |size: u64| size.div_ceil(machine.side) as f64;
        let time = |size: u64| (size as f64 * machine.cycles_per_mac).max(machine.side as f64);
        let output = cut(self.m) * cut(self.n) * self.k as f64 * machine.cycles_per_mac;
        let second = cut(self.k) * cut(self.n) * time(self.m);
        let first = cut(self.m) * cut(self.k) * time(self.n);
        self.count * output.min(second).min(first)
    }

    fn dram(&self, buffer_byte: f64) -> Moved {
        let (m, k, n) = (self.m as f64, self.k as f64, self.n as f64);
        let (first, second) = (m * k * self.first_byte, k * n * self.second_byte);
        let write_byte = self.count * m * n * self.result_byte;
        if self.second == Place::OnChip {
            return Moved { read_byte: self.count * first, write_byte };
        }
        let blocks = |size: f64, fitting: f64| {
            if fitting < 1.0 { f64::INFINITY } else { (size / fitting.floor()).ceil().max(1.0) }
        };
        let by_rows = first + second * blocks(m, buffer_byte / (k * self.first_byte));
        let by_columns = second + first * blocks(n, buffer_byte / (k * self.second_byte));
        // A block of results near a square, rounded either way, or as wide as an equal share of the columns.
        let words = buffer_byte / self.result_byte;
        let columns = n.min(words.sqrt().max(words / m)).max(1.0);
        let shares = (n / columns).floor().max(1.0);
        let by_columns_of = |columns: f64| first * blocks(n, columns) + second * blocks(m, words / columns);
        let widths = [columns.floor(), columns.ceil(), (n / shares).ceil(), (n / (shares + 1.0)).ceil()];
        let by_results = widths.into_iter().map(by_columns_of).fold(f64::INFINITY, f64::min);
        Moved { read_byte: self.count * by_rows.min(by_columns).min(by_results), write_byte }
    }

    /// The array asks for an operand once for each tile of the other; results are written once.
    fn buffer(&self, machine: &AttentionMachine) -> Moved {
        let (m, k, n) = (self.m as f64, self.k as f64, self.n as f64);
        let cut = |size: u64| size.div_ceil(machine.side) as f64;
        let asked = m * k * self.first_byte * cut(self.n) + k * n * self.second_byte * cut(self.m);
        let filled = m * k * self.first_byte + k * n * self.second_byte;
        let results = m * n * self.result_byte;
        Moved { read_byte: self.count * (asked + results), write_byte: self.count * (filled + results) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // By hand: a vector of 4,096 and a matrix of 4,096 x 1,024, two bytes an element: 8,192 byte and 8 MiB, whether the result goes to
    // memory or stays on the chip.
    #[test]
    fn an_operand_is_read_once_even_if_the_result_stays_on_the_chip() {
        let product = |result_byte| MatrixProduct {
            count: 1.0,
            m: 1,
            k: 4096,
            n: 1024,
            first_byte: 2.0,
            second_byte: 2.0,
            result_byte,
            second: Place::OffChip,
        };
        for result_byte in [0.0, 2.0] {
            let dram = product(result_byte).dram(1_048_576.0);
            assert_eq!((dram.read_byte, dram.write_byte), (8192.0 + 8_388_608.0, 1024.0 * result_byte));
        }
    }

    // By hand: of 65,536 x 768 results a block of 384 columns has 1,365 rows in a MiB of two-byte words: the first operand is read twice, the
    // second 49 times, if neither fits by whole rows or columns.
    #[test]
    fn blocks_may_be_equal_shares_of_the_columns() {
        let product = MatrixProduct {
            count: 1.0,
            m: 65_536,
            k: 3072,
            n: 768,
            first_byte: 2.0,
            second_byte: 2.0,
            result_byte: 2.0,
            second: Place::OffChip,
        };
        let (first, second) = (65_536.0 * 3072.0 * 2.0, 3072.0 * 768.0 * 2.0);
        assert!(product.dram(1_048_576.0).read_byte <= 2.0 * first + 49.0 * second);
    }
}
