//! Arguments in which names in braces stand for what a design sets: `--sets={sets}`.

use serde_json::{Map, Value as Json};
use tapeout_core::DesignSpace;
use tapeout_core::names::nearest_name;

/// The file with the design.
pub(super) const DESIGN_FILE: &str = "design_file";
/// The folder of the design.
pub(super) const FOLDER: &str = "folder";

/// An argument in pieces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Name(String),
}

impl Argument {
    /// An argument in which nothing is to be filled in.
    pub(super) fn plain(text: String) -> Self {
        Self(vec![Piece::Text(text)])
    }

    /// Reads an argument; `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// What is wrong with it, and the nearest name.
    pub(super) fn read(text: &str, space: &DesignSpace, has_folder: bool) -> Result<Self, String> {
        let mut known: Vec<&str> = space.parameters().iter().map(|parameter| parameter.name()).collect();
        if has_folder {
            known.extend([DESIGN_FILE, FOLDER]);
        }
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(index) = rest.find(['{', '}']) {
            plain.push_str(&rest[..index]);
            let (brace, behind) = (&rest[index..=index], &rest[index + 1..]);
            if let Some(behind) = behind.strip_prefix(brace) {
                plain.push_str(brace);
                rest = behind;
                continue;
            }
            let name = behind.split_once('}').filter(|_| brace == "{");
            let (name, behind) =
                name.ok_or_else(|| format!("`{text}`: a brace is open; write `{{{{` for one"))?;
            if !known.contains(&name) {
                let nearest = nearest_name(name, known.iter().copied());
                let hint = nearest.map_or_else(String::new, |name| format!("; did you mean `{{{name}}}`?"));
                return Err(format!("`{text}`: `{name}` is no parameter{hint}"));
            }
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Name(name.to_owned()));
            rest = behind;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// Whether nothing is to be filled in.
    pub(super) fn is_plain(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The argument for these settings.
    pub(super) fn fill(&self, settings: &Map<String, Json>) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Name(name) => match &settings[name] {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            },
        });
        pieces.collect()
    }
}
