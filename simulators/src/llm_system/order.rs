//! In which order stages run passes: building blocks that repeat with every microbatch.
//!
//! Sources: Narayanan et al. (SC 2021), arXiv 2104.04473, section 2.2, for 1F1B and interleaving; Qi et al. (ICLR 2024), arXiv 2401.10241, for ZB-1P and
//! ZB-2P; Qi et al. (NeurIPS 2024), arXiv 2405.15362, for ZB-V, V-half and V-min, whose first and last chunk are on the same stage.

/// A schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassOrder {
    /// One forward, one backward, weight gradients with them; `chunks` on each stage.
    OneForwardOneBackward {
        /// Chunks of a stage.
        chunks: usize,
    },
    /// Weight gradients wait for a gap; activations of no more microbatches than 1F1B has.
    ZeroBubble1,
    /// The same, with twice the activations.
    ZeroBubble2,
    /// Two chunks a stage, down and up again: activations of `(p + 2) / 2` microbatches.
    VHalf,
    /// Two chunks a stage likewise, with the activations of 1F1B: no fixed order, the best of some rules by which stages choose what is next.
    ZeroBubbleV,
    /// Two chunks with activations of `(p + 4) / 3` microbatches, for numbers of stages that 3 does not divide: passes of others want the same time.
    VMin,
}

/// What a stage does with a chunk of a microbatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Forward,
    /// The gradient of the input.
    Backward,
}

/// One pass: `(pass, position, microbatch)`; positions are chunks in the order of the model.
pub(super) type Entry = (Pass, usize, usize);

impl PassOrder {
    /// Chunks of a stage.
    pub(super) fn chunks(self) -> usize {
        match self {
            Self::OneForwardOneBackward { chunks } => chunks,
            Self::ZeroBubble1 | Self::ZeroBubble2 => 1,
            Self::ZeroBubbleV | Self::VHalf | Self::VMin => 2,
        }
    }

    /// Whether weight gradients wait for a gap.
    pub(super) fn splits_backward(self) -> bool {
        !matches!(self, Self::OneForwardOneBackward { .. })
    }

    /// Chunks of activations that a stage may hold.
    pub(super) fn limit(self, stages: usize) -> usize {
        match self {
            Self::OneForwardOneBackward { .. } => usize::MAX,
            Self::ZeroBubble1 => stages,
            Self::ZeroBubble2 | Self::ZeroBubbleV => 2 * stages,
            Self::VHalf => stages + 2,
            Self::VMin => (2 * stages + 8) / 3,
        }
    }

    /// Forward and backward passes of `stage`, in order; none where stages choose for themselves.
    pub(super) fn passes(self, stage: usize, stages: usize, microbatches: usize) -> Vec<Entry> {
        let left = stages - stage;
        match self {
            Self::OneForwardOneBackward { chunks } => {
                let ahead = if chunks == 1 { left - 1 } else { 2 * (left - 1) + (chunks - 1) * stages };
                alternating(stage, (stages, chunks, microbatches), ahead + 1)
            }
            Self::ZeroBubble1 => alternating(stage, (stages, 1, microbatches), left),
            Self::ZeroBubble2 => alternating(stage, (stages, 1, microbatches), 2 * left - 1),
            Self::ZeroBubbleV => Vec::new(),
            Self::VHalf => building_block(stage, stages, microbatches, [2, 1]),
            Self::VMin => building_block(stage, stages, microbatches, [1, 1]),
        }
    }
}

/// `ahead` forward passes, then a backward and a forward one by turns. With several chunks as many microbatches as there are stages go through one before the
/// next.
fn alternating(
    stage: usize,
    (stages, chunks, microbatches): (usize, usize, usize),
    ahead: usize,
) -> Vec<Entry> {
    let all = chunks * microbatches;
    let group = stages * chunks;
    let chunk = |index: usize| index % group / stages;
    let microbatch = |index: usize| index / group * stages + index % stages;
    let forward = |index: usize| (Pass::Forward, chunk(index) * stages + stage, microbatch(index));
    let backward = |index: usize| {
        let position = (chunks - 1 - chunk(index)) * stages + stage;
        (Pass::Backward, position, microbatch(index))
    };
    let ahead = ahead.min(all);
    let mut entries: Vec<Entry> = (0..ahead).map(forward).collect();
    for index in 0..all {
        entries.push(backward(index));
        if ahead + index < all {
            entries.push(forward(ahead + index));
        }
    }
    entries
}

/// Passes of two chunks in the order of a block that repeats every six units; `steps`: units from stage to stage on the way down, and up again.
fn building_block(stage: usize, stages: usize, microbatches: usize, [down, up]: [usize; 2]) -> Vec<Entry> {
    /// Forward, input gradient and weight gradient of two chunks.
    const UNITS: usize = 6;
    let last = stages - 1;
    let one_way = down * last + up * last + 1;
    let first = down * stage;
    let second = down * last + 1 + up * (last - stage);
    let starts = [
        (first, Pass::Forward, stage),
        (second, Pass::Forward, 2 * stages - 1 - stage),
        (one_way + 1 + first, Pass::Backward, 2 * stages - 1 - stage),
        (one_way + 1 + second, Pass::Backward, stage),
    ];
    let at = |microbatch: usize| {
        starts.map(|(start, pass, position)| (start + UNITS * microbatch, (pass, position, microbatch)))
    };
    let mut timed: Vec<(usize, Entry)> = (0..microbatches).flat_map(at).collect();
    timed.sort_by_key(|&(start, (_, position, _))| (start, position));
    timed.into_iter().map(|(_, entry)| entry).collect()
}
