//! Why a template cannot be built, or a layer cannot run on it.

use std::fmt;

/// A memory of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Memory {
    /// Weights of a core.
    Core,
    /// Inputs, sums and outputs of a processing element.
    Pe,
    /// Staging of inputs and outputs.
    Activation,
    /// Staging of weights.
    Parameter,
    /// The program.
    Instruction,
}

/// A rule that a template or a layer on it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// No arrangement of macros is as wide as the memory's port and as fast as the clock.
    Synthesis(Memory),
    /// The smallest tile of a layer does not fit. For the instruction memory: the program of a layer.
    Capacity(Memory),
}

impl Rule {
    /// Every rule that can be broken.
    pub const ALL: [Rule; 8] = [
        Rule::Synthesis(Memory::Core),
        Rule::Synthesis(Memory::Pe),
        Rule::Synthesis(Memory::Activation),
        Rule::Synthesis(Memory::Parameter),
        Rule::Synthesis(Memory::Instruction),
        Rule::Capacity(Memory::Core),
        Rule::Capacity(Memory::Pe),
        Rule::Capacity(Memory::Instruction),
    ];

    /// Its name: `core_memory_capacity`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synthesis(Memory::Core) => "core_memory_synthesis",
            Self::Synthesis(Memory::Pe) => "pe_memory_synthesis",
            Self::Synthesis(Memory::Activation) => "activation_memory_synthesis",
            Self::Synthesis(Memory::Parameter) => "parameter_memory_synthesis",
            Self::Synthesis(Memory::Instruction) => "instruction_memory_synthesis",
            Self::Capacity(Memory::Core) => "core_memory_capacity",
            Self::Capacity(Memory::Pe) => "pe_memory_capacity",
            Self::Capacity(Memory::Activation) => "activation_memory_capacity",
            Self::Capacity(Memory::Parameter) => "parameter_memory_capacity",
            Self::Capacity(Memory::Instruction) => "instruction_memory",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A broken rule.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{rule}: what is needed exceeds what there is {violation} times")]
pub struct Infeasible {
    /// The rule.
    pub rule: Rule,
    /// What is needed over what there is, less 1; above 0.
    pub violation: f64,
}

impl Infeasible {
    /// `rule` is broken if `need` exceeds `have`.
    pub(super) fn unless_within(rule: Rule, need: f64, have: f64) -> Result<(), Self> {
        if need > have { Err(Self { rule, violation: need / have - 1.0 }) } else { Ok(()) }
    }
}
