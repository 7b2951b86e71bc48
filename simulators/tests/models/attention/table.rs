//! The artifact's tables, machines and networks.

use std::collections::BTreeMap;
use std::path::Path;

use tapeout_simulators::attention::{
    AttentionMachine, AttentionShape, FlatMapping, MatrixProduct, Place, Stationarity,
};

const MIB: f64 = 1_048_576.0;

/// A row of a table, by the names of its columns.
pub struct Row(BTreeMap<String, String>);

impl Row {
    pub fn text(&self, column: &str) -> &str {
        &self.0[column]
    }

    pub fn number(&self, column: &str) -> f64 {
        self.text(column).parse().unwrap()
    }

    pub fn whole(&self, column: &str) -> u64 {
        self.text(column).parse().unwrap()
    }

    /// Network and length.
    pub fn key(&self) -> (String, String) {
        let network = if self.0.contains_key("model") { "model" } else { "models" };
        (self.text(network).to_owned(), self.text("seq_len").to_owned())
    }
}

pub fn rows(name: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fusemax").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').filter(|column| !column.is_empty()).collect();
    let row = |line: &str| {
        let pairs = columns.iter().zip(line.split(','));
        Row(pairs.map(|(&column, field)| (column.to_owned(), field.to_owned())).collect())
    };
    lines.map(row).collect()
}

/// Source: arXiv 2406.10491, section VI: 256 x 256, 940 MHz, 400 GB/s of 2^30 byte; 16 MiB, and 32 MiB for FLAT.
pub fn machine(buffer_mib: f64) -> AttentionMachine {
    AttentionMachine {
        side: 256,
        lanes: 256,
        cycles_per_mac: 1.0,
        clock_hz: 940e6,
        buffer_byte: buffer_mib * MIB,
        dram_byte_per_s: 400.0 * 1024.0 * MIB,
    }
}

/// FLAT's machines of `flat_validation.csv`. Source: the artifact's `flat.py`.
pub fn flat_machine(platform: &str) -> AttentionMachine {
    let cloud = machine(32.0);
    match platform {
        "cloud" => cloud,
        "edge" => AttentionMachine {
            side: 32,
            lanes: 32,
            buffer_byte: 0.5 * MIB,
            dram_byte_per_s: 50.0 * 1024.0 * MIB,
            ..cloud
        },
        other => panic!("unknown platform {other}"),
    }
}

/// Heads, their size, size of a token and of the feed-forward layer. Source: arXiv 2406.10491, table II.
fn network(name: &str) -> [u64; 4] {
    match name {
        "BERT" => [12, 64, 768, 3072],
        "TrXL" => [16, 64, 1024, 4096],
        "T5" => [8, 64, 512, 2048],
        "XLM" => [16, 128, 2048, 8192],
        other => panic!("unknown network {other}"),
    }
}

/// `16K` is 16,384.
fn length(text: &str) -> u64 {
    match text.strip_suffix('K') {
        Some(thousands) => thousands.parse::<u64>().unwrap() << 10,
        None => {
            text.strip_suffix('M').map_or_else(|| text.parse().unwrap(), |m| m.parse::<u64>().unwrap() << 20)
        }
    }
}

pub fn shape((name, tokens): &(String, String)) -> AttentionShape {
    let [heads, head_size, ..] = network(name);
    let tokens = length(tokens);
    AttentionShape {
        batch: 64,
        heads,
        kv_heads: heads,
        queries: tokens,
        keys: tokens,
        head_size,
        value_size: head_size,
        activation_byte: 2.0,
        cache_byte: 2.0,
        cache: Place::OffChip,
    }
}

/// Projections of queries, keys, values and results, and the two feed-forward products.
pub fn linear((name, tokens): &(String, String)) -> [MatrixProduct; 3] {
    let [heads, head_size, token, inner] = network(name);
    let product = |count, k, n| MatrixProduct {
        count,
        m: 64 * length(tokens),
        k,
        n,
        first_byte: 2.0,
        second_byte: 2.0,
        result_byte: 2.0,
        second: Place::OffChip,
    };
    [product(4.0, token, heads * head_size), product(1.0, token, inner), product(1.0, inner, token)]
}

/// The mapping that FLAT's own search found.
pub fn flat_mapping(row: &Row) -> FlatMapping {
    let place = |column| match row.text(column) {
        "onchip" => Place::OnChip,
        "offchip" => Place::OffChip,
        other => panic!("unknown place {other}"),
    };
    let stationarity = |column| match row.text(column) {
        "output" => Stationarity::Output,
        "weight" => Stationarity::Weight,
        "input" => Stationarity::Input,
        other => panic!("unknown stationarity {other}"),
    };
    assert_eq!(place("QK_loc"), place("A_loc"));
    FlatMapping {
        queries: place("Q_loc"),
        keys: place("K_loc"),
        scores: place("QK_loc"),
        values: place("V_loc"),
        results: place("AV_loc"),
        score_stationarity: stationarity("QK_stationarity"),
        result_stationarity: stationarity("AV_stationarity"),
        rows: if row.text("fusion_granularity") == "head" { row.whole("P") } else { row.whole("P1") },
    }
}

/// The mapping of a row of `attn-flat.csv`.
pub fn cloud_mapping(key: &(String, String)) -> FlatMapping {
    let found = rows("flat_validation.csv").into_iter();
    let mut found = found.filter(|row| row.text("platform") == "cloud" && row.key() == *key);
    flat_mapping(&found.next().unwrap())
}
