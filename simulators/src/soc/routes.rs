//! The ways of data between processors and memories, and what each task asks of them.

use super::blocks::{Block, Soc, SocFault, SocProcessor, Topology};
use super::library::{CORE_HZ, CORE_INSTRUCTIONS_PER_CYCLE};
use super::workload::SocWorkload;

/// Which way data go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

/// A block on the way of a task's data, between the pipe that leads into it and the one that leads on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop {
    /// From the side of the processor.
    pub(super) incoming: usize,
    /// To the side of the memory; none in the memory.
    pub(super) outgoing: Option<usize>,
    /// What a burst of the task puts on the incoming pipe, in byte.
    pub(super) burst_byte: f64,
    /// How often a second the block, if it had nothing else to do, could move what the task moves through it in this direction.
    pub(super) peak_per_s: f64,
}

/// What a task asks of the system.
#[derive(Debug, Clone, Default)]
pub(super) struct Route {
    /// How often a second its processor could compute it.
    pub(super) compute_per_s: f64,
    pub(super) hops: Vec<Hop>,
    /// What a burst of it puts on each of its pipes, in byte.
    pub(super) loads: Vec<(usize, f64)>,
}

/// The routes of all tasks.
#[derive(Debug)]
pub(super) struct Routes {
    /// Shape `[n]`.
    pub(super) tasks: Vec<Route>,
    pub(super) n_pipes: usize,
}

/// What lies on the way of one task in one direction, by the nodes that pipes lead into: buses, then memories.
struct Way {
    /// Where the pipe into each node comes from: buses, then processors; none if it is not on the way.
    from: Vec<Option<usize>>,
    burst_byte: Vec<f64>,
    byte: Vec<f64>,
}

impl Routes {
    /// The routes of `workload` on `soc`. Tasks that take no time have empty ones.
    ///
    /// # Errors
    /// [`SocFault`], the first that is found.
    pub(super) fn new(workload: &SocWorkload, soc: &Soc) -> Result<Self, SocFault> {
        let topology = soc.topology(workload)?;
        let n_nodes = soc.buses.len() + soc.memories.len();
        let n_masters = soc.buses.len() + soc.processors.len();
        let mut tasks = vec![Route::default(); workload.tasks.len()];
        let mut trees = vec![None; soc.processors.len()];
        for (task, route) in tasks.iter_mut().enumerate() {
            if workload.tasks[task].core_cycles == 0.0 {
                continue;
            }
            let processor = soc.runs_on[task];
            route.compute_per_s = compute_per_s(workload, soc, task);
            for direction in [Direction::Read, Direction::Write] {
                if transfers(workload, task, direction).is_empty() {
                    continue;
                }
                let bus =
                    topology.processors[processor].ok_or(SocFault::NoBus(Block::Processor(processor)))?;
                let tree = trees[processor].get_or_insert_with(|| tree(&topology, bus));
                let way = way(workload, soc, &topology.memories, (task, direction), tree)?;
                let pipe = |node: usize, from: usize| {
                    (usize::from(direction == Direction::Write) * n_nodes + node) * n_masters + from
                };
                way.add_to(route, soc, pipe);
            }
        }
        Ok(Self { tasks, n_pipes: 2 * n_nodes * n_masters })
    }
}

fn compute_per_s(workload: &SocWorkload, soc: &Soc, task: usize) -> f64 {
    match (soc.processors[soc.runs_on[task]], &workload.tasks[task].accelerator) {
        (SocProcessor::Accelerator { unroll, clock_hz, .. }, Some(own)) => {
            f64::from(unroll) * clock_hz / own.cycles
        }
        _ => {
            CORE_HZ * CORE_INSTRUCTIONS_PER_CYCLE
                / (workload.tasks[task].core_cycles * CORE_INSTRUCTIONS_PER_CYCLE)
        }
    }
}

/// The bus before each one on the shortest ways from `bus`; itself for the first, none where no way leads. Of equal ways the one that was linked first.
fn tree(topology: &Topology, bus: usize) -> Vec<Option<usize>> {
    let mut before = vec![None; topology.neighbours.len()];
    before[bus] = Some(bus);
    let mut queue = vec![bus];
    let mut next = 0;
    while let Some(&at) = queue.get(next) {
        next += 1;
        for &to in &topology.neighbours[at] {
            if before[to].is_none() {
                before[to] = Some(at);
                queue.push(to);
            }
        }
    }
    before
}

/// The transfers of a task in one direction.
fn transfers(workload: &SocWorkload, task: usize, direction: Direction) -> &[usize] {
    match direction {
        Direction::Read => &workload.inputs[task],
        Direction::Write => &workload.outputs[task],
    }
}

/// The way of a task's data in one direction, `tree` being that of its processor; `memory_buses` has shape `[m]`.
fn way(
    workload: &SocWorkload,
    soc: &Soc,
    memory_buses: &[Option<usize>],
    (task, direction): (usize, Direction),
    tree: &[Option<usize>],
) -> Result<Way, SocFault> {
    let n_buses = soc.buses.len();
    let n_nodes = n_buses + soc.memories.len();
    let mut way = Way { from: vec![None; n_nodes], burst_byte: vec![0.0; n_nodes], byte: vec![0.0; n_nodes] };
    for &index in transfers(workload, task, direction) {
        let memory = soc.lies_in[index];
        let mut bus = memory_buses[memory].ok_or(SocFault::NoBus(Block::Memory(memory)))?;
        let mut node = n_buses + memory;
        let burst_byte = workload.bursts[index][usize::from(direction == Direction::Write)];
        let mut pass = |node: usize, from: usize| {
            way.from[node] = Some(from);
            way.burst_byte[node] += burst_byte;
            way.byte[node] += workload.transfers[index].byte;
        };
        loop {
            pass(node, bus);
            let before = tree[bus].ok_or(SocFault::Unreachable { task, memory })?;
            if before == bus {
                break;
            }
            (node, bus) = (bus, before);
        }
        pass(bus, n_buses + soc.runs_on[task]);
    }
    Ok(way)
}

impl Way {
    /// Adds the pipes, `pipe(node, from)`, and hops of this way to `route`.
    fn add_to(&self, route: &mut Route, soc: &Soc, pipe: impl Fn(usize, usize) -> usize) {
        let n_buses = soc.buses.len();
        let on_way = || self.from.iter().enumerate().filter_map(|(node, from)| Some((node, (*from)?)));
        let hop = |node: usize, outgoing: Option<usize>| {
            let byte_per_s = if node < n_buses {
                f64::from(soc.buses[node].width_byte) * soc.buses[node].clock_hz
            } else {
                let memory = &soc.memories[node - n_buses];
                f64::from(memory.width_byte) * memory.clock_hz
            };
            let from = self.from[node].expect("invariant: data come through each node on the way");
            Hop {
                incoming: pipe(node, from),
                outgoing,
                burst_byte: self.burst_byte[node],
                peak_per_s: byte_per_s / self.byte[node],
            }
        };
        for (node, from) in on_way() {
            route.loads.push((pipe(node, from), self.burst_byte[node]));
            if from < n_buses {
                route.hops.push(hop(from, Some(pipe(node, from))));
            }
            if node >= n_buses {
                route.hops.push(hop(node, None));
            }
        }
    }
}
