//! Recorded tuning runs of real GPU kernels, answered from the record.
//!
//! Validated by: the files' own best and median times, as their documentation states them.

mod cache_file;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tapeout_core::names::UnknownName;
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome, Parameter,
    Rule,
};

pub use cache_file::{CacheFile, CacheFileError, Point, Recorded};

/// A run that ships with the program.
struct Shipped {
    id: &'static str,
    bytes: &'static [u8],
    rules: fn() -> Vec<Rule>,
}

const SHIPPED: &[Shipped] = &[
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

/// Which run answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedKernelConfig {
    /// A run that ships with the program: `gemm-rtx-3090` or `convolution-a100`. Not read if `path` is given.
    pub kernel: String,
    /// A Kernel Tuner cache file, `.json` or `.json.gz`.
    pub path: Option<String>,
}

impl Default for RecordedKernelConfig {
    fn default() -> Self {
        Self { kernel: "gemm-rtx-3090".to_owned(), path: None }
    }
}

/// A recorded tuning run as an environment.
pub struct RecordedKernel {
    space: DesignSpace,
    metrics: Vec<Metric>,
    /// What became of each design, by its rank in the space.
    outcomes: Vec<Outcome>,
}

impl RecordedKernel {
    /// The environment that answers from `file`, whose space obeys `rules`; without rules it is the list of points.
    ///
    /// # Errors
    /// [`CacheFileError`] if the file contradicts itself or the rules.
    pub fn new(file: &CacheFile, rules: Vec<Rule>) -> Result<Self, CacheFileError> {
        let parameters: Vec<Parameter> =
            file.tune_params_keys.iter().map(|name| parameter(name, &file.tune_params[name])).collect();
        let mut rows = Vec::with_capacity(file.cache.len());
        let mut recorded = Vec::with_capacity(file.cache.len());
        for (key, point) in &file.cache {
            rows.push(
                parameters
                    .iter()
                    .map(|parameter| level(parameter, key, point))
                    .collect::<Result<Vec<u32>, _>>()?,
            );
            recorded.push(point.recorded(key)?);
        }
        let space = if rules.is_empty() {
            DesignSpace::of_rows(parameters, rows.clone())?
        } else {
            DesignSpace::new(parameters, rules)?
        };
        if space.cardinality() != rows.len() as u128 {
            return Err(CacheFileError::Repeated { points: rows.len(), configurations: space.cardinality() });
        }
        let mut outcomes = vec![Outcome::infeasible("NotRecorded", 1.0); rows.len()];
        for (row, recorded) in rows.iter().zip(recorded) {
            let design = space.design(row)?;
            outcomes[space.rank(&design) as usize] = match recorded {
                Recorded::TimeS(time_s) => Outcome::Measured(vec![time_s]),
                Recorded::Failed(failure) => Outcome::infeasible(&failure, 1.0),
            };
        }
        let metrics = vec![Metric::new("time_s", "s", "mean time of the kernel over the recorded repeats")];
        Ok(Self { space, metrics, outcomes })
    }

    /// The least time in the record, in s; none if every configuration failed.
    pub fn best_time_s(&self) -> Option<f64> {
        self.outcomes.iter().filter_map(Outcome::metrics).map(|metrics| metrics[0]).min_by(f64::total_cmp)
    }
}

impl Env for RecordedKernel {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        Ok(self.outcomes[self.space.rank(design) as usize].clone())
    }
}

impl BuildEnv for RecordedKernel {
    const ID: &'static str = "recorded-kernel";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str =
        "a GPU kernel's recorded tuning run (Kernel Tuner cache files), answered from the record";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["path"];
    const DESIGNS: Option<u128> = Some(17_956);
    type Config = RecordedKernelConfig;

    fn build(config: RecordedKernelConfig) -> Result<Self, ConfigError> {
        if let Some(path) = &config.path {
            let in_file =
                |reason: String| ConfigError::new("path", format!("{}: {reason}", Path::new(path).display()));
            let bytes = std::fs::read(path).map_err(|error| in_file(format!("cannot be read: {error}")))?;
            let file = CacheFile::read(&bytes).map_err(|error| in_file(error.to_string()))?;
            return Self::new(&file, Vec::new()).map_err(|error| in_file(error.to_string()));
        }
        let shipped = SHIPPED.iter().find(|shipped| shipped.id == config.kernel).ok_or_else(|| {
            let ids = SHIPPED.iter().map(|shipped| shipped.id);
            let unknown = UnknownName::among("recorded kernel", &config.kernel, ids);
            ConfigError::new("kernel", format!("{unknown}; for a file of your own set `path`"))
        })?;
        let file = CacheFile::read(shipped.bytes).expect("a shipped file is whole");
        Ok(Self::new(&file, (shipped.rules)()).expect("a shipped file agrees with itself"))
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("time_s")], constraints: Vec::new() }
    }
}

/// The parameter with these values: ordinal if all are numbers, categorical otherwise.
fn parameter(name: &str, values: &[Json]) -> Parameter {
    let about = "as named in the cache file";
    let numbers: Option<Vec<f64>> = values.iter().map(Json::as_f64).collect();
    match numbers {
        Some(mut numbers) => {
            numbers.sort_by(f64::total_cmp);
            numbers.dedup();
            Parameter::ordinal(name, numbers).about(about)
        }
        None => {
            let names: Vec<String> = values.iter().map(category).collect();
            Parameter::categorical(name, &names.iter().map(String::as_str).collect::<Vec<_>>()).about(about)
        }
    }
}

fn category(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn level(parameter: &Parameter, key: &str, point: &Point) -> Result<u32, CacheFileError> {
    let name = parameter.name();
    let got = point.fields.get(name).ok_or_else(|| CacheFileError::MissingParameter {
        point: key.to_owned(),
        parameter: name.to_owned(),
    })?;
    let value = match got.as_f64() {
        Some(number) if !parameter.is_categorical() => number.into(),
        _ => category(got).as_str().into(),
    };
    parameter.level_of(&value).ok_or_else(|| CacheFileError::UnlistedValue {
        point: key.to_owned(),
        parameter: name.to_owned(),
        got: got.to_string(),
    })
}

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

#[cfg(test)]
mod tests;
