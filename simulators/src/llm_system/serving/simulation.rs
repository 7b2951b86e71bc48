//! Serving event by event: requests come, passes end, caches arrive.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::super::cluster::Cluster;
use super::super::model::LanguageModel;
use super::pass::{PassModel, PassWork, ServingGroup, ServingMemory};
use super::requests::Request;

/// What a pass is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// Prompts that wait go first, as whole ones; then a token of every sequence.
    Whole,
    /// A token of every sequence, and parts of prompts beside them.
    Chunked,
}

/// How requests are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingPlan {
    /// Processors that hold the model once.
    pub group: ServingGroup,
    /// How many such groups there are.
    pub instances: u64,
    /// Groups that read prompts and do nothing else, and what they are made of; the others then read none.
    pub prefill: Option<(u64, ServingGroup)>,
    /// What a pass is made of.
    pub batching: Batching,
    /// Most tokens of a pass; a longer prompt has a pass of its own, unless prompts go in parts.
    pub pass_tokens: u64,
    /// Most sequences at once on an instance.
    pub batch: u64,
}

impl ServingPlan {
    /// All processors.
    pub fn processors(&self) -> u64 {
        let prefill = self.prefill.map_or(0, |(count, group)| count * group.processors());
        self.instances * self.group.processors() + prefill
    }
}

/// Why a plan cannot serve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ServingFault {
    /// Weights, activations and the longest request need this many bytes of so many.
    Memory {
        /// What they need.
        need_byte: f64,
        /// What there is.
        have_byte: f64,
    },
    /// Keys and values come faster than the network carries them: the share of the time that links would need.
    Network {
        /// Above 1.
        share: f64,
    },
}

impl ServingFault {
    /// Its name.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Memory { .. } => "memory",
            Self::Network { .. } => "network",
        }
    }

    /// What is needed over what there is, less one.
    pub fn violation(&self) -> f64 {
        match *self {
            Self::Memory { need_byte, have_byte } => need_byte / have_byte - 1.0,
            Self::Network { share } => share - 1.0,
        }
    }
}

/// What became of the requests.
#[derive(Debug, Clone, PartialEq)]
pub struct ServingReport {
    /// By request: from its coming to its first token, in s.
    pub first_token_s: Vec<f64>,
    /// By request: from its first token to its last, over the tokens after the first, in s; none for requests of one token.
    pub token_s: Vec<Option<f64>>,
    /// By request: from its coming to its last token, in s.
    pub latency_s: Vec<f64>,
    /// From 0 to the last token, in s.
    pub span_s: f64,
    /// Tokens that were made.
    pub tokens: u64,
    /// Passes of all instances.
    pub passes: u64,
    /// What a processor of an instance holds; of the pools apart, of the one that holds more.
    pub memory: ServingMemory,
    /// Most bytes of keys and values on one processor, of all requests that were there at once.
    pub cache_byte: f64,
}

/// A time and what happens then; events of one time happen in the order in which they became known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    at_s: f64,
    order: u64,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Arrival(usize),
    PassEnds { instance: usize, batch: usize },
    CacheArrives { request: usize, instance: usize },
}

impl Eq for Event {}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_s.total_cmp(&other.at_s).then(self.order.cmp(&other.order))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A request on an instance.
#[derive(Debug, Clone, Copy)]
struct Sequence {
    request: usize,
    /// Tokens of the prompt that have been read.
    read: u64,
    made: u64,
    /// Tokens of the pass under way.
    under_way: u64,
}

/// Sequences that go through the stages together; there are as many batches as stages.
#[derive(Debug, Clone, Default)]
struct Batch {
    sequences: Vec<Sequence>,
    is_under_way: bool,
}

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Both,
    Prefill,
    Decode,
}

struct Instance<'a> {
    role: Role,
    passes: PassModel<'a>,
    group: ServingGroup,
    memory: ServingMemory,
    /// Tokens whose keys and values have room.
    room: u64,
    held: u64,
    most_held: u64,
    waiting: VecDeque<usize>,
    batches: Vec<Batch>,
    stage_free_s: Vec<f64>,
    /// When the link that hands caches over is free.
    link_free_s: f64,
    /// Tokens of all requests that were given to it and have not left.
    load: u64,
}

/// `requests`, in the order in which they come, on `model` on `cluster` under `plan`.
///
/// # Errors
/// [`ServingFault`] if memory or network do not bear the plan.
///
/// # Panics
/// If there are no requests, instances, tokens or batches, or the plan's groups do not divide the model's blocks, heads and experts.
pub fn serve(
    model: &LanguageModel,
    cluster: &Cluster,
    plan: &ServingPlan,
    requests: &[Request],
) -> Result<ServingReport, ServingFault> {
    assert!(!requests.is_empty() && plan.instances > 0, "there are requests, and instances to serve them");
    assert!(plan.pass_tokens > 0 && plan.batch > 0, "a pass has tokens and sequences");
    for group in [Some(plan.group), plan.prefill.map(|(_, group)| group)].into_iter().flatten() {
        let divided = [
            (model.blocks, group.pipeline),
            (model.experts(), group.expert),
            (model.heads, group.tensor),
            (model.inner, group.tensor),
        ];
        assert!(divided.iter().all(|(whole, parts)| whole.is_multiple_of(*parts)), "groups divide the model");
    }
    let longest = requests.iter().max_by_key(|request| request.tokens()).expect("invariant: there are some");
    let prompt = requests.iter().map(|request| request.prompt).max().expect("invariant: there are some");
    let decode = if plan.prefill.is_some() { Role::Decode } else { Role::Both };
    let mut instances = Vec::new();
    let mut add = |count: u64, role: Role, group: ServingGroup| {
        for _ in 0..count {
            let most_tokens = match (role, plan.batching) {
                (Role::Decode, _) => plan.batch,
                (_, Batching::Whole) => plan.pass_tokens.max(prompt).max(plan.batch),
                (_, Batching::Chunked) => plan.pass_tokens.max(plan.batch),
            };
            let passes = PassModel::new(model, cluster, group);
            let held = if role == Role::Prefill { prompt } else { longest.tokens() };
            instances.push(Instance::new(role, passes, group, (most_tokens, held), cluster)?);
        }
        Ok(())
    };
    if let Some((count, group)) = plan.prefill {
        add(count, Role::Prefill, group)?;
    }
    add(plan.instances, decode, plan.group)?;
    let service = Service::new(plan, requests, instances);
    service.network_bears()?;
    Ok(service.run())
}

impl<'a> Instance<'a> {
    /// An instance whose passes have at most `most_tokens` and whose longest request holds `longest`.
    fn new(
        role: Role,
        passes: PassModel<'a>,
        group: ServingGroup,
        (most_tokens, longest): (u64, u64),
        cluster: &Cluster,
    ) -> Result<Self, ServingFault> {
        let memory = passes.memory(most_tokens);
        let have_byte = cluster.memory.capacity_byte;
        let constant_byte = memory.weights_byte + memory.activations_byte;
        let need_byte = constant_byte + longest as f64 * memory.token_byte;
        if need_byte > have_byte {
            return Err(ServingFault::Memory { need_byte, have_byte });
        }
        let room = ((have_byte - constant_byte) / memory.token_byte) as u64 * group.expert;
        Ok(Self {
            role,
            passes,
            group,
            memory,
            room,
            held: 0,
            most_held: 0,
            waiting: VecDeque::new(),
            batches: vec![Batch::default(); group.pipeline as usize],
            stage_free_s: vec![0.0; group.pipeline as usize],
            link_free_s: 0.0,
            load: 0,
        })
    }

    /// What a request holds here, in tokens; all that it may come to, so that nothing is ever thrown out.
    fn holds(&self, request: &Request) -> u64 {
        if self.role == Role::Prefill { request.prompt } else { request.tokens() }
    }
}

struct Service<'a> {
    plan: ServingPlan,
    requests: &'a [Request],
    instances: Vec<Instance<'a>>,
    events: BinaryHeap<Reverse<Event>>,
    n_events: u64,
    first_s: Vec<f64>,
    last_s: Vec<f64>,
    passes: u64,
}

impl<'a> Service<'a> {
    fn new(plan: &ServingPlan, requests: &'a [Request], instances: Vec<Instance<'a>>) -> Self {
        let mut service = Self {
            plan: *plan,
            requests,
            instances,
            events: BinaryHeap::new(),
            n_events: 0,
            first_s: vec![0.0; requests.len()],
            last_s: vec![0.0; requests.len()],
            passes: 0,
        };
        for (index, request) in requests.iter().enumerate() {
            service.at(request.arrival_s, What::Arrival(index));
        }
        service
    }

    fn at(&mut self, at_s: f64, what: What) {
        self.events.push(Reverse(Event { at_s, order: self.n_events, what }));
        self.n_events += 1;
    }

    /// Whether links carry keys and values as fast as requests come.
    fn network_bears(&self) -> Result<(), ServingFault> {
        let Some((count, _)) = self.plan.prefill else { return Ok(()) };
        let others = self.plan.group.processors();
        let sum_s: f64 =
            self.requests.iter().map(|it| self.instances[0].passes.handover_s(it.prompt, others)).sum();
        let last_s = self.requests.last().map_or(0.0, |request| request.arrival_s);
        let share = sum_s / count as f64 / last_s;
        // A load that comes all at once has no rate.
        if last_s > 0.0 && share > 1.0 { Err(ServingFault::Network { share }) } else { Ok(()) }
    }

    fn run(mut self) -> ServingReport {
        while let Some(Reverse(event)) = self.events.pop() {
            match event.what {
                What::Arrival(request) => {
                    let role = if self.plan.prefill.is_some() { Role::Prefill } else { Role::Both };
                    let instance = self.least_loaded(role);
                    self.give(request, instance, event.at_s);
                }
                What::CacheArrives { request, instance } => {
                    let from = &mut self.instances[instance];
                    from.held -= self.requests[request].prompt;
                    from.load -= self.requests[request].tokens();
                    self.wake(instance, event.at_s);
                    let decoder = self.least_loaded(Role::Decode);
                    self.give(request, decoder, event.at_s);
                }
                What::PassEnds { instance, batch } => {
                    self.end_pass(instance, batch, event.at_s);
                    self.wake(instance, event.at_s);
                }
            }
        }
        self.report()
    }

    /// The instance of a role with the fewest tokens of requests, the first of equals.
    fn least_loaded(&self, role: Role) -> usize {
        let of_role = self.instances.iter().enumerate().filter(|(_, it)| it.role == role);
        of_role.min_by_key(|(_, it)| it.load).expect("invariant: every role of a plan has instances").0
    }

    fn give(&mut self, request: usize, instance: usize, now_s: f64) {
        let it = &mut self.instances[instance];
        it.waiting.push_back(request);
        it.load += self.requests[request].tokens();
        self.wake(instance, now_s);
    }

    /// Begins a pass of each batch that has none under way.
    fn wake(&mut self, instance: usize, now_s: f64) {
        self.admit(instance);
        for batch in 0..self.instances[instance].batches.len() {
            if !self.instances[instance].batches[batch].is_under_way {
                self.begin_pass(instance, batch, now_s);
            }
        }
    }

    /// Lets requests in, in the order in which they came, as far as there is room: into the smallest batch that has no pass under way.
    fn admit(&mut self, instance: usize) {
        let it = &mut self.instances[instance];
        let most = self.plan.batch.div_ceil(it.group.pipeline) as usize;
        while let Some(&request) = it.waiting.front() {
            let idle = it.batches.iter().enumerate().filter(|(_, batch)| !batch.is_under_way);
            let smallest = idle.min_by_key(|(_, batch)| batch.sequences.len()).map(|(batch, _)| batch);
            let holds = it.holds(&self.requests[request]);
            let Some(batch) = smallest.filter(|&batch| it.batches[batch].sequences.len() < most) else {
                break;
            };
            if it.held + holds > it.room {
                break;
            }
            it.waiting.pop_front();
            it.held += holds;
            it.most_held = it.most_held.max(it.held);
            let (read, made) =
                if it.role == Role::Decode { (self.requests[request].prompt, 1) } else { (0, 0) };
            it.batches[batch].sequences.push(Sequence { request, read, made, under_way: 0 });
        }
    }

    fn begin_pass(&mut self, instance: usize, batch: usize, now_s: f64) {
        let (plan, requests) = (self.plan, self.requests);
        let it = &mut self.instances[instance];
        let sequences = &mut it.batches[batch].sequences;
        let prompts_wait = sequences.iter().any(|one| one.made == 0);
        let decodes = !prompts_wait || plan.batching == Batching::Chunked;
        let mut work = PassWork::default();
        let mut left = plan.pass_tokens;
        for one in sequences.iter_mut().filter(|one| one.made > 0 && decodes) {
            one.under_way = 1;
            work.add(one.read + one.made - 1, 1, true);
            left = left.saturating_sub(1);
        }
        for one in sequences.iter_mut().filter(|one| one.made == 0) {
            let unread = requests[one.request].prompt - one.read;
            let tokens = match plan.batching {
                Batching::Chunked => unread.min(left),
                // The first prompt goes however long it is.
                Batching::Whole if unread <= left || work.tokens == 0.0 => unread,
                Batching::Whole => 0,
            };
            if tokens == 0 {
                break;
            }
            one.under_way = tokens;
            work.add(one.read, tokens, tokens == unread);
            left = left.saturating_sub(tokens);
        }
        if work.tokens == 0.0 {
            return;
        }
        it.batches[batch].is_under_way = true;
        let ends_s = it.through_stages(&work, now_s);
        self.passes += 1;
        self.at(ends_s, What::PassEnds { instance, batch });
    }

    fn end_pass(&mut self, instance: usize, batch: usize, now_s: f64) {
        let mut sequences = std::mem::take(&mut self.instances[instance].batches[batch].sequences);
        sequences.retain_mut(|one| {
            let request = self.requests[one.request];
            if one.under_way == 0 {
                return true;
            }
            if one.made > 0 {
                one.made += 1;
            } else {
                one.read += one.under_way;
                if one.read == request.prompt {
                    one.made = 1;
                    self.first_s[one.request] = now_s;
                }
            }
            one.under_way = 0;
            let is_done = one.made == request.output;
            if is_done {
                self.last_s[one.request] = now_s;
                let it = &mut self.instances[instance];
                it.held -= it.holds(&request);
                it.load -= request.tokens();
            } else if self.instances[instance].role == Role::Prefill && one.made == 1 {
                self.hand_over(one.request, instance, now_s);
                return false;
            }
            !is_done
        });
        let it = &mut self.instances[instance].batches[batch];
        it.sequences = sequences;
        it.is_under_way = false;
    }

    /// Sends keys and values of a prompt on, after those that are on their way.
    fn hand_over(&mut self, request: usize, instance: usize, now_s: f64) {
        let it = &mut self.instances[instance];
        let others = self.plan.group.processors();
        it.link_free_s =
            it.link_free_s.max(now_s) + it.passes.handover_s(self.requests[request].prompt, others);
        let at_s = it.link_free_s;
        self.at(at_s, What::CacheArrives { request, instance });
    }

    fn report(self) -> ServingReport {
        let by_request = |of: &dyn Fn(usize, &Request) -> f64| {
            self.requests.iter().enumerate().map(|(index, request)| of(index, request)).collect::<Vec<_>>()
        };
        let token_s = self.requests.iter().enumerate().map(|(index, request)| {
            let after = (request.output - 1) as f64;
            (after > 0.0).then(|| (self.last_s[index] - self.first_s[index]) / after)
        });
        let held_byte = |it: &Instance| it.most_held as f64 / it.group.expert as f64 * it.memory.token_byte;
        let total_byte = |it: &&Instance| it.memory.weights_byte + it.memory.activations_byte + held_byte(it);
        let fullest = self
            .instances
            .iter()
            .max_by(|a, b| total_byte(a).total_cmp(&total_byte(b)))
            .expect("invariant: there are instances");
        ServingReport {
            first_token_s: by_request(&|index, request| self.first_s[index] - request.arrival_s),
            token_s: token_s.collect(),
            latency_s: by_request(&|index, request| self.last_s[index] - request.arrival_s),
            span_s: self.last_s.iter().fold(0.0, |last, &at| at.max(last)),
            tokens: self.requests.iter().map(|request| request.output).sum(),
            passes: self.passes,
            memory: fullest.memory,
            cache_byte: held_byte(fullest),
        }
    }
}

impl Instance<'_> {
    /// When a pass that begins not before `now_s` has made its tokens: it enters a stage when the one before it has left.
    fn through_stages(&mut self, work: &PassWork, now_s: f64) -> f64 {
        let (stage_s, transfer_s, output_s) =
            (self.passes.stage_s(work), self.passes.transfer_s(work), self.passes.output_s(work));
        let last = self.stage_free_s.len() - 1;
        let mut at_s = now_s;
        for (stage, free_s) in self.stage_free_s.iter_mut().enumerate() {
            at_s = at_s.max(*free_s) + stage_s + if stage == last { output_s } else { 0.0 };
            *free_s = at_s;
            if stage < last {
                at_s += transfer_s;
            }
        }
        at_s
    }
}
