//! Where the model follows Timeloop against physics, one switch each.
//!
//! | switch | on: as Timeloop 4cf6d4c counts | off: the default |
//! |---|---|---|
//! | `reset_on_turn` | a tile keeps what it shares with the previous one only while it moves on by the step of its innermost moving loop; the step back at the end of a loop is taken from that loop's second iteration, which can be too cheap | whatever the previous tile and the next one share stays |
//! | `strided_boxes` | a tile counts as the box around it: words that a strided access steps over are fetched and stored | only words that some iteration uses |
//! | `links_everywhere` | neighbours hand words to each other below every level | only where the architecture has `neighbour_links` |
//! | `peers_over_all_instances` | link transfers below one parent are averaged over the instances below all parents | over the instances below that parent |
//! | `unbacked_tensors` | a tensor whose outermost level holds only a part of it is accepted | rejected |
//! | `skipped_iterations` | of an imperfect loop in time only the first, second and last iteration are looked at, the last as if it came right after the second, so that a window that slides is fetched anew | every iteration counts as what it is |
//! | `padded_imperfect_cycles` | an imperfect loop nest takes as long as its padded one | as many cycles as it has iterations |
//! | `rounded_slowdown` | cycles are rounded up after a division by the slowdown in floating point, which can add one | words over bandwidth, rounded up |
//! | `truncated_passes` | passes through routers are truncated to a whole number after floating-point scaling by bypass, which can lose one | counted exactly |
//! | `idle_instances_gated` | only instances in use leak | all instances leak |
//! | `hops_before_bypass` | hops of words that pass by a level are weighted as if the level kept them | weighted by the words that move |
//! | `hops_one_way` | partial sums that travel both ways double what enters a network, but not its hops: a word makes half as many | every word makes its hops |
//! | `first_instance_counts` | where instances differ, the counts of a level are those of its first instance, which has the most to do, and energy takes them times the average number of instances at work | counts are averages over all instances |
//! | `spread_over_clusters` | instances in use lie in as many clusters as there are, one in each if they are no more | in as few as hold them |
//! | `padding_from_memory` | zeros of the padding are read from the outermost level like any word | they are made on the chip |
//! | `perfect_overlap` | no first load, last store, array fill or drain, and a single buffer overlaps like a double one | see [`LatencyReport`](super::LatencyReport) |
//!
//! Two more switches are of older versions of Timeloop, such as the one that DOSA used (Hong et al. 2023,
//! doi:10.1145/3613424.3623797), and off in both: `first_sums_filled`, the first partial sum of an output is written into a level
//! as if there was one to fetch; `idle_loops_forget`, a perfect loop that does not move a tile makes it forget what the next tile
//! could keep, if another loop moves it then.
//!
//! Shared by all: partly overlapping halos are not multicast; and
//! capacity, energy per vector access and average bandwidth are the same. An index that is the sum of three dimensions
//! or more is taken to have no holes.

use serde::{Deserialize, Serialize};

/// A switch for each quirk of Timeloop; all are off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// Overlap with the previous tile is lost when the direction of movement changes.
    pub reset_on_turn: bool,
    /// Words that a strided access steps over count as touched.
    pub strided_boxes: bool,
    /// Neighbours hand words to each other below every level.
    pub links_everywhere: bool,
    /// Link transfers are averaged over the instances below all parents.
    pub peers_over_all_instances: bool,
    /// The outermost level of a tensor may hold a part of it.
    pub unbacked_tensors: bool,
    /// The last iteration of an imperfect loop comes right after the second.
    pub skipped_iterations: bool,
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
    /// Sums that travel both ways make the hops of one way.
    pub hops_one_way: bool,
    /// Of instances that differ, the first one counts for all.
    pub first_instance_counts: bool,
    /// Instances in use are spread over all clusters.
    pub spread_over_clusters: bool,
    /// Zeros of the padding are read from the outermost level.
    pub padding_from_memory: bool,
    /// The first partial sum of an output fills a level, as older versions of Timeloop have it.
    pub first_sums_filled: bool,
    /// A loop that does not move a tile makes it forget what it holds, as older versions of Timeloop have it.
    pub idle_loops_forget: bool,
    /// Everything but average bandwidth is hidden.
    pub perfect_overlap: bool,
}

impl Quirks {
    /// All on but those of older versions: counts, cycles and energy agree with Timeloop 4cf6d4c.
    pub fn timeloop_compat() -> Self {
        Self {
            reset_on_turn: true,
            strided_boxes: true,
            links_everywhere: true,
            peers_over_all_instances: true,
            unbacked_tensors: true,
            skipped_iterations: true,
            padded_imperfect_cycles: true,
            rounded_slowdown: true,
            truncated_passes: true,
            idle_instances_gated: true,
            hops_before_bypass: true,
            hops_one_way: true,
            first_instance_counts: true,
            spread_over_clusters: true,
            padding_from_memory: true,
            first_sums_filled: false,
            idle_loops_forget: false,
            perfect_overlap: true,
        }
    }

    /// As Timeloop counted before it left out the first partial sum of an output: the published runs of DOSA agree with that.
    pub fn older_timeloop() -> Self {
        Self { first_sums_filled: true, idle_loops_forget: true, ..Self::timeloop_compat() }
    }
}
