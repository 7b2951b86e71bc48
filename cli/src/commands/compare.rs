//! `tapeout compare`.

use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::anyhow;
use serde_json::Map;
use tapeout::core::names::{nearest_name, suggestion};
use tapeout::core::{Catalog, Constraint, Objective};
use tapeout::experiment::comparison::{ComparedAgent, ComparedEnv, ComparisonPlan, ReferenceValue, Shard};
use tapeout::experiment::{AgentSpec, EnvSpec};

use crate::answer::Answer;
use crate::arguments::Setting;
use crate::comparison_report::{Course, compare};
use crate::failure::Failure;
use crate::goal_flags::GoalFlags;
use crate::watched_run::RunFlags;

/// The folder of all comparisons whose place nobody chose.
const COMPARISONS: &str = "comparisons";
/// Whom the others are tested against.
pub(crate) const BASELINE: &str = "random";
/// Left out unless it is named: it enumerates a space in order, and its seeds are all the same run.
const ENUMERATOR: &str = "grid";
/// How `--set` names every environment and every agent, so that no environment can be called so.
const EVERYONE: [&str; 2] = ["env", "agent"];

/// Who is compared, where, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The agents, apart by commas [default: all but grid, if no --agent is given]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    agents: Vec<String>,
    /// One more agent, under a name of its own: `big=ga`, with `--set big.population=200`; again for several
    #[arg(long, value_name = "[LABEL=]NAME")]
    agent: Vec<Named>,
    /// Whom the others are tested against, seed by seed [default: random, if it is there]
    #[arg(long, value_name = "AGENT")]
    baseline: Option<String>,
    #[command(flatten)]
    field: FieldFlags,
    #[command(flatten)]
    flags: RunFlags,
}

/// Where agents meet, shared by `compare` and `sweep`.
#[derive(clap::Args)]
pub(crate) struct FieldFlags {
    /// An environment, perhaps under a name of its own: `gemm=recorded-kernel`; again for several
    #[arg(long, value_name = "[LABEL=]NAME", default_value = "edge-accelerator")]
    env: Vec<Named>,
    /// Runs of each agent in each environment: so many, with seeds from 0, or those from one seed to before another, `10..25`
    #[arg(long, value_name = "NUMBER|FIRST..END", default_value = "10")]
    seeds: Seeds,
    /// Distinct designs each run evaluates
    #[arg(long, value_name = "DESIGNS", default_value = "200", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    trials: NonZeroUsize,
    /// Designs an agent is asked for at once
    #[arg(long, value_name = "DESIGNS", default_value = "1", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    batch: NonZeroUsize,
    /// A setting of every environment, every agent, or one environment or agent: `env.networks=["bert-base"]`,
    /// `agent.population=50`, `LABEL.kernel=convolution-a100`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<FieldSetting>,
    /// What to optimise in every environment: `latency_s`; again for several [default: what each says]
    #[arg(long, value_name = "METRIC")]
    objective: Vec<Objective>,
    /// What is acceptable in every environment; again for several [default: what each says]
    #[arg(long, value_name = "LIMIT")]
    constraint: Vec<Constraint>,
    #[command(flatten)]
    goal: GoalFlags,
    /// Where hypervolumes end in one of several objectives: `area_m2=10 mm2`; again for several [default: a tenth of the range
    /// beyond the worst on the final front of any run]
    #[arg(long, value_name = "METRIC=VALUE")]
    reference: Vec<ReferenceValue>,
    /// Show every pair of agents, corrected for all of them, too
    #[arg(long)]
    all_pairs: bool,
    /// Run no more seeds than it takes to decide who differs from whom, in stages of so many, at most all of `--seeds` (AdaStop)
    #[arg(long, value_name = "SEEDS", num_args = 0..=1, require_equals = true, default_missing_value = "5", conflicts_with = "shard")]
    until_decided: Option<NonZeroU64>,
    /// The folder of all runs, tables and pictures; what is there already is not run again
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Run a part alone, such as `0/4`, beside other processes or machines that share the folder; without it all parts are gathered
    #[arg(long, value_name = "INDEX/PARTS")]
    shard: Option<Shard>,
    /// Take over first what other machines ran of this comparison in folders of their own
    #[arg(long, value_name = "FOLDER", num_args = 1.., conflicts_with = "shard")]
    merge: Vec<PathBuf>,
}

impl Args {
    /// Runs what is not run yet, and says what all of it says.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        self.refuse_borrowed_names(catalog)?;
        let plan = self.field.plan(self.compared(catalog), |agent| &agent.name)?;
        let baseline = match &self.baseline {
            None => plan.agent(BASELINE),
            Some(name) => Some(plan.agent(name).ok_or_else(|| {
                let known = plan.agents.iter().map(|agent| agent.name.as_str());
                let nearest = suggestion(&nearest_name(name, known));
                Failure::bad_input(anyhow!("no agent is called `{name}` here{nearest}"))
            })?),
        };
        compare(catalog, &plan, &self.field.course(None, baseline), &self.flags)
    }

    /// `ga=tpe` would stand in tables under the name of an agent that did not take part.
    fn refuse_borrowed_names(&self, catalog: &Catalog) -> Result<(), Failure> {
        let is_borrowed = |named: &&Named| {
            named.label != named.id && catalog.agents().iter().any(|entry| entry.id == named.label)
        };
        self.agent.iter().find(is_borrowed).map_or(Ok(()), |Named { label, id }| {
            Err(Failure::bad_input(anyhow!("`{label}` is an agent, so `{id}` cannot be called so"))
                .hint(format!("choose another label: `--agent my-{id}={id}`")))
        })
    }

    /// The agents that are named, and all that need no settings if none is.
    fn compared(&self, catalog: &Catalog) -> Vec<ComparedAgent> {
        let ids: Vec<&str> = if self.agents.is_empty() && self.agent.is_empty() {
            let entries = catalog.agents().iter().filter(|entry| entry.required.is_empty());
            entries.map(|entry| entry.id).filter(|&id| id != ENUMERATOR).collect()
        } else {
            self.agents.iter().map(String::as_str).collect()
        };
        let labelled = self.agent.iter().map(|named| (named.label.as_str(), named.id.as_str()));
        let agent = |(name, id): (&str, &str)| ComparedAgent {
            name: name.to_owned(),
            spec: self.field.agent(name, id),
        };
        ids.into_iter().map(|id| (id, id)).chain(labelled).map(agent).collect()
    }
}

impl FieldFlags {
    /// The agent `id` with the settings of every agent, and those of whoever is called `label`.
    pub(crate) fn agent(&self, label: &str, id: &str) -> AgentSpec {
        let mut agent = AgentSpec::named(id);
        for of_all in self.set.iter().filter(|set| set.label.is_none()) {
            of_all.setting.apply(&mut Map::new(), &mut agent.config);
        }
        let is_an_env = self.env.iter().any(|place| place.label == label);
        for of_one in self.set.iter().filter(|set| !is_an_env && set.label.as_deref() == Some(label)) {
            // What is behind a name is read as a setting of an environment.
            of_one.setting.apply(&mut agent.config, &mut Map::new());
        }
        agent
    }

    /// The plan in which these agents meet; `label` is how settings name one of them.
    pub(crate) fn plan(
        &self,
        agents: Vec<ComparedAgent>,
        label: impl Fn(&ComparedAgent) -> &String,
    ) -> Result<ComparisonPlan, Failure> {
        let envs = self.env.iter().map(|place| place.label.as_str());
        let known: Vec<&str> = envs.chain(agents.iter().map(|agent| label(agent).as_str())).collect();
        for label in self.set.iter().filter_map(|set| set.label.as_deref()) {
            if !known.contains(&label) {
                let nearest = suggestion(&nearest_name(label, known.iter().copied()));
                return Err(Failure::bad_input(anyhow!("nobody is called `{label}` here{nearest}"))
                    .hint(format!("the environments and agents here are {}", known.join(", "))));
            }
        }
        Ok(ComparisonPlan {
            envs: self.env.iter().map(|place| self.env(place)).collect(),
            agents,
            seeds: self.seeds.0.clone(),
            trials: self.trials,
            batch: self.batch,
            reference: self.reference.clone(),
        })
    }

    fn env(&self, place: &Named) -> ComparedEnv {
        let mut env = EnvSpec::named(&place.id);
        let is_mine = |set: &&FieldSetting| set.label.as_ref().is_none_or(|label| *label == place.label);
        for set in self.set.iter().filter(is_mine) {
            set.setting.apply(&mut env.config, &mut Map::new());
        }
        self.goal.narrow(&mut env);
        ComparedEnv {
            derived: self.goal.derived().unwrap_or_default(),
            name: place.label.clone(),
            spec: env,
            objectives: (!self.objective.is_empty()).then(|| self.objective.clone()),
            constraints: (!self.constraint.is_empty()).then(|| self.constraint.clone()),
        }
    }

    /// What is done about the plan; `agent` is the one of a sweep.
    pub(crate) fn course(&self, agent: Option<&str>, baseline: Option<usize>) -> Course<'_> {
        Course {
            out: self.out(agent),
            shard: self.shard,
            merge: &self.merge,
            baseline,
            all_pairs: self.all_pairs,
            until_decided: self.until_decided,
        }
    }

    /// Where everything goes: if nobody says, a folder named after the environments and, in a sweep, the agent.
    fn out(&self, agent: Option<&str>) -> PathBuf {
        let name = || {
            let parts = self.env.iter().map(|place| place.label.as_str()).chain(agent);
            PathBuf::from(COMPARISONS).join(parts.collect::<Vec<_>>().join("-"))
        };
        self.out.clone().unwrap_or_else(name)
    }
}

/// `10`, `10..25`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seeds(Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let range = match text.split_once("..") {
            None => number(text).map(|end| 0..end),
            Some((first, end)) => number(first).zip(number(end)).map(|(first, end)| first..end),
        };
        range.filter(|range| !range.is_empty()).map(Self).ok_or_else(|| {
            "expected how many, at least 1, or the first and the one behind the last: `10`, `10..25`"
                .to_owned()
        })
    }
}

/// `gemm=recorded-kernel`, `big=ga`: an environment or an agent, and what it is called in tables and folders.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    label: String,
    id: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (label, id) = text.split_once('=').unwrap_or((text, text));
        let (label, id) = (label.trim().to_owned(), id.trim().to_owned());
        if EVERYONE.contains(&label.as_str()) {
            return Err(format!("`{label}` means all of them in `--set`; choose another name"));
        }
        if label.is_empty() || id.is_empty() || label.starts_with('.') || label.contains(['/', '\\', '.']) {
            return Err(
                "expected a name, or a label for it that can be a folder's, without dots, and the name: \
                        `gemm=recorded-kernel`, `big=ga`"
                    .to_owned(),
            );
        }
        Ok(Self { label, id })
    }
}

/// A setting of all, or of the environment or agent that is called so.
#[derive(Debug, Clone, PartialEq)]
struct FieldSetting {
    label: Option<String>,
    setting: Setting,
}

impl FromStr for FieldSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(['.', '=']) {
            Some((label, _)) if text[label.len()..].starts_with('.') && !EVERYONE.contains(&label.trim()) => {
                let setting = format!("env{}", &text[label.len()..]).parse()?;
                Ok(Self { label: Some(label.trim().to_owned()), setting })
            }
            _ => Ok(Self { label: None, setting: text.parse()? }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_called_by_its_own_name_or_by_a_label() {
        let place = |label: &str, env: &str| Ok(Named { label: label.to_owned(), id: env.to_owned() });
        assert_eq!("recorded-kernel".parse(), place("recorded-kernel", "recorded-kernel"));
        assert_eq!("gemm=recorded-kernel".parse(), place("gemm", "recorded-kernel"));
        for text in ["", "=recorded-kernel", "gemm=", "../up=recorded-kernel", "a.b=recorded-kernel", "env=x"]
        {
            assert!(text.parse::<Named>().is_err(), "{text}");
        }
    }

    #[test]
    fn seeds_are_a_number_or_a_range() {
        assert_eq!("3".parse(), Ok(Seeds(0..3)));
        assert_eq!("10..25".parse(), Ok(Seeds(10..25)));
        for text in ["", "0", "-1", "5..5", "7..3", "1..=3", "a..b", ".."] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_setting_is_of_all_or_of_the_environment_that_is_named() {
        let setting = |text: &str| text.parse::<FieldSetting>();
        let of_one = setting("gemm.kernel=gemm-rtx-3090").unwrap();
        assert_eq!(of_one.label.as_deref(), Some("gemm"));
        assert_eq!(of_one.setting, "env.kernel=gemm-rtx-3090".parse().unwrap());
        for text in ["env.kernel=x", "agent.rate=0.5", "agent.rate = 0.5"] {
            assert_eq!(setting(text), Ok(FieldSetting { label: None, setting: text.parse().unwrap() }));
        }
        assert!(setting("population=0.5").unwrap_err().contains("a setting of nobody"));
    }
}
