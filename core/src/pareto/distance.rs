//! IGD+: how far a set of designs stays behind a front, on average over that front.
//!
//! Source: Ishibuchi, Masuda, Tanigaki & Nojima (2015), "Modified distance calculation in generational distance and inverted
//! generational distance", doi:10.1007/978-3-319-15892-1_8, equations 18 to 20. Unlike IGD it never prefers a set that another
//! dominates.

use super::ParetoError;
use super::losses::check_point;

/// The mean over `front` of the distance to the nearest point of `points`, of which only what is worse counts; 0 if every point of
/// `front` is equalled or dominated.
///
/// `points`: shape `[n][m]`, dominated ones allowed; `front`: shape `[k][m]`; `scale`: what counts as 1 in each objective, shape
/// `[m]`, more than 0. Without unit. None if either set is empty. O(n k m).
///
/// # Errors
/// [`ParetoError::Dimensions`] if a point's length is not that of `scale`, [`ParetoError::NotFinite`] if a loss is NaN or infinite.
///
/// ```
/// # use tapeout_core::pareto::igd_plus;
/// // (0, 9) is equalled; from (4, 0) to (6, 3) it is 2 and 3 worse, in units of 2 and 3: the root of 2, over two points.
/// let distance = igd_plus(&[[0.0, 9.0], [6.0, 3.0]], &[[0.0, 9.0], [4.0, 0.0]], &[2.0, 3.0])?.unwrap();
/// assert!((distance - 0.5 * 2.0_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), tapeout_core::pareto::ParetoError>(())
/// ```
pub fn igd_plus<P: AsRef<[f64]>, Q: AsRef<[f64]>>(
    points: &[P],
    front: &[Q],
    scale: &[f64],
) -> Result<Option<f64>, ParetoError> {
    let point_rows = points.iter().map(AsRef::as_ref).enumerate();
    for (index, losses) in point_rows.chain(front.iter().map(AsRef::as_ref).enumerate()) {
        check_point(index, losses, scale.len())?;
    }
    if points.is_empty() || front.is_empty() {
        return Ok(None);
    }
    let behind = |target: &[f64], point: &[f64]| -> f64 {
        let worse = target.iter().zip(point).zip(scale);
        worse.map(|((target, loss), scale)| ((loss - target).max(0.0) / scale).powi(2)).sum()
    };
    let nearest = |target: &Q| {
        let squares = points.iter().map(|point| behind(target.as_ref(), point.as_ref()));
        squares.fold(f64::INFINITY, f64::min).sqrt()
    };
    Ok(Some(front.iter().map(nearest).sum::<f64>() / front.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Law, and why it is not IGD: what dominates is no farther away. (2, 2) dominates (2.5, 2.5), from which by plain distance (0, 4)
    // and (4, 0) would be nearer to nothing else.
    #[test]
    fn a_set_that_dominates_another_is_no_farther() {
        let front = [[0.0, 4.0], [1.0, 1.0], [4.0, 0.0]];
        let of = |points: &[[f64; 2]]| igd_plus(points, &front, &[1.0, 1.0]).unwrap().unwrap();
        assert!(of(&[[2.0, 2.0]]) < of(&[[2.5, 2.5]]));
        // By hand: 2 beyond (0, 4) in the first loss alone, root 2 beyond (1, 1), 2 beyond (4, 0).
        assert!((of(&[[2.0, 2.0]]) - (4.0 + 2.0_f64.sqrt()) / 3.0).abs() < 1e-15);
        assert_eq!(of(&[[0.0, 0.0]]), 0.0);
    }

    #[test]
    fn nothing_has_no_distance_and_other_lengths_are_refused() {
        assert_eq!(igd_plus::<[f64; 1], _>(&[], &[[1.0]], &[1.0]), Ok(None));
        assert!(matches!(igd_plus(&[[1.0]], &[[1.0, 2.0]], &[1.0]), Err(ParetoError::Dimensions { .. })));
    }
}
