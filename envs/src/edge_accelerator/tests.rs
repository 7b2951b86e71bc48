use super::*;
use crate::accelerator::AcceleratorEnv;
use tapeout_core::{BuildEnv, Env, Metric, Seed, Value};

fn env() -> AcceleratorEnv<EdgeAccelerator> {
    AcceleratorEnv::<EdgeAccelerator>::build(EdgeAcceleratorConfig::default()).unwrap()
}

fn of_networks(networks: &[&str], weights: &[f64]) -> AcceleratorEnv<EdgeAccelerator> {
    let networks = networks.iter().map(|&id| id.to_owned()).collect();
    AcceleratorEnv::<EdgeAccelerator>::build(EdgeAcceleratorConfig {
        networks,
        weights: weights.to_vec(),
        ..Default::default()
    })
    .unwrap()
}

/// The first published class of the template, as near as the levels allow (16 GB/s for 17).
fn first_class(env: &AcceleratorEnv<EdgeAccelerator>, changes: &[(&'static str, i64)]) -> Design {
    let mut values = vec![
        ("pes_x", 4),
        ("pes_y", 4),
        ("cores", 4),
        ("lanes", 64),
        ("pe_memory_bytes", 2 << 20),
        ("core_memory_bytes", 32 << 10),
        ("activation_memory_bytes", 1024),
        ("instruction_entries", 16384),
        ("parameter_memory_bytes", 16384),
        ("dram_bandwidth", 16),
    ];
    for &(name, value) in changes {
        values.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value;
    }
    env.space().design_of(values.into_iter().map(|(name, value)| (name, Value::from(value)))).unwrap()
}

fn measured(env: &AcceleratorEnv<EdgeAccelerator>, design: &Design) -> Vec<f64> {
    env.evaluate(design).unwrap().metrics().unwrap().to_vec()
}

// Source: Kumar et al. (2022), arXiv 2110.11346: 452,760,000 designs.
#[test]
fn the_space_has_as_many_designs_as_the_paper_says() {
    assert_eq!(env().space().cardinality(), 452_760_000);
}

// Claim: the numbers do not move unseen; whoever means to move them raises the version. The tolerance leaves room for
// the last bits of `exp` and `powf` on other platforms.
#[test]
fn version_4_gives_these_numbers() {
    let env = env();
    assert_eq!(EdgeAccelerator::VERSION, 4);
    let metrics = measured(&env, &first_class(&env, &[]));
    let expected =
        [0.00391562, 0.004784450667245607, 2.4373808367401485e-5, 0.0796757601605876, 0.9428355854454991];
    for (got, expected) in metrics.iter().zip(expected) {
        assert!((got / expected - 1.0).abs() < 1e-9, "{metrics:?}");
    }
}

// Claim: the default problem is neither hopeless nor easy: as in the paper (70 to 90 % infeasible per workload), most
// designs are refused, and a search of 1,000 designs still meets enough that are not. The bands are wider than three
// standard deviations of a share of 1,000 designs (1.3 % each).
#[test]
fn most_designs_are_refused_and_enough_are_not() {
    let env = env();
    let mut rng = Seed::new(0).stream("shares");
    let (mut unbuildable, mut too_large, mut feasible) = (0, 0, 0);
    for _ in 0..1000 {
        match env.evaluate(&env.space().sample(&mut rng)).unwrap() {
            Outcome::Infeasible { rule, .. } if rule == AREA => too_large += 1,
            Outcome::Infeasible { .. } => unbuildable += 1,
            Outcome::Measured(metrics) => {
                assert!(metrics[2] <= 27e-6);
                feasible += 1;
            }
            Outcome::Failed { cause } => panic!("{cause}"),
        }
    }
    assert!((70..=140).contains(&unbuildable), "{unbuildable} of 1,000 cannot be built or programmed");
    assert!((680..=780).contains(&too_large), "{too_large} of 1,000 are too large");
    assert!((120..=220).contains(&feasible), "{feasible} of 1,000 are feasible");
}

// Claim: the rules that the page lists are broken by designs of the space, each on the networks named there.
#[test]
fn designs_break_the_rules_that_the_page_lists() {
    let rule = |networks: &[&str], changes: &[(&'static str, i64)]| {
        let env = of_networks(networks, &[]);
        match env.evaluate(&first_class(&env, changes)).unwrap() {
            Outcome::Infeasible { rule, violation } => {
                assert!(violation > 0.0);
                rule
            }
            other => panic!("{changes:?} is feasible: {other:?}"),
        }
    };
    assert_eq!(rule(&["resnet50"], &[("lanes", 256), ("core_memory_bytes", 4096)]), "core_memory_synthesis");
    let wide =
        [("cores", 32), ("lanes", 256), ("core_memory_bytes", 1 << 20), ("pe_memory_bytes", 256 << 10)];
    assert_eq!(rule(&["resnet50"], &wide), "pe_memory_synthesis");
    assert_eq!(rule(&["resnet50"], &[("pes_x", 32), ("pes_y", 32)]), "area");
    let narrow = [
        ("pes_x", 1),
        ("pes_y", 1),
        ("cores", 1),
        ("lanes", 4),
        ("core_memory_bytes", 4096),
        ("instruction_entries", 8192),
    ];
    assert_eq!(rule(&["vgg16"], &narrow), "instruction_memory");
}

// Claim: a workload's numbers are those of its networks. ResNet-50 has 4.089 G multiply-accumulates, as published for 224 x
// 224 pixels (torchvision's table of classification weights: 4.09 GFLOPS), none of them depthwise; most of MobileNetV2's are
// pointwise. The four shares are all of it, and three times MobileNetV2 is three times the layers.
#[test]
fn the_context_describes_the_workload() {
    let context = |env: &AcceleratorEnv<EdgeAccelerator>| -> std::collections::BTreeMap<String, f64> {
        env.context().into_iter().map(|feature| (feature.name, feature.value)).collect()
    };
    let (resnet, mobile) = (context(&env()), context(&of_networks(&["mobilenet-v2"], &[])));
    assert!((10f64.powf(resnet["log10_macs"]) - 4.089e9).abs() < 0.001e9);
    assert_eq!(resnet["depthwise_share"], 0.0);
    assert!(mobile["depthwise_share"] > 0.05 && mobile["pointwise_share"] > 0.5);
    for context in [&resnet, &mobile] {
        let shares: f64 =
            context.iter().filter(|(name, _)| name.ends_with("_share")).map(|(_, value)| value).sum();
        assert!((shares - 1.0).abs() < 1e-12, "{context:?}");
    }
    let thrice = context(&of_networks(&["mobilenet-v2"], &[3.0]));
    assert!((thrice["log10_layers"] - mobile["log10_layers"] - 3f64.log10()).abs() < 1e-12);
    assert_eq!(thrice["depthwise_share"], mobile["depthwise_share"]);
}

#[test]
fn several_networks_add_up_by_weight() {
    let together = of_networks(&["resnet50", "mobilenet-v2"], &[1.0, 3.0]);
    let (first, second) = (of_networks(&["resnet50"], &[]), of_networks(&["mobilenet-v2"], &[]));
    let design = first_class(&together, &[]);
    let (sum, first, second) =
        (measured(&together, &design), measured(&first, &design), measured(&second, &design));
    for metric in 0..2 {
        let expected = first[metric] + 3.0 * second[metric];
        assert!((sum[metric] / expected - 1.0).abs() < 1e-12, "{sum:?}");
    }
    assert_eq!((sum[2], first[2]), (first[2], second[2]), "the chip is the same");
}

// Claim: a batch shares the weights it fetches, so eight images cost less than eight times one.
#[test]
fn a_batch_is_cheaper_than_its_images_one_by_one() {
    let eight =
        AcceleratorEnv::<EdgeAccelerator>::build(EdgeAcceleratorConfig { batch: 8, ..Default::default() })
            .unwrap();
    let one = env();
    let design = first_class(&one, &[]);
    let (eight, one) = (measured(&eight, &design), measured(&one, &design));
    assert!(eight[0] < 8.0 * one[0] && eight[1] < 8.0 * one[1], "{eight:?} against {one:?}");
}

#[test]
fn settings_that_cannot_be_used_are_named_with_the_remedy() {
    let error = |settings: serde_json::Value| {
        let config = tapeout_core::config::read::<EdgeAcceleratorConfig>(&settings);
        config.and_then(AcceleratorEnv::<EdgeAccelerator>::build).err().unwrap().to_string()
    };
    use serde_json::json;
    assert_eq!(
        error(json!({ "networks": ["resnet51"] })),
        "`networks`: unknown network `resnet51`; did you mean `resnet50`?"
    );
    assert_eq!(
        error(json!({ "weights": [1.0, 2.0] })),
        "`weights`: 2 weights for 1 networks, expected one each, or none at all"
    );
    assert_eq!(error(json!({ "batch": 0 })), "`batch`: got 0, expected at least 1");
    assert_eq!(error(json!({ "clock_hz": 0.0 })), "`clock_hz`: got 0, expected a finite number above 0");
    assert!(error(json!({ "node_nm": 50 })).contains("the nearest is 45 nm"));
    assert!(error(json!({ "dataflow": "row-stationary" })).contains("output-stationary"));
    assert!(error(json!({ "networks": [] })).contains("expected at least one"));
    assert!(error(json!({ "weights": [-1.0] })).starts_with("`weights`: "));
}

/// Claim: a chip above the area limit is ruled out before anything is simulated, as `evaluate` rules it out; one that can be built
/// is not.
#[test]
fn what_is_too_large_is_ruled_out_without_a_simulation() {
    let env = env();
    let large = first_class(&env, &[("pes_x", 32), ("pes_y", 32)]);
    let ruled_out = env.precheck(&large).unwrap();
    assert!(
        matches!(&ruled_out, Outcome::Infeasible { rule, violation } if rule == AREA && *violation > 1.0)
    );
    assert_eq!(env.evaluate(&large).unwrap(), ruled_out);
    assert_eq!(env.precheck(&first_class(&env, &[])), None);
}

// Claim: the gap of a design is that of the layer that may be furthest from its best mapping, of whichever of its networks.
#[test]
fn the_gap_of_a_design_is_the_largest_of_its_layers() {
    let gap = |networks: &[&str]| {
        let env = of_networks(networks, &[]);
        let design = first_class(&env, &[]);
        let index = env.metrics().iter().position(|metric| metric.name == "mapping_gap").unwrap();
        let stated = measured(&env, &design)[index];
        let cost = env.template().run(&env.template().chip(&design).unwrap()).unwrap().unwrap();
        let of_layers: Vec<f64> = cost.layers().iter().map(|layer| layer.best.gap).collect();
        assert!(of_layers.contains(&stated) && of_layers.iter().all(|&gap| gap <= stated), "{stated}");
        stated
    };
    let (one, other, both) = (gap(&["mobilenet-v2"]), gap(&["dlrm"]), gap(&["mobilenet-v2", "dlrm"]));
    assert!(one != other && both == one.max(other), "{one}, {other}, {both}");
}

// Claim: the metrics of a network among others are those that it has alone, whatever its weight.
#[test]
fn each_network_of_several_has_the_metrics_that_it_has_alone() {
    let names = ["mobilenet-v2", "dlrm"];
    let both = of_networks(&names, &[2.0, 0.5]);
    let mut draw = Seed::new(3).stream("designs");
    let design = std::iter::repeat_with(|| both.space().sample(&mut draw))
        .find(|design| both.evaluate(design).unwrap().metrics().is_some())
        .unwrap();
    let values = both.evaluate(&design).unwrap().metrics().unwrap().to_vec();
    for name in names {
        let alone = of_networks(&[name], &[]);
        let own = alone.evaluate(&design).unwrap().metrics().unwrap().to_vec();
        // The chip is one, and so is the gap of what was mapped.
        let is_own = |metric: &Metric| !["area_m2", "mapping_gap"].contains(&metric.name.as_str());
        for (metric, own) in alone.metrics().iter().zip(own).filter(|(metric, _)| is_own(metric)) {
            let among = format!("{}.{name}", metric.name);
            let index = both.metrics().iter().position(|metric| metric.name == among).unwrap();
            assert!((values[index] / own - 1.0).abs() < 1e-12, "{among}: {} and {own}", values[index]);
        }
    }
}

// Claim: a simulated memory changes what a layer takes, not what is built or mapped, and its answers are the same each time; a kind of DRAM
// that cannot be simulated is refused by name.
#[test]
fn a_simulated_memory_moves_time_and_leaves_the_chip() {
    let build = |memory, dram| {
        let networks = vec!["mobilenet-v2".to_owned()];
        AcceleratorEnv::<EdgeAccelerator>::build(EdgeAcceleratorConfig {
            memory,
            dram,
            networks,
            ..Default::default()
        })
    };
    let stated = build(EdgeMemory::Stated, DramKind::Lpddr4).unwrap();
    let simulated = build(EdgeMemory::Simulated, DramKind::Lpddr4).unwrap();
    let index = |name: &str| stated.metrics().iter().position(|metric| metric.name == name).unwrap();
    let (latency, area) = (index("latency_s"), index("area_m2"));
    let mut rng = Seed::new(1).stream("designs");
    let mut n_moved = 0;
    for _ in 0..12 {
        let design = stated.space().sample(&mut rng);
        let [one, other, again] = [&stated, &simulated, &simulated].map(|env| env.evaluate(&design).unwrap());
        assert_eq!(other, again);
        if let (Some(one), Some(other)) = (one.metrics(), other.metrics()) {
            assert_eq!(one[area], other[area]);
            assert!((other[latency] / one[latency]).log2().abs() < 3.0, "{one:?} {other:?}");
            n_moved += usize::from(one[latency] != other[latency]);
        }
    }
    assert!(n_moved > 0);
    let refused = build(EdgeMemory::Simulated, DramKind::Hbm3).err().unwrap().to_string();
    assert_eq!(refused, "`memory`: `hbm3` cannot be simulated; lpddr4, ddr3 and hbm2 can");
}
