//! The mapping of a design of Timeloop, on the levels that store something.

use std::collections::BTreeMap;

use super::design::{Part, number};
use super::problem::TimeloopProblem;
use super::yaml::{Data, Node, YamlError};
use crate::loop_nest::{Factor, LevelText, MappingText};

/// The mapping, on the storage levels alone: loops over the instances of a dummy belong to the level outside of it.
pub(super) fn mapping(
    node: &Node,
    parts: &[Part<'_>],
    problem: &TimeloopProblem,
) -> Result<MappingText, YamlError> {
    if parts.is_empty() {
        return Err(node.error("a mapping is read beside its `architecture`"));
    }
    let mut levels: Vec<LevelText> = Vec::new();
    for part in parts.iter().filter(|part| !part.is_arithmetic()) {
        let entries = |kind: &'static str| {
            node.items().iter().filter(move |entry| {
                let target = entry.get("target").map(Node::text).unwrap_or_default();
                let kinds: &[&str] =
                    if kind == "datatype" { &["datatype", "dataspace", "bypass"] } else { &[kind] };
                target.split('[').next() == Some(&part.name)
                    && kinds.contains(&entry.get("type").map_or("", Node::text))
            })
        };
        if !part.is_dummy() {
            let bypassed: Vec<&str> =
                entries("datatype").filter_map(|entry| entry.get("bypass")).flat_map(Node::words).collect();
            let kept = problem.tensors.iter().filter(|(tensor, _)| !bypassed.contains(&tensor.as_str()));
            let keep = kept.map(|(_, here)| (*here).to_owned());
            levels.push(LevelText { level: part.name.clone(), keep: keep.collect(), ..LevelText::default() });
        }
        let Some(level) = levels.last_mut() else { continue };
        for entry in entries("temporal") {
            let loops = loops(entry, problem)?;
            if part.is_dummy() && !loops.is_empty() {
                let message = format!("`{}` is no storage, but has loops in time", part.name);
                return Err(entry.error(message));
            }
            level.temporal.extend(loops.into_iter().map(|(_, dimension, factor)| (dimension, factor)));
        }
        for entry in entries("spatial") {
            let split = entry.get("split").map_or(Ok(0.0), |node| number(node, "split"))?;
            for (place, dimension, factor) in loops(entry, problem)? {
                // Source: Timeloop's mapping parser: the first `split` of the permutation run along X, the others along Y.
                let axis = if (place as f64) < split { &mut level.spatial_x } else { &mut level.spatial_y };
                axis.push((dimension, factor));
            }
        }
    }
    levels.reverse();
    Ok(MappingText { levels })
}

/// Loops of more than one turn from the outer to the inner one, each with its place in the permutation, which begins inside.
fn loops(entry: &Node, problem: &TimeloopProblem) -> Result<Vec<(usize, String, Factor)>, YamlError> {
    let mut factors: BTreeMap<&str, Factor> = BTreeMap::new();
    for word in entry.get("factors").map(factor_words).unwrap_or_default() {
        let end = word.find(|c: char| c == '=' || c.is_ascii_digit()).unwrap_or(word.len());
        let factor = factor(word[end..].trim_start_matches('=')).ok_or_else(|| {
            let message =
                format!("`{word}` is no factor such as `C=4`, `C4` or, with a last turn of 2, `C=4,2`");
            entry.error(message)
        })?;
        factors.insert(&word[..end], factor);
    }
    let order = entry.get("permutation").map(permutation).unwrap_or_default();
    if let Some(missing) =
        factors.iter().find(|(name, factor)| turns(factor) > 1 && !order.iter().any(|it| it == *name))
    {
        return Err(entry.error(format!("`{}` is not in the permutation", missing.0)));
    }
    let mut loops = Vec::new();
    for (place, dimension) in order.iter().enumerate().rev() {
        if let Some(&factor) = factors.get(dimension.as_str()).filter(|factor| turns(factor) > 1) {
            loops.push((place, problem.dimension(dimension), factor));
        }
    }
    Ok(loops)
}

/// The dimensions of a permutation: a list, words, or letters.
pub(super) fn permutation(node: &Node) -> Vec<String> {
    match &node.data {
        Data::List(items) => items.iter().map(|item| item.text().to_owned()).collect(),
        _ if node.text().contains([' ', ',']) => node.words().into_iter().map(str::to_owned).collect(),
        _ => node.text().chars().map(String::from).collect(),
    }
}

/// The factors of a list, or of a text: a comma between digits belongs to its factor.
pub(super) fn factor_words(node: &Node) -> Vec<&str> {
    if !matches!(node.data, Data::Scalar(_)) {
        return node.words();
    }
    let (text, mut words, mut start) = (node.text(), Vec::new(), 0);
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    for (index, &(at, letter)) in letters.iter().enumerate() {
        let next_is_digit = letters.get(index + 1).is_some_and(|(_, next)| next.is_ascii_digit());
        if letter == ' ' || (letter == ',' && !next_is_digit) {
            words.push(&text[start..at]);
            start = at + letter.len_utf8();
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// `4`, or `4,2`: four turns, of which the last time there are two.
fn factor(text: &str) -> Option<Factor> {
    let positive = |text: &str| text.parse().ok().filter(|number| *number > 0);
    match text.split_once(',') {
        None => positive(text).map(Factor::Perfect),
        Some((bound, residual)) => Some(Factor::Imperfect(positive(bound)?, positive(residual)?)),
    }
}

fn turns(factor: &Factor) -> u64 {
    match *factor {
        Factor::Perfect(bound) | Factor::Imperfect(bound, _) => bound,
    }
}
