//! Designs in YAML of Timeloop v4: the reference designs of its exercises against their published statistics.

use tapeout_simulators::architectures::architecture;
use tapeout_simulators::loop_nest::timeloop::{
    TimeloopDesign, TimeloopLayer, TimeloopProblem, UnwritableDesign, YamlError, read_design, write_design,
};
use tapeout_simulators::loop_nest::{Architecture, Evaluator, Hops, Mapping, Quirks, Report, Workspace};
use tapeout_simulators::mapper::{MappingConstraints, Objective, Options, best_mapping};
use tapeout_simulators::networks::{Layer, Op};

macro_rules! design {
    ($name:literal) => {
        [
            (concat!($name, ".yaml"), include_str!(concat!("../golden/timeloop_designs/", $name, ".yaml"))),
            (
                concat!($name, ".energies.yaml"),
                include_str!(concat!("../golden/timeloop_designs/", $name, ".energies.yaml")),
            ),
            (
                concat!($name, ".mapping.yaml"),
                include_str!(concat!("../golden/timeloop_designs/", $name, ".mapping.yaml")),
            ),
        ]
    };
}

/// What `timeloop-mapper.stats.txt` says: cycles, utilization, and the energy of a multiply-accumulate in fJ by component, from the
/// outermost in; the last is that of the arithmetic.
struct Published {
    cycles: u64,
    utilization: f64,
    energies_fj: &'static [f64],
    /// Components at which this model says something else, and what.
    departures_fj: &'static [(usize, f64)],
}

fn layer(problem: &TimeloopProblem) -> Layer {
    Layer::new("layer", Op::from(problem)).expect("the problem is in range")
}

fn assert_agrees(files: [(&str, &str); 3], published: &Published) {
    let design = read_design(&files, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(design.unread, [], "{}", files[0].0);
    let architecture = design.architecture.expect("an architecture");
    let layer = layer(&design.problem.expect("a problem"));
    let text = design.mapping.expect("a mapping");
    let mapping = Mapping::from_text(&text, &architecture, layer.einsum()).expect("a mapping of the design");
    let mut report = Report::new();
    let quirks = Quirks { idle_loops_forget: true, ..Quirks::timeloop_compat() };
    Evaluator::new(&architecture, layer.einsum(), quirks)
        .map(|evaluator| evaluator.with_hops(Hops::Everywhere))
        .and_then(|evaluator| evaluator.evaluate(&mapping, &mut Workspace::new(), &mut report))
        .unwrap_or_else(|illegal| panic!("{}", illegal.describe(&architecture, layer.einsum())));
    assert_eq!(report.cycles, published.cycles, "{}", files[0].0);
    assert!(
        (report.utilization - published.utilization).abs() < 5e-5,
        "{}: {}",
        files[0].0,
        report.utilization
    );
    // Printed with two decimals of a fJ.
    let per_mac = |energy_j: f64| energy_j / report.macs as f64 * 1e15;
    let levels = report.levels.iter().rev().map(|level| per_mac(level.energy_j));
    let energies: Vec<f64> = levels.chain([per_mac(report.mac_energy_j)]).collect();
    for (index, (got, expected)) in energies.iter().zip(published.energies_fj).enumerate() {
        let departure = published.departures_fj.iter().find(|(component, _)| *component == index);
        let expected = departure.map_or(*expected, |(_, ours)| *ours);
        assert!((got - expected).abs() < 0.0051, "{}: component {index}: {energies:?}", files[0].0);
    }
    assert_eq!(energies.len(), published.energies_fj.len());
}

/// Windows that overlap from one tile to the next are read anew by the Timeloop of the exercises, if output channels are tiled inside of
/// them; the words are counted by hand below, for the output-stationary design. What the global buffer reads for elements that hand
/// inputs to each other differs still.
#[test]
fn the_eyeriss_like_design_has_its_published_statistics() {
    let energies_fj = &[3380.86, 375.27, 112.37, 1006.69, 386.77, 207.69];
    let departures_fj = &[(1, 287.33)];
    assert_agrees(
        design!("eyeriss_like"),
        &Published { cycles: 86_016, utilization: 0.75, energies_fj, departures_fj },
    );
}

/// 48 of 256 registers are in use, in clusters of 64: Timeloop charges min(48, 256 / 64) = 4 clusters, where one holds them all.
#[test]
fn the_simba_like_design_has_its_published_statistics() {
    let energies_fj = &[3272.35, 404.87, 9512.16, 2273.35, 6264.98, 22.78, 315.00];
    let departures_fj = &[];
    assert_agrees(
        design!("simba_like"),
        &Published { cycles: 225_792, utilization: 0.1875, energies_fj, departures_fj },
    );
}

/// By hand: a tile of the inputs is 113 x 29 points of 3 channels, 9,831 words; two tiles of rows by eight of columns are read, output channels
/// inside of them. That Timeloop reads all 16 tiles whole, 157,296 words, though 7 of 8 share a column with the one before: 113 * 3 * 7 * 2 = 4,746
/// words more, of 128 pJ each in DRAM: 56.05 fJ for each of 10,838,016 products.
#[test]
fn the_output_stationary_design_has_its_published_statistics() {
    let energies_fj = &[6761.72, 1187.66, 2238.89, 144.00, 144.00, 138.67, 315.00];
    let departures_fj = &[];
    let published = Published { cycles: 677_376, utilization: 0.0625, energies_fj, departures_fj };
    assert_agrees(design!("simple_output_stationary"), &published);
}

#[test]
fn the_weight_stationary_design_has_its_published_statistics() {
    let energies_fj = &[6544.64, 6712.38, 6.22, 144.00, 144.00, 128.00, 315.00];
    let published = Published { cycles: 903_168, utilization: 0.046875, energies_fj, departures_fj: &[] };
    assert_agrees(design!("simple_weight_stationary"), &published);
}

/// As people write it: containers and components, an anchor, a container's instances.
const NODES: &str = "\
architecture:
  version: 0.4
  nodes:
  - !Container
    name: system
  - !Component
    name: DRAM
    class: DRAM
    attributes: &wide {width: 64, datawidth: 16}
  - !Container
    name: PE
    spatial: {meshX: 4, meshY: 2}
  - !Parallel
    nodes:
    - !Component
      name: buffer
      class: storage
      attributes: {<<: *wide, depth: 8, flavour: mint}
  - !Component
    name: mac
    class: intmac
    attributes: {datawidth: 16}
mapping:
- {target: DRAM, type: temporal, factors: [P=2, Q=1], permutation: [Q, P]}
- {target: PE, type: spatial, factors: M=4 C=2, permutation: MC, split: 1}
- {target: buffer, type: dataspace, bypass: [Weights]}
- {target: buffer, type: temporal, factors: R3, permutation: RSPQ}
problem:
  instance: {C: 2, M: 4, P: 2, R: 3, Wstride: 2}
";

fn read(text: &str) -> Result<TimeloopDesign, YamlError> {
    read_design(&[("d.yaml", text)], &[])
}

#[test]
fn containers_and_components_are_read_as_people_write_them() {
    let design = read(NODES).unwrap();
    let architecture = design.architecture.unwrap();
    let levels: Vec<(&str, u64, u64, u64, Option<u64>)> = architecture
        .levels()
        .iter()
        .map(|level| (level.name.as_str(), level.instances, level.mesh_x, level.block_words, level.entries))
        .collect();
    assert_eq!(levels, [("buffer", 8, 4, 4, Some(32)), ("DRAM", 1, 1, 4, None)]);
    assert!(!architecture.levels()[1].reduces_in_place && architecture.levels()[0].reduces_in_place);
    let unread: Vec<String> = design.unread.iter().map(ToString::to_string).collect();
    assert_eq!(unread, ["d.yaml:18: `flavour` of `buffer` is not read"]);
    let problem = design.problem.unwrap();
    let expected = TimeloopLayer::Convolution {
        batch: 1,
        groups: 1,
        in_channels: 2,
        out_channels: 4,
        output: [2, 1],
        kernel: [3, 1],
        stride: [2, 1],
        dilation: [1, 1],
    };
    assert_eq!(problem.layer, expected);
    let layer = layer(&problem);
    let text = design.mapping.unwrap();
    assert_eq!(
        (text.levels[0].keep.join(" "), text.levels[1].spatial_x[0].0.as_str()),
        ("Inputs Outputs".to_owned(), "K")
    );
    Mapping::from_text(&text, &architecture, layer.einsum()).unwrap();
}

/// Timeloop's front end writes out a mapping of nothing.
#[test]
fn a_mapping_of_nothing_hides_no_other() {
    let (rest, mapping) = (NODES.split_once("mapping:").unwrap().0, "mapping: []\n");
    let problem = &NODES[NODES.find("problem:").unwrap()..];
    let files = [("empty.yaml", format!("{rest}{mapping}{problem}")), ("d.yaml", NODES.to_owned())];
    let texts: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let levels = read_design(&texts, &[]).unwrap().mapping.unwrap().levels;
    assert!(levels.iter().any(|level| !level.temporal.is_empty()), "{levels:?}");
    assert!(read_design(&texts[..1], &[]).unwrap().mapping.is_none());
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    let edited = |from: &str, to: &str| read(&NODES.replace(from, to)).unwrap_err().to_string();
    assert_eq!(
        edited("depth: 8", "depth: 4*deep"),
        "d.yaml:18: `depth` is `4*deep`, expected a number or an expression: `deep` stands for nothing"
    );
    assert_eq!(
        edited("depth: 8", "depth: width, width: depth"),
        "d.yaml:18: `width` is `depth`, expected a number or an expression: its names stand for each other"
    );
    assert_eq!(
        edited("M=4 C=2", "M=4 C"),
        "d.yaml:25: `C` is no factor such as `C=4`, `C4` or, with a last turn of 2, `C=4,2`"
    );
    assert_eq!(edited("RSPQ", "SPQ"), "d.yaml:27: `R` is not in the permutation");
    assert_eq!(
        edited("Wstride: 2", "X: 2"),
        "d.yaml:29: `X` is no size of a convolution N, C, M, P, Q, R, S"
    );
    assert_eq!(
        edited("{target: PE, type: spatial", "{target: PE, type: temporal"),
        "d.yaml:25: `PE` is no storage, but has loops in time"
    );
    assert_eq!(edited("version: 0.4", "{{include_text('a.yaml')}}"), "d.yaml:2: there is no file `a.yaml`");
    assert!(edited("nodes:\n  - !Container\n    name: system", "nodes: [").starts_with("d.yaml:"));
}

/// A design that was written, what Timeloop 4cf6d4c says when it runs the file, and pJ of a multiply-accumulate by component, from the outermost in.
struct Ran {
    yaml: &'static str,
    cycles: u64,
    mac_and_levels_fj: &'static [f64],
}

const WRITTEN: &[Ran] = &[
    // edge-like, resnet50:layer2.0.conv2: a stride of 2, output channels over both axes.
    Ran {
        yaml: include_str!("../golden/timeloop_designs/written_convolution.yaml"),
        cycles: 451_584,
        mac_and_levels_fj: &[339.30, 104.49, 1.35, 8137.19],
    },
    // eyeriss-like, bert-base:query: a product, both axes shared by two dimensions, one padded.
    Ran {
        yaml: include_str!("../golden/timeloop_designs/written_product.yaml"),
        cycles: 738_987,
        mac_and_levels_fj: &[4825.70, 4863.40, 6586.96, 11306.96],
    },
];

#[test]
fn a_written_design_says_to_timeloop_what_the_model_computes() {
    for ran in WRITTEN {
        let design = read(ran.yaml).unwrap();
        assert_eq!(design.unread, []);
        let architecture = design.architecture.unwrap();
        let layer = layer(&design.problem.unwrap());
        let mapping = Mapping::from_text(&design.mapping.unwrap(), &architecture, layer.einsum()).unwrap();
        let mut report = Report::new();
        Evaluator::new(&architecture, layer.einsum(), Quirks::timeloop_compat())
            .and_then(|evaluator| evaluator.evaluate(&mapping, &mut Workspace::new(), &mut report))
            .unwrap();
        assert_eq!(report.cycles, ran.cycles);
        let per_mac_fj = |energy_j: f64| energy_j / report.macs as f64 * 1e15;
        let levels = report.levels.iter().map(|level| per_mac_fj(level.energy_j));
        let energies = std::iter::once(per_mac_fj(report.mac_energy_j)).chain(levels);
        for (got, expected) in energies.zip(ran.mac_and_levels_fj) {
            assert!((got - expected).abs() < 0.006, "{got} fJ, Timeloop has {expected}");
        }
        // What was written is what is read.
        let written = write_design(&architecture, layer.einsum(), &mapping).unwrap();
        assert_eq!(written.yaml, ran.yaml);
        assert_eq!(written.over_both.len(), 1, "both designs have one dimension over both axes");
    }
}

// By name: units of arithmetic are `mac`, and of a level with loops over both axes, those over x stand at `.._columns`.
#[test]
fn designs_whose_components_would_have_one_name_are_not_written() {
    let design = read(WRITTEN[0].yaml).unwrap();
    let machine = design.architecture.unwrap();
    let layer = layer(&design.problem.unwrap());
    let mapping = Mapping::from_text(&design.mapping.unwrap(), &machine, layer.einsum()).unwrap();
    let both = write_design(&machine, layer.einsum(), &mapping).unwrap().over_both[0].0.clone();
    let of = |name: &str| machine.levels().iter().position(|level| level.name == name).unwrap();
    let other = (0..machine.levels().len()).find(|&index| index != of(&both)).unwrap();
    let columns = format!("{both}_columns");
    for (name, written) in [("mac", "mac"), (&format!("{both}.columns"), &columns)] {
        let mut levels = machine.levels().to_vec();
        name.clone_into(&mut levels[other].name);
        let renamed = Architecture::new(machine.mac().clone(), levels).unwrap();
        let refused = write_design(&renamed, layer.einsum(), &mapping);
        assert_eq!(refused, Err(UnwritableDesign::SameName { name: written.to_owned() }));
    }
}

/// The layer of a problem with these ranks over X of 10, F of 3 and H of 2.
fn summed(dimensions: &str, image: &str, weights: &str, outputs: &str) -> TimeloopLayer {
    let text = format!(
        "
problem:
  shape:
    dimensions: [{dimensions}]
    coefficients: [{{name: step, default: 2}}]
    data_spaces:
    - {{name: Weights, projection: [{weights}]}}
    - {{name: Image, projection: [{image}]}}
    - {{name: Sums, projection: [{outputs}], read_write: true}}
  instance: {{X: 10, F: 3, H: 2}}
"
    );
    let design = read(&text).unwrap_or_else(|error| panic!("{error}"));
    design.problem.expect("a problem").layer
}

#[test]
fn what_is_no_convolution_and_no_product_stays_what_it_is() {
    assert!(matches!(summed("X, F", "[[X], [F]]", "[[F]]", "[[X]]"), TimeloopLayer::Convolution { .. }));
    let is_contraction = |layer: &TimeloopLayer| matches!(layer, TimeloopLayer::Contraction { .. });
    // Taps that the sums keep apart; points that no sum has; two dimensions that move alike; the same dimension in two ranks; a stride without a window.
    for layer in [
        summed("X, F", "[[X], [F]]", "[[F]]", "[[X]], [[F]]"),
        summed("X, F", "[[X], [F]]", "[[F]]", "[[F]]"),
        summed("X, H, F", "[[X]], [[H]], [[F]]", "[[F]]", "[[X]], [[H]]"),
        summed("X, F", "[[X]], [[X]]", "[[F]]", "[[X]], [[F]]"),
        summed("X, F", "[[X, step]], [[F]]", "[[F]]", "[[X]]"),
    ] {
        assert!(is_contraction(&layer), "{layer:?}");
    }
}

/// A convolution of a volume: 2 filters of 3 x 3 x 3 taps over 2 channels, 4 x 4 x 4 points, one step of 2.
const VOLUME: &str = "
problem:
  version: 0.4
  shape:
    name: volume
    dimensions: [C, M, D, P, Q, T, R, S]
    coefficients: [{name: step, default: 1}]
    data_spaces:
    - {name: Filter, projection: [[[M]], [[C]], [[T]], [[R]], [[S]]]}
    - {name: Image, projection: [[[C]], [[D, step], [T]], [[P], [R]], [[Q], [S]]]}
    - {name: Sums, projection: [[[M]], [[D]], [[P]], [[Q]]], read_write: true}
  instance: {C: 2, M: 2, D: 4, P: 4, Q: 4, T: 3, R: 3, S: 3, step: 2}
";

/// By hand: 2 * 2 * 64 * 27 products; an image of 2 * 9 * 6 * 6 words. What is found for it is written, and read back as it was.
#[test]
fn a_convolution_of_a_volume_is_mapped_and_comes_back_as_it_was_written() {
    let problem = read(VOLUME).unwrap().problem.unwrap();
    let layer = layer(&problem);
    assert_eq!((layer.macs(), layer.weight_words()), (2 * 2 * 64 * 27, 2 * 2 * 27));
    assert_eq!((layer.input_words(), layer.output_words()), (2 * 9 * 6 * 6, 2 * 64));
    let machine = architecture("edge-like").unwrap();
    let free = MappingConstraints::free(&machine, layer.einsum());
    let best =
        best_mapping(&machine, layer.einsum(), Objective::EnergyDelay, &free, Options::quick()).unwrap();
    let written = write_design(&machine, &best.einsum, &best.mapping).unwrap();
    let design = read(&written.yaml).unwrap();
    assert_eq!(design.unread, []);
    let (machine_again, again) =
        (design.architecture.unwrap(), Layer::new("layer", Op::from(&design.problem.unwrap())).unwrap());
    assert_eq!(again.einsum(), &best.einsum);
    let mapping = Mapping::from_text(&design.mapping.unwrap(), &machine_again, again.einsum()).unwrap();
    assert_eq!(write_design(&machine_again, again.einsum(), &mapping).unwrap(), written);
}

#[test]
fn a_size_that_the_shape_has_no_name_for_is_named() {
    // As the layers of AlexNet in Timeloop's exercises have it: `HStride`.
    let design = read(&VOLUME.replace("step: 2}", "Step: 2}")).unwrap();
    let unread: Vec<String> = design.unread.iter().map(ToString::to_string).collect();
    assert_eq!(
        unread,
        [
            "d.yaml:12: `Step` is no dimension and no coefficient of the shape, and is not read; did you mean `step`?"
        ]
    );
}

#[test]
fn a_problem_is_known_by_what_its_dimensions_move_whatever_they_are_called() {
    let product = "
problem:
  shape:
    dimensions: [I, J, L]
    data_spaces:
    - {name: A, projection: [[[I]], [[L]]]}
    - {name: B, projection: [[[L]], [[J]]]}
    - {name: Z, projection: [[[I]], [[J]]], read_write: true}
  instance: {I: 3, J: 5, L: 7}
";
    let problem = read(product).unwrap().problem.unwrap();
    assert_eq!(problem.layer, TimeloopLayer::Product { batch: 1, m: 3, n: 5, k: 7 });
    // A depthwise convolution along one axis, its weights first, with a default and a given coefficient.
    let depthwise = "
problem:
  shape:
    dimensions: [D, X, F]
    coefficients: [{name: step, default: 2}, {name: spread, default: 1}]
    data_spaces:
    - {name: Filter, projection: [[[D]], [[F]]]}
    - {name: Image, projection: [[[D]], [[X, step], [F, spread]]]}
    - {name: Sums, projection: [[[D]], [[X]]], read_write: true}
  instance: {D: 8, X: 10, F: 3, spread: 4}
";
    let expected = TimeloopLayer::Convolution {
        batch: 1,
        groups: 8,
        in_channels: 1,
        out_channels: 1,
        output: [10, 1],
        kernel: [3, 1],
        stride: [2, 1],
        dilation: [4, 1],
    };
    let problem = read(depthwise).unwrap().problem.unwrap();
    assert_eq!(problem.layer, expected);
    // A dimension of its own for each group: 8 x 10 x 3 multiply-accumulates.
    assert_eq!(layer(&problem).macs(), 240);

    let edited = |from: &str, to: &str| read(&product.replace(from, to)).unwrap_err().to_string();
    assert_eq!(edited("[[J]]]}", "[[W]]]}"), "d.yaml:7: `W` is not among the dimensions");
    assert_eq!(
        edited(", read_write: true", ""),
        "d.yaml:4: 3 data spaces are read and 0 written, where layers here read two and write one"
    );
}
