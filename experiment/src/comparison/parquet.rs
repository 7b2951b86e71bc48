//! The results as Parquet, for data frames: the columns of `results.csv`, with types.

use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::ComparisonResults;
use super::rows::{ResultRow, rows};
use crate::parquet_column::write_column;

const SCHEMA: &str = "message results {
    required binary env (UTF8);
    required binary agent (UTF8);
    required int64 seed;
    required int64 trials;
    required binary measure (UTF8);
    optional double value;
    optional double fraction;
}";

/// Every run at every checkpoint, as the bytes of a Parquet file.
///
/// # Errors
/// [`ParquetError`] if the encoder refuses.
pub(super) fn results_parquet(results: &ComparisonResults) -> Result<Vec<u8>, ParquetError> {
    let rows = rows(results);
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default())?;
    let mut group = file.next_row_group()?;
    let text = |of: fn(&ResultRow<'_>) -> String| -> Vec<ByteArray> {
        rows.iter().map(|row| ByteArray::from(of(row).into_bytes())).collect()
    };
    write_column::<ByteArrayType>(&mut group, &text(|row| row.env.to_owned()), None)?;
    write_column::<ByteArrayType>(&mut group, &text(|row| row.agent.to_owned()), None)?;
    write_column::<Int64Type>(&mut group, &rows.iter().map(|row| row.seed as i64).collect::<Vec<_>>(), None)?;
    write_column::<Int64Type>(
        &mut group,
        &rows.iter().map(|row| row.trials as i64).collect::<Vec<_>>(),
        None,
    )?;
    write_column::<ByteArrayType>(&mut group, &text(|row| row.measure.to_owned()), None)?;
    for of in [|row: &ResultRow<'_>| row.value, |row: &ResultRow<'_>| row.fraction] {
        let numbers: Vec<f64> = rows.iter().filter_map(of).collect();
        let is_there: Vec<i16> = rows.iter().map(|row| i16::from(of(row).is_some())).collect();
        write_column::<DoubleType>(&mut group, &numbers, Some(&is_there))?;
    }
    group.close()?;
    file.into_inner()
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, trace};
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    use std::io::Write;

    // Claim: what is written is read back, and a run that found nothing yet has a null, not a number.
    #[test]
    fn what_is_written_is_read_back() {
        let results = results(&["time_s"], &[trace(&[(2, &[8.0])])], &[trace(&[(1, &[4.0])])]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&results_parquet(&results).unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2 * 4);
        assert_eq!((rows[1].get_string(1).unwrap().as_str(), rows[1].get_long(3).unwrap()), ("a", 2));
        assert_eq!((rows[1].get_double(5).unwrap(), rows[1].get_double(6).unwrap()), (8.0, 0.5));
        assert!(rows[0].get_double(5).is_err(), "null");
    }
}
