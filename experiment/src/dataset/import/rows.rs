//! Records of a log as rows: each field held to what its column means, and what does not fit set apart with its reason.

use std::collections::HashMap;

use tapeout_core::env::ContextFeature;
use tapeout_core::names::nearest_name;
use tapeout_core::parameter::{Domain, Parameter, Value};

use super::columns::{ColumnKind, LogColumns, MetricColumn, MissingMetric, ParameterColumn};
use super::error::ImportError;
use super::file::{Field, Number};

/// What became of the design of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Became {
    /// Its metrics are the next in [`Gathered::metrics`].
    Measured,
    /// The index of its rule, and by how much it is broken.
    Infeasible(usize, f64),
}

/// Where a record is from, and what it is of.
pub(super) struct Kept {
    pub(super) source: usize,
    pub(super) line: usize,
    pub(super) workload: usize,
    pub(super) became: Became,
}

/// A workload of the log.
pub(super) struct LoggedName {
    pub(super) name: String,
    pub(super) context: Vec<ContextFeature>,
    /// Where it was first met.
    source: usize,
    line: usize,
}

/// The fit records of all files.
pub(super) struct Gathered<'a> {
    columns: &'a LogColumns,
    places: Places,
    values: Vec<Values>,
    /// Shape `[n][p]`: for each record and parameter the index of its value among those met.
    pub(super) codes: Vec<u32>,
    /// Shape `[measured][k]`.
    pub(super) metrics: Vec<f64>,
    pub(super) kept: Vec<Kept>,
    pub(super) rules: Vec<String>,
    rule_by_name: HashMap<String, usize>,
    pub(super) workloads: Vec<LoggedName>,
}

/// Where in a record each column is.
struct Places {
    parameters: Vec<usize>,
    metrics: Vec<usize>,
    feasibility: Option<usize>,
    rule: Option<usize>,
    violation: Option<usize>,
    workload: Option<(usize, Vec<usize>)>,
}

/// The values of one parameter that were met, in the order in which they were.
struct Values {
    given: Option<Parameter>,
    numbers: Vec<f64>,
    names: Vec<String>,
    code_by_bits: HashMap<u64, u32>,
    code_by_name: HashMap<String, u32>,
}

/// A value that was read, before the record is known to be fit.
enum Read {
    Number(f64),
    Name(String),
}

impl<'a> Gathered<'a> {
    pub(super) fn new(columns: &'a LogColumns) -> Result<Self, ImportError> {
        let needed = columns.needed();
        let place = |column: &String| {
            needed.iter().position(|it| it == column).expect("invariant: every column is needed")
        };
        let feasibility = &columns.feasibility;
        let places = Places {
            parameters: columns.parameters.iter().map(|it| place(&it.column)).collect(),
            metrics: columns.metrics.iter().map(|it| place(&it.column)).collect(),
            feasibility: feasibility.column.as_ref().map(place),
            rule: feasibility.rule.as_ref().map(place),
            violation: feasibility.violation.as_ref().map(place),
            workload: columns.workload.as_ref().map(|it| {
                (place(&it.column), it.context.iter().map(|context| place(&context.column)).collect())
            }),
        };
        Ok(Self {
            places,
            values: columns.parameters.iter().map(Values::new).collect::<Result<_, _>>()?,
            columns,
            codes: Vec::new(),
            metrics: Vec::new(),
            kept: Vec::new(),
            rules: Vec::new(),
            rule_by_name: HashMap::new(),
            workloads: Vec::new(),
        })
    }

    /// Adds a record, or says why it does not fit; `fields` are those of [`LogColumns::needed`].
    pub(super) fn add(&mut self, source: usize, line: usize, fields: &[Field<'_>]) -> Result<(), String> {
        let read: Vec<Read> = (self.columns.parameters.iter().zip(&self.places.parameters))
            .zip(&self.values)
            .map(|((column, &place), values)| values.read(column, &fields[place]))
            .collect::<Result<_, _>>()?;
        let outcome = self.outcome(fields)?;
        let workload = self.workload(source, line, fields)?;
        let became = match outcome {
            Ok(measured) => {
                self.metrics.extend(measured);
                Became::Measured
            }
            Err((rule, violation)) => Became::Infeasible(self.rule(&rule), violation),
        };
        for (values, read) in self.values.iter_mut().zip(read) {
            self.codes.push(values.code(read));
        }
        self.kept.push(Kept { source, line, workload, became });
        Ok(())
    }

    /// The metrics of a feasible design, or the rule that it breaks.
    fn outcome(&self, fields: &[Field<'_>]) -> Result<Result<Vec<f64>, (String, f64)>, String> {
        let reason = |place: usize| fields[place].reason();
        if let Some(place) = self.places.feasibility {
            let said = fields[place].text().unwrap_or_default();
            let is_same = |feasible: &String| same(feasible, &said);
            if !self.columns.feasibility.feasible.iter().any(is_same) {
                let rule = self.places.rule.and_then(reason);
                return Ok(Err((rule.unwrap_or(said).into_owned(), self.violation(fields)?)));
            }
        } else if let Some(rule) = self.places.rule.and_then(reason) {
            return Ok(Err((rule.into_owned(), self.violation(fields)?)));
        }
        let mut measured = Vec::with_capacity(self.places.metrics.len());
        for (column, &place) in self.columns.metrics.iter().zip(&self.places.metrics) {
            match metric(column, &fields[place])? {
                Some(value) => measured.push(value),
                None if matches!(fields[place].number(), Number::Is(_)) => {
                    return Ok(Err((format!("failed_{}", column.name()), self.violation(fields)?)));
                }
                None if self.columns.feasibility.missing_metric == MissingMetric::Infeasible => {
                    return Ok(Err((format!("missing_{}", column.name()), self.violation(fields)?)));
                }
                None => {
                    return Err(format!("metric `{}` is empty, yet the design is feasible", column.column));
                }
            }
        }
        Ok(Ok(measured))
    }

    fn violation(&self, fields: &[Field<'_>]) -> Result<f64, String> {
        match self.places.violation.map(|place| fields[place].number()) {
            None | Some(Number::Absent) => Ok(1.0),
            Some(Number::Is(amount)) if amount > 0.0 => Ok(amount),
            Some(_) => Err("the violation is no number above 0".to_owned()),
        }
    }

    fn rule(&mut self, name: &str) -> usize {
        let words: Vec<&str> = name.split_whitespace().collect();
        let name = if words.is_empty() { "infeasible".to_owned() } else { words.join("_") };
        *self.rule_by_name.entry(name.clone()).or_insert_with(|| {
            self.rules.push(name);
            self.rules.len() - 1
        })
    }

    /// The index of the record's workload, whose context must be what it was before.
    fn workload(&mut self, source: usize, line: usize, fields: &[Field<'_>]) -> Result<usize, String> {
        let (Some((place, contexts)), Some(columns)) = (&self.places.workload, &self.columns.workload) else {
            if self.workloads.is_empty() {
                let name = self.columns.name.clone();
                self.workloads.push(LoggedName { name, context: Vec::new(), source, line });
            }
            return Ok(0);
        };
        let name = fields[*place].text().ok_or("the workload is empty")?;
        let mut context = Vec::with_capacity(contexts.len());
        for (column, &place) in columns.context.iter().zip(contexts) {
            let value = match fields[place].number() {
                Number::Is(value) if !column.log10 || value > 0.0 => value,
                _ => return Err(format!("`{}` describes the workload, and is no fit number", column.column)),
            };
            let (name, value) = if column.log10 {
                (format!("log10_{}", column.column), value.log10())
            } else {
                (column.column.clone(), value)
            };
            context.push(ContextFeature::new(&name, &column.unit, "as in the log", value));
        }
        let Some(index) = self.workloads.iter().position(|known| known.name == name) else {
            self.workloads.push(LoggedName { name: name.into_owned(), context, source, line });
            return Ok(self.workloads.len() - 1);
        };
        let known = &self.workloads[index];
        let differs = known.context.iter().zip(&context).find(|(known, got)| known.value != got.value);
        match differs {
            None => Ok(index),
            Some((expected, got)) => Err(format!(
                "`{}` of workload `{name}` is {}, but {} in line {} of file {}",
                got.name,
                got.value,
                expected.value,
                known.line,
                known.source + 1
            )),
        }
    }

    /// The parameters, and for each the level of every code.
    pub(super) fn parameters(&self) -> Vec<(Parameter, Vec<u32>)> {
        let columns = self.columns.parameters.iter().zip(&self.values);
        columns.map(|(column, values)| values.levels(column)).collect()
    }
}

/// `true` is `True`, and `1` is `1.0`.
fn same(feasible: &str, said: &str) -> bool {
    let as_numbers = || Some(feasible.parse::<f64>().ok()? == said.parse::<f64>().ok()?);
    feasible.eq_ignore_ascii_case(said) || as_numbers().unwrap_or_default()
}

/// The metric in its unit; none if the design failed or nothing was measured.
fn metric(column: &MetricColumn, field: &Field<'_>) -> Result<Option<f64>, String> {
    match field.number() {
        Number::Absent => Ok(None),
        Number::Is(number) if column.failed.contains(&number) => Ok(None),
        Number::Is(number) => {
            let (value, scale) = (number * column.scale, column.scale);
            let fault = || format!("metric `{}`: {number} times {scale} is no finite number", column.column);
            if value.is_finite() { Ok(Some(value)) } else { Err(fault()) }
        }
        Number::Unfit => {
            let got = field.text().unwrap_or_default();
            Err(format!("metric `{}`: got `{got}`, expected a finite number", column.column))
        }
    }
}

impl Values {
    fn new(column: &ParameterColumn) -> Result<Self, ImportError> {
        let domain = column
            .domain()
            .map_err(|reason| ImportError::Levels { parameter: column.name().to_owned(), reason })?;
        Ok(Self {
            given: domain.map(|domain| Parameter::new(column.name(), domain)),
            numbers: Vec::new(),
            names: Vec::new(),
            code_by_bits: HashMap::new(),
            code_by_name: HashMap::new(),
        })
    }

    /// What a field says of the parameter.
    fn read(&self, column: &ParameterColumn, field: &Field<'_>) -> Result<Read, String> {
        let fault = |reason: String| format!("parameter `{}`: {reason}", column.column);
        let text = field.text().ok_or_else(|| fault("is empty".to_owned()))?;
        let read = match column.kind {
            ColumnKind::Category => Read::Name(text.into_owned()),
            ColumnKind::Number => match (column.numbers.get(text.as_ref()), field.number()) {
                (Some(&number), _) | (None, Number::Is(number)) => Read::Number(number + 0.0), // -0 is 0
                _ => return Err(fault(format!("got `{text}`, expected a number"))),
            },
        };
        if let Some(given) = &self.given {
            let value = match &read {
                Read::Number(number) => Value::number(*number),
                Read::Name(name) => Value::from(name.as_str()),
            };
            if given.level_of(&value).is_none() {
                let levels = given.levels_text();
                let near = match &read {
                    Read::Name(name) => nearest_name(name, self.names.iter().map(String::as_str)),
                    Read::Number(_) => None,
                };
                let near = tapeout_core::names::suggestion(&near);
                return Err(fault(format!("{value} is not a level; levels are {levels}{near}")));
            }
        }
        Ok(read)
    }

    fn code(&mut self, read: Read) -> u32 {
        match read {
            Read::Number(number) => *self.code_by_bits.entry(number.to_bits()).or_insert_with(|| {
                self.numbers.push(number);
                self.numbers.len() as u32 - 1
            }),
            Read::Name(name) => match self.code_by_name.get(&name) {
                Some(&code) => code,
                None => {
                    self.names.push(name.clone());
                    let code = self.names.len() as u32 - 1;
                    self.code_by_name.insert(name, code);
                    code
                }
            },
        }
    }

    /// The parameter with the levels given, or else with those met in their order; and the level of each code.
    fn levels(&self, column: &ParameterColumn) -> (Parameter, Vec<u32>) {
        let met: Vec<Value> = match column.kind {
            ColumnKind::Number => self.numbers.iter().map(|&number| Value::number(number)).collect(),
            ColumnKind::Category => self.names.iter().map(|name| Value::from(name.as_str())).collect(),
        };
        let parameter = self.given.clone().unwrap_or_else(|| match column.kind {
            ColumnKind::Number => {
                let mut numbers = self.numbers.clone();
                numbers.sort_by(f64::total_cmp);
                Parameter::new(column.name(), Domain::Ordinal(numbers))
            }
            ColumnKind::Category => {
                let mut names = self.names.clone();
                names.sort();
                Parameter::new(column.name(), Domain::Categorical(names))
            }
        });
        let level = |value: &Value| parameter.level_of(value).expect("invariant: what was met is a level");
        let levels = met.iter().map(level).collect();
        (parameter.unit(&column.unit), levels)
    }
}
