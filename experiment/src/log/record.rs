//! One line of the log: one trial.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tapeout_core::names::nearest_name;
use tapeout_core::parameter::Value;
use tapeout_core::{Design, DesignSpace, Outcome, Parameter, Problem, SpaceError};

use super::LogFault;
use super::written::{LevelTexts, Parts, Written};

/// One trial, as it is logged: not judged, so that a log outlives its objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The design.
    pub design: Design,
    /// What the environment said.
    pub outcome: Outcome,
    /// Why an evaluation failed before this one: what the agent was told, which chose its later proposals by it.
    pub retried: Option<String>,
    /// How long it took.
    pub timing: TrialTiming,
}

impl Record {
    /// The record as it was before it was retried, if it was.
    pub(crate) fn before_retry(self) -> Self {
        match self.retried {
            None => self,
            Some(cause) => Self { outcome: Outcome::Failed { cause }, retried: None, ..self },
        }
    }
}

/// How long a trial took. The only part of a log that differs between two runs of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialTiming {
    /// Time spent in the environment; the mean over the designs that were evaluated in one call.
    pub evaluation_s: f64,
    /// Wall time of the run, all parts of it, when the trial was logged.
    pub elapsed_s: f64,
}

/// Writes and reads the trials of one problem.
pub(crate) struct RecordFormat {
    space: DesignSpace,
    metrics: Vec<String>,
    /// `"name":` for each parameter, behind a comma but for the first.
    parameter_keys: Vec<String>,
    /// How the levels of each parameter stand.
    level_texts: Vec<LevelTexts>,
    /// `"name":` for each metric, behind a comma but for the first.
    metric_keys: Vec<String>,
    /// Whether each trial has the checksum of its design and outcome.
    is_checked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    design: Named<'a, Value>,
    #[serde(borrow)]
    outcome: LoggedOutcome<'a>,
    retried: Option<String>,
    #[serde(borrow)]
    check: Option<Cow<'a, str>>,
    timing: TrialTiming,
}

/// Values by name, in the order in which they stand: a log has millions of them.
struct Named<'a, T>(Vec<(Cow<'a, str>, T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Named<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<'a, T>(PhantomData<(&'a str, T)>);
        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for Entries<'a, T> {
            type Value = Named<'a, T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Key(name), value)) = map.next_entry()? {
                    entries.push((name, value));
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// A name, borrowed from the line unless something in it is escaped.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum LoggedOutcome<'a> {
    #[serde(borrow)]
    Measured(Named<'a, f64>),
    Infeasible(Broken),
    Failed(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Broken {
    rule: String,
    violation: f64,
}

impl RecordFormat {
    pub(crate) fn of(problem: &Problem) -> Self {
        let space = problem.space().clone();
        let metrics: Vec<String> = problem.metrics().iter().map(|metric| metric.name.clone()).collect();
        Self {
            parameter_keys: keys(space.parameters().iter().map(|parameter| parameter.name())),
            level_texts: space.parameters().iter().map(LevelTexts::of).collect(),
            metric_keys: keys(metrics.iter().map(String::as_str)),
            space,
            metrics,
            is_checked: false,
        }
    }

    /// The same, with a checksum for each trial.
    pub(crate) fn checked(self) -> Self {
        Self { is_checked: true, ..self }
    }

    /// Adds the line of `record`, newline included. Its numbers must be finite.
    pub(crate) fn write(&self, record: &Record, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(b"{\"design\":");
        write_design(&self.space, &self.parameter_keys, &record.design, out);
        out.extend_from_slice(b",\"outcome\":{");
        match &record.outcome {
            Outcome::Measured(metrics) => {
                out.extend_from_slice(b"\"measured\":{");
                for (key, metric) in self.metric_keys.iter().zip(metrics) {
                    out.extend_from_slice(key.as_bytes());
                    write_json(metric, out);
                }
                out.push(b'}');
            }
            Outcome::Infeasible { rule, violation } => {
                out.extend_from_slice(b"\"infeasible\":");
                write_json(&Broken { rule: rule.clone(), violation: *violation }, out);
            }
            Outcome::Failed { cause } => {
                out.extend_from_slice(b"\"failed\":");
                write_json(cause, out);
            }
        }
        out.push(b'}');
        if let Some(cause) = &record.retried {
            out.extend_from_slice(b",\"retried\":");
            write_json(cause, out);
        }
        if self.is_checked {
            let check = check(&out[start..]);
            out.extend_from_slice(CHECK_KEY.as_bytes());
            out.extend_from_slice(check.as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b",\"timing\":");
        write_json(&record.timing, out);
        out.extend_from_slice(b"}\n");
    }

    /// Reads a line.
    pub(crate) fn read(&self, text: &str) -> Result<Record, LogFault> {
        match self.parts().read(text) {
            Some(Written { record, is_checked }) if is_checked || !self.is_checked => Ok(record),
            _ => self.read_json(text),
        }
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            space: &self.space,
            parameter_keys: &self.parameter_keys,
            levels: &self.level_texts,
            metric_keys: &self.metric_keys,
        }
    }

    /// Reads a line, however its JSON is written.
    fn read_json(&self, text: &str) -> Result<Record, LogFault> {
        let line: Line<'_> =
            serde_json::from_str(text).map_err(|error| LogFault::NotATrial(error.to_string()))?;
        // A checksum that is there is held to, whatever version the header claims.
        match line.check.as_deref() {
            Some(stated) => verify(text, stated)?,
            None if self.is_checked => return Err(LogFault::NoChecksum),
            None => {}
        }
        let design = self.read_design(&line.design.0).map_err(LogFault::Design)?;
        let outcome = match line.outcome {
            LoggedOutcome::Measured(metrics) => Outcome::Measured(self.read_metrics(metrics.0)?),
            LoggedOutcome::Infeasible(Broken { rule, violation }) => Outcome::Infeasible { rule, violation },
            LoggedOutcome::Failed(cause) => Outcome::Failed { cause },
        };
        let times = [("evaluation_s", line.timing.evaluation_s), ("elapsed_s", line.timing.elapsed_s)];
        if let Some((field, time_s)) = times.into_iter().find(|(_, time_s)| *time_s < 0.0) {
            let fault = format!("`timing.{field}` is {time_s}, expected 0 or more");
            return Err(LogFault::NotATrial(fault));
        }
        Ok(Record { design, outcome, retried: line.retried, timing: line.timing })
    }

    fn read_design(&self, logged: &[(Cow<'_, str>, Value)]) -> Result<Design, SpaceError> {
        let parameters = self.space.parameters();
        if logged.iter().map(|(name, _)| name.as_ref()).eq(parameters.iter().map(Parameter::name)) {
            let levels =
                logged.iter().zip(parameters).map(|((_, value), parameter)| parameter.level_of(value));
            if let Some(levels) = levels.collect::<Option<Vec<u32>>>() {
                return self.space.design(&levels);
            }
        }
        self.space.design_of(logged.iter().map(|(name, value)| (name.as_ref(), value.clone())))
    }

    fn read_metrics(&self, mut logged: Vec<(Cow<'_, str>, f64)>) -> Result<Vec<f64>, LogFault> {
        if logged.iter().map(|(name, _)| name).eq(&self.metrics) {
            return Ok(logged.into_iter().map(|(_, value)| value).collect());
        }
        let mut take = |metric: &String| {
            let place = logged.iter().rposition(|(name, _)| name == metric);
            let place = place.ok_or_else(|| LogFault::MissingMetric { metric: metric.clone() })?;
            Ok(logged.remove(place).1)
        };
        let metrics = self.metrics.iter().map(&mut take).collect::<Result<Vec<f64>, LogFault>>()?;
        match logged.into_iter().next() {
            None => Ok(metrics),
            Some((got, _)) => {
                let nearest = nearest_name(&got, self.metrics.iter().map(String::as_str));
                Err(LogFault::UnknownMetric { got: got.into_owned(), nearest })
            }
        }
    }
}

/// What stands between what a checksum is of, and the checksum.
pub(super) const CHECK_KEY: &str = ",\"check\":\"";

/// Eight hexadecimal digits: the CRC-32 of all that stands before it in the line. What was measured cannot change unnoticed by an edit or a
/// bad disk, but by somebody who means to, and who can run the program.
/// Source: IEEE 802.3, section 3.2.9, as in gzip (RFC 1952, section 8).
pub(super) fn check(front: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(front))
}

/// Fails unless `got` is the checksum of what stands before it in the line `text`.
fn verify(text: &str, got: &str) -> Result<(), LogFault> {
    let (front, _) = text.rsplit_once(CHECK_KEY).ok_or(LogFault::NoChecksum)?;
    let expected = check(front.as_bytes());
    if got == expected { Ok(()) } else { Err(LogFault::Checksum { got: got.to_owned(), expected }) }
}

/// A design of `space` as it stands in the log, for messages.
pub(crate) fn design_text(space: &DesignSpace, design: &Design) -> String {
    let mut text = Vec::new();
    let names = space.parameters().iter().map(|parameter| parameter.name());
    write_design(space, &keys(names), design, &mut text);
    String::from_utf8(text).expect("JSON is written in UTF-8")
}

fn write_design(space: &DesignSpace, keys: &[String], design: &Design, out: &mut Vec<u8>) {
    out.push(b'{');
    for (key, (_, value)) in keys.iter().zip(space.values(design)) {
        out.extend_from_slice(key.as_bytes());
        write_json(&value, out);
    }
    out.push(b'}');
}

fn keys<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let key = |(index, name): (usize, &str)| {
        let comma = if index == 0 { "" } else { "," };
        format!("{comma}{}:", serde_json::Value::from(name))
    };
    names.enumerate().map(key).collect()
}

fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("plain data is written to memory without fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{Goal, Metric, Objective};

    fn format() -> (RecordFormat, DesignSpace) {
        let parameters = vec![
            Parameter::ordinal("rows", [0.1, 0.30000000000000004, 4.0]),
            Parameter::categorical("order \"x\"", &["row", "column"]),
        ];
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        let metrics = vec![Metric::new("latency_s", "s", "time"), Metric::new("share", "", "share")];
        let goal = Goal { objectives: vec![Objective::minimize("share")], constraints: Vec::new() };
        (RecordFormat::of(&Problem::new(space.clone(), metrics, goal).unwrap()), space)
    }

    fn line(format: &RecordFormat, record: &Record) -> String {
        let mut out = Vec::new();
        format.write(record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_reads_as_documented() {
        let (format, space) = format();
        let timing = TrialTiming { evaluation_s: 0.5, elapsed_s: 2.0 };
        let design = space.design(&[2, 1]).unwrap();
        let outcome = Outcome::Measured(vec![1e-3, 0.25]);
        let record = Record { design: design.clone(), outcome, retried: None, timing };
        assert_eq!(
            line(&format, &record),
            "{\"design\":{\"rows\":4,\"order \\\"x\\\"\":\"column\"},\
             \"outcome\":{\"measured\":{\"latency_s\":0.001,\"share\":0.25}},\
             \"timing\":{\"evaluation_s\":0.5,\"elapsed_s\":2.0}}\n"
        );
        let record = Record { outcome: Outcome::infeasible("l2_capacity", 2.0), ..record };
        assert!(
            line(&format, &record)
                .contains("\"outcome\":{\"infeasible\":{\"rule\":\"l2_capacity\",\"violation\":2.0}}")
        );
        let record = Record { outcome: Outcome::failed("exit code 3: \"no\""), ..record };
        let failed = line(&format, &record);
        assert!(failed.contains(r#""outcome":{"failed":"exit code 3: \"no\""},"timing""#), "{failed}");
        assert_eq!(format.read(&failed).unwrap(), record);
        let record = Record {
            outcome: Outcome::Measured(vec![1e-3, 0.25]),
            retried: Some("it died".to_owned()),
            ..record
        };
        let retried = line(&format.checked(), &record);
        assert!(retried.contains(r#""share":0.25}},"retried":"it died","check":"#), "{retried}");
        let (format, _) = self::format();
        assert_eq!(format.checked().read(&retried).unwrap(), record);
    }

    /// Law: no digit of what was measured, and no level, changes unnoticed; the checksum is CRC-32's, which gzip has too: of
    /// "123456789" it is cbf43926 (the check value of the catalogue of parametrised CRC algorithms).
    #[test]
    fn a_trial_that_was_edited_is_noticed() {
        assert_eq!(check(b"123456789"), "cbf43926");
        let format_of_before = format();
        let (format, space) = format();
        let format = format.checked();
        let timing = TrialTiming { evaluation_s: 0.5, elapsed_s: 2.0 };
        let outcome = Outcome::Measured(vec![1e-3, 0.25]);
        let record = Record { design: space.design(&[2, 1]).unwrap(), outcome, retried: None, timing };
        let line = line(&format, &record);
        assert_eq!(format.read(&line).unwrap(), record);
        for (there, edited) in [(":0.001", ":-1"), ("0.25", "0.26"), ("\"rows\":4", "\"rows\":0.1")] {
            assert!(line.contains(there), "{line}");
            let fault = format.read(&line.replace(there, edited)).unwrap_err();
            assert!(matches!(fault, LogFault::Checksum { .. }), "{edited}: {fault}");
        }
        let (front, rest) = line.split_once(CHECK_KEY).unwrap();
        let without = format!("{front},{}", rest.split_once(',').unwrap().1);
        assert!(matches!(format.read(&without).unwrap_err(), LogFault::NoChecksum));
        // A header that says that there are none does not undo those that there are.
        let (old, _) = format_of_before;
        assert!(old.read(&without).is_ok());
        assert!(matches!(old.read(&line.replace("0.25", "0.26")).unwrap_err(), LogFault::Checksum { .. }));
    }

    /// Law: reading undoes writing, to the bit, for numbers at the ends of the range and between.
    #[test]
    fn every_number_comes_back_with_the_same_bits() {
        let (format, space) = format();
        let numbers =
            [0.1 + 0.2, f64::MIN_POSITIVE, 5e-324, f64::MAX, -0.0, 1.0 / 3.0, 2f64.powi(60), 1e22, 9.5e-7];
        for (index, &number) in numbers.iter().enumerate() {
            let design = space.design(&[index as u32 % 3, index as u32 % 2]).unwrap();
            let timing = TrialTiming { evaluation_s: number, elapsed_s: number };
            let outcome = Outcome::Measured(vec![number, -number]);
            let record = Record { design, outcome, retried: None, timing };
            let read = format.read(&line(&format, &record)).unwrap();
            assert_eq!(read, record);
            assert_eq!(read.outcome.metrics().unwrap()[0].to_bits(), number.to_bits());
        }
    }

    /// The line with the checksum of what stands before it, if it has one.
    fn checked_anew(line: String) -> String {
        let Some((front, rest)) = line.rsplit_once(CHECK_KEY) else { return line };
        let Some(behind) = rest.get(8..) else { return line };
        format!("{front}{CHECK_KEY}{}{behind}", check(front.as_bytes()))
    }

    /// Law: a line that was edited anywhere, by any of these bytes, is read alike by both readers, or only by that of JSON; and what is written here
    /// is read without it.
    #[test]
    fn what_is_read_without_json_is_what_json_says() {
        let (format, space) = format();
        let timing = TrialTiming { evaluation_s: 1.5e-7, elapsed_s: 2.0 };
        let design = space.design(&[1, 1]).unwrap();
        for (outcome, is_checked) in [
            (Outcome::Measured(vec![1e-3, 0.25]), false),
            (Outcome::infeasible("l2", 2.5), false),
            (Outcome::Measured(vec![-0.0, 7.0]), true),
        ] {
            let format = RecordFormat { is_checked, ..self::format().0 };
            let line = line(&format, &Record { design: design.clone(), outcome, retried: None, timing });
            let line = line.trim_end();
            // The second parameter has a name with something escaped, which is a key as any other.
            assert_eq!(format.parts().read(line).unwrap().record, format.read_json(line).unwrap());
            let mut n_compared = 0;
            for at in 0..line.len() {
                for byte in *b"\"\\{},:0.-e 1" {
                    let mut edited = line.as_bytes().to_vec();
                    edited[at] = byte;
                    let edited = checked_anew(String::from_utf8(edited).unwrap());
                    let here = format.parts().read(&edited);
                    if let Some(here) = here.filter(|it| it.is_checked || !format.is_checked) {
                        assert_eq!(format.read_json(&edited).unwrap(), here.record, "{edited}");
                        n_compared += 1;
                    }
                }
            }
            assert!(n_compared > 20, "{n_compared} of {line}");
        }
        assert!(format.read("{}").is_err());
    }

    #[test]
    fn a_line_that_is_no_trial_of_the_problem_is_refused_by_name() {
        let (format, _) = format();
        let line = |design: &str, outcome: &str| {
            format!(
                r#"{{"design":{design},"outcome":{outcome},"timing":{{"evaluation_s":0,"elapsed_s":0}}}}"#
            )
        };
        let good = r#"{"rows":4,"order \"x\"":"row"}"#;
        let error = |text: &str| format.read(text).unwrap_err().to_string();
        assert_eq!(
            error(&line(r#"{"rows":5,"order \"x\"":"row"}"#, r#"{"measured":{}}"#)),
            "`design`: parameter `rows`: 5 is not a level; levels are 0.1, 0.30000000000000004, 4"
        );
        assert_eq!(
            error(&line(good, r#"{"measured":{"share":1}}"#)),
            "`outcome.measured.latency_s` is missing"
        );
        assert_eq!(
            error(&line(good, r#"{"measured":{"share":1,"latency_s":1,"latency":1}}"#)),
            "`outcome.measured.latency`: unknown metric; did you mean `latency_s`?"
        );
        assert!(error(&line(good, r#"{"measured":{"share":null}}"#)).starts_with("not a trial: "));
        assert!(error("{\"design\":").starts_with("not a trial: "));
    }
}
