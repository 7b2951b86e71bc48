//! Checksums of files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes that are hashed at a time. Ours: large against the cost of a read, small against memory.
const HASHED_BYTES: usize = 1 << 16;

/// The length of a file, and its SHA-256 in hexadecimal. Source of the hash: FIPS 180-4, section 6.2.
pub(crate) fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut n_bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; HASHED_BYTES];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        n_bytes += n as u64;
        hash.update(&buffer[..n]);
    }
    Ok((n_bytes, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}
