//! Phase by phase through a workload.

use super::blocks::{Soc, SocFault, SocProcessor};
use super::library::{
    CORE_AREA_M2, CORE_INSTRUCTIONS_PER_CYCLE, CORE_INSTRUCTIONS_PER_J, LEFT_UNDONE, MemoryCost, WINDOW_S,
    memory_cost,
};
use super::routes::{Route, Routes};
use super::workload::SocWorkload;

/// A time in which all rates are constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocPhase {
    /// How long it is; 0 if only tasks without cycles end it.
    pub duration_s: f64,
    /// What all blocks take in it.
    pub energy_j: f64,
}

/// What a system takes for a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct SocReport {
    /// When the last task has ended.
    pub latency_s: f64,
    /// The largest mean power of a window as FARSI cuts them: some are far shorter than 10 ms, some far longer.
    pub power_w: f64,
    /// The largest mean power of any 10 ms; of the whole run if that is shorter.
    pub window_power_w: f64,
    /// Energy of all blocks.
    pub energy_j: f64,
    /// Area of all blocks that are used.
    pub area_m2: f64,
    /// The part of it that is memories.
    pub memory_area_m2: f64,
    /// What lies in each memory at most. Shape `[m]`.
    pub memory_byte: Vec<f64>,
    /// All phases, in order.
    pub phases: Vec<SocPhase>,
}

/// Runs `workload` on `soc`.
///
/// # Errors
/// [`SocFault`] if the system cannot do it, with the rule that it breaks.
pub fn simulate(workload: &SocWorkload, soc: &Soc) -> Result<SocReport, SocFault> {
    let routes = Routes::new(workload, soc)?;
    let run = Run::new(workload, soc, &routes).finish();
    let mut costs = Vec::with_capacity(soc.memories.len());
    for (memory, (it, &byte)) in soc.memories.iter().zip(&run.peak_byte).enumerate() {
        let is_used = soc.lies_in.contains(&memory);
        let cost = is_used.then(|| memory_cost(it.kind, byte).ok_or(SocFault::MemorySize { memory, byte }));
        costs.push(cost.transpose()?);
    }
    let energies: Vec<f64> =
        (0..workload.tasks.len()).map(|task| energy_j(workload, soc, &costs, task)).collect();
    let phases: Vec<SocPhase> = run.phases.iter().map(|phase| phase.priced(&energies)).collect();
    let memory_area_m2 = costs.iter().flatten().map(|cost| cost.area_m2).sum();
    Ok(SocReport {
        latency_s: run.now_s,
        power_w: power_w(&phases),
        window_power_w: window_power_w(&phases),
        energy_j: phases.iter().map(|phase| phase.energy_j).sum(),
        area_m2: memory_area_m2 + processor_area_m2(workload, soc),
        memory_area_m2,
        memory_byte: run.peak_byte,
        phases,
    })
}

/// A phase before energies are known: which part of which task was done.
#[derive(Debug)]
struct Progress {
    duration_s: f64,
    parts: Vec<(usize, f64)>,
}

impl Progress {
    fn priced(&self, energies_j: &[f64]) -> SocPhase {
        let energy_j = self.parts.iter().map(|&(task, part)| part * energies_j[task]).sum();
        SocPhase { duration_s: self.duration_s, energy_j }
    }
}

/// A run, up to some moment.
struct Run<'a> {
    workload: &'a SocWorkload,
    soc: &'a Soc,
    routes: &'a Routes,
    now_s: f64,
    /// By task: the part that is left, whether its parents have ended, and whether it has. Shape `[n]`, as the next one.
    left: Vec<f64>,
    is_launched: Vec<bool>,
    is_done: Vec<bool>,
    /// Whether it counts as one that needs its inputs no more.
    counts: Vec<bool>,
    /// One for each processor.
    running: Vec<usize>,
    waiting: Vec<usize>,
    byte: Vec<f64>,
    peak_byte: Vec<f64>,
    phases: Vec<Progress>,
    /// By pipe: what bursts of running tasks put on it.
    loads: Vec<f64>,
    /// Pairs of pipes through a bus, the outgoing first, that running tasks use; each once, sorted.
    turns: Vec<(usize, usize)>,
}

impl<'a> Run<'a> {
    fn new(workload: &'a SocWorkload, soc: &'a Soc, routes: &'a Routes) -> Self {
        let (n, n_memories) = (workload.tasks.len(), soc.memories.len());
        Self {
            workload,
            soc,
            routes,
            now_s: 0.0,
            left: vec![1.0; n],
            is_launched: vec![false; n],
            is_done: vec![false; n],
            counts: vec![false; n],
            running: Vec::new(),
            waiting: Vec::new(),
            byte: vec![0.0; n_memories],
            peak_byte: vec![0.0; n_memories],
            phases: vec![Progress { duration_s: 0.0, parts: Vec::new() }],
            loads: vec![0.0; routes.n_pipes],
            turns: Vec::new(),
        }
    }

    /// Runs to the end.
    fn finish(mut self) -> Self {
        self.launch();
        while !self.running.is_empty() {
            self.weigh();
            let rates: Vec<f64> = self.running.iter().map(|&task| self.rate_per_s(task)).collect();
            let ends = self.running.iter().zip(&rates).map(|(&task, rate)| self.left[task] / rate);
            let duration_s = ends.fold(f64::INFINITY, f64::min);
            self.now_s += duration_s;
            let mut parts = Vec::with_capacity(rates.len());
            for (&task, rate) in self.running.iter().zip(&rates) {
                let takes_time = rate.is_finite();
                let part = if takes_time { rate * duration_s } else { self.left[task] };
                self.left[task] -= part;
                parts.push((task, part));
            }
            self.phases.push(Progress { duration_s, parts });
            self.retire();
            self.launch();
        }
        self
    }

    /// Ends tasks that are done but for the rest that counts as nothing.
    fn retire(&mut self) {
        let running = std::mem::take(&mut self.running);
        for task in running {
            if self.left[task] > LEFT_UNDONE {
                self.running.push(task);
                continue;
            }
            self.is_done[task] = true;
            self.counts[task] = true;
            self.release_inputs(task);
        }
    }

    /// Gives back what the parents of `task` wrote, if all who read it have ended. Source: FARSI, perf_sim.py, `update_scheduled_kernel_list`: who has given back the
    /// output of one parent no longer counts for the others, whose output then stays; and what comes from outside stays.
    fn release_inputs(&mut self, task: usize) {
        let workload = self.workload;
        for &input in &workload.inputs[task] {
            let parent = workload.transfers[input].from;
            let outputs = &workload.outputs[parent];
            if !outputs.iter().all(|&it| self.counts[workload.transfers[it].to]) {
                continue;
            }
            let stays = workload.is_outside(parent);
            for &output in outputs {
                self.counts[workload.transfers[output].to] = false;
                if !stays {
                    self.byte[self.soc.lies_in[output]] -= workload.transfers[output].byte;
                }
            }
        }
    }

    /// Begins what need not wait any longer for its parents, and runs one task on each processor: first the one that runs, then what has just begun, then what
    /// waited before. Source: FARSI, perf_sim.py, `serialize_DMA`.
    fn launch(&mut self) {
        let workload = self.workload;
        let mut queue = std::mem::take(&mut self.running);
        for task in 0..workload.tasks.len() {
            let is_ready =
                || workload.inputs[task].iter().all(|&it| self.is_done[workload.transfers[it].from]);
            if self.is_launched[task] || !is_ready() {
                continue;
            }
            self.is_launched[task] = true;
            queue.push(task);
            for &output in &workload.outputs[task] {
                let memory = self.soc.lies_in[output];
                self.byte[memory] += workload.transfers[output].byte;
                self.peak_byte[memory] = self.peak_byte[memory].max(self.byte[memory]);
            }
        }
        queue.append(&mut self.waiting);
        for task in queue {
            let processor = self.soc.runs_on[task];
            let is_free = !self.running.iter().any(|&it| self.soc.runs_on[it] == processor);
            if is_free { self.running.push(task) } else { self.waiting.push(task) }
        }
    }

    /// What running tasks put on the pipes.
    fn weigh(&mut self) {
        self.loads.fill(0.0);
        self.turns.clear();
        for &task in &self.running {
            let route = &self.routes.tasks[task];
            route.loads.iter().for_each(|&(pipe, burst_byte)| self.loads[pipe] += burst_byte);
            self.turns.extend(route.hops.iter().filter_map(|hop| Some((hop.outgoing?, hop.incoming))));
        }
        self.turns.sort_unstable();
        self.turns.dedup();
    }

    /// How often a second `task` could be done as things are; without end if it takes no time.
    fn rate_per_s(&self, task: usize) -> f64 {
        if self.workload.tasks[task].core_cycles == 0.0 {
            return f64::INFINITY;
        }
        let Route { compute_per_s, hops, .. } = &self.routes.tasks[task];
        let mut rate = *compute_per_s;
        for hop in hops.iter().filter(|hop| hop.burst_byte > 0.0) {
            // Pipes that lead on to the same place take turns; tasks share a pipe by their bursts.
            let n_turns = hop.outgoing.map_or(1, |outgoing| {
                let first = self.turns.partition_point(|turn| turn.0 < outgoing);
                self.turns[first..].iter().take_while(|turn| turn.0 == outgoing).count()
            });
            let share = hop.burst_byte / self.loads[hop.incoming] / n_turns as f64;
            rate = rate.min(hop.peak_per_s * share);
        }
        rate
    }
}

/// What `task` takes from its beginning to its end. Buses take nothing. Source: FARSI, design.py, `collect_cacti_data`.
fn energy_j(workload: &SocWorkload, soc: &Soc, costs: &[Option<MemoryCost>], task: usize) -> f64 {
    let it = &workload.tasks[task];
    if it.core_cycles == 0.0 {
        return 0.0;
    }
    let computing = match (soc.processors[soc.runs_on[task]], &it.accelerator) {
        (SocProcessor::Accelerator { unroll, .. }, Some(own)) => own.energy_j * f64::from(unroll),
        _ => it.core_cycles * CORE_INSTRUCTIONS_PER_CYCLE / CORE_INSTRUCTIONS_PER_J,
    };
    let moved = |transfers: &[usize], j_per_byte: fn(&MemoryCost) -> f64| -> f64 {
        let of = |&index: &usize| {
            costs[soc.lies_in[index]].map_or(0.0, |cost| workload.transfers[index].byte * j_per_byte(&cost))
        };
        transfers.iter().map(of).sum()
    };
    computing
        + moved(&workload.inputs[task], |cost| cost.read_j_per_byte)
        + moved(&workload.outputs[task], |cost| cost.write_j_per_byte)
}

/// Area of processors on which something runs; buses have none. Source: the same, and hardware.py, `only_dummy_tasks`: a core for what lies outside is none.
fn processor_area_m2(workload: &SocWorkload, soc: &Soc) -> f64 {
    let area = |(processor, it): (usize, &SocProcessor)| {
        let mut tasks =
            soc.runs_on.iter().enumerate().filter(|&(_, &on)| on == processor).map(|(task, _)| task);
        match *it {
            SocProcessor::Core if tasks.any(|task| !workload.is_outside(task)) => CORE_AREA_M2,
            SocProcessor::Accelerator { task, unroll, .. } if tasks.next().is_some() => {
                workload.tasks[task].accelerator.map_or(0.0, |own| own.area_m2 * f64::from(unroll))
            }
            _ => 0.0,
        }
    };
    soc.processors.iter().enumerate().map(area).sum()
}

/// The largest mean power of a window. A phase longer than what is left of a window ends it, as part of it. Source: FARSI, common_design_utils.py,
/// `slice_phases_with_PWP`: windows are counted in phases that take time, but cut out of all phases, so that phases without time before them (two with a source, one
/// without) put their ends off: a window may be one short phase, or what should be several windows.
pub(super) fn power_w(phases: &[SocPhase]) -> f64 {
    let mut ends = Vec::new();
    let mut left_s = WINDOW_S;
    for (place, phase) in phases.iter().filter(|phase| phase.duration_s > 0.0).enumerate() {
        if phase.duration_s > left_s {
            left_s = WINDOW_S;
            ends.push(place + 1);
        } else {
            left_s -= phase.duration_s;
        }
    }
    ends.push(phases.len());
    let mut begin = 0;
    let mut power_w = 0.0f64;
    for end in ends {
        let window = &phases[begin..end];
        let duration_s: f64 = window.iter().map(|phase| phase.duration_s).sum();
        if duration_s > 0.0 {
            power_w = power_w.max(window.iter().map(|phase| phase.energy_j).sum::<f64>() / duration_s);
        }
        begin = end;
    }
    power_w
}

/// The largest mean power of any 10 ms, of all if `phases` are shorter. Power is constant in a phase, so that the largest mean begins or ends where a phase does.
pub(super) fn window_power_w(phases: &[SocPhase]) -> f64 {
    let mut ends = vec![(0.0, 0.0)];
    let (mut now_s, mut spent_j) = (0.0, 0.0);
    for phase in phases {
        now_s += phase.duration_s;
        spent_j += phase.energy_j;
        ends.push((now_s, spent_j));
    }
    if now_s <= 0.0 {
        return 0.0;
    }
    let length_s = WINDOW_S.min(now_s);
    let spent_by_j = |time_s: f64| {
        let after = ends.partition_point(|end| end.0 < time_s).clamp(1, ends.len() - 1);
        let ((begin_s, begin_j), (end_s, end_j)) = (ends[after - 1], ends[after]);
        let part = if end_s > begin_s { (time_s - begin_s) / (end_s - begin_s) } else { 1.0 };
        begin_j + part.clamp(0.0, 1.0) * (end_j - begin_j)
    };
    let begins = ends.iter().flat_map(|&(time_s, _)| [time_s, time_s - length_s]);
    let inside = begins.map(|begin_s| begin_s.clamp(0.0, now_s - length_s));
    inside
        .map(|begin_s| (spent_by_j(begin_s + length_s) - spent_by_j(begin_s)) / length_s)
        .fold(0.0, f64::max)
}
