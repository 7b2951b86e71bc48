//! Time, traffic and utilization of every row of the artifact's tables.

use tapeout_simulators::attention::{AttentionReport, Binding, OnePass, Unfused};

use super::table::{Row, cloud_mapping, flat_machine, flat_mapping, linear, machine, rows, shape};

/// Floating-point noise of a dozen sums.
const EXACT: f64 = 1e-12;

fn assert_near(got: f64, row: &Row, column: &str, tolerance: f64) {
    let expected = row.number(column);
    let error = (got / expected - 1.0).abs();
    assert!(error <= tolerance, "{:?} {column}: {got} and {expected}", row.key());
}

fn assert_row(report: &AttentionReport, row: &Row, tolerance: f64) {
    assert_near(report.latency_s, row, "latency", tolerance);
    assert_near(report.dram.total_byte(), row, "traffic", tolerance);
    assert_near(report.array_utilization(), row, "util_2d", tolerance);
    assert_near(report.vector_utilization(), row, "util_1d", tolerance);
}

fn one_pass(binding: Binding, row: &Row) -> (OnePass, AttentionReport) {
    let shape = shape(&row.key());
    let cascade = OnePass::fitting(binding, &shape, &machine(16.0)).unwrap();
    (cascade, cascade.report(&shape, &machine(16.0)))
}

fn flat(row: &Row) -> AttentionReport {
    cloud_mapping(&row.key()).report(&shape(&row.key()), &machine(32.0))
}

// Claim: all 72 rows of the one-pass cascade, shares of single einsums among them.
#[test]
fn one_pass_on_three_arrays_is_the_artifact() {
    let tables = [
        ("attn-cascade.csv", Binding::VectorSoftmax),
        ("attn-arch.csv", Binding::Serial),
        ("attn-binding.csv", Binding::Interleaved),
    ];
    for (table, binding) in tables {
        let rows = rows(table);
        assert_eq!(rows.len(), 24);
        for row in &rows {
            let (cascade, report) = one_pass(binding, row);
            assert_row(&report, row, EXACT);
            let cycles = cascade.cycles(&shape(&row.key()), &machine(16.0));
            let share = |cycles: f64| cycles / 940e6 / report.latency_s;
            assert_near(share(cycles.qk), row, "QK", EXACT);
            assert_near(share(cycles.slnv), row, "SLNV", EXACT);
            if binding != Binding::VectorSoftmax {
                assert_near(share(cycles.lm), row, "LM", EXACT);
                assert_near(share(cycles.sln), row, "SLN", EXACT);
                assert_near(share(cycles.sld), row, "SLD", EXACT);
            }
        }
    }
}

// Claim: all 24 rows, with traffic and spills computed from the mapping alone.
#[test]
fn flat_under_its_own_mappings_is_the_artifact() {
    let rows = rows("attn-flat.csv");
    assert_eq!(rows.len(), 24);
    for row in &rows {
        assert_row(&flat(row), row, EXACT);
    }
}

// Claim: the capacity model alone tells what FLAT spills. Of the 43 mappings that keep scores on the chip, 39 agree; in four on the
// small machine FLAT's own program has less room for queries than for other operands, and why it does not say.
#[test]
fn flat_spills_the_published_share() {
    let kept: Vec<Row> =
        rows("flat_validation.csv").into_iter().filter(|row| row.text("QK_loc") == "onchip").collect();
    assert_eq!(kept.len(), 43);
    let difference = |row: &Row| {
        let machine = flat_machine(row.text("platform"));
        flat_mapping(row).spilled_share(&shape(&row.key()), &machine) - row.number("proportion_spilled")
    };
    let agreeing = kept.iter().filter(|row| difference(row).abs() < EXACT).count();
    assert_eq!(agreeing, 39);
    assert!(kept.iter().map(difference).all(|difference| (-EXACT..0.034).contains(&difference)));
}

// The unfused rows rest on mappings of Timeloop's search, which reads keys and values up to eight times where they do not
// fit; here they are read twice. Most of the traffic are scores.
#[test]
fn unfused_attention_is_within_four_thousandths_of_the_artifact() {
    let rows = rows("attn-unfused.csv");
    assert_eq!(rows.len(), 24);
    for row in &rows {
        assert_row(&Unfused.report(&shape(&row.key()), &machine(32.0)), row, 4e-3);
    }
}

// Claim: the paper's 6.7 of attention and 5.3 of whole networks, as means over its 24 rows; and projections and feed-forward
// layers take what the artifact says.
#[test]
fn the_mean_gain_over_flat_is_the_published_one() {
    let (mut attention, mut whole) = (0.0, 0.0);
    let linear_rows = rows("end2end-flat.csv");
    for (row, linear_row) in rows("attn-binding.csv").iter().zip(&linear_rows) {
        let (_, fused) = one_pass(Binding::Interleaved, row);
        let layers: f64 =
            linear(&row.key()).iter().map(|product| product.phase(&machine(16.0)).latency_s).sum();
        assert_near(layers, linear_row, "latency", EXACT);
        let flat = flat(row).latency_s;
        attention += flat / fused.latency_s / 24.0;
        whole += (flat + layers) / (fused.latency_s + layers) / 24.0;
    }
    assert!((attention - 6.7).abs() < 0.1, "{attention}");
    assert!((whole - 5.3).abs() < 0.1, "{whole}");
}
