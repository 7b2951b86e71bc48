//! Compiled kernels as files: just enough ELF to find the machine code.
//!
//! Source: System V ABI, edition 4.1, chapter 4 "Object Files", with the 64-bit layout of its ELF-64 supplement.

/// Why a compiled kernel could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CubinError {
    /// It ends before something that it announces.
    #[error("compiled kernel of {length} byte: cut off before byte {end}")]
    CutOff {
        /// Its length.
        length: usize,
        /// Where it should still be.
        end: usize,
    },
    /// It has no machine code for the kernel.
    #[error("compiled kernel: no section `{name}`")]
    NoSection {
        /// The section's name.
        name: String,
    },
}

/// Offsets in the file header: of the offset of the section headers, their size and number, and the index of the names.
const HEADER: [usize; 4] = [0x28, 0x3A, 0x3C, 0x3E];
/// Offsets in a section header: of its name, its place in the file and its size.
const SECTION: [usize; 3] = [0x00, 0x18, 0x20];

/// Bytes of the section `name` of `image`.
pub(crate) fn section_byte(image: &[u8], name: &str) -> Result<u64, CubinError> {
    let headers = number(image, HEADER[0], 8)? as usize;
    let size = number(image, HEADER[1], 2)? as usize;
    let count = number(image, HEADER[2], 2)? as usize;
    let names_index = number(image, HEADER[3], 2)? as usize;
    let names = number(image, headers + names_index * size + SECTION[1], 8)? as usize;
    for index in 0..count {
        let header = headers + index * size;
        let start = names + number(image, header + SECTION[0], 4)? as usize;
        let found = image.get(start..).unwrap_or_default();
        if found.starts_with(name.as_bytes()) && found.get(name.len()) == Some(&0) {
            return number(image, header + SECTION[2], 8);
        }
    }
    Err(CubinError::NoSection { name: name.to_owned() })
}

/// The little-endian number of `bytes` bytes at `offset`.
fn number(image: &[u8], offset: usize, bytes: usize) -> Result<u64, CubinError> {
    let end = offset.saturating_add(bytes);
    let digits = image.get(offset..end).ok_or(CubinError::CutOff { length: image.len(), end })?;
    Ok(digits.iter().rev().fold(0, |number, &digit| number << 8 | u64::from(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of two section headers behind a 64-byte header and 16 bytes of names, the second section 0x123 byte long.
    fn image() -> Vec<u8> {
        let mut image = vec![0; 64 + 16 + 2 * 64];
        image[64..64 + 7].copy_from_slice(b"\0.text\0");
        let mut put =
            |offset: usize, value: u64| image[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
        put(HEADER[0], 80);
        put(80 + SECTION[1], 64);
        put(144 + SECTION[0], 1);
        put(144 + SECTION[2], 0x123);
        image[HEADER[1]] = 64;
        image[HEADER[2]] = 2;
        image[HEADER[3]] = 0;
        image
    }

    #[test]
    fn a_section_is_found_by_its_name() {
        assert_eq!(section_byte(&image(), ".text"), Ok(0x123));
        let missing = CubinError::NoSection { name: ".tex".to_owned() };
        assert_eq!(section_byte(&image(), ".tex"), Err(missing));
    }

    #[test]
    fn a_file_that_is_cut_off_is_refused() {
        let error = section_byte(&image()[..100], ".text").unwrap_err();
        assert_eq!(error.to_string(), "compiled kernel of 100 byte: cut off before byte 112");
    }
}
