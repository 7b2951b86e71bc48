//! The best way to cut a cascade into groups.

use std::cmp::Ordering;
use std::ops::Range;

use super::{Cascade, CascadeStage, FusionMachine, GroupCost, GroupMapping, Overlap};

/// Most stages of a group: every choice of resident operands is tried, 2 to the power of this.
pub const MAX_GROUP: usize = 8;

/// What is to be least; the other decides between equals, as far as sums in floating point are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FusionGoal {
    /// The sum of the groups' latencies.
    Latency,
    /// The sum of the groups' traffic.
    Traffic,
}

/// A group of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct FusionGroup {
    /// Its stages.
    pub stages: Range<usize>,
    /// How it runs; none for a stage by itself, which runs as the layer-by-layer model has it.
    pub mapping: Option<GroupMapping>,
    /// What it takes.
    pub cost: GroupCost,
}

/// A cascade cut into groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Fusion {
    /// The groups, in order.
    pub groups: Vec<FusionGroup>,
    /// Sum of their latencies.
    pub latency_s: f64,
    /// Sum of their traffic.
    pub traffic_byte: f64,
}

impl FusionGoal {
    fn order(self, (latency, traffic): (f64, f64), (other_latency, other_traffic): (f64, f64)) -> Ordering {
        let (by_latency, by_traffic) = (latency.total_cmp(&other_latency), traffic.total_cmp(&other_traffic));
        match self {
            Self::Latency => by_latency.then(by_traffic),
            Self::Traffic => by_traffic.then(by_latency),
        }
    }
}

/// The best mapping of `cascade` on `machine`: no cut into groups of at most [`MAX_GROUP`] stages, tile of rows, choice of overlap and
/// of resident operands is better. `alone` is what each stage takes by itself, by whatever model.
///
/// Costs of groups add up, so the best cut of a prefix is made of a group and the best cut of what is before it. In a group only the number of tiles
/// matters to what is moved and computed, and the smallest tile of a number needs the least room, so one for each number is tried.
///
/// # Panics
/// If `alone` is not one cost for each stage.
pub fn best_fusion(
    cascade: &Cascade,
    machine: &FusionMachine,
    goal: FusionGoal,
    alone: &[GroupCost],
) -> Fusion {
    let stages = cascade.stages();
    assert_eq!(alone.len(), stages.len(), "one cost for each stage");
    // The best cut of the stages before each end, and its last group.
    let mut best: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    let mut lasts: Vec<FusionGroup> = Vec::new();
    for end in 1..=stages.len() {
        let single = FusionGroup { stages: end - 1..end, mapping: None, cost: alone[end - 1] };
        let mut chosen = (sum(best[end - 1], &single.cost), single);
        for first in (end.saturating_sub(MAX_GROUP)..end - 1).rev() {
            if !cascade.can_fuse(first, end) {
                break;
            }
            if let Some((mapping, cost)) = best_group(&stages[first..end], machine, goal) {
                let total = sum(best[first], &cost);
                if goal.order(total, chosen.0).is_lt() {
                    chosen = (total, FusionGroup { stages: first..end, mapping: Some(mapping), cost });
                }
            }
        }
        best.push(chosen.0);
        lasts.push(chosen.1);
    }
    let (latency_s, traffic_byte) = best[stages.len()];
    let mut groups = Vec::new();
    let mut end = stages.len();
    while end > 0 {
        let group = lasts[end - 1].clone();
        end = group.stages.start;
        groups.push(group);
    }
    groups.reverse();
    Fusion { groups, latency_s, traffic_byte }
}

/// What each stage takes by itself, as a group of one by tiles of rows; none if not even its smallest tile fits.
pub fn alone_by_rows(cascade: &Cascade, machine: &FusionMachine, goal: FusionGoal) -> Option<Vec<GroupCost>> {
    let stages = cascade.stages().iter();
    stages.map(|stage| Some(best_group(std::slice::from_ref(stage), machine, goal)?.1)).collect()
}

fn sum((latency_s, traffic_byte): (f64, f64), cost: &GroupCost) -> (f64, f64) {
    (latency_s + cost.latency_s, traffic_byte + cost.traffic_byte)
}

/// The best mapping of a group that fits, if any does.
fn best_group(
    stages: &[CascadeStage],
    machine: &FusionMachine,
    goal: FusionGoal,
) -> Option<(GroupMapping, GroupCost)> {
    let mut best: Option<(GroupMapping, GroupCost)> = None;
    for tile_rows in tiles(stages[stages.len() - 1].rows) {
        for overlap in [Overlap::Retain, Overlap::Recompute] {
            for resident in 0..1_u32 << stages.len() {
                let is_resident: Vec<bool> =
                    (0..stages.len()).map(|index| resident >> index & 1 == 1).collect();
                let mapping = GroupMapping { tile_rows, overlap, is_resident };
                let cost = mapping.cost(stages, machine);
                let key = |cost: &GroupCost| (cost.latency_s, cost.traffic_byte);
                let is_better =
                    best.as_ref().is_none_or(|(_, best)| goal.order(key(&cost), key(best)).is_lt());
                if cost.footprint_byte <= machine.buffer_byte && is_better {
                    best = Some((mapping, cost));
                }
            }
        }
    }
    best
}

/// The smallest tile for each number of tiles of `rows`, the largest tile first.
fn tiles(rows: u64) -> Vec<u64> {
    let mut tiles = vec![rows];
    let mut number = 2;
    while number <= rows {
        let tile = rows.div_ceil(number);
        tiles.push(tile);
        if tile == 1 {
            break;
        }
        // The next number of tiles that a smaller one makes.
        number = rows.div_ceil(tile - 1);
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    // By hand: 10 rows are 1 to 5 tiles of 10, 5, 4, 3, 2 rows, or 10 of one; 6 to 9 tiles are none of equal rows.
    #[test]
    fn each_number_of_tiles_has_its_smallest_tile() {
        assert_eq!(tiles(10), [10, 5, 4, 3, 2, 1]);
        assert_eq!(tiles(1), [1]);
        for rows in 1..200_u64 {
            let tried = tiles(rows);
            for tile in 1..=rows {
                let number = rows.div_ceil(tile);
                let smallest = (1..=rows).find(|&other| rows.div_ceil(other) == number).unwrap();
                assert!(tried.contains(&smallest), "{rows} {tile}");
            }
        }
    }
}
