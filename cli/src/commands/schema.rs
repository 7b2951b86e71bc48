//! `tapeout schema`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tapeout::core::UnknownName;

use crate::answer::{Answer, SCHEMA};
use crate::failure::Failure;

/// JSON Schema of all answers: `NAME-answer` for a command, `error` for one that fails.
/// Source of the form: JSON Schema, draft 2020-12.
const ANSWERS: &str = include_str!("../../schemas/answers.json");

/// What is behind the name of a command in the name of its answer.
const SUFFIX: &str = "-answer";

/// Where one part of a schema refers to another.
const DEFINITIONS: &str = "#/$defs/";

/// Whose answer.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The command: `search`, `dataset info`, or `error` for one that fails; all of them if absent
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl Args {
    /// The JSON Schema of an answer with all that it refers to, or of all answers.
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        if self.command.is_empty() {
            return Ok(Answer::text(ANSWERS));
        }
        let mut schema = answers();
        let definitions = schema["$defs"].as_object().expect("invariant: tested");
        let asked = self.command.join(" ");
        let name = match asked.as_str() {
            "error" => "error".to_owned(),
            _ => asked.replace(' ', "-") + SUFFIX,
        };
        if !definitions.contains_key(&name) {
            let known: Vec<String> = commands(definitions).chain(["error".to_owned()]).collect();
            return Err(UnknownName::among("command", &asked, known.iter().map(String::as_str)).into());
        }
        let needed = reachable(definitions, &name);
        let parts: Map<String, Value> = definitions
            .iter()
            .filter(|(part, _)| needed.contains(*part))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        schema["title"] = format!("Answer of tapeout, version {SCHEMA}: {asked}").into();
        schema["$ref"] = format!("{DEFINITIONS}{name}").into();
        schema["$defs"] = parts.into();
        let text = serde_json::to_string_pretty(&schema);
        Ok(Answer::text(text.expect("invariant: what was parsed can be printed")))
    }
}

fn answers() -> Value {
    serde_json::from_str(ANSWERS).expect("invariant: tested")
}

/// The commands that have an answer, as they are typed.
fn commands(definitions: &Map<String, Value>) -> impl Iterator<Item = String> {
    definitions.keys().filter_map(|name| name.strip_suffix(SUFFIX)).map(|name| name.replace('-', " "))
}

/// The names of a part and of all that it refers to.
fn reachable(definitions: &Map<String, Value>, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            references(definitions.get(&name).unwrap_or(&Value::Null), &mut open);
        }
    }
    found
}

/// Appends the names that a part refers to itself.
fn references(part: &Value, names: &mut Vec<String>) {
    match part {
        Value::Object(entries) => {
            let name =
                entries.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix(DEFINITIONS));
            names.extend(name.map(str::to_owned));
            entries.values().for_each(|entry| references(entry, names));
        }
        Value::Array(parts) => parts.iter().for_each(|part| references(part, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Command as Clap, Subcommand as _};

    use super::{SCHEMA, answers, commands, reachable};
    use crate::commands::Command;

    /// The commands below `command` that can print JSON.
    fn with_json(command: &Clap, above: &str, found: &mut BTreeSet<String>) {
        for below in command.get_subcommands() {
            let name = format!("{above}{}", below.get_name());
            if below.get_arguments().any(|flag| flag.get_long() == Some("json")) {
                found.insert(name.clone());
            }
            with_json(below, &format!("{name} "), found);
        }
    }

    /// Claim: every command that prints JSON has a schema, no other has, and no schema refers to what is not there.
    #[test]
    fn every_answer_has_a_schema() {
        // These two print nothing else.
        let mut expected: BTreeSet<String> = ["ask", "tell"].map(str::to_owned).into();
        with_json(&Command::augment_subcommands(Clap::new("tapeout")), "", &mut expected);
        let answers = answers();
        let definitions = answers["$defs"].as_object().unwrap();
        assert_eq!(commands(definitions).collect::<BTreeSet<_>>(), expected);
        for name in definitions.keys() {
            let missing: Vec<_> = reachable(definitions, name)
                .into_iter()
                .filter(|part| !definitions.contains_key(part))
                .collect();
            assert_eq!(missing, [""; 0], "{name}");
        }
    }

    /// Claim: what `tapeout schema COMMAND` prints stands by itself, and is of the version that answers state.
    #[test]
    fn a_schema_of_one_answer_holds_what_it_needs() {
        let args = super::Args { command: vec!["dataset".to_owned(), "info".to_owned()] };
        let (text, _) = args.run().unwrap().into_parts();
        let schema: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(schema["$ref"], "#/$defs/dataset-info-answer");
        let parts: Vec<&String> = schema["$defs"].as_object().unwrap().keys().collect();
        assert_eq!(
            parts,
            ["dataset-info-answer", "dataset", "environment", "overview", "settings", "workload"]
        );
        assert_eq!(schema["$defs"]["dataset"]["properties"]["schema"]["const"], SCHEMA);
        let message = super::Args { command: vec!["serch".to_owned()] }.run().unwrap_err().to_string();
        assert!(message.contains("did you mean `search`?"), "{message}");
    }
}
