//! `logs.toml`: what the columns of a log mean.
//!
//! ```toml
//! name = "npu-logs"
//! unused = ["date"]               # columns that say nothing of a design
//!
//! [goal]
//! objectives = ["latency_s"]      # what to optimise when nobody says
//!
//! [[parameters]]
//! column = "pe_x"                 # levels are read from the log, or given
//! levels = [1, 2, 4, 8]
//!
//! [[parameters]]
//! column = "dataflow"
//! kind = "category"
//!
//! [[products]]
//! name = "macs"                   # what is known to matter: models learn from the product beside its factors
//! of = ["pe_x", "lanes"]
//!
//! [[equal_levels]]
//! parameter = "lanes"             # levels, all or `levels`, that make no difference, where `given` says or everywhere
//! given = { parameter = "dataflow", levels = ["scalar"] }
//!
//! [[metrics]]
//! column = "lat_ms"
//! name = "latency_s"
//! unit = "s"
//! scale = 1e-3                    # what a number in the log is multiplied by
//! failed = [-1.0]                 # what stands there for a design that cannot be built or run
//!
//! [feasibility]
//! column = "status"
//! feasible = ["ok"]               # what stands there for a design that can
//! rule = "error"                  # where the reason stands, if not there
//! missing_metric = "infeasible"   # or `refused`: a row without a metric is no trial
//!
//! [workload]
//! column = "network"
//! context = [{ column = "macs", log10 = true }]
//! ```

use serde::{Deserialize, Serialize};
use tapeout_core::parameter::Domain;
use tapeout_core::{Constraint, EqualLevelsText, Objective, ProductText};

/// What the columns of a log mean.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogColumns {
    /// What the log is called.
    pub name: String,
    /// Columns that say nothing of a design. Others that are named nowhere are told to whoever imports.
    #[serde(default)]
    pub unused: Vec<String>,
    /// What to optimise when nobody says.
    pub goal: LogGoal,
    /// The knobs, in the order of the space.
    pub parameters: Vec<ParameterColumn>,
    /// Products of parameters, by the names of these, that are known to matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ProductText>,
    /// Levels of parameters, by the names of these, that are known to make no difference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equal_levels: Vec<EqualLevelsText>,
    /// What was measured, in order.
    pub metrics: Vec<MetricColumn>,
    /// How the log says that a design cannot be built or run; all rows are feasible if it does not.
    #[serde(default)]
    pub feasibility: FeasibilityColumns,
    /// What the designs ran; the same for all rows if the log does not say.
    #[serde(default)]
    pub workload: Option<WorkloadColumns>,
}

/// What is wanted when nobody says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogGoal {
    /// At least one: `latency_s`, `max:throughput`.
    pub objectives: Vec<Objective>,
    /// What is not acceptable: `area_m2 <= 1e-5`.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
}

/// A column that holds what a parameter is set to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterColumn {
    /// Its name in the log.
    pub column: String,
    /// The parameter's name; the column's if it is absent.
    #[serde(default)]
    pub name: Option<String>,
    /// The parameter's unit; empty for counts and categories.
    #[serde(default)]
    pub unit: String,
    /// Whether its levels have an order.
    #[serde(default)]
    pub kind: ColumnKind,
    /// Its levels; those in the log if there are none here.
    #[serde(default)]
    pub levels: Vec<toml::Value>,
    /// Numbers for names that have an order: `{ small = 1, large = 4 }`; other texts are read as numbers.
    #[serde(default)]
    pub numbers: std::collections::BTreeMap<String, f64>,
}

/// Whether the levels of a parameter have an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Numbers, which do.
    #[default]
    Number,
    /// Names, and numbers that are but names, which do not.
    Category,
}

/// A column that holds a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricColumn {
    /// Its name in the log.
    pub column: String,
    /// The metric's name; the column's if it is absent.
    #[serde(default)]
    pub name: Option<String>,
    /// The metric's unit, in SI.
    #[serde(default)]
    pub unit: String,
    /// What a number in the log is multiplied by to be in that unit.
    #[serde(default = "one")]
    pub scale: f64,
    /// Numbers in the log, before they are scaled, that stand for a design that cannot be built or run: -1, 1e20.
    #[serde(default)]
    pub failed: Vec<f64>,
}

fn one() -> f64 {
    1.0
}

/// How the log says that a design cannot be built or run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeasibilityColumns {
    /// The column that says it.
    #[serde(default)]
    pub column: Option<String>,
    /// What stands there for a design that can; anything else is infeasible.
    #[serde(default)]
    pub feasible: Vec<String>,
    /// The column with the name of the rule that is broken; what stands in `column` if it is absent.
    #[serde(default)]
    pub rule: Option<String>,
    /// The column that says by how much; 1 if it is absent.
    #[serde(default)]
    pub violation: Option<String>,
    /// What a row without a metric is.
    #[serde(default)]
    pub missing_metric: MissingMetric,
}

/// What a row without a metric is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingMetric {
    /// No trial: it is refused, with its line.
    #[default]
    Refused,
    /// An infeasible design, by the rule `missing_` and the metric's name.
    Infeasible,
}

/// What the designs ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadColumns {
    /// The column with its name.
    pub column: String,
    /// Columns with numbers that describe it, the same in all its rows.
    #[serde(default)]
    pub context: Vec<ContextColumn>,
}

/// A number that describes a workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextColumn {
    /// Its name in the log.
    pub column: String,
    /// Its unit.
    #[serde(default)]
    pub unit: String,
    /// Whether models see its decimal logarithm: for sizes that range over powers of ten.
    #[serde(default)]
    pub log10: bool,
}

impl ParameterColumn {
    /// The parameter's name.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.column)
    }

    /// The levels that are given; none if they are those in the log. The error says what is wrong with one.
    pub(super) fn domain(&self) -> Result<Option<Domain>, String> {
        if self.levels.is_empty() {
            return Ok(None);
        }
        let number = |value: &toml::Value| {
            let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
            let number = number.or_else(|| self.numbers.get(value.as_str()?).copied());
            let fault = || format!("got {value}, expected a number, or `kind = \"category\"`");
            number.filter(|number| number.is_finite()).ok_or_else(fault)
        };
        let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(Some(match self.kind {
            ColumnKind::Number => {
                let mut levels: Vec<f64> = self.levels.iter().map(number).collect::<Result<_, _>>()?;
                levels.sort_by(f64::total_cmp);
                levels.dedup();
                Domain::Ordinal(levels)
            }
            ColumnKind::Category => Domain::Categorical(self.levels.iter().map(text).collect()),
        }))
    }
}

impl MetricColumn {
    /// The metric's name.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.column)
    }
}

impl LogColumns {
    /// Reads the text of a `logs.toml`.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let deserializer =
            toml::Deserializer::parse(text).map_err(|error| (String::new(), error.message().to_owned()))?;
        let columns: Self = serde_path_to_error::deserialize(deserializer)
            .map_err(|error| (field_of(error.path()), error.inner().message().to_owned()))?;
        columns.check().map(|()| columns)
    }

    /// All columns that a file must have, each once.
    pub fn needed(&self) -> Vec<&str> {
        let parameters = self.parameters.iter().map(|it| it.column.as_str());
        let metrics = self.metrics.iter().map(|it| it.column.as_str());
        let FeasibilityColumns { column, rule, violation, .. } = &self.feasibility;
        let workload = self.workload.iter().flat_map(|it| {
            std::iter::once(it.column.as_str()).chain(it.context.iter().map(|it| it.column.as_str()))
        });
        let mut needed: Vec<&str> = Vec::new();
        let feasibility = [column, rule, violation].into_iter().flatten().map(String::as_str);
        for column in parameters.chain(metrics).chain(feasibility).chain(workload) {
            if !needed.contains(&column) {
                needed.push(column);
            }
        }
        needed
    }

    /// What types do not say.
    fn check(&self) -> Result<(), (String, String)> {
        let refuse = |field: &str, reason: String| Err((field.to_owned(), reason));
        for (field, is_empty) in [
            ("name", self.name.trim().is_empty()),
            ("parameters", self.parameters.is_empty()),
            ("metrics", self.metrics.is_empty()),
            ("goal.objectives", self.goal.objectives.is_empty()),
        ] {
            if is_empty {
                return refuse(field, "is empty, expected at least one".to_owned());
            }
        }
        for parameter in &self.parameters {
            if let Err(reason) = parameter.domain() {
                return refuse(&format!("parameters.{}.levels", parameter.name()), reason);
            }
        }
        for (index, metric) in self.metrics.iter().enumerate() {
            if !(metric.scale.is_finite() && metric.scale != 0.0) {
                let reason = format!("got {}, expected a finite number other than 0", metric.scale);
                return refuse(&format!("metrics[{index}].scale"), reason);
            }
            if self.metrics[..index].iter().any(|earlier| earlier.name() == metric.name()) {
                let reason = format!("metric `{}` stands twice", metric.name());
                return refuse(&format!("metrics[{index}].name"), reason);
            }
        }
        for objective in &self.goal.objectives {
            if !self.metrics.iter().any(|metric| metric.name() == objective.metric) {
                let names: Vec<&str> = self.metrics.iter().map(MetricColumn::name).collect();
                let reason = format!("no metric `{}`; they are {}", objective.metric, names.join(", "));
                return refuse("goal.objectives", reason);
            }
        }
        match (&self.feasibility.column, self.feasibility.feasible.is_empty()) {
            (Some(_), true) => {
                refuse("feasibility.feasible", "is empty, so that no design would be feasible".to_owned())
            }
            (None, false) => refuse("feasibility.column", "is absent, yet `feasible` is there".to_owned()),
            _ => Ok(()),
        }
    }
}

/// The path of a field; empty for the whole file.
fn field_of(path: &serde_path_to_error::Path) -> String {
    if path.iter().len() == 0 { String::new() } else { path.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str =
        "name = 'a'\ngoal.objectives = ['t']\n[[parameters]]\ncolumn = 'x'\n[[metrics]]\ncolumn = 't'\n";

    #[test]
    fn what_is_not_said_has_a_plain_meaning() {
        let columns = LogColumns::parse(LEAST).unwrap();
        assert_eq!(columns.metrics[0].scale, 1.0);
        assert_eq!((columns.parameters[0].name(), columns.parameters[0].kind), ("x", ColumnKind::Number));
        assert_eq!(columns.feasibility.missing_metric, MissingMetric::Refused);
        assert_eq!(columns.needed(), ["x", "t"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_field() {
        let refusal = |from: &str, to: &str| LogColumns::parse(&LEAST.replace(from, to)).unwrap_err();
        assert_eq!(refusal("['t']", "['u']").1, "no metric `u`; they are t");
        assert_eq!(refusal("column = 't'", "column = 't'\nscale = 0.0").0, "metrics[0].scale");
        let levels = refusal("column = 'x'", "column = 'x'\nlevels = [1, 'two']");
        let expected = "got \"two\", expected a number, or `kind = \"category\"`";
        assert_eq!((levels.0.as_str(), levels.1.as_str()), ("parameters.x.levels", expected));
        assert_eq!(refusal("column = 't'", "colum = 't'").0, "metrics[0].colum");
        let missing = refusal("[[parameters]]\ncolumn = 'x'\n", "");
        assert_eq!((missing.0.as_str(), missing.1.as_str()), ("", "missing field `parameters`"));
        let feasibility = "column = 't'\n[feasibility]\ncolumn = 's'\n";
        assert_eq!(refusal("column = 't'", feasibility).0, "feasibility.feasible");
    }
}
