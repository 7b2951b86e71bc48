//! A transformer's layers as a cascade of einsums, to be fused.

use super::{FeedForward, TransformerModel};
use crate::attention::{AttentionMachine, MatrixProduct, Place};
use crate::fusion::{Cascade, CascadeError, CascadeStage, FusionMachine, GroupCost};
use crate::networks::{MatMul, SecondOperand};

impl TransformerModel {
    /// All layers for one sequence of `tokens`, words of `byte`: projections, scores, softmax, context, feed-forward part; no residual sums and no
    /// normalizations, which would read a layer's input once more. Experts are one dense part
    /// of as many as a token uses; heads that share keys are rows of one product.
    ///
    /// # Errors
    /// [`CascadeError`] if there are no tokens.
    pub fn cascade(&self, tokens: u64, byte: f64) -> Result<Cascade, CascadeError> {
        let layers = (0..self.layers).flat_map(|layer| self.layer(layer, tokens, byte));
        Cascade::new(layers.collect())
    }

    fn layer(&self, layer: u64, tokens: u64, byte: f64) -> Vec<CascadeStage> {
        let name = |what: &str| format!("{layer}.{what}");
        let product = |what: &str, tensors: [&str; 3], [batch, m, k, n]: [u64; 4]| {
            let second = SecondOperand::Weight;
            let tensors = tensors.map(|tensor| if tensor == "in" { self.token(layer) } else { name(tensor) });
            let tensors = [tensors[0].as_str(), &tensors[1], &tensors[2]];
            CascadeStage::product(&name(what), tensors, &MatMul { batch, m, n, k, second }, byte)
        };
        let (hidden, head) = (self.hidden, self.head_size);
        let rows = tokens * self.heads / self.kv_heads;
        let keys = self.kv_heads * head;
        let mut scores = product("scores", ["q", "k", "qk"], [self.kv_heads, rows, head, tokens]);
        scores.operand.as_mut().expect("invariant: a product has an operand").is_transposed = true;
        let mut stages = vec![
            product("query", ["in", "wq", "q"], [1, tokens, hidden, self.heads * head]),
            product("key", ["in", "wk", "k"], [1, tokens, hidden, keys]),
            product("value", ["in", "wv", "v"], [1, tokens, hidden, keys]),
            scores,
            CascadeStage::of_rows(
                &name("softmax"),
                &name("qk"),
                &name("a"),
                [self.kv_heads, rows, tokens],
                byte,
            ),
            product("context", ["a", "v", "av"], [self.kv_heads, rows, tokens, head]),
            product("output", ["av", "wo", "z"], [1, tokens, self.heads * head, hidden]),
        ];
        let (inner, gated) = match self.feed_forward {
            FeedForward::Plain => (self.inner, false),
            FeedForward::Gated => (self.inner, true),
            FeedForward::Experts { used, .. } => (used * self.inner, true),
        };
        // Gate and up are one product of twice the columns, whose halves the activation multiplies.
        let wide = if gated { 2 * inner } else { inner };
        let mut activation =
            CascadeStage::of_rows(&name("activation"), &name("up"), &name("act"), [1, tokens, wide], byte);
        activation.output_row_byte = inner as f64 * byte;
        stages.push(product("up", ["z", "wu", "up"], [1, tokens, hidden, wide]));
        stages.push(activation);
        let mut down = product("down", ["act", "wd", "out"], [1, tokens, inner, hidden]);
        down.output = self.token(layer + 1);
        stages.push(down);
        stages
    }

    fn token(&self, layer: u64) -> String {
        format!("{layer}.in")
    }

    /// What each stage of [`TransformerModel::cascade`] takes by itself: products as [`MatrixProduct::phase`] has them, softmax and activation from
    /// memory and back. Groups of [`crate::fusion`] keep all units busy, which these do not: compare traffic, not time.
    pub fn alone(&self, cascade: &Cascade, machine: &AttentionMachine, byte: f64) -> Vec<GroupCost> {
        let of_stage = |stage: &CascadeStage| {
            if stage.operand.is_none() {
                let traffic_byte = stage.input_byte() + stage.output_byte();
                let latency_s = traffic_byte / machine.dram_byte_per_s;
                return GroupCost { latency_s, traffic_byte, macs: 0.0, footprint_byte: 0.0 };
            }
            let phase = MatrixProduct {
                count: stage.repeat as f64,
                m: stage.rows,
                k: (stage.input_row_byte / byte) as u64,
                n: (stage.output_row_byte / byte) as u64,
                first_byte: byte,
                second_byte: byte,
                result_byte: byte,
                second: Place::OffChip,
            }
            .phase(machine);
            GroupCost {
                latency_s: phase.latency_s,
                traffic_byte: phase.dram.total_byte(),
                macs: phase.operations.macs,
                footprint_byte: 0.0,
            }
        };
        cascade.stages().iter().map(of_stage).collect()
    }
}

impl From<&AttentionMachine> for FusionMachine {
    /// The chip as fusion sees it: all units of the array always busy.
    fn from(machine: &AttentionMachine) -> Self {
        Self {
            buffer_byte: machine.buffer_byte,
            byte_per_s: machine.dram_byte_per_s,
            macs_per_s: machine.macs_per_s(),
        }
    }
}
