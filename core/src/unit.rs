//! Units that people write: prefixes before those of metrics.

/// Prefixes of the SI and the powers of ten that they stand for.
// Source: BIPM, The International System of Units, 9th edition (2019), table 7.
const PREFIXES: [(&str, i32); 10] = [
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("µ", -6),
    ("m", -3),
    ("c", -2),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
];

/// Units that are so many of another. Source of the binary prefixes: IEC 80000-13:2008, clause 4; of minute and hour: BIPM, as
/// above, table 8.
const MULTIPLES: [(&str, &str, f64); 7] = [
    ("KiB", "byte", 1024.0),
    ("MiB", "byte", 1_048_576.0),
    ("GiB", "byte", 1_073_741_824.0),
    ("TiB", "byte", 1_099_511_627_776.0),
    ("B", "byte", 1.0),
    ("min", "s", 60.0),
    ("h", "s", 3600.0),
];

/// `number` of `written` in the unit `own`; none if `written` is no unit of the same quantity. Powers of ten are exact: the result is
/// the double nearest to the decimal number.
///
/// ```
/// use tapeout_core::unit::in_unit;
/// assert_eq!(in_unit(10.0, "mm2", "m2"), Some(1e-5));
/// assert_eq!(in_unit(1.5, "min", "s"), Some(90.0));
/// assert_eq!(in_unit(1.5, "GB/s", "byte/s"), Some(1.5e9));
/// assert_eq!(in_unit(1.0, "ms", "m2"), None);
/// ```
pub fn in_unit(number: f64, written: &str, own: &str) -> Option<f64> {
    if written.is_empty() || written == own {
        return Some(number);
    }
    if (written, own) == ("%", "") {
        return Some(shifted(number, -2));
    }
    if let Some((.., factor)) = MULTIPLES.iter().find(|(unit, base, _)| (*unit, *base) == (written, own)) {
        return Some(number * factor);
    }
    let (base, dimension) = match own.strip_suffix('2') {
        Some("m") => ("m2", 2),
        _ => (own, 1),
    };
    // Bytes have a short name behind prefixes: `MB`, `GB/s`.
    let spellings = [base.to_owned(), base.replacen("byte", "B", 1)];
    let prefix = spellings.iter().find_map(|base| written.strip_suffix(base.as_str()))?;
    let (_, power) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    Some(shifted(number, dimension * power))
}

/// `number` times ten to this power, rounded once.
fn shifted(number: f64, power: i32) -> f64 {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').expect("invariant: the format has an exponent");
    let exponent: i32 = exponent.parse().expect("invariant: the exponent is a whole number");
    format!("{digits}e{}", exponent + power).parse().expect("invariant: digits and an exponent are a number")
}
