//! Stages in an order in which they can run.

use super::CascadeStage;

/// A graph of stages, each after those that make what it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Cascade {
    stages: Vec<CascadeStage>,
    /// Whether a stage may join the group of the one before it.
    joins: Vec<bool>,
}

/// Stages that are no cascade.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CascadeError {
    /// No stages.
    #[error("no stages, expected at least one")]
    Empty,
    /// A stage of nothing.
    #[error("stage `{0}`: a size is 0, expected at least 1")]
    Nothing(String),
    /// A tensor that two stages make.
    #[error("stage `{stage}`: makes `{tensor}`, which an earlier stage makes too")]
    MadeTwice {
        /// The later stage.
        stage: String,
        /// The tensor.
        tensor: String,
    },
    /// A tensor that is read before it is made.
    #[error("stage `{stage}`: reads `{tensor}`, which a later stage makes")]
    ReadTooEarly {
        /// The stage.
        stage: String,
        /// The tensor.
        tensor: String,
    },
    /// A tensor whose maker and reader disagree about it.
    #[error("stage `{stage}`: reads {read_byte} byte of `{tensor}`, of which {made_byte} are made")]
    Size {
        /// The reader.
        stage: String,
        /// The tensor.
        tensor: String,
        /// What it reads.
        read_byte: f64,
        /// What is made.
        made_byte: f64,
    },
}

impl Cascade {
    /// A cascade of these stages.
    ///
    /// # Errors
    /// [`CascadeError`] if they cannot run in this order, or a reader takes more of a tensor than is made.
    pub fn new(stages: Vec<CascadeStage>) -> Result<Self, CascadeError> {
        if stages.is_empty() {
            return Err(CascadeError::Empty);
        }
        for (index, stage) in stages.iter().enumerate() {
            check(stage, &stages[..index], &stages[index + 1..])?;
        }
        let joins = (0..stages.len()).map(|index| index > 0 && joins(&stages, index)).collect();
        Ok(Self { stages, joins })
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[CascadeStage] {
        &self.stages
    }

    /// Whether stages `first` to before `end` may run as one group: each reads what the one before it makes, and nobody else does.
    pub fn can_fuse(&self, first: usize, end: usize) -> bool {
        (first + 1..end).all(|index| self.joins[index])
    }

    /// Bytes that must be moved whatever the chip: each tensor that comes from outside once, each that nobody reads once, operands once.
    pub fn compulsory_byte(&self) -> f64 {
        let made = |name: &str| self.stages.iter().any(|stage| stage.output == name);
        let mut read: Vec<&str> = Vec::new();
        let mut byte = 0.0;
        for stage in &self.stages {
            if !made(&stage.input) && !read.contains(&stage.input.as_str()) {
                read.push(&stage.input);
                byte += stage.input_byte();
            }
            if let Some(operand) = &stage.operand
                && !made(&operand.name)
                && !read.contains(&operand.name.as_str())
            {
                read.push(&operand.name);
                byte += operand.byte * if operand.is_own { stage.repeat as f64 } else { 1.0 };
            }
            let is_read = |other: &CascadeStage| reads(other, &stage.output);
            if !self.stages.iter().any(is_read) {
                byte += stage.output_byte();
            }
        }
        byte
    }
}

fn reads(stage: &CascadeStage, tensor: &str) -> bool {
    stage.input == tensor || stage.operand.as_ref().is_some_and(|operand| operand.name == tensor)
}

fn check(stage: &CascadeStage, before: &[CascadeStage], after: &[CascadeStage]) -> Result<(), CascadeError> {
    let name = || stage.name.clone();
    if [stage.repeat, stage.input_rows, stage.rows, stage.window, stage.stride].contains(&0) {
        return Err(CascadeError::Nothing(name()));
    }
    if before.iter().any(|other| other.output == stage.output) {
        return Err(CascadeError::MadeTwice { stage: name(), tensor: stage.output.clone() });
    }
    if let Some(late) = after.iter().find(|other| reads(stage, &other.output)) {
        return Err(CascadeError::ReadTooEarly { stage: name(), tensor: late.output.clone() });
    }
    if let Some(maker) = before.iter().find(|other| other.output == stage.input)
        && stage.input_byte() > maker.output_byte()
    {
        let (read_byte, made_byte) = (stage.input_byte(), maker.output_byte());
        return Err(CascadeError::Size { stage: name(), tensor: stage.input.clone(), read_byte, made_byte });
    }
    Ok(())
}

/// Whether stage `index` reads row for row what the one before it makes, not as its operand too, and is the only one to.
fn joins(stages: &[CascadeStage], index: usize) -> bool {
    let (maker, reader) = (&stages[index - 1], &stages[index]);
    let readers = stages.iter().filter(|stage| reads(stage, &maker.output)).count();
    let is_operand = reader.operand.as_ref().is_some_and(|operand| operand.name == maker.output);
    reader.input == maker.output
        && readers == 1
        && !is_operand
        && reader.repeat == maker.repeat
        && reader.input_rows <= maker.rows
        && reader.input_row_byte == maker.output_row_byte
}
