//! `tapeout check`.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use tapeout::core::check::{Findings, check_agent, check_env, check_surrogate};
use tapeout::core::{AgentEntry, Catalog, EnvEntry, LearnerEntry, UnknownName};
use tapeout::experiment::{Experiment, Run, Spec};

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::number::usize_count;
use crate::table::{Column, Table};

/// What to check.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// `envs`, `agents`, `learners`, a name, a spec, or the folder of a run [default: all that is registered]
    what: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was checked, and what was found.
#[derive(Serialize)]
struct Verdict {
    kind: &'static str,
    name: String,
    /// What was done, where that is not the same for all of the kind.
    note: String,
    findings: Vec<Departure>,
}

/// A departure from a contract.
#[derive(Serialize)]
struct Departure {
    seen: String,
    hint: String,
}

impl Args {
    /// A row for everything that was checked, and each departure.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let mut verdicts = Vec::new();
        if self.what.is_empty() {
            verdicts.extend(catalog.envs().iter().map(|entry| env_verdict(catalog, entry)));
            verdicts.extend(catalog.agents().iter().map(agent_verdict));
            verdicts.extend(catalog.learners().iter().map(learner_verdict));
        }
        for what in &self.what {
            verdicts.extend(verdicts_of(what, catalog)?);
        }
        let is_clean = verdicts.iter().all(|verdict| verdict.findings.is_empty());
        let answer = if self.json {
            Answer::json(&json!({ "checked": verdicts }))
        } else {
            Answer::text(text(&verdicts))
        };
        Ok(if is_clean { answer } else { answer.with_exit(Exit::Difference) })
    }
}

fn verdicts_of(what: &str, catalog: &Catalog) -> Result<Vec<Verdict>, Failure> {
    let path = Path::new(what);
    match what {
        "envs" => return Ok(catalog.envs().iter().map(|entry| env_verdict(catalog, entry)).collect()),
        "agents" => return Ok(catalog.agents().iter().map(agent_verdict).collect()),
        "learners" => return Ok(catalog.learners().iter().map(learner_verdict).collect()),
        _ if path.extension().is_some_and(|extension| extension == "toml") => {
            return Ok(vec![spec_verdict(path, catalog)?]);
        }
        _ => {}
    }
    let mut verdicts = Vec::new();
    verdicts.extend(catalog.env(what).ok().map(|entry| env_verdict(catalog, entry)));
    verdicts.extend(catalog.agent(what).ok().map(agent_verdict));
    verdicts.extend(catalog.learner(what).ok().map(learner_verdict));
    if !verdicts.is_empty() {
        return Ok(verdicts);
    }
    if path.is_dir() || path.components().count() > 1 {
        return Ok(vec![run_verdict(path, catalog)?]);
    }
    let known = ["envs", "agents", "learners"]
        .into_iter()
        .chain(catalog.envs().iter().map(|entry| entry.id))
        .chain(catalog.agents().iter().map(|entry| entry.id))
        .chain(catalog.learners().iter().map(|entry| entry.id));
    Err(UnknownName::among("name", what, known).into())
}

fn env_verdict(catalog: &Catalog, entry: &EnvEntry) -> Verdict {
    if !entry.required.is_empty() {
        let note = format!("nothing was evaluated: it needs {}", entry.required.join(", "));
        return Verdict { kind: "env", name: entry.id.to_owned(), note, findings: Vec::new() };
    }
    let (note, findings) = match catalog.build_env(entry.id, &Value::Null) {
        Ok((env, _)) => {
            let missing = env.missing().map(|missing| format!("nothing was evaluated: {missing}"));
            (missing.unwrap_or_default(), departures(check_env(env.as_ref())))
        }
        Err(error) => {
            let seen = format!("the default settings are refused: {error}");
            let hint = "give every setting a default that works".to_owned();
            (String::new(), vec![Departure { seen, hint }])
        }
    };
    Verdict { kind: "env", name: entry.id.to_owned(), note, findings }
}

fn agent_verdict(entry: &AgentEntry) -> Verdict {
    if !entry.required.is_empty() {
        let note = format!("it was asked nothing: it needs {}", entry.required.join(", "));
        return Verdict { kind: "agent", name: entry.id.to_owned(), note, findings: Vec::new() };
    }
    let findings = departures(check_agent(entry));
    Verdict { kind: "agent", name: entry.id.to_owned(), note: String::new(), findings }
}

fn learner_verdict(entry: &LearnerEntry) -> Verdict {
    let findings = departures(check_surrogate(entry, &Value::Null));
    Verdict { kind: "learner", name: entry.id.to_owned(), note: String::new(), findings }
}

fn departures(result: Result<(), Findings>) -> Vec<Departure> {
    let findings = result.err().unwrap_or_default();
    let departure = |(seen, hint): (&String, &String)| Departure { seen: seen.clone(), hint: hint.clone() };
    findings.list().iter().map(|finding| departure((&finding.seen, &finding.remedy))).collect()
}

/// A spec that can be run; one that cannot is bad input.
fn spec_verdict(path: &Path, catalog: &Catalog) -> Result<Verdict, Failure> {
    let experiment = Experiment::prepare(catalog, Spec::read(path)?)?;
    let spec = experiment.spec();
    let note = format!("{} searches {}", spec.agent.id, spec.env.id);
    Ok(Verdict { kind: "spec", name: path.display().to_string(), note, findings: Vec::new() })
}

/// A run whose log can be read, and whose environment still says what is logged.
fn run_verdict(path: &Path, catalog: &Catalog) -> Result<Verdict, Failure> {
    let run = Run::open(catalog, path)?;
    let env = run.experiment().env();
    let name = path.display().to_string();
    let trials = run.trials().len();
    let failed = run.trials().iter().filter(|trial| trial.outcome.is_failed()).count();
    let failed =
        if failed == 0 { String::new() } else { format!(", {} that failed left out", usize_count(failed)) };
    if env.is_noisy() {
        let note = format!("{} trials read{failed}; the environment is noisy", usize_count(trials));
        return Ok(Verdict { kind: "run", name, note, findings: Vec::new() });
    }
    let mut findings = Vec::new();
    // What failed said nothing of its design that could be held against an answer.
    for (index, trial) in run.trials().iter().enumerate().filter(|(_, trial)| !trial.outcome.is_failed()) {
        let outcome = env.evaluate(&trial.design).map_err(|error| {
            Failure::failed(error).context(format!("{name}: trial {index} cannot be evaluated again"))
        })?;
        if outcome != trial.outcome {
            findings.push(Departure {
                seen: format!(
                    "trial {index}: the log has {:?}, the environment says {outcome:?}",
                    trial.outcome
                ),
                hint: "the log was edited, or the environment changed without a new version".to_owned(),
            });
        }
    }
    let note = format!("{} trials evaluated again{failed}", usize_count(trials));
    Ok(Verdict { kind: "run", name, note, findings })
}

fn text(verdicts: &[Verdict]) -> String {
    let mut table = Table::new(&[
        ("kind", Column::Words),
        ("name", Column::Words),
        ("verdict", Column::Words),
        ("note", Column::Words),
    ]);
    for verdict in verdicts {
        let found = match verdict.findings.len() {
            0 => "ok".to_owned(),
            1 => "1 finding".to_owned(),
            n => format!("{n} findings"),
        };
        table.row([verdict.kind.to_owned(), verdict.name.clone(), found, verdict.note.clone()]);
    }
    let mut text = table.text();
    for verdict in verdicts {
        for Departure { seen, hint } in &verdict.findings {
            text.push_str(&format!("\n{} {}: {seen}\n  hint: {hint}\n", verdict.kind, verdict.name));
        }
    }
    text
}
