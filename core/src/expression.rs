//! Expressions over named numbers: `glb_kib * 1024 / word_bytes`, `latency_s * energy_j`.
//!
//! The language is that of [minijinja](https://docs.rs/minijinja)'s expressions, without filters, lists and attributes: `+ - * / // % **`,
//! comparisons, `and`, `or`, `not`, `a if condition else b`, and the functions of [`FUNCTIONS`]. `/` divides without rounding. A
//! condition is 1 where it holds and 0 elsewhere. Text is compared and nothing else: `buffer == "SRAM"`.
//!
//! There are no loops and no assignments; an expression has at most [`MAX_CHARS`] characters and takes at most [`MAX_STEPS`] steps.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Value as Evaluated, ValueKind};
use minijinja::{Environment, UndefinedBehavior};

/// Characters of the longest expression. Ours: a dozen lines of text.
pub const MAX_CHARS: usize = 1000;
/// Steps of an evaluation. Ours: more than the longest expression has, whatever it is.
pub const MAX_STEPS: u64 = 10_000;

/// The functions that an expression may call, with what they return.
pub const FUNCTIONS: [(&str, &str); 11] = [
    ("min", "the least of its arguments"),
    ("max", "the largest of its arguments"),
    ("floor", "the next whole number below"),
    ("ceil", "the next whole number above"),
    ("round", "the nearest whole number, halves away from zero"),
    ("abs", "the number without its sign"),
    ("sqrt", "the square root"),
    ("exp", "e to the power of the number"),
    ("ln", "the natural logarithm"),
    ("log2", "the binary logarithm"),
    ("next_power_of_two", "the least power of two that is no smaller, from 1 on"),
];

/// The constant for no limit.
const INFINITY: &str = "inf";

static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(language);

fn language() -> Environment<'static> {
    let mut language = Environment::empty();
    language.set_undefined_behavior(UndefinedBehavior::Strict);
    language.set_fuel(Some(MAX_STEPS));
    let fold = |with: fn(f64, f64) -> f64| {
        move |first: f64, rest: minijinja::value::Rest<f64>| rest.iter().copied().fold(first, with)
    };
    language.add_function("min", fold(f64::min));
    language.add_function("max", fold(f64::max));
    for (name, function) in [
        ("floor", f64::floor as fn(f64) -> f64),
        ("ceil", f64::ceil),
        ("round", f64::round),
        ("abs", f64::abs),
        ("sqrt", f64::sqrt),
        ("exp", f64::exp),
        ("ln", f64::ln),
        ("log2", f64::log2),
        ("next_power_of_two", next_power_of_two),
    ] {
        language.add_function(name, function);
    }
    language.add_global(INFINITY, f64::INFINITY);
    language
}

/// Exact as far as powers of two are: doubling is.
fn next_power_of_two(number: f64) -> f64 {
    let mut power = 1.0;
    while power < number {
        power *= 2.0;
    }
    power
}

/// What a name in an expression stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand<'a> {
    /// A number.
    Number(f64),
    /// A text, to be compared with another.
    Text(&'a str),
}

/// An expression, read. Cheap to clone.
///
/// ```
/// use tapeout_core::expression::{Expression, Operand};
/// let entries = Expression::parse("glb_kib * 1024 / word_bytes")?;
/// assert_eq!(entries.names(), ["glb_kib", "word_bytes"]);
/// assert_eq!(entries.evaluate(&[Operand::Number(108.0), Operand::Number(2.0)])?, 55_296.0);
/// # Ok::<(), tapeout_core::expression::ExpressionError>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    names: Arc<[String]>,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
}

/// An expression that cannot be read, or has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expression `{text}`: {problem}")]
pub struct ExpressionError {
    /// The expression.
    pub text: String,
    /// Why.
    pub problem: String,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`ExpressionError`] if it is too long or no expression of the language.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let refused = |problem: String| ExpressionError { text: text.to_owned(), problem };
        if text.chars().count() > MAX_CHARS {
            return Err(refused(format!("it has more than {MAX_CHARS} characters")));
        }
        if let Some(got) = text.chars().find(|&got| "[]{}|~".contains(got)) {
            return Err(refused(format!("`{got}` is not part of the language")));
        }
        if has_loose_text(text) {
            return Err(refused("text in quotes can be compared by `==` and `!=`, nothing else".to_owned()));
        }
        let compiled = LANGUAGE.compile_expression_owned(text.to_owned());
        let compiled = compiled.map_err(|error| refused(plain(&error)))?;
        let is_known =
            |name: &String| name == INFINITY || FUNCTIONS.iter().any(|(function, _)| function == name);
        // With attributes told apart: `a.b` is refused below, since numbers have none.
        let mut names: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
        names.retain(|name| !is_known(name));
        names.sort();
        if let Some(dotted) = names.iter().find(|name| name.contains('.')) {
            return Err(refused(format!("`{dotted}`: numbers have no parts")));
        }
        Ok(Self { text: text.into(), names: names.into(), compiled: Arc::new(compiled) })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names that it asks for, in alphabetical order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Its value where its names stand for `operands`, in the order of [`Expression::names`]. It may be infinite.
    ///
    /// # Errors
    /// [`ExpressionError`] if there is no such number: a division by zero, the square root of -1, a sum of texts.
    ///
    /// # Panics
    /// If there are not as many operands as names.
    pub fn evaluate(&self, operands: &[Operand<'_>]) -> Result<f64, ExpressionError> {
        assert_eq!(operands.len(), self.names.len(), "one operand for each name of `{}`", self.text);
        let failed = |problem: String| ExpressionError { text: self.text.as_ref().to_owned(), problem };
        let pairs = self.names.iter().zip(operands).map(|(name, operand)| {
            let value = match operand {
                Operand::Number(number) => Evaluated::from(*number),
                Operand::Text(text) => Evaluated::from(*text),
            };
            (name.as_str(), value)
        });
        let value =
            self.compiled.eval(Evaluated::from_pairs(pairs)).map_err(|error| failed(plain(&error)))?;
        match value.kind() {
            ValueKind::Bool => Ok(f64::from(u8::from(value.is_true()))),
            ValueKind::Number => {
                let number = f64::try_from(value).map_err(|error| failed(error.to_string()))?;
                if number.is_nan() { Err(failed("there is no such number".to_owned())) } else { Ok(number) }
            }
            kind => Err(failed(format!("its value is a {kind}, expected a number"))),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Expression({})", self.text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Whether a text in quotes is not one side of a comparison: texts can be repeated, which is no work for an expression.
fn has_loose_text(text: &str) -> bool {
    let compares = |side: &str| side == "==" || side == "!=";
    let mut rest = text;
    let mut before = "";
    while let Some(open) = rest.find(['"', '\'']) {
        let quote = &rest[open..=open];
        let Some(length) = rest[open + 1..].find(quote) else { return true };
        let close = open + 1 + length;
        let left = rest[..open].trim_end();
        let left = if left.is_empty() { before } else { left };
        let right = rest[close + 1..].trim_start();
        let left_compares =
            left.len() >= 2 && left.is_char_boundary(left.len() - 2) && compares(&left[left.len() - 2..]);
        let right_compares = right.get(..2).is_some_and(compares);
        if left.ends_with('*') || right.starts_with('*') || !(left_compares || right_compares) {
            return true;
        }
        (before, rest) = ("", &rest[close + 1..]);
    }
    false
}

/// What the parser says, without the name of a template.
fn plain(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        Expression::parse(text).unwrap().evaluate(&[]).unwrap()
    }

    fn refusal(text: &str) -> String {
        match Expression::parse(text) {
            Err(error) => error.problem,
            Ok(expression) => {
                let ones = vec![Operand::Number(1.0); expression.names().len()];
                expression.evaluate(&ones).unwrap_err().problem
            }
        }
    }

    // By hand.
    #[test]
    fn expressions_are_worth_what_arithmetic_says() {
        for (text, expected) in [
            ("1 + 2 * 3", 7.0),
            ("7 / 2", 3.5),
            ("7 // 2", 3.0),
            ("6 / 2 * 3", 9.0),
            ("2 ** 10", 1024.0),
            ("17 % 5", 2.0),
            ("min(3, 1, 2) + max(1, 2)", 3.0),
            ("ceil(7 / 2) + floor(7 / 2) + round(2.5)", 10.0),
            ("next_power_of_two(96) + next_power_of_two(0.3)", 129.0),
            ("log2(8) + sqrt(16) + abs(-1)", 8.0),
            ("3 < 4", 1.0),
            ("3 == 4 or not 1 <= 2", 0.0),
            ("5 if 1 > 2 else 6", 6.0),
            ("1e-6 * 2", 2e-6),
            ("inf", f64::INFINITY),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn names_stand_for_numbers_and_texts() {
        let expression =
            Expression::parse("2 * ifmap_depth if kind == \"SRAM\" else min(1, ifmap_depth)").unwrap();
        assert_eq!(expression.names(), ["ifmap_depth", "kind"]);
        let at = |kind| expression.evaluate(&[Operand::Number(12.0), Operand::Text(kind)]).unwrap();
        assert_eq!((at("SRAM"), at("regfile")), (24.0, 1.0));
    }

    #[test]
    fn what_is_no_number_is_told() {
        assert_eq!(refusal("1 / 0"), "unable to calculate 1 / 0");
        assert_eq!(refusal("sqrt(-1)"), "there is no such number");
        assert_eq!(refusal("(1, 2)"), "its value is a sequence, expected a number");
        assert_eq!(refusal("pes.x"), "`pes.x`: numbers have no parts");
        assert_eq!(
            Expression::parse("sinn(1)").unwrap().names(),
            ["sinn"],
            "no function: a name like another"
        );
        assert_eq!(refusal("sinn(1)"), "value of type number is not callable");
        assert!(!refusal("1 +").is_empty() && !refusal("").is_empty());
    }

    // Claim: loops and unbounded work are impossible, and what would be long is refused and not begun.
    #[test]
    fn work_is_bounded() {
        assert_eq!(
            refusal("'a' * 100000000 == 'b'"),
            "text in quotes can be compared by `==` and `!=`, nothing else"
        );
        assert_eq!(refusal("[1] * 3"), "`[` is not part of the language");
        assert!(refusal("10 ** 10 ** 10 ** 10").len() > 1);
        assert!(refusal(&"(".repeat(900)).len() > 1);
        assert!(refusal(&"-".repeat(900)).len() > 1);
        for deep in [
            format!("{}1", "not ".repeat(240)),
            format!("{}1", "1 if 1 else ".repeat(80)),
            "2 ** ".repeat(190) + "2",
        ] {
            let _ = Expression::parse(&deep).and_then(|expression| expression.evaluate(&[]));
        }
        assert_eq!(refusal(&"1+".repeat(501)), "it has more than 1000 characters");
        assert_eq!(
            Expression::parse("range(1000000)").unwrap().names(),
            ["range"],
            "there is no such function"
        );
    }

    proptest::proptest! {
        // Claim: whatever is written, it is an expression with a number, or an error; never a panic.
        #[test]
        fn any_text_is_an_expression_or_an_error(text in "([a-c0-9.]|[-+*/%()<>=!,]|[\"'{}~|]| |and|or|not|if|else|min|==|inf){0,30}") {
            if let Ok(expression) = Expression::parse(&text) {
                let operands = vec![Operand::Number(2.0); expression.names().len()];
                if let Ok(number) = expression.evaluate(&operands) {
                    proptest::prop_assert!(!number.is_nan());
                }
            }
        }
    }
}
