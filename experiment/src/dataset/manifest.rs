//! `dataset.toml`: what a data set is, without its rows.
//!
//! ```toml
//! format = "tapeout-dataset"
//! schema = 2
//! space = "52b0d1b0a0f6f3a1"      # the fingerprint of the space
//! is_noisy = false
//! [table]                         # the rows: which file, and what must be in it
//! file = "table.parquet"
//! rows = 18000
//! bytes = 412345
//! sha256 = "..."
//! [env]                           # environment, version, and the settings that all workloads share
//! id = "edge-accelerator"
//! version = 0
//! config = { batch = 1 }
//! [[metrics]]                     # name, unit, summary
//! [[parameters]]                  # name, unit, domain
//! [[products]]                    # name, of which parameters, about; none if nothing is known to matter
//! [[equal_levels]]                # parameter, levels, given; none if nothing is known to be equal
//! [[features]]                    # what the numbers of a context are: name, unit, summary
//! [[workloads]]                # name, settings, context, rows, infeasible
//! [[sources]]                     # name, agent, seed
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapeout_core::env::ContextFeature;
use tapeout_core::{Catalog, EqualLevelsText, Metric, Parameter, ProductText};

use super::error::DatasetError;
use super::kinship;
use super::table::{About, DatasetSource, DatasetWorkload};
use crate::spec::{EnvSpec, drop_nulls};

/// The version of the manifest and of the table's columns.
pub const DATASET_SCHEMA: u32 = 2;

const FORMAT: &str = "tapeout-dataset";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    schema: u32,
    space: String,
    is_noisy: bool,
    pub(super) table: TableEntry,
    env: EnvSpec,
    metrics: Vec<Metric>,
    parameters: Vec<Parameter>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    products: Vec<ProductText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    equal_levels: Vec<EqualLevelsText>,
    features: Vec<Feature>,
    workloads: Vec<ManifestWorkload>,
    sources: Vec<DatasetSource>,
}

/// The file of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableEntry {
    pub(super) file: String,
    pub(super) rows: usize,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// How many rows a workload has, and how many of them are infeasible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) rows: usize,
    pub(super) infeasible: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Feature {
    name: String,
    unit: String,
    summary: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestWorkload {
    name: String,
    rows: usize,
    infeasible: usize,
    context: Vec<f64>,
    settings: Map<String, Value>,
}

/// What every version of the manifest has.
#[derive(Deserialize)]
struct Mark {
    format: String,
    schema: u32,
}

/// Where the manifest of the data set in `folder` is.
pub(super) fn manifest_path(folder: &Path) -> PathBuf {
    folder.join("dataset.toml")
}

impl Manifest {
    pub(super) fn of(about: &About, counts: &[Count], table: TableEntry) -> Self {
        let context = about.workloads.first().map_or(&[][..], |first| &first.context);
        let feature = |it: &ContextFeature| Feature {
            name: it.name.clone(),
            unit: it.unit.clone(),
            summary: it.summary.clone(),
        };
        let workload = |(it, count): (&DatasetWorkload, &Count)| {
            let mut settings = it.settings.clone();
            drop_nulls(&mut settings);
            ManifestWorkload {
                name: it.name.clone(),
                rows: count.rows,
                infeasible: count.infeasible,
                context: it.context.iter().map(|feature| feature.value).collect(),
                settings,
            }
        };
        let mut env = about.env.clone();
        drop_nulls(&mut env.config);
        Self {
            format: FORMAT.to_owned(),
            schema: DATASET_SCHEMA,
            space: kinship::mark(&about.space),
            is_noisy: about.is_noisy,
            table,
            env,
            metrics: about.metrics.clone(),
            parameters: about.space.parameters().to_vec(),
            products: about.space.product_texts(),
            equal_levels: about.space.equal_level_texts(),
            features: context.iter().map(feature).collect(),
            workloads: about.workloads.iter().zip(counts).map(workload).collect(),
            sources: about.sources.clone(),
        }
    }

    pub(super) fn text(&self) -> String {
        toml::to_string(self)
            .expect("invariant: a manifest has text keys, no nulls, and whole numbers of 63 bits")
    }

    /// Reads the manifest in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self, DatasetError> {
        let path = manifest_path(folder);
        let text = match tapeout_input::read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(DatasetError::NoDataset { path: folder.to_owned() });
            }
            Err(source) => return Err(DatasetError::File { path, action: "read", source }),
        };
        Self::parse(&text).map_err(|(field, reason)| DatasetError::Manifest { path, field, reason })
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let mark: Mark = toml::from_str(text).map_err(|error| (String::new(), error.message().to_owned()))?;
        if mark.format != FORMAT {
            return Err(("format".to_owned(), format!("got `{}`, expected `{FORMAT}`", mark.format)));
        }
        if mark.schema != DATASET_SCHEMA {
            let reason = format!("got {}; this program reads {DATASET_SCHEMA}", mark.schema);
            return Err(("schema".to_owned(), reason));
        }
        let deserializer =
            toml::Deserializer::parse(text).map_err(|error| (String::new(), error.message().to_owned()))?;
        let manifest: Self = serde_path_to_error::deserialize(deserializer)
            .map_err(|error| (error.path().to_string(), error.inner().message().to_owned()))?;
        manifest.check().map(|()| manifest)
    }

    /// What types do not say: names stand once, and a context has a number for each feature.
    fn check(&self) -> Result<(), (String, String)> {
        if self.workloads.is_empty() {
            return Err(("workloads".to_owned(), "is empty, expected at least one".to_owned()));
        }
        for (index, workload) in self.workloads.iter().enumerate() {
            let field = |name: &str| format!("workloads[{index}].{name}");
            if self.workloads[..index].iter().any(|earlier| earlier.name == workload.name) {
                return Err((field("name"), format!("`{}` stands twice", workload.name)));
            }
            let (got, expected) = (workload.context.len(), self.features.len());
            if got != expected {
                return Err((
                    field("context"),
                    format!("got {got} numbers, expected {expected}: one for each feature"),
                ));
            }
            if let Some(value) = workload.context.iter().find(|value| !value.is_finite()) {
                return Err((field("context"), format!("{value} is not finite")));
            }
        }
        for (index, metric) in self.metrics.iter().enumerate() {
            if self.metrics[..index].iter().any(|earlier| earlier.name == metric.name) {
                return Err((format!("metrics[{index}].name"), format!("`{}` stands twice", metric.name)));
            }
        }
        let file = &self.table.file;
        if file.is_empty() || file.contains(['/', '\\']) {
            let reason = format!("got `{file}`, expected the name of a file in the same folder");
            return Err(("table.file".to_owned(), reason));
        }
        Ok(())
    }

    /// What the rows are rows of, and how many each workload has.
    pub(super) fn about(&self, catalog: &Catalog) -> Result<(About, Vec<Count>), (String, String)> {
        let mut built_from = self.env.clone();
        if let Some(first) = self.workloads.first() {
            built_from.config.extend(first.settings.clone());
        }
        let space = kinship::space_again(catalog, &built_from, &self.parameters, &self.space)
            .map_err(|reason| ("space".to_owned(), reason))?;
        let space = space
            .with_products(&self.products)
            .map_err(|error| ("products".to_owned(), error.to_string()))?
            .with_equal_levels(&self.equal_levels)
            .map_err(|error| ("equal_levels".to_owned(), error.to_string()))?;
        let workload = |entry: &ManifestWorkload| {
            let feature = |(it, &value): (&Feature, &f64)| ContextFeature {
                name: it.name.clone(),
                unit: it.unit.clone(),
                summary: it.summary.clone(),
                value,
            };
            DatasetWorkload {
                name: entry.name.clone(),
                settings: entry.settings.clone(),
                context: self.features.iter().zip(&entry.context).map(feature).collect(),
            }
        };
        let about = About {
            space,
            env: self.env.clone(),
            is_noisy: self.is_noisy,
            metrics: self.metrics.clone(),
            workloads: self.workloads.iter().map(workload).collect(),
            sources: self.sources.clone(),
        };
        let count = |entry: &ManifestWorkload| Count { rows: entry.rows, infeasible: entry.infeasible };
        Ok((about, self.workloads.iter().map(count).collect()))
    }
}
