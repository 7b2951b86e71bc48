//! Where the model follows Timeloop against physics, one switch each.
//!
//! | switch | on: as Timeloop 4cf6d4c counts | off: the default |
//! |---|---|---|
//! | `reset_on_turn` | a tile keeps what it shares with the previous one only while it moves on by the step of its innermost moving loop; the step back at the end of a loop is taken from that loop's second iteration, which can be too cheap | whatever the previous tile and the next one share stays |
//! | `links_everywhere` | neighbours hand words to each other below every level | only where the architecture has `neighbour_links` |
//! | `peers_over_all_instances` | link transfers below one parent are averaged over the instances below all parents | over the instances below that parent |
//! | `unbacked_tensors` | a tensor whose outermost level holds only a part of it is accepted | rejected |
//! | `padded_imperfect_cycles` | an imperfect loop nest takes as long as its padded one | as many cycles as it has iterations |
//! | `rounded_slowdown` | cycles are rounded up after a division by the slowdown in floating point, which can add one | words over bandwidth, rounded up |
//! | `truncated_passes` | passes through routers are truncated to a whole number after floating-point scaling by bypass, which can lose one | counted exactly |
//! | `idle_instances_gated` | only instances in use leak | all instances leak |
//! | `hops_before_bypass` | hops of words that pass by a level are weighted as if the level kept them | weighted by the words that move |
//! | `perfect_overlap` | no first load, last store, array fill or drain, and a single buffer overlaps like a double one | see [`LatencyReport`](super::LatencyReport) |
//!
//! Shared by both: the first partial sum of an output is not fetched; holes in a strided access count as if fetched
//! (storage and buses move boxes); partly overlapping halos are not multicast; and capacity, energy per vector access
//! and average bandwidth are the same.

use serde::{Deserialize, Serialize};

/// A switch for each quirk of Timeloop; all are off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// Overlap with the previous tile is lost when the direction of movement changes.
    pub reset_on_turn: bool,
    /// Neighbours hand words to each other below every level.
    pub links_everywhere: bool,
    /// Link transfers are averaged over the instances below all parents.
    pub peers_over_all_instances: bool,
    /// The outermost level of a tensor may hold a part of it.
    pub unbacked_tensors: bool,
    /// Imperfect loops take the time of padded ones.
    pub padded_imperfect_cycles: bool,
    /// Cycles are found by way of the slowdown, in floating point.
    pub rounded_slowdown: bool,
    /// Passes through routers are truncated to a whole number.
    pub truncated_passes: bool,
    /// Only instances in use leak.
    pub idle_instances_gated: bool,
    /// Hops are weighted by the words that would move without bypass.
    pub hops_before_bypass: bool,
    /// Everything but average bandwidth is hidden.
    pub perfect_overlap: bool,
}

impl Quirks {
    /// All on: counts, cycles and energy agree with Timeloop 4cf6d4c.
    pub fn timeloop_compat() -> Self {
        Self {
            reset_on_turn: true,
            links_everywhere: true,
            peers_over_all_instances: true,
            unbacked_tensors: true,
            padded_imperfect_cycles: true,
            rounded_slowdown: true,
            truncated_passes: true,
            idle_instances_gated: true,
            hops_before_bypass: true,
            perfect_overlap: true,
        }
    }
}
