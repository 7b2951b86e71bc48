//! Fronts, crowding and hypervolume against pymoo and moocore, and against their own definitions.

use proptest::prelude::*;
use serde::Deserialize;
use tapeout_core::pareto::{
    Archive, contributions, crowding_distance, dominates, front, hypervolume, non_dominated_sort,
};

/// One row of `golden/pareto_pymoo.json`, written by `scripts/pareto_pymoo.py`.
#[derive(Deserialize)]
struct Golden {
    name: String,
    points: Vec<Vec<f64>>,
    reference: Vec<f64>,
    fronts: Vec<Vec<usize>>,
    crowding_of_first_front: Vec<Option<f64>>,
    hypervolume: f64,
    contributions: Vec<f64>,
}

fn goldens() -> Vec<Golden> {
    serde_json::from_str(include_str!("golden/pareto_pymoo.json")).expect("the script writes this structure")
}

/// True if the two differ by rounding only: sums of up to a hundred terms of the size of `scale`.
fn close(a: f64, b: f64, scale: f64) -> bool {
    a == b || (a - b).abs() <= 1e-12 * scale
}

#[test]
fn fronts_are_those_of_pymoo() {
    for golden in goldens() {
        assert_eq!(non_dominated_sort(&golden.points), golden.fronts, "{}", golden.name);
        assert_eq!(front(&golden.points), golden.fronts[0], "{}", golden.name);
    }
}

#[test]
fn crowding_distances_are_those_of_pymoo_without_its_division_by_m() {
    for golden in goldens() {
        let first: Vec<&[f64]> =
            golden.fronts[0].iter().map(|&point| golden.points[point].as_slice()).collect();
        let distances = crowding_distance(&first);
        assert_eq!(distances.len(), golden.crowding_of_first_front.len());
        for (got, expected) in distances.iter().zip(&golden.crowding_of_first_front) {
            let expected = expected.unwrap_or(f64::INFINITY);
            assert!(close(*got, expected, 1.0), "{}: got {got}, expected {expected}", golden.name);
        }
    }
}

#[test]
fn hypervolumes_are_those_of_moocore() {
    for golden in goldens() {
        let got = hypervolume(&golden.points, &golden.reference).unwrap();
        let expected = golden.hypervolume;
        assert!(close(got, expected, expected), "{}: got {got}, expected {expected}", golden.name);
    }
}

#[test]
fn contributions_are_those_of_moocore() {
    for golden in goldens() {
        let got = contributions(&golden.points, &golden.reference).unwrap();
        assert_eq!(got.len(), golden.contributions.len());
        for (got, expected) in got.iter().zip(&golden.contributions) {
            // moocore subtracts whole volumes, so the error is relative to those.
            assert!(
                close(*got, *expected, golden.hypervolume),
                "{}: {got}, expected {expected}",
                golden.name
            );
        }
    }
}

/// Losses on a small grid, so that ties and copies are common and sums are exact. Shape `[n][m]`.
fn grid(m: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec((0_u8..6).prop_map(f64::from), m), 0..24)
}

fn grids() -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1_usize..=5).prop_flat_map(grid)
}

fn grids_and_shuffles() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<Vec<f64>>)> {
    grids().prop_flat_map(|points| (Just(points.clone()), Just(points).prop_shuffle()))
}

/// Just outside the grid in every objective.
fn corner(points: &[Vec<f64>]) -> Vec<f64> {
    vec![6.0; points.first().map_or(1, Vec::len)]
}

fn sorted(points: impl IntoIterator<Item = Vec<f64>>) -> Vec<Vec<f64>> {
    let mut points: Vec<Vec<f64>> = points.into_iter().collect();
    points.sort_by(|a, b| a.partial_cmp(b).expect("no loss is NaN"));
    points
}

/// Unit cells of the grid below `(6, ..., 6)` that some point dominates, counted one by one.
fn dominated_cells(points: &[Vec<f64>], m: u32) -> usize {
    let covered = |cell: usize| {
        points
            .iter()
            .any(|point| (0..m).zip(point).all(|(axis, loss)| *loss <= (cell / 6_usize.pow(axis) % 6) as f64))
    };
    (0..6_usize.pow(m)).filter(|&cell| covered(cell)).count()
}

proptest! {
    #[test]
    fn the_front_is_what_no_point_dominates(points in grids()) {
        let undominated = |a: &usize| !points.iter().any(|b| dominates(b, &points[*a]));
        let expected: Vec<usize> = (0..points.len()).filter(undominated).collect();
        prop_assert_eq!(front(&points), expected);
    }

    #[test]
    fn each_front_is_the_front_of_what_is_left(points in grids()) {
        let mut left: Vec<usize> = (0..points.len()).collect();
        for members in non_dominated_sort(&points) {
            let losses: Vec<&[f64]> = left.iter().map(|&point| points[point].as_slice()).collect();
            let expected: Vec<usize> = front(&losses).into_iter().map(|index| left[index]).collect();
            prop_assert_eq!(&members, &expected);
            left.retain(|point| !members.contains(point));
        }
        prop_assert!(left.is_empty());
    }

    #[test]
    fn a_front_does_not_depend_on_the_order_of_its_points((points, shuffled) in grids_and_shuffles()) {
        let losses = |points: &[Vec<f64>]| sorted(front(points).iter().map(|&point| points[point].clone()));
        prop_assert_eq!(losses(&points), losses(&shuffled));
    }

    #[test]
    fn crowding_does_not_depend_on_the_order_of_the_points((points, shuffled) in grids_and_shuffles()) {
        let with_distance = |points: &[Vec<f64>]| {
            let distances = crowding_distance(points);
            sorted(points.iter().zip(distances).map(|(point, distance)| [&point[..], &[distance]].concat()))
        };
        prop_assert_eq!(with_distance(&points), with_distance(&shuffled));
    }

    #[test]
    fn hypervolume_counts_the_dominated_cells_of_a_grid(points in grids()) {
        let reference = corner(&points);
        let cells = dominated_cells(&points, u32::try_from(reference.len()).unwrap());
        prop_assert_eq!(hypervolume(&points, &reference).unwrap(), cells as f64);
    }

    #[test]
    fn a_contribution_is_what_the_volume_loses_without_the_point(points in grids()) {
        let reference = corner(&points);
        let whole = hypervolume(&points, &reference).unwrap();
        let contributions = contributions(&points, &reference).unwrap();
        for (point, contribution) in contributions.into_iter().enumerate() {
            let others = [&points[..point], &points[point + 1..]].concat();
            prop_assert_eq!(contribution, whole - hypervolume(&others, &reference).unwrap());
        }
    }

    #[test]
    fn hypervolume_does_not_depend_on_order_and_grows_with_every_point(
        points in (2_usize..=5).prop_flat_map(|m| {
            prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, m), 1..20).prop_shuffle()
        })
    ) {
        let reference = vec![0.9; points[0].len()];
        let mut backwards = points.clone();
        backwards.reverse();
        let whole = hypervolume(&points, &reference).unwrap();
        prop_assert!(close(whole, hypervolume(&backwards, &reference).unwrap(), whole));
        let fewer = hypervolume(&points[1..], &reference).unwrap();
        prop_assert!(fewer <= whole + 1e-12 * whole, "{fewer} > {whole}");
    }

    #[test]
    fn a_constant_last_objective_multiplies_the_volume(points in (2_usize..=4).prop_flat_map(grid)) {
        // Ties the sweeps and the slicing together: m objectives by one method, m + 1 by the next.
        let lifted: Vec<Vec<f64>> = points.iter().map(|point| [&point[..], &[4.0]].concat()).collect();
        let mut reference = corner(&points);
        let base = hypervolume(&points, &reference).unwrap();
        reference.push(6.0);
        prop_assume!(!points.is_empty());
        prop_assert_eq!(hypervolume(&lifted, &reference).unwrap(), 2.0 * base);
    }

    #[test]
    fn an_archive_holds_the_first_of_each_point_of_the_front(points in grids()) {
        let mut archive = Archive::new(points.first().map_or(1, Vec::len));
        for (trial, losses) in points.iter().enumerate() {
            archive.insert(trial, losses).unwrap();
        }
        let mut got: Vec<usize> = archive.members().iter().map(|member| member.trial).collect();
        got.sort_unstable();
        let is_first = |point: &usize| !points[..*point].contains(&points[*point]);
        let expected: Vec<usize> = front(&points).into_iter().filter(is_first).collect();
        prop_assert_eq!(got, expected);
    }
}
