//! One column of a Parquet file, written and read whole.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::RowGroupReader;
use parquet::file::writer::SerializedRowGroupWriter;

/// Writes the next column. `is_there`: 1 for each row that has a value, 0 for the others; none if all have.
pub(crate) fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl std::io::Write + Send>,
    values: &[T::T],
    is_there: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("invariant: the schema has as many columns as are written");
    column.typed::<T>().write_batch(values, is_there, None)?;
    column.close()
}

/// What `read` gives, or an error where the crate panics: it asserts of a damaged file what it has not checked.
pub(crate) fn unbroken<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        Err(ParquetError::General(format!("the file is damaged: {text}")))
    })
}

/// The column at `index`: its values, and for each row 1 if it has one, which is not filled in where all must have.
pub(crate) fn read_column<T: DataType>(
    group: &dyn RowGroupReader,
    index: usize,
) -> Result<(Vec<T::T>, Vec<i16>), ParquetError> {
    let n_rows = group.metadata().num_rows() as usize;
    let mut column = get_typed_column_reader::<T>(group.get_column_reader(index)?);
    let (mut values, mut is_there) = (Vec::new(), Vec::new());
    let mut n_read = 0;
    while n_read < n_rows {
        let (n, _, _) = column.read_records(n_rows - n_read, Some(&mut is_there), None, &mut values)?;
        if n == 0 {
            return Err(ParquetError::EOF(format!("the column ends after {n_read} of {n_rows} rows")));
        }
        n_read += n;
    }
    Ok((values, is_there))
}
