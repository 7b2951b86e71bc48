//! One instance of a model: who waits, who has room, and how long a pass takes through its stages.

use std::collections::VecDeque;

use super::super::cluster::Cluster;
use super::pass::{PassModel, PassWork, ServingGroup, ServingMemory};
use super::plan::ServingFault;
use super::requests::ServingRequest;

/// A prompt that was read on an instance, whose keys and values are there until they have gone on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Handover {
    pub(super) request: usize,
    pub(super) instance: usize,
    pub(super) part: usize,
}

/// A request that has room on an instance: in which part of the batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) request: usize,
    pub(super) part: usize,
}

/// A request on an instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    pub(super) place: Place,
    /// Tokens of the prompt that have been read.
    pub(super) read: u64,
    pub(super) made: u64,
    /// Tokens of the pass under way.
    pub(super) under_way: u64,
    /// The last pass that made a token of it.
    pub(super) turn: u64,
}

/// What waits for room: a request, or one whose prompt was read elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) enum Waiting {
    Request(usize),
    Cache(Handover),
}

impl Waiting {
    pub(super) fn request(self) -> usize {
        match self {
            Self::Request(request) | Self::Cache(Handover { request, .. }) => request,
        }
    }
}

/// Sequences that go through the stages together; there are as many batches as stages.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    pub(super) sequences: Vec<Sequence>,
    pub(super) is_under_way: bool,
}

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Both,
    Prefill,
    Decode,
}

pub(super) struct Instance<'a> {
    pub(super) role: Role,
    pub(super) passes: PassModel<'a>,
    pub(super) memory: ServingMemory,
    /// Tokens whose keys and values have room in a part of the batch.
    room: u64,
    /// Tokens whose room is taken. Shape `[expert]`.
    pub(super) held: Vec<u64>,
    pub(super) most_held: u64,
    pub(super) waiting: VecDeque<Waiting>,
    /// Requests that have room and wait for a batch without a pass under way.
    pub(super) placed: VecDeque<Place>,
    /// Requests that have room, those whose caches are on their way too.
    pub(super) n_sequences: u64,
    pub(super) batches: Vec<Batch>,
    stage_free_s: Vec<f64>,
    /// When the link that caches come and go by is free.
    pub(super) link_free_s: f64,
    /// Tokens to read and to make.
    pub(super) load: u64,
    pub(super) turn: u64,
}

impl<'a> Instance<'a> {
    /// An instance whose passes have at most `most_tokens` and whose longest request holds `longest`.
    pub(super) fn new(
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
    pub(super) fn holds(&self, request: &ServingRequest) -> u64 {
        if self.role == Role::Prefill { request.prompt } else { request.tokens() }
    }

    /// What there is to do here for a request, in tokens; a prompt's last makes the first of the answer.
    pub(super) fn to_do(&self, request: &ServingRequest) -> u64 {
        match self.role {
            Role::Both => request.prompt + request.output - 1,
            Role::Prefill => request.prompt,
            Role::Decode => request.output - 1,
        }
    }

    /// Takes room for a request, in the part of the batch that holds least; none if there is none.
    pub(super) fn place(&mut self, request: usize, holds: u64) -> Option<Place> {
        let parts = self.held.iter_mut().enumerate();
        let (part, held) =
            parts.min_by_key(|(_, held)| **held).filter(|(_, held)| **held + holds <= self.room)?;
        *held += holds;
        self.most_held = self.most_held.max(*held);
        self.n_sequences += 1;
        Some(Place { request, part })
    }

    /// Puts requests that have room into the smallest batches that have no pass under way, each into one that is not full.
    pub(super) fn fill_batches(&mut self, requests: &[ServingRequest], most: usize) {
        while let Some(&place) = self.placed.front() {
            let idle = self.batches.iter_mut().filter(|it| !it.is_under_way && it.sequences.len() < most);
            let Some(batch) = idle.min_by_key(|batch| batch.sequences.len()) else { return };
            let (read, made) =
                if self.role == Role::Decode { (requests[place.request].prompt, 1) } else { (0, 0) };
            batch.sequences.push(Sequence { place, read, made, under_way: 0, turn: 0 });
            self.placed.pop_front();
        }
    }

    /// When a pass that begins not before `now_s` has made its tokens: it enters a stage when the one before it has left.
    pub(super) fn through_stages(&mut self, work: &[PassWork], now_s: f64) -> f64 {
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
