//! Files that settings name, read to a limit.

use std::fs::File;
use std::io::Read;

/// The text of the file at `path`; a message if it cannot be read, is no text, or is larger than `most_byte`.
pub(crate) fn read(path: &str, most_byte: u64) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let n_byte = file.take(most_byte + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if n_byte as u64 > most_byte { Err(format!("larger than {most_byte} byte")) } else { Ok(text) }
}
