//! Serving event by event: requests come, passes end, caches arrive.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::cluster::Cluster;
use super::super::model::LanguageModel;
use super::instance::{Handover, Instance, Place, Role, Sequence, Waiting};
use super::pass::{PassModel, PassWork, ServingGroup};
use super::plan::{Batching, ServingFault, ServingPlan, ServingReport};
use super::requests::ServingRequest;

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

/// `requests`, in the order in which they come, on `model` on `cluster` under `plan`.
///
/// # Errors
/// [`ServingFault`] if memory does not bear the plan.
///
/// # Panics
/// If there are no requests, instances, tokens or batches; if requests have no prompt or ask for nothing, or come in another order; or if
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
