//! What is named on the command line: architectures, workloads, mappings.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use tapeout::core::{UnknownName, Value};
use tapeout::experiment::put_whole;
use tapeout::simulators::accelerator_file::{AcceleratorFile, BuiltAccelerator, Dataflow, FileParameter};
use tapeout::simulators::architectures::{ACCELERATORS, accelerator, architecture as built_in_architecture};
use tapeout::simulators::loop_nest::{Architecture, Bandwidth, Einsum, Level, MappingText};
use tapeout::simulators::mapper::MappingConstraints;
use tapeout::simulators::networks::{Layer, open_network};

use crate::failure::Failure;
use crate::goal_flags::Fixed;

/// An architecture and what it is called.
pub(super) struct Machine {
    /// As it was named on the command line.
    pub(super) name: String,
    /// What it is.
    pub(super) architecture: Architecture,
    /// Of an accelerator with parameters.
    pub(super) template: Option<Template>,
    /// What the levels of one without parameters fix of mappings, if a file says so.
    pub(super) dataflow: Option<Dataflow>,
}

/// An accelerator with parameters, each set to a value.
pub(super) struct Template {
    /// What it is built from.
    pub(super) file: AcceleratorFile,
    /// By parameter.
    pub(super) values: Vec<Value>,
    /// What was built.
    pub(super) built: BuiltAccelerator,
}

impl Machine {
    /// The architecture `name`, or that of the file `name` if it ends in `.toml`; of an accelerator with parameters the one that
    /// `settings` build.
    pub(super) fn open(name: &str, settings: &[Fixed]) -> Result<Self, Failure> {
        let template = match (is_file(name), accelerator(name)) {
            (true, _) => Some(text(Path::new(name))?).filter(|text| is_template(text)),
            (false, template) => template.ok().map(str::to_owned),
        };
        if let Some(text) = template {
            return Self::build(name, &text, settings);
        }
        if let Some(Fixed(parameter, _)) = settings.first() {
            let problem = anyhow::anyhow!("`{parameter}` is set, but `{name}` has no parameters");
            return Err(Failure::bad_input(problem).hint(
                "parameters are those of a file with `[parameters]`, see `tapeout describe accelerator`",
            ));
        }
        let architecture = if is_file(name) {
            toml(Path::new(name))?
        } else {
            built_in_architecture(name).map_err(|unknown| {
                let templates = ACCELERATORS.iter().map(|row| row.id);
                let known: Vec<&str> = unknown.known.iter().map(String::as_str).chain(templates).collect();
                let hint = match is_yaml(Path::new(name)) {
                    true => FROM_TIMELOOP.to_owned(),
                    false => format!("built in are {}; a file ends in `.toml`", known.join(", ")),
                };
                Failure::from(unknown).hint(hint)
            })?
        };
        Ok(Self { name: name.to_owned(), architecture, template: None, dataflow: None })
    }

    fn build(name: &str, text: &str, settings: &[Fixed]) -> Result<Self, Failure> {
        let file = AcceleratorFile::from_toml(text, name, &BTreeMap::new()).map_err(Failure::bad_input)?;
        let values = set(name, &file, settings)?;
        Self::of(name, file, values).map_err(Failure::bad_input)
    }

    /// The same machine, whose levels fix of the mappings of `workload` what the file at `path` says.
    pub(super) fn with_dataflow(self, path: &Path, workload: &Workload) -> Result<Self, Failure> {
        if self.template.is_some() {
            let problem = anyhow::anyhow!("`--dataflow`: `{}` has a dataflow of its own", self.name);
            return Err(Failure::bad_input(problem).hint(
                "that of an accelerator with parameters stands in its file, under `mapping` of each level",
            ));
        }
        if is_yaml(path) {
            let problem = anyhow::anyhow!("{}: a dataflow is read from TOML", path.display());
            return Err(Failure::bad_input(problem).hint(FROM_TIMELOOP));
        }
        let layers: Vec<&Einsum> = workload.layers().iter().map(Layer::einsum).collect();
        let at = path.display().to_string();
        let dataflow = Dataflow::from_toml(&text(path)?, &at, &self.architecture, &layers);
        Ok(Self { dataflow: Some(dataflow.map_err(Failure::bad_input)?), ..self })
    }

    /// What is fixed of the mapping of a layer.
    pub(super) fn constraints(&self, layer: &Einsum) -> MappingConstraints {
        match (&self.template, &self.dataflow) {
            (Some(template), _) => template.file.constraints(layer),
            (None, Some(dataflow)) => dataflow.constraints(layer),
            (None, None) => MappingConstraints::free(&self.architecture, layer),
        }
    }

    /// What `file` makes of `values`, or the rule that they break.
    fn of(name: &str, file: AcceleratorFile, values: Vec<Value>) -> anyhow::Result<Self> {
        for rule in file.rules() {
            let scope: Vec<Value> = rule.scope().map(|index| values[index].clone()).collect();
            if !rule.holds(&scope) {
                anyhow::bail!("{name}: rule `{}` does not hold: {}", rule.name(), rule.text());
            }
        }
        let built =
            file.build(&values).map_err(|broken| anyhow::anyhow!("{name}: the design breaks {broken}"))?;
        let architecture = built.architecture().clone();
        let template = Some(Template { file, values, built });
        Ok(Self { name: name.to_owned(), architecture, template, dataflow: None })
    }

    /// Writes the architecture to `path`, and says what is not in it.
    pub(super) fn write(&self, path: &Path) -> Result<String, Failure> {
        let settings: String = match &self.template {
            Some(Template { file, values, .. }) => {
                let set = file.parameters().iter().zip(values);
                set.map(|(parameter, value)| format!(" {}={value}", parameter.name)).collect()
            }
            None => String::new(),
        };
        let text = ::toml::to_string(&self.architecture).map_err(Failure::failed)?;
        put_whole(path, format!("# {}{settings}\n\n{text}", self.name).as_bytes()).map_err(|error| {
            Failure::unwritable(error).context(format!("cannot write {}", path.display()))
        })?;
        let mut said = format!("\nwritten to {}\n", path.display());
        if self.template.is_some() {
            said.push_str(
                "note: the file holds memories, units and networks; what the accelerator asks of mappings, and its program, are not in it\n",
            );
        }
        Ok(said)
    }

    /// This machine with one part larger, by what is larger: each parameter of a template at its next level, otherwise each level with
    /// twice the words and twice the bandwidth. Of what cannot be built, the reason.
    pub(super) fn steps(&self) -> Vec<(String, anyhow::Result<Self>)> {
        let Some(Template { file, values, .. }) = &self.template else { return self.doubled() };
        let step = |(index, parameter): (usize, &FileParameter)| {
            let next = parameter.levels.above(&values[index])?;
            let mut larger = values.clone();
            let change = format!("{} {} -> {next}", parameter.name, values[index]);
            larger[index] = next;
            Some((change, Self::of(&self.name, file.clone(), larger)))
        };
        file.parameters().iter().enumerate().filter_map(step).collect()
    }

    fn doubled(&self) -> Vec<(String, anyhow::Result<Self>)> {
        let levels = self.architecture.levels();
        let with = |index: usize, change: String, larger: Level| {
            let mut levels = levels.to_vec();
            levels[index] = larger;
            let architecture = Architecture::new(self.architecture.mac().clone(), levels);
            let machine = architecture.map(|architecture| Self {
                name: self.name.clone(),
                architecture,
                template: None,
                dataflow: self.dataflow.clone(),
            });
            (change, machine.map_err(anyhow::Error::from))
        };
        let mut steps = Vec::new();
        for (index, level) in levels.iter().enumerate() {
            if let Some(entries) = level.entries {
                let larger = Level { entries: Some(entries.saturating_mul(2)), ..level.clone() };
                steps.push(with(
                    index,
                    format!("{}: twice the words, at the same energies", level.name),
                    larger,
                ));
            }
            let twice = |words: Option<f64>| words.map(|words| 2.0 * words);
            let bandwidth = Bandwidth {
                read_words_per_cycle: twice(level.bandwidth.read_words_per_cycle),
                write_words_per_cycle: twice(level.bandwidth.write_words_per_cycle),
                shared_words_per_cycle: twice(level.bandwidth.shared_words_per_cycle),
            };
            if bandwidth != level.bandwidth {
                let larger = Level { bandwidth, ..level.clone() };
                steps.push(with(index, format!("{}: twice the bandwidth", level.name), larger));
            }
        }
        steps
    }
}

/// One value for each parameter of `file`, in their order.
fn set(name: &str, file: &AcceleratorFile, settings: &[Fixed]) -> Result<Vec<Value>, Failure> {
    let parameters = || file.parameters().iter().map(|parameter| parameter.name.as_str());
    for (index, Fixed(parameter, _)) in settings.iter().enumerate() {
        if !parameters().any(|known| known == parameter) {
            return Err(Failure::from(UnknownName::among("parameter", parameter, parameters())));
        }
        if settings[..index].iter().any(|Fixed(other, _)| other == parameter) {
            return Err(Failure::bad_input(anyhow::anyhow!("`{parameter}` is set twice")));
        }
    }
    let mut values = Vec::new();
    let mut missing = Vec::new();
    for parameter in file.parameters() {
        match settings.iter().find(|Fixed(name, _)| *name == parameter.name) {
            Some(Fixed(_, value)) if parameter.levels.contains(value) => values.push(value.clone()),
            Some(Fixed(_, value)) => {
                let (own, levels) = (&parameter.name, &parameter.levels);
                let problem = anyhow::anyhow!("`{own}` is {value}, expected one of {levels}");
                return Err(Failure::bad_input(problem));
            }
            None => missing.push(format!("{} ({})", parameter.name, parameter.levels)),
        }
    }
    if missing.is_empty() {
        return Ok(values);
    }
    let problem = anyhow::anyhow!("{name}: no value for {}", missing.join("; "));
    Err(Failure::bad_input(problem).hint("values stand behind the workload: `rows=16 columns=16`"))
}

/// Whether a file is the template of an accelerator: it has what an architecture has not.
fn is_template(text: &str) -> bool {
    const OWN: [&str; 4] = ["constants", "parameters", "values", "parts"];
    text.parse::<::toml::Table>().is_ok_and(|table| OWN.iter().any(|key| table.contains_key(*key)))
}

/// The layers that are to be run.
pub(super) struct Workload {
    /// As it was named on the command line.
    pub(super) name: String,
    layers: Vec<Layer>,
}

impl Workload {
    /// A network or, behind a colon, one run of one layer of it.
    pub(super) fn open(name: &str) -> Result<Self, Failure> {
        let (network_name, layer_name) =
            name.split_once(':').map_or((name, None), |(network, layer)| (network, Some(layer)));
        let network = open_network(network_name)?;
        let layers = match layer_name {
            None => network.layers().to_vec(),
            Some(wanted) => {
                let Some(layer) = network.layers().iter().find(|layer| layer.name() == wanted) else {
                    let known = network.layers().iter().map(Layer::name);
                    let unknown = UnknownName::among("layer", wanted, known);
                    let hint = format!("its layers are {}", unknown.known.join(", "));
                    return Err(Failure::from(unknown).hint(hint));
                };
                let once = Layer::new(layer.name(), layer.op().clone());
                vec![once.expect("invariant: a layer of a network is in range")]
            }
        };
        Ok(Self { name: name.to_owned(), layers })
    }

    /// The layers, at least one.
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }
}

/// The mapping of a file.
pub(super) fn mapping(path: &Path) -> Result<MappingText, Failure> {
    if is_yaml(path) {
        let problem = anyhow::anyhow!("{}: a mapping is read from TOML", path.display());
        return Err(Failure::bad_input(problem).hint(FROM_TIMELOOP));
    }
    toml(path)
}

/// What can be done with files of Timeloop.
const FROM_TIMELOOP: &str = "`tapeout timeloop FILES --out FOLDER` writes architecture, network, dataflow and mapping of files of Timeloop as TOML";

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "jinja" | "jinja2"))
}

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let unread = |error| Failure::bad_input(error).context(format!("{}: cannot read", path.display()));
    tapeout::input::read_text(path).map_err(unread)
}

fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

fn toml<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    ::toml::from_str(&text(path)?).map_err(|error| {
        Failure::bad_input(anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim_end()))
    })
}
