//! Pipelines event by event: stages run passes in their order, each as soon as what it needs is there.

use super::order::{Entry, Pass, PassOrder};
use super::zero_bubble_v::zero_bubble_v;

/// Times of the passes of a chunk, in any unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassTimes {
    /// Forward.
    pub forward: f64,
    /// Gradient of the input.
    pub input_gradient: f64,
    /// Gradient of the weights.
    pub weight_gradient: f64,
}

/// What a pipeline does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PipelineReport {
    /// From the first pass of a stage to its last, of the stage that takes longest, in the unit of the passes. Stages begin the next step one after the other, so
    /// this is the time of a step.
    pub span: f64,
    /// Share of the span in which that stage has nothing to do.
    pub bubble: f64,
    /// Most activations that a stage holds, in microbatches of a whole stage.
    pub activations: f64,
}

/// A stage while it runs.
#[derive(Debug, Clone)]
struct Stage {
    passes: Vec<Entry>,
    next: usize,
    /// Weight gradients that wait for a gap.
    waiting: usize,
    free_at: f64,
    begun_at: Option<f64>,
    held: usize,
    most_held: usize,
}

/// Most forward passes of all stages; ours: 64 stages with two chunks and some thousand microbatches.
const MAX_PASSES: usize = 1 << 20;

/// Runs `order` on `stages` with `microbatches`.
///
/// # Panics
/// If there are no stages, chunks or microbatches, or more than 2^20 forward passes of all stages; if stages do not divide the microbatches of several
/// chunks of 1F1B; or if a pass takes no time or for ever.
pub fn run_pipeline(
    order: PassOrder,
    stages: usize,
    microbatches: usize,
    times: PassTimes,
) -> PipelineReport {
    let chunks = order.chunks();
    assert!(stages > 0 && microbatches > 0 && chunks > 0, "a pipeline has stages, chunks and microbatches");
    let passes = stages.saturating_mul(chunks).saturating_mul(microbatches);
    assert!(passes <= MAX_PASSES, "a pipeline has at most {MAX_PASSES} passes each way");
    let takes_turns = chunks > 1 && !order.splits_backward();
    assert!(
        !takes_turns || microbatches.is_multiple_of(stages),
        "stages divide the microbatches of several chunks"
    );
    let all = [times.forward, times.input_gradient, times.weight_gradient];
    assert!(all.iter().all(|&time| time > 0.0 && time.is_finite()), "passes take time");
    if order == PassOrder::ZeroBubbleV {
        return zero_bubble_v(stages, microbatches, times);
    }
    let mut done = Done::new(stages * chunks, microbatches);
    let start = |stage| Stage {
        passes: order.passes(stage, stages, microbatches),
        next: 0,
        waiting: 0,
        free_at: 0.0,
        begun_at: None,
        held: 0,
        most_held: 0,
    };
    let mut all: Vec<Stage> = (0..stages).map(start).collect();
    let mut now = 0.0;
    while all.iter().any(|stage| stage.next < stage.passes.len() || stage.waiting > 0) {
        for stage in &mut all {
            if stage.free_at <= now {
                stage.begin(now, order, order.limit(stages), times, &mut done);
            }
        }
        let later = all.iter().map(|stage| stage.free_at).filter(|&at| at > now);
        now = later.min_by(f64::total_cmp).expect("invariant: an order leaves something to do");
    }
    report(&all, (chunks * microbatches) as f64, times, chunks)
}

fn report(all: &[Stage], passes: f64, times: PassTimes, chunks: usize) -> PipelineReport {
    let work = passes * (times.forward + times.input_gradient + times.weight_gradient);
    let spans = all.iter().map(|stage| stage.free_at - stage.begun_at.unwrap_or(0.0));
    let span = spans.fold(0.0, f64::max);
    let most = all.iter().map(|stage| stage.most_held).max().unwrap_or(0);
    PipelineReport { span, bubble: 1.0 - work / span, activations: most as f64 / chunks as f64 }
}

/// When passes end, by position and microbatch; infinite for those that have not begun.
pub(super) struct Done {
    pub forward: Vec<f64>,
    pub backward: Vec<f64>,
    pub positions: usize,
}

impl Done {
    pub(super) fn new(positions: usize, microbatches: usize) -> Self {
        let never = vec![f64::INFINITY; positions * microbatches];
        Self { forward: never.clone(), backward: never, positions }
    }

    /// When what a pass needs is there.
    pub(super) fn ready_at(&self, (pass, position, microbatch): Entry) -> f64 {
        let row = microbatch * self.positions;
        match pass {
            Pass::Forward if position == 0 => 0.0,
            Pass::Forward => self.forward[row + position - 1],
            Pass::Backward if position + 1 == self.positions => self.forward[row + position],
            Pass::Backward => self.backward[row + position + 1],
        }
    }
}

impl Stage {
    /// Begins what can be begun: the next pass in order, or else a weight gradient.
    fn begin(&mut self, now: f64, order: PassOrder, limit: usize, times: PassTimes, done: &mut Done) {
        let next =
            self.passes.get(self.next).copied().filter(|&entry| {
                done.ready_at(entry) <= now && (entry.0 == Pass::Backward || self.held < limit)
            });
        let duration = if let Some((pass, position, microbatch)) = next {
            self.next += 1;
            let cell = microbatch * done.positions + position;
            match pass {
                Pass::Forward => {
                    self.held += 1;
                    self.most_held = self.most_held.max(self.held);
                    done.forward[cell] = now + times.forward;
                    times.forward
                }
                Pass::Backward if order.splits_backward() => {
                    self.waiting += 1;
                    done.backward[cell] = now + times.input_gradient;
                    times.input_gradient
                }
                Pass::Backward => {
                    self.held -= 1;
                    let both = times.input_gradient + times.weight_gradient;
                    done.backward[cell] = now + both;
                    both
                }
            }
        } else if self.waiting > 0 {
            self.waiting -= 1;
            self.held -= 1;
            times.weight_gradient
        } else {
            return;
        };
        self.begun_at.get_or_insert(now);
        self.free_at = now + duration;
    }
}
