//! Groups of parameters that no rule ties to the others: a space is the product of its blocks.

use super::diagram::Diagram;
use crate::parameter::Parameter;
use crate::rule::Rule;

/// Parameters that no rule ties to those outside.
pub(super) enum Block {
    Free { parameter: usize, n_levels: u32 },
    Tied(Diagram),
}

impl Block {
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Free { n_levels, .. } => u64::from(*n_levels),
            Self::Tied(diagram) => diagram.count(),
        }
    }

    pub(super) fn rank(&self, levels: &[u32]) -> Option<u64> {
        match self {
            Self::Free { parameter, n_levels } => {
                (levels[*parameter] < *n_levels).then(|| u64::from(levels[*parameter]))
            }
            Self::Tied(diagram) => diagram.rank(levels),
        }
    }

    pub(super) fn unrank(&self, rank: u64, levels: &mut [u32]) {
        match self {
            Self::Free { parameter, .. } => levels[*parameter] = rank as u32,
            Self::Tied(diagram) => diagram.unrank(rank, levels),
        }
    }
}

/// Parameters grouped by the rules that tie them, each group and the groups in the order of the parameters.
pub(super) fn tied_groups(parameters: &[Parameter], rules: &[Rule]) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..parameters.len()).collect();
    for rule in rules {
        let scope = rule.scope().iter().filter_map(|name| parameters.iter().position(|p| p.name() == name));
        let tied: Vec<usize> = scope.map(|p| group[p]).collect();
        let target = tied.iter().copied().min();
        for entry in &mut group {
            if tied.contains(entry) {
                *entry = target.expect("a group that is tied has a minimum");
            }
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); parameters.len()];
    for (parameter, &group) in group.iter().enumerate() {
        groups[group].push(parameter);
    }
    groups.retain(|members| !members.is_empty());
    groups
}
