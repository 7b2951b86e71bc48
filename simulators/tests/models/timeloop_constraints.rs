//! What designs in YAML of Timeloop v4 fix of mappings.

use tapeout_simulators::loop_nest::timeloop::{FixedLevel, TimeloopDesign, YamlError, read_design};

fn read(text: &str) -> Result<TimeloopDesign, YamlError> {
    read_design(&[("d.yaml", text)], &[])
}

/// What components and a list of targets ask of mappings.
const CONSTRAINED: &str = "\
architecture:
  nodes:
  - !Component {name: DRAM, class: DRAM, attributes: {datawidth: 8}, constraints: {dataspace: {bypass: [Inputs]}}}
  - !Component
    name: buffer
    class: SRAM
    attributes: {datawidth: 8, depth: 64}
    constraints:
      dataspace: {keep: [Inputs], bypass: [Weights, Biases]}
      temporal: {factors: R=1 M<=1 C=4 X=1, permutation: PC}
  - !Container
    name: column
    spatial: {meshX: 4}
    constraints:
      spatial: {factors_only: [M<=4], split: 9}
  - !Container
    name: row
    spatial: {meshY: 2}
    constraints:
      spatial: {must_iterate_over_dataspaces: [Weights], maximize_dims: [[C]]}
  - !Parallel
    nodes:
    - !Component
      name: weights
      class: storage
      attributes: {datawidth: 8, depth: 1}
      constraints:
        dataspace: {keep: [Weights]}
        temporal: {no_iteration_over_dataspaces: [Outputs]}
    - !Component {name: rest, class: storage, attributes: {datawidth: 8, depth: 4}}
  - !Component {name: mac, class: intmac, attributes: {datawidth: 8}}
mapspace_constraints:
  targets:
  - {target: rest, type: bypass, keep_only: [Outputs]}
  - {target: nobody, type: temporal, factors: C=1}
problem:
  instance: {C: 2, M: 4, P: 2, R: 3}
";

/// By hand: a dimension that a factor holds to one step may not run, `G` is none of the file's and stays free, what a branch of a `Parallel` keeps
/// passes the others by, and the instances of containers belong to the buffer above them.
#[test]
fn constraints_say_what_levels_keep_and_which_dimensions_run_at_them() {
    let design = read(CONSTRAINED).unwrap();
    let words = |words: &str| Some(words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let expected = [
        (
            "buffer",
            FixedLevel {
                keep: words("Inputs"),
                may_keep: words("Outputs"),
                temporal: words("N G C P Q S"),
                spatial_x: words("G K"),
                spatial_y: words("G K C R S"),
            },
        ),
        ("rest", FixedLevel { keep: words("Outputs"), ..FixedLevel::default() }),
        (
            "weights",
            FixedLevel {
                keep: words("Weights"),
                may_keep: words("Inputs"),
                temporal: words("C R S"),
                ..FixedLevel::default()
            },
        ),
    ];
    let expected = expected.map(|(name, fixed)| (name.to_owned(), fixed));
    let read = design.dataflow.into_iter().collect::<Vec<_>>();
    assert_eq!(read, expected);
}

#[test]
fn constraints_that_cannot_be_held_are_named_with_their_line() {
    let unread: Vec<String> = read(CONSTRAINED).unwrap().unread.iter().map(ToString::to_string).collect();
    let expected = [
        "d.yaml:3: the constraint `bypass` of `DRAM` is not held",
        "d.yaml:9: `Biases` in the constraints of `buffer` is not held: no data space is called so",
        "d.yaml:10: the factor `C=4` of `buffer` is not held: a dimension that may run is free to run any number of times",
        "d.yaml:10: `X` in the constraints of `buffer` is not held: no dimension of the problem is called so",
        "d.yaml:10: `permutation` of `buffer` is not held: C, P are free to run in any order",
        "d.yaml:15: the factor `M<=4` of `column` is not held: a dimension that may run is free to run any number of times",
        "d.yaml:20: the constraint `maximize_dims` of `row` is not held",
        "d.yaml:35: constraints of `nobody` are not held: no component is called so",
    ];
    assert_eq!(unread, expected);
}

/// Whoever keeps only what the problem does not have is misread, not a level that keeps nothing.
#[test]
fn data_spaces_that_are_not_there_fix_nothing_of_the_others() {
    let only = "keep_only: [Outputs]";
    assert!(CONSTRAINED.contains(only));
    let design = read(&CONSTRAINED.replace(only, "keep_only: [Outputs, Z]")).unwrap();
    let words = |words: &str| Some(words.split(' ').map(str::to_owned).collect::<Vec<_>>());
    // What `weights` keeps passes it by.
    let beside =
        FixedLevel { keep: Some(Vec::new()), may_keep: words("Inputs Outputs"), ..FixedLevel::default() };
    assert_eq!(design.dataflow.get("rest"), Some(&beside));
    let unread: Vec<String> = design.unread.iter().map(ToString::to_string).collect();
    assert!(unread.contains(
        &"d.yaml:34: `Z` in the constraints of `rest` is not held: no data space is called so".to_owned()
    ));
}

/// The published mapping of the output-stationary design runs output channels over y, and nothing over x, though its file says
/// `permutation: [C, M]` and `split: 1`: the front end puts the five dimensions that run once before both.
#[test]
fn a_split_counts_dimensions_that_run_once() {
    let spatial = |constraint: &str| {
        let column = "spatial: {factors_only: [M<=4], split: 9}";
        assert!(CONSTRAINED.contains(column));
        let text = CONSTRAINED.replace(column, constraint).replace("meshX: 4}", "meshX: 4, meshY: 3}");
        let buffer = read(&text).unwrap().dataflow.remove("buffer").unwrap();
        buffer.spatial_x.unwrap().join(" ")
    };
    let factors = "factors: [R=1, S=1, P=1, Q=1]";
    assert_eq!(spatial(&format!("spatial: {{{factors}, permutation: [C, M], split: 1}}")), "N G");
    assert_eq!(spatial(&format!("spatial: {{{factors}, permutation: [C, M], split: 6}}")), "N G C");
    assert_eq!(spatial(&format!("spatial: {{{factors}, permutation: CMNPQRS, split: 1}}")), "G C");
}

/// Two containers in x between two levels: one axis of ours, at which either's dimensions may run.
#[test]
fn containers_that_share_an_axis_are_merged_and_named() {
    let row = "spatial: {meshY: 2}";
    assert!(CONSTRAINED.contains(row));
    let mut design = read(&CONSTRAINED.replace(row, "spatial: {meshX: 2}")).unwrap();
    let buffer = design.dataflow.remove("buffer").unwrap();
    assert_eq!((buffer.spatial_x.unwrap().join(" "), buffer.spatial_y), ("G K C R S".to_owned(), None));
    let unread: Vec<String> = design.unread.iter().map(ToString::to_string).collect();
    let expected = "d.yaml:5: what may run in x at each of the components below `buffer` is not held: all that may run at any of them may run";
    assert_eq!(unread.last().map(String::as_str), Some(expected), "{unread:#?}");
}
