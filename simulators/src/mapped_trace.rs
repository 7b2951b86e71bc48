//! The accesses to DRAM of a mapped layer, in the order of its loops, as requests of a memory controller.
//!
//! DRAM is the outermost level of a mapping. A tensor's tile lies in the next level that keeps it; whenever a loop outside that
//! level moves the tile, the words that are new in it are read, and of results the tile that is left is written. What a tile keeps from the
//! one before, such as the rows that two windows share, is not read again. Tensors lie one after the other, each in the order of its ranks; zeros
//! around an image lie there and are asked for like any word, as under [`Quirks::padding_from_memory`](crate::loop_nest::Quirks::padding_from_memory).

use std::collections::VecDeque;

use crate::dram::{DramDevice, Operation, Request};
use crate::loop_nest::{Einsum, Loop, Mapping, Role, Tensor};

/// Bytes at whose multiples tensors begin. Ours: a page of an operating system.
const ALIGNMENT_BYTE: u64 = 4096;

/// Requests of a mapped layer, made one after the other.
///
/// It holds the requests of one step, that is of one tile of each tensor at most.
#[derive(Debug)]
pub struct MappedTrace {
    loops: Vec<OuterLoop>,
    /// Of each loop, the outermost first.
    indices: Vec<u64>,
    streams: Vec<Stream>,
    burst_byte: u64,
    clocks_per_step: f64,
    /// Steps done.
    n_steps: u64,
    is_over: bool,
    pending: VecDeque<Request>,
}

/// A loop in time above some tile.
#[derive(Debug, Clone, Copy)]
struct OuterLoop {
    dim: usize,
    bound: u64,
    /// Points of the dimension between two iterations.
    stride: u64,
    level: usize,
}

/// Where a tile lies in a tensor, and how far it reaches; by rank.
type TileBox = Vec<(u64, u64)>;

/// One tensor.
#[derive(Debug)]
struct Stream {
    role: Role,
    /// The level that holds its tile; loops of levels above it move the tile.
    child: usize,
    /// Terms of each rank: dimension and coefficient.
    ranks: Vec<Vec<(usize, u64)>>,
    /// Points of each dimension in a tile.
    tile: Vec<u64>,
    /// Words from one index of a rank to the next.
    strides: Vec<u64>,
    /// Byte of the first word.
    base: u64,
    word_byte: u64,
    /// The tile that is there.
    held: Option<TileBox>,
}

impl MappedTrace {
    /// The accesses of `einsum` under `mapping`, words of `word_byte` bytes, in bursts of `device`.
    ///
    /// `clocks_per_step`: clocks of the memory from one iteration of the loops around the tiles to the next, as long as the
    /// memory keeps up; 0 asks for all at once.
    ///
    /// # Panics
    /// If a loop of the mapping has a residual, as none by the [`mapper`](crate::mapper) has, or a tensor is kept in DRAM alone.
    pub fn new(
        einsum: &Einsum,
        mapping: &Mapping,
        word_byte: u64,
        device: &DramDevice,
        clocks_per_step: f64,
    ) -> Self {
        let levels = mapping.levels.iter();
        let all =
            levels.flat_map(|level| level.temporal.iter().chain(&level.spatial_x).chain(&level.spatial_y));
        assert!(all.clone().all(|item| item.bound == item.residual), "loops of a trace have no residual");
        let mut base = 0;
        let streams: Vec<Stream> = einsum
            .tensors()
            .iter()
            .enumerate()
            .map(|(index, tensor)| Stream::new(einsum, mapping, index, tensor, word_byte, &mut base))
            .collect();
        let lowest = streams.iter().map(|stream| stream.child + 1).min().unwrap_or(0);
        let loops = outer_loops(einsum, mapping, lowest);
        Self {
            indices: vec![0; loops.len()],
            loops,
            streams,
            burst_byte: u64::from(device.burst_byte),
            clocks_per_step,
            n_steps: 0,
            is_over: false,
            pending: VecDeque::new(),
        }
    }

    /// Iterations of the loops around the tiles.
    pub fn steps(&self) -> f64 {
        self.loops.iter().map(|item| item.bound as f64).product()
    }

    /// Does a step, or writes what is left if all are done.
    fn step(&mut self) {
        let cycle = (self.n_steps as f64 * self.clocks_per_step) as u64;
        for stream in &mut self.streams {
            stream.step(&self.loops, &self.indices, cycle, self.burst_byte, &mut self.pending);
        }
        self.n_steps += 1;
        self.is_over = true;
        for (index, item) in self.indices.iter_mut().zip(&self.loops).rev() {
            *index += 1;
            if *index < item.bound {
                self.is_over = false;
                break;
            }
            *index = 0;
        }
        if self.is_over {
            for stream in &mut self.streams {
                stream.leave(cycle, self.burst_byte, &mut self.pending);
            }
        }
    }
}

impl Iterator for MappedTrace {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        while self.pending.is_empty() && !self.is_over {
            self.step();
        }
        self.pending.pop_front()
    }
}

/// Loops in time of `lowest` and all levels above it, the outermost first.
fn outer_loops(einsum: &Einsum, mapping: &Mapping, lowest: usize) -> Vec<OuterLoop> {
    let mut strides = vec![1u64; einsum.dims().len()];
    let mut loops = Vec::new();
    for (level, mapped) in mapping.levels.iter().enumerate() {
        // Below the loops in time of a level are those in space, whatever their order.
        for item in mapped.spatial_x.iter().chain(&mapped.spatial_y) {
            strides[item.dim] *= item.bound;
        }
        for &Loop { dim, bound, .. } in mapped.temporal.iter().rev() {
            if level >= lowest && bound > 1 {
                loops.push(OuterLoop { dim, bound, stride: strides[dim], level });
            }
            strides[dim] *= bound;
        }
    }
    loops.reverse();
    loops
}

impl Stream {
    fn new(
        einsum: &Einsum,
        mapping: &Mapping,
        index: usize,
        tensor: &Tensor,
        word_byte: u64,
        base: &mut u64,
    ) -> Self {
        let top = mapping.levels.len() - 1;
        let child = (0..top).rev().find(|&level| mapping.levels[level].keep.contains(index));
        let child = child.unwrap_or_else(|| panic!("tensor `{}` is kept in DRAM alone", tensor.name()));
        let mut tile = vec![1; einsum.dims().len()];
        for (level, mapped) in mapping.levels.iter().enumerate() {
            let in_time = mapped.temporal.iter().filter(|_| level <= child);
            for item in mapped.spatial_x.iter().chain(&mapped.spatial_y).chain(in_time) {
                tile[item.dim] *= item.bound;
            }
        }
        let ranks: Vec<Vec<(usize, u64)>> = tensor.ranks().iter().map(|rank| rank.terms().to_vec()).collect();
        let extents = ranks.iter().map(|terms| {
            terms.iter().map(|&(dim, coefficient)| coefficient * (einsum.dims()[dim].size - 1)).sum::<u64>()
                + 1
        });
        let extents: Vec<u64> = extents.collect();
        let mut strides = vec![1; extents.len()];
        for rank in (1..extents.len()).rev() {
            strides[rank - 1] = strides[rank] * extents[rank];
        }
        let words: u64 = extents.iter().product();
        let begin = *base;
        *base += (words * word_byte).next_multiple_of(ALIGNMENT_BYTE);
        let role = tensor.role();
        Self { role, child, ranks, tile, strides, base: begin, word_byte, held: None }
    }

    /// The tile at these iterations.
    fn tile_box(&self, loops: &[OuterLoop], indices: &[u64]) -> TileBox {
        let mut starts = vec![0; self.tile.len()];
        for (item, index) in loops.iter().zip(indices) {
            if item.level > self.child {
                starts[item.dim] += index * item.stride;
            }
        }
        let range = |terms: &Vec<(usize, u64)>| {
            let start = terms.iter().map(|&(dim, coefficient)| coefficient * starts[dim]).sum();
            let reach: u64 = terms.iter().map(|&(dim, coefficient)| coefficient * (self.tile[dim] - 1)).sum();
            (start, reach + 1)
        };
        self.ranks.iter().map(range).collect()
    }

    /// Whether the tile at these iterations is there for the first time: no loop that leaves it where it is has gone on.
    fn is_first(&self, loops: &[OuterLoop], indices: &[u64]) -> bool {
        let moves = |dim| self.ranks.iter().flatten().any(|&(of_rank, _)| of_rank == dim);
        loops
            .iter()
            .zip(indices)
            .all(|(item, &index)| item.level <= self.child || moves(item.dim) || index == 0)
    }

    fn step(
        &mut self,
        loops: &[OuterLoop],
        indices: &[u64],
        cycle: u64,
        burst_byte: u64,
        pending: &mut VecDeque<Request>,
    ) {
        let new = self.tile_box(loops, indices);
        if self.held.as_ref() == Some(&new) {
            return;
        }
        match self.role {
            Role::Input => {
                self.transfer(&new, self.held.as_deref(), (cycle, Operation::Read, burst_byte), pending);
            }
            Role::Output => {
                self.leave(cycle, burst_byte, pending);
                if !self.is_first(loops, indices) {
                    self.transfer(&new, None, (cycle, Operation::Read, burst_byte), pending);
                }
            }
        }
        self.held = Some(new);
    }

    /// Writes the tile of a result that is there.
    fn leave(&mut self, cycle: u64, burst_byte: u64, pending: &mut VecDeque<Request>) {
        if self.role == Role::Output
            && let Some(held) = self.held.take()
        {
            self.transfer(&held, None, (cycle, Operation::Write, burst_byte), pending);
        }
    }

    /// Asks for the bursts that hold the words of a tile, those in `known` left out.
    fn transfer(
        &self,
        tile: &[(u64, u64)],
        known: Option<&[(u64, u64)]>,
        (cycle, operation, burst_byte): (u64, Operation, u64),
        pending: &mut VecDeque<Request>,
    ) {
        let mut last = None;
        for_each_run(tile, known, &mut |row, start, end| {
            let outer: u64 = row.iter().zip(&self.strides).map(|(index, stride)| index * stride).sum();
            let byte = |word: u64| self.base + (outer + word) * self.word_byte;
            for burst in byte(start) / burst_byte..byte(end).div_ceil(burst_byte) {
                if last != Some(burst) {
                    pending.push_back(Request { cycle, address: burst * burst_byte, operation });
                    last = Some(burst);
                }
            }
        });
    }
}

/// Calls `visit` with the indices of all ranks but the last, and the first index and the end of each run of words in the last, for those
/// of `tile` that are not in `known`.
fn for_each_run(tile: &[(u64, u64)], known: Option<&[(u64, u64)]>, visit: &mut impl FnMut(&[u64], u64, u64)) {
    let Some((&(start, extent), outer)) = tile.split_last() else { return visit(&[], 0, 1) };
    let end = start + extent;
    let mut row: Vec<u64> = outer.iter().map(|&(start, _)| start).collect();
    loop {
        let within = |(rank, index): (usize, &u64)| {
            known.is_some_and(|known| (known[rank].0..known[rank].0 + known[rank].1).contains(index))
        };
        match known.and_then(|known| known.last()).filter(|_| row.iter().enumerate().all(within)) {
            Some(&(known_start, known_extent)) => {
                let known_end = known_start + known_extent;
                if start < known_start.min(end) {
                    visit(&row, start, known_start.min(end));
                }
                if known_end.max(start) < end {
                    visit(&row, known_end.max(start), end);
                }
            }
            None => visit(&row, start, end),
        }
        let mut rank = row.len();
        loop {
            if rank == 0 {
                return;
            }
            rank -= 1;
            row[rank] += 1;
            if row[rank] < outer[rank].0 + outer[rank].1 {
                break;
            }
            row[rank] = outer[rank].0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dram::DDR3_1600;
    use crate::loop_nest::{LevelMapping, TensorSet, TensorSpec};

    /// One byte a burst, so that requests are words.
    fn words() -> DramDevice {
        DramDevice { burst_byte: 1, ..DDR3_1600 }
    }

    // By hand: a convolution of 3 taps over 8 outputs, in two tiles of 4, taps outside or inside of them. Weights are at 0, inputs at 4096
    // (10 of them), outputs at 8192.
    fn requests(temporal: Vec<Loop>, inner: Vec<Loop>) -> Vec<(Operation, u64)> {
        let einsum = Einsum::new(
            &[("R", 3), ("P", 8)],
            &[
                TensorSpec::input("Weights", &[&[("R", 1)]]),
                TensorSpec::input("Inputs", &[&[("R", 1), ("P", 1)]]),
                TensorSpec::output("Outputs", &[&[("P", 1)]]),
            ],
        )
        .unwrap();
        let keep = TensorSet::all(3);
        let levels = vec![
            LevelMapping { keep, temporal: inner, ..LevelMapping::default() },
            LevelMapping { keep, temporal, ..LevelMapping::default() },
        ];
        let trace = MappedTrace::new(&einsum, &Mapping { levels }, 1, &words(), 0.0);
        trace.map(|request| (request.operation, request.address)).collect()
    }

    fn reads(addresses: impl IntoIterator<Item = u64>) -> Vec<(Operation, u64)> {
        addresses.into_iter().map(|address| (Operation::Read, address)).collect()
    }

    fn writes(addresses: impl IntoIterator<Item = u64>) -> Vec<(Operation, u64)> {
        addresses.into_iter().map(|address| (Operation::Write, address)).collect()
    }

    #[test]
    fn windows_share_what_they_hold() {
        let got = requests(vec![Loop::new(1, 2)], vec![Loop::new(0, 3), Loop::new(1, 4)]);
        let expected = [
            reads(0..3),
            reads(4096..4102),
            // The second tile holds inputs 4 to 9, of which 4 and 5 were there.
            reads(4102..4106),
            writes(8192..8196),
            writes(8196..8200),
        ];
        assert_eq!(got, expected.concat());
    }

    #[test]
    fn incomplete_sums_come_back() {
        let got = requests(vec![Loop::new(0, 3), Loop::new(1, 2)], vec![Loop::new(1, 4)]);
        let tap = |tap: u64| {
            let sums = |tile: u64| 8192 + 4 * tile..8196 + 4 * tile;
            let of_tile = |tile: u64| if tap == 0 { Vec::new() } else { reads(sums(tile)) };
            let first = 4096 + tap;
            // One tap reads inputs tap to tap + 7 in two tiles; of its first, the last is there from the tap before.
            let (known, again) = if tap == 0 { (0, Vec::new()) } else { (1, writes(sums(1))) };
            [
                reads([tap]),
                reads(first..first + 4 - known),
                again,
                of_tile(0),
                reads(first + 4..first + 8),
                writes(sums(0)),
                of_tile(1),
            ]
            .concat()
        };
        let mut expected: Vec<(Operation, u64)> = (0..3).flat_map(tap).collect();
        expected.extend(writes(8196..8200));
        assert_eq!(got, expected);
    }

    #[test]
    #[should_panic(expected = "tensor `Z` is kept in DRAM alone")]
    fn a_tensor_without_a_tile_has_no_trace() {
        let einsum = Einsum::new(&[("P", 2)], &[TensorSpec::output("Z", &[&[("P", 1)]])]).unwrap();
        let dram = LevelMapping {
            keep: TensorSet::all(1),
            temporal: vec![Loop::new(0, 2)],
            ..LevelMapping::default()
        };
        let mapping = Mapping { levels: vec![LevelMapping::default(), dram] };
        MappedTrace::new(&einsum, &mapping, 1, &words(), 0.0);
    }

    // By hand: of a tile of 2 by 3 at (1, 1), one at (0, 2) of 2 by 2 knows row 1's last two.
    #[test]
    fn runs_leave_out_what_is_known() {
        let mut runs = Vec::new();
        for_each_run(&[(1, 2), (1, 3)], Some(&[(0, 2), (2, 2)]), &mut |row, start, end| {
            runs.push((row.to_vec(), start, end));
        });
        assert_eq!(runs, [(vec![1], 1, 2), (vec![2], 1, 4)]);
    }
}
