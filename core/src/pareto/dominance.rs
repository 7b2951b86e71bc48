//! Dominance, the front, and the sorting of points into successive fronts.
//!
//! Source: Zhang, Tian, Cheng & Jin (2015), efficient non-dominated sorting with binary search (ENS-BS),
//! doi:10.1109/TEVC.2014.2308305; the fronts themselves are those of Deb, Pratap, Agarwal & Meyarivan (2002),
//! doi:10.1109/4235.996017.
//! Departs from it: with two objectives only the newest member of a front is asked, which makes it O(n log
//! n), and equal points share a front without being compared to it.
//! Checked against: `tests/golden/pareto_pymoo.json`, made by `scripts/pareto_pymoo.py`.

use super::losses::Losses;

/// True if `a` is nowhere worse than `b` and somewhere better. Shapes `[m]`; equal points do not dominate
/// each other.
///
/// # Panics
/// If the lengths differ.
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    assert_eq!(a.len(), b.len(), "points of one problem have one loss for each objective");
    a.iter().zip(b).all(|(a, b)| a <= b) && a.iter().zip(b).any(|(a, b)| a < b)
}

/// Indices of the points that no other point dominates, ascending.
///
/// `points`: shape `[n][m]`. Of equal points all are on the front, or none. O(n log n) for two objectives, at
/// worst O(m n²) for more.
///
/// # Panics
/// If the points differ in length or a loss is not finite.
pub fn front<P: AsRef<[f64]>>(points: &[P]) -> Vec<usize> {
    let losses = Losses::judged(points);
    let mut front: Vec<usize> = Vec::new();
    let mut previous = None;
    for point in losses.lexicographic_order(points.len()) {
        // Points equal to their predecessor in the order fare as it did.
        let joins = match previous {
            Some((twin, joined)) if losses.row(twin) == losses.row(point) => joined,
            _ => !covers(&front, point, &losses),
        };
        if joins {
            front.push(point);
        }
        previous = Some((point, joins));
    }
    front.sort_unstable();
    front
}

/// Points grouped into successive fronts: the first is [`front`], the second what is the front without the
/// first, and so on. Indices ascend within each.
///
/// `points`: shape `[n][m]`. O(n log n) for two objectives, at worst O(m n²) for more.
///
/// # Panics
/// If the points differ in length or a loss is not finite.
///
/// ```
/// # use tapeout_core::pareto::non_dominated_sort;
/// let losses = [[3.0, 3.0], [1.0, 3.0], [2.0, 1.0], [2.0, 2.0]];
/// assert_eq!(non_dominated_sort(&losses), [vec![1, 2], vec![3], vec![0]]);
/// ```
pub fn non_dominated_sort<P: AsRef<[f64]>>(points: &[P]) -> Vec<Vec<usize>> {
    let losses = Losses::judged(points);
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    let mut previous = None;
    for point in losses.lexicographic_order(points.len()) {
        let rank = match previous {
            Some((twin, rank)) if losses.row(twin) == losses.row(point) => rank,
            // A point dominated from one front is dominated from all before it: dominance is transitive.
            _ => fronts.partition_point(|front| covers(front, point, &losses)),
        };
        if rank == fronts.len() {
            fronts.push(Vec::new());
        }
        fronts[rank].push(point);
        previous = Some((point, rank));
    }
    for front in &mut fronts {
        front.sort_unstable();
    }
    fronts
}

/// True if a member of `front` dominates `point`, which comes after all of them in lexicographic order
/// and equals none.
fn covers(front: &[usize], point: usize, losses: &Losses) -> bool {
    let row = losses.row(point);
    // Every member's first loss is no larger, so the others decide.
    let covers = |member: &usize| losses.row(*member)[1..].iter().zip(&row[1..]).all(|(a, b)| a <= b);
    if losses.n_objectives() <= 2 {
        // Along a front in lexicographic order the second loss falls: the newest member has the least.
        front.last().is_some_and(covers)
    } else {
        front.iter().rev().any(covers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_dominates_only_what_it_is_nowhere_worse_and_somewhere_better_than() {
        assert!(dominates(&[1.0, 2.0], &[1.0, 3.0]));
        assert!(!dominates(&[1.0, 3.0], &[1.0, 2.0]));
        assert!(!dominates(&[1.0, 2.0], &[2.0, 1.0]));
        assert!(!dominates(&[1.0, 2.0], &[1.0, 2.0]));
        assert!(!dominates(&[0.0, 2.0], &[-0.0, 2.0]));
    }

    #[test]
    fn fronts_of_nine_points_are_the_ones_read_off_a_sketch() {
        // 4 | 0 . . 5    Indices by (column, row), smaller is better; 8 lies on 4.
        // 3 | . 3 . 6    Nothing is left of and below 1 and 2; 1 dominates 0, 3, 4, 8 and 2 dominates 7.
        // 2 | 1 4 . .    Without 1 and 2 nothing dominates 0, 4, 8 and 7; 4 dominates 3, and 0 dominates 5.
        // 1 | . . 2 7    Then 3 is left, over 6, and 6 over 5: three fronts of one.
        //     1 2 3 4
        let points = [
            [1.0, 4.0],
            [1.0, 2.0],
            [3.0, 1.0],
            [2.0, 3.0],
            [2.0, 2.0],
            [4.0, 4.0],
            [4.0, 3.0],
            [4.0, 1.0],
            [2.0, 2.0],
        ];
        let expected = [vec![1, 2], vec![0, 4, 7, 8], vec![3], vec![6], vec![5]];
        assert_eq!(non_dominated_sort(&points), expected);
        assert_eq!(front(&points), expected[0]);
    }

    #[test]
    fn one_objective_sorts_by_value_and_equals_share_a_front() {
        let points = [[2.0], [1.0], [2.0], [-0.0], [0.0]];
        assert_eq!(non_dominated_sort(&points), [vec![3, 4], vec![1], vec![0, 2]]);
        assert_eq!(front(&points), [3, 4]);
    }

    #[test]
    fn negative_zero_is_zero() {
        // Ordered by bits, (-0, 2) would come first and hide that (0, 1) dominates it.
        assert_eq!(front(&[[-0.0, 2.0], [0.0, 1.0]]), [1]);
    }

    #[test]
    fn no_points_have_no_fronts() {
        assert!(front::<[f64; 2]>(&[]).is_empty());
        assert!(non_dominated_sort::<[f64; 2]>(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "point 1: loss 0 is NaN; expected a finite number")]
    fn ranking_a_loss_that_is_not_a_number_panics() {
        front(&[[1.0, 2.0], [f64::NAN, 2.0]]);
    }

    #[test]
    #[should_panic(expected = "point 1: 1 losses; expected 2")]
    fn ranking_points_of_different_lengths_panics() {
        non_dominated_sort(&[vec![1.0, 2.0], vec![1.0]]);
    }
}
