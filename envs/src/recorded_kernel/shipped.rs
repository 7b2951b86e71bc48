//! The recorded runs that ship with the program, and their restrictions.

use tapeout_core::Rule;

/// A run that ships with the program.
pub(super) struct Shipped {
    pub(super) id: &'static str,
    pub(super) bytes: &'static [u8],
    pub(super) rules: fn() -> Vec<Rule>,
}

/// The runs that ship, by name.
pub(super) const SHIPPED: &[Shipped] = &[
    Shipped {
        id: "gemm-rtx-3090",
        bytes: include_bytes!("../../../data/kernel-tuner/gemm_RTX_3090.json.gz"),
        rules: gemm_rules,
    },
    Shipped {
        id: "convolution-a100",
        bytes: include_bytes!("../../../data/kernel-tuner/convolution_A100.json.gz"),
        rules: convolution_rules,
    },
];

/// The restrictions of CLBlast's Xgemm, as stated beside the shipped file.
fn gemm_rules() -> Vec<Rule> {
    vec![
        multiple_of("kwi", "KWG", &["KWI"]),
        multiple_of("mdimc", "MWG", &["MDIMC", "VWM"]),
        multiple_of("ndimc", "NWG", &["NDIMC", "VWN"]),
        multiple_of("mdima", "MWG", &["MDIMA", "VWM"]),
        multiple_of("ndimb", "NWG", &["NDIMB", "VWN"]),
        multiple_of_threads_by("kwg_mdima", "MDIMA"),
        multiple_of_threads_by("kwg_ndimb", "NDIMB"),
    ]
}

/// `whole` is a multiple of the product of `factors`.
fn multiple_of(name: &str, whole: &'static str, factors: &'static [&'static str]) -> Rule {
    let text = format!("{whole} % ({}) == 0", factors.join(" * "));
    Rule::new(name, &text, &[&[whole], factors].concat(), move |v| {
        v.int(whole) % factors.iter().map(|factor| v.int(factor)).product::<i64>() == 0
    })
}

/// `KWG` is a multiple of the threads of a block, `MDIMC * NDIMC`, divided by `divisor` without rounding.
fn multiple_of_threads_by(name: &str, divisor: &'static str) -> Rule {
    let text = format!("KWG % (MDIMC * NDIMC / {divisor}) == 0");
    Rule::new(name, &text, &["KWG", "MDIMC", "NDIMC", divisor], move |v| {
        v.int("KWG") * v.int(divisor) % (v.int("MDIMC") * v.int("NDIMC")) == 0
    })
}

/// The restrictions of the convolution, as stated beside the shipped file.
fn convolution_rules() -> Vec<Rule> {
    vec![
        Rule::new(
            "padding_width",
            "use_padding == 0 or block_size_x % 32 != 0",
            &["use_padding", "block_size_x"],
            |v| v.int("use_padding") == 0 || v.int("block_size_x") % 32 != 0,
        ),
        // CUDA C++ Programming Guide, "Compute Capabilities", table of technical specifications: 1,024 threads a block.
        Rule::measured(
            "threads",
            "block_size_x * block_size_y <= 1024",
            &["block_size_x", "block_size_y"],
            |v| (v.int("block_size_x") * v.int("block_size_y") - 1024).max(0) as f64 / 1024.0,
        ),
        Rule::new(
            "padding_shared",
            "use_padding == 0 or use_shmem != 0",
            &["use_padding", "use_shmem"],
            |v| v.int("use_padding") == 0 || v.int("use_shmem") != 0,
        ),
        Rule::measured(
            "shared_memory",
            "use_shmem == 0 or the input tile with its halo has fewer than 12288 words",
            &[
                "use_shmem",
                "block_size_x",
                "tile_size_x",
                "filter_width",
                "block_size_y",
                "tile_size_y",
                "filter_height",
            ],
            |v| {
                let extent = |axis: &str, filter: &str| {
                    v.int(&format!("block_size_{axis}")) * v.int(&format!("tile_size_{axis}")) + v.int(filter)
                        - 1
                };
                let words = extent("x", "filter_width") * extent("y", "filter_height");
                if v.int("use_shmem") == 0 { 0.0 } else { (words - 12_287).max(0) as f64 / 12_287.0 }
            },
        ),
    ]
}
