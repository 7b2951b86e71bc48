//! The space: blocks, how they hang together, and where each task runs and keeps what it writes.

use tapeout_core::{
    CategoryParameter, CountParameter, Design, DesignSpace, NumberParameter, Parameter, SpaceError,
};
use tapeout_simulators::soc::{
    ACCELERATOR_CLOCKS_HZ, BLOCK_WIDTHS_BYTE, Block, Soc, SocBus, SocMemory, SocMemoryKind, SocProcessor,
    SocWorkload, unrollings,
};

use super::config::SocConfig;

const KINDS: [(&str, SocMemoryKind); 2] = [("sram", SocMemoryKind::Sram), ("dram", SocMemoryKind::Dram)];

/// Where a task runs.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// On a core.
    Core(usize),
    /// On an accelerator of its own, which hangs on a bus.
    Accelerator(usize),
}

#[derive(Debug)]
struct BusKnobs {
    width_byte: CountParameter,
    clock_hz: NumberParameter,
    /// The bus on which it hangs, from 1; 0 for none. The first one has no choice.
    hangs_on: Option<CountParameter>,
}

#[derive(Debug)]
struct MemoryKnobs {
    kind: CategoryParameter<SocMemoryKind>,
    width_byte: CountParameter,
    clock_hz: NumberParameter,
    bus: CategoryParameter<usize>,
}

/// Each of them, if there is a choice.
#[derive(Debug)]
struct TaskKnobs {
    place: Option<CategoryParameter<Place>>,
    unroll: Option<CountParameter>,
    memory: Option<CategoryParameter<usize>>,
}

/// The parameters, by what they are of.
#[derive(Debug)]
pub(super) struct Knobs {
    cores: Vec<CategoryParameter<usize>>,
    buses: Vec<BusKnobs>,
    memories: Vec<MemoryKnobs>,
    accelerator_clock_hz: NumberParameter,
    tasks: Vec<TaskKnobs>,
}

/// `bus-1`, `bus-2` and so on, and what they stand for.
fn numbered(stem: &str, count: u64) -> Vec<(String, usize)> {
    (0..count as usize).map(|index| (format!("{stem}-{}", index + 1), index)).collect()
}

fn categorical(name: &str, levels: &[(String, impl Sized)]) -> Parameter {
    Parameter::categorical(name, &levels.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
}

/// Where `task` may run: on each core, and on an accelerator on each bus if it has one. What takes no time is on the first core.
fn places(config: &SocConfig, workload: &SocWorkload, task: usize) -> Vec<(String, Place)> {
    let it = &workload.tasks()[task];
    let n_cores = if it.core_cycles == 0.0 { 1 } else { config.cores };
    let cores = numbered("core", n_cores).into_iter().map(|(name, core)| (name, Place::Core(core)));
    let n_buses = if it.accelerator.is_some() { config.buses } else { 0 };
    let buses = numbered("bus", n_buses).into_iter().map(|(name, bus)| (name, Place::Accelerator(bus)));
    cores.chain(buses).collect()
}

/// The names of a task's parameters.
fn task_names(workload: &SocWorkload, task: usize) -> [String; 3] {
    ["place", "unroll", "memory"].map(|what| format!("{}_{what}", workload.tasks()[task].name))
}

fn task_unrollings(workload: &SocWorkload, task: usize) -> Vec<u32> {
    workload.tasks()[task].accelerator.map_or_else(Vec::new, |own| unrollings(own.iterations))
}

/// The space of a workload.
pub(super) fn space(config: &SocConfig, workload: &SocWorkload) -> Result<DesignSpace, SpaceError> {
    let buses = numbered("bus", config.buses);
    let memories = numbered("memory", config.memories);
    let width =
        |name: String| Parameter::ordinal(&name, BLOCK_WIDTHS_BYTE).unit("byte").about("bytes of a cycle");
    let clock = |name: &str| Parameter::ordinal(name, ACCELERATOR_CLOCKS_HZ).unit("Hz").about("clock");
    let mut parameters = Vec::new();
    for index in 1..=config.buses {
        parameters.push(width(format!("bus_{index}_width")));
        parameters.push(clock(&format!("bus_{index}_clock")));
        if index > 1 {
            let hangs_on = Parameter::integer(&format!("bus_{index}_hangs_on"), 0, index as i64 - 1);
            parameters
                .push(hangs_on.about("the bus of a lower number that it is connected with, 0 for none"));
        }
    }
    for index in 1..=config.memories {
        let kinds = KINDS.map(|(name, _)| name);
        parameters.push(
            Parameter::categorical(&format!("memory_{index}_kind"), &kinds).about("what it is made of"),
        );
        parameters.push(width(format!("memory_{index}_width")));
        parameters.push(clock(&format!("memory_{index}_clock")));
        parameters
            .push(categorical(&format!("memory_{index}_bus"), &buses).about("the bus on which it hangs"));
    }
    for index in 1..=config.cores {
        parameters.push(categorical(&format!("core_{index}_bus"), &buses).about("the bus on which it hangs"));
    }
    parameters.push(clock("accelerator_clock").about("clock of all accelerators"));
    for task in 0..workload.tasks().len() {
        let [place, unroll, memory] = task_names(workload, task);
        let places = places(config, workload, task);
        if places.len() > 1 {
            let about = "the core that it runs on, or the bus on which an accelerator of its own hangs";
            parameters.push(categorical(&place, &places).about(about));
        }
        let unrollings = task_unrollings(workload, task);
        if unrollings.len() > 1 {
            let about = "how often the loop stands beside itself if it runs on an accelerator";
            parameters.push(Parameter::ordinal(&unroll, unrollings).about(about));
        }
        if workload.has_outputs(task) && memories.len() > 1 {
            parameters.push(categorical(&memory, &memories).about("where what it writes lies"));
        }
    }
    DesignSpace::new(parameters, Vec::new())
}

fn meanings<T: Copy>(levels: &[(String, T)]) -> impl Iterator<Item = (&str, T)> {
    levels.iter().map(|(name, meaning)| (name.as_str(), *meaning))
}

impl Knobs {
    pub(super) fn of(
        space: &DesignSpace,
        config: &SocConfig,
        workload: &SocWorkload,
    ) -> Result<Self, SpaceError> {
        let all_buses = numbered("bus", config.buses);
        let all_memories = numbered("memory", config.memories);
        let bus = |index: u64| {
            let hangs_on = (index > 1).then(|| space.count(&format!("bus_{index}_hangs_on")));
            Ok(BusKnobs {
                width_byte: space.count(&format!("bus_{index}_width"))?,
                clock_hz: space.number(&format!("bus_{index}_clock"))?,
                hangs_on: hangs_on.transpose()?,
            })
        };
        let memory = |index: u64| {
            Ok(MemoryKnobs {
                kind: space.category(&format!("memory_{index}_kind"), KINDS)?,
                width_byte: space.count(&format!("memory_{index}_width"))?,
                clock_hz: space.number(&format!("memory_{index}_clock"))?,
                bus: space.category(&format!("memory_{index}_bus"), meanings(&all_buses))?,
            })
        };
        let core = |index: u64| space.category(&format!("core_{index}_bus"), meanings(&all_buses));
        let task = |task: usize| {
            let [place, unroll, memory] = task_names(workload, task);
            let places = places(config, workload, task);
            let has_memory = workload.has_outputs(task) && all_memories.len() > 1;
            let place = (places.len() > 1).then(|| space.category(&place, meanings(&places)));
            let unroll = (task_unrollings(workload, task).len() > 1).then(|| space.count(&unroll));
            let memory = has_memory.then(|| space.category(&memory, meanings(&all_memories)));
            Ok(TaskKnobs {
                place: place.transpose()?,
                unroll: unroll.transpose()?,
                memory: memory.transpose()?,
            })
        };
        Ok(Self {
            cores: (1..=config.cores).map(core).collect::<Result<_, _>>()?,
            buses: (1..=config.buses).map(bus).collect::<Result<_, SpaceError>>()?,
            memories: (1..=config.memories).map(memory).collect::<Result<_, SpaceError>>()?,
            accelerator_clock_hz: space.number("accelerator_clock")?,
            tasks: (0..workload.tasks().len()).map(task).collect::<Result<_, SpaceError>>()?,
        })
    }

    /// The system of a design.
    pub(super) fn read(&self, design: &Design, workload: &SocWorkload) -> Soc {
        let mut links = Vec::new();
        let mut buses = Vec::with_capacity(self.buses.len());
        for (index, knobs) in self.buses.iter().enumerate() {
            let width_byte = knobs.width_byte.of(design) as u32;
            buses.push(SocBus { width_byte, clock_hz: knobs.clock_hz.of(design) });
            let parent = knobs.hangs_on.as_ref().map_or(0, |it| it.of(design) as usize);
            links.extend(parent.checked_sub(1).map(|parent| (Block::Bus(parent), Block::Bus(index))));
        }
        let mut memories = Vec::with_capacity(self.memories.len());
        for (index, knobs) in self.memories.iter().enumerate() {
            memories.push(SocMemory {
                kind: *knobs.kind.of(design),
                width_byte: knobs.width_byte.of(design) as u32,
                clock_hz: knobs.clock_hz.of(design),
            });
            links.push((Block::Bus(*knobs.bus.of(design)), Block::Memory(index)));
        }
        let mut processors = Vec::with_capacity(self.cores.len() + self.tasks.len());
        for (index, bus) in self.cores.iter().enumerate() {
            processors.push(SocProcessor::Core);
            links.push((Block::Bus(*bus.of(design)), Block::Processor(index)));
        }
        let clock_hz = self.accelerator_clock_hz.of(design);
        let mut runs_on = Vec::with_capacity(self.tasks.len());
        for (task, knobs) in self.tasks.iter().enumerate() {
            match knobs.place.as_ref().map_or(Place::Core(0), |place| *place.of(design)) {
                Place::Core(core) => runs_on.push(core),
                Place::Accelerator(bus) => {
                    runs_on.push(processors.len());
                    links.push((Block::Bus(bus), Block::Processor(processors.len())));
                    let unroll = knobs.unroll.as_ref().map_or(1, |it| it.of(design) as u32);
                    processors.push(SocProcessor::Accelerator { task, unroll, clock_hz });
                }
            }
        }
        let lies_in = |from: usize| self.tasks[from].memory.as_ref().map_or(0, |it| *it.of(design));
        let lies_in = workload.transfers().iter().map(|transfer| lies_in(transfer.from)).collect();
        Soc { buses, memories, processors, links, runs_on, lies_in }
    }
}
