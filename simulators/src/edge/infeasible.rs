//! Why a template cannot be built, or a layer cannot run on it.

use std::fmt;

/// A rule that a template or a layer on it breaks.
///
/// *Synthesis*: no arrangement of macros is as wide as the memory's port and as fast as the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeRule {
    /// Weights of a core.
    CoreMemorySynthesis,
    /// Inputs, sums and outputs of a processing element.
    PeMemorySynthesis,
    /// Staging of inputs and outputs.
    ActivationMemorySynthesis,
    /// Staging of weights.
    ParameterMemorySynthesis,
    /// The program.
    InstructionMemorySynthesis,
    /// The program of a layer is longer than the instruction memory.
    InstructionMemory,
}

impl EdgeRule {
    /// Every rule that can be broken.
    pub const ALL: [EdgeRule; 6] = [
        EdgeRule::CoreMemorySynthesis,
        EdgeRule::PeMemorySynthesis,
        EdgeRule::ActivationMemorySynthesis,
        EdgeRule::ParameterMemorySynthesis,
        EdgeRule::InstructionMemorySynthesis,
        EdgeRule::InstructionMemory,
    ];

    /// Its name: `core_memory_synthesis`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CoreMemorySynthesis => "core_memory_synthesis",
            Self::PeMemorySynthesis => "pe_memory_synthesis",
            Self::ActivationMemorySynthesis => "activation_memory_synthesis",
            Self::ParameterMemorySynthesis => "parameter_memory_synthesis",
            Self::InstructionMemorySynthesis => "instruction_memory_synthesis",
            Self::InstructionMemory => "instruction_memory",
        }
    }
}

impl fmt::Display for EdgeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A broken rule.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{rule}: need exceeds supply by {:.1} %", 100.0 * .violation)]
pub struct Infeasible {
    /// The rule.
    pub rule: EdgeRule,
    /// What is needed over what there is, less 1; above 0.
    pub violation: f64,
}

impl Infeasible {
    /// `rule` is broken if `need` exceeds `have`.
    pub(super) fn unless_within(rule: EdgeRule, need: f64, have: f64) -> Result<(), Self> {
        if need > have { Err(Self { rule, violation: need / have - 1.0 }) } else { Ok(()) }
    }
}
