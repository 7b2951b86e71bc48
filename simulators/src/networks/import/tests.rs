use super::super::{Conv2d, NetworkProblem, NeuralNetwork, Op};
use super::*;
use std::path::PathBuf;

/// Reads `text` as the file `name`.
fn import(name: &str, text: &str) -> Result<ImportedNetwork, String> {
    let folder: PathBuf = std::env::temp_dir().join(format!("tapeout-import-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    let imported = import_network(&path, &Dimensions::new());
    std::fs::remove_dir_all(&folder).unwrap();
    imported.map_err(|error| error.to_string().replace(&format!("{}/", folder.display()), ""))
}

fn macs(name: &str, text: &str) -> Vec<u64> {
    import(name, text).unwrap().network.layers().iter().map(|layer| layer.macs()).collect()
}

fn conv(network: &NeuralNetwork, index: usize) -> Conv2d {
    match network.layers()[index].op() {
        Op::Conv2d(conv) => conv.clone(),
        op => panic!("layer {index} is no convolution: {op:?}"),
    }
}

const TOPOLOGY: &str = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n\
    Conv1,  224, 224,  7, 7, 3, 64, 2,\n\
    DPConv, 112, 112, 3, 3, 64, 1, 1,\n\
    FC, 1, 1, 1, 1, 512, 1000, 1,\n";

/// By hand, with SCALE-Sim's formula: ceil((224 - 7 + 2) / 2) = 110 outputs sweep 109 * 2 + 7 = 225 points, one beyond the input;
/// 110^2 * 7^2 * 3 * 64 multiply-accumulates. A filter for each of 64 channels: 110^2 * 3^2 * 64.
#[test]
fn a_topology_of_scale_sim_is_what_scale_sim_computes() {
    let network = import("net.csv", TOPOLOGY).unwrap().network;
    assert_eq!((network.id(), network.layers().len()), ("net", 3));
    let first = conv(&network, 0);
    assert_eq!((first.output, first.padding), ([110, 110], [1, 1]));
    assert_eq!(network.layers()[0].input_words(), 3 * 224 * 224);
    assert_eq!(macs("net.csv", TOPOLOGY), [110 * 110 * 49 * 3 * 64, 110 * 110 * 9 * 64, 512_000]);
    assert!(network.layers()[1].op().is_depthwise());
}

/// Claim: sizes whose products no computer counts are refused, and end nothing.
#[test]
fn sizes_of_scale_sim_beyond_all_numbers_are_refused() {
    let head = TOPOLOGY.split_once('\n').unwrap().0;
    let huge = u64::MAX;
    for row in [format!("aDP, 8, 8, 3, 3, {huge}, {huge}, 1,"), format!("b, 8, 8, 3, 3, 1, 1, {huge},")] {
        let error = import("net.csv", &format!("{head}\n{row}\n")).unwrap_err().to_string();
        assert!(error.starts_with("net.csv"), "{error}");
    }
}

#[test]
fn products_of_scale_sim_may_lack_the_last_comma_and_a_line_break() {
    let text = "\u{feff}Layer,M,N,K,\r\nQKT,1024,1024,64,\r\n\r\nQKT,1024,64,1024";
    let imported = import("gemm.csv", text).unwrap();
    assert_eq!(imported.form, NetworkForm::ScaleSim);
    let names: Vec<&str> = imported.network.layers().iter().map(|layer| layer.name()).collect();
    assert_eq!(names, ["QKT", "QKT#2"]);
    assert_eq!(imported.network.macs(), 2 * 1024 * 1024 * 64);
}

/// GAMMA's types, one each: (5 - 3 + 1) * (7 - 3 + 1) outputs; a filter for each of 8 channels; 10 x 30 sums of 20; 64 sums of 128.
#[test]
fn a_table_of_gamma_is_what_gamma_evaluates() {
    let text = "K,C,Y,X,R,S,T\n4,8,5,7,3,3,1\n1,8,5,7,3,3,2\n10,30,20,1,1,1,3\n64,128,1,1,1,1,0\n";
    assert_eq!(macs("g.csv", text), [15 * 9 * 4 * 8, 15 * 9 * 8, 6000, 64 * 128]);
}

const MAESTRO: &str = "// made up\nConstant SzM 10;\nNetwork N {\nLayer A { Type: CONV // first\n Stride { X: 2, Y: 2 }\n\
    Dimensions { K: 4, C: 3, R: 3, S: 3, Y:8, X:9 }\n Dataflow { SpatialMap(1,1) K; Cluster(64, P); }\n}\n\
    Layer B {\nType: DSCONV\nDimensions { K: 1, C: 5, R: 3, S: 1, Y: 4, X: 2 } }\n\
    Layer C { Type: GEMM Dimensions { K: 7, M: SzM, N: 2 } }\nLayer D { Type: TRCONV Dimensions { K: 1, C: 1 } }\n}\n";

/// By hand: (8 - 3) / 2 + 1 = 3 rows and (9 - 3) / 2 + 1 = 4 columns; 2 x 2 outputs of 3 taps in 5 channels; 10 x 2 sums of 7.
#[test]
fn a_network_of_maestro_is_read_and_what_is_no_layer_is_listed() {
    let imported = import("n.m", MAESTRO).unwrap();
    assert_eq!(macs("n.m", MAESTRO), [12 * 9 * 3 * 4, 4 * 3 * 5, 140]);
    assert_eq!(imported.left_out.len(), 1);
    assert_eq!((imported.left_out[0].operator.as_str(), imported.left_out[0].count), ("TRCONV", 1));
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let error = |name: &str, text: &str| import(name, text).unwrap_err();
    assert_eq!(
        error("t.csv", &TOPOLOGY.replace("512", "H")),
        "t.csv:4: `channels` is `H`, expected a whole number"
    );
    assert_eq!(
        error("t.csv", &TOPOLOGY.replace("7, 7", "7, 225")),
        "t.csv:2: a filter of 225 points over an input of 224, expected 1 to 224"
    );
    assert_eq!(
        error("t.csv", "Layer, M, N, K, Sparsity,\na, 1, 2, 4, 2:4,\n"),
        "t.csv:2: layer `a` is sparse, 2:4: only dense layers are read"
    );
    assert!(error("t.csv", "a,b\n1,2\n").starts_with("t.csv:1: the first row names the columns of neither"));
    assert_eq!(
        error("g.csv", "K,C,Y,X,R,S,T\n1,1,1,1,1,1,9\n"),
        "g.csv:2: `t` is 9, expected 0 (fully connected), 1 (convolution), 2 (depthwise) or 3 (product)"
    );
    assert_eq!(
        error("n.m", &MAESTRO.replace("SzM,", "SzQ,")),
        "n.m:12: `SzQ`, expected a whole number or a constant"
    );
    assert_eq!(
        error("n.m", &MAESTRO.replace("R: 3, S: 1,", "")),
        "n.m:9: layer `B`: `Dimensions` has no `R`"
    );
    assert_eq!(error("n.m", "Network N {"), "n.m:1: the file ends, expected `Layer` or `}`");
    assert!(error("n.txt", "").starts_with("n.txt: not a network in a form that is read here"));
    assert_eq!(error("t.csv", "Layer,M,N,K\n"), "t.csv: the network has no layers, expected at least one");
    let missing = import_network("no/such.csv".as_ref(), &Dimensions::new()).unwrap_err();
    assert!(matches!(missing.problem, NetworkProblem::Unreadable(_)), "{missing}");
}
