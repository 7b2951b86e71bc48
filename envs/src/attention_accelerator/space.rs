//! The designs of `attention-accelerator`.

use tapeout_core::{
    CategoryParameter, CountParameter, Design, DesignSpace, NumberParameter, Parameter, Rule, SpaceError,
};
use tapeout_simulators::attention::{Binding, ScoreReuse};
use tapeout_simulators::precision::PeStyle;
use tapeout_simulators::transformer::AttentionCascade;

/// Sides of the array; widths of operands. Source of the sides: arXiv 2406.10491, figure 12: 16 to 512.
pub(super) const ARRAYS: [u32; 6] = [16, 32, 64, 128, 256, 512];
pub(super) const BUFFERS_KIB: [u32; 9] = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
pub(super) const WEIGHT_BITS: [u32; 3] = [4, 8, 16];
pub(super) const ACTIVATION_BITS: [u32; 2] = [8, 16];
pub(super) const CACHE_BITS: [u32; 3] = [4, 8, 16];

/// The cascades that there is but one binding of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cascade {
    Unfused,
    Flat,
    TwoPass(ScoreReuse),
    OnePass,
}

const CASCADES: [(&str, Cascade); 5] = [
    ("unfused", Cascade::Unfused),
    ("flat", Cascade::Flat),
    ("two-pass-retained", Cascade::TwoPass(ScoreReuse::Retain)),
    ("two-pass-recomputed", Cascade::TwoPass(ScoreReuse::Recompute)),
    ("one-pass", Cascade::OnePass),
];
const BINDINGS: [(&str, Binding); 3] = [
    ("vector-softmax", Binding::VectorSoftmax),
    ("serial", Binding::Serial),
    ("interleaved", Binding::Interleaved),
];

/// The parameters, by name.
#[derive(Debug, Clone)]
pub(super) struct Knobs {
    array: CountParameter,
    lanes: CountParameter,
    buffer_kib: CountParameter,
    /// In GB/s.
    dram_bandwidth: NumberParameter,
    cascade: CategoryParameter<Cascade>,
    binding: CategoryParameter<Binding>,
    fused_rows: CountParameter,
    weight_bits: CountParameter,
    activation_bits: CountParameter,
    cache_bits: CountParameter,
    pe_style: CategoryParameter<PeStyle>,
}

/// What a design says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionDesign {
    /// Rows, and columns, of the array.
    pub array: u64,
    /// Lanes of the vector unit.
    pub lanes: u64,
    /// The buffer.
    pub buffer_byte: u64,
    /// Bandwidth of the memory.
    pub dram_byte_per_s: f64,
    /// Cascade and binding of attention.
    pub cascade: AttentionCascade,
    /// Queries of a group on the chip at once.
    pub fused_rows: u64,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Bits of an activation.
    pub activation_bits: u32,
    /// Bits of a key or a value.
    pub cache_bits: u32,
    /// How an element multiplies.
    pub pe_style: PeStyle,
}

/// The space.
pub(super) fn space() -> Result<DesignSpace, SpaceError> {
    let names = |table: &[(&'static str, Cascade)]| table.iter().map(|&(name, _)| name).collect::<Vec<_>>();
    let bindings = BINDINGS.map(|(name, _)| name);
    let styles = PeStyle::ALL.map(|(name, _)| name);
    let parameters = vec![
        Parameter::ordinal("array", ARRAYS).about("rows, and columns, of the array"),
        Parameter::ordinal("lanes", ARRAYS).about("lanes of the vector unit"),
        Parameter::ordinal("buffer_kib", BUFFERS_KIB).unit("KiB").about("the buffer"),
        // Ours: from a package of LPDDR4 to four stacks of HBM3.
        Parameter::ordinal("dram_bandwidth", [25, 50, 100, 200, 400, 800, 1600, 3200])
            .unit("GB/s")
            .about("bandwidth of the memory"),
        Parameter::categorical("cascade", &names(&CASCADES)).about("how attention is fused"),
        Parameter::categorical("binding", &bindings)
            .about("what does the softmax of the one-pass cascade, and when"),
        Parameter::power_of_two("fused_rows", 16, 65_536).about("queries of a group on the chip at once"),
        Parameter::ordinal("weight_bits", WEIGHT_BITS).unit("bit").about("bits of a weight"),
        Parameter::ordinal("activation_bits", ACTIVATION_BITS).unit("bit").about("bits of an activation"),
        Parameter::ordinal("cache_bits", CACHE_BITS).unit("bit").about("bits of a key or a value"),
        Parameter::categorical("pe_style", &styles).about("how an element of the array multiplies"),
    ];
    DesignSpace::new(parameters, rules())
}

fn rules() -> Vec<Rule> {
    vec![
        Rule::new("lanes_of_columns", "lanes <= array", &["array", "lanes"], |v| {
            v.int("lanes") <= v.int("array")
        }),
        Rule::new(
            "binding_of_one_pass",
            "cascade == one-pass or binding == vector-softmax",
            &["cascade", "binding"],
            |v| v.text("cascade") == "one-pass" || v.text("binding") == "vector-softmax",
        ),
        Rule::new(
            "rows_of_tiles",
            "fused_rows >= array, and fused_rows == array if cascade == unfused",
            &["array", "cascade", "fused_rows"],
            |v| {
                let (rows, array) = (v.int("fused_rows"), v.int("array"));
                if v.text("cascade") == "unfused" { rows == array } else { rows >= array }
            },
        ),
        Rule::new(
            "multipliers_for_softmax",
            "pe_style is multiplier or carry-save, weight_bits == 16 and activation_bits == 16 if the array does the softmax",
            &["cascade", "binding", "weight_bits", "activation_bits", "pe_style"],
            |v| {
                let on_array =
                    v.text("binding") != "vector-softmax" || v.text("cascade").starts_with("two-pass");
                let multiplies = ["multiplier", "carry-save"].contains(&v.text("pe_style"));
                !on_array || multiplies && v.int("weight_bits") == 16 && v.int("activation_bits") == 16
            },
        ),
        Rule::new(
            "keys_where_weights_go",
            "cache_bits <= weight_bits",
            &["weight_bits", "cache_bits"],
            |v| v.int("cache_bits") <= v.int("weight_bits"),
        ),
        Rule::new(
            "narrow_weights_to_shift",
            "weight_bits <= 4 if pe_style == shift-add",
            &["pe_style", "weight_bits"],
            |v| v.text("pe_style") != "shift-add" || v.int("weight_bits") <= 4,
        ),
    ]
}

impl Knobs {
    pub(super) fn of(space: &DesignSpace) -> Result<Self, SpaceError> {
        Ok(Self {
            array: space.count("array")?,
            lanes: space.count("lanes")?,
            buffer_kib: space.count("buffer_kib")?,
            dram_bandwidth: space.number("dram_bandwidth")?,
            cascade: space.category("cascade", CASCADES)?,
            binding: space.category("binding", BINDINGS)?,
            fused_rows: space.count("fused_rows")?,
            weight_bits: space.count("weight_bits")?,
            activation_bits: space.count("activation_bits")?,
            cache_bits: space.count("cache_bits")?,
            pe_style: space.category("pe_style", PeStyle::ALL)?,
        })
    }

    pub(super) fn read(&self, design: &Design) -> AttentionDesign {
        AttentionDesign {
            array: self.array.of(design),
            lanes: self.lanes.of(design),
            buffer_byte: self.buffer_kib.of(design) << 10,
            dram_byte_per_s: self.dram_bandwidth.of(design) * 1e9,
            cascade: match *self.cascade.of(design) {
                Cascade::Unfused => AttentionCascade::Unfused,
                Cascade::Flat => AttentionCascade::Flat,
                Cascade::TwoPass(reuse) => AttentionCascade::TwoPass(reuse),
                Cascade::OnePass => AttentionCascade::OnePass(*self.binding.of(design)),
            },
            fused_rows: self.fused_rows.of(design),
            weight_bits: self.weight_bits.of(design) as u32,
            activation_bits: self.activation_bits.of(design) as u32,
            cache_bits: self.cache_bits.of(design) as u32,
            pe_style: *self.pe_style.of(design),
        }
    }
}
