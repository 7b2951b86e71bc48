//! The layer tables against published totals, and against totals worked out by hand.

use tapeout_simulators::networks::{Layer, NETWORKS, NeuralNetwork, Op, SecondOperand, network};

fn read(id: &str) -> NeuralNetwork {
    network(id).expect("a built-in network")
}

/// Convolutions that are not depthwise, and depthwise ones.
fn convolutions(network: &NeuralNetwork) -> (u64, u64) {
    let sum = |depthwise: bool| {
        let convs = network.layers().iter().filter(|layer| matches!(layer.op(), Op::Conv2d(_)));
        convs.filter(|layer| layer.op().is_depthwise() == depthwise).map(Layer::count).sum()
    };
    (sum(false), sum(true))
}

// Claim: what a table says was published agrees with what its layers add up to, within half a unit of the
// last printed digit (or the reason that the table gives).
#[test]
fn totals_agree_with_what_each_table_cites() {
    let mut unpublished = Vec::new();
    for row in NETWORKS {
        let network = row.network();
        for (what, got, published) in [
            ("macs", network.macs(), network.published_macs()),
            ("parameters", network.parameters(), network.published_parameters()),
        ] {
            let Some(published) = published else { continue };
            let off = got.abs_diff(published.value);
            assert!(
                off <= published.within,
                "{} {what}: {got}, published {}, off {off}",
                row.id,
                published.value
            );
        }
        if network.published_macs().is_none() && network.published_parameters().is_none() {
            unpublished.push(row.id);
        }
    }
    assert_eq!(unpublished, ["dlrm", "rnnt-decoder", "rnnt-encoder"], "these are worked out by hand below");
}

// Claim: the tables are the published networks, parameter for parameter. Biases and the scale and shift of
// batch normalization are counted, running statistics are not, as torchvision counts.
// Source: torchvision, meta data of the default weights (`num_params`, `_ops`), as in the tables of its
// documentation; the operations are multiply-accumulates in units of 10^9, rounded to three decimals (VGG-16:
// two).
#[test]
fn vision_networks_have_exactly_the_parameters_torchvision_prints() {
    let table = [
        ("resnet18", 11_689_512, 1.814),
        ("resnet50", 25_557_032, 4.089),
        ("vgg16", 138_357_544, 15.470),
        ("mobilenet-v2", 3_504_872, 0.301),
        ("mobilenet-v3-large", 5_483_032, 0.217),
        ("ssdlite-mobilenet-v3", 3_440_060, 0.583),
    ];
    for (id, parameters, gmacs) in table {
        let network = read(id);
        assert_eq!(network.parameters(), parameters, "{id}");
        assert!((network.macs() as f64 / 1e9 - gmacs).abs() <= 0.0005, "{id}: {}", network.macs());
    }
}

// Claim: AlexNet is the grouped original. 60,965,224 is the count of the Caffe reference model; per layer by
// hand: conv1 96*3*11*11 at 55x55, conv2 256*48*5*5 at 27x27, conv3 384*256*3*3, conv4 384*192*3*3, conv5
// 256*192*3*3 at 13x13. Sze et al. (2017), Table II: 2.3 M weights and 666 M MACs in the convolutions, 58.6 M
// of both in the rest.
#[test]
fn alexnet_is_the_one_that_eyeriss_ran() {
    let alexnet = read("alexnet");
    assert_eq!(alexnet.parameters(), 60_965_224);
    let macs: Vec<u64> = alexnet.layers().iter().map(Layer::total_macs).collect();
    assert_eq!(macs[..5], [105_415_200, 223_948_800, 149_520_384, 112_140_288, 74_760_192]);
    assert_eq!(macs[..5].iter().sum::<u64>(), 665_784_864);
    assert_eq!(macs[5..].iter().sum::<u64>(), 58_621_952);
    let weights: u64 = alexnet.layers()[..5].iter().map(Layer::weights).sum();
    assert_eq!(weights, 2_332_704);
}

// Claim: layer counts are those of the papers. MobileNetV2 (Table 2 there): 17 blocks, 16 of them with an
// expansion, a first and a last convolution. MobileNetV3 (Table 1): 15 blocks, 14 with an expansion,
// likewise. MobileNetEdgeTPU: 9 fused blocks, 8 with an expansion, and 13 others. ResNet-50: 1 + 3 * 16 and 4
// projections. U-Net: 18 + 4 upwards + 1. SSD: 1 + 13 pointwise, 4 extra pairs, 6 pairs of heads.
#[test]
fn networks_have_the_published_number_of_convolutions() {
    let table = [
        ("mobilenet-v2", (35, 17)),
        ("mobilenet-edgetpu", (45, 13)),
        ("mobilenet-v3-large", (31, 15)),
        ("resnet18", (20, 0)),
        ("resnet50", (53, 0)),
        ("vgg16", (13, 0)),
        ("alexnet", (5, 0)),
        ("unet", (23, 0)),
        ("ssd-mobilenet-v1", (34, 13)),
    ];
    for (id, counts) in table {
        assert_eq!(convolutions(&read(id)), counts, "{id}");
    }
}

// Claim: BERT-base. A layer has 12 d^2 = 7,077,888 weights for d = 768, 9 d biases and 4 d of layer
// normalization; the attention of 128 tokens multiplies 2 * 128 * 128 * d times a layer; the pooler has d^2
// weights and d biases.
#[test]
fn bert_base_has_the_totals_worked_out_by_hand() {
    let bert = read("bert-base");
    let d = 768;
    assert_eq!(bert.weights(), 12 * 12 * d * d + d * d);
    assert_eq!(bert.macs(), 12 * (128 * 12 * d * d + 2 * 128 * 128 * d) + d * d);
    // bert-base-uncased: 30,522 words, 512 positions and 2 segments; 109,482,240 without a task head.
    let embeddings = (30_522 + 512 + 2) * d + 2 * d;
    assert_eq!(embeddings + 12 * (12 * d * d + 13 * d) + d * d + d, 109_482_240);
    assert_eq!(bert.parameters(), 109_482_240);
}

// Claim: GPT-2 small: 124,439,808 parameters; prefill of 1,024 tokens, logits of one.
#[test]
fn gpt2_has_the_totals_worked_out_by_hand() {
    let gpt2 = read("gpt2");
    let d = 768;
    assert_eq!(gpt2.parameters(), 50_257 * d + 1_024 * d + 12 * (12 * d * d + 13 * d) + 2 * d);
    assert_eq!(gpt2.parameters(), 124_439_808);
    assert_eq!(gpt2.macs(), 12 * (1_024 * 12 * d * d + 2 * 1_024 * 1_024 * d) + 50_257 * d);
}

// Claim: a Llama 3 8B layer: 2 * 4096^2 (query, output) + 2 * 4096 * 1024 (key, value) + 3 * 4096 * 14336; 32
// of them with embeddings, logits and norms are the 8,030,261,248 parameters of the model. Decode reads each
// weight and each word of the cache once: 2 * 8 * 128 * 2048 words of keys and values, each used by four
// query heads.
#[test]
fn llama_layer_has_the_totals_worked_out_by_hand() {
    let weights = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14_336;
    let (prefill, decode) = (read("llama-3-8b-prefill"), read("llama-3-8b-decode"));
    for network in [&prefill, &decode] {
        assert_eq!(network.weights(), weights);
        assert_eq!(32 * network.parameters() + 2 * 128_256 * 4096 + 4096, 8_030_261_248);
    }
    assert_eq!(decode.macs(), weights + 2 * 2048 * 4096);
    assert_eq!(prefill.macs(), 2048 * weights + 2 * 2048 * 2048 * 4096);
    let cached = |layer: &&Layer| !layer.op().has_weights();
    let cache: u64 =
        decode.layers().iter().filter(cached).map(|layer| layer.count() * layer.weight_words()).sum();
    assert_eq!(cache, 2 * 8 * 128 * 2048);
}

// Claim: RNN-T of MLPerf by hand: an LSTM has 4 h (inputs + h) weights and, as in PyTorch, two biases per
// gate: 8 h.
#[test]
fn rnnt_has_the_totals_worked_out_by_hand() {
    let lstm = |inputs: u64, h: u64| 4 * h * (inputs + h);
    let (pre, post) =
        ([lstm(240, 1024), lstm(1024, 1024)], [lstm(2048, 1024), lstm(1024, 1024), lstm(1024, 1024)]);
    let encoder = read("rnnt-encoder");
    let (pre, post): (u64, u64) = (pre.iter().sum(), post.iter().sum());
    assert_eq!(encoder.weights(), pre + post);
    assert_eq!(encoder.parameters(), pre + post + 5 * 8 * 1024);
    assert_eq!(
        encoder.macs(),
        2 * pre + post,
        "two frames through the first two layers, one through the others"
    );
    let decoder = read("rnnt-decoder");
    let weights = 2 * lstm(320, 320) + (1024 + 320) * 512 + 512 * 29;
    assert_eq!((decoder.weights(), decoder.macs()), (weights, weights));
    assert_eq!(decoder.parameters(), weights + 2 * 8 * 320 + 512 + 29 + 28 * 320);
}

// Claim: DLRM of MLPerf by hand; 479 inputs of the top MLP are 128 dense ones and 27 * 26 / 2 pairs.
#[test]
fn dlrm_has_the_totals_worked_out_by_hand() {
    let dlrm = read("dlrm");
    let weights = 13 * 512 + 512 * 256 + 256 * 128 + 479 * 1024 + 1024 * 1024 + 1024 * 512 + 512 * 256 + 256;
    let biases = 512 + 256 + 128 + 1024 + 1024 + 512 + 256 + 1;
    assert_eq!(dlrm.weights(), weights);
    assert_eq!(dlrm.macs(), 128 * (weights + 27 * 27 * 128));
    assert_eq!(dlrm.parameters(), weights + biases + 187_767_399 * 128);
    assert_eq!(dlrm.outside().len(), 1, "embedding lookups are outside");
}

// Claim: the loop nest of a layer computes what the layer says, and touches at least the words it says (the
// loop nest counts padding as input).
#[test]
fn loop_nests_agree_with_layer_counts_in_every_network() {
    for row in NETWORKS {
        for layer in row.network().layers() {
            let (einsum, at) = (layer.einsum(), format!("{} {}", row.id, layer.name()));
            let words = |tensor: &str| einsum.words(einsum.tensor_index(tensor).unwrap()).unwrap();
            assert_eq!(einsum.macs().unwrap(), layer.macs(), "{at}");
            assert_eq!(words("Weights"), layer.weight_words(), "{at}");
            assert_eq!(words("Outputs"), layer.output_words(), "{at}");
            let padded = matches!(layer.op(), Op::Conv2d(conv) if conv.padding != [0, 0]);
            assert_eq!(words("Inputs") > layer.input_words(), padded, "{at}");
        }
    }
}

// Claim: shapes of the three kinds of convolution. ResNet's first layer: 7x7, stride 2, 6 zeros in all: 111 *
// 2 + 7 - 6 = 223 of the 224 rows are read. Depthwise: MobileNetV2's second layer, 32 channels of 112x112.
#[test]
fn convolutions_map_to_loop_nests_by_hand() {
    let sizes = |layer: &Layer| layer.einsum().dims().iter().map(|dim| dim.size).collect::<Vec<_>>();
    let resnet = read("resnet50");
    assert_eq!(sizes(&resnet.layers()[0]), [1, 1, 64, 3, 112, 112, 7, 7]);
    assert_eq!(resnet.layers()[0].input_words(), 3 * 223 * 223);
    let mobilenet = read("mobilenet-v2");
    let depthwise = mobilenet.layers().iter().find(|layer| layer.op().is_depthwise()).unwrap();
    assert_eq!(sizes(depthwise), [1, 32, 1, 1, 112, 112, 3, 3]);
    assert_eq!(depthwise.input_words(), 32 * 112 * 112);
    assert_eq!(sizes(&read("alexnet").layers()[1]), [1, 2, 128, 48, 27, 27, 5, 5]);
}

// Claim: a batch multiplies work, not weights, and attention stays one product per input and head.
#[test]
fn a_batch_multiplies_work_and_not_weights() {
    for row in NETWORKS {
        let (one, four) = (row.network(), row.network().with_batch(4).unwrap());
        assert_eq!((four.macs(), four.parameters()), (4 * one.macs(), one.parameters()), "{}", row.id);
        for (one, four) in one.layers().iter().zip(four.layers()) {
            let copies = match one.op() {
                Op::MatMul(product) if product.second == SecondOperand::Activation => 4,
                _ => 1,
            };
            assert_eq!(four.weight_words(), copies * one.weight_words(), "{} {}", row.id, one.name());
        }
    }
    assert_eq!(read("unet").with_batch(0).unwrap_err().to_string(), "`batch` is 0, expected at least 1");
}
