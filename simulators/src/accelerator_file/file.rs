//! A checked template, and what is built of a design.

use std::collections::BTreeMap;

use tapeout_core::Value;

use super::level::{LevelFields, MacFields};
use super::number::Number;
use super::parameter::{FileParameter, FileRule};
use super::part::{Part, Technology};
use super::program::{Controller, ProgramFields};
use super::reader::read;
use super::{AcceleratorFileError, Unbuildable};
use crate::loop_nest::{Architecture, ArchitectureError};
use crate::mapper::Options;
use crate::technology::Node;

/// The names under which clock and process node are known.
pub(super) const CLOCK: &str = "clock_hz";
pub(super) const NODE: &str = "node_nm";

/// What is computed of a design, in this order.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Value { place: usize, number: Number },
    Part(Part),
}

/// Something on the chip that is no level: a controller, the memory of its program, wires.
#[derive(Debug, Clone)]
pub(super) struct OutsideFields {
    pub(super) name: String,
    pub(super) area_m2: Number,
    pub(super) leakage_w: Number,
}

/// A file, read and checked: the template of an accelerator.
#[derive(Debug, Clone)]
pub struct AcceleratorFile {
    pub(super) title: String,
    pub(super) mapping: Options,
    pub(super) parameters: Vec<FileParameter>,
    /// The place of each parameter among the values of a design.
    pub(super) places: Vec<usize>,
    pub(super) rules: Vec<FileRule>,
    /// Constants, and anything elsewhere.
    pub(super) known: Vec<Value>,
    pub(super) steps: Vec<Step>,
    pub(super) clock_hz: usize,
    pub(super) node_nm: Option<usize>,
    pub(super) mac: MacFields,
    pub(super) levels: Vec<LevelFields>,
    pub(super) outside: Vec<OutsideFields>,
    pub(super) area_limit_m2: Option<Number>,
    pub(super) program: Option<ProgramFields>,
}

/// A part of a chip that is no storage level, in a design.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsidePart {
    /// What the file calls it.
    pub name: String,
    /// Its area.
    pub area_m2: f64,
    /// What it leaks.
    pub leakage_w: f64,
}

/// A design that can be built.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltAccelerator {
    pub(super) architecture: Architecture,
    pub(super) clock_hz: f64,
    pub(super) outside: Vec<OutsidePart>,
    pub(super) controller: Option<Controller>,
}

impl BuiltAccelerator {
    /// Multiply-accumulate units and storage levels.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Clock of the chip.
    pub fn clock_hz(&self) -> f64 {
        self.clock_hz
    }

    /// What is on the chip beside them.
    pub fn outside(&self) -> &[OutsidePart] {
        &self.outside
    }

    /// Area of everything whose area is known.
    pub fn area_m2(&self) -> f64 {
        self.architecture.area_m2() + self.outside.iter().map(|part| part.area_m2).sum::<f64>()
    }
}

impl AcceleratorFile {
    /// Reads a file; `path` is what errors call it. `constants` take the place of the file's own, and may give `clock_hz` and
    /// `node_nm` where the file does not.
    ///
    /// # Errors
    /// [`AcceleratorFileError`] naming the field.
    pub fn from_toml(
        text: &str,
        path: &str,
        constants: &BTreeMap<String, Value>,
    ) -> Result<Self, AcceleratorFileError> {
        read(text, constants).map_err(|fault| fault.in_file(path))
    }

    /// What the file says of itself; empty if it says nothing.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its parameters, in the order of the file.
    pub fn parameters(&self) -> &[FileParameter] {
        &self.parameters
    }

    /// The rules between them.
    pub fn rules(&self) -> &[FileRule] {
        &self.rules
    }

    /// The area above which designs are infeasible, if the file limits it by a number that is the same for all.
    pub fn area_limit_m2(&self) -> Option<f64> {
        match &self.area_limit_m2 {
            Some(limit) if limit.places().iter().all(|place| !self.is_of_design(*place)) => {
                limit.at(&self.known).ok()
            }
            _ => None,
        }
    }

    /// The accelerator of a design: `settings` is one for each parameter, in their order.
    ///
    /// # Errors
    /// [`Unbuildable`] with the rule that it breaks.
    pub fn build(&self, settings: &[Value]) -> Result<BuiltAccelerator, Unbuildable> {
        let mut values = self.known.clone();
        for (&place, setting) in self.places.iter().zip(settings) {
            values[place] = setting.clone();
        }
        for step in &self.steps {
            match step {
                Step::Value { place, number } => values[*place] = Value::Real(number.at(&values)?),
                Step::Part(part) => part.cost(self.technology(&values)?, &mut values)?,
            }
        }
        let clock_hz = self.clock(&values)?;
        let levels =
            self.levels.iter().map(|level| level.level(&values, clock_hz)).collect::<Result<_, _>>()?;
        let architecture =
            Architecture::new(self.mac.mac(&values)?, levels).map_err(|error| misfit(&error))?;
        let outside = self.outside.iter().map(|part| {
            let rule = format!("{}_area_m2", part.name.replace(' ', "_"));
            Ok(OutsidePart {
                name: part.name.clone(),
                area_m2: part.area_m2.amount(&values, &rule)?,
                leakage_w: part.leakage_w.amount(&values, &rule)?,
            })
        });
        let built = BuiltAccelerator {
            architecture,
            clock_hz,
            outside: outside.collect::<Result<_, _>>()?,
            controller: self.program.as_ref().map(|program| program.controller(&values)).transpose()?,
        };
        if let Some(limit) = &self.area_limit_m2 {
            let (area_m2, limit_m2) = (built.area_m2(), limit.amount(&values, "area_limit")?);
            if limit_m2 == 0.0 {
                return Err(Unbuildable::malformed("area_limit", "0 m2, expected more than 0".to_owned()));
            }
            let excess = area_m2 / limit_m2 - 1.0;
            if excess > 0.0 {
                return Err(Unbuildable::new(
                    "area",
                    excess,
                    format!("{area_m2} m2, the limit is {limit_m2} m2"),
                ));
            }
        }
        Ok(built)
    }

    fn clock(&self, values: &[Value]) -> Result<f64, Unbuildable> {
        let clock_hz = values[self.clock_hz].as_f64().unwrap_or(f64::NAN);
        if clock_hz > 0.0 && clock_hz.is_finite() {
            return Ok(clock_hz);
        }
        Err(Unbuildable::malformed(CLOCK, format!("{clock_hz}, expected a frequency above 0")))
    }

    fn technology(&self, values: &[Value]) -> Result<Technology, Unbuildable> {
        let place = self.node_nm.expect("invariant: a file with parts has a node");
        let nm = values[place].as_f64().unwrap_or(0.0);
        let node = Node::new(nm as u32).ok().filter(|node| f64::from(node.nm()) == nm);
        let node = node.ok_or_else(|| {
            let known = Node::all().map(|node| node.nm().to_string()).collect::<Vec<_>>().join(", ");
            Unbuildable::malformed(NODE, format!("{nm}, expected one of {known}"))
        })?;
        Ok(Technology { node, clock_hz: self.clock(values)? })
    }

    /// Whether what is at `place` may differ between designs.
    fn is_of_design(&self, place: usize) -> bool {
        self.places.contains(&place) || self.steps.iter().any(|step| step.makes().contains(&place))
    }
}

/// The rule that a design breaks whose levels do not fit each other.
fn misfit(error: &ArchitectureError) -> Unbuildable {
    let rule = match error {
        ArchitectureError::Range { level, field, .. } => {
            format!(
                "{}_{}",
                level.to_lowercase().replace(' ', "_"),
                field.rsplit('.').next().unwrap_or(field)
            )
        }
        ArchitectureError::Mesh { level, .. } => format!("{}_mesh", level.to_lowercase().replace(' ', "_")),
        ArchitectureError::LevelCount { .. }
        | ArchitectureError::Unnamed { .. }
        | ArchitectureError::Duplicate { .. } => "levels".to_owned(),
    };
    Unbuildable::malformed(&rule, error.to_string())
}
