//! What a run says: time, energy by cause, counts, latencies; and its commands, if they are asked for.

use super::Clock;

/// What a controller made of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DramReport {
    /// From the first clock to the last response.
    pub time_s: f64,
    /// Energy of all chips by what it went into.
    pub energy: Energy,
    /// Energy over the time that it was spent in, which ends with the last command rather than with the last response.
    pub power_w: f64,
    /// Bytes of all requests over the time.
    pub bandwidth_byte_per_s: f64,
    /// From a request's admission to its response.
    pub latency: Latency,
    /// How many of each command.
    pub counts: Counts,
    /// Refresh intervals that passed, less refreshes done: what is owed if positive, what was done ahead if negative.
    pub refresh_debt: i64,
}

/// What became of some requests in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// How many.
    pub n_requests: usize,
    /// From the last response before to the last of these.
    pub time_s: f64,
    /// Mean of their latencies.
    pub latency_mean_s: f64,
    /// The longest of them.
    pub latency_max_s: f64,
    /// Energy spent meanwhile.
    pub energy_j: f64,
    /// Accesses meanwhile to a row that another had used since it was opened.
    pub row_hits: u64,
    /// Bursts read meanwhile.
    pub reads: u64,
    /// Bursts written meanwhile.
    pub writes: u64,
    /// Whether the trace ends with them.
    pub is_last: bool,
}

/// Energy by what it went into, in joule.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Energy {
    /// Opening rows.
    pub activate_j: f64,
    /// Closing rows.
    pub precharge_j: f64,
    /// Reads.
    pub read_j: f64,
    /// Writes.
    pub write_j: f64,
    /// Refreshes.
    pub refresh_j: f64,
    /// Standby.
    pub background_j: f64,
}

impl Energy {
    /// The sum of two, item by item.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            activate_j: self.activate_j + other.activate_j,
            precharge_j: self.precharge_j + other.precharge_j,
            read_j: self.read_j + other.read_j,
            write_j: self.write_j + other.write_j,
            refresh_j: self.refresh_j + other.refresh_j,
            background_j: self.background_j + other.background_j,
        }
    }

    /// All of it.
    pub fn total_j(&self) -> f64 {
        self.activate_j + self.precharge_j + self.read_j + self.write_j + self.refresh_j + self.background_j
    }
}

/// Latencies of all requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Arithmetic mean.
    pub mean_s: f64,
    /// Half of the requests wait no longer.
    pub p50_s: f64,
    /// 99 % of the requests wait no longer.
    pub p99_s: f64,
    /// The longest.
    pub max_s: f64,
}

/// How many of each command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows opened.
    pub activates: u64,
    /// Rows closed, each on its own, with an access or with all others.
    pub precharges: u64,
    /// Bursts read.
    pub reads: u64,
    /// Bursts written.
    pub writes: u64,
    /// Refreshes, each of all banks or of a set of them.
    pub refreshes: u64,
    /// Accesses to a row that another access had already used since it was opened.
    pub row_hits: u64,
}

/// A command on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// When, in clocks.
    pub clock: u64,
    /// Which.
    pub kind: CommandKind,
    /// Its bank, unless it is for all.
    pub bank: Option<usize>,
}

/// Commands in JEDEC's words; a final A closes the row with the access, or is for all banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// Opens a row.
    Act,
    /// Reads.
    Rd,
    /// Reads and closes the row.
    Rda,
    /// Writes.
    Wr,
    /// Writes and closes the row.
    Wra,
    /// Closes the row.
    Pre,
    /// Closes the rows of all banks.
    Prea,
    /// Refreshes all banks.
    Refa,
    /// Closes the rows of the banks that are refreshed together.
    Presb,
    /// Refreshes one bank, or one of each group.
    Refsb,
}

/// Bins of the first pass over latencies. Ours: enough that a bin of a run of 10,000 requests holds few.
const N_BINS: usize = 1024;

impl Latency {
    /// Mean, nearest-rank percentiles and maximum of latencies in clocks; `bin` is memory for those of one bin.
    pub(super) fn of(latencies: &[Clock], clock_s: f64, bin: &mut Vec<Clock>) -> Self {
        let (mut sum, mut max) = (0u128, 0);
        for &latency in latencies {
            sum += u128::from(latency);
            max = max.max(latency);
        }
        let shift = (Clock::BITS - max.leading_zeros()).saturating_sub(N_BINS.ilog2());
        let mut counts = [0usize; N_BINS];
        latencies.iter().for_each(|&latency| counts[(latency >> shift) as usize] += 1);
        let mut percentile = |percent: usize| {
            // Nearest rank: the least latency that so many in a hundred do not exceed.
            let mut rank = (latencies.len() * percent).div_ceil(100) - 1;
            let mut index = 0;
            while rank >= counts[index] {
                rank -= counts[index];
                index += 1;
            }
            if shift == 0 {
                return index as f64 * clock_s;
            }
            bin.clear();
            bin.extend(latencies.iter().filter(|&&latency| (latency >> shift) as usize == index));
            *bin.select_nth_unstable(rank).1 as f64 * clock_s
        };
        Self {
            mean_s: sum as f64 / latencies.len() as f64 * clock_s,
            p50_s: percentile(50),
            p99_s: percentile(99),
            max_s: max as f64 * clock_s,
        }
    }
}
