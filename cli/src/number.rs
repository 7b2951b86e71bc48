//! Numbers as people read them.

use tapeout::core::Value;
pub(crate) use tapeout::experiment::plot::count;
use tapeout::experiment::plot::quantity;

/// A count of things in memory: `1,000`.
pub(crate) fn usize_count(number: usize) -> String {
    count(number as u128)
}

/// `1 case`, `24 cases`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", usize_count(number), if number == 1 { "" } else { "s" })
}

/// `part` of `whole` in percent: `12.5 %`; of nothing, nothing.
pub(crate) fn share(part: usize, whole: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

/// What a parameter is set to, with its unit: `64 KiB`, `2.5 GHz`, `row`.
pub(crate) fn setting(value: &Value, unit: &str) -> String {
    match value.as_f64() {
        Some(bytes) if unit == "byte" => memory(bytes),
        // Rates and frequencies are round; smaller numbers are shown with all their digits.
        Some(number) if !unit.is_empty() && number.abs() >= 1e6 => quantity(number, unit),
        Some(number) if !unit.is_empty() => format!("{number} {unit}"),
        _ => value.to_string(),
    }
}

/// Memories come in powers of two: `64 KiB`. Source of the prefixes: IEC 80000-13:2008, clause 4.
fn memory(bytes: f64) -> String {
    const PREFIXES: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut shown = bytes;
    let mut prefix = 0;
    while shown >= 1024.0 && shown % 1024.0 == 0.0 && prefix + 1 < PREFIXES.len() {
        shown /= 1024.0;
        prefix += 1;
    }
    format!("{shown} {}", PREFIXES[prefix])
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: the number shown times its prefix is the number set, exactly.
    #[test]
    fn memories_keep_all_their_digits() {
        for (bytes, text) in [(512, "512 B"), (65536, "64 KiB"), (1536, "1536 B"), (4 << 20, "4 MiB")] {
            assert_eq!(setting(&Value::Integer(bytes), "byte"), text);
        }
        assert_eq!(setting(&Value::Integer(12), ""), "12");
        assert_eq!(setting(&Value::from("row"), ""), "row");
        assert_eq!(setting(&Value::from(5e9), "byte/s"), "5 Gbyte/s");
        assert_eq!(setting(&Value::Integer(16384), "word"), "16384 word");
    }
}
