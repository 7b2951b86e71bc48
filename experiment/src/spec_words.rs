//! What a parser says of a value, in the words of who wrote it: no types of this program, no `nonzero usize`.

/// `message`, one of serde's, in plain words; any other as it is.
///
/// `invalid type: string "ten", expected a nonzero usize` is `got "ten", expected a whole number of at least 1`.
pub(crate) fn plain(message: &str) -> String {
    let mismatch = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|kind| message.strip_prefix(kind)?.split_once(", expected "));
    if let Some((got, expected)) = mismatch {
        return format!("got {}, expected {}", plain_value(got), plain_type(expected));
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("{name} is missing");
    }
    message.replacen("unknown variant ", "unknown value ", 1)
}

/// ``integer `3` `` is 3, `string "ten"` is "ten", `map` is a table.
fn plain_value(got: &str) -> String {
    match got {
        "sequence" => return "a list".to_owned(),
        "map" => return "a table".to_owned(),
        "unit value" | "null" | "Option value" => return "nothing".to_owned(),
        _ => {}
    }
    let number = ["integer `", "floating point `", "boolean `", "character `"]
        .iter()
        .find_map(|kind| got.strip_prefix(kind)?.strip_suffix('`'));
    number.or_else(|| got.strip_prefix("string ")).unwrap_or(got).to_owned()
}

fn plain_type(expected: &str) -> String {
    if let Some(integer) = expected.strip_prefix("a nonzero ") {
        return whole_numbers(integer, 1).unwrap_or_else(|| "a number other than 0".to_owned());
    }
    if let Some(range) = whole_numbers(expected, 0) {
        return range;
    }
    if let Some(n_items) = expected.strip_prefix("an array of length ") {
        return format!("a list of {n_items}");
    }
    let plain = match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "a borrowed string" | "string or map" | "string or table" => "text",
        "path string" => "a path",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        structure if structure.starts_with("struct ") => "a table",
        other => other,
    };
    plain.to_owned()
}

/// What an unsigned type holds from `least` on; none if it is not one.
fn whole_numbers(integer: &str, least: u32) -> Option<String> {
    match integer {
        "u8" => Some(format!("a whole number from {least} to {}", u8::MAX)),
        "u16" => Some(format!("a whole number from {least} to {}", u16::MAX)),
        "u32" => Some(format!("a whole number from {least} to {}", u32::MAX)),
        "u64" | "usize" => Some(format!("a whole number of at least {least}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use std::num::NonZeroU32;

    fn said<T: DeserializeOwned>(value: Value) -> String {
        match serde_json::from_value::<T>(value) {
            Ok(_) => "all is well".to_owned(),
            Err(error) => plain(&error.to_string()),
        }
    }

    // Claim: what serde says today is told without a type of this program, whatever the type and the value.
    #[test]
    fn messages_are_told_in_plain_words() {
        assert_eq!(said::<usize>(json!("ten")), "got \"ten\", expected a whole number of at least 0");
        assert_eq!(said::<NonZeroU32>(json!(0)), "got 0, expected a whole number from 1 to 4294967295");
        assert_eq!(said::<u8>(json!(300)), "got 300, expected a whole number from 0 to 255");
        assert_eq!(said::<i64>(json!(1.5)), "got 1.5, expected a whole number");
        assert_eq!(said::<f64>(json!([1])), "got a list, expected a number");
        assert_eq!(said::<bool>(json!(null)), "got nothing, expected true or false");
        assert_eq!(said::<String>(json!({})), "got a table, expected text");
        assert_eq!(said::<Vec<u8>>(json!(true)), "got true, expected a list");
        assert_eq!(said::<[u8; 2]>(json!([1])), "got 1, expected a list of 2");
    }

    #[test]
    fn names_are_kept() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Way {
            Up,
            Down,
        }
        assert_eq!(said::<Way>(json!("left")), "unknown value `left`, expected `up` or `down`");
        assert_eq!([json!("up"), json!("down")].map(said::<Way>), ["all is well"; 2]);
        assert_eq!(said::<Way>(json!(3)), "got 3, expected text");
        assert_eq!(plain("missing field `id`"), "`id` is missing");
        assert_eq!(plain("objective `x` is not one"), "objective `x` is not one");
    }
}
