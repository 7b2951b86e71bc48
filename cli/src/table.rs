//! Tables of text: a header, a line, rows; columns of numbers to the right.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table as Layout, TableStyle};

const STYLE: TableStyle = NOTHING.header_separator(LineStyle::none().fill('-').junction('-'));

/// A table under construction. It is as wide as its contents: what is wrapped cannot be searched.
pub(crate) struct Table {
    layout: Layout,
}

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// Words, from the left.
    Words,
    /// Numbers, to the right.
    Numbers,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new(columns: &[(&str, Column)]) -> Self {
        let mut layout = Layout::new();
        layout.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
        layout.set_header(columns.iter().map(|(name, _)| *name));
        for (index, (_, column)) in columns.iter().enumerate() {
            let layout = layout.column_mut(index).expect("invariant: the header made every column");
            layout.set_padding((0, if index + 1 == columns.len() { 0 } else { 2 }));
            layout.set_cell_alignment(match column {
                Column::Words => CellAlignment::Left,
                Column::Numbers => CellAlignment::Right,
            });
        }
        Self { layout }
    }

    /// Adds a row, as many texts as there are columns.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.layout.add_row(cells);
    }

    /// The table as text, without trailing spaces.
    pub(crate) fn text(&self) -> String {
        let mut text: String = self.layout.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let mut table = Table::new(&[("name", Column::Words), ("designs", Column::Numbers)]);
        table.row(["edge".to_owned(), "12".to_owned()]);
        table.row(["gemm-tile".to_owned(), "3,456".to_owned()]);
        let expected = "\
name        designs
-------------------
edge             12
gemm-tile     3,456
";
        assert_eq!(table.text(), expected);
    }
}
