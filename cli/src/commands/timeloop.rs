//! `tapeout timeloop`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tapeout::experiment::put_whole;
use tapeout::simulators::loop_nest::Architecture;
use tapeout::simulators::loop_nest::timeloop::read_design;
use tapeout::simulators::networks::problem_network;

use crate::answer::Answer;
use crate::failure::Failure;

/// What to read, and where to write it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files of Timeloop v4 in YAML, or templates of it in Jinja: an architecture, Accelergy's summary of energies, a problem, a
    /// mapping, in one or several
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What a name of the templates stands for: `architecture=eyeriss_like`
    #[arg(long = "define", value_name = "NAME=VALUE", value_parser = definition)]
    definitions: Vec<(String, String)>,
    /// The folder for `architecture.toml`, `network.toml`, `mapping.toml` and, where components constrain mappings, `dataflow.toml`
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

impl Args {
    /// Which files were written, and which keys were not read.
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut files = Vec::new();
        for path in &self.files {
            let text = tapeout::input::read_text(path).map_err(|error| {
                Failure::bad_input(error).context(format!("{}: cannot read", path.display()))
            })?;
            files.push((path.display().to_string(), text));
        }
        let texts: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let design = read_design(&texts, &self.definitions).map_err(Failure::bad_input)?;
        let mut written = Vec::new();
        if let Some(architecture) = &design.architecture {
            written.push(("architecture.toml", toml::to_string(architecture)));
        }
        if let Some(mapping) = &design.mapping {
            written.push(("mapping.toml", toml::to_string(mapping)));
        }
        if !design.dataflow.is_empty() {
            let levels = BTreeMap::from([("levels", &design.dataflow)]);
            written.push(("dataflow.toml", toml::to_string(&levels)));
        }
        std::fs::create_dir_all(&self.out).map_err(|error| self.unwritten(error, &self.out))?;
        let mut said = String::new();
        for (name, text) in written {
            let text = text.map_err(Failure::failed)?;
            said.push_str(&self.write(name, &text)?);
        }
        if let Some(problem) = &design.problem {
            let network = problem_network(problem, &files[0].0).map_err(Failure::bad_input)?.network;
            said.push_str(&self.write("network.toml", &network.to_toml())?);
        }
        if said.is_empty() {
            let none = anyhow::anyhow!("no `architecture`, `problem` or `mapping` is in these files");
            return Err(Failure::bad_input(none));
        }
        for key in &design.unread {
            said.push_str(&format!("note: {key}\n"));
        }
        let is_free = |machine: &Architecture| {
            let reads = machine.levels().iter().map(|level| level.energy.read_j);
            reads.chain([machine.mac().energy_j]).all(|energy_j| energy_j == 0.0)
        };
        if design.architecture.as_ref().is_some_and(is_free) {
            said.push_str("note: no file has energies (`ERT_summary` or `ERT` of Accelergy): they are 0\n");
        }
        Ok(Answer::text(said))
    }

    fn write(&self, name: &str, text: &str) -> Result<String, Failure> {
        let path = self.out.join(name);
        put_whole(&path, text.as_bytes()).map_err(|error| self.unwritten(error, &path))?;
        Ok(format!("written to {}\n", path.display()))
    }

    fn unwritten(&self, error: std::io::Error, path: &Path) -> Failure {
        Failure::unwritable(error).context(format!("cannot write {}", path.display()))
    }
}

/// A name and what it stands for.
fn definition(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected `NAME=VALUE`")?;
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(format!("`{name}` is no name of a template: letters, digits and underscores"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
