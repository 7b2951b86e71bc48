//! What Arrow calls the types of a Parquet file's columns: by it pandas, Polars and Arrow read names as categories, and find units.
//!
//! It is an Arrow schema as a message of Arrow's stream format, in base 64, under the key `ARROW:schema`. Sources: Arrow columnar format 1.5,
//! "Encapsulated message format"; `Schema.fbs` and `Message.fbs` there, for the tables and the numbers of their fields; FlatBuffers,
//! "Internals", for how tables are laid out; RFC 4648, section 4, for base 64. Arrow's own crates would bring twenty others. Checked against
//! pyarrow and Polars: `python/tests/test_learning.py`.

use super::layout::{Column, Kind, Levels, Note};

/// The key of a Parquet file's metadata under which Arrow looks.
pub(super) const KEY: &str = "ARROW:schema";

/// The schema of these columns: text is a dictionary of names; each field has the unit, the levels and what it is about.
pub(super) fn schema_message(columns: &[Column]) -> String {
    let fields = columns.iter().enumerate().map(|(index, column)| field(index as i64, column)).collect();
    let schema = Part::Table(vec![None, Some(Part::Vector(fields))]);
    // `version` is V5, and `header_type` a schema.
    let message = Part::Table(vec![Some(Part::I16(4)), Some(Part::U8(1)), Some(schema)]);
    let mut buffer = vec![0; 4];
    let root = message.write(&mut buffer);
    buffer[..4].copy_from_slice(&(root as u32).to_le_bytes());
    align(&mut buffer, 8);
    let mut framed = vec![0xff; 4];
    framed.extend((buffer.len() as u32).to_le_bytes());
    framed.extend(buffer);
    base64(&framed)
}

/// `Field`: name, nullable, the type's number, the type, dictionary, children, metadata.
fn field(id: i64, column: &Column) -> Part {
    let (number, of) = match column.kind {
        // `Utf8`
        Kind::Text => (5, Part::Table(Vec::new())),
        Kind::Integer => (2, integer(64)),
        // `FloatingPoint`, double
        Kind::Real => (3, Part::Table(vec![Some(Part::I16(2))])),
    };
    // `DictionaryEncoding`: its number, and the type of indices.
    let dictionary =
        matches!(column.kind, Kind::Text).then(|| Part::Table(vec![Some(Part::I64(id)), Some(integer(32))]));
    let metadata = metadata(&column.note);
    Part::Table(vec![
        Some(Part::Text(column.name.clone())),
        Some(Part::U8(u8::from(column.is_optional))),
        Some(Part::U8(number)),
        Some(of),
        dictionary,
        Some(Part::Vector(Vec::new())),
        (!metadata.is_empty()).then_some(Part::Vector(metadata)),
    ])
}

/// `Int`, with a sign.
fn integer(n_bits: i32) -> Part {
    Part::Table(vec![Some(Part::I32(n_bits)), Some(Part::U8(1))])
}

/// A `KeyValue` for what there is to say.
fn metadata(note: &Note) -> Vec<Part> {
    let mut said = vec![("unit", note.unit.clone()), ("about", note.about.clone())];
    match &note.levels {
        Some(Levels::Listed(levels)) => {
            let levels = serde_json::to_string(levels).expect("invariant: levels are plain data");
            said.push(("levels", levels));
        }
        Some(Levels::Range { low, high, step }) => {
            let ends = [("low", low), ("high", high), ("step", step)];
            said.extend(ends.map(|(key, number)| (key, number.to_string())));
        }
        Some(Levels::Many { .. }) | None => {}
    }
    said.retain(|(_, value)| !value.is_empty());
    let text = |text: &str| Some(Part::Text(text.to_owned()));
    said.iter().map(|(key, value)| Part::Table(vec![text(key), text(value)])).collect()
}

/// A part of a FlatBuffer.
#[derive(Clone)]
enum Part {
    U8(u8),
    I16(i16),
    I32(i32),
    I64(i64),
    Text(String),
    /// Of tables.
    Vector(Vec<Part>),
    /// A field for each place; those that are absent have their default.
    Table(Vec<Option<Part>>),
}

impl Part {
    /// The bytes that stand for it in a table: itself, or the distance to it, which is filled in later.
    fn inline(&self) -> Vec<u8> {
        match self {
            Self::U8(number) => vec![*number],
            Self::I16(number) => number.to_le_bytes().to_vec(),
            Self::I32(number) => number.to_le_bytes().to_vec(),
            Self::I64(number) => number.to_le_bytes().to_vec(),
            Self::Text(_) | Self::Vector(_) | Self::Table(_) => vec![0; 4],
        }
    }

    fn is_inline(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Vector(_) | Self::Table(_))
    }

    /// Writes it behind `buffer`, and what belongs to it behind that; returns where it begins.
    fn write(&self, buffer: &mut Vec<u8>) -> usize {
        match self {
            Self::Text(text) => {
                align(buffer, 4);
                let place = buffer.len();
                buffer.extend((text.len() as u32).to_le_bytes());
                buffer.extend(text.as_bytes());
                buffer.push(0);
                place
            }
            Self::Vector(parts) => {
                align(buffer, 4);
                let place = buffer.len();
                buffer.extend((parts.len() as u32).to_le_bytes());
                buffer.resize(buffer.len() + 4 * parts.len(), 0);
                parts.iter().enumerate().for_each(|(index, part)| point(buffer, place + 4 + 4 * index, part));
                place
            }
            Self::Table(fields) => {
                // In front of a table stands where each of its fields is; the table begins with the distance to that.
                align(buffer, 8);
                let places_length = (4 + 2 * fields.len()).next_multiple_of(8);
                let (places, table) = (buffer.len(), buffer.len() + places_length);
                buffer.resize(table, 0);
                buffer.extend((places_length as i32).to_le_bytes());
                let mut offsets = Vec::with_capacity(fields.len());
                for field in fields {
                    offsets.push(field.as_ref().map_or(0, |field| {
                        let bytes = field.inline();
                        align(buffer, bytes.len());
                        buffer.extend(&bytes);
                        (buffer.len() - bytes.len() - table) as u16
                    }));
                }
                let lengths = [4 + 2 * fields.len(), buffer.len() - table].map(|length| length as u16);
                for (index, number) in lengths.iter().chain(&offsets).enumerate() {
                    let at = places + 2 * index;
                    buffer[at..at + 2].copy_from_slice(&number.to_le_bytes());
                }
                for (field, offset) in fields.iter().zip(offsets) {
                    if let Some(field) = field.as_ref().filter(|field| !field.is_inline()) {
                        point(buffer, table + usize::from(offset), field);
                    }
                }
                table
            }
            Self::U8(_) | Self::I16(_) | Self::I32(_) | Self::I64(_) => {
                unreachable!("invariant: a number stands in its table")
            }
        }
    }
}

/// Writes `part` behind the buffer, and at `place` how far it is from there.
fn point(buffer: &mut Vec<u8>, place: usize, part: &Part) {
    let distance = (part.write(buffer) - place) as u32;
    buffer[place..place + 4].copy_from_slice(&distance.to_le_bytes());
}

fn align(buffer: &mut Vec<u8>, to: usize) {
    buffer.resize(buffer.len().next_multiple_of(to), 0);
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, index| bits << 8 | u32::from(*group.get(index).unwrap_or(&0)));
        let letter = move |index: usize| LETTERS[(bits >> (18 - 6 * index)) as usize & 63] as char;
        let n = group.len();
        (0..4).map(move |index| if index <= n { letter(index) } else { '=' })
    };
    bytes.chunks(3).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Source: RFC 4648, section 10.
    #[test]
    fn base_64_by_the_test_vectors_of_its_standard() {
        for (text, letters) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), letters);
        }
    }

    // By hand: a table with a byte in its second place. 8 byte of places (length 8, table length 5, nothing, offset 4), and the table:
    // 8 back to its places, the byte.
    #[test]
    fn a_table_by_hand() {
        let mut buffer = Vec::new();
        let table = Part::Table(vec![None, Some(Part::U8(7))]).write(&mut buffer);
        assert_eq!((table, buffer), (8, vec![8, 0, 5, 0, 0, 0, 4, 0, 8, 0, 0, 0, 7]));
    }
}
