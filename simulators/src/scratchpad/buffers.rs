//! What is to be placed: buffers, when they live, how large they are, and which of them are alive together.

/// Most buffers of an instance; ours: pairs that overlap are listed, so this bounds memory to some hundred MiB.
pub const MAX_BUFFERS: usize = 4096;

/// A buffer: alive from `start` to `end`, `end` not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveBuffer {
    /// When it is written first.
    pub start: u64,
    /// When it is no longer needed.
    pub end: u64,
    /// Its size.
    pub size_byte: u64,
}

/// Why buffers are no instance.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuffersError {
    /// Nothing to place.
    #[error("there are no buffers")]
    Empty,
    /// More than [`MAX_BUFFERS`].
    #[error("{got} buffers; expected at most {MAX_BUFFERS}")]
    TooMany {
        /// How many.
        got: usize,
    },
    /// A buffer that never lives.
    #[error("buffer {index} lives from {start} to {end}; expected an end after the start")]
    Lifeless {
        /// Which, from 0.
        index: usize,
        /// Its start.
        start: u64,
        /// Its end.
        end: u64,
    },
    /// A buffer of no size, or all of them of more than 2^53 byte.
    #[error(
        "buffer {index} has {size_byte} byte; expected 1 or more, and at most 2^53 for all buffers together"
    )]
    Size {
        /// Which, from 0.
        index: usize,
        /// Its size.
        size_byte: u64,
    },
}

/// Two buffers that are alive together and share bytes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("buffers {first} and {second} are alive together and share bytes")]
pub struct BufferOverlap {
    /// The one with the lower index.
    pub first: usize,
    /// The other.
    pub second: usize,
}

/// An instance: at least one buffer, with what follows from lifetimes.
///
/// Time is cut into sections: the moments at which as many buffers are alive as nowhere around them, since every clash shows there.
#[derive(Debug, Clone)]
pub struct Buffers {
    buffers: Vec<LiveBuffer>,
    /// First section of each buffer and the one after its last.
    spans: Vec<(usize, usize)>,
    /// By section: the sum of the sizes of what is alive.
    loads_byte: Vec<u64>,
    /// By buffer: those that are alive together with it.
    neighbours: Vec<Vec<usize>>,
}

impl Buffers {
    /// An instance of these buffers.
    ///
    /// # Errors
    /// [`BuffersError`] for none or too many, a buffer without life, or sizes of 0 or beyond 2^53 together.
    pub fn new(buffers: Vec<LiveBuffer>) -> Result<Self, BuffersError> {
        check(&buffers)?;
        let moments = sections(&buffers);
        let spans: Vec<(usize, usize)> = buffers
            .iter()
            .map(|it| {
                (moments.partition_point(|&at| at < it.start), moments.partition_point(|&at| at < it.end))
            })
            .collect();
        let mut loads_byte = vec![0; moments.len()];
        for (buffer, &(from, to)) in buffers.iter().zip(&spans) {
            loads_byte[from..to].iter_mut().for_each(|load| *load += buffer.size_byte);
        }
        let together = |a: &LiveBuffer, b: &LiveBuffer| a.start < b.end && b.start < a.end;
        let neighbours = (0..buffers.len())
            .map(|a| (0..buffers.len()).filter(|&b| b != a && together(&buffers[a], &buffers[b])).collect())
            .collect();
        Ok(Self { buffers, spans, loads_byte, neighbours })
    }

    /// The buffers, in the order given.
    pub fn buffers(&self) -> &[LiveBuffer] {
        &self.buffers
    }

    /// The most bytes that are alive at once: no allocation is lower.
    pub fn peak_byte(&self) -> u64 {
        self.loads_byte.iter().copied().max().unwrap_or(0)
    }

    /// Those that are alive together with `buffer`, in ascending order.
    pub fn neighbours(&self, buffer: usize) -> &[usize] {
        &self.neighbours[buffer]
    }

    /// Height of an allocation: the highest end of a buffer. `offsets_byte`: shape `[n]`.
    ///
    /// # Errors
    /// [`BufferOverlap`] with the first pair of buffers that share bytes while both are alive.
    ///
    /// # Panics
    /// If there are not as many offsets as buffers.
    pub fn height_byte(&self, offsets_byte: &[u64]) -> Result<u64, BufferOverlap> {
        assert_eq!(offsets_byte.len(), self.buffers.len(), "invariant: an offset for each buffer");
        let end = |buffer: usize| offsets_byte[buffer].saturating_add(self.buffers[buffer].size_byte);
        for first in 0..self.buffers.len() {
            let clash = |&&second: &&usize| {
                second > first && offsets_byte[first] < end(second) && offsets_byte[second] < end(first)
            };
            if let Some(&second) = self.neighbours[first].iter().find(clash) {
                return Err(BufferOverlap { first, second });
            }
        }
        Ok((0..self.buffers.len()).map(end).max().unwrap_or(0))
    }

    pub(super) fn span(&self, buffer: usize) -> (usize, usize) {
        self.spans[buffer]
    }

    pub(super) fn loads_byte(&self) -> &[u64] {
        &self.loads_byte
    }
}

fn check(buffers: &[LiveBuffer]) -> Result<(), BuffersError> {
    match buffers.len() {
        0 => return Err(BuffersError::Empty),
        got if got > MAX_BUFFERS => return Err(BuffersError::TooMany { got }),
        _ => {}
    }
    let mut total_byte = 0u64;
    for (index, &LiveBuffer { start, end, size_byte }) in buffers.iter().enumerate() {
        if end <= start {
            return Err(BuffersError::Lifeless { index, start, end });
        }
        total_byte = total_byte.saturating_add(size_byte);
        // 2^53: up to there a metric says it exactly.
        if size_byte == 0 || total_byte > 1 << 53 {
            return Err(BuffersError::Size { index, size_byte });
        }
    }
    Ok(())
}

/// The moments after the last start before an end: whoever is alive together is so at one of them.
fn sections(buffers: &[LiveBuffer]) -> Vec<u64> {
    let mut events: Vec<(u64, bool)> =
        buffers.iter().flat_map(|it| [(it.start, true), (it.end, false)]).collect();
    // An end goes before a start of the same time.
    events.sort_unstable();
    let turns = events.windows(2).filter(|pair| pair[0].1 && !pair[1].1);
    turns.map(|pair| pair[0].0).collect()
}
