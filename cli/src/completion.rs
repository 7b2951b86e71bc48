//! What a shell offers at the press of a key: beside commands and flags, what the program knows by name. Which argument takes which names is one
//! table, so that commands need know nothing of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use serde_json::Value;
use tapeout::core::Catalog;
use tapeout::experiment::Spec;
use tapeout::experiment::folder::spec_path;
use tapeout::simulators::networks::NETWORKS;

use crate::Arguments;

/// The variable in which a shell says that it asks, and which shell it is.
pub(crate) const VARIABLE: &str = "COMPLETE";

/// What names an argument takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Agents,
    Envs,
    Learners,
    Networks,
    /// Of the environment that the command line names.
    Metrics,
    /// `env.KEY=` and `agent.KEY=` of those that it names.
    Settings,
    /// Folders of runs.
    Runs,
}

/// Arguments by their name in the code, whether they are flags, and what they take.
const TAKEN: &[(&str, bool, &[Names])] = &[
    ("agent", true, &[Names::Agents]),
    ("agents", true, &[Names::Agents]),
    ("baseline", true, &[Names::Agents]),
    ("env", true, &[Names::Envs]),
    ("env", false, &[Names::Envs]),
    ("learner", true, &[Names::Learners]),
    ("objective", true, &[Names::Metrics]),
    ("constraint", true, &[Names::Metrics]),
    ("target", true, &[Names::Metrics]),
    ("reference", true, &[Names::Metrics]),
    ("x", true, &[Names::Metrics]),
    ("y", true, &[Names::Metrics]),
    ("set", true, &[Names::Settings]),
    ("run", false, &[Names::Runs]),
    ("runs", false, &[Names::Runs]),
    ("of", false, &[Names::Runs]),
    ("warm_start", true, &[Names::Runs]),
    ("target", false, &[Names::Envs, Names::Runs]),
    ("what", false, &[Names::Envs, Names::Agents, Names::Learners, Names::Runs]),
    ("name", false, &[Names::Envs, Names::Agents, Names::Learners, Names::Networks]),
    ("workload", false, &[Names::Networks]),
];

/// The program's arguments with what completes them, where the command line so far has these `words`.
pub(crate) fn command(catalog: &Catalog, words: &[OsString]) -> Command {
    let known = Arc::new(Known::of(catalog, words));
    with_names(Arguments::command(), &known)
}

fn with_names(command: Command, known: &Arc<Known>) -> Command {
    let command = command.mut_args(|arg| completed(arg, known));
    command.mut_subcommands(|command| with_names(command, known))
}

fn completed(arg: Arg, known: &Arc<Known>) -> Arg {
    let is_flag = arg.get_long().is_some() || arg.get_short().is_some();
    // What has values of its own, such as a choice of a few words, is completed by them.
    if !arg.get_possible_values().is_empty() {
        return arg;
    }
    let taken = TAKEN.iter().find(|(id, flag, _)| arg.get_id() == *id && *flag == is_flag);
    match taken {
        None => arg,
        Some((_, _, names)) => {
            let known = Arc::clone(known);
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                names.iter().flat_map(|&names| known.candidates(names, typed)).collect::<Vec<_>>()
            }))
        }
    }
}

/// What can be named, and what the command line has named so far.
struct Known {
    catalog: Catalog,
    env: Option<String>,
    agent: Option<String>,
    /// Settings of the environment of the run that was named.
    config: Value,
}

impl Known {
    fn of(catalog: &Catalog, words: &[OsString]) -> Self {
        let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
        let behind = |flag: &str| {
            let place = words.iter().rposition(|word| *word == flag)?;
            words.get(place + 1).map(|name| name.rsplit('=').next().unwrap_or(name).to_string())
        };
        // A spec or a run that was named says both.
        let spec = |word: &&str| {
            let path = Path::new(word);
            let path = if path.is_dir() { spec_path(path) } else { path.to_owned() };
            let is_spec = path.extension().is_some_and(|extension| extension == "toml") && path.is_file();
            is_spec.then(|| Spec::read(&path).ok()).flatten()
        };
        let spec = words.iter().skip(1).find_map(spec);
        let named = |word: &&&str| catalog.env(word).is_ok();
        let env = behind("--env").or_else(|| words.iter().skip(2).find(named).map(|word| (*word).to_owned()));
        let config = match (&env, &spec) {
            (None, Some(spec)) => Value::Object(spec.env.config.clone()),
            _ => Value::Null,
        };
        Self {
            catalog: catalog.clone(),
            env: env.or_else(|| Some(spec.as_ref()?.env.id.clone())),
            agent: behind("--agent").or_else(|| Some(spec.as_ref()?.agent.id.clone())),
            config,
        }
    }

    /// What begins as what is typed.
    fn candidates(&self, names: Names, typed: &OsStr) -> Vec<CompletionCandidate> {
        let catalog = &self.catalog;
        let listed: Vec<(String, String)> = match names {
            Names::Runs => {
                return PathCompleter::any().filter(|path| spec_path(path).is_file()).complete(typed);
            }
            Names::Agents => list(catalog.agents().iter().map(|entry| (entry.id, entry.summary))),
            Names::Envs => list(catalog.envs().iter().map(|entry| (entry.id, entry.summary))),
            Names::Learners => list(catalog.learners().iter().map(|entry| (entry.id, entry.summary))),
            Names::Networks => NETWORKS
                .iter()
                .map(|row| row.network())
                .map(|it| (it.id().to_owned(), it.title().to_owned()))
                .collect(),
            Names::Metrics => self.metrics(),
            Names::Settings => self.settings(),
        };
        let typed = typed.to_string_lossy();
        let candidate = |(name, help): (String, String)| {
            let help = (!help.is_empty()).then(|| StyledStr::from(help));
            CompletionCandidate::new(name).help(help)
        };
        listed.into_iter().filter(|(name, _)| name.starts_with(typed.as_ref())).map(candidate).collect()
    }

    /// The metrics of the environment that was named, or of the one that is searched when none is.
    fn metrics(&self) -> Vec<(String, String)> {
        let env = self.env.as_deref().unwrap_or(crate::arguments::DEFAULT_ENV);
        let built = self.catalog.build_env(env, &self.config);
        let metric = |metric: &tapeout::core::Metric| (metric.name.clone(), metric.summary.clone());
        built.map(|(env, _)| env.metrics().iter().map(metric).collect()).unwrap_or_default()
    }

    fn settings(&self) -> Vec<(String, String)> {
        let env = self.env.as_deref().unwrap_or(crate::arguments::DEFAULT_ENV);
        let agent = self.agent.as_deref().unwrap_or(crate::arguments::DEFAULT_AGENT);
        let defaults = [
            ("env", self.catalog.env(env).ok().map(|entry| entry.defaults())),
            ("agent", self.catalog.agent(agent).ok().map(|entry| entry.defaults())),
        ];
        let keys = |(part, defaults): (&str, Option<Value>)| -> BTreeMap<String, String> {
            let defaults = defaults.as_ref().and_then(Value::as_object).into_iter().flatten();
            defaults.map(|(key, value)| (format!("{part}.{key}="), format!("default: {value}"))).collect()
        };
        defaults.into_iter().flat_map(keys).collect()
    }
}

fn list<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    entries.map(|(name, summary)| (name.to_owned(), summary.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use clap_complete::engine::complete;

    use super::*;

    /// What is offered behind `words`, the last of which is being typed.
    fn offered(words: &[&str]) -> Vec<String> {
        let words: Vec<OsString> = ["tapeout"].iter().chain(words).map(OsString::from).collect();
        let last = words.len() - 1;
        let mut command = command(&tapeout::builtin(), &words[..last]);
        let offered = complete(&mut command, words, last, None).unwrap();
        offered.iter().map(|it| it.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn names_that_are_registered_are_offered() {
        assert_eq!(offered(&["search", "--agent", "nsga"]), ["nsga2", "nsga3"]);
        assert!(offered(&["search", "--agent", ""]).len() == tapeout::builtin().agents().len());
        assert_eq!(offered(&["search", "--env", "edge-a"]), ["edge-accelerator"]);
        assert_eq!(offered(&["describe", "resnet5"]), ["resnet50"]);
        assert_eq!(offered(&["simulate", "eyeriss", "alexn"]), ["alexnet"]);
        assert_eq!(offered(&["check", "mlp-en"]), ["mlp-ensemble"]);
        assert_eq!(offered(&["com"]), ["compress", "compare", "completions"]);
    }

    #[test]
    fn metrics_and_settings_are_those_of_what_the_command_line_names() {
        assert_eq!(offered(&["search", "--objective", "latency"]), ["latency_s"]);
        let of_kernels = offered(&["search", "--env", "gpu-gemm-model", "--objective", ""]);
        assert!(of_kernels.contains(&"time_s".to_owned()) && !of_kernels.contains(&"latency_s".to_owned()));
        assert_eq!(offered(&["search", "--agent", "ga", "--set", "agent.pop"]), ["agent.population="]);
        let of_kernels = offered(&["evaluate", "gpu-gemm-model", "--set", "env.dev"]);
        assert_eq!(of_kernels, ["env.device="]);
    }

    #[test]
    fn runs_are_offered_before_other_folders() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a-run", "b-other"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("a-run/spec.toml"), "").unwrap();
        std::fs::write(folder.path().join("c.txt"), "").unwrap();
        let typed = format!("{}/", folder.path().display());
        let names: Vec<String> =
            offered(&["plot", &typed]).iter().map(|path| path.replace(&typed, "")).collect();
        assert_eq!(names, ["a-run/", "b-other/"]);
    }

    /// Claim: no row of the table is of an argument that is gone.
    #[test]
    fn every_row_is_of_an_argument() {
        fn arguments(command: &Command, found: &mut Vec<(String, bool)>) {
            found.extend(
                command.get_arguments().map(|arg| (arg.get_id().to_string(), arg.get_long().is_some())),
            );
            command.get_subcommands().for_each(|command| arguments(command, found));
        }
        let mut found = Vec::new();
        arguments(&Arguments::command(), &mut found);
        for (id, is_flag, _) in TAKEN {
            assert!(found.contains(&((*id).to_owned(), *is_flag)), "{id} {is_flag}");
        }
    }
}
