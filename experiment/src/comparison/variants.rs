//! Hyperparameters of one agent as agents to compare: all combinations of some values, or some of them at random.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use rand::RngExt;
use serde_json::Value;
use tapeout_core::Seed;

use super::ComparedAgent;
use crate::spec::AgentSpec;

/// A hyperparameter and the values that are tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Knob {
    /// The hyperparameter.
    pub name: String,
    /// Its values.
    pub values: Vec<Value>,
}

/// A agent for each combination of the values of `knobs`, the last knob turning fastest, with the other
/// hyperparameters as `agent` has them.
///
/// `samples`: if there are more combinations, so many of them, drawn without replacement and without favour, always the
/// same.
///
/// ```
/// # use tapeout_experiment::AgentSpec;
/// # use tapeout_experiment::comparison::{Knob, variants};
/// let agent = AgentSpec::named("ga");
/// let knob = |name: &str, values: &[u64]| Knob {
///     name: name.to_owned(),
///     values: values.iter().map(|&value| value.into()).collect(),
/// };
/// let agents = variants(&agent, &[knob("population", &[10, 20]), knob("elite", &[1])], None);
/// let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
/// assert_eq!(names, ["population=10,elite=1", "population=20,elite=1"]);
/// ```
pub fn variants(agent: &AgentSpec, knobs: &[Knob], samples: Option<NonZeroUsize>) -> Vec<ComparedAgent> {
    let combinations = knobs.iter().fold(1_usize, |product, knob| product.saturating_mul(knob.values.len()));
    let chosen: BTreeSet<usize> = match samples {
        Some(samples) if samples.get() < combinations => sample(combinations, samples.get()),
        _ => (0..combinations).collect(),
    };
    chosen.into_iter().map(|combination| variant(agent, knobs, combination)).collect()
}

/// So many distinct numbers below `n`, each set of them as likely as any other.
/// Source: Bentley & Floyd (1987), doi:10.1145/30401.315746, algorithm F2.
fn sample(n: usize, samples: usize) -> BTreeSet<usize> {
    let mut stream = Seed::new(0).stream("sweep");
    let mut chosen = BTreeSet::new();
    for last in n - samples..n {
        if !chosen.insert(stream.random_range(0..=last)) {
            chosen.insert(last);
        }
    }
    chosen
}

/// The agent at place `combination` among all: a number whose digits are the places of the values.
fn variant(agent: &AgentSpec, knobs: &[Knob], mut combination: usize) -> ComparedAgent {
    let mut agent = agent.clone();
    let mut settings = Vec::with_capacity(knobs.len());
    for knob in knobs.iter().rev() {
        let value = &knob.values[combination % knob.values.len()];
        combination /= knob.values.len();
        agent.config.insert(knob.name.clone(), value.clone());
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        settings.push(format!("{}={text}", knob.name));
    }
    settings.reverse();
    ComparedAgent { name: settings.join(","), spec: agent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn knob(name: &str, values: &[Value]) -> Knob {
        Knob { name: name.to_owned(), values: values.to_vec() }
    }

    fn names(samples: Option<usize>) -> Vec<String> {
        let mut config = Map::new();
        config.insert("elite".to_owned(), json!(2));
        let agent = AgentSpec { config, ..AgentSpec::named("ga") };
        let knobs =
            [knob("population", &[json!(10), json!(20), json!(50)]), knob("way", &[json!("a"), json!("b")])];
        let variants = variants(&agent, &knobs, samples.and_then(NonZeroUsize::new));
        assert!(variants.iter().all(|variant| variant.spec.config["elite"] == 2));
        variants.into_iter().map(|variant| variant.name).collect()
    }

    #[test]
    fn a_grid_holds_each_combination_once() {
        let all = names(None);
        assert_eq!(&all[..3], ["population=10,way=a", "population=10,way=b", "population=20,way=a"]);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 6);
        assert_eq!(names(Some(7)), all);
    }

    #[test]
    fn samples_are_distinct_and_always_the_same() {
        let some = names(Some(4));
        assert_eq!(some.iter().collect::<BTreeSet<_>>().len(), 4);
        assert_eq!(some, names(Some(4)));
        assert!(some.iter().all(|name| names(None).contains(name)));
    }
}
