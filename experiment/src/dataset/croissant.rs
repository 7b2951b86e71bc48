//! `croissant.json`: what a data set is, in the words of Croissant, by which search engines and loaders of data sets know tables.
//!
//! Source: Croissant Format Specification 1.0 (MLCommons, 2024), docs.mlcommons.org/croissant/docs/croissant-spec.html: "Dataset-level
//! information", "Resources", "RecordSets". Checked with mlcroissant 1.1: `docs/guide/datasets.md` has the command.

use serde_json::{Value, json};

use super::layout::{Column, Kind, Levels, Note};
use super::manifest::{Count, TableEntry};
use super::table::About;

/// Which form it has.
const CONFORMS_TO: &str = "http://mlcommons.org/croissant/1.0";

/// The text of the file. `license`, `url`, `creator`, `datePublished` and `version`, which the specification asks for, are known to whoever
/// publishes the set, and to nobody before; the version of the environment is in the description, and none of the set.
pub(super) fn croissant(about: &About, counts: &[Count], entry: &TableEntry) -> String {
    let env = &about.env;
    let version = env.version.unwrap_or_default();
    let n_infeasible: usize = counts.iter().map(|count| count.infeasible).sum();
    let names: Vec<&str> = about.workloads.iter().map(|workload| workload.name.as_str()).collect();
    let description = format!(
        "{} hardware designs of the environment `{}` (version {version}) of Tapeout and what became of them, {n_infeasible} of them infeasible; workloads: {}. `dataset.toml` has all settings.",
        entry.rows,
        env.id,
        names.join(", "),
    );
    let fields: Vec<Value> = about.columns().iter().map(|column| field(column, &entry.file)).collect();
    let file = json!({
        "@type": "cr:FileObject",
        "@id": entry.file,
        "name": entry.file,
        "contentUrl": entry.file,
        "contentSize": format!("{} B", entry.bytes),
        "encodingFormat": if entry.file.ends_with(".csv") { "text/csv" } else { "application/x-parquet" },
        "sha256": entry.sha256,
    });
    let whole = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "name": format!("tapeout-{}", env.id),
        "description": description,
        "conformsTo": CONFORMS_TO,
        "distribution": [file],
        "recordSet": [{ "@type": "cr:RecordSet", "@id": "trials", "name": "trials", "field": fields }],
    });
    let mut text = serde_json::to_string_pretty(&whole).expect("invariant: plain data with text keys");
    text.push('\n');
    text
}

fn field(column: &Column, file: &str) -> Value {
    let id = format!("trials/{}", column.name);
    json!({
        "@type": "cr:Field",
        "@id": id,
        "name": id,
        "description": words(&column.note),
        "dataType": match column.kind {
            Kind::Text => "sc:Text",
            Kind::Integer => "sc:Integer",
            Kind::Real => "sc:Float",
        },
        "source": { "fileObject": { "@id": file }, "extract": { "column": column.name } },
    })
}

/// A note in words: Croissant has no place for units and levels.
fn words(note: &Note) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend((!note.about.is_empty()).then(|| note.about.clone()));
    parts.extend((!note.unit.is_empty()).then(|| format!("in {}", note.unit)));
    parts.extend(note.levels.as_ref().map(|levels| match levels {
        Levels::Range { low, high, step: 1 } => format!("a whole number from {low} to {high}"),
        Levels::Range { low, high, step } => {
            format!("a whole number from {low} to {high} in steps of {step}")
        }
        Levels::Many { n, first, last } => format!("{n} levels from {first} to {last}"),
        Levels::Listed(levels) => {
            let levels: Vec<String> = levels.iter().map(ToString::to_string).collect();
            match levels.as_slice() {
                // Ours: what a line of a description holds.
                [first, .., last] if levels.len() > 32 => {
                    format!("{} levels from {first} to {last}", levels.len())
                }
                _ => format!("one of {}", levels.join(", ")),
            }
        }
    }));
    parts.join("; ")
}

/// What the words mean. Source: the specification, "Appendix 1: JSON-LD context".
fn context() -> Value {
    let mut context = json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "examples": { "@id": "cr:examples", "@type": "@json" },
    });
    for word in [
        "citeAs",
        "equivalentProperty",
        "samplingRate",
        "column",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "separator",
        "source",
        "subField",
        "transform",
    ] {
        context[word] = format!("cr:{word}").into();
    }
    context
}
