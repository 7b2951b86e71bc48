use super::*;
use crate::check::toy::Toy;
use crate::env::Env;
use crate::parameter::Parameter;
use crate::rule::Rule;
use crate::seed::Seed;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The rules of CLBlast's Xgemm, on a small part of its space.
fn gemm() -> DesignSpace {
    let tile = |name: &'static str, outer: &'static str, threads: &'static str, vector: &'static str| {
        Rule::new(name, "tile % (threads * vector) == 0", &[outer, threads, vector], move |v| {
            v.int(outer) % (v.int(threads) * v.int(vector)) == 0
        })
    };
    DesignSpace::new(
        vec![
            Parameter::power_of_two("MWG", 16, 128),
            Parameter::power_of_two("NWG", 16, 128),
            Parameter::power_of_two("MDIMC", 8, 32),
            Parameter::power_of_two("NDIMC", 8, 32),
            Parameter::power_of_two("VWM", 1, 8),
            Parameter::power_of_two("VWN", 1, 8),
            Parameter::integer("SA", 0, 1),
        ],
        vec![tile("m", "MWG", "MDIMC", "VWM"), tile("n", "NWG", "NDIMC", "VWN")],
    )
    .unwrap()
}

/// Every combination, filtered by the rules: slow and certain.
fn by_filter(space: &DesignSpace) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = vec![Vec::new()];
    for parameter in space.parameters() {
        all = all
            .into_iter()
            .flat_map(|prefix| (0..parameter.n_levels()).map(move |level| [&prefix[..], &[level]].concat()))
            .collect();
    }
    all.retain(|levels| space.broken_rules(levels).is_empty());
    all
}

#[test]
fn the_diagram_holds_exactly_the_combinations_that_pass_the_rules() {
    for space in [gemm(), Toy::tied().space().clone()] {
        let expected = by_filter(&space);
        let mut enumerated: Vec<Vec<u32>> = space.iter().map(|design| design.levels().to_vec()).collect();
        enumerated.sort();
        assert_eq!(enumerated, expected);
        assert_eq!(space.cardinality(), expected.len() as u128);
    }
}

#[test]
fn a_space_made_from_rows_holds_exactly_those() {
    let gemm = gemm();
    let rows = by_filter(&gemm);
    let listed = DesignSpace::of_rows(gemm.parameters().to_vec(), rows.clone()).unwrap();
    let mut enumerated: Vec<Vec<u32>> = listed.iter().map(|design| design.levels().to_vec()).collect();
    enumerated.sort();
    assert_eq!(enumerated, rows);
    let illegal = [0, 0, 2, 0, 3, 0, 0];
    assert!(matches!(listed.design(&illegal), Err(SpaceError::NotListed)));
}

#[test]
fn unranking_undoes_ranking() {
    let space = gemm();
    for rank in 0..space.cardinality() {
        assert_eq!(space.rank(&space.unrank(rank)), rank);
    }
}

/// 40 draws a design: were sampling uniform, a chi-square statistic with f degrees of freedom exceeds
/// f + 6 sqrt(2 f) with odds below 10^-6 (normal approximation, f > 30), and the seed is fixed.
#[test]
fn sampling_is_uniform_over_legal_designs() {
    let space = Toy::tied().space().clone();
    let cells = space.cardinality() as usize;
    let draws = 40 * cells;
    let mut counts = BTreeMap::new();
    let mut rng = Seed::new(2).stream("test");
    for _ in 0..draws {
        *counts.entry(space.rank(&space.sample(&mut rng))).or_insert(0u32) += 1;
    }
    let freedom = (cells - 1) as f64;
    let chi_square: f64 = (0..cells as u128)
        .map(|rank| (f64::from(counts.get(&rank).copied().unwrap_or(0)) - 40.0).powi(2) / 40.0)
        .sum();
    assert!(
        chi_square < freedom + 6.0 * (2.0 * freedom).sqrt(),
        "{chi_square} with {freedom} degrees of freedom"
    );
}

#[test]
fn mutation_always_moves_and_reaches_every_design() {
    let space = Toy::tied().space().clone();
    let mut rng = Seed::new(3).stream("test");
    let mut design = space.sample(&mut rng);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 * space.cardinality() {
        let next = space.mutate(&design, &mut rng);
        assert_ne!(next, design);
        assert!(space.is_legal(next.levels()));
        seen.insert(next.clone());
        design = next;
    }
    assert_eq!(seen.len() as u128, space.cardinality());
}

#[test]
fn neighbours_differ_in_one_parameter_and_none_is_missed() {
    let space = gemm();
    let design = space.unrank(100);
    let differing =
        |other: &Design| design.levels().iter().zip(other.levels()).filter(|(a, b)| a != b).count();
    let mut expected: Vec<Design> = space.iter().filter(|other| differing(other) == 1).collect();
    let mut found = space.neighbours(&design, Neighbourhood::Hamming);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let step =
        |other: &Design| design.levels().iter().zip(other.levels()).map(|(a, b)| a.abs_diff(*b)).sum::<u32>();
    let adjacent = space.neighbours(&design, Neighbourhood::Adjacent);
    assert!(!adjacent.is_empty() && adjacent.iter().all(|other| step(other) == 1));
}

#[test]
fn a_large_space_with_few_legal_designs_is_counted_without_enumeration() {
    // 30 sizes in a chain, each at least the one before: C(30 + 9, 9) of 10^30 combinations.
    let names: Vec<String> = (0..30).map(|i| format!("p{i}")).collect();
    let rules = names.windows(2).map(|pair| {
        let (low, high) = (pair[0].clone(), pair[1].clone());
        Rule::new(&format!("{low}_{high}"), "does not fall", &[&pair[0], &pair[1]], move |v| {
            v.int(&low) <= v.int(&high)
        })
    });
    let parameters = names.iter().map(|name| Parameter::integer(name, 0, 9)).collect();
    let space = DesignSpace::new(parameters, rules.collect()).unwrap();
    let binomial = (1..=9u128).fold(1, |product, i| product * (30 + i) / i);
    assert_eq!(space.cardinality(), binomial);
    assert_eq!(space.n_combinations(), 10u128.pow(30));
}

#[test]
fn errors_name_the_parameter_the_rule_and_the_remedy() {
    let space = gemm();
    let message = |result: Result<Design, SpaceError>| result.unwrap_err().to_string();
    let design = |mwg: i64, mdimc: i64| {
        space.design_of([
            ("MWG", mwg.into()),
            ("NWG", 16.into()),
            ("MDIMC", mdimc.into()),
            ("NDIMC", 8.into()),
            ("VWM", 1.into()),
            ("VWN", 1.into()),
            ("SA", 0.into()),
        ])
    };
    assert!(design(32, 32).is_ok());
    assert_eq!(message(design(12, 8)), "parameter `MWG`: 12 is not a level; levels are 16, 32, 64, 128");
    assert_eq!(
        message(design(16, 32)),
        "rule `m` (tile % (threads * vector) == 0) is broken by MWG = 16, MDIMC = 32, VWM = 1 (violation 1)"
    );
    assert_eq!(
        message(space.design_of([("MWQ", 16.into())])),
        "unknown parameter `MWQ`; did you mean `MWG`?"
    );
    assert_eq!(message(space.design_of([("MWG", 16.into())])), "parameter `NWG` is missing");
}

#[test]
fn rules_that_exclude_each_other_are_refused_by_name() {
    let parameters = vec![Parameter::integer("a", 0, 3)];
    let rules = vec![
        Rule::new("low", "a < 1", &["a"], |v| v.int("a") < 1),
        Rule::new("high", "a > 2", &["a"], |v| v.int("a") > 2),
    ];
    let error = DesignSpace::new(parameters, rules).unwrap_err();
    assert_eq!(error.to_string(), r#"no design is legal under the rules ["low", "high"]"#);
}

proptest! {
    #[test]
    fn repair_gives_a_legal_design_and_keeps_what_is_legal(levels in prop::collection::vec(0u32..5, 7)) {
        let space = gemm();
        let repaired = space.repair(&levels);
        prop_assert!(space.is_legal(repaired.levels()));
        if space.is_legal(&levels) {
            prop_assert_eq!(repaired.levels(), &levels[..]);
        }
    }

    #[test]
    fn every_walk_ends_in_a_legal_design(seed in 0u64..1000) {
        let space = gemm();
        let design = space.walk().finish(&mut Seed::new(seed).stream("test"));
        prop_assert!(space.is_legal(design.levels()));
    }
}

#[test]
#[should_panic(expected = "a level for each parameter")]
fn a_slice_that_is_too_short_is_not_repaired_into_a_design() {
    let space =
        DesignSpace::new(vec![Parameter::integer("a", 0, 3), Parameter::integer("b", 0, 3)], Vec::new())
            .unwrap();
    space.repair(&[1]);
}
