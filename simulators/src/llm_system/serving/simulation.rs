//! Serving event by event: requests come, passes end, caches arrive.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::super::cluster::Cluster;
use super::super::model::LanguageModel;
use super::pass::{PassModel, PassWork, ServingGroup, ServingMemory};
use super::requests::ServingRequest;

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

/// Why a plan cannot serve: weights, activations and the longest request do not fit in a processor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServingFault {
    /// What they need.
    pub need_byte: f64,
    /// What there is.
    pub have_byte: f64,
}

impl ServingFault {
    /// What is needed over what there is, less one.
    pub fn violation(&self) -> f64 {
        self.need_byte / self.have_byte - 1.0
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
    /// From the first request's coming to the last token, in s.
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
    CacheArrives { from: Handover, instance: usize, place: Place },
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

/// A prompt that was read on an instance, whose keys and values are there until they have gone on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Handover {
    request: usize,
    instance: usize,
    part: usize,
}

/// A request that has room on an instance: in which part of the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    request: usize,
    part: usize,
}

/// A request on an instance.
#[derive(Debug, Clone, Copy)]
struct Sequence {
    place: Place,
    /// Tokens of the prompt that have been read.
    read: u64,
    made: u64,
    /// Tokens of the pass under way.
    under_way: u64,
    /// The last pass that made a token of it.
    turn: u64,
}

/// What waits for room: a request, or one whose prompt was read elsewhere.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    Request(usize),
    Cache(Handover),
}

impl Waiting {
    fn request(self) -> usize {
        match self {
            Self::Request(request) | Self::Cache(Handover { request, .. }) => request,
        }
    }
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
    memory: ServingMemory,
    /// Tokens whose keys and values have room in a part of the batch.
    room: u64,
    /// Tokens whose room is taken. Shape `[expert]`.
    held: Vec<u64>,
    most_held: u64,
    waiting: VecDeque<Waiting>,
    /// Requests that have room and wait for a batch without a pass under way.
    placed: VecDeque<Place>,
    /// Requests that have room, those whose caches are on their way too.
    n_sequences: u64,
    batches: Vec<Batch>,
    stage_free_s: Vec<f64>,
    /// When the link that caches come and go by is free.
    link_free_s: f64,
    /// Tokens to read and to make.
    load: u64,
    turn: u64,
}

/// `requests`, in the order in which they come, on `model` on `cluster` under `plan`.
///
/// # Errors [`ServingFault`] if memory does not bear the plan.
///
/// # Panics If there are no requests, instances, tokens or batches; if requests have no prompt or ask for nothing, or come in another order; or if
/// the plan's groups do not divide the model's blocks, heads and experts.
pub fn serve(
    model: &LanguageModel,
    cluster: &Cluster,
    plan: &ServingPlan,
    requests: &[ServingRequest],
) -> Result<ServingReport, ServingFault> {
    assert!(!requests.is_empty() && plan.instances > 0, "there are requests, and instances to serve them");
    assert!(plan.pass_tokens > 0 && plan.batch > 0, "a pass has tokens and sequences");
    assert!(requests.iter().all(|it| it.prompt > 0 && it.output > 0), "requests have tokens");
    assert!(requests.is_sorted_by(|a, b| a.arrival_s <= b.arrival_s), "requests come in their order");
    for group in [Some(plan.group), plan.prefill.map(|(_, group)| group)].into_iter().flatten() {
        let divided = [(model.blocks, group.pipeline), (model.experts(), group.expert)];
        assert!(divided.iter().all(|(whole, parts)| whole.is_multiple_of(*parts)), "groups divide the model");
        assert!(model.can_be_shared_by(group.tensor), "groups divide a block");
    }
    let longest = requests.iter().max_by_key(|request| request.tokens()).expect("invariant: there are some");
    let prompt = requests.iter().map(|request| request.prompt).max().expect("invariant: there are some");
    let decode = if plan.prefill.is_some() { Role::Decode } else { Role::Both };
    let mut instances = Vec::new();
    let mut add = |count: u64, role: Role, group: ServingGroup| {
        for _ in 0..count {
            let most_tokens = match (role, plan.batching) {
                (Role::Decode, _) => plan.pass_tokens.min(plan.batch),
                (_, Batching::Whole) => plan.pass_tokens.max(prompt),
                (_, Batching::Chunked) => plan.pass_tokens,
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
    Ok(Service::new(plan, requests, instances).run())
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
            return Err(ServingFault { need_byte, have_byte });
        }
        let room = ((have_byte - constant_byte) / memory.token_byte) as u64;
        Ok(Self {
            role,
            passes,
            memory,
            // The longest fits, however the quotient is rounded.
            room: room.max(longest),
            held: vec![0; group.expert as usize],
            most_held: 0,
            waiting: VecDeque::new(),
            placed: VecDeque::new(),
            n_sequences: 0,
            batches: vec![Batch::default(); group.pipeline as usize],
            stage_free_s: vec![0.0; group.pipeline as usize],
            link_free_s: 0.0,
            load: 0,
            turn: 0,
        })
    }

    /// What a request holds here, in tokens; all that it may come to, so that nothing is ever thrown out.
    fn holds(&self, request: &ServingRequest) -> u64 {
        if self.role == Role::Prefill { request.prompt } else { request.tokens() }
    }

    /// What there is to do here for a request, in tokens; a prompt's last makes the first of the answer.
    fn to_do(&self, request: &ServingRequest) -> u64 {
        match self.role {
            Role::Both => request.prompt + request.output - 1,
            Role::Prefill => request.prompt,
            Role::Decode => request.output - 1,
        }
    }

    /// Takes room for a request, in the part of the batch that holds least; none if there is none.
    fn place(&mut self, request: usize, holds: u64) -> Option<Place> {
        let parts = self.held.iter_mut().enumerate();
        let (part, held) =
            parts.min_by_key(|(_, held)| **held).filter(|(_, held)| **held + holds <= self.room)?;
        *held += holds;
        self.most_held = self.most_held.max(*held);
        self.n_sequences += 1;
        Some(Place { request, part })
    }

    /// Puts requests that have room into the smallest batches that have no pass under way, each into one that is not full.
    fn fill_batches(&mut self, requests: &[ServingRequest], most: usize) {
        while let Some(&place) = self.placed.front() {
            let idle = self.batches.iter_mut().filter(|it| !it.is_under_way && it.sequences.len() < most);
            let Some(batch) = idle.min_by_key(|batch| batch.sequences.len()) else { return };
            let (read, made) =
                if self.role == Role::Decode { (requests[place.request].prompt, 1) } else { (0, 0) };
            batch.sequences.push(Sequence { place, read, made, under_way: 0, turn: 0 });
            self.placed.pop_front();
        }
    }
}

struct Service<'a> {
    plan: ServingPlan,
    requests: &'a [ServingRequest],
    instances: Vec<Instance<'a>>,
    events: BinaryHeap<Reverse<Event>>,
    n_events: u64,
    /// Times are counted from the first request's coming.
    first_s: Vec<f64>,
    last_s: Vec<f64>,
    n_ended: usize,
    tokens: u64,
    passes: u64,
}

impl<'a> Service<'a> {
    fn new(plan: &ServingPlan, requests: &'a [ServingRequest], instances: Vec<Instance<'a>>) -> Self {
        let mut service = Self {
            plan: *plan,
            requests,
            instances,
            events: BinaryHeap::new(),
            n_events: 0,
            first_s: vec![0.0; requests.len()],
            last_s: vec![0.0; requests.len()],
            n_ended: 0,
            tokens: 0,
            passes: 0,
        };
        for index in 0..requests.len() {
            service.at(service.arrival_s(index), What::Arrival(index));
        }
        service
    }

    fn arrival_s(&self, request: usize) -> f64 {
        self.requests[request].arrival_s - self.requests[0].arrival_s
    }

    fn at(&mut self, at_s: f64, what: What) {
        self.events.push(Reverse(Event { at_s, order: self.n_events, what }));
        self.n_events += 1;
    }

    fn run(mut self) -> ServingReport {
        while let Some(Reverse(event)) = self.events.pop() {
            match event.what {
                What::Arrival(request) => {
                    let role = if self.plan.prefill.is_some() { Role::Prefill } else { Role::Both };
                    self.give(Waiting::Request(request), role, event.at_s);
                }
                What::CacheArrives { from, instance, place } => {
                    self.leave(from.instance, from.part, from.request);
                    self.wake(from.instance, event.at_s);
                    self.instances[instance].placed.push_back(place);
                    self.wake(instance, event.at_s);
                }
                What::PassEnds { instance, batch } => {
                    self.end_pass(instance, batch, event.at_s);
                    self.wake(instance, event.at_s);
                }
            }
        }
        let is_idle = |it: &Instance| it.load == 0 && it.n_sequences == 0;
        assert!(
            self.n_ended == self.requests.len() && self.instances.iter().all(is_idle),
            "invariant: every request is served"
        );
        self.report()
    }

    /// The instance of a role with the fewest tokens to read and to make, the first of equals.
    fn least_loaded(&self, role: Role) -> usize {
        let of_role = self.instances.iter().enumerate().filter(|(_, it)| it.role == role);
        of_role.min_by_key(|(_, it)| it.load).expect("invariant: every role of a plan has instances").0
    }

    /// Lets a request, or the cache of one, wait for room on the instance of a role that has least to do.
    fn give(&mut self, waiting: Waiting, role: Role, now_s: f64) {
        let instance = self.least_loaded(role);
        let it = &mut self.instances[instance];
        it.load += it.to_do(&self.requests[waiting.request()]);
        it.waiting.push_back(waiting);
        self.wake(instance, now_s);
    }

    /// Frees the room of a request.
    fn leave(&mut self, instance: usize, part: usize, request: usize) {
        let it = &mut self.instances[instance];
        it.held[part] -= it.holds(&self.requests[request]);
        it.n_sequences -= 1;
    }

    /// Begins a pass of each batch that has none under way.
    fn wake(&mut self, instance: usize, now_s: f64) {
        self.admit(instance, now_s);
        for batch in 0..self.instances[instance].batches.len() {
            if !self.instances[instance].batches[batch].is_under_way {
                self.begin_pass(instance, batch, now_s);
            }
        }
    }

    /// Gives room to those that wait, in the order in which they came, as far as there is some; caches then set out.
    fn admit(&mut self, instance: usize, now_s: f64) {
        let most = self.plan.batch;
        while let Some(&waiting) = self.instances[instance].waiting.front() {
            let it = &mut self.instances[instance];
            let request = waiting.request();
            let holds = it.holds(&self.requests[request]);
            if it.n_sequences == most {
                break;
            }
            let Some(place) = it.place(request, holds) else { break };
            it.waiting.pop_front();
            match waiting {
                Waiting::Request(_) => it.placed.push_back(place),
                Waiting::Cache(from) => self.hand_over(from, instance, place, now_s),
            }
        }
        let it = &mut self.instances[instance];
        let of_a_batch = most.div_ceil(it.batches.len() as u64) as usize;
        it.fill_batches(self.requests, of_a_batch);
    }

    fn begin_pass(&mut self, instance: usize, batch: usize, now_s: f64) {
        let (plan, requests) = (self.plan, self.requests);
        let it = &mut self.instances[instance];
        it.turn += 1;
        let sequences = &mut it.batches[batch].sequences;
        let prompts_wait = sequences.iter().any(|one| one.made == 0);
        let decodes = !prompts_wait || plan.batching == Batching::Chunked;
        let mut work = vec![PassWork::default(); it.held.len()];
        let mut left = plan.pass_tokens;
        let mut decoded: Vec<&mut Sequence> =
            sequences.iter_mut().filter(|one| one.made > 0 && decodes).collect();
        if decoded.len() as u64 > left {
            // Those that have waited longest.
            decoded.sort_by_key(|one| one.turn);
            decoded.truncate(left as usize);
        }
        for one in decoded {
            (one.under_way, one.turn) = (1, it.turn);
            work[one.place.part].add(one.read + one.made - 1, 1, true);
            left -= 1;
        }
        let mut is_empty = left == plan.pass_tokens;
        for one in sequences.iter_mut().filter(|one| one.made == 0) {
            let unread = requests[one.place.request].prompt - one.read;
            let tokens = match plan.batching {
                Batching::Chunked => unread.min(left),
                // The first prompt goes however long it is.
                Batching::Whole if unread <= left || is_empty => unread,
                Batching::Whole => 0,
            };
            if tokens == 0 {
                break;
            }
            one.under_way = tokens;
            is_empty = false;
            work[one.place.part].add(one.read, tokens, tokens == unread);
            left = left.saturating_sub(tokens);
        }
        if is_empty {
            return;
        }
        it.batches[batch].is_under_way = true;
        let ends_s = it.through_stages(&work, now_s);
        self.passes += 1;
        self.at(ends_s, What::PassEnds { instance, batch });
    }

    fn end_pass(&mut self, instance: usize, batch: usize, now_s: f64) {
        let mut sequences = std::mem::take(&mut self.instances[instance].batches[batch].sequences);
        let mut handovers = Vec::new();
        sequences.retain_mut(|one| {
            if one.under_way == 0 {
                return true;
            }
            let Place { request: index, part } = one.place;
            let request = self.requests[index];
            self.instances[instance].load -= one.under_way;
            let made = one.made;
            if made > 0 {
                one.made += 1;
            } else {
                one.read += one.under_way;
                if one.read == request.prompt {
                    one.made = 1;
                    self.first_s[index] = now_s;
                }
            }
            self.tokens += one.made - made;
            one.under_way = 0;
            if one.made == request.output {
                self.last_s[index] = now_s;
                self.n_ended += 1;
                self.leave(instance, part, index);
                return false;
            }
            if self.instances[instance].role == Role::Prefill && one.made == 1 {
                handovers.push(Handover { request: index, instance, part });
                return false;
            }
            true
        });
        let it = &mut self.instances[instance].batches[batch];
        it.sequences = sequences;
        it.is_under_way = false;
        for from in handovers {
            self.give(Waiting::Cache(from), Role::Decode, now_s);
        }
    }

    /// Sends keys and values of a prompt on, after those that are on their way from or to either.
    fn hand_over(&mut self, from: Handover, instance: usize, place: Place, now_s: f64) {
        let others = self.plan.group.processors();
        let (sender, receiver) = (&self.instances[from.instance], &self.instances[instance]);
        let begins_s = now_s.max(sender.link_free_s).max(receiver.link_free_s);
        let at_s = begins_s + sender.passes.handover_s(self.requests[from.request].prompt, others);
        self.instances[from.instance].link_free_s = at_s;
        self.instances[instance].link_free_s = at_s;
        self.at(at_s, What::CacheArrives { from, instance, place });
    }

    fn report(self) -> ServingReport {
        let since_arrival =
            |at_s: &[f64]| (0..at_s.len()).map(|index| at_s[index] - self.arrival_s(index)).collect();
        let token_s = self.requests.iter().enumerate().map(|(index, request)| {
            let after = (request.output - 1) as f64;
            (after > 0.0).then(|| (self.last_s[index] - self.first_s[index]) / after)
        });
        let held_byte = |it: &Instance| it.most_held as f64 * it.memory.token_byte;
        let total_byte = |it: &&Instance| it.memory.weights_byte + it.memory.activations_byte + held_byte(it);
        let fullest = self
            .instances
            .iter()
            .max_by(|a, b| total_byte(a).total_cmp(&total_byte(b)))
            .expect("invariant: there are instances");
        ServingReport {
            first_token_s: since_arrival(&self.first_s),
            token_s: token_s.collect(),
            latency_s: since_arrival(&self.last_s),
            span_s: self.last_s.iter().fold(0.0, |last, &at| at.max(last)),
            tokens: self.tokens,
            passes: self.passes,
            memory: fullest.memory,
            cache_byte: held_byte(fullest),
        }
    }
}

impl Instance<'_> {
    /// When a pass that begins not before `now_s` has made its tokens: it enters a stage when the one before it has left.
    fn through_stages(&mut self, work: &[PassWork], now_s: f64) -> f64 {
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
