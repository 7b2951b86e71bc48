//! Where in a spec file a field stands.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// A place in a text file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// The text a spec was read from; empty if it was made in memory.
#[derive(Debug, Clone, Default, Eq)]
pub(crate) struct SpecText {
    text: String,
    path: Option<PathBuf>,
}

/// Where a spec came from is no part of what it says.
impl PartialEq for SpecText {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl SpecText {
    pub(crate) fn new(text: &str, path: &Path) -> Self {
        Self { text: text.to_owned(), path: Some(path.to_owned()) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Line and column of the byte at `offset`.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position { line: 1 + before.matches('\n').count(), column: 1 + before[line_start..].chars().count() }
    }

    /// Where `field` stands (`agent.config.rates[1]`), or the innermost part of it that is written down; none if no
    /// part is.
    pub(crate) fn locate(&self, field: &str) -> Option<Position> {
        let root = DeTable::parse(&self.text).ok()?;
        let mut here = Here::Table(root.get_ref());
        let mut found = None;
        for step in steps(field) {
            let (offset, value) = match (here, step) {
                (Here::Table(table), Step::Key(name)) => {
                    let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name) else {
                        break;
                    };
                    (key.span().start, value.get_ref())
                }
                (Here::Value(DeValue::Array(items)), Step::Index(index)) => {
                    let Some(item) = items.get(index) else { break };
                    (item.span().start, item.get_ref())
                }
                _ => break,
            };
            found = Some(self.position(offset));
            here = match value {
                DeValue::Table(table) => Here::Table(table),
                other => Here::Value(other),
            };
        }
        found
    }
}

enum Here<'a> {
    Table(&'a DeTable<'a>),
    Value(&'a DeValue<'a>),
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// `rates[1].low` is the key `rates`, the index 1, the key `low`.
fn steps(field: &str) -> impl Iterator<Item = Step<'_>> {
    field.split('.').flat_map(|part| {
        let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        let indices = indices.split(['[', ']']).filter_map(|index| index.parse().ok().map(Step::Index));
        (!name.is_empty()).then_some(Step::Key(name)).into_iter().chain(indices)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted on the text: `b` of `[a]` is line 3 column 1, its third element line 3 column 13.
    #[test]
    fn fields_are_found_by_line_and_column() {
        let text = SpecText::new("x = 1\n[a]\nb = [1, 2, \"é\", { c = 3 }]\nd.e = 4\n", Path::new("f"));
        let at = |field| text.locate(field).map(|at| (at.line, at.column));
        assert_eq!(at("x"), Some((1, 1)));
        assert_eq!(at("a.b"), Some((3, 1)));
        assert_eq!(at("a.b[2]"), Some((3, 12)));
        assert_eq!(at("a.b[3].c"), Some((3, 19)));
        assert_eq!(at("a.d.e"), Some((4, 3)));
        assert_eq!(at("a.missing.e"), Some((2, 2)), "the innermost part that is there");
        assert_eq!(at("y"), None);
    }
}
