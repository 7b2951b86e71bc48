//! Numbers with units as people write them: `1 ms`, `64 kbyte`, `2.5 mm²`, `10k`.

/// Prefixes by power of ten. Source: SI Brochure, 9th edition (2019), table 7.
const PREFIXES: [(i32, &str); 13] = [
    (-18, "a"),
    (-15, "f"),
    (-12, "p"),
    (-9, "n"),
    (-6, "µ"),
    (-3, "m"),
    (0, ""),
    (3, "k"),
    (6, "M"),
    (9, "G"),
    (12, "T"),
    (15, "P"),
    (18, "E"),
];

/// Units that take a prefix, alone or before `/` or `·`.
const PREFIXED: [&str; 12] = ["s", "J", "W", "Hz", "V", "A", "m", "m²", "byte", "bit", "op", "flop"];

/// `value` to three significant digits, with the prefix its unit takes.
///
/// `unit`: as a metric gives it, in SI; empty for a ratio or a count. A unit that takes no prefix
/// (`cycles`) leaves it to the number: `10k cycles`.
///
/// ```
/// # use tapeout_experiment::plot::quantity;
/// assert_eq!(quantity(1e-3, "s"), "1 ms");
/// assert_eq!(quantity(2.5e-6, "m²"), "2.5 mm²");
/// assert_eq!(quantity(10_000.0, "cycles"), "10k cycles");
/// ```
pub fn quantity(value: f64, unit: &str) -> String {
    let rounded = rounded(value);
    Notation::for_magnitude(rounded.abs(), unit).quantity(rounded)
}

/// `value` to three significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// Largest number of a column over its smallest from which on each has a prefix of its own. Ours: the smallest would have more than four zeros.
const WIDEST_COLUMN: f64 = 1e4;

/// How the numbers of a column are written: all with one prefix, as long as they are of similar magnitude.
///
/// ```
/// # use tapeout_experiment::plot::ColumnScale;
/// let scale = ColumnScale::of([1.77e-5, 9.32e-7], "m2");
/// assert_eq!([1.77e-5, 9.32e-7].map(|area| scale.quantity(area)), ["17.7 mm²", "0.932 mm²"]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnScale {
    unit: String,
    notation: Option<Notation>,
}

impl ColumnScale {
    /// For `values` in `unit`, which is as for [`quantity`].
    pub fn of(values: impl IntoIterator<Item = f64>, unit: &str) -> Self {
        let magnitudes = values.into_iter().map(|value| rounded(value).abs());
        let (least, most) = magnitudes
            .filter(|magnitude| *magnitude > 0.0 && magnitude.is_finite())
            .fold((f64::INFINITY, 0.0f64), |(least, most), magnitude| {
                (least.min(magnitude), most.max(magnitude))
            });
        let is_narrow = most > 0.0 && most / least <= WIDEST_COLUMN;
        Self { unit: unit.to_owned(), notation: is_narrow.then(|| Notation::for_magnitude(most, unit)) }
    }

    /// `value`, one of those of the column, to three significant digits.
    pub fn quantity(&self, value: f64) -> String {
        match &self.notation {
            Some(notation) => notation.quantity(rounded(value)),
            None => quantity(value, &self.unit),
        }
    }
}

/// A count with its thousands apart: `452,760,000`.
pub fn count(number: impl Into<u128>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How the numbers of one magnitude are written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notation {
    /// The number shown is the value over ten to this power.
    power: i32,
    /// What stands right behind each number: `k`, or `×10⁻⁶`.
    suffix: String,
    /// The unit with its prefix; may be empty.
    pub(super) unit: String,
}

impl Notation {
    /// For numbers up to `magnitude`, in `unit`.
    pub(super) fn for_magnitude(magnitude: f64, unit: &str) -> Self {
        let unit = unit.replace("m^2", "m²").replace("m2", "m²");
        let exponent = exponent(magnitude);
        let base = unit.split(['/', '·']).next().unwrap_or_default();
        if PREFIXED.contains(&base) {
            // A prefix is squared along with its unit: 1 mm² is 10⁻⁶ m².
            let dimension = if base.ends_with('²') { 2 } else { 1 };
            let (power, prefix) = prefix_below(exponent, dimension);
            return Self { power: power * dimension, suffix: String::new(), unit: format!("{prefix}{unit}") };
        }
        // Ratios and counts read best as they are from 0.001 to 9999.
        let (power, suffix) = match exponent {
            -3..=3 => (0, String::new()),
            4..=20 => {
                let (power, prefix) = prefix_below(exponent, 1);
                (power, prefix.to_owned())
            }
            _ => (exponent, format!("×10{}", superscript(exponent))),
        };
        Self { power, suffix, unit }
    }

    pub(super) fn factor(&self) -> f64 {
        10f64.powi(self.power)
    }

    /// `value`, which has three significant digits, with its unit.
    fn quantity(&self, value: f64) -> String {
        let decimals = 2 - exponent(value.abs() / self.factor());
        let digits = self.digits(value, usize::try_from(decimals).unwrap_or(0));
        let digits =
            if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
        self.with_unit(&self.with_suffix(digits))
    }

    /// `value` without its unit. Zero is bare.
    pub(super) fn number(&self, value: f64, decimals: usize) -> String {
        self.with_suffix(&self.digits(value, decimals))
    }

    fn digits(&self, value: f64, decimals: usize) -> String {
        // Dividing by an exact power of ten rounds better than multiplying by an inexact one.
        let shown = if self.power < 0 { value * 10f64.powi(-self.power) } else { value / self.factor() };
        format!("{shown:.decimals$}")
    }

    fn with_suffix(&self, digits: &str) -> String {
        if digits.chars().all(|digit| matches!(digit, '-' | '0' | '.')) {
            return "0".to_owned();
        }
        format!("{}{}", digits.replace('-', "−"), self.suffix)
    }

    /// `number` with the unit behind it.
    pub(super) fn with_unit(&self, number: &str) -> String {
        if self.unit.is_empty() { number.to_owned() } else { format!("{number} {}", self.unit) }
    }

    /// Decimals that tell numbers `step` apart.
    pub(super) fn decimals(&self, step: f64) -> usize {
        usize::try_from(-exponent(step / self.factor())).unwrap_or(0)
    }
}

/// Power of ten of the leading digit; 0 for zero.
pub(super) fn exponent(magnitude: f64) -> i32 {
    // A thousandth times a thousandth may fall a bit short of a millionth.
    const SLACK: f64 = 1e-9;
    if magnitude == 0.0 { 0 } else { (magnitude.log10() + SLACK).floor() as i32 }
}

/// Largest prefix whose power, times `dimension`, is at most `exponent`; the smallest if none is.
fn prefix_below(exponent: i32, dimension: i32) -> (i32, &'static str) {
    let count = PREFIXES.partition_point(|(power, _)| power * dimension <= exponent);
    PREFIXES[count.saturating_sub(1)]
}

fn superscript(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    exponent
        .to_string()
        .chars()
        .map(|letter| letter.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: thousands are parted from the right, and only between digits.
    #[test]
    fn counts_are_parted_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (452_760_000, "452,760,000")] {
            assert_eq!(count(number as u128), text);
        }
    }

    #[test]
    fn quantities_are_written_with_three_digits_and_a_prefix() {
        let expected = [
            (1e-3, "s", "1 ms"),
            (1.234e-4, "s", "123 µs"),
            (999.9e-6, "s", "1 ms"),
            (0.0, "s", "0 s"),
            (-2.5e-9, "J", "−2.5 nJ"),
            (1.0, "m²", "1 m²"),
            (1.6e-5, "m2", "16 mm²"),
            (4e-10, "m²", "400 µm²"),
            (2.4e12, "op/s", "2.4 Top/s"),
            (3e-9, "J·s", "3 nJ·s"),
            (65536.0, "byte", "65.5 kbyte"),
            (0.25, "", "0.25"),
            (2000.0, "", "2000"),
            (10_000.0, "", "10k"),
            (1200.0, "s", "1.2 ks"),
            (120e-6, "s", "120 µs"),
            (2e6, "cycles", "2M cycles"),
            (2e-5, "", "2×10⁻⁵"),
        ];
        for (value, unit, text) in expected {
            assert_eq!(quantity(value, unit), text, "{value} {unit}");
        }
    }

    // Claim: a column has the prefix of its largest number, zeros and what is too far away from it apart.
    #[test]
    fn numbers_of_a_column_share_a_prefix_unless_they_are_far_apart() {
        let texts = |values: &[f64], unit: &str| {
            let scale = ColumnScale::of(values.iter().copied(), unit);
            values.iter().map(|&value| scale.quantity(value)).collect::<Vec<_>>()
        };
        assert_eq!(texts(&[3.92e-6, 9.32e-7, 0.0], "m2"), ["3.92 mm²", "0.932 mm²", "0 mm²"]);
        assert_eq!(texts(&[1.0e-2, -6.5e-6], "s"), ["10 ms", "−0.0065 ms"]);
        assert_eq!(texts(&[1.0, 1.0e-5], "J"), ["1 J", "10 µJ"]);
        assert_eq!(texts(&[0.0, 0.0], "J"), ["0 J", "0 J"]);
        assert_eq!(texts(&[20_000.0, 500.0], ""), ["20k", "0.5k"]);
    }

    #[test]
    fn decimals_are_those_of_the_step() {
        let notation = Notation::for_magnitude(1.5e-3, "s");
        assert_eq!(notation.unit, "ms");
        assert_eq!(notation.decimals(5e-4), 1);
        assert_eq!(notation.number(5e-4, 1), "0.5");
        assert_eq!(notation.number(0.0, 1), "0");
        assert_eq!(notation.number(-1e-3, 1), "−1.0");
        assert_eq!(Notation::for_magnitude(20.0, "").decimals(5.0), 0);
    }
}
