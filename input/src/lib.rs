//! Files from outside, read within stated bounds: whatever a path leads to, it cannot take all memory.
//!
//! A file may be as large as [`MOST_FILE_BYTES`]; who made it had the room for it. What has no size of its own, a pipe or a device,
//! ends at [`MOST_STREAM_BYTES`]. What is compressed may become as large as [`most_unpacked`] says, which is counted before anything
//! is kept. Beyond its bound an input is an error that names the bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Bytes of a file, at most. Ours: 2 GiB is what a message of protobuf may have, so that no ONNX model is refused.
pub const MOST_FILE_BYTES: u64 = 2 << 30;

/// Bytes of a pipe or a device, at most. Ours: a hundred times the largest architecture or proposals, and little memory.
pub const MOST_STREAM_BYTES: u64 = 8 << 20;

/// Bytes of a compressed file when unpacked, at least allowed. Ours.
const UNPACKED_BYTES: u64 = 32 << 20;

/// How often larger than packed a file may be. Ours: caches of Kernel Tuner grow five times, zeros a thousand times.
const GROWTH: u64 = 24;

/// A reader that fails beyond a number of bytes.
#[derive(Debug)]
pub struct Bounded<R> {
    inner: R,
    left: u64,
    most: u64,
}

impl<R: Read> Bounded<R> {
    /// `inner`, up to `most` bytes.
    pub fn new(inner: R, most: u64) -> Self {
        Self { inner, left: most, most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            // The end may be here just as well.
            return if self.inner.read(&mut [0])? == 0 { Ok(0) } else { Err(too_large(self.most)) };
        }
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..room])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Opens what is at `path`, to be read up to its bound.
///
/// # Errors
/// As [`File::open`], or if it is a file beyond its bound.
pub fn open(path: impl AsRef<Path>) -> io::Result<Bounded<File>> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    let most = if about.is_file() { MOST_FILE_BYTES } else { MOST_STREAM_BYTES };
    if about.len() > most { Err(too_large(most)) } else { Ok(Bounded::new(file, most)) }
}

/// All bytes of what is at `path`.
///
/// # Errors
/// If it cannot be read, or lies beyond its bound.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    let mut file = open(path)?;
    let size = fs::metadata(path).map_or(0, |about| about.len()).min(MOST_FILE_BYTES);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of what is at `path`.
///
/// # Errors
/// As [`read`], or if it is not UTF-8.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("spec.toml");
/// std::fs::write(&path, "version = 1\n")?;
/// assert_eq!(tapeout_input::read_text(&path)?, "version = 1\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    // The words of the standard library for the same.
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8");
    String::from_utf8(read(path)?).map_err(not_text)
}

/// How large a file of `packed` bytes may become when it is unpacked.
pub fn most_unpacked(packed: usize) -> u64 {
    UNPACKED_BYTES.max(GROWTH.saturating_mul(packed as u64))
}

/// What `decoder` makes of a file of `packed` bytes: counted first, kept then, so `decoder` is asked for twice.
///
/// # Errors
/// Those of the decoder, or if there is more than [`most_unpacked`].
pub fn unpacked<R: Read>(packed: usize, decoder: impl Fn() -> R) -> io::Result<Vec<u8>> {
    let most = most_unpacked(packed);
    let size = io::copy(&mut Bounded::new(decoder(), most), &mut io::sink())?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    decoder().take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn too_large(most: u64) -> io::Error {
    let mebibytes = most >> 20;
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("more than {mebibytes} MiB, the most that is read of it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: what is as large as its bound is read whole, and one byte more is refused.
    #[test]
    fn the_bound_itself_is_within_the_bound() {
        let mut bytes = Vec::new();
        assert_eq!(Bounded::new([1_u8; 4].as_slice(), 4).read_to_end(&mut bytes).unwrap(), 4);
        let error = Bounded::new([1_u8; 5].as_slice(), 4).read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_device_without_an_end_ends() {
        let error = read("/dev/zero").unwrap_err();
        assert_eq!(error.to_string(), "more than 8 MiB, the most that is read of it");
        assert_eq!(read("/dev/null").unwrap(), []);
    }

    // By hand: 2 MB may become 48 MB, a file of nothing 32 MiB.
    #[test]
    fn what_grows_too_much_is_refused_before_it_is_kept() {
        assert_eq!([most_unpacked(0), most_unpacked(2_000_000)], [32 << 20, 48_000_000]);
        assert_eq!(unpacked(0, || io::repeat(0).take(1000)).unwrap().len(), 1000);
        assert_eq!(unpacked(0, || io::repeat(0)).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
