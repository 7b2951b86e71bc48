//! `tapeout predict`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde_json::{Map, Value as Json, json};
use tapeout::core::{Catalog, Design, DesignSpace, ModelFile, Value, WorkloadContext};
use tapeout::experiment::plot::quantity;
use tapeout::offline::Proposals;
use tapeout::surrogates::Outlook;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::table::{Column, Table};

/// What to ask of which model.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A model file: `tapeout fit` writes them
    model: PathBuf,
    /// A file of designs: a JSON object of parameters and values on each line, or proposals
    designs: PathBuf,
    /// The workload to predict for [default: all that the model knows of]
    #[arg(long, value_name = "NAME")]
    workload: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What the model expects of each design for each workload.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let model = read_model(&self.model)?;
        let settings = model.card.sources.first().map_or(&Json::Null, |source| &source.settings);
        let (env, _) = catalog.build_env(&model.card.env, settings)?;
        let surrogate = catalog
            .surrogate(&model, env.space())
            .map_err(|error| Failure::bad_input(error).context(self.model.display().to_string()))?;
        let designs = read_designs(&self.designs, env.space())?;
        let known = model.card.sources.iter().map(|source| &source.workload);
        for name in &self.workload {
            if !known.clone().any(|workload| workload.name == *name) {
                let names: Vec<&str> = known.clone().map(|known| known.name.as_str()).collect();
                let error = anyhow!("{}: the model knows no workload `{name}`", self.model.display());
                return Err(Failure::bad_input(error).hint(format!("it knows {}", names.join(", "))));
            }
        }
        let is_wanted =
            |workload: &&WorkloadContext| self.workload.is_empty() || self.workload.contains(&workload.name);
        let wanted: Vec<&WorkloadContext> = known.filter(is_wanted).collect();
        let asked = wanted.iter().map(|workload| (workload.context.as_slice(), 1.0));
        let outlook = Outlook::new(surrogate.as_ref(), asked, &designs);
        let metrics = &model.card.metrics;
        let mut columns = vec![("", Column::Numbers), ("workload", Column::Words)];
        columns.extend(metrics.iter().map(|metric| (metric.name.as_str(), Column::Numbers)));
        columns.push(("p(feasible)", Column::Numbers));
        let mut table = Table::new(&columns);
        let mut rows = Vec::new();
        for (workload, prediction) in wanted.iter().zip(outlook.predictions()) {
            for (index, mean) in prediction.mean.iter().enumerate() {
                let std = prediction.std.as_ref().map(|std| &std[index]);
                let named = |values: &[f64]| -> Map<String, Json> {
                    metrics
                        .iter()
                        .zip(values)
                        .map(|(metric, &value)| (metric.name.clone(), json!(value)))
                        .collect()
                };
                rows.push(json!({
                    "design": index + 1,
                    "workload": workload.name,
                    "mean": named(mean),
                    "std": std.map(|std| named(std)),
                    "p_feasible": prediction.p_feasible[index],
                }));
                let mut cells = vec![(index + 1).to_string(), workload.name.clone()];
                cells.extend(metrics.iter().enumerate().map(|(place, metric)| {
                    let around = std.map_or_else(String::new, |std| {
                        format!(" ± {:.0} %", 100.0 * std[place] / mean[place].abs())
                    });
                    format!("{}{around}", quantity(mean[place], &metric.unit))
                }));
                cells.push(format!("{:.3}", prediction.p_feasible[index]));
                table.row(cells);
            }
        }
        Ok(if self.json { Answer::json(&json!({ "predictions": rows })) } else { Answer::text(table.text()) })
    }
}

fn read_model(path: &Path) -> Result<ModelFile, Failure> {
    let bytes = tapeout::input::read(path)
        .map_err(|error| Failure::bad_input(error).context(format!("{}: cannot read", path.display())))?;
    ModelFile::from_bytes(&bytes)
        .map_err(|error| Failure::bad_input(error).context(path.display().to_string()))
}

/// Proposals, or an object on each line.
fn read_designs(path: &Path, space: &DesignSpace) -> Result<Vec<Design>, Failure> {
    let text = tapeout::input::read_text(path)
        .map_err(|error| Failure::bad_input(error).context(format!("{}: cannot read", path.display())))?;
    if serde_json::from_str::<Json>(&text).is_ok_and(|json| json.get("proposals").is_some()) {
        return Ok(Proposals::read(path)?.designs(space)?);
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let design = |(index, line): (usize, &str)| -> Result<Design, Failure> {
        let place = || format!("{}:{}", path.display(), index + 1);
        let values: BTreeMap<String, Value> = serde_json::from_str(line).map_err(|error| {
            Failure::bad_input(error)
                .context(place())
                .hint("write a JSON object of parameters and values on each line")
        })?;
        let values = values.iter().map(|(name, value)| (name.as_str(), value.clone()));
        space.design_of(values).map_err(|error| Failure::bad_input(error).context(place()))
    };
    lines.map(design).collect()
}
