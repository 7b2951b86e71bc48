//! The table as Parquet.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{ColumnPath, Type};

use super::arrow_schema::{self, schema_message};
use super::layout::{Cells, Column, Kind, TableFault};
use crate::parquet_column::{read_column, unbroken, write_column};

/// A table that is being written, a group of rows at a time.
pub(super) struct ParquetWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn new(file: W, columns: &[Column]) -> Result<Self, ParquetError> {
        // Who wrote the file is left out of it, so that its checksum does not change with the library's version.
        // Snappy is what every reader knows; names and levels, which recur, are numbers of a dictionary.
        let mut properties = WriterProperties::builder()
            .set_created_by("tapeout".to_owned())
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(true)
            .set_key_value_metadata(Some(vec![KeyValue::new(
                arrow_schema::KEY.to_owned(),
                schema_message(columns),
            )]));
        // Trials count up, which differences say in a few bits.
        let trial = ColumnPath::from("trial");
        properties = properties
            .set_column_dictionary_enabled(trial.clone(), false)
            .set_column_encoding(trial, Encoding::DELTA_BINARY_PACKED);
        let file = SerializedFileWriter::new(file, Arc::new(schema(columns)?), Arc::new(properties.build()))?;
        Ok(Self { file })
    }

    pub(super) fn append(&mut self, cells: &[Cells]) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for cells in cells {
            match cells {
                Cells::Text(cells) => {
                    let bytes = |text: &String| ByteArray::from(text.as_bytes().to_vec());
                    let values: Vec<ByteArray> = cells.iter().flatten().map(bytes).collect();
                    write_column::<ByteArrayType>(&mut group, &values, Some(&is_there(cells)))?;
                }
                Cells::Integer(cells) => {
                    let values: Vec<i64> = cells.iter().copied().flatten().collect();
                    write_column::<Int64Type>(&mut group, &values, Some(&is_there(cells)))?;
                }
                Cells::Real(cells) => {
                    let values: Vec<f64> = cells.iter().copied().flatten().collect();
                    write_column::<DoubleType>(&mut group, &values, Some(&is_there(cells)))?;
                }
            }
        }
        group.close().map(|_| ())
    }

    pub(super) fn finish(self) -> Result<W, ParquetError> {
        self.file.into_inner()
    }
}

/// 1 where there is a value; Parquet ignores it in columns where there must be one.
fn is_there<T>(cells: &[Option<T>]) -> Vec<i16> {
    cells.iter().map(|cell| i16::from(cell.is_some())).collect()
}

fn schema(columns: &[Column]) -> Result<Type, ParquetError> {
    let column = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Real => (Physical::DOUBLE, None),
        };
        let repetition = if column.is_optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let column = Type::primitive_type_builder(&column.name, physical);
        column.with_repetition(repetition).with_logical_type(logical).build().map(Arc::new)
    };
    let fields = columns.iter().map(column).collect::<Result<Vec<_>, ParquetError>>()?;
    Type::group_type_builder("trials").with_fields(fields).build()
}

/// Reads the table at `path`, a group of rows at a time: their cells, and how many they are.
pub(super) fn read_parquet(
    path: &Path,
    columns: &[Column],
    mut take: impl FnMut(&[Cells], usize) -> Result<(), TableFault>,
) -> Result<(), TableFault> {
    let file = File::open(path).map_err(|error| TableFault::whole(&error))?;
    let reader = unbroken(|| SerializedFileReader::new(file)).map_err(|error| TableFault::whole(&error))?;
    check_schema(reader.metadata().file_metadata().schema(), columns)?;
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index).map_err(|error| TableFault::whole(&error))?;
        let n_rows = group.metadata().num_rows() as usize;
        let cells = columns.iter().enumerate().map(|(index, column)| {
            let fault = |error: ParquetError| TableFault {
                row: None,
                column: column.name.clone(),
                reason: error.to_string(),
            };
            Ok(match column.kind {
                Kind::Text => {
                    let (values, is_there) =
                        unbroken(|| read_column::<ByteArrayType>(group.as_ref(), index)).map_err(fault)?;
                    let text = |bytes: ByteArray| String::from_utf8_lossy(bytes.data()).into_owned();
                    Cells::Text(spread(values.into_iter().map(text), column, &is_there, n_rows))
                }
                Kind::Integer => {
                    let (values, is_there) =
                        unbroken(|| read_column::<Int64Type>(group.as_ref(), index)).map_err(fault)?;
                    Cells::Integer(spread(values.into_iter(), column, &is_there, n_rows))
                }
                Kind::Real => {
                    let (values, is_there) =
                        unbroken(|| read_column::<DoubleType>(group.as_ref(), index)).map_err(fault)?;
                    Cells::Real(spread(values.into_iter(), column, &is_there, n_rows))
                }
            })
        });
        take(&cells.collect::<Result<Vec<Cells>, TableFault>>()?, n_rows)?;
    }
    Ok(())
}

/// The values in their rows.
fn spread<T>(
    mut values: impl Iterator<Item = T>,
    column: &Column,
    is_there: &[i16],
    n_rows: usize,
) -> Vec<Option<T>> {
    if column.is_optional {
        is_there.iter().map(|&is_there| if is_there == 1 { values.next() } else { None }).collect()
    } else {
        (0..n_rows).map(|_| values.next()).collect()
    }
}

fn check_schema(got: &Type, expected: &[Column]) -> Result<(), TableFault> {
    let expected = schema(expected).map_err(|error| TableFault::whole(&error))?;
    let names = |schema: &Type| -> Vec<String> {
        schema.get_fields().iter().map(|field| field.name().to_owned()).collect()
    };
    if names(got) != names(&expected) {
        let (got, expected) = (names(got).join(", "), names(&expected).join(", "));
        return Err(TableFault::whole(&format!("columns are {got}; expected {expected}")));
    }
    for (got, expected) in got.get_fields().iter().zip(expected.get_fields()) {
        let kind = |field: &Type| {
            let is_optional = field.get_basic_info().repetition() == Repetition::OPTIONAL;
            (field.is_primitive().then(|| field.get_physical_type()), is_optional)
        };
        if kind(got) != kind(expected) {
            let ((got_type, got_optional), (expected_type, expected_optional)) = (kind(got), kind(expected));
            return Err(TableFault {
                row: None,
                column: expected.name().to_owned(),
                reason: format!(
                    "type {got_type:?}, optional: {got_optional}; expected {expected_type:?}, optional: {expected_optional}"
                ),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: whatever byte of the footer is damaged, the table is read or refused, and nothing panics.
    #[test]
    fn a_damaged_footer_is_refused() {
        let column = |name: &str, kind| {
            let (name, note) = (name.to_owned(), Default::default());
            Column { name, kind, is_optional: kind == Kind::Real, note }
        };
        let columns = [column("a", Kind::Text), column("b", Kind::Integer), column("c", Kind::Real)];
        let mut writer = ParquetWriter::new(Vec::new(), &columns).unwrap();
        let cells = [
            Cells::Text(vec![Some("x".to_owned()), Some("y".to_owned())]),
            Cells::Integer(vec![Some(1), Some(2)]),
            Cells::Real(vec![Some(0.5), None]),
        ];
        writer.append(&cells).unwrap();
        let whole = writer.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let mut n_refused = 0;
        for place in 0..whole.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] ^= mask;
                std::fs::write(&path, damaged).unwrap();
                n_refused += usize::from(read_parquet(&path, &columns, |_, _| Ok(())).is_err());
            }
        }
        assert!(n_refused > whole.len(), "{n_refused} of {}", 3 * whole.len());
    }
}
