//! `tapeout sweep`.

use std::num::NonZeroUsize;
use std::str::FromStr;

use serde_json::Value;
use tapeout::core::Catalog;
use tapeout::experiment::AgentSpec;
use tapeout::experiment::comparison::{ComparedAgent, Knob, variants};

use crate::answer::Answer;
use crate::arguments::{setting_value, toml_value};
use crate::commands::compare::{BASELINE, FieldFlags};
use crate::comparison_report::compare;
use crate::failure::Failure;
use crate::watched_run::RunFlags;

/// The agent as it is by default, in tables and folders.
const DEFAULT: &str = "default";

/// Which hyperparameters are compared, where, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The agent
    #[arg(long, value_name = "NAME")]
    agent: String,
    /// Values of a hyperparameter: `population=10,20,50`; again for several, of which every combination is tried
    #[arg(long, value_name = "KEY=VALUES", required = true)]
    grid: Vec<Values>,
    /// Try only so many of the combinations, drawn at random
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    samples: Option<NonZeroUsize>,
    /// Whom each combination is tested against, seed by seed
    #[arg(long, value_enum, default_value_t)]
    against: Against,
    #[command(flatten)]
    field: FieldFlags,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// Runs what is not run yet, and says what all of it says.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let knobs: Vec<Knob> = self.grid.iter().map(|values| values.0.clone()).collect();
        let mut agents = variants(&self.field.agent(&self.agent, &self.agent), &knobs, self.samples);
        let baseline = agents.len();
        agents.push(self.baseline());
        let plan = self.field.plan(agents, |agent| &agent.spec.id)?;
        compare(catalog, &plan, &self.field.course(Some(&self.agent), Some(baseline)), &self.flags)
    }

    fn baseline(&self) -> ComparedAgent {
        match self.against {
            Against::Default => {
                ComparedAgent { name: DEFAULT.to_owned(), spec: self.field.agent(&self.agent, &self.agent) }
            }
            Against::Random => ComparedAgent { name: BASELINE.to_owned(), spec: AgentSpec::named(BASELINE) },
        }
    }
}

/// Whom the combinations of a sweep are tested against.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Against {
    /// The agent with its default values in place of those of the grid
    #[default]
    Default,
    /// Random search
    Random,
}

/// `population=10,20,50`.
#[derive(Debug, Clone, PartialEq)]
struct Values(Knob);

impl FromStr for Values {
    type Err = String;

    /// Values are read as in a TOML list; if that is none, each is read as a setting is.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a hyperparameter and its values such as `population=10,20,50`";
        let (name, values) = text.split_once('=').ok_or(expected)?;
        if name.trim().is_empty() || values.trim().is_empty() {
            return Err(expected.to_owned());
        }
        let values = match toml_value(&format!("[{values}]")) {
            Some(Value::Array(values)) => values,
            _ => values.split(',').map(setting_value).collect(),
        };
        Ok(Self(Knob { name: name.trim().to_owned(), values }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_numbers_words_or_lists() {
        let values = |text: &str| Value::Array(text.parse::<Values>().unwrap().0.values);
        assert_eq!(values("population=10, 20,50"), json!([10, 20, 50]));
        assert_eq!(values("crossover=uniform,one-point"), json!(["uniform", "one-point"]));
        assert_eq!(values("layers=[16],[32,32]"), json!([[16], [32, 32]]));
        for text in ["population", "=1", "population="] {
            assert!(text.parse::<Values>().is_err(), "{text}");
        }
    }
}
