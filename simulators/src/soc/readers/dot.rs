//! Graphviz's language, as far as task graphs need it.
//!
//! Source: graphviz.org/doc/info/lang.html.

use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::{Map, Value};

use crate::task_graph::MAX_TASKS;

/// Attributes.
type Attributes = Map<String, Value>;

/// Nodes in the order in which they are first named, and edges.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<(String, Attributes)>,
    pub(super) edges: Vec<(String, String, Attributes)>,
    /// What nodes and edges have that are named from here on.
    node_defaults: Attributes,
    edge_defaults: Attributes,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Mark(char),
    Arrow,
}

impl Graph {
    fn node(&mut self, name: &str) -> &mut Attributes {
        let found = self.nodes.iter().position(|(known, _)| known == name);
        let index = found.unwrap_or_else(|| {
            self.nodes.push((name.to_owned(), self.node_defaults.clone()));
            self.nodes.len() - 1
        });
        &mut self.nodes[index].1
    }
}

/// The graph in `text`; a message with a line if it holds none.
pub(super) fn parse(text: &str) -> Result<Graph, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0 };
    if matches!(parser.peek(), Some(Token::Name(name)) if name.eq_ignore_ascii_case("strict")) {
        parser.at += 1;
    }
    match parser.next() {
        Some(Token::Name(name)) if name.eq_ignore_ascii_case("digraph") => {}
        _ => return Err(parser.expected("`digraph`")),
    }
    if matches!(parser.peek(), Some(Token::Name(_))) {
        parser.at += 1;
    }
    parser.mark('{')?;
    let mut graph = Graph::default();
    while parser.peek() != Some(&Token::Mark('}')) {
        parser.statement(&mut graph)?;
        while matches!(parser.peek(), Some(Token::Mark(';'))) {
            parser.at += 1;
        }
        // Nodes are looked for one by one.
        if graph.nodes.len() > MAX_TASKS {
            return Err(format!("more than {MAX_TASKS} nodes"));
        }
    }
    parser.at += 1;
    if parser.next().is_some() {
        return Err(parser.expected("the end of the text after the graph"));
    }
    Ok(graph)
}

struct Parser<'a> {
    /// Each with its line.
    tokens: &'a [(Token, usize)],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<&'a Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).map(|(token, _)| token)
    }

    /// What was wrong with the token before.
    fn expected(&self, what: &str) -> String {
        match self.tokens.get(self.at - 1) {
            Some((Token::Name(got), line)) => format!("line {line}: `{got}`; expected {what}"),
            Some((Token::Mark(got), line)) => format!("line {line}: `{got}`; expected {what}"),
            Some((Token::Arrow, line)) => format!("line {line}: `->`; expected {what}"),
            None => format!("the text ends; expected {what}"),
        }
    }

    fn mark(&mut self, mark: char) -> Result<(), String> {
        if self.next() == Some(&Token::Mark(mark)) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{mark}`")))
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Name(name)) => Ok(name.clone()),
            _ => Err(self.expected("a name (subgraphs, ports and HTML are not read)")),
        }
    }

    /// A node, a chain of edges, attributes of all nodes or edges from here on, or such of the graph, which are let be.
    fn statement(&mut self, graph: &mut Graph) -> Result<(), String> {
        let first = self.name()?;
        if first.eq_ignore_ascii_case("subgraph") {
            return Err(self.expected("a node (subgraphs are not read)"));
        }
        if matches!(self.peek(), Some(Token::Mark('='))) {
            self.at += 1;
            self.name()?;
            return Ok(());
        }
        let mut chain = vec![first];
        while matches!(self.peek(), Some(Token::Arrow)) {
            self.at += 1;
            chain.push(self.name()?);
        }
        if chain.len() > MAX_TASKS {
            return Err(format!("a chain of more than {MAX_TASKS} nodes"));
        }
        let attributes = self.attributes()?;
        if chain.len() == 1 {
            match chain[0].to_ascii_lowercase().as_str() {
                "graph" => {}
                "node" => graph.node_defaults.extend(attributes),
                "edge" => graph.edge_defaults.extend(attributes),
                _ => graph.node(&chain[0]).extend(attributes),
            }
            return Ok(());
        }
        let mut all = graph.edge_defaults.clone();
        all.extend(attributes);
        for pair in chain.windows(2) {
            graph.node(&pair[0]);
            graph.node(&pair[1]);
            graph.edges.push((pair[0].clone(), pair[1].clone(), all.clone()));
        }
        Ok(())
    }

    fn attributes(&mut self) -> Result<Attributes, String> {
        let mut attributes = Attributes::new();
        while matches!(self.peek(), Some(Token::Mark('['))) {
            self.at += 1;
            while !matches!(self.peek(), Some(Token::Mark(']'))) {
                let name = self.name()?;
                self.mark('=')?;
                attributes.insert(name, Value::String(self.name()?));
                while matches!(self.peek(), Some(Token::Mark(',' | ';'))) {
                    self.at += 1;
                }
            }
            self.at += 1;
        }
        Ok(attributes)
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let rest = &text[at..];
        match letter {
            '\n' => line += 1,
            _ if letter.is_whitespace() => {}
            '#' => skip_line(&mut letters),
            '/' if rest.starts_with("//") => skip_line(&mut letters),
            '/' if rest.starts_with("/*") => {
                let end = rest.find("*/").ok_or_else(|| format!("line {line}: a comment does not end"))?;
                line += rest[..end].matches('\n').count();
                while letters.next_if(|(next, _)| *next < at + end + 2).is_some() {}
            }
            '-' if rest.starts_with("->") => {
                letters.next();
                tokens.push((Token::Arrow, line));
            }
            '-' if rest.starts_with("--") => {
                return Err(format!("line {line}: `--`; expected `->`, from who writes to who reads"));
            }
            '"' => tokens.push((Token::Name(quoted(&mut letters, &mut line)?), line)),
            _ if is_part(letter) || letter == '-' => {
                let mut name = letter.to_string();
                while let Some((_, next)) = letters.next_if(|(_, next)| is_part(*next) || *next == '+') {
                    name.push(next);
                    // The sign of an exponent.
                    let number = name.trim_start_matches(['-', '.']);
                    let is_exponent =
                        number.starts_with(|first: char| first.is_ascii_digit()) && matches!(next, 'e' | 'E');
                    if is_exponent && let Some((_, sign)) = letters.next_if(|(_, sign)| *sign == '-') {
                        name.push(sign);
                    }
                }
                tokens.push((Token::Name(name), line));
            }
            _ => tokens.push((Token::Mark(letter), line)),
        }
    }
    Ok(tokens)
}

fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '.'
}

fn skip_line(letters: &mut Peekable<CharIndices<'_>>) {
    while letters.next_if(|(_, letter)| *letter != '\n').is_some() {}
}

/// The text up to the closing quote, `\"` being a quote.
fn quoted(letters: &mut Peekable<CharIndices<'_>>, line: &mut usize) -> Result<String, String> {
    let began = *line;
    let mut text = String::new();
    while let Some((_, letter)) = letters.next() {
        match letter {
            '"' => return Ok(text),
            '\\' if matches!(letters.peek(), Some((_, '"'))) => {
                letters.next();
                text.push('"');
            }
            _ => {
                *line += usize::from(letter == '\n');
                text.push(letter);
            }
        }
    }
    Err(format!("line {began}: a quote does not end"))
}
