#!/usr/bin/env bash
# parquet 60.1.0: reading a damaged file column by column panics where it could return an error: the reader asserts offsets of the footer
# ("column start and length should not be negative") and expects a dictionary page before pages that need one ("Decoder for dict should
# have been set"). A program that reads other people's files has to catch the panic.
#
# Seen: of the files with one bit or byte of a file of one column and 64 rows changed, some panic, and the others are read or refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
export CARGO_TERM_COLOR=never
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
parquet = { version = "=60.1.0", default-features = false }
bytes = "1"
TOML
cat >"$folder/src/main.rs" <<'RUST'
use std::panic::{catch_unwind, set_hook};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::Int64Type;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

fn written() -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type("message rows { required int64 x; }")?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Default::default())?;
    let mut group = file.next_row_group()?;
    let mut column = group.next_column()?.expect("the schema has a column");
    let values: Vec<i64> = (0..64).map(|row| row % 4).collect();
    column.typed::<Int64Type>().write_batch(&values, None, None)?;
    column.close()?;
    group.close()?;
    file.into_inner()
}

fn read(bytes: Vec<u8>) -> Result<usize, ParquetError> {
    let file = SerializedFileReader::new(Bytes::from(bytes))?;
    let mut n_read = 0;
    for index in 0..file.num_row_groups() {
        let group = file.get_row_group(index)?;
        let mut column = get_typed_column_reader::<Int64Type>(group.get_column_reader(0)?);
        let mut values = Vec::new();
        n_read += column.read_records(64, None, None, &mut values)?.0;
    }
    Ok(n_read)
}

fn main() {
    let whole = written().expect("the file can be written");
    set_hook(Box::new(|_| {}));
    let (mut read_, mut refused, mut panicked) = (0, 0, 0);
    for place in 0..whole.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[place] ^= mask;
            match catch_unwind(|| read(damaged)) {
                Ok(Ok(_)) => read_ += 1,
                Ok(Err(_)) => refused += 1,
                Err(_) => panicked += 1,
            }
        }
    }
    println!("{read_} read, {refused} refused, {panicked} panicked");
    assert!(panicked > 0, "this version returns errors");
}
RUST
cargo run --quiet --manifest-path "$folder/Cargo.toml"
