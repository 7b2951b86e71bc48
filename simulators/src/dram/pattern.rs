//! Workloads from a seed.

use rand::RngExt;
use tapeout_core::Seed;
use tapeout_core::names::UnknownName;

use super::device::DramDevice;
use super::trace::{Operation, Request, Trace, TraceError};

/// A kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Reads of one address after the other, one a clock.
    Stream,
    /// Reads of addresses without any order, one a clock.
    Random,
    /// Blocks of 50 reads, each block from the stream or from the random sequence, by a fair coin; one a clock.
    Cloud,
    /// Two writes to three reads; half go on in sequence, two fifths are in 16 rows of each bank, the rest anywhere; one a clock.
    Mixed,
    /// As `Mixed`, and 64 clocks from one to the next on average, at most 127.
    Sparse,
}

impl Pattern {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("stream", Self::Stream),
        ("random", Self::Random),
        ("cloud", Self::Cloud),
        ("mixed", Self::Mixed),
        ("sparse", Self::Sparse),
    ];

    /// The pattern called `name`.
    ///
    /// # Errors
    /// [`UnknownName`], with the nearest name.
    pub fn named(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name).map(|&(_, pattern)| pattern);
        known.ok_or_else(|| UnknownName::among("workload", name, Self::ALL.iter().map(|&(known, _)| known)))
    }

    /// A trace of `n` requests of this kind, over all of `device`.
    ///
    /// # Errors
    /// [`TraceError`] if `n` is 0 or above [`MAX_REQUESTS`](super::MAX_REQUESTS).
    ///
    /// ```
    /// use tapeout_core::Seed;
    /// use tapeout_simulators::dram::{DDR3_1600, Pattern};
    /// let trace = Pattern::Stream.trace(&DDR3_1600, 3, Seed::new(0))?;
    /// let addresses: Vec<u64> = trace.requests().iter().map(|request| request.address).collect();
    /// assert_eq!(addresses, [0, 64, 128]);
    /// # Ok::<(), tapeout_simulators::dram::TraceError>(())
    /// ```
    pub fn trace(self, device: &DramDevice, n: usize, seed: Seed) -> Result<Trace, TraceError> {
        if n > super::MAX_REQUESTS {
            return Err(TraceError::Long { got: n });
        }
        let mut source = Source {
            rng: seed.stream("dram requests"),
            burst_byte: u64::from(device.burst_byte),
            space_byte: device.capacity_byte(),
            sequential: 0,
            is_block_random: false,
        };
        let mut cycle = 0;
        let request = |index| {
            let request = match self {
                Self::Stream => source.read(cycle, false),
                Self::Random => source.read(cycle, true),
                Self::Cloud => source.cloud(cycle, index),
                Self::Mixed | Self::Sparse => source.mixed(cycle),
            };
            cycle += if self == Self::Sparse { 1 + source.below(127) } else { 1 };
            request
        };
        Trace::new((0..n).map(request).collect())
    }
}

/// Where addresses come from.
struct Source {
    rng: tapeout_core::Stream,
    /// Bytes from one request to the next in sequence: a burst.
    burst_byte: u64,
    /// Bytes of the address space.
    space_byte: u64,
    /// The next address in sequence.
    sequential: u64,
    is_block_random: bool,
}

impl Source {
    /// A number below `n`, which is far below 2^32, so that the remainder's bias does not show.
    fn below(&mut self, n: u64) -> u64 {
        u64::from(self.rng.random::<u32>()) % n
    }

    fn next_in_sequence(&mut self) -> u64 {
        let address = self.sequential;
        self.sequential = (address + self.burst_byte) % self.space_byte;
        address
    }

    fn anywhere(&mut self) -> u64 {
        self.below(self.space_byte / self.burst_byte) * self.burst_byte
    }

    fn read(&mut self, cycle: u64, is_random: bool) -> Request {
        let address = if is_random { self.anywhere() } else { self.next_in_sequence() };
        Request { cycle, address, operation: Operation::Read }
    }

    /// Source: section 12 of `docs/concepts/dram.md`, which has the recipe of ArchGym's cloud traces.
    fn cloud(&mut self, cycle: u64, index: usize) -> Request {
        if index.is_multiple_of(50) {
            self.is_block_random = self.below(2) == 1;
        }
        self.read(cycle, self.is_block_random)
    }

    /// Ours: what a controller has to weigh is all in it: writes that turn the bus, rows that pay to be left open, and rows that do not.
    fn mixed(&mut self, cycle: u64) -> Request {
        let operation = if self.below(5) < 2 { Operation::Write } else { Operation::Read };
        let address = match self.below(10) {
            0..5 => self.next_in_sequence(),
            // The lowest 16 rows of a DDR3-1600's eight banks are its lowest MiB.
            5..9 => self.below((1 << 20) / self.burst_byte) * self.burst_byte,
            _ => self.anywhere(),
        };
        Request { cycle, address, operation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dram::DDR3_1600;

    fn requests(pattern: Pattern, n: usize) -> Vec<Request> {
        pattern.trace(&DDR3_1600, n, Seed::new(3)).unwrap().requests().to_vec()
    }

    // Claim: the recipes, within four standard deviations: of 40 % of 10,000 (49), of half of 200 blocks (7.1).
    #[test]
    fn traffic_is_mixed_as_it_says() {
        let mixed = requests(Pattern::Mixed, 10_000);
        let n_writes = mixed.iter().filter(|request| request.operation == Operation::Write).count();
        assert!(n_writes.abs_diff(4000) < 196, "{n_writes}");
        let cloud = requests(Pattern::Cloud, 10_000);
        let is_sequential =
            |block: &[Request]| block.windows(2).all(|pair| pair[1].address == pair[0].address + 64);
        let n_sequential = cloud.chunks(50).filter(|block| is_sequential(block)).count();
        assert!(n_sequential.abs_diff(100) < 29, "{n_sequential}");
        assert!(cloud.iter().enumerate().all(|(index, request)| request.cycle == index as u64));
        // A mean gap of 64 clocks with a standard deviation of 36.7 over 10,000 gaps: within 1.5.
        let last = requests(Pattern::Sparse, 10_001)[10_000].cycle as f64;
        assert!((last / 10_000.0 - 64.0).abs() < 1.5, "{last}");
    }

    #[test]
    fn a_seed_is_a_trace_and_another_seed_another() {
        for (name, pattern) in Pattern::ALL {
            let [one, same, other] = [1, 1, 2]
                .map(|seed| pattern.trace(&DDR3_1600, 100, Seed::new(seed)).unwrap().requests().to_vec());
            assert_eq!(one, same, "{name}");
            assert_eq!(one == other, pattern == Pattern::Stream, "{name}");
        }
    }
}
