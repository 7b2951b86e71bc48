//! Names that are looked up, and what is said when there is none: the nearest that there is.

use strsim::osa_distance;

/// Nothing is registered under this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} `{got}`{}", match .nearest { Some(_) => suggestion(.nearest), None => offer(.got, .known) })]
pub struct UnknownName {
    /// What was looked for: `agent`.
    pub kind: &'static str,
    /// The name asked for.
    pub got: String,
    /// The nearest name there is, if one is near.
    pub nearest: Option<String>,
    /// All names there are.
    pub known: Vec<String>,
}

impl UnknownName {
    /// `got` is none of the `known` names.
    pub fn among<'a>(kind: &'static str, got: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
        Self {
            kind,
            got: got.to_owned(),
            nearest: nearest_name(got, known.clone()),
            known: known.map(str::to_owned).collect(),
        }
    }
}

/// Names that a message lists. Ours: what is read at a glance.
const LISTED: usize = 20;
/// Of more names, how many a message offers.
const OFFERED: usize = 3;

/// All names there are, or of many those nearest to `got`.
fn offer(got: &str, known: &[String]) -> String {
    if known.len() <= LISTED {
        return format!("; there are {}", known.join(", "));
    }
    let mut nearest: Vec<&str> = known.iter().map(String::as_str).collect();
    nearest.sort_by_key(|name| distance(&got.to_lowercase(), name));
    format!("; of {} the nearest are {}", known.len(), nearest[..OFFERED].join(", "))
}

/// Edits between `got`, in small letters, and a name.
fn distance(got: &str, name: &str) -> usize {
    osa_distance(got, &name.to_lowercase())
}

/// `"; did you mean `x`?"`, or nothing.
pub fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// The name nearest to `got`, if one is near: at most a third of its letters differ, or one begins with the other.
///
/// Letters differ by insertions, deletions, substitutions and swaps of neighbours, no letter edited twice.
/// Source: Damerau (1964), doi:10.1145/363958.363994, in the restricted form ("optimal string alignment").
///
/// ```
/// use tapeout_core::names::nearest_name;
/// assert_eq!(nearest_name("nsga", ["random", "nsga2"].into_iter()), Some("nsga2".to_owned()));
/// assert_eq!(nearest_name("bayes", ["random", "nsga2"].into_iter()), None);
/// ```
pub fn nearest_name<'a>(got: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let got = got.to_lowercase();
    let nearest = known.map(|name| (distance(&got, name), name)).min_by_key(|&(distance, _)| distance)?;
    let (distance, name) = nearest;
    let lower = name.to_lowercase();
    let is_prefix = got.len() >= 3 && (lower.starts_with(&got) || got.starts_with(&lower));
    (distance * 3 <= got.chars().count().max(3) || is_prefix).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A swap of neighbours is one edit of seven letters; three edits of seven are more than a third.
    #[test]
    fn a_third_of_the_letters_may_differ() {
        assert_eq!(nearest_name("latnecy", ["latency"].into_iter()), Some("latency".to_owned()));
        assert_eq!(nearest_name("kitten", ["sitting"].into_iter()), None);
        assert_eq!(nearest_name("", ["abc"].into_iter()), None);
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest_or_lists_all() {
        let known = ["random", "nsga2", "grid"];
        let near = UnknownName::among("agent", "randon", known.into_iter());
        assert_eq!(near.to_string(), "unknown agent `randon`; did you mean `random`?");
        let far = UnknownName::among("agent", "simulated-annealing", known.into_iter());
        assert_eq!(far.to_string(), "unknown agent `simulated-annealing`; there are random, nsga2, grid");
    }

    // By hand: four letters differ from names of four letters, and at least nine from the others.
    #[test]
    fn of_many_names_three_are_offered() {
        let many: Vec<String> = (0..30).map(|index| format!("network-{index}")).collect();
        let known = many.iter().map(String::as_str).chain(["unet", "gpt2", "dlrm"]);
        let far = UnknownName::among("network", "zzzz", known);
        assert_eq!(far.to_string(), "unknown network `zzzz`; of 33 the nearest are unet, gpt2, dlrm");
    }
}
