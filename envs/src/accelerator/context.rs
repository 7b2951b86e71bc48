//! Numbers that describe a workload, so that one model of several workloads can tell them apart and be asked about another.

use tapeout_core::env::ContextFeature;
use tapeout_simulators::networks::{Layer, Op, Workload};

/// A kind of layer: a feature, the kind in words, and whether an operation is of it.
type Kind = (&'static str, &'static str, fn(&Op) -> bool);

/// Every operation is of one of them.
const KINDS: [Kind; 4] = [
    ("pointwise_share", "of convolutions over single pixels", |op| {
        conv_kernel(op) == Some(1) && !op.is_depthwise()
    }),
    ("window_share", "of convolutions over windows", |op| conv_kernel(op) > Some(1) && !op.is_depthwise()),
    ("depthwise_share", "of depthwise convolutions", Op::is_depthwise),
    ("product_share", "of matrix products", |op| conv_kernel(op).is_none()),
];

fn conv_kernel(op: &Op) -> Option<u64> {
    match op {
        Op::Conv2d(conv) => Some(conv.kernel[0] * conv.kernel[1]),
        Op::MatMul(_) | Op::Contraction(_) => None,
    }
}

/// Sizes as logarithms, and shares of all multiply-accumulates by kind of layer.
pub(crate) fn features(workload: &Workload) -> Vec<ContextFeature> {
    let sum = |of: &dyn Fn(&Layer) -> u64| {
        let of_layer = |layer: &Layer| (layer.count() * of(layer)) as f64;
        workload.weighted_sum(|network| network.layers().iter().map(of_layer).sum())
    };
    let macs = sum(&Layer::macs);
    let log = |name: &str, what: &str, value: f64| {
        ContextFeature::new(
            name,
            "",
            &format!("decimal logarithm of the {what} of all networks"),
            value.log10(),
        )
    };
    let mut features = vec![
        log("log10_macs", "multiply-accumulates", macs),
        log("log10_weight_words", "words of weights, layer by layer,", sum(&Layer::weight_words)),
        log("log10_input_words", "words of inputs, layer by layer,", sum(&Layer::input_words)),
        log("log10_output_words", "words of outputs, layer by layer,", sum(&Layer::output_words)),
        log("log10_layers", "number of layers", sum(&|_| 1)),
    ];
    for (name, what, is_kind) in KINDS {
        let share = sum(&|layer| if is_kind(layer.op()) { layer.macs() } else { 0 }) / macs;
        features.push(ContextFeature::new(
            name,
            "",
            &format!("share {what} in the multiply-accumulates"),
            share,
        ));
    }
    features
}
