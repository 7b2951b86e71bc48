//! YAML as a tree whose nodes know their lines. Aliases, merge keys (`<<`, and `<<<` into what is there) and included files are followed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use saphyr_parser::{Event, Parser};

use super::template::{INCLUDED, Place, Text};

/// Values of a design, each time counted that an anchor keeps or an alias repeats them, and a text for each [`LONG`] of its characters. Ours: the exercises' largest has 5,000.
const MOST_NODES: usize = 1_000_000;
/// Characters of a text that take as much room as a value. Ours.
const LONG: usize = 100;
/// Lists and maps within each other. Ours.
const MOST_DEEP: usize = 100;

/// A value of a document, with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
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

/// The first document of a text, and how many values were counted with it. `included`: what scalars of the tag [`INCLUDED`] stand for;
/// `n_nodes`: how many values were counted before.
pub(super) fn parse(text: &Text, included: &[Arc<Node>], n_nodes: usize) -> Result<(Node, usize), YamlError> {
    let parser = Parser::new_from_str(&text.text);
    let mut reader = Reader { text, included, parser, anchors: HashMap::new(), n_nodes };
    loop {
        let (event, line) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => {
                return Err(reader.error(line, "the file is empty"));
            }
            event => return Ok((reader.node(event, line, 0)?, reader.n_nodes)),
        }
    }
}

struct Reader<'a> {
    text: &'a Text,
    included: &'a [Arc<Node>],
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    n_nodes: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, line: usize, message: impl fmt::Display) -> YamlError {
        self.text.place(line).error(message.to_string())
    }

    fn next(&mut self) -> Result<(Event<'a>, usize), YamlError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(self.error(error.marker().line(), error.info())),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn count(&mut self, line: usize, nodes: usize) -> Result<(), YamlError> {
        self.n_nodes = self.n_nodes.saturating_add(nodes);
        let message = || format!("the design has more than {MOST_NODES} values, the most that are read");
        if self.n_nodes > MOST_NODES { Err(self.error(line, message())) } else { Ok(()) }
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node, YamlError> {
        if depth > MOST_DEEP {
            return Err(self.error(line, format!("more than {MOST_DEEP} lists and maps within each other")));
        }
        self.count(line, 1)?;
        let (anchor, tag, data) = match event {
            Event::Scalar(text, _, anchor, Some(tag)) if tag.suffix == INCLUDED => {
                let node =
                    text.trim().parse().ok().and_then(|index: usize| self.included.get(index)).cloned();
                let node = node.ok_or_else(|| self.error(line, "an include of nothing"))?;
                self.count(line, node.size())?;
                (anchor, None, node.data.clone())
            }
            Event::Scalar(text, _, anchor, tag) => (anchor, tag, Data::Scalar(text.into_owned())),
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, line, depth + 1)?);
                }
                (anchor, tag, Data::List(items))
            }
            Event::MappingStart(anchor, tag) => (anchor, tag, Data::Map(self.entries(depth)?)),
            Event::Alias(anchor) => {
                let unknown = || self.error(line, "an alias of something that does not stand before it");
                let size = self.anchors.get(&anchor).ok_or_else(unknown)?.size();
                self.count(line, size)?;
                return Ok(self.anchors[&anchor].clone());
            }
            _ => return Err(self.error(line, "the document ends too early")),
        };
        let tag = tag.map_or_else(String::new, |tag| tag.suffix.clone());
        let node = Node { place: self.text.place(line), tag, data };
        if anchor > 0 {
            self.count(line, node.size())?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(String, Node)>, YamlError> {
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
            let value = self.node(event, line, depth + 1)?;
            let how = match key.as_ref() {
                "<<" => Some(Merge::Shallow),
                "<<<" => Some(Merge::Deep),
                _ => None,
            };
            match (how, value.data) {
                (Some(how), Data::Map(others)) => merged.push((how, others)),
                (Some(how), Data::List(maps)) => {
                    merged.extend(maps.into_iter().filter_map(|map| match map.data {
                        Data::Map(others) => Some((how, others)),
                        _ => None,
                    }));
                }
                (_, data) => entries.push((key.into_owned(), Node { data, ..value })),
            }
        }
        for (how, others) in merged {
            merge(&mut entries, others, how);
        }
        Ok(entries)
    }
}

/// How a map takes on another.
#[derive(Clone, Copy, PartialEq)]
enum Merge {
    /// Keys that it has stay as they are.
    Shallow,
    /// Maps under one key are merged too, and lists are joined.
    Deep,
}

fn merge(entries: &mut Vec<(String, Node)>, others: Vec<(String, Node)>, how: Merge) {
    // Of a key that is there twice the first counts, as in `Node::get`.
    let mut places = BTreeMap::new();
    for (place, (key, _)) in entries.iter().enumerate() {
        places.entry(key.clone()).or_insert(place);
    }
    for (key, other) in others {
        let Some(&place) = places.get(&key) else {
            places.insert(key.clone(), entries.len());
            entries.push((key, other));
            continue;
        };
        let own = &mut entries[place].1;
        match (&mut own.data, other.data) {
            (Data::Map(own), Data::Map(others)) if how == Merge::Deep => merge(own, others, how),
            (Data::List(own), Data::List(others)) if how == Merge::Deep => own.extend(others),
            _ => {}
        }
    }
}

impl Node {
    /// What is wrong here.
    pub(super) fn error(&self, message: impl Into<String>) -> YamlError {
        self.place.error(message)
    }

    /// How many values it has, long texts counted by their length.
    fn size(&self) -> usize {
        1 + self.tag.len() / LONG
            + match &self.data {
                Data::Scalar(text) => text.len() / LONG,
                Data::List(items) => items.iter().map(Self::size).sum(),
                Data::Map(entries) => entries.iter().map(|(key, node)| key.len() / LONG + node.size()).sum(),
            }
    }

    /// What stands under keys with dots between them; all of it for none.
    pub(super) fn below(self, keys: &str) -> Result<Self, YamlError> {
        let mut node = self;
        for key in keys.split('.').filter(|key| !key.is_empty()) {
            let missing =
                node.error(format!("there is no `{key}` here, which a template includes as `{keys}`"));
            node = node.get(key).cloned().ok_or(missing)?;
        }
        Ok(node)
    }

    /// Several as one: the items of all lists, or the nodes themselves.
    ///
    /// # Panics
    /// If there are none.
    pub(super) fn joined(mut nodes: Vec<Self>) -> Self {
        if nodes.len() == 1 {
            return nodes.remove(0);
        }
        let place = nodes[0].place.clone();
        let mut items = Vec::new();
        for node in nodes {
            match node {
                Node { data: Data::List(list), .. } => items.extend(list),
                node => items.push(node),
            }
        }
        Self { place, tag: String::new(), data: Data::List(items) }
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.entries().is_empty() && self.items().is_empty() && self.text().is_empty()
    }

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
