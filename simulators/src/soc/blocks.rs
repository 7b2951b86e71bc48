//! Blocks of a system, how they hang together, and what is on which.

use std::collections::BTreeSet;
use std::fmt;

use super::workload::SocWorkload;

/// A bus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocBus {
    /// Bytes of a cycle.
    pub width_byte: u32,
    /// Its clock.
    pub clock_hz: f64,
}

/// Kinds of memories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocMemoryKind {
    /// Static: reads and writes take alike.
    Sram,
    /// Dynamic: denser, and a write takes far more.
    Dram,
}

/// A memory. It is as large as what lies in it at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocMemory {
    /// What it is made of.
    pub kind: SocMemoryKind,
    /// Bytes of a cycle.
    pub width_byte: u32,
    /// Its clock.
    pub clock_hz: f64,
}

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SocProcessor {
    /// Runs every task, one after the other.
    Core,
    /// Runs one task.
    Accelerator {
        /// Which.
        task: usize,
        /// How often the loop stands beside itself.
        unroll: u32,
        /// Its clock.
        clock_hz: f64,
    },
}

/// One of the blocks of a system, by its kind and its place among those of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// A bus.
    Bus(usize),
    /// A memory.
    Memory(usize),
    /// A processor.
    Processor(usize),
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(index) => write!(f, "bus {index}"),
            Self::Memory(index) => write!(f, "memory {index}"),
            Self::Processor(index) => write!(f, "processor {index}"),
        }
    }
}

/// A system, and what is on which of its blocks. Blocks on which nothing is may stand anywhere and take nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Soc {
    /// The buses.
    pub buses: Vec<SocBus>,
    /// The memories.
    pub memories: Vec<SocMemory>,
    /// The processors.
    pub processors: Vec<SocProcessor>,
    /// What is connected with what: processors and memories with a bus, buses with each other.
    pub links: Vec<(Block, Block)>,
    /// By task: its processor. Shape `[n]`.
    pub runs_on: Vec<usize>,
    /// By transfer: the memory in which it lies. Shape `[e]`.
    pub lies_in: Vec<usize>,
}

/// Why a system cannot do a workload.
#[derive(Debug, thiserror::Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum SocFault {
    /// Something names a block, a task or a transfer that is not there, or there are not as many as tasks and transfers.
    #[error("{what} {index} is not there")]
    Missing {
        /// What is meant.
        what: &'static str,
        /// Which.
        index: usize,
    },
    /// A link that is not between a bus and another block.
    #[error("{0} and {1} are linked without a bus between them")]
    Direct(Block, Block),
    /// A processor or a memory on more than one bus.
    #[error("{block} hangs on {buses} buses; expected one")]
    TwoBuses {
        /// Which.
        block: Block,
        /// On how many.
        buses: usize,
    },
    /// A processor or a memory that is used and on no bus.
    #[error("{0} hangs on no bus")]
    NoBus(Block),
    /// A task on an accelerator of another one, or on one that it has not.
    #[error("task {task} cannot run on processor {processor}")]
    CannotRun {
        /// The task.
        task: usize,
        /// The processor.
        processor: usize,
    },
    /// A width, a clock or an unrolling that is no number above 0.
    #[error("{0} does nothing in a second")]
    Still(Block),
    /// No way from a processor to a memory that its task needs.
    #[error("task {task} does not reach memory {memory}")]
    Unreachable {
        /// The task.
        task: usize,
        /// The memory.
        memory: usize,
    },
    /// More in a memory than the largest one holds.
    #[error("memory {memory} would hold {byte} byte; the largest has {}", super::MAX_MEMORY_BYTE)]
    MemorySize {
        /// Which.
        memory: usize,
        /// How much.
        byte: f64,
    },
}

impl SocFault {
    /// The rule that it breaks.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing_block",
            Self::Direct(..) => "direct_link",
            Self::TwoBuses { .. } => "two_buses",
            Self::NoBus(_) => "no_bus",
            Self::CannotRun { .. } => "cannot_run",
            Self::Still(_) => "still_block",
            Self::Unreachable { .. } => "unreachable_memory",
            Self::MemorySize { .. } => "memory_size",
        }
    }
}

impl Soc {
    /// The bus of each processor and of each memory, shapes `[p]` and `[m]`, and the neighbours of each bus, shape `[b]`.
    pub(super) fn topology(&self, workload: &SocWorkload) -> Result<Topology, SocFault> {
        self.check_places(workload)?;
        let mut topology = Topology {
            processors: vec![None; self.processors.len()],
            memories: vec![None; self.memories.len()],
            neighbours: vec![Vec::new(); self.buses.len()],
        };
        for &(one, other) in &self.links {
            match (one, other) {
                (Block::Bus(a), Block::Bus(b)) => {
                    topology.neighbours[a].push(b);
                    topology.neighbours[b].push(a);
                }
                (Block::Bus(bus), block) | (block, Block::Bus(bus)) => {
                    let place = match block {
                        Block::Processor(index) => &mut topology.processors[index],
                        Block::Memory(index) => &mut topology.memories[index],
                        Block::Bus(_) => continue,
                    };
                    if place.replace(bus).is_some_and(|before| before != bus) {
                        return Err(self.two_buses(block));
                    }
                }
                _ => return Err(SocFault::Direct(one, other)),
            }
        }
        Ok(topology)
    }

    fn two_buses(&self, block: Block) -> SocFault {
        let bus = |&link: &(Block, Block)| match link {
            (Block::Bus(bus), other) | (other, Block::Bus(bus)) if other == block => Some(bus),
            _ => None,
        };
        let buses: BTreeSet<usize> = self.links.iter().filter_map(bus).collect();
        SocFault::TwoBuses { block, buses: buses.len() }
    }

    /// Whether everything that is named is there, and does something.
    fn check_places(&self, workload: &SocWorkload) -> Result<(), SocFault> {
        let there = |what, index: usize, count: usize| {
            if index < count { Ok(()) } else { Err(SocFault::Missing { what, index }) }
        };
        let block = |block: Block| match block {
            Block::Bus(index) => there("bus", index, self.buses.len()),
            Block::Memory(index) => there("memory", index, self.memories.len()),
            Block::Processor(index) => there("processor", index, self.processors.len()),
        };
        self.links.iter().try_for_each(|&(one, other)| block(one).and_then(|()| block(other)))?;
        let equal = |what, got: usize, expected: usize| {
            if got == expected { Ok(()) } else { Err(SocFault::Missing { what, index: got.min(expected) }) }
        };
        equal("the processor of task", self.runs_on.len(), workload.tasks.len())?;
        equal("the memory of transfer", self.lies_in.len(), workload.transfers.len())?;
        self.lies_in.iter().try_for_each(|&memory| block(Block::Memory(memory)))?;
        for (task, &processor) in self.runs_on.iter().enumerate() {
            block(Block::Processor(processor))?;
            if let SocProcessor::Accelerator { task: own, unroll, .. } = self.processors[processor] {
                let has_it = workload.tasks[task].accelerator.is_some_and(|it| unroll <= it.iterations);
                if own != task || !has_it {
                    return Err(SocFault::CannotRun { task, processor });
                }
            }
        }
        self.check_speeds()
    }

    fn check_speeds(&self) -> Result<(), SocFault> {
        let moves = |block, units: u32, clock_hz: f64| {
            if units > 0 && clock_hz > 0.0 && clock_hz.is_finite() {
                Ok(())
            } else {
                Err(SocFault::Still(block))
            }
        };
        for (index, it) in self.buses.iter().enumerate() {
            moves(Block::Bus(index), it.width_byte, it.clock_hz)?;
        }
        for (index, it) in self.memories.iter().enumerate() {
            moves(Block::Memory(index), it.width_byte, it.clock_hz)?;
        }
        for (index, it) in self.processors.iter().enumerate() {
            if let SocProcessor::Accelerator { unroll, clock_hz, .. } = *it {
                moves(Block::Processor(index), unroll, clock_hz)?;
            }
        }
        Ok(())
    }
}

/// Which block hangs on which bus.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) processors: Vec<Option<usize>>,
    pub(super) memories: Vec<Option<usize>>,
    pub(super) neighbours: Vec<Vec<usize>>,
}
