//! Which bank and row an address is in: a permutation of its bits, some of them combined by exclusive or.

/// Most bits of a bank.
const MAX_BANK_BITS: usize = 5;

/// Most bits of a row.
const MAX_ROW_BITS: usize = 18;

/// Where bank and row stand in a byte address: each of their bits is the parity of some bits of the address, which are the ones of a
/// mask. All others choose a column or a byte, or are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressMap {
    /// Masks of the bank's bits, the lowest first; 0 above the highest.
    bank: [u64; MAX_BANK_BITS],
    /// Masks of the row's bits, the lowest first.
    row: [u64; MAX_ROW_BITS],
}

/// A field of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressField {
    /// Bits of the row.
    Row,
    /// Bits of the bank, of which the lowest are its pseudo channel and its group.
    Bank,
    /// Bits of the column and of the byte within it: they choose neither bank nor row.
    Column,
}

/// What follows what as addresses grow, the slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressOrder {
    /// A row is filled, then the same row of the next bank.
    RowBankColumn,
    /// A bank is filled before the next.
    BankRowColumn,
    /// Bursts go to one bank after the other, groups and pseudo channels first.
    RowColumnBank,
}

impl AddressOrder {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("row-bank-column", Self::RowBankColumn),
        ("bank-row-column", Self::BankRowColumn),
        ("row-column-bank", Self::RowColumnBank),
    ];
}

impl AddressMap {
    /// The map whose fields stand side by side, each with its number of bits, the lowest first. A field may come in parts.
    ///
    /// # Panics
    /// If there are more than 5 bits of a bank, 18 of a row or 64 in all.
    pub const fn of_fields(fields: &[(AddressField, u32)]) -> Self {
        let mut map = Self { bank: [0; MAX_BANK_BITS], row: [0; MAX_ROW_BITS] };
        let (mut bit, mut n_bank, mut n_row, mut index) = (0, 0, 0, 0);
        while index < fields.len() {
            let (field, n_bits) = fields[index];
            let end = bit + n_bits;
            while bit < end {
                match field {
                    AddressField::Row => {
                        map.row[n_row] = 1 << bit;
                        n_row += 1;
                    }
                    AddressField::Bank => {
                        map.bank[n_bank] = 1 << bit;
                        n_bank += 1;
                    }
                    AddressField::Column => {}
                }
                bit += 1;
            }
            index += 1;
        }
        map
    }

    /// This map with each bit of the bank combined with the row's bit of the same place, so that rows that follow one another in a
    /// bank come to lie in different ones.
    ///
    /// Source: Zhang, Zhu & Zhang (2000), "A permutation-based page interleaving scheme", doi:10.1145/360128.360134.
    #[must_use]
    pub const fn with_banks_by_row(mut self) -> Self {
        let mut index = 0;
        while index < MAX_BANK_BITS {
            if self.bank[index] != 0 {
                self.bank[index] ^= self.row[index];
            }
            index += 1;
        }
        self
    }

    /// Bank and row of a byte address.
    pub fn place(&self, address: u64) -> (usize, u32) {
        let parity = |mask: &u64| (address & mask).count_ones() & 1;
        let number = |masks: &[u64]| masks.iter().rev().fold(0, |number, mask| number << 1 | parity(mask));
        (number(&self.bank) as usize, number(&self.row))
    }
}

#[cfg(test)]
mod tests {
    use super::AddressField::{Bank, Column, Row};
    use super::*;

    // By hand, from the highest bit: row 10, bank 0, column 11, bank 1, byte 000; then row 01, bank 1, column 00, bank 0, byte 111.
    #[test]
    fn fields_may_come_in_parts() {
        let map = AddressMap::of_fields(&[(Column, 3), (Bank, 1), (Column, 2), (Bank, 1), (Row, 2)]);
        assert_eq!(map.place(0b1_0011_1000), (0b01, 0b10));
        assert_eq!(map.place(0b0_1100_0111), (0b10, 0b01));
        // What stands above the row is ignored.
        assert_eq!(map.place(1 << 40 | 0b0_1100_0111), (0b10, 0b01));
    }

    // Law: with banks by row every bank and row is still reached by as many addresses; and rows one after the other, which lay in one
    // bank, lie in all.
    #[test]
    fn banks_by_row_is_a_permutation_that_spreads_rows() {
        let plain = AddressMap::of_fields(&[(Column, 2), (Bank, 2), (Row, 3)]);
        let spread = plain.with_banks_by_row();
        let mut places: Vec<(usize, u32)> = (0..128).map(|address| spread.place(address)).collect();
        places.sort_unstable();
        let expected: Vec<(usize, u32)> =
            (0..4).flat_map(|bank| (0..8).flat_map(move |row| [(bank, row); 4])).collect();
        assert_eq!(places, expected);
        let banks = |map: &AddressMap| [0, 1, 2, 3].map(|row| map.place(row << 4).0);
        assert_eq!((banks(&plain), banks(&spread)), ([0; 4], [0, 1, 2, 3]));
    }
}
