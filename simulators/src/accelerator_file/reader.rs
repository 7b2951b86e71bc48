//! From the text of a file to a checked template.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::DeserializeOwned;
use tapeout_core::Value;
use tapeout_core::expression::Expression;

use super::FileFault;
use super::file::{AcceleratorFile, CLOCK, NODE, OutsideFields, Step};
use super::level::{LevelFields, MacFields};
use super::number::{Names, Number};
use super::parameter::{FileParameter, FileRule, Levels};
use super::part::Part;
use super::program::ProgramFields;
use super::text::{ConstantText, FileText, ParameterText, PartText};
use crate::mapper::Options;

/// Bytes of a file, and its parameters, values and parts. Ours: bounds far above what a person writes.
const MOST_BYTES: usize = 1 << 20;
const MOST_NAMES: usize = 1000;

/// Reads the text of a file; `given` take the place of its constants.
pub(super) fn read(text: &str, given: &BTreeMap<String, Value>) -> Result<AcceleratorFile, FileFault> {
    if text.len() > MOST_BYTES {
        return Err(FileFault::new("", format!("has {} bytes, expected at most {MOST_BYTES}", text.len())));
    }
    let file: FileText =
        toml::from_str(text).map_err(|error| FileFault::new("", error.to_string().trim_end().to_owned()))?;
    let mut reader = Reader { names: Names::default(), known: Vec::new(), texts: BTreeMap::new() };
    reader.constants(&file, given)?;
    let parameters = reader.parameters(&file)?;
    let places: Vec<usize> = parameters
        .iter()
        .map(|parameter| reader.names.find(&parameter.name).expect("invariant: parameters were just named"))
        .collect();
    let (steps, parts) = reader.steps(&file, &places)?;
    let rules = reader.rules(&file, &places, &steps)?;
    reader.template(file, parameters, places, (steps, parts), rules)
}

/// What is known of a file while it is read.
struct Reader {
    names: Names,
    /// Constants by place, and 0 elsewhere.
    known: Vec<Value>,
    /// What a name may be that is a text, by place.
    texts: BTreeMap<usize, Vec<String>>,
}

impl Reader {
    fn name(&mut self, name: &str, field: &str, value: Value) -> Result<usize, FileFault> {
        if self.names.len() == MOST_NAMES {
            return Err(FileFault::new(field, format!("more than {MOST_NAMES} names")));
        }
        if let Value::Text(text) = &value {
            self.texts.insert(self.known.len(), vec![text.clone()]);
        }
        self.known.push(value);
        self.names.add(name, field)
    }

    fn constants(&mut self, file: &FileText, given: &BTreeMap<String, Value>) -> Result<(), FileFault> {
        for (name, constant) in &file.constants {
            let own = match constant {
                ConstantText::Number(number) => Value::number(*number),
                ConstantText::Text(text) => Value::Text(text.clone()),
            };
            let value = given.get(name).cloned().unwrap_or(own.clone());
            if (value.as_f64().is_some()) != (own.as_f64().is_some()) {
                return Err(FileFault::new(
                    &format!("constants.{name}"),
                    format!("{value} stands for {own}"),
                ));
            }
            self.name(name, &format!("constants.{name}"), value)?;
        }
        for (name, value) in given.iter().filter(|(name, _)| !file.constants.contains_key(*name)) {
            let is_defined = file.parameters.contains_key(name) || file.values.contains_key(name);
            if ![CLOCK, NODE].contains(&name.as_str()) || is_defined {
                return Err(FileFault::new(
                    "constants",
                    format!("the file has no constant `{name}` that could be set"),
                ));
            }
            self.name(name, &format!("constants.{name}"), value.clone())?;
        }
        Ok(())
    }

    fn parameters(&mut self, file: &FileText) -> Result<Vec<FileParameter>, FileFault> {
        let mut parameters = Vec::new();
        for (name, text) in &file.parameters {
            let field = format!("parameters.{name}");
            let text: ParameterText = typed(text, &field)?;
            let parameter = FileParameter::read(name, &text)?;
            let first = match &parameter.levels {
                Levels::Numbers(_) | Levels::Range(..) => Value::Integer(0),
                Levels::Names(names) => Value::Text(names.first().cloned().unwrap_or_default()),
            };
            let place = self.name(name, &field, first)?;
            if let Levels::Names(names) = &parameter.levels {
                self.texts.insert(place, names.clone());
            }
            parameters.push(parameter);
        }
        Ok(parameters)
    }

    /// Values and parts, each after what it rests on.
    fn steps(&mut self, file: &FileText, parameters: &[usize]) -> Result<(Vec<Step>, Vec<Part>), FileFault> {
        let mut waiting = Vec::new();
        for name in file.values.keys() {
            self.name(name, &format!("values.{name}"), Value::Integer(0))?;
        }
        let mut part_texts = Vec::new();
        for (name, text) in &file.parts {
            let text: PartText = typed(text, &format!("parts.{name}"))?;
            let first = self.names.len();
            for figure in text.figures(name) {
                self.name(&figure, &format!("parts.{name}"), Value::Integer(0))?;
            }
            part_texts.push((name, text, first));
        }
        for (name, text) in &file.values {
            let place = self.names.find(name).expect("invariant: values were just named");
            let number = Number::read(text, &format!("values.{name}"), name, &self.names)?;
            waiting.push((Step::Value { place, number }, format!("values.{name}")));
        }
        let mut parts = Vec::new();
        for (name, text, first) in part_texts {
            let part = Part::read(name, &text, first, &self.names, &|place| self.texts.get(&place).cloned())?;
            parts.push(part.clone());
            waiting.push((Step::Part(part), format!("parts.{name}")));
        }
        Ok((self.in_order(waiting, parameters)?, parts))
    }

    /// Sorts steps so that each comes after those that it rests on, parts in the order of the file.
    fn in_order(
        &self,
        mut waiting: Vec<(Step, String)>,
        parameters: &[usize],
    ) -> Result<Vec<Step>, FileFault> {
        let made: Vec<usize> = waiting.iter().flat_map(|(step, _)| step.makes()).collect();
        let mut ready = vec![true; self.names.len()];
        made.iter().for_each(|&place| ready[place] = false);
        debug_assert!(parameters.iter().all(|&place| ready[place]), "parameters are given");
        let mut steps = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let next =
                waiting.iter().position(|(step, _)| step.rests_on(self).iter().all(|&place| ready[place]));
            let Some(next) = next else {
                let fields: Vec<&str> = waiting.iter().map(|(_, field)| field.as_str()).collect();
                let problem = format!("rests on itself; so do or rest on it: {}", fields.join(", "));
                return Err(FileFault::new(fields[0], problem));
            };
            let (step, _) = waiting.remove(next);
            step.makes().for_each(|place| ready[place] = true);
            steps.push(step);
        }
        Ok(steps)
    }

    fn rules(
        &self,
        file: &FileText,
        parameters: &[usize],
        steps: &[Step],
    ) -> Result<Vec<FileRule>, FileFault> {
        file.rules.iter().map(|(name, text)| self.rule(name, text, parameters, steps)).collect()
    }

    fn rule(
        &self,
        name: &str,
        text: &toml::Value,
        parameters: &[usize],
        steps: &[Step],
    ) -> Result<FileRule, FileFault> {
        let field = format!("rules.{name}");
        let text: String = typed(text, &field)?;
        let expression =
            Expression::parse(&text).map_err(|error| FileFault::new(&field, error.to_string()))?;
        let place = |name: &String| self.names.find(name).ok_or_else(|| self.names.unknown(name, &field));
        let places: Vec<usize> = expression.names().iter().map(place).collect::<Result<_, _>>()?;
        // Backwards from the last step: what the rule asks for, and what that asks for.
        let mut needed = places.clone();
        let mut values = Vec::new();
        for step in steps.iter().rev() {
            match step {
                Step::Value { place, number } if needed.contains(place) => {
                    needed.extend_from_slice(number.places());
                    values.push((*place, number.clone()));
                }
                Step::Part(part) if step.makes().any(|place| needed.contains(&place)) => {
                    let problem =
                        format!("asks for a cost of part `{}`, expected parameters alone", part.name);
                    return Err(FileFault::new(&field, problem));
                }
                _ => {}
            }
        }
        values.reverse();
        let scope: Vec<(usize, usize)> =
            parameters.iter().copied().enumerate().filter(|(_, place)| needed.contains(place)).collect();
        if scope.is_empty() {
            return Err(FileFault::new(&field, "asks for no parameter, expected one at least"));
        }
        Ok(FileRule { name: name.to_owned(), expression, places, values, scope, known: self.known.clone() })
    }

    fn template(
        self,
        file: FileText,
        parameters: Vec<FileParameter>,
        places: Vec<usize>,
        (steps, parts): (Vec<Step>, Vec<Part>),
        rules: Vec<FileRule>,
    ) -> Result<AcceleratorFile, FileFault> {
        let names = &self.names;
        let missing = |name: &str, what: &str| {
            let problem = format!(
                "no constant, value or parameter is called `{name}`, {what}: give it under `[constants]`"
            );
            FileFault::new("", problem)
        };
        let clock_hz = names.find(CLOCK).ok_or_else(|| missing(CLOCK, "which cycles are counted in"))?;
        let node_nm = names.find(NODE);
        if node_nm.is_none() && !parts.is_empty() {
            return Err(missing(NODE, "which parts are built in"));
        }
        let levels: Vec<LevelFields> = file
            .levels
            .iter()
            .map(|level| LevelFields::read(level, names, &parts))
            .collect::<Result<_, _>>()?;
        let level_names: Vec<String> = levels.iter().map(|level| level.name.clone()).collect();
        let outside = file.outside.iter().map(|part| {
            let field = |what: &str| format!("outside.{}.{what}", part.name);
            let rule = format!("{}_area_m2", part.name.replace(' ', "_"));
            let leakage = part.leakage_w.as_ref();
            let leakage =
                leakage.map(|text| Number::read(text, &field("leakage_w"), &rule, names)).transpose()?;
            Ok(OutsideFields {
                name: part.name.clone(),
                area_m2: Number::read(&part.area_m2, &field("area_m2"), &rule, names)?,
                leakage_w: leakage.unwrap_or(Number::Given(0.0)),
            })
        });
        let limit = file.limits.area_m2.as_ref();
        let program = file.program.as_ref();
        Ok(AcceleratorFile {
            clock_hz,
            node_nm,
            mac: MacFields::read(&file.mac, names, &parts)?,
            outside: outside.collect::<Result<_, _>>()?,
            area_limit_m2: limit
                .map(|text| Number::read(text, "limits.area_m2", "area_limit", names))
                .transpose()?,
            program: program.map(|text| ProgramFields::read(text, names, &level_names)).transpose()?,
            title: file.title,
            mapping: file
                .mapping_effort
                .map_or_else(Options::careful, |effort| Options { effort, ..Options::careful() }),
            parameters,
            places,
            rules,
            known: self.known,
            steps,
            levels,
        })
    }
}

impl Step {
    /// The places that it fills.
    pub(super) fn makes(&self) -> Range<usize> {
        match self {
            Self::Value { place, .. } => *place..*place + 1,
            Self::Part(part) => part.figures(),
        }
    }

    /// The places that must be filled before.
    fn rests_on(&self, reader: &Reader) -> Vec<usize> {
        match self {
            Self::Value { number, .. } => number.places().to_vec(),
            Self::Part(part) => {
                let technology = [CLOCK, NODE].into_iter().filter_map(|name| reader.names.find(name));
                part.places().into_iter().chain(technology).collect()
            }
        }
    }
}

/// What stands at `field`, as `T`.
fn typed<T: DeserializeOwned>(value: &toml::Value, field: &str) -> Result<T, FileFault> {
    value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| FileFault::new(field, error.message().trim_end()))
}
