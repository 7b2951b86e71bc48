//! YAML as a tree whose nodes know their lines. Aliases and merge keys (`<<`) are followed.

use std::collections::HashMap;
use std::fmt;

use saphyr_parser::{Event, Parser};

/// A value of a document, with its line from 1.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: usize,
    /// `Component` of `!Component`; empty if there is none.
    pub(super) tag: String,
    pub(super) data: Data,
}

#[derive(Debug, Clone)]
pub(super) enum Data {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// What is wrong in which line of which file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: {message}")]
pub struct YamlError {
    /// The file, as the caller named it.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// The first document of a text.
pub(super) fn parse(text: &str, path: &str) -> Result<Node, YamlError> {
    if let Some(index) = text.lines().position(|line| line.contains("{{") || line.contains("{%")) {
        let message = "a template of Jinja: let Timeloop's front end write the file out (`parsed-processed-input.yaml`), and read that";
        return Err(YamlError { path: path.to_owned(), line: index + 1, message: message.to_owned() });
    }
    let mut reader = Reader { path, parser: Parser::new_from_str(text), anchors: HashMap::new() };
    loop {
        let (event, line) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => {
                return Err(reader.error(line, "the file is empty"));
            }
            event => return reader.node(event, line),
        }
    }
}

struct Reader<'a> {
    path: &'a str,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
}

impl<'a> Reader<'a> {
    fn error(&self, line: usize, message: impl fmt::Display) -> YamlError {
        YamlError { path: self.path.to_owned(), line, message: message.to_string() }
    }

    fn next(&mut self) -> Result<(Event<'a>, usize), YamlError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(self.error(error.marker().line(), error.info())),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize) -> Result<Node, YamlError> {
        let (anchor, tag, data) = match event {
            Event::Scalar(text, _, anchor, tag) => (anchor, tag, Data::Scalar(text.into_owned())),
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, line)?);
                }
                (anchor, tag, Data::List(items))
            }
            Event::MappingStart(anchor, tag) => (anchor, tag, Data::Map(self.entries()?)),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                return node
                    .ok_or_else(|| self.error(line, "an alias of something that does not stand before it"));
            }
            _ => return Err(self.error(line, "the document ends too early")),
        };
        let tag = tag.map_or_else(String::new, |tag| tag.suffix.clone());
        let node = Node { line, tag, data };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self) -> Result<Vec<(String, Node)>, YamlError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, line) = self.next()?;
            let Event::Scalar(key, ..) = event else {
                if event == Event::MappingEnd {
                    break;
                }
                return Err(self.error(line, "a key that is no word"));
            };
            let (event, line) = self.next()?;
            let value = self.node(event, line)?;
            match (key.as_ref(), value.data) {
                ("<<" | "<<<", Data::Map(others)) => merged.extend(others),
                ("<<" | "<<<", Data::List(maps)) => {
                    merged.extend(
                        maps.into_iter()
                            .filter_map(|map| match map.data {
                                Data::Map(others) => Some(others),
                                _ => None,
                            })
                            .flatten(),
                    );
                }
                (_, data) => entries.push((key.into_owned(), Node { data, ..value })),
            }
        }
        for (key, value) in merged {
            if entries.iter().all(|(known, _)| *known != key) {
                entries.push((key, value));
            }
        }
        Ok(entries)
    }
}

impl Node {
    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Keys and values; none of what is no map.
    pub(super) fn entries(&self) -> &[(String, Node)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of what is no list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar; empty for what is none.
    pub(super) fn text(&self) -> &str {
        match &self.data {
            Data::Scalar(text) => text,
            _ => "",
        }
    }

    /// The texts of a list, or of a scalar with blanks or commas between words.
    pub(super) fn words(&self) -> Vec<&str> {
        match &self.data {
            Data::List(items) => items.iter().map(Node::text).collect(),
            _ => self.text().split([' ', ',']).filter(|word| !word.is_empty()).collect(),
        }
    }
}
