//! `tapeout network`: networks in files of other programs.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use tapeout::experiment::put_whole;
use tapeout::simulators::networks::{Dimensions, ImportedNetwork, LeftOut, NetworkProblem, import_network};

use super::describe::{network_json, network_page};
use crate::answer::Answer;
use crate::failure::Failure;
use crate::number::count;
use crate::table::{Column, Table};

/// What is to be done.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show the layers and totals of a network in a file, what of it is no layer, and write it as TOML
    Import(Import),
}

/// What to read, and where to write it.
#[derive(clap::Args)]
struct Import {
    /// An ONNX model (.onnx), a network of SCALE-Sim or GAMMA (.csv), of MAESTRO (.m) or Timeloop (.yaml), or in TOML
    file: PathBuf,
    /// What a size is that the file leaves open: `batch=1`; again for several
    #[arg(long, value_name = "NAME=SIZE", value_parser = dimension)]
    dimension: Vec<(String, u64)>,
    /// Write the network here, as TOML
    #[arg(long, value_name = "FILE.toml")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        match &self.action {
            Action::Import(import) => import.run(),
        }
    }
}

impl Import {
    fn run(&self) -> Result<Answer, Failure> {
        let dimensions: Dimensions = self.dimension.iter().cloned().collect();
        let imported = import_network(&self.file, &dimensions).map_err(|error| {
            let hint = match &error.problem {
                NetworkProblem::OpenSize { name, .. } => {
                    Some(format!("for example `--dimension {name}=224`"))
                }
                _ => None,
            };
            let failure = Failure::bad_input(error);
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        if let Some(out) = &self.out {
            put_whole(out, imported.network.to_toml().as_bytes()).map_err(|error| {
                Failure::unwritable(error).context(format!("cannot write {}", out.display()))
            })?;
        }
        if self.json {
            return Ok(Answer::json(&data(&imported)));
        }
        let mut text = network_page(&imported.network);
        text.push_str(&left_out(&imported.left_out));
        if let Some(out) = &self.out {
            text.push_str(&format!("\nwritten to {}\n", out.display()));
        }
        Ok(Answer::text(text))
    }
}

/// `batch=1`.
fn dimension(text: &str) -> Result<(String, u64), String> {
    let parsed =
        text.rsplit_once('=').and_then(|(name, size)| Some((name.trim(), size.trim().parse().ok()?)));
    let parsed = parsed.filter(|(name, size)| !name.is_empty() && *size > 0);
    parsed
        .map(|(name, size)| (name.to_owned(), size))
        .ok_or_else(|| "expected a name and a size such as `batch=1`".to_owned())
}

fn left_out(left_out: &[LeftOut]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new(&[("no layer", Column::Words), ("operators", Column::Numbers), ("why", Column::Words)]);
    for LeftOut { operator, count: n, why } in left_out {
        table.row([operator.clone(), count(*n), (*why).to_owned()]);
    }
    format!("\n{}", table.text())
}

fn data(imported: &ImportedNetwork) -> Value {
    let mut page = network_json(&imported.network);
    page["form"] = json!(imported.form.to_string());
    page["left_out"] = imported
        .left_out
        .iter()
        .map(
            |left_out| json!({ "operator": left_out.operator, "count": left_out.count, "why": left_out.why }),
        )
        .collect();
    page
}
