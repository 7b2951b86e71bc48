//! How long a mixed-input matrix product took on a graphics processor, from a table of measurements.
//!
//! Validated by: small tables whose medians are worked out by hand.

use std::path::Path;

use tapeout_core::{BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Outcome};
use tapeout_gpu::{By, Job, Recording, RowOutcome, Table, TableRow};
use tapeout_simulators::gpu_gemm::{Gemm, Output, Scaling, Tile};

use super::config::gemm_config;
use super::timed::TimedTiles;
use super::{TileEncoding, TileSpace};

/// A table that ships with the program.
struct Shipped {
    device: &'static str,
    bytes: &'static [u8],
}

/// Every table under `data/measurements/`, by the device that it was measured on.
const SHIPPED: &[Shipped] = &[];

gemm_config! {
    /// Which product, and which table answers.
    pub struct GpuGemmRecordedConfig {
        /// The device whose shipped table answers: `a100`, `h100`, `h200`, `l40s`, `rtx-3090`, `rtx-4090`. Not read if
        /// `path` is given.
        pub device: String = "h200".to_owned(), // the device that recordings are planned for
        /// A table that `tapeout measure` has made.
        pub path: Option<String> = None,
        ..product,
    }
}

/// A recording as an environment.
pub struct GpuGemmRecorded(TimedTiles);

impl GpuGemmRecorded {
    /// The environment that answers for `gemm` from `table`; its designs are those of the table.
    ///
    /// # Errors
    /// [`ConfigError`] if the table holds nothing of this product in this encoding.
    pub fn new(table: &Table, gemm: Gemm, encoding: TileEncoding) -> Result<Self, ConfigError> {
        let rows: Vec<(&TableRow, Tile)> =
            table.rows().iter().filter_map(|row| Some((row, tile_of(row, &gemm)?))).collect();
        let recorded: Vec<Tile> = rows.iter().map(|&(_, tile)| tile).collect();
        let with_energy = rows.iter().all(|(row, _)| match &row.outcome {
            RowOutcome::Measured(measured) => measured.energy_j.is_some(),
            RowOutcome::Fault(_) => true,
        });
        let tiles = TileSpace::of_tiles(&gemm, &recorded, encoding).map_err(|_| {
            let known: Vec<String> = table.gemms().iter().map(named).collect();
            let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            ConfigError::new(
                "types",
                format!("no kernel is recorded for {}; recorded: {known}", named(&gemm)),
            )
        })?;
        let timer = Box::new(Recording::of(table));
        Ok(Self(TimedTiles::new(tiles, gemm, with_energy, Ok(timer))))
    }
}

/// The kernel of a row that is about `gemm` and no library.
fn tile_of(row: &TableRow, gemm: &Gemm) -> Option<Tile> {
    match row.job {
        Job { gemm: of, by: By::Tile(tile) } if of == *gemm => Some(tile),
        _ => None,
    }
}

fn named(gemm: &Gemm) -> String {
    let batch = if gemm.batch == 1 { String::new() } else { format!("{} of ", gemm.batch) };
    let aligned = match gemm.alignment_byte {
        16 => String::new(),
        alignment => format!(", aligned to {alignment} byte"),
    };
    let scaled = match gemm.scaling {
        None => String::new(),
        Some(Scaling { group, zero_points: false }) => format!(", scaled in groups of {group}"),
        Some(Scaling { group, zero_points: true }) => {
            format!(", scaled in groups of {group} with zero points")
        }
    };
    let output = match gemm.output {
        Output::F32 => String::new(),
        output => format!(" to {}", output.name()),
    };
    format!("{batch}{}x{}x{} of {}{output}{aligned}{scaled}", gemm.m, gemm.n, gemm.k, gemm.operands)
}

impl Env for GpuGemmRecorded {
    fn space(&self) -> &DesignSpace {
        self.0.space()
    }

    fn metrics(&self) -> &[Metric] {
        self.0.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        self.0.evaluate(design)
    }

    fn missing(&self) -> Option<String> {
        self.0.missing()
    }
}

impl BuildEnv for GpuGemmRecorded {
    const ID: &'static str = "gpu-gemm-recorded";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Tiles of mixed-input matrix products on GPUs, answered from measurements";
    const DESCRIPTION: &'static str = include_str!("recorded.md");
    const FILES: &'static [&'static str] = &["path"];
    const DESIGNS: Option<u128> = Some(45_883_840);
    type Config = GpuGemmRecordedConfig;

    fn build(config: GpuGemmRecordedConfig) -> Result<Self, ConfigError> {
        let gemm = config.gemm()?;
        if let Some(path) = &config.path {
            let table = Table::read(Path::new(path)).map_err(|error| {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                ConfigError::new("path", format!("{error}{hint}"))
            })?;
            return Self::new(&table, gemm, config.encoding);
        }
        let device = config.device()?;
        if let Some(shipped) = SHIPPED.iter().find(|shipped| shipped.device == config.device) {
            let table = Table::parse(Path::new(shipped.device), shipped.bytes);
            return Self::new(&table.expect("invariant: a shipped table is whole"), gemm, config.encoding);
        }
        let tiles = TileSpace::new(&gemm, &device, config.encoding)?;
        let missing = format!(
            "no recording yet of `{}`: record one with `tapeout measure` and set `path`, or use `gpu-gemm-model`",
            config.device
        );
        Ok(Self(TimedTiles::new(tiles, gemm, false, Err(missing))))
    }

    fn default_goal(&self) -> Goal {
        self.0.goal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;
    use tapeout_core::check::check_env;
    use tapeout_gpu::{Halt, Measurer, Modelled, TableWriter, TimingMethod};
    use tapeout_simulators::gpu_gemm::{Operands, device};

    const GEMM: Gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);

    /// A table of `count` random kernels, rehearsed with the model, each measured twice.
    fn rehearsed(count: usize, energy_s: f64) -> Table {
        let device = device("h200").unwrap();
        let tiles = TileSpace::new(&GEMM, &device, TileEncoding::Structured).unwrap();
        let mut model = Modelled::new(device, TimingMethod { energy_s, ..TimingMethod::default() });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("h200.jsonl");
        let mut writer = TableWriter::open(&path, model.session()).unwrap();
        let mut rng = Seed::new(0).stream("test");
        for _ in 0..count {
            let by = By::Tile(tiles.tile(&tiles.space().sample(&mut rng)));
            for inputs in [1, 2] {
                let job = Job { gemm: GEMM, by };
                let outcome = match model.prepare(&job, inputs) {
                    Ok(measured) => RowOutcome::Measured(measured),
                    Err(Halt::Fault(fault)) => RowOutcome::Fault(fault),
                    Err(other) => panic!("{other:?}"),
                };
                writer.record(job, inputs, outcome).unwrap();
            }
        }
        Table::read(&path).unwrap()
    }

    /// Claim: it keeps the contract, holds the recorded designs and no others, and some of them failed.
    #[test]
    fn a_recording_is_an_environment() {
        let table = rehearsed(200, 0.0);
        let env = GpuGemmRecorded::new(&table, GEMM, TileEncoding::Structured).unwrap();
        check_env(&env).unwrap_or_else(|findings| panic!("{findings}"));
        assert_eq!(env.space().cardinality(), 200);
        let outcomes: Vec<Outcome> =
            env.space().iter().map(|design| env.evaluate(&design).unwrap()).collect();
        let n_failed = outcomes.iter().filter(|outcome| outcome.metrics().is_none()).count();
        assert!(n_failed > 0 && n_failed < 50, "{n_failed}");
        assert!(outcomes.contains(&Outcome::infeasible("wrong_result", 1.0)));
    }

    /// Claim: energy is a metric where it was measured.
    #[test]
    fn energies_are_shown_where_they_were_measured() {
        let names = |energy_s| {
            let env = GpuGemmRecorded::new(&rehearsed(30, energy_s), GEMM, TileEncoding::Structured).unwrap();
            env.metrics().iter().map(|metric| metric.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(0.0), ["time_s", "throughput_flop_per_s"]);
        assert_eq!(names(1.0), ["time_s", "throughput_flop_per_s", "energy_j"]);
    }

    #[test]
    fn a_product_that_was_not_recorded_is_told_which_were() {
        let other = Gemm { m: 4224, ..GEMM };
        let error = GpuGemmRecorded::new(&rehearsed(3, 0.0), other, TileEncoding::Structured).err().unwrap();
        assert_eq!(
            error.to_string(),
            "`types`: no kernel is recorded for 4224x4096x2048 of f16-u8; recorded: 3456x4096x2048 of f16-u8"
        );
    }

    /// Claim: without a table there is a space to look at, and one clear message.
    #[test]
    fn without_a_table_it_says_how_to_make_one() {
        let env = GpuGemmRecorded::build(GpuGemmRecordedConfig::default()).unwrap();
        let design = env.space().sample(&mut Seed::new(0).stream("test"));
        let missing = env.missing().unwrap();
        assert!(
            missing.starts_with("no recording yet of `h200`: record one with `tapeout measure`"),
            "{missing}"
        );
        assert_eq!(env.evaluate(&design).unwrap_err().to_string(), missing);
    }

    #[test]
    fn a_path_that_is_no_table_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.jsonl");
        std::fs::write(&path, "{\"row\":{}}\n").unwrap();
        let config = GpuGemmRecordedConfig { path: Some(path.display().to_string()), ..Default::default() };
        let error = GpuGemmRecorded::build(config).err().unwrap().to_string();
        assert!(error.starts_with("`path`: ") && error.contains("table.jsonl:1: field `check`"), "{error}");
    }
}
