//! The loop-nest model against the Eyeriss chip on the convolutions of AlexNet.

use tapeout_simulators::architectures::architecture;
use tapeout_simulators::loop_nest::{Einsum, Evaluator, Quirks, Report, Workspace};
use tapeout_simulators::networks::network;
use tapeout_simulators::row_stationary::{Passes, PeArray};

const DOCUMENT: &str = include_str!("../../../docs/concepts/eyeriss.md");

const CHIP: PeArray = PeArray { rows: 12, columns: 14 };

/// A layer on the chip: as measured at batch 4 and 200 MHz.
struct Measured {
    layer: &'static str,
    passes: Passes,
    latency_s: f64,
    active_pes: u64,
}

// Source: Chen et al. (2017), IEEE JSSC 52(1), doi:10.1109/JSSC.2016.2616357: latencies and active PEs from the
// table of measured results on AlexNet; m, n, e, p, q, r, t from the table of mapping parameters (recalled).
const MEASURED: [Measured; 5] = [
    Measured {
        layer: "conv1",
        passes: Passes { m: 96, n: 1, e: 7, p: 16, q: 1, r: 1, t: 2 },
        latency_s: 16.5e-3,
        active_pes: 154,
    },
    Measured {
        layer: "conv2",
        passes: Passes { m: 64, n: 1, e: 27, p: 16, q: 2, r: 1, t: 1 },
        latency_s: 39.2e-3,
        active_pes: 135,
    },
    Measured {
        layer: "conv3",
        passes: Passes { m: 64, n: 4, e: 13, p: 16, q: 4, r: 1, t: 4 },
        latency_s: 21.8e-3,
        active_pes: 156,
    },
    Measured {
        layer: "conv4",
        passes: Passes { m: 64, n: 4, e: 13, p: 16, q: 3, r: 2, t: 2 },
        latency_s: 16.0e-3,
        active_pes: 156,
    },
    Measured {
        layer: "conv5",
        passes: Passes { m: 64, n: 4, e: 13, p: 16, q: 3, r: 2, t: 2 },
        latency_s: 10.0e-3,
        active_pes: 156,
    },
];

// Source: the same table: the core runs at 200 MHz.
const CLOCK_HZ: f64 = 200e6;

fn layer(name: &str) -> Einsum {
    let alexnet = network("alexnet").expect("built in").with_batch(4).expect("small enough");
    let found = alexnet.layers().iter().find(|layer| layer.name() == name);
    found.expect("a layer of AlexNet").einsum().clone()
}

fn run(row: &Measured) -> Report {
    let chip = architecture("eyeriss").expect("built in");
    let (mapping, padded) = row.passes.map(&layer(row.layer), CHIP).expect("sets that fit the array");
    let mut report = Report::new();
    let nest = Evaluator::new(&chip, &padded, Quirks::default()).expect("a layer of less than 62 bits");
    let evaluated = nest.evaluate(&mapping, &mut Workspace::new(), &mut report);
    evaluated.unwrap_or_else(|error| panic!("{}: {}", row.layer, error.describe(&chip, &padded)));
    report
}

// Claim: with the chip's own mapping and no fitted constant, the model is within 10 % of the chip.
#[test]
fn processing_latency_is_within_a_tenth_of_the_chip() {
    for row in &MEASURED {
        let latency_s = run(row).cycles as f64 / CLOCK_HZ;
        let error = latency_s / row.latency_s - 1.0;
        assert!(error.abs() < 0.10, "{}: {latency_s} s, {:+.1} %", row.layer, 100.0 * error);
    }
}

#[test]
fn the_mapping_keeps_as_many_pes_busy_as_the_chip_reports() {
    for row in &MEASURED {
        let layer = layer(row.layer);
        let filter_rows = layer.dims()[layer.dim_index("R").unwrap()].size;
        assert_eq!(row.passes.active_pes(filter_rows), row.active_pes, "{}", row.layer);
    }
}

// Claim: the scratchpads hold what the mapping parameters say, so those are consistent with the published capacities, and
// the work is the layer's over the PEs at work: by hand, conv3 has 4 * 384 * 256 * 13 * 13 * 3 * 3 / 156 cycles.
#[test]
fn tiles_and_work_are_those_of_the_passes() {
    let report = run(&MEASURED[2]);
    assert_eq!(report.tensor(0, 2).tile_words, 16, "sums of p filters");
    assert_eq!(report.tensor(1, 0).tile_words, 16 * 4 * 3, "rows of p filters and q channels");
    assert_eq!(report.tensor(2, 1).tile_words, 4 * 3, "a window of q channels");
    assert_eq!(report.latency.compute_cycles, 4 * 384 * 256 * 13 * 13 * 9 / 156);
}

// Claim: the document's table is what the model gives.
#[test]
fn the_document_shows_these_figures() {
    let ms = |cycles: u64| cycles as f64 / CLOCK_HZ * 1e3;
    let line = |row: &Measured| {
        let report = run(row);
        let error = 100.0 * (ms(report.cycles) / (row.latency_s * 1e3) - 1.0);
        format!(
            "| {} | {:.1} | {:.1} | {error:+.1} % | {} | {:.1} | {:.1} | {:.1} |",
            row.layer.to_uppercase(),
            row.latency_s * 1e3,
            ms(report.cycles),
            row.active_pes,
            ms(report.latency.compute_cycles),
            ms(report.latency.steady_cycles - report.latency.compute_cycles),
            ms(report.latency.load_cycles + report.latency.store_cycles),
        )
    };
    let lines: Vec<String> = MEASURED.iter().map(line).collect();
    let has_all = lines.iter().all(|line| DOCUMENT.lines().any(|known| known == line));
    assert!(has_all, "docs/concepts/eyeriss.md should show\n{}", lines.join("\n"));
}
