//! Columns of numbers as text: bytes of a kind beside each other, compressed, in base 64.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The letters of base 64. Source: RFC 4648, section 4.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Columns behind each other. The first bytes of all numbers of a column stand before all second ones, and so on: neighbours are
/// alike, so that they compress to a third less.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    bytes: Vec<u8>,
}

impl Columns {
    /// Adds a column of counts below 256 to the power of `width`.
    pub(crate) fn counts(&mut self, width: usize, counts: &[u32]) {
        self.planes(width, &counts.iter().map(|count| count.to_le_bytes()));
    }

    /// Adds a column of numbers.
    pub(crate) fn numbers(&mut self, numbers: &[f64]) {
        self.planes(8, &numbers.iter().map(|number| number.to_le_bytes()));
    }

    fn planes<const N: usize>(&mut self, width: usize, numbers: &(impl Iterator<Item = [u8; N]> + Clone)) {
        for plane in 0..width {
            self.bytes.extend(numbers.clone().map(|bytes| bytes[plane]));
        }
    }

    /// All columns, gzipped, in base 64.
    pub(crate) fn text(&self) -> String {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        let bytes = packed.write_all(&self.bytes).and_then(|()| packed.finish());
        base64(&bytes.expect("invariant: memory takes every write"))
    }
}

/// How many bytes hold a count: 1, 2 or 4.
pub(crate) fn width_of(largest: usize) -> usize {
    match largest {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    }
}

/// Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, &byte| group << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(group >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // Source: RFC 4648, section 10, test vectors.
    #[test]
    fn base_64_is_that_of_the_rfc() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    // By hand: 1 and 0x0203 in two bytes each are 01 00 and 03 02; first bytes come first.
    #[test]
    fn bytes_of_a_kind_stand_beside_each_other() {
        let mut columns = Columns::default();
        columns.counts(2, &[1, 0x0203]);
        assert_eq!(columns.bytes, [0x01, 0x03, 0x00, 0x02]);
        columns.numbers(&[1.0]);
        assert_eq!(columns.bytes[4..], 1.0_f64.to_le_bytes());
        assert_eq!([255, 256, 65_536].map(width_of), [1, 2, 4]);
    }
}
