//! A part of the trials, for models whose cost grows faster than their number.

use rand::seq::SliceRandom;
use tapeout_core::{Seed, Trial, WorkloadTrials};

/// At most `most` of the trials that `is_wanted` wants, drawn at random, from each workload an equal share as far as there are; the
/// workloads with the fewest first, and in each the trials in their own order.
pub(crate) fn draw(
    groups: &[WorkloadTrials],
    most: usize,
    seed: Seed,
    is_wanted: impl Fn(&Trial) -> bool,
) -> Vec<(&WorkloadTrials, &Trial)> {
    let wanted = |group: &WorkloadTrials| -> Vec<usize> {
        (0..group.trials.len()).filter(|&index| is_wanted(&group.trials[index])).collect()
    };
    let mut left: Vec<(usize, Vec<usize>)> = groups.iter().map(wanted).enumerate().collect();
    left.sort_by_key(|(_, indices)| indices.len()); // what small workloads leave is shared by the larger
    let (mut drawn, mut room, n_groups) = (Vec::new(), most, left.len());
    for (place, (group_index, mut indices)) in left.into_iter().enumerate() {
        let n_drawn = (room / (n_groups - place)).min(indices.len());
        room -= n_drawn;
        let mut rng = seed.child("group", group_index as u64).stream("subset");
        let (own, _) = indices.partial_shuffle(&mut rng, n_drawn);
        own.sort_unstable();
        let group = &groups[group_index];
        drawn.extend(own.iter().map(|&index| (group, &group.trials[index])));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{DesignSpace, Judgement, Outcome, Parameter, WorkloadContext};

    /// Of 1, 8 and 8 trials, 9 are drawn: a third is 3, but the first has only 1, so the others share 8.
    #[test]
    fn workloads_share_what_there_is_room_for() {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 7)], Vec::new()).unwrap();
        let group = |name: &str, n: u32| WorkloadTrials {
            workload: WorkloadContext { name: name.to_owned(), context: Vec::new() },
            trials: (0..n)
                .map(|level| Trial {
                    design: space.design(&[level]).unwrap(),
                    outcome: Outcome::Measured(vec![1.0]),
                    judgement: Judgement::Acceptable { losses: vec![1.0] },
                })
                .collect(),
        };
        let groups = [group("a", 8), group("b", 1), group("c", 8)];
        let drawn = draw(&groups, 9, Seed::new(0), |_| true);
        let n_of = |name: &str| drawn.iter().filter(|(group, _)| group.workload.name == name).count();
        assert_eq!([n_of("a"), n_of("b"), n_of("c")], [4, 1, 4]);
        let none = draw(&groups, 9, Seed::new(0), |trial| trial.design.levels()[0] > 7);
        assert!(none.is_empty());
    }
}
