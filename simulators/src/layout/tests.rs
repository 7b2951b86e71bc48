//! Tests: copies and kernels by hand, the best assignment against all, files, networks of our own.

use rand::{Rng, RngExt};
use tapeout_core::Seed;

use super::*;
use crate::transformer::transformer;

const CHAIN: &str = r#"
byte_per_s = 10.0
[[tensor]]
name = "x"
layouts = ["a", "b"]
byte = [10, 20]
fixed = "a"
[[tensor]]
name = "y"
layouts = ["a", "b"]
byte = [10, 10]
[[operator]]
name = "first"
tensors = ["x", "y"]
kernels = [{ layouts = ["a", "a"], time_s = 9 }, { layouts = ["b", "b"], time_s = 1 }]
[[operator]]
name = "second"
tensors = ["y"]
kernels = [{ layouts = ["a"], time_s = 1 }]
"#;

// By hand: with y in b, x is copied in (10 + 20) / 10 = 3 s, first takes 1 s, y is copied in 2 s, second takes 1 s: 7 s. With y in a, first's kernel
// of a takes 9 s, and that of b 3 + 1 + 2 = 6 s; with second 7 s too. Bytes: 20 either way.
#[test]
fn kernels_are_chosen_with_the_copies_they_need() {
    let graph = LayoutGraph::from_toml(CHAIN).unwrap();
    for layout in 0..2 {
        let report = graph.report(&[0, layout]);
        assert_eq!(report, AssignmentReport { time_s: 7.0, copy_s: 5.0, copies: 2, byte: 20.0 });
    }
    let faster = LayoutGraph::from_toml(&CHAIN.replace("time_s = 9", "time_s = 2")).unwrap();
    assert_eq!(faster.report(&[0, 0]), AssignmentReport { time_s: 3.0, copy_s: 0.0, copies: 0, byte: 20.0 });
    assert_eq!(faster.optimum(4).unwrap(), [0, 0]);
}

/// A graph of `n` tensors of up to three layouts, operators between them.
fn random_graph(rng: &mut impl Rng, n: usize, edges: &[(usize, usize)]) -> LayoutGraph {
    let sizes: Vec<usize> = (0..n).map(|_| rng.random_range(1..=3)).collect();
    let tensor = |(index, &size): (usize, &usize)| LaidOutTensor {
        name: format!("t{index}"),
        layouts: (0..size).map(|layout| format!("l{layout}")).collect(),
        byte: (0..size).map(|layout| (index + 1 + 2 * layout) as f64).collect(),
        fixed: (index == 1).then_some(0),
    };
    let tensors = sizes.iter().enumerate().map(tensor).collect();
    let operator = |&(from, to): &(usize, usize)| {
        let kernel = |_| LayoutKernel {
            layouts: vec![rng.random_range(0..sizes[from]), rng.random_range(0..sizes[to])],
            time_s: rng.random_range(1..40) as f64,
        };
        let kernels = (0..4).map(kernel).collect();
        LayoutOperator { name: format!("{from}-{to}"), tensors: vec![from, to], kernels }
    };
    let operators = edges.iter().map(operator).collect();
    LayoutGraph::new(tensors, operators, 1.0).unwrap()
}

/// The least time of all assignments.
fn least_s(graph: &LayoutGraph) -> f64 {
    let mut all = vec![Vec::new()];
    for tensor in graph.tensors() {
        let layouts = tensor.fixed.map_or(0..tensor.layouts.len(), |fixed| fixed..fixed + 1);
        all = all
            .into_iter()
            .flat_map(|start: Vec<usize>| layouts.clone().map(move |it| [start.clone(), vec![it]].concat()))
            .collect();
    }
    all.iter().map(|layouts| graph.report(layouts).time_s).fold(f64::INFINITY, f64::min)
}

// Law: the best of all assignments is found, on chains, trees and graphs with circles.
#[test]
fn the_optimum_is_that_of_all_assignments() {
    let mut rng = Seed::new(0).stream("layouts");
    for round in 0..60 {
        let n = 7;
        let mut edges: Vec<(usize, usize)> = match round % 3 {
            0 => (1..n).map(|it| (it - 1, it)).collect(),
            _ => (1..n).map(|it| (rng.random_range(0..it), it)).collect(),
        };
        if round % 3 == 2 {
            edges.extend([(0, 3), (1, 5), (2, 6), (0, 6)]);
        }
        let graph = random_graph(&mut rng, n, &edges);
        let found = graph.report(&graph.optimum(1 << 12).unwrap());
        assert_eq!(found.time_s, least_s(&graph), "{round}");
    }
}

// Law: a chain needs tables of two tensors alone, however long it is; a graph in which all are joined is given up.
#[test]
fn a_graph_far_from_a_tree_is_given_up() {
    let mut rng = Seed::new(1).stream("layouts");
    let chain: Vec<(usize, usize)> = (1..200).map(|it| (it - 1, it)).collect();
    assert!(random_graph(&mut rng, 200, &chain).optimum(9).is_some());
    let all: Vec<(usize, usize)> = (0..12).flat_map(|to| (0..to).map(move |from| (from, to))).collect();
    assert!(random_graph(&mut rng, 12, &all).optimum(9).is_none());
}

// By hand: one token of GPT-2 is a row of 768 words, of which by rows 8 by 768 are kept and by columns 768 by 128: sixteen times as many. Weights of
// 768 by 768 fill tiles.
#[test]
fn padding_makes_layouts_unlike() {
    let mut model = transformer("gpt2").unwrap();
    model.layers = 1;
    let graph = LayoutGraph::of_cascade(&model.cascade(1, 2.0).unwrap(), 2.0).unwrap();
    let byte = |name: &str| {
        &graph.tensors().iter().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("{name}")).byte
    };
    assert_eq!(byte("layer_0_q"), &[8.0 * 768.0 * 2.0, 768.0 * 128.0 * 2.0]);
    assert_eq!(byte("layer_0_wq"), &[768.0 * 768.0 * 2.0; 2]);
    let best = graph.report(&graph.optimum(1 << 16).unwrap());
    let free = |tensor: &&LaidOutTensor| tensor.fixed.is_none();
    assert_eq!(graph.tensors().iter().filter(free).count(), 15);
    let mut rng = Seed::new(0).stream("layouts");
    for _ in 0..1000 {
        let draw = |tensor: &LaidOutTensor| tensor.fixed.unwrap_or_else(|| rng.random_range(0..2));
        let layouts: Vec<usize> = graph.tensors().iter().map(draw).collect();
        assert!(graph.report(&layouts).time_s >= best.time_s * (1.0 - 1e-12));
    }
}

// By hand: one token of GPT-2, whose keys are a row of 768 words. Scores read their transpose: products that stream queries take keys in either
// layout, those that stream keys want them by rows, not by columns. Queries and keys are 8 * 768 words by rows, 768 * 128 by columns; twelve scores
// are 8 * 128 either way: two bytes each at 1.2 TB/s, while twelve tiles of 128 by 128 for one row take 1.4 ns.
#[test]
fn scores_read_the_keys_transposed() {
    let mut model = transformer("gpt2").unwrap();
    model.layers = 1;
    let graph = LayoutGraph::of_cascade(&model.cascade(1, 2.0).unwrap(), 2.0).unwrap();
    let scores = graph.operators().iter().find(|operator| operator.name == "0.scores").unwrap();
    let (by_rows, by_columns, made) = (8.0 * 768.0 * 2.0, 768.0 * 128.0 * 2.0, 12.0 * 8.0 * 128.0 * 2.0);
    let mut expected = vec![
        ([0, 0, 0], by_rows + by_rows + made),
        ([0, 1, 0], by_rows + by_columns + made),
        ([0, 0, 1], by_rows + by_rows + made),
        ([1, 0, 1], by_columns + by_rows + made),
    ];
    for kernel in &scores.kernels {
        let at = expected.iter().position(|(layouts, _)| layouts[..] == kernel.layouts[..]).unwrap();
        let (_, byte) = expected.swap_remove(at);
        assert!((kernel.time_s / (byte / 1.2e12) - 1.0).abs() < 1e-12, "{kernel:?} {byte}");
    }
    assert!(expected.is_empty());
}

#[test]
fn a_file_that_is_no_graph_names_what_is_wrong() {
    let refused = |from: &str, to: &str| {
        assert!(CHAIN.contains(from), "{from}");
        LayoutGraph::from_toml(&CHAIN.replace(from, to)).unwrap_err().to_string()
    };
    assert_eq!(refused("fixed = \"a\"", "fixed = \"c\""), "tensor `x`: there is no layout `c`");
    assert_eq!(refused("byte = [10, 20]", "byte = [10]"), "tensor `x`: 1 numbers of byte, expected 2");
    assert_eq!(
        refused("time_s = 9", "time_s = -1"),
        "operator `first`: `time_s` is -1, expected a finite number above 0 and below 1e100"
    );
    assert_eq!(
        refused("tensors = [\"x\", \"y\"]", "tensors = [\"x\", \"z\"]"),
        "operator `first`: there is no tensor `z`"
    );
    assert_eq!(refused("\"y\"", "\"x\""), "the graph: `x` stands twice");
    // Counts are looked at before names are: the operators' tensors are none.
    let many = "[[operator]]\nname = \"o\"\ntensors = [\"z\"]\nkernels = []\n".repeat(2000);
    assert_eq!(
        LayoutGraph::from_toml(&format!("{CHAIN}{many}")).unwrap_err().to_string(),
        "the graph: 2002 operators, expected 1 to 1024"
    );
    assert_eq!(
        refused("tensors = [\"x\", \"y\"]", &format!("tensors = [{}]", "\"z\",".repeat(9))),
        "operator `first`: 9 tensors, expected 1 to 8"
    );
    assert_eq!(
        refused("\"y\"", "\"y.1\""),
        "tensor `y.1`: its name has other characters than letters, digits and `_`"
    );
    assert!(refused("byte_per_s", "bytes_per_s").contains("unknown field `bytes_per_s`"));
}
