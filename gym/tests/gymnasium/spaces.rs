//! Spaces: what belongs to them, what is drawn from them, and how they are written.

use std::collections::BTreeMap;

use tapeout::core::Seed;
use tapeout::gymnasium::spaces::{Box, Dict, Discrete, Mask, MultiDiscrete, Space, SpaceElement};

/// Each of 4 numbers is missed in 200 draws with odds of (3/4)^200 < 10^-24.
#[test]
fn every_number_is_drawn_and_no_other() {
    let space = Discrete::starting_at(4, -2);
    let mut rng = Seed::new(0).stream("test");
    let mut drawn: Vec<i64> = (0..200).map(|_| space.sample(&mut rng, None)).collect();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn, [-2, -1, 0, 1]);
}

#[test]
fn only_what_the_mask_allows_is_drawn_and_the_least_if_it_allows_nothing() {
    let space = Discrete::starting_at(4, 10);
    let mut rng = Seed::new(0).stream("test");
    let mut drawn: Vec<i64> =
        (0..100).map(|_| space.sample(&mut rng, Some(&[false, true, false, true]))).collect();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn, [11, 13]);
    assert_eq!(space.sample(&mut rng, Some(&[false; 4])), 10);
}

#[test]
fn the_ends_of_the_number_line_do_not_overflow() {
    assert!(!Discrete::starting_at(2, i64::MIN).contains(i64::MAX));
    assert!(Discrete::starting_at(2, i64::MAX - 1).contains(i64::MAX));
}

#[test]
fn each_entry_keeps_to_its_own_mask() {
    let space = MultiDiscrete::new(vec![2, 3, 2]);
    let masks = [vec![false, true], vec![true, false, true], vec![false, false]];
    let mut rng = Seed::new(0).stream("test");
    let mut drawn: Vec<Vec<i64>> = (0..100).map(|_| space.sample(&mut rng, Some(&masks))).collect();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn, [[1, 0, 0], [1, 2, 0]]);
}

fn draws(low: f32, high: f32) -> Vec<f64> {
    let mut rng = Seed::new(0).stream("test");
    Box::bounded(low, high, 10_000).sample(&mut rng).into_iter().map(f64::from).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean of 10,000 draws has a standard error of at most 0.01 (unit deviation): five of them are allowed, which
/// chance exceeds with odds below 10^-6.
#[test]
fn the_distribution_depends_on_which_bounds_are_finite() {
    let infinity = f32::INFINITY;
    assert!((mean(&draws(2.0, 3.0)) - 2.5).abs() < 0.05);
    assert!((mean(&draws(2.0, infinity)) - 3.0).abs() < 0.05);
    assert!((mean(&draws(-infinity, 2.0)) - 1.0).abs() < 0.05);
    let normal = draws(-infinity, infinity);
    let squares: Vec<f64> = normal.iter().map(|value| value * value).collect();
    assert!(mean(&normal).abs() < 0.05);
    // The square of a normal number has the variance 2: a standard error of 0.014.
    assert!((mean(&squares) - 1.0).abs() < 0.07);
}

#[test]
fn the_widest_bounds_do_not_overflow() {
    assert!(draws(f32::MIN, f32::MAX).iter().all(|value| value.is_finite()));
}

#[test]
#[should_panic(expected = "entry 1 of a box has the lower bound NaN")]
fn a_bound_is_never_nan() {
    Box::new(vec![0.0, f32::NAN], vec![1.0, 1.0], vec![2]);
}

fn nested() -> Space {
    let inner = Dict::new([("bits", Space::from(MultiDiscrete::new(vec![2, 3])))]);
    let box_space = Box::new(vec![-1.0; 4], vec![1.0; 4], vec![2, 2]);
    Dict::new([
        ("level", Discrete::starting_at(3, -1).into()),
        ("seen", box_space.into()),
        ("in", inner.into()),
    ])
    .into()
}

/// Law: a space contains whatever it draws.
#[test]
fn every_sample_is_contained() {
    let mut rng = Seed::new(0).stream("test");
    let space = nested();
    for _ in 0..500 {
        let element = space.sample(&mut rng, None);
        assert!(space.contains(&element), "{element:?}");
    }
}

#[test]
fn a_dict_hands_each_mask_to_its_own_space() {
    let mut rng = Seed::new(0).stream("test");
    let bits = Mask::MultiDiscrete(vec![vec![false, true], vec![true, false, false]]);
    let masks = BTreeMap::from([
        ("level".to_owned(), Mask::Discrete(vec![false, false, true])),
        ("in".to_owned(), Mask::Dict(BTreeMap::from([("bits".to_owned(), bits)]))),
    ]);
    for _ in 0..50 {
        let SpaceElement::Dict(drawn) = nested().sample(&mut rng, Some(&Mask::Dict(masks.clone()))) else {
            panic!("a dict draws a dict")
        };
        assert_eq!(drawn["level"], SpaceElement::Discrete(1));
        assert_eq!(
            drawn["in"],
            SpaceElement::Dict(BTreeMap::from([(
                "bits".to_owned(),
                SpaceElement::MultiDiscrete(vec![1, 0])
            )]))
        );
    }
}

#[test]
fn elements_of_another_kind_or_with_other_keys_do_not_belong() {
    let space = nested();
    assert!(!space.contains(&SpaceElement::Discrete(0)));
    let SpaceElement::Dict(mut element) = space.sample(&mut Seed::new(0).stream("test"), None) else {
        panic!("a dict draws a dict")
    };
    element.insert("more".to_owned(), SpaceElement::Discrete(0));
    assert!(!space.contains(&SpaceElement::Dict(element.clone())));
    element.remove("more");
    element.remove("level");
    assert!(!space.contains(&SpaceElement::Dict(element)));
}

#[test]
#[should_panic(expected = "is not of the shape of Discrete(3, start=-1)")]
fn a_mask_of_another_shape_is_a_bug() {
    let space = Space::from(Discrete::starting_at(3, -1));
    space.sample(&mut Seed::new(0).stream("test"), Some(&Mask::Discrete(vec![true; 2])));
}

/// The texts Python prints for the same spaces.
#[test]
fn spaces_are_written_as_in_python() {
    let text = "Dict('in': Dict('bits': MultiDiscrete([2 3])), 'level': Discrete(3, start=-1), 'seen': Box(-1.0, 1.0, (2, 2), float32))";
    assert_eq!(nested().to_string(), text);
    assert_eq!(Space::from(Discrete::new(4)).to_string(), "Discrete(4)");
    let line = Box::bounded(0.0, 1.0, 3);
    assert_eq!(Space::from(line).to_string(), "Box(0.0, 1.0, (3,), float32)");
    let uneven = Box::new(vec![0.0, -1.0], vec![1.0, 2.0], vec![2]);
    assert_eq!(Space::from(uneven).to_string(), "Box([0.0 -1.0], [1.0 2.0], (2,), float32)");
}
