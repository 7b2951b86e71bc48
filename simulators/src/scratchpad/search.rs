//! Branch and bound for an allocation within a capacity, with restarts that learn which buffers are hard.
//!
//! Source: Moffitt (2023), doi:10.1145/3623278.3624752: buffers pile up in the order of their offsets (canonical solutions), none is put where
//! another fits below it (dominance), a section whose floor and what is still to come exceed the capacity ends a branch (section inference),
//! and what is separate in time is searched separately (decomposition).
//! Departs from it: an order that does not get there is left after some nodes for the next, in which the buffers of sections that ended branches
//! move forward, as the weights of constraints do in Boussemart et al. (2004), "Boosting systematic search by weighting constraints", ECAI.

use super::buffers::Buffers;
use super::placement::{BufferKey, first_fit, lowest_first};

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allocated {
    /// Offsets, shape `[n]`.
    Found(Vec<u64>),
    /// There is no such allocation.
    Impossible,
    /// The nodes were spent.
    Unknown,
}

/// The lowest allocation that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeastHeight {
    /// Its height.
    pub height_byte: u64,
    /// Its offsets, shape `[n]`.
    pub offsets_byte: Vec<u64>,
    /// Whether no allocation is lower.
    pub proven: bool,
}

/// Orders to begin with. Source of the first three: google/minimalloc, README, its default; ours: the others, for what those do not solve.
const ORDERS: [&[BufferKey]; 5] = {
    use BufferKey::{Area, Life, Pressure, Sections};
    [
        &[Life, Area, Pressure],
        &[Pressure, Area, Life],
        &[Pressure, Life, Area],
        &[Sections, Pressure],
        &[Area, Life, Pressure],
    ]
};
/// Nodes of the first order. Ours, like the three below: of four settings that were tried, the one that solves each of the seven instances soonest at worst.
const FIRST_NODES: u64 = 2000;
/// How much more each round of orders may spend, in tenths.
const GROWTH_TENTHS: u64 = 15;
/// What is left of a weight after an order.
const MEMORY: f64 = 0.8;
/// How far the heaviest buffer moves forward, as a share of the order; each order is tried with all of these.
const STRENGTHS: [f64; 3] = [0.0, 1.0, 0.3];

/// An allocation of at most `capacity_byte`, sought for at most `max_nodes` placements in all.
pub fn allocate_within(buffers: &Buffers, capacity_byte: u64, max_nodes: u64) -> Allocated {
    if buffers.peak_byte() > capacity_byte {
        return Allocated::Impossible;
    }
    let n = buffers.buffers().len();
    let mut weights = vec![0.0; n];
    let (mut spent, mut nodes) = (0, FIRST_NODES);
    loop {
        for (keys, strength) in ORDERS.iter().flat_map(|keys| STRENGTHS.map(|strength| (keys, strength))) {
            let limit = nodes.min(max_nodes - spent);
            let ranks = ranks(&BufferKey::order(keys, buffers), &weights, strength);
            let mut search = Search::new(buffers, capacity_byte, ranks, &mut weights, limit);
            let answer = search.subset((0..n).collect(), (0, 0));
            spent += search.nodes.min(limit);
            match answer {
                Answer::Found => return Allocated::Found(search.offsets_byte),
                Answer::Refuted => return Allocated::Impossible,
                Answer::OutOfNodes if spent >= max_nodes => return Allocated::Unknown,
                Answer::OutOfNodes => weights.iter_mut().for_each(|weight| *weight *= MEMORY),
            }
        }
        nodes = nodes * GROWTH_TENTHS / 10;
    }
}

/// The lowest allocation: heuristics first, then ever lower capacities, each sought for at most `max_nodes` placements.
pub fn least_height(buffers: &Buffers, max_nodes: u64) -> LeastHeight {
    let height = |offsets: &[u64]| buffers.height_byte(offsets).expect("invariant: placed where it is free");
    let placed = ORDERS.iter().flat_map(|keys| {
        let order = BufferKey::order(keys, buffers);
        let scores: Vec<f64> =
            ranks(&order, &vec![0.0; order.len()], 0.0).iter().map(|&it| -(it as f64)).collect();
        // Lowness so high that the lowest offset goes first, whatever the scores.
        [first_fit(buffers, &order), lowest_first(buffers, &scores, 1e18)]
    });
    let mut best = placed.min_by_key(|offsets| height(offsets)).expect("invariant: there are orders");
    loop {
        let height_byte = height(&best);
        match allocate_within(buffers, height_byte - 1, max_nodes) {
            Allocated::Found(offsets) => best = offsets,
            Allocated::Impossible => return LeastHeight { height_byte, offsets_byte: best, proven: true },
            Allocated::Unknown => return LeastHeight { height_byte, offsets_byte: best, proven: false },
        }
    }
}

/// Places in the order, from 1, after buffers of large weight have moved forward by up to `strength` of its length. Shape `[n]`.
fn ranks(order: &[usize], weights: &[f64], strength: f64) -> Vec<usize> {
    let largest = weights.iter().copied().fold(1.0, f64::max);
    let mut places: Vec<(f64, usize)> = order
        .iter()
        .enumerate()
        .map(|(place, &buffer)| {
            (place as f64 / order.len() as f64 - strength * weights[buffer] / largest, buffer)
        })
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0; order.len()];
    for (place, &(_, buffer)) in places.iter().enumerate() {
        ranks[buffer] = place + 1;
    }
    ranks
}

enum Answer {
    Found,
    Refuted,
    OutOfNodes,
}

/// A search in one order; every change is undone on the way back.
struct Search<'a> {
    buffers: &'a Buffers,
    capacity_byte: u64,
    /// Which buffer goes first of those at equal offsets, shape `[n]`.
    ranks: Vec<usize>,
    /// How often a section of a buffer ended a branch, shape `[n]`.
    weights: &'a mut [f64],
    limit: u64,
    nodes: u64,
    /// Where it is, or how low it can go, shape `[n]`.
    offsets_byte: Vec<u64>,
    is_open: Vec<bool>,
    /// By section: what is still to be placed.
    rest_byte: Vec<u64>,
    /// Offsets that were raised, and from where.
    raised: Vec<(usize, u64)>,
    placed: Vec<usize>,
}

/// Offset and rank of the buffer that was placed last: those after it come later in this order.
type Last = (u64, usize);

impl<'a> Search<'a> {
    fn new(
        buffers: &'a Buffers,
        capacity_byte: u64,
        ranks: Vec<usize>,
        weights: &'a mut [f64],
        limit: u64,
    ) -> Self {
        let n = ranks.len();
        Self {
            buffers,
            capacity_byte,
            ranks,
            weights,
            limit,
            nodes: 0,
            offsets_byte: vec![0; n],
            is_open: vec![true; n],
            rest_byte: buffers.loads_byte().to_vec(),
            raised: Vec::new(),
            placed: Vec::new(),
        }
    }

    /// Places all of `open`, part by part where no buffer lives from one part into the next.
    fn subset(&mut self, mut open: Vec<usize>, last: Last) -> Answer {
        open.sort_unstable_by_key(|&it| (self.buffers.span(it).0, self.ranks[it]));
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut end = 0;
        for buffer in open {
            let (from, to) = self.buffers.span(buffer);
            match parts.last_mut().filter(|_| from < end) {
                Some(part) => part.push(buffer),
                None => parts.push(vec![buffer]),
            }
            end = end.max(to);
        }
        parts.sort_by_key(Vec::len);
        for part in &parts {
            match self.part(part, last) {
                Answer::Found => {}
                other => return other,
            }
        }
        Answer::Found
    }

    /// Places all of `open`, which hang together.
    fn part(&mut self, open: &[usize], last: Last) -> Answer {
        self.nodes += 1;
        if self.nodes > self.limit {
            return Answer::OutOfNodes;
        }
        let Some(highest_byte) = self.highest(open, last) else { return Answer::Refuted };
        let end = |it: usize| self.offsets_byte[it].max(last.0) + self.buffers.buffers()[it].size_byte;
        let lowest_end = open.iter().map(|&it| end(it)).min().unwrap_or(0);
        let turn = |it: usize| (self.offsets_byte[it], self.ranks[it]);
        let able = |it: &usize| {
            turn(*it) > last && self.offsets_byte[*it] < lowest_end && self.offsets_byte[*it] <= highest_byte
        };
        let mut candidates: Vec<usize> = open.iter().copied().filter(able).collect();
        candidates.sort_unstable_by_key(|&it| turn(it));
        for buffer in candidates {
            let turn = (self.offsets_byte[buffer], self.ranks[buffer]);
            let mark = (self.raised.len(), self.placed.len());
            self.place(buffer);
            let rest = open.iter().copied().filter(|&it| it != buffer).collect();
            match self.subset(rest, turn) {
                Answer::Refuted => self.undo(mark),
                other => return other,
            }
        }
        Answer::Refuted
    }

    /// The highest offset that the next buffer may have; nothing if some section is too full by now.
    fn highest(&mut self, open: &[usize], last: Last) -> Option<u64> {
        let spans = || open.iter().map(|&it| self.buffers.span(it));
        let from = spans().map(|span| span.0).min()?;
        let to = spans().map(|span| span.1).max()?;
        let mut floors_byte = vec![u64::MAX; to - from];
        for &buffer in open {
            let offset_byte = self.offsets_byte[buffer].max(last.0);
            let (first, end) = self.buffers.span(buffer);
            floors_byte[first - from..end - from].iter_mut().for_each(|it| *it = offset_byte.min(*it));
        }
        let used = || (from..to).filter(|&section| self.rest_byte[section] > 0);
        let full = used()
            .find(|&section| floors_byte[section - from] + self.rest_byte[section] > self.capacity_byte);
        if let Some(section) = full {
            for &buffer in open {
                let (first, end) = self.buffers.span(buffer);
                self.weights[buffer] += f64::from(u8::from((first..end).contains(&section)));
            }
            return None;
        }
        used().map(|section| self.capacity_byte - self.rest_byte[section]).min()
    }

    fn place(&mut self, buffer: usize) {
        let buffers = self.buffers;
        let size_byte = buffers.buffers()[buffer].size_byte;
        let top_byte = self.offsets_byte[buffer] + size_byte;
        self.is_open[buffer] = false;
        self.placed.push(buffer);
        for &above in buffers.neighbours(buffer) {
            if self.is_open[above] && self.offsets_byte[above] < top_byte {
                self.raised.push((above, self.offsets_byte[above]));
                self.offsets_byte[above] = top_byte;
            }
        }
        let (from, to) = buffers.span(buffer);
        self.rest_byte[from..to].iter_mut().for_each(|rest| *rest -= size_byte);
    }

    fn undo(&mut self, (n_raised, n_placed): (usize, usize)) {
        for (buffer, offset_byte) in self.raised.drain(n_raised..).rev() {
            self.offsets_byte[buffer] = offset_byte;
        }
        for buffer in self.placed.drain(n_placed..) {
            self.is_open[buffer] = true;
            let (from, to) = self.buffers.span(buffer);
            let size_byte = self.buffers.buffers()[buffer].size_byte;
            self.rest_byte[from..to].iter_mut().for_each(|rest| *rest += size_byte);
        }
    }
}
