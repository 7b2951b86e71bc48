//! ZB-V: two chunks a stage, down the stages and up again, with the activations of 1F1B, and weight gradients in the gaps.
//!
//! Source: Qi et al. (ICLR 2024), arXiv 2401.10241, section 6, whose schedule is the result of a heuristic search. Departs from it: ours runs the
//! pipeline event by event under each of some rules, by which a stage that is free chooses among what is ready, and takes the one whose step is
//! shortest.

use super::order::{Entry, Pass};
use super::schedule::{Done, PassTimes, PipelineReport};

/// A pass of the first or the second chunk.
type Kind = (Pass, usize);

/// What a free stage does: the first of `order` that is ready, or else a weight gradient.
#[derive(Debug, Clone, Copy)]
struct ChoiceRule {
    order: [Kind; 4],
    /// Chunks of activations that forward passes of the first chunk leave free.
    kept: usize,
    /// A weight gradient goes before such a pass if there is room for fewer chunks than this.
    scarce: usize,
}

/// All rules that are tried: orders in which the second chunk's forward pass goes before the first's, each with little room kept.
fn rules() -> impl Iterator<Item = ChoiceRule> {
    const PASSES: [Kind; 4] =
        [(Pass::Forward, 1), (Pass::Forward, 0), (Pass::Backward, 0), (Pass::Backward, 1)];
    let orders = (0..256).filter_map(|code: usize| {
        let picks = [code / 64, code / 16 % 4, code / 4 % 4, code % 4];
        let place = |pass: usize| picks.iter().position(|&pick| pick == pass);
        let places = [place(0)?, place(1)?, place(2)?, place(3)?];
        (places[0] < places[1]).then(|| picks.map(|pick| PASSES[pick]))
    });
    orders.flat_map(|order| {
        (0..2).flat_map(move |kept| (0..4).map(move |scarce| ChoiceRule { order, kept, scarce }))
    })
}

/// The shortest step of all rules.
pub(super) fn zero_bubble_v(stages: usize, microbatches: usize, times: PassTimes) -> PipelineReport {
    let ran = rules().filter_map(|rule| Pipeline::new(stages, microbatches, times).run(rule));
    ran.min_by(|a, b| a.span.total_cmp(&b.span)).expect("invariant: a rule that keeps nothing free ends")
}

#[derive(Debug, Clone, Default)]
struct Stage {
    /// Passes that have begun: shape `[forward, backward][chunk]`.
    begun: [[usize; 2]; 2],
    waiting: usize,
    held: usize,
    most_held: usize,
    first_at: Option<f64>,
    free_at: f64,
}

struct Pipeline {
    stages: Vec<Stage>,
    done: Done,
    microbatches: usize,
    times: PassTimes,
}

impl Pipeline {
    fn new(stages: usize, microbatches: usize, times: PassTimes) -> Self {
        let done = Done::new(2 * stages, microbatches);
        Self { stages: vec![Stage::default(); stages], done, microbatches, times }
    }

    /// The report under `rule`; none if stages wait for each other for ever.
    fn run(mut self, rule: ChoiceRule) -> Option<PipelineReport> {
        let mut left = 6 * self.microbatches * self.stages.len();
        let mut now = 0.0;
        while left > 0 {
            for stage in 0..self.stages.len() {
                if self.stages[stage].free_at <= now && self.begin(stage, now, rule) {
                    left -= 1;
                }
            }
            if left > 0 {
                let later = self.stages.iter().map(|stage| stage.free_at).filter(|&at| at > now);
                now = later.min_by(f64::total_cmp)?;
            }
        }
        let PassTimes { forward, input_gradient, weight_gradient } = self.times;
        let work = 2.0 * self.microbatches as f64 * (forward + input_gradient + weight_gradient);
        let spans = self.stages.iter().map(|stage| stage.free_at - stage.first_at.unwrap_or(0.0));
        let span = spans.fold(0.0, f64::max);
        let most = self.stages.iter().map(|stage| stage.most_held).max()?;
        Some(PipelineReport { span, bubble: 1.0 - work / span, activations: most as f64 / 2.0 })
    }

    /// Begins a pass if one can be begun.
    fn begin(&mut self, stage: usize, now: f64, rule: ChoiceRule) -> bool {
        let next = rule.order.into_iter().find_map(|kind| self.ready(stage, kind, now, rule));
        let limit = 2 * self.stages.len();
        let it = &mut self.stages[stage];
        let scarce = it.waiting > 0 && it.held + rule.scarce >= limit;
        let first_chunk = matches!(next, Some((Pass::Forward, position, _)) if position == stage);
        let duration = match next {
            Some((pass, position, microbatch)) if !(first_chunk && scarce) => {
                let cell = microbatch * self.done.positions + position;
                let chunk = usize::from(position != stage);
                let (row, duration) = match pass {
                    Pass::Forward => {
                        it.held += 1;
                        it.most_held = it.most_held.max(it.held);
                        self.done.forward[cell] = now + self.times.forward;
                        (0, self.times.forward)
                    }
                    Pass::Backward => {
                        it.waiting += 1;
                        self.done.backward[cell] = now + self.times.input_gradient;
                        (1, self.times.input_gradient)
                    }
                };
                it.begun[row][chunk] += 1;
                duration
            }
            _ if it.waiting > 0 => {
                it.waiting -= 1;
                it.held -= 1;
                self.times.weight_gradient
            }
            _ => return false,
        };
        it.first_at.get_or_insert(now);
        it.free_at = now + duration;
        true
    }

    /// The next pass of a kind, if what it needs is there and activations have room.
    fn ready(&self, stage: usize, (pass, chunk): Kind, now: f64, rule: ChoiceRule) -> Option<Entry> {
        let (it, last) = (&self.stages[stage], self.stages.len() - 1);
        let position = if chunk == 0 { stage } else { 2 * last + 1 - stage };
        let [forward, backward] = [it.begun[0][chunk], it.begun[1][chunk]];
        let entry = match pass {
            Pass::Forward => {
                let kept = if chunk == 0 { rule.kept } else { 0 };
                let has_room = it.held + kept < 2 * self.stages.len();
                (has_room && forward < self.microbatches).then_some((pass, position, forward))?
            }
            Pass::Backward => (backward < forward).then_some((pass, position, backward))?,
        };
        (self.done.ready_at(entry) <= now).then_some(entry)
    }
}
