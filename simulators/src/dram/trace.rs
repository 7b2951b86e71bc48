//! Traces: what is asked of the memory, and when.

/// Most requests of a trace: 24 bits number them beside a clock.
pub const MAX_REQUESTS: usize = (1 << 24) - 2;

/// Latest cycle of a request, more than a minute at 800 MHz. Ours: below the 37 bits that a clock has beside a request and a bank,
/// so that a run ends within them.
pub const MAX_CYCLE: u64 = 1 << 36;

/// Read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// From the memory.
    Read,
    /// To the memory.
    Write,
}

/// One burst that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Clock of the memory at which the player wants it to be taken; need not grow from request to request.
    pub cycle: u64,
    /// Byte address; the burst is the one that it lies in.
    pub address: u64,
    /// Read or write.
    pub operation: Operation,
}

/// Requests in order: at least one, at most [`MAX_REQUESTS`], none after [`MAX_CYCLE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    requests: Vec<Request>,
}

impl Trace {
    /// A trace of these requests.
    ///
    /// # Errors
    /// [`TraceError`] if there are none, too many, or one comes too late.
    pub fn new(requests: Vec<Request>) -> Result<Self, TraceError> {
        if requests.is_empty() {
            return Err(TraceError::Empty);
        }
        if requests.len() > MAX_REQUESTS {
            return Err(TraceError::Long { got: requests.len() });
        }
        if let Some(index) = requests.iter().position(|request| request.cycle > MAX_CYCLE) {
            return Err(TraceError::Late { index, got: requests[index].cycle });
        }
        Ok(Self { requests })
    }

    /// The requests, in order.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Whether nothing is written.
    pub fn is_reads_alone(&self) -> bool {
        self.requests.iter().all(|request| request.operation == Operation::Read)
    }
}

/// What is no trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// Nothing in it.
    #[error("the trace holds no request")]
    Empty,
    /// Too much in it.
    #[error("the trace holds {got} requests; at most {MAX_REQUESTS} can be simulated")]
    Long {
        /// How many.
        got: usize,
    },
    /// A request after the last clock.
    #[error("request {index} comes at cycle {got}; the last possible is {MAX_CYCLE}")]
    Late {
        /// Which, counted from 0.
        index: usize,
        /// Its cycle.
        got: u64,
    },
}
