//! The best designs so far: an archive of non-dominated points that takes one trial at a time.

use super::ParetoError;
use super::losses::{check_point, lexicographic};

/// Points of which none dominates or equals another, in lexicographic order of their losses.
///
/// Of equal points the one that came first stays, so an archive of a search on a discrete space does not fill
/// with copies (whereas [`front`](super::front) returns them all).
///
/// ```
/// # use tapeout_core::pareto::{Archive, hypervolume};
/// let mut archive = Archive::new(2);
/// assert!(archive.insert(0, &[2.0, 2.0])?);
/// assert!(!archive.insert(1, &[3.0, 2.0])?); // dominated
/// assert!(archive.insert(2, &[1.0, 2.0])?); // dominates the first, which leaves
/// assert!(archive.insert(3, &[2.0, 1.0])?);
/// let trials: Vec<usize> = archive.members().iter().map(|member| member.trial).collect();
/// assert_eq!(trials, [2, 3]);
/// assert_eq!(hypervolume(archive.members(), &[3.0, 3.0])?, 3.0);
/// # Ok::<(), tapeout_core::pareto::ParetoError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Archive {
    n_objectives: usize,
    members: Vec<Member>,
}

/// One point of an [`Archive`].
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Index of the trial it came from.
    pub trial: usize,
    /// Its losses, shape `[m]`.
    pub losses: Vec<f64>,
}

impl AsRef<[f64]> for Member {
    fn as_ref(&self) -> &[f64] {
        &self.losses
    }
}

impl Archive {
    /// An empty archive for points of `n_objectives` losses.
    pub fn new(n_objectives: usize) -> Self {
        Self { n_objectives, members: Vec::new() }
    }

    /// The points, in lexicographic order of their losses.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Takes the point in unless a member dominates or equals it, drops the members that it dominates, and
    /// returns whether it was taken.
    ///
    /// `losses`: shape `[m]`. With two objectives a binary search, plus moving the members behind it; with
    /// more O(m) for each member.
    ///
    /// # Errors
    /// [`ParetoError::Dimensions`] or [`ParetoError::NotFinite`], with `trial` as the point's index.
    pub fn insert(&mut self, trial: usize, losses: &[f64]) -> Result<bool, ParetoError> {
        check_point(trial, losses, self.n_objectives)?;
        let losses: Vec<f64> = losses.iter().map(|loss| loss + 0.0).collect();
        // Members up to here may dominate or equal the point, members from here on may be dominated by it.
        let place = self.members.partition_point(|member| lexicographic(&member.losses, &losses).is_le());
        let (before, after) = self.members.split_at(place);
        let no_worse = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a <= b);
        let covers = |member: &Member| no_worse(&member.losses, &losses);
        let covered = |member: &Member| no_worse(&losses, &member.losses);
        if self.n_objectives <= 2 {
            // The second loss falls along the members: the nearest before has the least of those, and the
            // dominated ones are the first few after.
            if before.last().is_some_and(covers) {
                return Ok(false);
            }
            let end = place + after.iter().take_while(|member| covered(member)).count();
            self.members.splice(place..end, [Member { trial, losses }]);
        } else {
            if before.iter().any(covers) {
                return Ok(false);
            }
            let kept: Vec<Member> = self.members.drain(place..).filter(|member| !covered(member)).collect();
            self.members.push(Member { trial, losses });
            self.members.extend(kept);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials(archive: &Archive) -> Vec<usize> {
        archive.members().iter().map(|member| member.trial).collect()
    }

    #[test]
    fn members_stay_until_something_dominates_them() -> Result<(), ParetoError> {
        let mut archive = Archive::new(2);
        // Taken: (1, 5), (5, 1), (3, 3). Refused: (3, 3) again, (4, 3). Taken: (2, 2), which ends 2 = (3, 3).
        let points = [[1.0, 5.0], [5.0, 1.0], [3.0, 3.0], [3.0, 3.0], [4.0, 3.0], [2.0, 2.0]];
        for (trial, (losses, taken)) in points.iter().zip([true, true, true, false, false, true]).enumerate()
        {
            assert_eq!(archive.insert(trial, losses)?, taken, "trial {trial}");
        }
        assert_eq!(trials(&archive), [0, 5, 1]);
        Ok(())
    }

    #[test]
    fn three_objectives_drop_members_that_are_not_neighbours() -> Result<(), ParetoError> {
        let mut archive = Archive::new(3);
        // 4 = (1, 1, 1) dominates 1 and 3; 0 and 2, before and between them in order, have a loss of 0.
        let points = [[0.0, 9.0, 9.0], [1.0, 5.0, 1.0], [2.0, 0.0, 9.0], [3.0, 1.0, 2.0], [1.0, 1.0, 1.0]];
        for (trial, losses) in points.iter().enumerate() {
            assert!(archive.insert(trial, losses)?, "trial {trial}");
        }
        assert_eq!(trials(&archive), [0, 4, 2]);
        Ok(())
    }

    #[test]
    fn a_point_that_cannot_be_compared_is_refused_by_name() {
        let mut archive = Archive::new(2);
        let error = archive.insert(7, &[1.0]).unwrap_err();
        assert_eq!(error, ParetoError::Dimensions { point: 7, got: 1, expected: 2 });
        assert!(matches!(
            archive.insert(8, &[1.0, f64::NAN]),
            Err(ParetoError::NotFinite { point: 8, objective: 1, .. })
        ));
        assert!(archive.members().is_empty());
    }
}
