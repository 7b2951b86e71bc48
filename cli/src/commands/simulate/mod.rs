//! `tapeout simulate`.

mod breakdown;
mod inputs;
mod pictures;
mod timeloop;
mod why;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tapeout::core::Catalog;
use tapeout::simulators::loop_nest::{Einsum, Mapping, Quirks};
use tapeout::simulators::mapper::{Objective, Options};
use tapeout::simulators::network_cost::{LayerCost, NetworkCost, UnmappableLayer};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::goal_flags::Fixed;
use breakdown::Breakdown;
use inputs::{Machine, Template, Workload};
use why::Why;

/// Most work on a layer's mapping for a machine with one part larger. Ours: a few milliseconds, since the mapping that the layer has
/// already competes too.
const STEP_EFFORT: u64 = 20_000;

/// What to simulate on what, or which file to check.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The architecture: a TOML file, or a built-in one: `eyeriss`, `eyeriss-like`, `edge-like`; with parameters `edge-accelerator`,
    /// `eyeriss-accelerator`, `gemmini-accelerator`
    #[arg(value_name = "ARCH", required_unless_present = "check")]
    architecture: Option<String>,
    /// A network or a layer of it: `resnet50`, `resnet50:conv1`, `mine.toml`, `mine.toml:conv1`
    #[arg(value_name = "WORKLOAD", required_unless_present = "check")]
    workload: Option<String>,
    /// Of an accelerator with parameters, a value for each: `array=16`
    #[arg(value_name = "NAME=VALUE")]
    settings: Vec<Fixed>,
    /// Where the loops of the layer run, in TOML; without it, the best mapping that is found
    #[arg(long, value_name = "FILE.toml")]
    mapping: Option<PathBuf>,
    /// Which tensors each level keeps and which dimensions may run at it, in TOML; without it, the best mapping is free of both
    #[arg(long, value_name = "FILE.toml", conflicts_with = "mapping")]
    dataflow: Option<PathBuf>,
    /// What the best mapping is best at
    #[arg(long, value_enum, default_value = "edp", conflicts_with = "mapping")]
    objective: Goal,
    /// Work spent on each layer's mapping before the best so far is taken: some four to ten million a second
    #[arg(long, value_name = "WORK", default_value_t = Options::default().effort, conflicts_with = "mapping")]
    effort: u64,
    /// Gap to the lower bound at which a mapping is good enough: 0 is the optimum, 0.01 one per cent
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, conflicts_with = "mapping")]
    gap: f64,
    /// Count as Timeloop does, quirks included
    #[arg(long)]
    timeloop_compat: bool,
    /// Say what bounds each layer and costs most in it, and what a step up of each part would give
    #[arg(long)]
    why: bool,
    /// Draw energy and cycles by level and by layer, and the roofline, into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write the architecture, its parameters set, as a file that `simulate` takes
    #[arg(long = "architecture", value_name = "FILE.toml")]
    written: Option<PathBuf>,
    /// Write the layer and its mapping as a design that `timeloop-model` of Timeloop v4 runs
    #[arg(long, value_name = "FILE.yaml")]
    timeloop: Option<PathBuf>,
    /// Compare the model with a file of Timeloop's results, value by value, and list the differences
    #[arg(
        long,
        value_name = "FILE.json",
        conflicts_with_all = ["architecture", "workload", "settings", "mapping", "dataflow", "objective", "effort", "gap", "timeloop_compat", "why", "out", "written", "timeloop"]
    )]
    check: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is to be least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Goal {
    /// Cycles; among equals, energy
    Latency,
    /// Energy; among equals, cycles
    Energy,
    /// Energy times cycles
    Edp,
}

impl From<Goal> for Objective {
    fn from(goal: Goal) -> Self {
        match goal {
            Goal::Latency => Self::Latency,
            Goal::Energy => Self::Energy,
            Goal::Edp => Self::EnergyDelay,
        }
    }
}

impl Args {
    /// The breakdown of a layer or a network, or what a check found.
    pub(crate) fn run(&self, _: &Catalog) -> Result<Answer, Failure> {
        match (&self.check, &self.architecture, &self.workload) {
            (Some(path), ..) => timeloop::check(path, self.json),
            (None, Some(architecture), Some(workload)) => self.simulate(architecture, workload),
            _ => unreachable!("clap asks for an architecture and a workload where there is no `--check`"),
        }
    }

    fn simulate(&self, architecture: &str, workload: &str) -> Result<Answer, Failure> {
        let mut machine = Machine::open(architecture, &self.settings)?;
        let workload = Workload::open(workload)?;
        if let Some(path) = &self.dataflow {
            machine = machine.with_dataflow(path, &workload)?;
        }
        let cost = match &self.mapping {
            Some(path) => self.mapped(path, &machine, &workload)?,
            None => self.searched(&machine, &workload, self.options())?,
        };
        let cost = Self::with_all_energy(&machine, cost)?;
        let why = self.why.then(|| self.explained(&machine, &workload, &cost)).transpose()?;
        let mut said = String::new();
        if let Some(path) = &self.written {
            said = machine.write(path)?;
        }
        if let Some(path) = &self.timeloop {
            let [layer] = cost.layers() else { return Err(one_layer("--timeloop", &workload)) };
            said += &timeloop::write(path, &machine, layer)?;
        }
        let breakdown = Breakdown { machine: &machine, workload: &workload, cost, why };
        let mut paths = Vec::new();
        if let Some(folder) = &self.out {
            paths = pictures::write(&breakdown, folder)?;
        }
        if self.json {
            return Ok(Answer::json(&breakdown.json(&paths)));
        }
        let pictures: String = paths.iter().map(|path| format!("\n{}", path.display())).collect();
        Ok(Answer::text(format!("{}{pictures}{said}", breakdown.text())))
    }

    fn quirks(&self) -> Quirks {
        if self.timeloop_compat { Quirks::timeloop_compat() } else { Quirks::default() }
    }

    /// The one layer of `workload` under the mapping of a file.
    fn mapped(&self, path: &Path, machine: &Machine, workload: &Workload) -> Result<NetworkCost, Failure> {
        let [layer] = workload.layers() else { return Err(one_layer("--mapping", workload)) };
        let (architecture, einsum) = (&machine.architecture, layer.einsum());
        let text = inputs::mapping(path)?;
        let at = path.display();
        let mapping = Mapping::from_text(&text, architecture, einsum)
            .map_err(|error| Failure::bad_input(anyhow::anyhow!("{at}: {error}")))?;
        let runs = layer.count() as f64;
        let cost = LayerCost::under_mapping(architecture, layer, runs, mapping, self.quirks());
        let cost = cost.map_err(|illegal| {
            let reason = illegal.describe(architecture, einsum);
            Failure::bad_input(anyhow::anyhow!("{at}: `{}` cannot run so: {reason}", layer.name()))
        })?;
        Ok(NetworkCost::new(architecture, vec![cost]))
    }

    fn options(&self) -> Options {
        Options { effort: self.effort, gap: self.gap, quirks: self.quirks() }
    }

    /// Every layer of `workload` under the best mapping.
    fn searched(
        &self,
        machine: &Machine,
        workload: &Workload,
        options: Options,
    ) -> Result<NetworkCost, Failure> {
        let architecture = &machine.architecture;
        let layers = workload.layers().iter().map(|layer| (layer, layer.count() as f64));
        let constraints = |layer: &Einsum| machine.constraints(layer);
        let objective = self.objective.into();
        NetworkCost::under_best_mappings(architecture, layers, objective, constraints, options).map_err(
            |error| {
                let UnmappableLayer { layer, cause } = error;
                Failure::bad_input(anyhow::anyhow!("`{layer}` on `{}`: {cause}", machine.name))
            },
        )
    }

    /// Why `workload` costs what it does, and what it costs with one part larger: each layer under the mapping that it has now or, where
    /// mappings are searched, under the one that a search of little effort finds, whichever is better.
    fn explained(&self, machine: &Machine, workload: &Workload, cost: &NetworkCost) -> Result<Why, Failure> {
        let mut why = Why::new(cost);
        for (change, larger) in machine.steps() {
            let found = larger.map_err(|reason| reason.to_string());
            let found = found.and_then(|larger| self.larger(&larger, workload, cost));
            why.add(change, found);
        }
        Ok(why)
    }

    /// Cycles and energy of `workload` on a larger machine than the one of `cost`, or why there are none.
    fn larger(
        &self,
        machine: &Machine,
        workload: &Workload,
        cost: &NetworkCost,
    ) -> Result<(f64, f64), String> {
        let moved = cost.layers().iter().map(|layer| layer.moved_to(&machine.architecture, self.quirks()));
        let mut layers: Vec<Option<LayerCost>> = moved.map(Result::ok).collect();
        if self.mapping.is_none() {
            let options = Options { effort: self.effort.min(STEP_EFFORT), ..self.options() };
            let objective = Objective::from(self.objective);
            // Where the search finds nothing, mappings that the layers have now may still run.
            let searched = self.searched(machine, workload, options).ok();
            let searched = searched.iter().flat_map(NetworkCost::layers);
            for (slot, found) in layers.iter_mut().zip(searched) {
                let score = |layer: &LayerCost| objective.of(&layer.best.report).0;
                if slot.as_ref().is_none_or(|moved| score(found) < score(moved)) {
                    *slot = Some(found.clone());
                }
            }
        }
        let layers: Option<Vec<LayerCost>> = layers.into_iter().collect();
        let layers = layers.ok_or("no mapping that was found can run there")?;
        let cost = NetworkCost::new(&machine.architecture, layers);
        let cost = Self::with_all_energy(machine, cost).map_err(|failure| failure.to_string())?;
        Ok((cost.cycles(), cost.energy_j()))
    }

    /// The cost with what an accelerator with parameters adds to the energy of its layers: its program, what leaks beside its levels.
    fn with_all_energy(machine: &Machine, cost: NetworkCost) -> Result<NetworkCost, Failure> {
        let Some(Template { file, built, .. }) = &machine.template else { return Ok(cost) };
        let layers = cost.layers().iter().map(|layer| {
            let energy_j = file.energy_j(built, &layer.best.report).map_err(Failure::bad_input)?;
            Ok(LayerCost { energy_j, ..layer.clone() })
        });
        Ok(NetworkCost::new(&machine.architecture, layers.collect::<Result<_, Failure>>()?))
    }
}

/// The failure of a flag that is for a single layer.
fn one_layer(flag: &str, workload: &Workload) -> Failure {
    let (name, n_layers) = (&workload.name, workload.layers().len());
    let problem = anyhow::anyhow!("`{flag}` is for one layer, `{name}` has {n_layers}");
    Failure::bad_input(problem).hint("name one of its layers: `NETWORK:LAYER`")
}

/// A share from 0 on.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if share >= 0.0 && share.is_finite() { Ok(share) } else { Err("not a share from 0 on".to_owned()) }
}
