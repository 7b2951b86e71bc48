//! Crowding distance: how far a point's neighbours on its front are.
//!
//! Source: Deb, Pratap, Agarwal & Meyarivan (2002), section III-B, doi:10.1109/4235.996017.
//! Departs from it: distances are between distinct points (Fortin & Parizeau 2013,
//! doi:10.1145/2463372.2463456), because searches of discrete spaces meet equal losses all the time and the
//! paper's result would then hang on the order of the input; and an objective in which all points are equal
//! has no extremes.
//! Checked against: `tests/golden/pareto_pymoo.json`, made by `scripts/pareto_pymoo.py`.

use super::losses::Losses;

/// Sum over objectives of the gap between a point's two neighbours, as a share of that objective's range;
/// infinite at the extremes.
///
/// `points`: shape `[n][m]`, usually one front; the result has shape `[n]`, from 0 up, without unit.
/// Of equal points the first has the distance and the others 0, so that selection drops copies first; a
/// point that only copies accompany is infinitely far from its neighbours.
/// O(m n log n).
///
/// # Panics
/// If the points differ in length or a loss is not finite.
///
/// ```
/// # use tapeout_core::pareto::crowding_distance;
/// // The middle point: (4 - 0) / 4 in the first objective and (4 - 0) / 4 in the second.
/// let distances = crowding_distance(&[[0.0, 4.0], [1.0, 1.0], [4.0, 0.0]]);
/// assert_eq!(distances, [f64::INFINITY, 2.0, f64::INFINITY]);
/// ```
pub fn crowding_distance<P: AsRef<[f64]>>(points: &[P]) -> Vec<f64> {
    let losses = Losses::judged(points);
    let mut distances = vec![0.0; points.len()];
    let mut distinct = losses.lexicographic_order(points.len());
    distinct.dedup_by(|later, first| losses.row(*later) == losses.row(*first));
    if let [only] = distinct[..] {
        distances[only] = f64::INFINITY;
    }
    let mut order = Vec::with_capacity(distinct.len());
    for objective in 0..losses.n_objectives() {
        let loss = |point: usize| losses.row(point)[objective];
        // Stable, so points level in this objective keep their lexicographic order, whatever that of the
        // input.
        order.clone_from(&distinct);
        order.sort_by(|a: &usize, b| loss(*a).total_cmp(&loss(*b)));
        let (Some(&least), Some(&most)) = (order.first(), order.last()) else { break };
        let range = loss(most) - loss(least);
        if range > 0.0 {
            distances[least] = f64::INFINITY;
            distances[most] = f64::INFINITY;
            for neighbours in order.windows(3) {
                distances[neighbours[1]] += (loss(neighbours[2]) - loss(neighbours[0])) / range;
            }
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFINITE: f64 = f64::INFINITY;

    #[test]
    fn inner_points_sum_the_relative_gaps_of_their_neighbours() {
        // First losses 0, 2, 4, 8 (range 8), second 10, 5, 1, 0 (range 10).
        // (2, 5): (4 - 0) / 8 + (10 - 1) / 10 = 1.4;  (4, 1): (8 - 2) / 8 + (5 - 0) / 10 = 1.25.
        let points = [[4.0, 1.0], [0.0, 10.0], [8.0, 0.0], [2.0, 5.0]];
        assert_eq!(crowding_distance(&points), [1.25, INFINITE, INFINITE, 1.4]);
    }

    #[test]
    fn copies_have_no_distance_and_leave_that_of_others_alone() {
        let points = [[0.0, 4.0], [1.0, 1.0], [4.0, 0.0], [1.0, 1.0], [0.0, 4.0]];
        assert_eq!(crowding_distance(&points), [INFINITE, 2.0, INFINITE, 0.0, 0.0]);
    }

    #[test]
    fn an_objective_without_range_has_no_extremes() {
        // Only the first objective counts: (3 - 1) / 2 = 1.
        let points = [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]];
        assert_eq!(crowding_distance(&points), [INFINITE, 1.0, INFINITE]);
    }

    #[test]
    fn fewer_than_three_distinct_points_are_all_extremes() {
        assert!(crowding_distance::<[f64; 2]>(&[]).is_empty());
        assert_eq!(crowding_distance(&[[1.0, 2.0], [1.0, 2.0]]), [INFINITE, 0.0]);
        assert_eq!(crowding_distance(&[[1.0, 2.0], [2.0, 1.0]]), [INFINITE, INFINITE]);
    }
}
