//! The text of a tuning file: unpacked, with the numbers of Python that JSON lacks, and closed where a run was interrupted.

use std::borrow::Cow;

use flate2::read::MultiGzDecoder;
use memchr::memmem;

use super::error::TuningFileError;

/// The bytes of a file as JSON text; gzip is unpacked.
///
/// # Errors
/// [`TuningFileError`] if there is nothing in it, or the compression is broken.
pub(super) fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, TuningFileError> {
    // RFC 1952, section 2.3.1: a gzip member begins with these two bytes.
    const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
    let text = if bytes.starts_with(&GZIP_MAGIC) {
        let text = tapeout_input::unpacked(bytes.len(), || MultiGzDecoder::new(bytes));
        Cow::Owned(text.map_err(TuningFileError::Compression)?)
    } else {
        Cow::Borrowed(bytes)
    };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(TuningFileError::Empty);
    }
    Ok(without_python_numbers(text))
}

/// Python writes NaN, Infinity and -Infinity where a number is none (`json.dumps`, `allow_nan`): here they become null.
fn without_python_numbers(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    const NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let may_have = |word: &[u8]| memmem::find(&text, word).is_some();
    if !may_have(b"NaN") && !may_have(b"Infinity") {
        return text;
    }
    let mut cleaned = Vec::with_capacity(text.len());
    let (mut rest, mut is_quoted) = (text.as_ref(), false);
    while let Some(&byte) = rest.first() {
        let number = NUMBERS.iter().find(|number| !is_quoted && rest.starts_with(number));
        let taken = match number {
            Some(number) => {
                cleaned.extend_from_slice(b"null");
                number.len()
            }
            None => {
                // A backslash takes the next byte with it, so that `\"` ends no text.
                let taken = if is_quoted && byte == b'\\' { rest.len().min(2) } else { 1 };
                is_quoted ^= byte == b'"';
                cleaned.extend_from_slice(&rest[..taken]);
                taken
            }
        };
        rest = &rest[taken..];
    }
    Cow::Owned(cleaned)
}

/// What a run that died has left, closed: without a last comma, or without a last point that is there in part.
///
/// Source: Kernel Tuner 1.3, `util.read_cache`, which drops the comma and closes the two objects.
pub(super) fn closed(text: &[u8], is_whole_point: bool) -> Vec<u8> {
    let mut text = text.trim_ascii_end();
    if !is_whole_point {
        let last = text.windows(2).rposition(|pair| pair == b"},");
        text = &text[..last.map_or(0, |last| last + 1)];
    }
    let text = text.strip_suffix(b",").unwrap_or(text);
    [text, b"}}"].concat()
}
