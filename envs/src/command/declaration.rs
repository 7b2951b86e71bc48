//! The file that declares a simulator, read and checked.

use std::fmt;

use serde::Deserialize;
use serde_json::Map;
use tapeout_core::expression::{Expression, Operand};
use tapeout_core::names::nearest_name;
use tapeout_core::{
    Constraint, DesignSpace, Domain, EqualLevelsText, Goal, Metric, Objective, Parameter, Problem,
    ProductText, Rule, Value,
};
use toml::Spanned;

use super::answer::Answers;

/// The version of the file form that is read here.
const SCHEMA: u64 = 1;

/// What a file declares.
pub(super) struct Declaration {
    pub(super) space: DesignSpace,
    pub(super) metrics: Vec<Metric>,
    pub(super) goal: Goal,
    /// None if whoever holds the loop evaluates the designs.
    pub(super) command: Option<CommandText>,
    pub(super) answers: Answers,
}

/// Why a file declares no simulator.
#[derive(Debug)]
pub(super) struct DeclarationError {
    line: usize,
    message: String,
}

impl DeclarationError {
    /// What is wrong, without the line.
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for DeclarationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.line, self.message)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    schema: Spanned<u64>,
    parameters: toml::Table,
    #[serde(default)]
    rules: Vec<Spanned<RuleText>>,
    #[serde(default)]
    products: Vec<ProductText>,
    #[serde(default)]
    equal_levels: Vec<EqualLevelsText>,
    metrics: toml::Table,
    #[serde(default)]
    infeasible: toml::Table,
    goal: Option<Spanned<GoalText>>,
    command: Option<CommandText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterText {
    levels: Option<Vec<LevelText>>,
    low: Option<i64>,
    high: Option<i64>,
    step: Option<i64>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    about: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LevelText {
    Number(f64),
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    holds: String,
}

/// A metric, and how it is found in the output if that is no JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricText {
    #[serde(default)]
    unit: String,
    #[serde(default)]
    about: String,
    pub(super) pattern: Option<String>,
    pub(super) factor: Option<f64>,
}

/// How the output or the exit code says that a design cannot be built.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InfeasibleText {
    pub(super) pattern: Option<String>,
    pub(super) exit: Option<i32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoalText {
    objectives: Vec<Objective>,
    #[serde(default)]
    constraints: Vec<Constraint>,
}

/// How the simulator is started, and what becomes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandText {
    /// The program and its arguments.
    pub(super) run: Vec<String>,
    #[serde(default)]
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) design: DesignTo,
    #[serde(default = "timeout_s")]
    pub(super) timeout_s: f64,
    #[serde(default = "retries")]
    pub(super) retries: u32,
    pub(super) memory_mib: Option<u64>,
    /// Designs are evaluated side by side.
    #[serde(default = "yes")]
    pub(super) parallel: bool,
    #[serde(default)]
    pub(super) noisy: bool,
    /// Where each design has a folder of its own.
    pub(super) folders: Option<String>,
    #[serde(default)]
    pub(super) keep_folders: bool,
    /// The file in the folder that has the answer; the standard output if there is none.
    pub(super) answer_file: Option<String>,
    #[serde(default = "as_infeasible")]
    pub(super) on_timeout: On,
    #[serde(default)]
    pub(super) on_crash: On,
}

/// Whether a process serves one design or many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// A process for each design.
    #[default]
    Process,
    /// Processes that live on and speak lines of JSON.
    Lines,
}

/// How a process is given its design.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DesignTo {
    /// As JSON on the standard input.
    #[default]
    Stdin,
    /// In the arguments alone.
    Arguments,
    /// As JSON in a file of the design's folder.
    File,
}

/// What is made of a design that came to no answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum On {
    /// The evaluation has failed, which says nothing of the design.
    #[default]
    Stop,
    /// It is logged as infeasible, and the run goes on.
    Infeasible,
}

impl Default for CommandText {
    /// No program, and what a file has that says no more.
    fn default() -> Self {
        Self {
            run: Vec::new(),
            mode: Mode::default(),
            design: DesignTo::default(),
            timeout_s: timeout_s(),
            retries: retries(),
            memory_mib: None,
            parallel: true,
            noisy: false,
            folders: None,
            keep_folders: false,
            answer_file: None,
            on_timeout: as_infeasible(),
            on_crash: On::default(),
        }
    }
}

/// Seconds for a design when the file does not say. Ours: a patient person's.
fn timeout_s() -> f64 {
    60.0
}

/// Fresh attempts after a crash when the file does not say. Ours: one for bad luck, one for worse.
fn retries() -> u32 {
    2
}

fn yes() -> bool {
    true
}

fn as_infeasible() -> On {
    On::Infeasible
}

impl Declaration {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`DeclarationError`] with the line.
    pub(super) fn read(text: &str) -> Result<Self, DeclarationError> {
        let at = |offset: usize, message: String| DeclarationError {
            line: 1 + text[..offset.min(text.len())].matches('\n').count(),
            message,
        };
        let file: FileText = toml::from_str(text).map_err(|error| {
            at(error.span().map_or(0, |span| span.start), error.message().trim_end().replace('\n', "; "))
        })?;
        // Tables keep no places of what is in them: a key is looked for where it stands.
        let place = |key: &str| find_key(text, key);
        if *file.schema.get_ref() != SCHEMA {
            let message = format!("`schema` is {}, expected {SCHEMA}", file.schema.get_ref());
            return Err(at(file.schema.span().start, message));
        }
        let mut parameters = Vec::new();
        for (name, entry) in file.parameters {
            let parameter = read_entry(entry).and_then(|entry: ParameterText| entry.parameter(&name));
            parameters.push(
                parameter.map_err(|message| at(place(&name), format!("parameter `{name}`: {message}")))?,
            );
        }
        let mut rules = Vec::new();
        for rule in file.rules {
            let offset = rule.span().start;
            rules.push(rule.into_inner().rule(&parameters).map_err(|message| at(offset, message))?);
        }
        let space = DesignSpace::new(parameters, rules)
            .and_then(|space| space.with_products(&file.products)?.with_equal_levels(&file.equal_levels))
            .map_err(|error| at(place("parameters"), error.to_string()))?;
        let (mut metrics, mut metric_texts) = (Vec::new(), Vec::new());
        for (name, entry) in file.metrics {
            let entry: MetricText = read_entry(entry)
                .map_err(|message| at(place(&name), format!("metric `{name}`: {message}")))?;
            metrics.push(Metric::new(&name, &entry.unit, &entry.about));
            metric_texts.push(entry);
        }
        let mut infeasible = Vec::new();
        for (name, entry) in file.infeasible {
            let entry: InfeasibleText = read_entry(entry)
                .map_err(|message| at(place(&name), format!("infeasible `{name}`: {message}")))?;
            infeasible.push((name, entry));
        }
        let answers = Answers::new(&metrics, &metric_texts, infeasible)
            .map_err(|(name, message)| at(place(&name), format!("`{name}`: {message}")))?;
        let goal = match file.goal {
            None => Goal::default(),
            Some(goal) => checked_goal(goal.get_ref(), &space, &metrics)
                .map_err(|message| at(goal.span().start, message))?,
        };
        if metrics.is_empty() {
            return Err(at(place("metrics"), "`metrics` is empty, expected at least one".to_owned()));
        }
        Ok(Self { space, metrics, goal, command: file.command, answers })
    }
}

/// Where a key stands: as the first word of a line, or of a table's name.
fn find_key(text: &str, key: &str) -> usize {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start().trim_start_matches('[').trim_start_matches('"');
        let behind = trimmed.strip_prefix(key).or_else(|| trimmed.split_once('.')?.1.strip_prefix(key));
        if behind.is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(['=', ']', '.'])) {
            return offset;
        }
        offset += line.len();
    }
    0
}

fn read_entry<T: for<'a> Deserialize<'a>>(entry: toml::Value) -> Result<T, String> {
    entry.try_into().map_err(|error: toml::de::Error| error.message().trim_end().replace('\n', "; "))
}

fn checked_goal(goal: &GoalText, space: &DesignSpace, metrics: &[Metric]) -> Result<Goal, String> {
    let goal = Goal { objectives: goal.objectives.clone(), constraints: goal.constraints.clone() };
    let problem = Problem::new(space.clone(), metrics.to_vec(), goal.clone());
    problem.map(|_| goal).map_err(|error| error.to_string())
}

impl ParameterText {
    fn parameter(self, name: &str) -> Result<Parameter, String> {
        let domain = match (self.levels, self.low, self.high) {
            (Some(levels), None, None) => listed(levels)?,
            (None, Some(low), Some(high)) => Domain::Integer { low, high, step: self.step.unwrap_or(1) },
            _ => return Err("expected `levels`, or `low` and `high`".to_owned()),
        };
        Ok(Parameter::new(name, domain).unit(&self.unit).about(&self.about))
    }
}

/// Numbers or names, not both.
fn listed(levels: Vec<LevelText>) -> Result<Domain, String> {
    let (mut numbers, mut names) = (Vec::new(), Vec::new());
    for level in levels {
        match level {
            LevelText::Number(number) => numbers.push(number),
            LevelText::Name(name) => names.push(name),
        }
    }
    match (numbers.is_empty(), names.is_empty()) {
        (false, true) => Ok(Domain::Ordinal(numbers)),
        (true, false) => Ok(Domain::Categorical(names)),
        (true, true) => Err("`levels` is empty".to_owned()),
        (false, false) => Err("`levels` has numbers and names".to_owned()),
    }
}

impl RuleText {
    fn rule(&self, parameters: &[Parameter]) -> Result<Rule, String> {
        let in_rule = |message: String| format!("rule `{}`: {message}", self.name);
        let expression = Expression::parse(&self.holds).map_err(|error| in_rule(error.to_string()))?;
        let known = || parameters.iter().map(Parameter::name);
        if let Some(unknown) = expression.names().iter().find(|&name| !known().any(|known| known == name)) {
            let nearest = nearest_name(unknown, known());
            let suggestion = nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            return Err(in_rule(format!("`{unknown}` is no parameter{suggestion}")));
        }
        let scope = expression.names().to_vec();
        let names: Vec<&str> = scope.iter().map(String::as_str).collect();
        let asked = scope.clone();
        Ok(Rule::new(&self.name, &self.holds, &names, move |values| {
            let operands: Vec<Operand<'_>> = asked.iter().map(|name| operand(values.value(name))).collect();
            // What has no value, such as a division by zero, does not hold.
            expression.evaluate(&operands).is_ok_and(|value| value != 0.0)
        }))
    }
}

fn operand(value: &Value) -> Operand<'_> {
    match value {
        Value::Integer(number) => Operand::Number(*number as f64),
        Value::Real(number) => Operand::Number(*number),
        Value::Text(text) => Operand::Text(text),
    }
}

/// A design as JSON: each parameter with what it is set to.
pub(super) fn settings(space: &DesignSpace, levels: &[u32]) -> Map<String, serde_json::Value> {
    let values = space.parameters().iter().zip(levels);
    values
        .map(|(parameter, &level)| {
            let value = serde_json::to_value(parameter.value(level)).expect("invariant: levels are finite");
            (parameter.name().to_owned(), value)
        })
        .collect()
}
