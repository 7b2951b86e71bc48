//! A log as a file, record by record: CSV, JSON lines or Parquet.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use ::csv::{ByteRecord, ReaderBuilder};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field as ParquetField;
use serde_json::{Map, Value};

use super::error::ImportError;
use crate::parquet_column::unbroken;

/// What stands in a column of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field<'a> {
    /// Nothing.
    Absent,
    /// A text, which may be a number's.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
}

/// Records that are looked at to know what columns there are and what they mean. Ours: enough to see nearly all levels, in about a
/// second.
pub(super) const LOOKED_AT: usize = 100_000;
/// Texts that stand for nothing, where a number or a reason is expected. Ours: what spreadsheets, pandas and databases write.
const NOTHING: [&str; 8] = ["", "na", "n/a", "nan", "null", "none", "-", "#n/a"];

/// What was found where a number is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Absent,
    Is(f64),
    /// Some other text, or a number that is not finite.
    Unfit,
}

impl Field<'_> {
    /// The number.
    pub(super) fn number(&self) -> Number {
        let number = match self {
            Self::Absent => return Number::Absent,
            Self::Number(number) if number.is_nan() => return Number::Absent,
            Self::Number(number) => *number,
            Self::Text(text) => match text.parse::<f64>() {
                Ok(number) if !number.is_nan() => number,
                _ if is_nothing(text) => return Number::Absent,
                _ => return Number::Unfit,
            },
        };
        if number.is_finite() { Number::Is(number) } else { Number::Unfit }
    }

    /// The text; none if there is nothing.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Absent => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
        }
    }

    /// The text; none if there is nothing, or what stands for nothing.
    pub(super) fn reason(&self) -> Option<Cow<'_, str>> {
        self.text().filter(|text| !is_nothing(text))
    }
}

/// Whether a text stands for nothing.
pub(super) fn is_nothing(text: &str) -> bool {
    NOTHING.contains(&text.to_ascii_lowercase().as_str())
}

/// What is done with each record: its line, and the wanted fields or what is wrong with the line.
pub(super) type Take<'a> = dyn FnMut(usize, Result<&[Field<'_>], String>) -> Flow + 'a;

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    GoOn,
    Stop,
}

/// The names of the columns of the file at `path`; of JSON lines the keys of the first [`LOOKED_AT`] objects.
pub(super) fn columns_of(path: &Path) -> Result<Vec<String>, ImportError> {
    match ending(path).as_str() {
        "parquet" => {
            let reader = open_parquet(path)?;
            let fields = reader.metadata().file_metadata().schema().get_fields();
            Ok(fields.iter().map(|field| field.name().to_owned()).collect())
        }
        "jsonl" | "ndjson" | "json" => {
            let (mut names, mut n_objects): (Vec<String>, usize) = (Vec::new(), 0);
            each_object(path, &mut |_, object| {
                if let Ok(object) = object {
                    n_objects += 1;
                    let is_new = |(name, _): &(String, Value)| !names.contains(name);
                    let new: Vec<String> = object.into_iter().filter(is_new).map(|(name, _)| name).collect();
                    names.extend(new);
                }
                if n_objects < LOOKED_AT { Flow::GoOn } else { Flow::Stop }
            })?;
            Ok(names)
        }
        _ => csv_names(path).map(|(names, _)| names),
    }
}

/// Hands the fields of `wanted` columns of each record to `take`; a column that is not in the file is absent throughout.
pub(super) fn each_record(path: &Path, wanted: &[&str], take: &mut Take<'_>) -> Result<(), ImportError> {
    match ending(path).as_str() {
        "parquet" => each_of_parquet(path, wanted, take),
        "jsonl" | "ndjson" | "json" => each_object(path, &mut |line, object| match object {
            Ok(object) => {
                let fields: Result<Vec<Field<'_>>, String> =
                    wanted.iter().map(|name| object.get(*name).map_or(Ok(Field::Absent), of_json)).collect();
                take(line, fields.as_deref().map_err(Clone::clone))
            }
            Err(reason) => take(line, Err(reason)),
        }),
        _ => each_of_csv(path, wanted, take),
    }
}

fn ending(path: &Path) -> String {
    path.extension().map_or_else(String::new, |it| it.to_string_lossy().to_ascii_lowercase())
}

fn cannot_read(path: &Path, reason: &impl ToString) -> ImportError {
    ImportError::File { path: path.to_owned(), reason: reason.to_string() }
}

/// The names of the columns, and what stands between them: of comma, semicolon, tab and bar what the first line has most of.
fn csv_names(path: &Path) -> Result<(Vec<String>, u8), ImportError> {
    let file = tapeout_input::open(path).map_err(|error| cannot_read(path, &error))?;
    let mut first = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut first).map_err(|error| cannot_read(path, &error))?;
    let count = |delimiter: u8| first.iter().filter(|&&byte| byte == delimiter).count();
    let delimiter = [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|&it| count(it)).unwrap_or(b',');
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(first.as_slice());
    let names = reader.headers().map_err(|error| cannot_read(path, &error))?;
    let names: Vec<String> =
        names.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    if names.iter().all(String::is_empty) {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    Ok((names, delimiter))
}

fn each_of_csv(path: &Path, wanted: &[&str], take: &mut Take<'_>) -> Result<(), ImportError> {
    let (names, delimiter) = csv_names(path)?;
    let places: Vec<Option<usize>> =
        wanted.iter().map(|wanted| names.iter().position(|name| name == wanted)).collect();
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_path(path)
        .map_err(|error| cannot_read(path, &error))?;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| cannot_read(path, &error))? {
        let line = record.position().map_or(0, |position| position.line() as usize);
        let flow = if record.len() == names.len() {
            let field = |place: &Option<usize>| -> Result<Field<'_>, String> {
                let Some(place) = *place else { return Ok(Field::Absent) };
                let text = std::str::from_utf8(&record[place])
                    .map_err(|_| format!("column `{}` is not UTF-8", names[place]))?
                    .trim();
                Ok(if text.is_empty() { Field::Absent } else { Field::Text(Cow::Borrowed(text)) })
            };
            let fields: Result<Vec<Field<'_>>, String> = places.iter().map(field).collect();
            take(line, fields.as_deref().map_err(Clone::clone))
        } else {
            take(line, Err(format!("{} fields for {} columns", record.len(), names.len())))
        };
        if flow == Flow::Stop {
            break;
        }
    }
    Ok(())
}

type TakeObject<'a> = dyn FnMut(usize, Result<Map<String, Value>, String>) -> Flow + 'a;

fn each_object(path: &Path, take: &mut TakeObject<'_>) -> Result<(), ImportError> {
    let file = tapeout_input::open(path).map_err(|error| cannot_read(path, &error))?;
    let mut lines = BufReader::new(file);
    let (mut text, mut line) = (Vec::new(), 0);
    loop {
        text.clear();
        if lines.read_until(b'\n', &mut text).map_err(|error| cannot_read(path, &error))? == 0 {
            return Ok(());
        }
        line += 1;
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let object = serde_json::from_slice::<Map<String, Value>>(&text);
        let object = object.map_err(|error| format!("is no JSON object: {error}"));
        if take(line, object) == Flow::Stop {
            return Ok(());
        }
    }
}

fn of_json(value: &Value) -> Result<Field<'_>, String> {
    Ok(match value {
        Value::Null => Field::Absent,
        Value::Bool(flag) => Field::Text(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Number(number) => number.as_f64().map_or(Field::Absent, Field::Number),
        Value::String(text) if text.trim().is_empty() => Field::Absent,
        Value::String(text) => Field::Text(Cow::Borrowed(text.trim())),
        Value::Array(_) | Value::Object(_) => return Err(format!("holds {value}, which is no single value")),
    })
}

fn open_parquet(path: &Path) -> Result<SerializedFileReader<File>, ImportError> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    unbroken(|| SerializedFileReader::new(file)).map_err(|error| cannot_read(path, &error))
}

fn each_of_parquet(path: &Path, wanted: &[&str], take: &mut Take<'_>) -> Result<(), ImportError> {
    let reader = open_parquet(path)?;
    let names: Vec<String> = reader
        .metadata()
        .file_metadata()
        .schema()
        .get_fields()
        .iter()
        .map(|it| it.name().to_owned())
        .collect();
    let places: Vec<Option<usize>> =
        wanted.iter().map(|wanted| names.iter().position(|name| name == wanted)).collect();
    let mut rows = unbroken(|| reader.get_row_iter(None)).map_err(|error| cannot_read(path, &error))?;
    let mut index = 0;
    while let Some(row) = unbroken(|| rows.next().transpose()).map_err(|error| cannot_read(path, &error))? {
        let cells: Vec<&ParquetField> = row.get_column_iter().map(|(_, field)| field).collect();
        let fields: Result<Vec<Field<'_>>, String> = places
            .iter()
            .map(|place| place.map_or(Ok(Field::Absent), |place| of_parquet(cells[place])))
            .collect();
        index += 1;
        if take(index, fields.as_deref().map_err(Clone::clone)) == Flow::Stop {
            break;
        }
    }
    Ok(())
}

fn of_parquet(field: &ParquetField) -> Result<Field<'_>, String> {
    Ok(match field {
        ParquetField::Null => Field::Absent,
        ParquetField::Bool(flag) => Field::Text(Cow::Borrowed(if *flag { "true" } else { "false" })),
        ParquetField::Byte(number) => Field::Number(f64::from(*number)),
        ParquetField::Short(number) => Field::Number(f64::from(*number)),
        ParquetField::Int(number) => Field::Number(f64::from(*number)),
        ParquetField::Long(number) => Field::Number(*number as f64),
        ParquetField::UByte(number) => Field::Number(f64::from(*number)),
        ParquetField::UShort(number) => Field::Number(f64::from(*number)),
        ParquetField::UInt(number) => Field::Number(f64::from(*number)),
        ParquetField::ULong(number) => Field::Number(*number as f64),
        ParquetField::Float16(number) => Field::Number(number.to_f64()),
        ParquetField::Float(number) => Field::Number(f64::from(*number)),
        ParquetField::Double(number) => Field::Number(*number),
        ParquetField::Str(text) if text.trim().is_empty() => Field::Absent,
        ParquetField::Str(text) => Field::Text(Cow::Borrowed(text.trim())),
        ParquetField::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Field::Text(Cow::Borrowed(text.trim())),
            Err(_) => return Err("holds bytes that are no text".to_owned()),
        },
        ParquetField::Group(_) | ParquetField::ListInternal(_) | ParquetField::MapInternal(_) => {
            return Err("holds more than a single value".to_owned());
        }
        other => Field::Text(Cow::Owned(other.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_gap_and_nonsense_are_told_apart() {
        let number = |text: &'static str| Field::Text(Cow::Borrowed(text)).number();
        assert_eq!(number("1.5e-3"), Number::Is(1.5e-3));
        assert_eq!([number("NaN"), number("n/a"), Field::Number(f64::NAN).number()], [Number::Absent; 3]);
        assert_eq!([number("12x"), number("inf"), number("1,5")], [Number::Unfit; 3]);
    }
}
