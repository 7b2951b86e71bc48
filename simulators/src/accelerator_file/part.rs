//! Parts whose cost is taken from the tables: what they ask for, and the names under which their figures are known.

use std::ops::Range;
use std::str::FromStr;

use tapeout_core::Value;

use super::number::{Names, Number};
use super::text::{MemoryText, NumberText, PartText};
use super::{FileFault, Unbuildable};
use crate::memory::{Memory, StorageClass};
use crate::synthesis::{Demand, synthesize};
use crate::technology::{DramKind, Node, StorageCost, TechnologyError, mac, register_file};

/// Bits and banks of the largest memory that is asked for. Ours: far more than any chip has, and its products fit 64 bits.
const MOST_BITS: u64 = 1 << 20;
const MOST_BANKS: u64 = 1 << 16;
/// Bytes of the largest memory.
const MOST_BYTES: u64 = 1 << 40;

/// Figures of memories, of multiply-accumulate units and of DRAM, by the ending of their names.
const STORAGE: [&str; 5] = ["read_j", "write_j", "area_m2", "leakage_w", "cycle_s"];
const MAC: [&str; 3] = ["energy_j", "area_m2", "leakage_w"];
const DRAM: [&str; 1] = ["j_per_bit"];

/// Clock and node that parts are built for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Technology {
    pub(super) node: Node,
    pub(super) clock_hz: f64,
}

/// A part.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: String,
    /// The place of its first figure; the others follow.
    pub(super) first: usize,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Mac { bits: Number, accumulator_bits: Option<Number> },
    RegisterFile { bytes: Number, width_bits: Number },
    Memory { class: Choice<StorageClass>, rows: Number, width_bits: Number, banks: Number },
    Macros { bytes: Number, width_bits: Number, ports: Number },
    Dram(Choice<DramKind>),
}

/// One of several named things: given, or what a parameter or constant says.
#[derive(Debug, Clone)]
enum Choice<T> {
    Given(T),
    Named { place: usize, choices: Vec<(String, T)> },
}

impl<T: Copy> Choice<T> {
    fn read(
        text: &str,
        field: &str,
        names: &Names,
        texts: &dyn Fn(usize) -> Option<Vec<String>>,
        parse: &dyn Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Self, FileFault> {
        if let Some(given) = parse(text) {
            return Ok(Self::Given(given));
        }
        let refused =
            |got: &str| FileFault::new(field, format!("`{got}`, expected {expected}, or a name that is one"));
        let place = names.find(text).ok_or_else(|| refused(text))?;
        let choices = texts(place).ok_or_else(|| refused(text))?;
        let choices = choices.into_iter().map(|name| match parse(&name) {
            Some(choice) => Ok((name, choice)),
            None => Err(refused(&name)),
        });
        Ok(Self::Named { place, choices: choices.collect::<Result<_, _>>()? })
    }

    fn at(&self, values: &[Value]) -> T {
        match self {
            Self::Given(given) => *given,
            Self::Named { place, choices } => {
                let name = values[*place].as_str().expect("invariant: the values of this name are texts");
                let choice = choices.iter().find(|(known, _)| known == name);
                choice.expect("invariant: all texts that the name has were read").1
            }
        }
    }
}

impl PartText {
    /// The names of the figures of a part called `name`.
    pub(super) fn figures(&self, name: &str) -> Vec<String> {
        let endings: &[&str] = match self {
            Self::Mac(_) => &MAC,
            Self::Dram(_) => &DRAM,
            Self::RegisterFile(_) | Self::Memory(_) | Self::Macros(_) => &STORAGE,
        };
        endings.iter().map(|ending| format!("{name}_{ending}")).collect()
    }
}

impl Part {
    /// Reads the part called `name`, whose first figure is at `first`. `texts`: what a name may be, if it is a text.
    pub(super) fn read(
        name: &str,
        text: &PartText,
        first: usize,
        names: &Names,
        texts: &dyn Fn(usize) -> Option<Vec<String>>,
    ) -> Result<Self, FileFault> {
        let number = |text: &NumberText, what: &str| {
            Number::read(text, &format!("parts.{name}.{what}"), &format!("{name}_{what}"), names)
        };
        let optional = |text: &Option<NumberText>, what: &str| {
            text.as_ref().map_or(Ok(Number::Given(1.0)), |text| number(text, what))
        };
        let kind = match text {
            PartText::Mac(text) => Kind::Mac {
                bits: number(&text.bits, "bits")?,
                accumulator_bits: text
                    .accumulator_bits
                    .as_ref()
                    .map(|text| number(text, "accumulator_bits"))
                    .transpose()?,
            },
            PartText::RegisterFile(text) => Kind::RegisterFile {
                bytes: number(&text.bytes, "bytes")?,
                width_bits: number(&text.width_bits, "width_bits")?,
            },
            PartText::Memory(MemoryText { class, rows, width_bits, banks }) => {
                let parse = |name: &str| StorageClass::ALL.into_iter().find(|class| class.name() == name);
                let field = format!("parts.{name}.memory.class");
                let expected = StorageClass::ALL.map(StorageClass::name).join(", ");
                Kind::Memory {
                    class: Choice::read(class, &field, names, texts, &parse, &expected)?,
                    rows: number(rows, "rows")?,
                    width_bits: number(width_bits, "width_bits")?,
                    banks: optional(banks, "banks")?,
                }
            }
            PartText::Macros(text) => Kind::Macros {
                bytes: number(&text.bytes, "bytes")?,
                width_bits: number(&text.width_bits, "width_bits")?,
                ports: optional(&text.ports, "ports")?,
            },
            PartText::Dram(kind) => {
                let parse = |name: &str| DramKind::from_str(name).ok();
                let expected = DramKind::ALL.map(DramKind::name).join(", ");
                Kind::Dram(Choice::read(
                    kind,
                    &format!("parts.{name}.dram"),
                    names,
                    texts,
                    &parse,
                    &expected,
                )?)
            }
        };
        Ok(Self { name: name.to_owned(), first, kind })
    }

    /// Whether it is storage: its figures are those of [`STORAGE`].
    pub(super) fn is_storage(&self) -> bool {
        !self.is_mac() && !self.is_dram()
    }

    /// Whether it is multiply-accumulate units: its figures are those of [`MAC`].
    pub(super) fn is_mac(&self) -> bool {
        matches!(self.kind, Kind::Mac { .. })
    }

    /// Whether it is DRAM: its figure is that of [`DRAM`].
    pub(super) fn is_dram(&self) -> bool {
        matches!(self.kind, Kind::Dram(_))
    }

    /// The places of its figures.
    pub(super) fn figures(&self) -> Range<usize> {
        let figures = match self.kind {
            Kind::Mac { .. } => MAC.len(),
            Kind::Dram(_) => DRAM.len(),
            Kind::RegisterFile { .. } | Kind::Memory { .. } | Kind::Macros { .. } => STORAGE.len(),
        };
        self.first..self.first + figures
    }

    /// The places that it asks for.
    pub(super) fn places(&self) -> Vec<usize> {
        let (numbers, chosen): (Vec<&Number>, Option<usize>) = match &self.kind {
            Kind::Mac { bits, accumulator_bits } => {
                (std::iter::once(bits).chain(accumulator_bits).collect(), None)
            }
            Kind::RegisterFile { bytes, width_bits } => (vec![bytes, width_bits], None),
            Kind::Memory { class, rows, width_bits, banks } => (vec![rows, width_bits, banks], class.place()),
            Kind::Macros { bytes, width_bits, ports } => (vec![bytes, width_bits, ports], None),
            Kind::Dram(kind) => (Vec::new(), kind.place()),
        };
        numbers.into_iter().flat_map(Number::places).copied().chain(chosen).collect()
    }

    /// Writes its figures for a design where they belong.
    pub(super) fn cost(&self, technology: Technology, values: &mut [Value]) -> Result<(), Unbuildable> {
        let figures: Vec<f64> = match &self.kind {
            Kind::Mac { bits, accumulator_bits } => {
                let bits = self.bits(bits, "bits", values)? as u32;
                let accumulator = accumulator_bits.as_ref();
                let accumulator =
                    accumulator.map(|bits| self.bits(bits, "accumulator_bits", values)).transpose()?;
                let cost = mac(bits, accumulator.map(|bits| bits as u32), technology.node);
                let cost = cost.map_err(|error| self.untabulated(&error))?;
                vec![cost.energy_j, cost.area_m2, cost.leakage_w]
            }
            Kind::Dram(kind) => vec![kind.at(values).energy_j_per_bit()],
            _ => {
                let StorageCost { read_j, write_j, area_m2, leakage_w, cycle_s } =
                    self.storage(technology, values)?;
                vec![read_j, write_j, area_m2, leakage_w, cycle_s]
            }
        };
        for (offset, figure) in figures.into_iter().enumerate() {
            values[self.first + offset] = Value::Real(figure);
        }
        Ok(())
    }

    fn storage(
        &self,
        Technology { node, clock_hz }: Technology,
        values: &[Value],
    ) -> Result<StorageCost, Unbuildable> {
        match &self.kind {
            Kind::RegisterFile { bytes, width_bits } => {
                let (bytes, bits) =
                    (self.bytes(bytes, "bytes", values)?, self.bits(width_bits, "width_bits", values)?);
                register_file(bytes, bits as u32, node).map_err(|error| self.untabulated(&error))
            }
            Kind::Memory { class, rows, width_bits, banks } => {
                let rows = self.bytes(rows, "rows", values)?;
                let width = self.bits(width_bits, "width_bits", values)?;
                let banks = self.limited(banks, "banks", MOST_BANKS, values)?;
                if width < 16 || !width.is_power_of_two() {
                    return Err(
                        self.malformed("width_bits", format!("{width}, expected a power of two from 16 on"))
                    );
                }
                if !banks.is_power_of_two() {
                    return Err(self.malformed("banks", format!("{banks}, expected a power of two")));
                }
                let memory =
                    Memory { class: class.at(values), rows, width_bits: width as u32, banks: banks as u32 };
                memory.cost(node, clock_hz).map_err(|slow| {
                    self.unbuildable("cycle_time", slow.cycle_s / slow.available_s - 1.0, slow.to_string())
                })
            }
            Kind::Macros { bytes, width_bits, ports } => {
                let demand = Demand {
                    size_bytes: self.bytes(bytes, "bytes", values)?,
                    width_bits: self.bits(width_bits, "width_bits", values)?,
                    ports: self.limited(ports, "ports", MOST_BANKS, values)?,
                };
                synthesize(demand, node, clock_hz).map_err(|shortfall| {
                    let reason = "no arrangement of macros is as wide as the port and as fast as the clock";
                    self.unbuildable("synthesis", shortfall.violation, reason.to_owned())
                })
            }
            Kind::Mac { .. } | Kind::Dram(_) => unreachable!("units and DRAM are no storage"),
        }
    }

    fn bits(&self, number: &Number, what: &str, values: &[Value]) -> Result<u64, Unbuildable> {
        self.limited(number, what, MOST_BITS, values)
    }

    fn bytes(&self, number: &Number, what: &str, values: &[Value]) -> Result<u64, Unbuildable> {
        self.limited(number, what, MOST_BYTES, values)
    }

    fn limited(&self, number: &Number, what: &str, most: u64, values: &[Value]) -> Result<u64, Unbuildable> {
        let rule = format!("{}_{what}", self.name);
        let count = number.count(values, 1, &rule)?;
        if count > most {
            let reason = format!("{count}, expected at most {most}");
            return Err(Unbuildable::new(&rule, count as f64 / most as f64 - 1.0, reason));
        }
        Ok(count)
    }

    fn untabulated(&self, error: &TechnologyError) -> Unbuildable {
        self.malformed("cost", error.to_string())
    }

    fn malformed(&self, what: &str, reason: String) -> Unbuildable {
        Unbuildable::malformed(&format!("{}_{what}", self.name), reason)
    }

    fn unbuildable(&self, what: &str, violation: f64, reason: String) -> Unbuildable {
        Unbuildable::new(&format!("{}_{what}", self.name), violation, reason)
    }
}

impl<T> Choice<T> {
    fn place(&self) -> Option<usize> {
        match self {
            Self::Given(_) => None,
            Self::Named { place, .. } => Some(*place),
        }
    }
}
