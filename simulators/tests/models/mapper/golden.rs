//! Optimal mappings on machines of two to five levels, found by another search: `tests/golden/README.md`.

use serde::Deserialize;
use tapeout_simulators::architectures::{architecture, from_toml};
use tapeout_simulators::loop_nest::{Architecture, Einsum, Quirks, TensorSpec};
use tapeout_simulators::mapper::{MappingConstraints, Objective, Options, best_mapping};
use tapeout_simulators::networks::network;

#[derive(Deserialize)]
struct Case {
    id: String,
    machine: String,
    layer: String,
    objective: String,
    constraints: String,
    score: f64,
    proven: bool,
}

fn machine(name: &str) -> Architecture {
    let text = match name {
        "m2" => include_str!("../../golden/mapper/m2.toml"),
        "m3k" => include_str!("../../golden/mapper/m3k.toml"),
        _ => return architecture(name).expect("a built-in machine"),
    };
    from_toml(text, name).expect("the machine is well formed")
}

/// A layer of a built-in network, or the product `gemm:MxNxK`.
fn layer(name: &str) -> Einsum {
    let (network_id, layer) = name.split_once(':').expect("network and layer");
    if network_id != "gemm" {
        let network = network(network_id).expect("a built-in network");
        let layer = network.layers().iter().find(|known| known.name() == layer);
        return layer.expect("a layer of the network").einsum().clone();
    }
    let sizes: Vec<u64> = layer.split('x').map(|size| size.parse().expect("a size")).collect();
    let tensors = [
        TensorSpec::input("A", &[&[("M", 1)], &[("K", 1)]]),
        TensorSpec::input("B", &[&[("K", 1)], &[("N", 1)]]),
        TensorSpec::output("Z", &[&[("M", 1)], &[("N", 1)]]),
    ];
    Einsum::new(&[("M", sizes[0]), ("N", sizes[1]), ("K", sizes[2])], &tensors).expect("well formed")
}

/// Equal to the 6th digit where the optimum is proven; elsewhere the score is the best that was found by then, which may be
/// beaten, and no more than 1 % above. On `eyeriss-like`, whose hops depend on the order of instances, too.
#[test]
fn results_are_the_optima_that_another_search_proves() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../golden/mapper/optima.json")).expect("a list of cases");
    assert_eq!(cases.len(), 21);
    for case in &cases {
        let (architecture, einsum) = (machine(&case.machine), layer(&case.layer));
        let constraints = match case.constraints.as_str() {
            "free" => MappingConstraints::free(&architecture, &einsum),
            _ => MappingConstraints::keep_all(&architecture, &einsum),
        };
        let objective = match case.objective.as_str() {
            "latency" => Objective::Latency,
            "energy" => Objective::Energy,
            _ => Objective::EnergyDelay,
        };
        let quirks = Quirks { perfect_overlap: true, ..Quirks::default() };
        let options = Options { effort: 2_000_000, gap: 0.0, quirks };
        let best = best_mapping(&architecture, &einsum, objective, &constraints, options).expect("it fits");
        let ratio = objective.of(&best.report).0 / case.score;
        let most = if case.proven { 1.0 + 1e-6 } else { 1.01 };
        assert!(ratio <= most, "{}: {ratio} of the optimum", case.id);
        assert!(best.lower_bound <= case.score * (1.0 + 1e-6), "{}: bound {}", case.id, best.lower_bound);
        let has_same_space = case.machine != "eyeriss-like";
        assert!(
            ratio >= 1.0 - 1e-6 || !case.proven || !has_same_space,
            "{}: {ratio} of the optimum",
            case.id
        );
    }
}
