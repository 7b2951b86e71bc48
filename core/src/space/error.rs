//! Why a space or a design cannot be made.

use crate::config::ConfigError;

/// Why a space or a design cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// A space needs something to decide.
    #[error("a design space needs at least one parameter")]
    NoParameters,
    /// The parameter's levels or name cannot be used.
    #[error("parameter `{parameter}` {fault}")]
    BadParameter {
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A rule asks for a parameter that the space does not have.
    #[error("rule `{rule}`: {source}")]
    BadRule {
        /// The rule.
        rule: String,
        /// Which parameter.
        source: Box<SpaceError>,
    },
    /// A product of parameters that cannot be one.
    #[error("product `{product}` {fault}")]
    BadProduct {
        /// The product.
        product: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Levels that cannot be equal.
    #[error("equal levels of `{parameter}` {fault}")]
    BadEqualLevels {
        /// Whose levels.
        parameter: String,
        /// What is wrong with the statement.
        fault: String,
    },
    /// The rules exclude each other.
    #[error("no design is legal under the rules {rules:?}")]
    NothingLegal {
        /// The rules that leave nothing.
        rules: Vec<String>,
    },
    /// The legal designs cannot be counted in bounded memory.
    #[error(
        "the rules tie the parameters {parameters:?} together too tightly to be counted; split a rule or drop levels"
    )]
    TooEntangled {
        /// The parameters.
        parameters: Vec<String>,
    },
    /// More than 2^128 designs.
    #[error("the space has more than 2^128 legal designs")]
    TooLarge,
    /// No parameter has this name.
    #[error("unknown parameter `{got}`{}", crate::names::suggestion(.nearest))]
    UnknownParameter {
        /// The name asked for.
        got: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// The parameter's levels are not what is read from it.
    #[error("parameter `{parameter}`: got the levels {levels}, expected {expected}")]
    Misread {
        /// The parameter.
        parameter: String,
        /// The levels there are.
        levels: String,
        /// What they were taken for.
        expected: String,
    },
    /// A design without a value for this parameter.
    #[error("parameter `{parameter}` is missing")]
    Missing {
        /// The parameter.
        parameter: String,
    },
    /// The value is none of the parameter's levels.
    #[error("parameter `{parameter}`: {got} is not a level; levels are {levels}")]
    NotALevel {
        /// The parameter.
        parameter: String,
        /// The value.
        got: String,
        /// The levels there are.
        levels: String,
    },
    /// A parameter of a part of a space has none of its levels.
    #[error("parameter `{parameter}` has no level left")]
    NoneLeft {
        /// The parameter.
        parameter: String,
    },
    /// The level's number is too high.
    #[error("parameter `{parameter}`: there is no level number {got}; it has {n_levels}, counted from 0")]
    NoSuchLevel {
        /// The parameter.
        parameter: String,
        /// The number.
        got: u32,
        /// How many levels there are.
        n_levels: u32,
    },
    /// Too few or too many levels for a design.
    #[error("a design of this space has {expected} levels, got {got}")]
    WrongLength {
        /// How many were given.
        got: usize,
        /// How many parameters there are.
        expected: usize,
    },
    /// The levels break a rule of the space.
    #[error("rule `{rule}` ({text}) is broken by {values} (violation {violation})")]
    BreaksRule {
        /// The rule.
        rule: String,
        /// The rule as people read it.
        text: String,
        /// By how much, in the rule's own measure.
        violation: f64,
        /// The values in the rule's scope.
        values: String,
    },
    /// The space is a list, and this design is not on it.
    #[error("the design is not among the rows this space was made from")]
    NotListed,
}

/// A space that settings ask for and that cannot be made is a fault of all of them together.
impl From<SpaceError> for ConfigError {
    fn from(error: SpaceError) -> Self {
        Self::new("", error.to_string())
    }
}
