//! What must agree for rows to stand in one table, the space made again from its description, and how two spaces differ.

use serde_json::{Map, Value};
use tapeout_core::env::ContextFeature;
use tapeout_core::parameter::Parameter;
use tapeout_core::{Catalog, DesignSpace, Env as _, NarrowedEnv};

use crate::experiment::Experiment;
use crate::spec::EnvSpec;
use crate::spec_error::SpecFault;

/// The setting that names the interpreter of a class: where it lies on a machine says nothing of designs.
const INTERPRETER: &str = "python";

/// Two values of one thing that should be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// What differs: "setting `clock_hz`".
    pub(super) what: String,
    pub(super) got: String,
    pub(super) expected: String,
}

impl Difference {
    fn new(what: impl Into<String>, got: &str, expected: &str) -> Self {
        Self { what: what.into(), got: got.to_owned(), expected: expected.to_owned() }
    }

    fn between(what: &str, got: &str, expected: &str) -> Option<Self> {
        (got != expected).then(|| Self::new(what, got, expected))
    }
}

/// The first difference between two environments, their shared settings included.
pub(super) fn env_difference(got: &EnvSpec, expected: &EnvSpec) -> Option<Difference> {
    let version =
        |env: &EnvSpec| env.version.map_or_else(|| "unknown".to_owned(), |version| version.to_string());
    Difference::between("environment", &got.id, &expected.id)
        .or_else(|| {
            let what = format!("version of environment `{}`", expected.id);
            Difference::between(&what, &version(got), &version(expected))
        })
        .or_else(|| settings_difference(&got.config, &expected.config))
}

fn settings_difference(got: &Map<String, Value>, expected: &Map<String, Value>) -> Option<Difference> {
    let text = |settings: &Map<String, Value>, name| {
        settings.get(name).map_or("absent".to_owned(), Value::to_string)
    };
    let names = expected.keys().chain(got.keys());
    let mut differing = names.filter(|&name| name != INTERPRETER && got.get(name) != expected.get(name));
    differing
        .next()
        .map(|name| Difference::new(format!("setting `{name}`"), &text(got, name), &text(expected, name)))
}

/// The first difference between two spaces, each given by its parameters and its fingerprint in hexadecimal.
pub(super) fn space_difference(
    (got, got_mark): (&[Parameter], &str),
    (expected, expected_mark): (&[Parameter], &str),
) -> Option<Difference> {
    let names = |parameters: &[Parameter]| {
        let names: Vec<String> = parameters.iter().map(|parameter| parameter.name().to_owned()).collect();
        names.join(", ")
    };
    let of_parameter = |(a, b): (&Parameter, &Parameter)| {
        let name = b.name();
        Difference::between(&format!("levels of parameter `{name}`"), &a.levels_text(), &b.levels_text())
            .or_else(|| {
                Difference::between(&format!("unit of parameter `{name}`"), a.unit_name(), b.unit_name())
            })
            // Long lists are shortened in their text, and an ordinal parameter can read as an integer one.
            .or_else(|| {
                let kind = |parameter: &Parameter| format!("{:?}", parameter.domain());
                Difference::between(&format!("domain of parameter `{name}`"), &kind(a), &kind(b))
            })
    };
    Difference::between("parameters", &names(got), &names(expected))
        .or_else(|| got.iter().zip(expected).find_map(of_parameter))
        .or_else(|| Difference::between("rules of the space (its fingerprint)", got_mark, expected_mark))
}

/// The first difference between two lists of names with units: metrics, or features of a context.
pub(super) fn names_difference<'a>(
    what: &str,
    got: impl Iterator<Item = (&'a str, &'a str)>,
    expected: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<Difference> {
    let text = |(name, unit): (&str, &str)| {
        if unit.is_empty() { name.to_owned() } else { format!("{name} ({unit})") }
    };
    let got: Vec<String> = got.map(text).collect();
    let expected: Vec<String> = expected.map(text).collect();
    Difference::between(what, &got.join(", "), &expected.join(", "))
}

/// The name and unit of each feature.
pub(super) fn feature_names(context: &[ContextFeature]) -> impl Iterator<Item = (&str, &str)> {
    context.iter().map(|feature| (feature.name.as_str(), feature.unit.as_str()))
}

/// The fingerprint of a space as it is written down.
pub(super) fn mark(space: &DesignSpace) -> String {
    format!("{:016x}", space.fingerprint())
}

/// The space with these parameters and this fingerprint in hexadecimal: made from the parameters alone if no rule ties
/// them, and by the environment otherwise.
pub(super) fn space_again(
    catalog: &Catalog,
    env: &EnvSpec,
    parameters: &[Parameter],
    fingerprint: &str,
) -> Result<DesignSpace, String> {
    let free = DesignSpace::new(parameters.to_vec(), Vec::new()).map_err(|error| error.to_string())?;
    if mark(&free) == fingerprint {
        return Ok(free);
    }
    let (built, _) = Experiment::env_again(catalog, env).map_err(|error| match *error.fault {
        SpecFault::UnknownName(error) => format!("rules tie its parameters, and {error}"),
        fault => format!("rules tie its parameters, and environment `{}` cannot be built: {fault}", env.id),
    })?;
    let narrowing = env.narrowing();
    let space = if narrowing.is_whole() {
        built.space().clone()
    } else {
        let part = NarrowedEnv::new(built, &narrowing);
        part.map_err(|error| format!("environment `{}`: {error}", env.id))?.space().clone()
    };
    match space_difference((parameters, fingerprint), (space.parameters(), &mark(&space))) {
        None => Ok(space),
        Some(Difference { what, got, expected }) => Err(format!(
            "not the space of environment `{}` here: {what}: got {got}, expected {expected}",
            env.id
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Claim: one class is the same environment under two interpreters; another setting is another.
    #[test]
    fn the_interpreter_is_no_difference() {
        let env = |python: Value, rows: u32| {
            let mut env = EnvSpec::named("python");
            env.config.insert("python".to_owned(), python);
            env.config.insert("settings".to_owned(), json!({ "rows": rows }));
            env
        };
        let here = env(json!("/a/bin/python"), 1);
        assert_eq!(env_difference(&here, &env(Value::Null, 1)), None);
        assert!(env_difference(&here, &env(Value::Null, 2)).is_some());
    }
}
