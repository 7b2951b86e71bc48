//! What a simulator says of a design: JSON, or text in which patterns are looked for.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Deserialize;
use tapeout_core::{Metric, Outcome};

use super::declaration::{InfeasibleText, MetricText};

/// How answers are read.
pub(super) struct Answers {
    names: Vec<String>,
    /// For each metric where it stands in a text, and what it is multiplied by; none if answers are JSON.
    patterns: Option<Vec<(Regex, f64)>>,
    infeasible: Vec<(String, Sign)>,
}

/// By what an infeasible design is known.
enum Sign {
    Exit(i32),
    Pattern(Regex),
}

/// A line of JSON: one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerText {
    metrics: Option<BTreeMap<String, f64>>,
    infeasible: Option<String>,
    violation: Option<f64>,
    error: Option<String>,
}

/// Why an answer is no outcome.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoOutcome {
    /// The simulator complains, and goes on.
    Complaint(String),
    /// It is no answer: what comes next may be none either.
    Nonsense(String),
}

impl NoOutcome {
    /// In words.
    pub(super) fn into_message(self) -> String {
        match self {
            Self::Complaint(said) => format!("it says: {said}"),
            Self::Nonsense(message) => message,
        }
    }
}

impl Answers {
    /// Answers about `metrics` by name, in JSON.
    pub(super) fn json(metrics: &[Metric]) -> Self {
        let names = metrics.iter().map(|metric| metric.name.clone()).collect();
        Self { names, patterns: None, infeasible: Vec::new() }
    }

    /// Answers about `metrics`, each with its pattern or all without.
    ///
    /// # Errors
    /// The name of a metric or a rule, and what is wrong with it.
    pub(super) fn new(
        metrics: &[Metric],
        texts: &[MetricText],
        infeasible: Vec<(String, InfeasibleText)>,
    ) -> Result<Self, (String, String)> {
        let names: Vec<String> = metrics.iter().map(|metric| metric.name.clone()).collect();
        let n_patterns = texts.iter().filter(|text| text.pattern.is_some()).count();
        let mut patterns = Vec::with_capacity(n_patterns);
        for (name, text) in names.iter().zip(texts) {
            let refused = |message: String| (name.clone(), message);
            match &text.pattern {
                Some(pattern) => {
                    let factor = text.factor.unwrap_or(1.0);
                    patterns.push((number_pattern(pattern).map_err(refused)?, factor));
                }
                None if n_patterns > 0 => return Err(refused("has no pattern, but others have".to_owned())),
                None if text.factor.is_some() => {
                    return Err(refused(
                        "`factor` belongs to a pattern; JSON is in the metric's own unit".to_owned(),
                    ));
                }
                None => {}
            }
        }
        let signs = infeasible.into_iter().map(|(name, text)| {
            let sign = match (text.exit, text.pattern) {
                (Some(code), None) => Ok(Sign::Exit(code)),
                (None, Some(pattern)) => {
                    Regex::new(&pattern).map(Sign::Pattern).map_err(|error| error.to_string())
                }
                _ => Err("expected `exit` or `pattern`".to_owned()),
            };
            sign.map(|sign| (name.clone(), sign)).map_err(|message| (name, message))
        });
        let infeasible = signs.collect::<Result<_, _>>()?;
        Ok(Self { names, patterns: (n_patterns > 0).then_some(patterns), infeasible })
    }

    /// Whether JSON alone says what a design is worth, or which rule it breaks.
    pub(super) fn are_json(&self) -> bool {
        self.patterns.is_none() && self.infeasible.is_empty()
    }

    /// The rule that the exit code or the text says is broken, if one does.
    pub(super) fn broken_rule(&self, exit: Option<i32>, text: &str) -> Option<Outcome> {
        let broken = self.infeasible.iter().find(|(_, sign)| match sign {
            Sign::Exit(code) => exit == Some(*code),
            Sign::Pattern(pattern) => pattern.is_match(text),
        });
        broken.map(|(name, _)| Outcome::infeasible(name, 1.0))
    }

    /// What the whole output of a process says.
    ///
    /// # Errors
    /// What is missing in it, or the simulator's own complaint.
    pub(super) fn of_text(&self, text: &str) -> Result<Outcome, String> {
        let Some(patterns) = &self.patterns else {
            // A program may print other things first: its answer is all it prints, or its last line.
            let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            let whole = self.of_line(text);
            let said = if whole.is_ok() || last == text.trim() { whole } else { self.of_line(last) };
            return said.map_err(NoOutcome::into_message);
        };
        let values = self.names.iter().zip(patterns).map(|(name, (pattern, factor))| {
            let found = pattern.captures(text).and_then(|captures| captures.get(1));
            let found = found
                .ok_or_else(|| format!("`{name}`: nothing in the output matches `{}`", pattern.as_str()))?;
            let number: f64 = found
                .as_str()
                .trim()
                .parse()
                .map_err(|_| format!("`{name}`: `{}` is no number", found.as_str()))?;
            finite(name, number * factor)
        });
        Ok(Outcome::Measured(values.collect::<Result<_, _>>()?))
    }

    /// What a line of JSON says.
    ///
    /// # Errors
    /// [`NoOutcome`] if it is no outcome.
    pub(super) fn of_line(&self, line: &str) -> Result<Outcome, NoOutcome> {
        let answer: AnswerText = serde_json::from_str(line).map_err(|error| {
            let shown: String = line.trim().chars().take(200).collect();
            NoOutcome::Nonsense(format!("`{shown}` is no answer: {error}"))
        })?;
        if let AnswerText { error: Some(said), .. } = answer {
            return Err(NoOutcome::Complaint(said));
        }
        self.outcome(answer).map_err(NoOutcome::Nonsense)
    }

    fn outcome(&self, answer: AnswerText) -> Result<Outcome, String> {
        match answer {
            AnswerText { infeasible: Some(rule), violation, metrics: None, .. } => {
                let rule = rule.replace(char::is_whitespace, "_");
                let violation = violation.unwrap_or(1.0);
                if rule.is_empty() || !(violation.is_finite() && violation > 0.0) {
                    return Err(
                        "an infeasible design needs the name of a rule and a violation above 0".to_owned()
                    );
                }
                Ok(Outcome::infeasible(&rule, violation))
            }
            AnswerText { metrics: Some(metrics), infeasible: None, .. } => {
                let values = self.names.iter().map(|name| {
                    let value =
                        metrics.get(name).ok_or_else(|| format!("`{name}` is not among its metrics"))?;
                    finite(name, *value)
                });
                Ok(Outcome::Measured(values.collect::<Result<_, _>>()?))
            }
            _ => Err("expected one of `metrics`, `infeasible` and `error`".to_owned()),
        }
    }
}

fn number_pattern(pattern: &str) -> Result<Regex, String> {
    let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
    if pattern.captures_len() < 2 {
        return Err(format!("`{}` has no group in parentheses for the number", pattern.as_str()));
    }
    Ok(pattern)
}

fn finite(name: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() { Ok(value) } else { Err(format!("`{name}` is {value}")) }
}
