use super::*;
use tapeout_core::{Seed, Value};
use tapeout_simulators::loop_nest::{AccessEnergy, Bandwidth, Level, Loop, Mac, Network};
use tapeout_simulators::mapper::{self, MappingConstraints, Options, best_mapping};

/// Two by two units with 64 words above them, which move two words a cycle to and from DRAM.
fn small_machine() -> Architecture {
    let level = |name: &str, entries, word_j, shared| Level {
        name: name.to_owned(),
        instances: 1,
        mesh_x: 1,
        word_bits: 8,
        block_words: 1,
        cluster_size: 1,
        entries,
        multiple_buffering: 2.0,
        overlaps_fills: None,
        bandwidth: Bandwidth { shared_words_per_cycle: shared, ..Bandwidth::default() },
        energy: AccessEnergy { read_j: word_j, fill_j: word_j, update_j: word_j, leak_j_per_cycle: 0.0 },
        network: Network::default(),
        reduces_in_place: true,
        area_m2: None,
    };
    let mac = Mac { instances: 4, mesh_x: 2, word_bits: 8, energy_j: 1e-12, area_m2: None };
    let levels = vec![level("Buffer", Some(64), 1e-12, None), level("DRAM", None, 1e-10, Some(2.0))];
    Architecture::new(mac, levels).unwrap()
}

fn product(m: u64, n: u64, k: u64) -> Einsum {
    let product = MatMul { batch: 1, m, n, k, second: SecondOperand::Weight };
    Layer::new("product", Op::MatMul(product)).unwrap().einsum().clone()
}

fn small(m: u64, n: u64, k: u64) -> LayerMapping {
    LayerMapping::new(small_machine(), product(m, n, k), vec![TensorSet::all(3); 2], 1.0).unwrap()
}

fn design(env: &LayerMapping, tiles: [i64; 3], parallel: [&str; 2], order: [i64; 2]) -> Design {
    env.space()
        .design_of([
            ("tile_M_Buffer", Value::from(tiles[0])),
            ("tile_N_Buffer", Value::from(tiles[1])),
            ("tile_K_Buffer", Value::from(tiles[2])),
            ("parallel_x_Buffer", Value::from(parallel[0])),
            ("parallel_y_Buffer", Value::from(parallel[1])),
            ("order_N_DRAM", Value::from(order[0])),
            ("order_K_DRAM", Value::from(order[1])),
        ])
        .unwrap()
}

// By hand: 4 x 4 x 4 in tiles of 4 x 2 x 2, M over x and N over y. In the buffer 2 x 1 x 2 = 4 steps a tile; N and K take
// two tiles each, so 16 cycles of work. K outermost: both 8-word halves of the inputs come once (16 words) as N is inside
// and does not touch them; all 16 weights come once; each output tile of 8 goes out twice and comes back once: 24 words
// more in both directions. 16 + 16 + 16 out + 16 out + 16 back = 80 words at two a cycle: 40 cycles, more than the work. Of these
// the first tiles, 8 inputs and 4 weights, are waited for, and so is the last tile of 8 outputs: 6 + 30 + 4.
#[test]
fn one_mapping_by_hand() {
    let env = small(4, 4, 4);
    let design = design(&env, [4, 2, 2], ["M", "N"], [1, 0]);
    let (mapping, padded) = env.mapping(&design).unwrap();
    assert_eq!(padded, product(4, 4, 4));
    let dim = |name| padded.dim_index(name).unwrap();
    let buffer = &mapping.levels[0];
    assert_eq!(buffer.spatial_x, [Loop::new(dim("M"), 2)]);
    assert_eq!(buffer.spatial_y, [Loop::new(dim("N"), 2)]);
    assert_eq!(buffer.temporal, [Loop::new(dim("M"), 2), Loop::new(dim("K"), 2)]);
    assert_eq!(mapping.levels[1].temporal, [Loop::new(dim("K"), 2), Loop::new(dim("N"), 2)]);

    let mut report = Report::new();
    let nest = Evaluator::new(&env.architecture, &padded, Quirks::default()).unwrap();
    nest.evaluate(&mapping, &mut Workspace::new(), &mut report).unwrap();
    assert_eq!(report.latency.compute_cycles, 16);
    let latency = report.latency;
    assert_eq!((latency.load_cycles, latency.steady_cycles, latency.store_cycles), (6, 30, 4));
    let measured = env.evaluate(&design).unwrap().metrics().unwrap().to_vec();
    assert_eq!(measured[0], report.cycles as f64);
    assert_eq!(measured[2], measured[0] * measured[1]);

    // The same taken apart: one layer, two memories and the units, and what the cycles wait for.
    let parts = env.breakdown(&design).unwrap().unwrap();
    let sheets: Vec<(&str, usize)> =
        parts.sheets.iter().map(|sheet| (sheet.of.as_str(), sheet.rows.len())).collect();
    assert_eq!(sheets, [("layer", 1), ("memory", 3)]);
    assert_eq!(parts.sheets[0].rows[0].bound, "bandwidth of DRAM");
    let energy: f64 = parts.sheets[1].rows.iter().map(|memory| memory.values[0]).sum();
    assert!((energy / measured[1] - 1.0).abs() < 1e-12, "{energy}");
    assert_eq!(parts.bounds, ["bandwidth of DRAM (layers that take 100.0 % of the time)"]);
}

// By hand: 5 rows over 2 instances take 3 rounds, so the layer is padded to 6 rows, of which 5 count.
#[test]
fn what_does_not_divide_is_padded_and_does_not_count_as_use() {
    let env = small(5, 2, 2);
    let design = design(&env, [5, 2, 2], ["M", "N"], [0, 0]);
    let (_, padded) = env.mapping(&design).unwrap();
    assert_eq!(padded, product(6, 2, 2));
    let measured = env.evaluate(&design).unwrap().metrics().unwrap().to_vec();
    let cycles = measured[0];
    assert!((measured[3] - 20.0 / (4.0 * cycles)).abs() < 1e-12, "{measured:?}");
}

// By hand: a tile of 4 x 4 x 4 takes 48 words; 32 of the buffer's 64 are for one tile, so half as much again is missing.
#[test]
fn a_tile_that_does_not_fit_names_level_and_tensor() {
    let env = small(4, 4, 4);
    let outcome = env.evaluate(&design(&env, [4, 4, 4], ["M", "N"], [0, 0])).unwrap();
    assert_eq!(outcome, Outcome::infeasible("buffer_capacity_weights", 0.5));
}

// Claim: the space holds the best mapping there is. The mapper's result is proven optimal over mappings that keep
// every tensor at every level; on 2 x 2 units one dimension for each direction is no loss.
#[test]
fn the_best_design_is_the_proven_optimum() {
    let env = small(4, 4, 4);
    let best_by = |metric: usize| {
        let outcomes = env.space().iter().map(|design| env.evaluate(&design).unwrap());
        let values = outcomes.filter_map(|outcome| outcome.metrics().map(|metrics| metrics[metric]));
        values.min_by(f64::total_cmp).unwrap()
    };
    let constraints = MappingConstraints::keep_all(&env.architecture, &env.einsum);
    let optimum = |objective| {
        let best = best_mapping(&env.architecture, &env.einsum, objective, &constraints, Options::default())
            .unwrap();
        assert_eq!(best.gap, 0.0);
        best.report
    };
    assert_eq!(best_by(0), optimum(mapper::Objective::Latency).cycles as f64);
    let energy_j = optimum(mapper::Objective::Energy).energy_j;
    assert!((best_by(1) / energy_j - 1.0).abs() < 1e-12);
    let report = optimum(mapper::Objective::EnergyDelay);
    assert!((best_by(2) / (report.energy_j * report.cycles as f64) - 1.0).abs() < 1e-12);
}

// Claim: every design is a mapping, on several architectures and kinds of layers; what can go wrong is that tiles do not fit,
// and enough designs fit for a search to begin.
#[test]
fn random_designs_fit_or_say_which_tensor_does_not() {
    for (architecture, network, layer) in [
        ("edge-like", "resnet50", "layer3.1.conv2"),
        ("edge-like", "mobilenet-v2", "features.2.depthwise"),
        ("eyeriss-like", "alexnet", "conv2"),
        ("eyeriss-like", "bert-base", "scores"),
    ] {
        let config = LayerMappingConfig {
            architecture: architecture.to_owned(),
            network: network.to_owned(),
            layer: layer.to_owned(),
            ..LayerMappingConfig::default()
        };
        let env = LayerMapping::build(config).unwrap();
        let mut rng = Seed::new(0).stream("designs");
        let mut n_measured = 0;
        for _ in 0..1000 {
            match env.evaluate(&env.space().sample(&mut rng)).unwrap() {
                Outcome::Measured(metrics) => {
                    assert!(metrics[3] > 0.0 && metrics[3] <= 1.0, "{metrics:?}");
                    n_measured += 1;
                }
                Outcome::Infeasible { rule, violation } => {
                    assert!(rule.contains("_capacity_") && violation > 0.0, "{rule} {violation}");
                }
                Outcome::Failed { cause } => panic!("{cause}"),
            }
        }
        assert!(n_measured >= 200, "{architecture}, {network} {layer}: {n_measured} of 1,000 fit");
    }
}

// Claim: with a scratchpad for each tensor, as on the Eyeriss chip, random designs keep each tensor where it belongs, and
// some of them fit.
#[test]
fn levels_keep_what_the_settings_say() {
    let keep = |level: &str, tensors: &[&str]| {
        (level.to_owned(), tensors.iter().map(|&tensor| tensor.to_owned()).collect::<Vec<_>>())
    };
    let config = LayerMappingConfig {
        architecture: "eyeriss".to_owned(),
        network: "alexnet".to_owned(),
        layer: "conv3".to_owned(),
        clock_hz: 200e6,
        keep: BTreeMap::from([
            keep("SumSpad", &["Outputs"]),
            keep("FilterSpad", &["Weights"]),
            keep("InputSpad", &["Inputs"]),
            keep("GlobalBuffer", &["Inputs", "Outputs"]),
        ]),
        ..LayerMappingConfig::default()
    };
    let env = LayerMapping::build(config).unwrap();
    let mut rng = Seed::new(0).stream("designs");
    let mut n_measured = 0;
    for _ in 0..500 {
        let design = env.space().sample(&mut rng);
        let (mapping, padded) = env.mapping(&design).unwrap();
        let outputs = padded.tensor_index("Outputs").unwrap();
        assert_eq!(mapping.levels[0].keep, TensorSet::EMPTY.with(outputs));
        n_measured += u32::from(env.evaluate(&design).unwrap().metrics().is_some());
    }
    assert!(n_measured >= 5, "{n_measured} of 500 fit");
}

#[test]
fn settings_that_cannot_be_used_are_named_with_the_remedy() {
    let error = |settings: serde_json::Value| {
        let config = tapeout_core::config::read::<LayerMappingConfig>(&settings);
        config.and_then(LayerMapping::build).err().unwrap().to_string()
    };
    use serde_json::json;
    assert_eq!(
        error(json!({ "architecture": "edge-liek" })),
        "`architecture`: unknown architecture `edge-liek`; did you mean `edge-like`?"
    );
    assert!(error(json!({ "architecture": "nowhere.toml" })).starts_with("`architecture`: nowhere.toml: "));
    assert_eq!(
        error(json!({ "layer": "layer3.1.conv4" })),
        "`layer`: unknown layer `layer3.1.conv4`; did you mean `layer3.1.conv1`?"
    );
    assert_eq!(error(json!({ "gemm": [4, 0, 4] })), "`gemm`: `n` is 0, expected at least 1");
    assert_eq!(
        error(json!({ "keep": { "Bufer": ["Inputs"] } })),
        "`keep.Bufer`: unknown level `Bufer`; did you mean `Buffer`?"
    );
    assert!(error(json!({ "keep": { "Buffer": ["Input"] } })).contains("did you mean `Inputs`?"));
    assert!(error(json!({ "keep": { "DRAM": ["Inputs"] } })).starts_with("`keep.DRAM`: the outermost level"));
    assert_eq!(error(json!({ "clock_hz": 0.0 })), "`clock_hz`: got 0, expected a finite number above 0");
}
