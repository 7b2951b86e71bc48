//! A design that was evaluated.

use crate::judgement::Judgement;
use crate::outcome::Outcome;
use crate::space::Design;

/// A design, what became of it, and what that is worth in the problem at hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The design.
    pub design: Design,
    /// What the environment said.
    pub outcome: Outcome,
    /// What that is worth: [`Problem::judge`](crate::Problem::judge) of the outcome.
    pub judgement: Judgement,
}
