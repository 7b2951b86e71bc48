//! Hypervolume: how much of the space below a reference point a set of designs dominates.
//!
//! Source: Zitzler & Thiele (1999), doi:10.1109/4235.797969. Computed by sweeps in two and three dimensions
//! (Beume, Fonseca, Lopez-Ibanez, Paquete & Vahrenhold 2009, doi:10.1109/TEVC.2009.2015575) and above by WFG
//! (While, Bradstreet & Barone 2012, doi:10.1109/TEVC.2010.2077298), sliced by the last objective.
//! Departs from them: the three-dimensional sweep keeps its staircase in a sorted vector, not in a balanced
//! tree; a few hundred steps of 16 bytes are quick to move.
//! Checked against: `tests/golden/pareto_pymoo.json`, made by `scripts/pareto_pymoo.py`.
//!
//! Everything below the public functions works on gains, the distances below the reference: larger is better,
//! and the reference is the origin, so a volume is a plain product and no sign is flipped again.

use super::ParetoError;
use super::losses::Losses;
use super::staircase::{self, Staircase};

/// Volume that `points` dominate below `reference`, in the product of the loss units.
///
/// `points`: shape `[n][m]`, in any order, dominated ones allowed; `reference`: shape `[m]`. A point not
/// below the reference in every objective adds nothing. Exact but for rounding. O(n log n) for two
/// objectives; for three the same in comparisons; above, exponential in `m` at worst.
///
/// # Errors
/// [`ParetoError::EmptyReference`] or [`ParetoError::ReferenceNotFinite`] if the reference is of no use,
/// [`ParetoError::Dimensions`] if a point's length is not the reference's, [`ParetoError::NotFinite`] if a
/// loss is NaN or infinite.
///
/// ```
/// # use tapeout_core::pareto::hypervolume;
/// // Two boxes, 1 x 1 x 2 and 2 x 1 x 1, that share a unit cube.
/// assert_eq!(hypervolume(&[[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]], &[2.0, 2.0, 2.0])?, 3.0);
/// # Ok::<(), tapeout_core::pareto::ParetoError>(())
/// ```
pub fn hypervolume<P: AsRef<[f64]>>(points: &[P], reference: &[f64]) -> Result<f64, ParetoError> {
    let gains = Gains::below(reference, points)?;
    Ok(volume(&gains.rows, reference.len()))
}

/// Area that `points` dominate below `reference`, in the product of the two loss units.
///
/// `points`: shape `[n][2]`, in any order. A point not below `reference` adds nothing. It is [`hypervolume`]
/// for callers whose types hold the number of objectives.
/// Source: Zitzler & Thiele (1999), doi:10.1109/4235.797969. O(n log n).
///
/// # Errors
/// [`ParetoError::NotFinite`] or [`ParetoError::ReferenceNotFinite`] if a number is NaN or infinite.
///
/// ```
/// # use tapeout_core::pareto::hypervolume_2d;
/// assert_eq!(hypervolume_2d(&[[1.0, 3.0], [2.0, 1.0]], [4.0, 4.0])?, 7.0);
/// # Ok::<(), tapeout_core::pareto::ParetoError>(())
/// ```
pub fn hypervolume_2d(points: &[[f64; 2]], reference: [f64; 2]) -> Result<f64, ParetoError> {
    hypervolume(points, &reference)
}

/// What each point adds to the hypervolume of all: the volume that it alone dominates.
///
/// `points`: shape `[n][m]`, in any order; `reference`: shape `[m]`; the result has shape `[n]`, from 0 up,
/// in the product of the loss units. Dominated points and copies add nothing, but take from what the points
/// above them add. The error is that of rounding in the volume of one point's whole box. O(n log n) for two
/// objectives; above, `n` times the cost of [`hypervolume`].
/// Source: Beume, Naujoks & Emmerich (2007), SMS-EMOA, doi:10.1016/j.ejor.2006.08.008.
///
/// # Errors
/// Those of [`hypervolume`].
///
/// ```
/// # use tapeout_core::pareto::contributions;
/// // The areas 3 x 1 and 2 x 3 share 2 x 1; the last point lies outside.
/// assert_eq!(contributions(&[[1.0, 3.0], [2.0, 1.0], [9.0, 0.0]], &[4.0, 4.0])?, [1.0, 4.0, 0.0]);
/// # Ok::<(), tapeout_core::pareto::ParetoError>(())
/// ```
pub fn contributions<P: AsRef<[f64]>>(points: &[P], reference: &[f64]) -> Result<Vec<f64>, ParetoError> {
    let gains = Gains::below(reference, points)?;
    let volumes = match reference.len() {
        2 => exclusive_areas(gains.rows.as_chunks().0),
        m => exclusive_volumes(&gains.rows, m),
    };
    let mut contributions = vec![0.0; points.len()];
    for (point, volume) in gains.points.into_iter().zip(volumes) {
        contributions[point] = volume;
    }
    Ok(contributions)
}

/// The points below the reference in every objective.
struct Gains {
    /// Their indices in the order given, shape `[n]`.
    points: Vec<usize>,
    /// How far below they lie, shape `[n][m]`, all above zero.
    rows: Vec<f64>,
}

impl Gains {
    fn below<P: AsRef<[f64]>>(reference: &[f64], points: &[P]) -> Result<Self, ParetoError> {
        if reference.is_empty() {
            return Err(ParetoError::EmptyReference);
        }
        if let Some(objective) = reference.iter().position(|coordinate| !coordinate.is_finite()) {
            return Err(ParetoError::ReferenceNotFinite { objective, value: reference[objective] });
        }
        let losses = Losses::checked(points, reference.len())?;
        let mut gains = Self { points: Vec::new(), rows: Vec::with_capacity(points.len() * reference.len()) };
        for point in 0..points.len() {
            let row = losses.row(point);
            // A box that is flat along one objective has no volume, so on the reference is as good as beyond it.
            if row.iter().zip(reference).all(|(loss, reference)| loss < reference) {
                gains.points.push(point);
                gains.rows.extend(row.iter().zip(reference).map(|(loss, reference)| reference - loss));
            }
        }
        Ok(gains)
    }
}

/// Volume of the union of the boxes between the origin and each row. `rows`: shape `[n][m]`.
///
/// Up to three objectives one sweep does, and it needs no front: dominated rows never change the section. Above, slicing calls
/// this again with one objective less, so the exponential part ends in a sweep.
fn volume(rows: &[f64], m: usize) -> f64 {
    match m {
        1 => rows.iter().copied().fold(0.0, f64::max),
        2 => {
            let mut descending = rows.as_chunks().0.to_vec();
            descending.sort_unstable_by(|a: &[f64; 2], b| b[0].total_cmp(&a[0]));
            staircase::area(&descending, [0.0, 0.0])
        }
        3 => swept_volume(rows.as_chunks().0.to_vec()),
        _ => sliced_volume(rows, m),
    }
}

/// Moves a plane down the third gain; between two points it cuts the union in an area that does not change.
fn swept_volume(mut points: Vec<[f64; 3]>) -> f64 {
    // From the largest third gain down points only come in, so the section grows and no step is ever taken back.
    points.sort_unstable_by(|a, b| b[2].total_cmp(&a[2]));
    let mut section = Staircase::default();
    let mut volume = 0.0;
    for (index, &[x, y, z]) in points.iter().enumerate() {
        section.insert([x, y]);
        let next_z = points.get(index + 1).map_or(0.0, |next| next[2]);
        volume += section.area() * (z - next_z);
    }
    volume
}

/// Sums what each row adds to those before it, by falling last gain. Cut to the row's box, earlier rows all
/// reach its last gain, so one dimension factors out.
fn sliced_volume(rows: &[f64], m: usize) -> f64 {
    // Any order gives the sum. By falling last gain the earlier rows, limited to this one, all reach its last gain: what is left
    // to compute has one objective less, where WFG without slicing has as many.
    let last = m - 1;
    let mut descending: Vec<&[f64]> = rows.chunks_exact(m).collect();
    descending.sort_unstable_by(|a, b| b[last].total_cmp(&a[last]));
    let slices = descending.iter().enumerate().map(|(index, row)| {
        let earlier = descending[..index].iter().map(|earlier| &earlier[..last]);
        row[last] * exclusive_volume(&row[..last], earlier)
    });
    slices.sum()
}

/// Volume that the box of `row` has and no box of `others` (While et al. 2012, `exclhv`).
fn exclusive_volume<'a>(row: &[f64], others: impl Iterator<Item = &'a [f64]>) -> f64 {
    let m = row.len();
    let mut limited = Vec::new();
    for other in others {
        let start = limited.len();
        // Only what lies in the row's own box is taken from it. Limited so, most others are covered by one of them.
        limited.extend(row.iter().zip(other).map(|(own, other)| own.min(*other)));
        if limited[start..] == *row {
            return 0.0;
        }
        // The sweeps pass over covered rows for next to nothing; slicing pays for each.
        if m > 3 {
            settle_last(&mut limited, m);
        }
    }
    // Two volumes of about the same size: what rounding leaves may be below 0, which no contribution is.
    let whole: f64 = row.iter().product();
    (whole - volume(&limited, m)).max(0.0)
}

/// Removes the last row if another covers it, and else those that it covers. Shape `[n][m]`.
fn settle_last(rows: &mut Vec<f64>, m: usize) {
    let covers = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a >= b);
    let last = rows.len() - m;
    let (earlier, newest) = rows.split_at(last);
    if earlier.chunks_exact(m).any(|row| covers(row, newest)) {
        rows.truncate(last);
        return;
    }
    let mut kept = 0;
    for start in (0..=last).step_by(m) {
        if start == last || !covers(&rows[last..], &rows[start..start + m]) {
            rows.copy_within(start..start + m, kept);
            kept += m;
        }
    }
    rows.truncate(kept);
}

/// Volume that each row alone covers, shape `[n]`. `rows`: shape `[n][m]`.
fn exclusive_volumes(rows: &[f64], m: usize) -> Vec<f64> {
    let exclusive = |(index, row)| {
        let others = rows.chunks_exact(m).enumerate().filter(|(other, _)| *other != index);
        exclusive_volume(row, others.map(|(_, other)| other))
    };
    rows.chunks_exact(m).enumerate().map(exclusive).collect()
}

/// Area that each point alone covers, shape `[n]`. `points`: shape `[n][2]`.
fn exclusive_areas(points: &[[f64; 2]]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    // By falling width, and of the same width the higher first, so that each step of the front comes before all that it covers.
    order.sort_unstable_by(|&a, &b| {
        let falling = |axis: usize| points[b][axis].total_cmp(&points[a][axis]);
        falling(0).then_with(|| falling(1))
    });
    let descending: Vec<[f64; 2]> = order.iter().map(|&index| points[index]).collect();
    let mut areas = vec![0.0; points.len()];
    let mut floor = 0.0;
    let mut start = 0;
    while let Some(&[width, height]) = descending.get(start) {
        // From one step of the front to the next lie dominated points, which share in the first step's
        // rectangle.
        let hidden = descending[start + 1..].iter().take_while(|point| point[1] <= height).count();
        let next = start + 1 + hidden;
        let right = descending.get(next).map_or(0.0, |point| point[0]);
        let shared = staircase::area(&descending[start + 1..next], [right, floor]);
        areas[order[start]] = ((width - right) * (height - floor) - shared).max(0.0);
        floor = height;
        start = next;
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_and_volumes_of_boxes_add_up_and_overlaps_count_once() -> Result<(), ParetoError> {
        assert_eq!(hypervolume(&[[3.0], [1.0], [2.0]], &[5.0])?, 4.0);
        // 1 x 3 + (2 - 1) x 2 + (3 - 2) x 1: columns of the staircase below (4, 4), heights 1, 2, 3 from the
        // left.
        assert_eq!(hypervolume_2d(&[[3.0, 1.0], [1.0, 3.0], [2.0, 2.0]], [4.0, 4.0])?, 6.0);
        // Three bars 3 x 1 x 1 along the axes from one corner share that unit cube: 3 + 3 + 3 - 2.
        let bars = [[0.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 0.0]];
        assert_eq!(hypervolume(&bars, &[3.0, 3.0, 3.0])?, 7.0);
        // The same in four and five dimensions: m bars of volume 3, less m - 1 shared cubes.
        assert_eq!(hypervolume(&axis_bars::<4>(), &[3.0; 4])?, 9.0);
        assert_eq!(hypervolume(&axis_bars::<5>(), &[3.0; 5])?, 11.0);
        Ok(())
    }

    fn axis_bars<const M: usize>() -> [[f64; M]; M] {
        std::array::from_fn(|bar| std::array::from_fn(|axis| if axis == bar { 0.0 } else { 2.0 }))
    }

    #[test]
    fn points_on_or_beyond_the_reference_add_nothing() -> Result<(), ParetoError> {
        assert_eq!(hypervolume(&[[1.0, 4.0], [-9.0, 5.0]], &[4.0, 4.0])?, 0.0);
        assert_eq!(hypervolume::<[f64; 3]>(&[], &[1.0, 1.0, 1.0])?, 0.0);
        Ok(())
    }

    #[test]
    fn dominated_points_and_copies_take_from_what_others_add() -> Result<(), ParetoError> {
        // Below (4, 4), (1, 1) covers 9 alone, but 4 of them are under (2, 2) as well.
        assert_eq!(contributions(&[[2.0, 2.0], [1.0, 1.0]], &[4.0, 4.0])?, [0.0, 5.0]);
        assert_eq!(contributions(&[[1.0, 1.0], [1.0, 1.0]], &[4.0, 4.0])?, [0.0, 0.0]);
        // The same with a third objective that multiplies by 2.
        assert_eq!(contributions(&[[2.0, 2.0, 0.0], [1.0, 1.0, 0.0]], &[4.0, 4.0, 2.0])?, [0.0, 10.0]);
        assert_eq!(contributions(&[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]], &[4.0, 4.0, 2.0])?, [0.0, 0.0]);
        Ok(())
    }

    #[test]
    fn each_bar_adds_itself_without_the_shared_cube() -> Result<(), ParetoError> {
        assert_eq!(contributions(&axis_bars::<2>(), &[3.0; 2])?, [2.0; 2]);
        assert_eq!(contributions(&axis_bars::<3>(), &[3.0; 3])?, [2.0; 3]);
        assert_eq!(contributions(&axis_bars::<4>(), &[3.0; 4])?, [2.0; 4]);
        Ok(())
    }

    #[test]
    fn three_objectives_swept_and_sliced_agree() {
        // A fixed scatter of 60 points on a sphere octant, from multiples of two irrational angles.
        let rows: Vec<f64> = (1..=60)
            .flat_map(|k| {
                let angle = f64::from(k) * 0.618_034 % 1.0 * std::f64::consts::FRAC_PI_2;
                let height = f64::from(k) * 0.414_214 % 1.0;
                let radius = (1.0 - height * height).sqrt();
                [radius * angle.cos() + 0.01, radius * angle.sin() + 0.01, height + 0.01]
            })
            .collect();
        let swept = volume(&rows, 3);
        let sliced = sliced_volume(&rows, 3);
        assert!((swept - sliced).abs() < 1e-13, "swept {swept}, sliced {sliced}");
    }

    #[test]
    fn what_cannot_be_measured_is_named() {
        let error = |result: Result<f64, ParetoError>| result.unwrap_err().to_string();
        assert_eq!(
            error(hypervolume(&[[1.0]], &[])),
            "reference: 0 coordinates; expected one for each objective"
        );
        assert_eq!(
            error(hypervolume(&[[1.0]], &[f64::INFINITY])),
            "reference: coordinate 0 is inf; expected a finite number"
        );
        assert_eq!(error(hypervolume(&[[1.0]], &[2.0, 2.0])), "point 0: 1 losses; expected 2");
        assert_eq!(
            error(hypervolume_2d(&[[1.0, 1.0], [1.0, f64::NEG_INFINITY]], [2.0, 2.0])),
            "point 1: loss 1 is -inf; expected a finite number"
        );
    }
}
