//! What an outcome is worth in a problem.

use std::cmp::Ordering;

use crate::pareto::dominates;

/// What an outcome is worth. Losses are always minimised.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Measured, and within every constraint.
    Acceptable {
        /// One loss for each objective, shape `[m]`.
        losses: Vec<f64>,
    },
    /// Measured, but outside some constraint of the problem.
    Unacceptable {
        /// One loss for each objective, shape `[m]`.
        losses: Vec<f64>,
        /// The constraints' relative violations, added up.
        violation: f64,
    },
    /// Cannot be built or run.
    Infeasible {
        /// The outcome's violation.
        violation: f64,
    },
    /// Nothing is known of it: the evaluator failed.
    Failed,
}

impl Judgement {
    /// The losses of a design that was measured, acceptable or not; shape `[m]`.
    pub fn losses(&self) -> Option<&[f64]> {
        match self {
            Self::Acceptable { losses } | Self::Unacceptable { losses, .. } => Some(losses),
            Self::Infeasible { .. } | Self::Failed => None,
        }
    }

    /// The losses of an acceptable design; shape `[m]`.
    pub fn accepted(&self) -> Option<&[f64]> {
        match self {
            Self::Acceptable { losses } => Some(losses),
            _ => None,
        }
    }

    /// 0 for acceptable, 1 for unacceptable, 2 for infeasible, 3 for failed; and by how much, which is 0 for failed.
    pub fn shortfall(&self) -> (u8, f64) {
        match self {
            Self::Acceptable { .. } => (0, 0.0),
            Self::Unacceptable { violation, .. } => (1, *violation),
            Self::Infeasible { violation } => (2, *violation),
            Self::Failed => (3, 0.0),
        }
    }

    /// Constraint domination: any acceptable design beats any other, the lesser violation beats the greater, and
    /// among acceptable designs Pareto domination decides. A design of which nothing is known is beaten by all others.
    /// Source: Deb, Pratap, Agarwal & Meyarivan (2002), doi:10.1109/4235.996017, section VI-A.
    pub fn dominates(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Acceptable { losses: a }, Self::Acceptable { losses: b }) => dominates(a, b),
            _ => self.compare_shortfall(other) == Ordering::Less,
        }
    }

    /// Orders by class, then violation; equal for two acceptable designs.
    pub fn compare_shortfall(&self, other: &Self) -> Ordering {
        let ((a_class, a), (b_class, b)) = (self.shortfall(), other.shortfall());
        a_class.cmp(&b_class).then(a.total_cmp(&b))
    }
}
