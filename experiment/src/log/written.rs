//! Reading a line that stands as this program writes it, to the byte: keys in their places, nothing between them. Of a log of a million
//! lines that is nearly all, and it takes a fifth of the time of taking JSON apart. Whatever stands otherwise is left to the reader of JSON, which
//! also says what is wrong with it: here nothing is read that would be refused there, and nothing read differently.

use tapeout_core::{Design, DesignSpace, Outcome, Parameter};

use super::record::{CHECK_KEY, check};
use super::{Record, TrialTiming};

/// Levels of a parameter that are found by their texts. Ours: more would take some megabytes; what has more is read as a number.
const MOST_TEXTS: u32 = 4096;

/// How the levels of a parameter stand in a log.
pub(super) struct LevelTexts {
    /// Each with its level, in the order of the texts; none of a parameter with too many.
    levels: Vec<(String, u32)>,
}

impl LevelTexts {
    pub(super) fn of(parameter: &Parameter) -> Self {
        let n_levels = parameter.n_levels();
        let text = |level| (serde_json::json!(parameter.value(level)).to_string(), level);
        let mut levels: Vec<_> = (0..if n_levels > MOST_TEXTS { 0 } else { n_levels }).map(text).collect();
        levels.sort_unstable();
        Self { levels }
    }

    /// The level that stands as `text`.
    fn level(&self, text: &str, parameter: &Parameter) -> Option<u32> {
        if self.levels.is_empty() {
            return parameter.level_of(&serde_json::from_str(text).ok()?);
        }
        let place = self.levels.binary_search_by(|(known, _)| known.as_str().cmp(text)).ok()?;
        Some(self.levels[place].1)
    }
}

/// What a line says, and whether a checksum is in it, which then is right.
pub(super) struct Written {
    pub(super) record: Record,
    pub(super) is_checked: bool,
}

/// What lines are made of.
pub(super) struct Parts<'a> {
    pub(super) space: &'a DesignSpace,
    pub(super) parameter_keys: &'a [String],
    pub(super) levels: &'a [LevelTexts],
    pub(super) metric_keys: &'a [String],
}

impl Parts<'_> {
    /// What `line` says, if it stands as it is written and its checksum is right.
    pub(super) fn read(&self, line: &str) -> Option<Written> {
        let mut rest = Rest(line);
        rest.skip("{\"design\":{")?;
        let design = self.design(&mut rest)?;
        rest.skip("},\"outcome\":{")?;
        let outcome = self.outcome(&mut rest)?;
        rest.skip("}")?;
        let front = &line[..line.len() - rest.0.len()];
        let is_checked = rest.skip(CHECK_KEY).is_some();
        if is_checked {
            let stated = rest.0.get(..8)?;
            rest.0 = &rest.0[8..];
            rest.skip("\"")?;
            if stated != check(front.as_bytes()) {
                return None;
            }
        }
        rest.skip(",\"timing\":{\"evaluation_s\":")?;
        let evaluation_s = rest.number()?;
        rest.skip(",\"elapsed_s\":")?;
        let elapsed_s = rest.number()?;
        let is_whole = rest.0 == "}}" && evaluation_s >= 0.0 && elapsed_s >= 0.0;
        let timing = TrialTiming { evaluation_s, elapsed_s };
        let record = Record { design, outcome, retried: None, timing };
        is_whole.then_some(Written { record, is_checked })
    }

    fn design(&self, rest: &mut Rest<'_>) -> Option<Design> {
        let mut levels = Vec::with_capacity(self.levels.len());
        for ((key, texts), parameter) in
            self.parameter_keys.iter().zip(self.levels).zip(self.space.parameters())
        {
            rest.skip(key)?;
            levels.push(texts.level(rest.value()?, parameter)?);
        }
        self.space.design(&levels).ok()
    }

    fn outcome(&self, rest: &mut Rest<'_>) -> Option<Outcome> {
        if rest.skip("\"measured\":{").is_some() {
            let mut metrics = Vec::with_capacity(self.metric_keys.len());
            for key in self.metric_keys {
                rest.skip(key)?;
                metrics.push(rest.number()?);
            }
            rest.skip("}")?;
            return Some(Outcome::Measured(metrics));
        }
        rest.skip("\"infeasible\":{\"rule\":")?;
        let rule = rest.value()?.strip_prefix('"')?.strip_suffix('"')?;
        rest.skip(",\"violation\":")?;
        let violation = rest.number()?;
        rest.skip("}")?;
        Some(Outcome::infeasible(rule, violation))
    }
}

/// What of a line is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// A text in its quotes, without anything escaped, or whatever stands up to a comma or bracket.
    fn value(&mut self) -> Option<&'a str> {
        let bytes = self.0.as_bytes();
        let end = if bytes.first() == Some(&b'"') {
            let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            let end = 1 + bytes[1..].iter().position(is_end)?;
            (bytes[end] == b'"').then_some(end + 1)?
        } else {
            bytes.iter().position(|byte| matches!(byte, b',' | b'}'))?
        };
        let (value, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(value)
    }

    /// A finite number, as JSON has them.
    fn number(&mut self) -> Option<f64> {
        let text = self.value()?;
        let number: f64 = text.parse().ok()?;
        (number.is_finite() && is_json_number(text)).then_some(number)
    }
}

/// Whether a text that Rust reads as a finite number is one to JSON. Source: RFC 8259, section 6: a digit before and behind the point, no needless
/// zero in front, no plus.
fn is_json_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_digit = |at: usize| digits.get(at).is_some_and(u8::is_ascii_digit);
    let point = digits.iter().position(|&byte| byte == b'.');
    is_digit(0) && !(digits[0] == b'0' && is_digit(1)) && point.is_none_or(|point| is_digit(point + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Law: what is a number here is one to serde_json, with the same bits.
    #[test]
    fn numbers_are_those_of_json() {
        let texts = [
            "0",
            "-0",
            "0.5",
            "-1.25e-7",
            "1E5",
            "1e+22",
            "123456789012345678901",
            "5e-324",
            "01",
            "1.",
            ".5",
            "-.5",
            "+1",
            "inf",
            "NaN",
            "1e999",
            "-",
            "",
            "1.e5",
            "-01",
            "0x1",
            "1_0",
            " 1",
            "1 ",
            "infinity",
            "00",
            "0.1.2",
            "1e",
        ];
        for text in texts {
            let line = format!("{text},");
            let here = Rest(&line).number();
            let there: Option<f64> = serde_json::from_str(text).ok().filter(|_| text.trim() == text);
            assert_eq!(here.map(f64::to_bits), there.map(f64::to_bits), "{text}");
        }
    }

    #[test]
    fn a_text_with_something_escaped_is_left_to_the_reader_of_json() {
        assert_eq!(Rest("\"a,}b\":").value(), Some("\"a,}b\""));
        assert_eq!(["\"a\\\"b\"", "\"a\u{1}b\"", "\"a"].map(|text| Rest(text).value()), [None; 3]);
    }
}
