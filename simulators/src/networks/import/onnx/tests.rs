use super::schema::{AttributeProto, DimensionProto, TensorShapeProto, TensorTypeProto, TypeProto};
use super::*;
use crate::networks::{Layer, NeuralNetwork, SecondOperand};

/// Element types. Source: `TensorProto.DataType`.
const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// Whole numbers of an operator by name.
type Settings<'a> = &'a [(&'a str, &'a [i64])];

/// A model in the making.
#[derive(Default)]
struct Model(GraphProto);

impl Model {
    /// An input; a size of -1 is open, by the name `batch` or `width`.
    fn input(mut self, name: &str, shape: &[i64]) -> Self {
        let dim = shape.iter().enumerate().map(|(axis, &size)| {
            let open = if axis == 0 { "batch" } else { "width" };
            DimensionProto {
                dim_value: (size >= 0).then_some(size),
                dim_param: (size < 0).then(|| open.to_owned()),
            }
        });
        let shape = Some(TensorShapeProto { dim: dim.collect() });
        let r#type = Some(TypeProto { tensor_type: Some(TensorTypeProto { shape }) });
        self.0.input.push(ValueInfoProto { name: name.to_owned(), r#type });
        self
    }

    /// Real numbers of this shape, whatever they are.
    fn weights(mut self, name: &str, dims: &[i64]) -> Self {
        let tensor = TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: FLOAT,
            ..Default::default()
        };
        self.0.initializer.push(tensor);
        self
    }

    /// Whole numbers.
    fn ints(mut self, name: &str, numbers: &[i64]) -> Self {
        self.0.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: vec![numbers.len() as i64],
            data_type: INT64,
            int64_data: numbers.to_vec(),
            ..Default::default()
        });
        self
    }

    /// An operator, called after its output.
    fn node(self, operator: &str, inputs: &[&str], output: &str, settings: Settings<'_>) -> Self {
        let attribute = settings.iter().map(|&(name, ints)| AttributeProto {
            name: name.to_owned(),
            i: ints[0],
            ints: ints.to_vec(),
            ..Default::default()
        });
        self.with(NodeProto {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            op_type: operator.to_owned(),
            attribute: attribute.collect(),
            ..Default::default()
        })
    }

    fn with(mut self, node: NodeProto) -> Self {
        self.0.node.push(node);
        self
    }

    fn read(&self, dimensions: &[(&str, u64)]) -> Result<ImportedNetwork, NetworkError> {
        let model = ModelProto { graph: Some(self.0.clone()), ..Default::default() };
        let dimensions = dimensions.iter().map(|&(name, size)| (name.to_owned(), size)).collect();
        read(model.encode_to_vec(), "m.onnx", &dimensions)
    }

    fn network(&self) -> NeuralNetwork {
        self.read(&[]).unwrap_or_else(|error| panic!("{error}")).network
    }
}

fn layer(network: &NeuralNetwork, index: usize) -> &Layer {
    &network.layers()[index]
}

/// By hand: 3 x 3 with stride 2 over 8 x 9 padded by 1 on all sides: (8 + 2 - 3) / 2 + 1 = 4 rows and (9 + 2 - 3) / 2 + 1 = 5 columns; the rows
/// sweep 9 points from one above, so 1 of padding, the columns 11 from one before, so 2.
#[test]
fn a_convolution_has_the_windows_and_the_padding_that_it_uses() {
    let settings: Settings<'_> = &[("pads", &[1, 1, 1, 1]), ("strides", &[2, 2]), ("kernel_shape", &[3, 3])];
    let network = Model::default()
        .input("x", &[-1, 4, 8, 9])
        .weights("w", &[6, 4, 3, 3])
        .weights("b", &[6])
        .node("Conv", &["x", "w", "b"], "y", settings)
        .network();
    let crate::networks::Op::Conv2d(conv) = layer(&network, 0).op() else { panic!("a product") };
    assert_eq!((conv.batch, conv.output, conv.padding, conv.groups), (1, [4, 5], [1, 2], 1));
    assert_eq!(layer(&network, 0).input_words(), 4 * 8 * 9);
    assert_eq!((network.macs(), network.parameters()), (20 * 9 * 4 * 6, 6 * 4 * 9 + 6));
}

/// Depthwise, one-dimensional, padded to the same size: 10 outputs by steps of 3 are 4 that sweep 11 points of 10.
#[test]
fn one_dimension_is_a_row_and_padding_may_be_automatic() {
    let mut model = Model::default().input("x", &[1, 5, 10]).weights("w", &[5, 1, 2]).node(
        "Conv",
        &["x", "w"],
        "y",
        &[("group", &[5]), ("strides", &[3])],
    );
    model.0.node[0].attribute.push(AttributeProto {
        name: "auto_pad".to_owned(),
        s: Bytes::from_static(b"SAME_UPPER"),
        ..Default::default()
    });
    let network = model.network();
    assert!(layer(&network, 0).op().is_depthwise());
    assert_eq!((network.macs(), layer(&network, 0).input_words()), (4 * 2 * 5, 5 * 10));
}

/// Attention of 2 heads over 7 words: what both operands come from decides whether there are weights, and on which side.
#[test]
fn products_of_weights_and_of_activations_are_told_apart() {
    let network = Model::default()
        .input("x", &[1, 7, 8])
        .weights("w", &[8, 8])
        .weights("left", &[3, 7])
        .ints("heads", &[1, 7, 2, 4])
        .node("MatMul", &["x", "w"], "q", &[])
        .node("Reshape", &["q", "heads"], "split", &[])
        .node("Transpose", &["split"], "a", &[("perm", &[0, 2, 1, 3])])
        .node("Transpose", &["split"], "b", &[("perm", &[0, 2, 3, 1])])
        .node("MatMul", &["a", "b"], "scores", &[])
        .node("MatMul", &["left", "q"], "turned", &[])
        .network();
    let products: Vec<_> = network
        .layers()
        .iter()
        .map(|layer| match layer.op() {
            crate::networks::Op::MatMul(it) => (it.batch, it.m, it.n, it.k, it.second),
            op => panic!("no product: {op:?}"),
        })
        .collect();
    assert_eq!(
        products,
        [
            (1, 7, 8, 8, SecondOperand::Weight),
            (2, 7, 7, 4, SecondOperand::Activation),
            (1, 8, 3, 7, SecondOperand::Weight)
        ]
    );
    assert_eq!(network.parameters(), 64 + 21);
}

/// By hand: 5 steps of batch 2; four gates of 3 with 4 inputs, 12 x 4 and 12 x 3 weights, in each of two directions.
#[test]
fn a_recurrent_layer_runs_at_every_step_on_the_same_weights() {
    let network = Model::default()
        .input("x", &[5, 2, 4])
        .weights("w", &[2, 12, 4])
        .weights("r", &[2, 12, 3])
        .weights("b", &[2, 24])
        .node("LSTM", &["x", "w", "r", "b"], "y", &[])
        .network();
    assert_eq!(network.macs(), 2 * 5 * 2 * 12 * (4 + 3));
    assert_eq!((network.weights(), network.parameters()), (2 * 12 * 7, 2 * 12 * 7 + 48));
    let names: Vec<&str> = network.layers().iter().map(Layer::name).collect();
    assert_eq!(names, ["y.input", "y.state"]);
}

/// Flattened by a shape that is computed from the input's: `[batch, -1]`.
#[test]
fn shapes_that_a_model_computes_are_followed() {
    let model = Model::default()
        .input("x", &[-1, 3, 4, -1])
        .weights("w", &[10, 60])
        .weights("b", &[10])
        .ints("zero", &[0])
        .ints("rest", &[-1])
        .node("Relu", &["x"], "r", &[])
        .node("Shape", &["r"], "s", &[])
        .node("Gather", &["s", "zero"], "n", &[])
        .node("Concat", &["n", "rest"], "flat", &[("axis", &[0])])
        .node("Reshape", &["r", "flat"], "f", &[])
        .node("Gemm", &["f", "w", "b"], "y", &[("transB", &[1])]);
    let network = model.read(&[("width", 5), ("batch", 2)]).unwrap().network;
    assert_eq!((network.macs(), network.parameters()), (2 * 60 * 10, 610));
    let error = model.read(&[]).unwrap_err();
    assert_eq!(error.to_string(), "m.onnx: size 3 of input `x` is open; give it by name: `width`");
    assert_eq!(model.read(&[("x.3", 5)]).unwrap().network.macs(), 600);
}

/// Scale and shift of a normalization are parameters, its statistics are not; an embedding is read and not multiplied; weights that two
/// layers share are counted once.
#[test]
fn parameters_are_counted_once_and_those_of_no_layer_beside_them() {
    let imported = Model::default()
        .input("x", &[1, 2, 1, 1])
        .input("words", &[3])
        .weights("w", &[2, 2, 1, 1])
        .weights("scale", &[2])
        .weights("shift", &[2])
        .weights("mean", &[2])
        .weights("variance", &[2])
        .weights("table", &[100, 4])
        .weights("half", &[])
        .weights("unread", &[50])
        .node("Conv", &["x", "w"], "a", &[])
        .node("BatchNormalization", &["a", "scale", "shift", "mean", "variance"], "n", &[])
        .node("Conv", &["n", "w"], "c", &[])
        .node("Mul", &["c", "half"], "m", &[])
        .node("Gather", &["table", "words"], "e", &[])
        .read(&[])
        .unwrap();
    let network = &imported.network;
    assert_eq!((network.weights(), network.parameters()), (4, 4 + 4 + 400));
    let outside: Vec<(&str, u64)> =
        network.outside().iter().map(|outside| (outside.name.as_str(), outside.parameters)).collect();
    assert_eq!(outside, [("BatchNormalization", 4), ("Gather", 400)]);
    let left_out: Vec<(&str, u64)> =
        imported.left_out.iter().map(|left_out| (left_out.operator.as_str(), left_out.count)).collect();
    assert_eq!(left_out, [("BatchNormalization", 1), ("Gather", 1), ("Mul", 1)]);
}

/// By hand: each of 5 x 6 points of 4 channels is multiplied by 3 x 2 x 2 weights.
#[test]
fn a_transposed_convolution_multiplies_each_point_by_its_weights() {
    let network = Model::default()
        .input("x", &[1, 4, 5, 6])
        .weights("w", &[4, 3, 2, 2])
        .weights("v", &[2, 3, 1, 1])
        .node("ConvTranspose", &["x", "w"], "y", &[("strides", &[2, 2])])
        .node("Conv", &["y", "v"], "z", &[])
        .network();
    assert_eq!(layer(&network, 0).macs(), 5 * 6 * 4 * 12);
    assert_eq!(layer(&network, 1).macs(), 10 * 12 * 3 * 2);
}

#[test]
fn what_is_no_layer_and_should_be_one_says_why() {
    let imported = Model::default()
        .input("x", &[1, 2])
        .weights("w", &[2, 2])
        .node("MatMul", &["x", "w"], "y", &[])
        .node("Einsum", &["x", "w"], "e", &[])
        .node("NonZero", &["x"], "n", &[])
        .node("MatMul", &["n", "w"], "z", &[])
        .read(&[])
        .unwrap();
    let why: Vec<(&str, &str)> =
        imported.left_out.iter().map(|left_out| (left_out.operator.as_str(), left_out.why)).collect();
    assert_eq!(
        why,
        [
            ("Einsum", "its products are not taken apart here"),
            ("MatMul", "the shape of an input is not known"),
            ("NonZero", "it multiplies next to nothing")
        ]
    );
}

/// A mask of distances as attention makes it: `[2, 3, 1] - [2, 1, 3]` has 18 numbers and each operand 6, which are not those of the result.
#[test]
fn numbers_that_are_not_those_of_the_shape_are_not_known() {
    let network = Model::default()
        .input("x", &[3, 4])
        .weights("w", &[3, 5])
        .ints("numbers", &[1, 2, 3, 4, 5, 6])
        .ints("column", &[2, 3, 1])
        .ints("row", &[2, 1, 3])
        .node("Reshape", &["numbers", "column"], "a", &[])
        .node("Reshape", &["numbers", "row"], "b", &[])
        .node("Sub", &["a", "b"], "d", &[])
        .node("Transpose", &["d"], "t", &[("perm", &[2, 0, 1])])
        .node("MatMul", &["t", "w"], "y", &[])
        .network();
    let crate::networks::Op::MatMul(product) = layer(&network, 0).op() else { panic!("a product") };
    assert_eq!((product.m, product.n, product.k), (3 * 2, 5, 3));
}

/// Claim: what an operator cannot do to a tensor leaves its output unknown, and ends nothing.
#[test]
fn an_operator_that_makes_no_sense_has_an_output_of_unknown_shape() {
    let huge = i64::MAX;
    let cases: [(&str, &[&str], Settings<'_>); 9] = [
        ("Transpose", &["numbers"], &[("perm", &[0, 0])]),
        ("Transpose", &["x"], &[("perm", &[0, 0])]),
        ("Unsqueeze", &["numbers"], &[("axes", &[2, 2])]),
        ("Slice", &["x"], &[("starts", &[0]), ("ends", &[1]), ("steps", &[0])]),
        ("Pad", &["x"], &[("pads", &[huge, 0, huge, 0])]),
        ("MaxPool", &["image"], &[("kernel_shape", &[huge, huge]), ("dilations", &[2, 2])]),
        ("ConvTranspose", &["image", "filters"], &[("strides", &[huge, huge])]),
        ("Range", &["one", "two", "none"], &[("none", &[0])]),
        ("LSTM", &["sequence", "x", "numbers"], &[("none", &[0])]),
    ];
    for (operator, inputs, settings) in cases {
        let imported = Model::default()
            .input("x", &[2, 2])
            .input("image", &[1, 1, 4, 4])
            .input("sequence", &[1, 1, 1])
            .weights("filters", &[1, 1, 2, 2])
            .weights("w", &[2, 2])
            .ints("numbers", &[1, 2])
            .ints("one", &[1])
            .ints("two", &[2])
            .ints("none", &[0])
            .node("MatMul", &["x", "w"], "y", &[])
            .node(operator, inputs, "odd", settings)
            .node("MatMul", &["odd", "w"], "z", &[])
            .read(&[])
            .unwrap_or_else(|error| panic!("{operator}: {error}"));
        let is_unknown = imported.left_out.iter().any(|it| it.why == "the shape of an input is not known");
        assert!(is_unknown, "{operator}: {:?}", imported.left_out);
    }
}

/// Claim: the sizes of what a file leaves out cost nothing: one in 2^58 points of an axis of 2^60.
#[test]
fn an_axis_of_any_size_is_sliced_by_counting() {
    let network = Model::default()
        .input("x", &[1 << 60, 1])
        .weights("w", &[1, 1])
        .node("Slice", &["x"], "s", &[("starts", &[0]), ("ends", &[i64::MAX]), ("steps", &[1 << 58])])
        .node("MatMul", &["s", "w"], "y", &[])
        .network();
    let crate::networks::Op::MatMul(product) = layer(&network, 0).op() else { panic!("a product") };
    assert_eq!(product.m, 4);
}

/// Claim: numbers of a file that are more or fewer than its sizes say are no numbers: the shape they would make is not known.
#[test]
fn sizes_and_numbers_of_a_file_must_agree() {
    let mut model = Model::default().input("x", &[4]).ints("sizes", &[2, 2]).weights("w", &[2, 2]);
    model.0.initializer[0].dims = vec![1 << 40, 1 << 40];
    let imported = model
        .node("Reshape", &["x", "sizes"], "r", &[])
        .node("MatMul", &["w", "w"], "y", &[])
        .node("MatMul", &["r", "w"], "z", &[])
        .read(&[])
        .unwrap();
    assert_eq!(imported.left_out.iter().filter(|it| it.operator == "MatMul").count(), 1);
}

/// A graph with one product of `x` by weights of its own, and one output.
fn branch(name: &str, columns: i64) -> GraphProto {
    let own = |what: &str| format!("{name}.{what}");
    let mut model = Model::default().weights(&own("w"), &[4, columns]);
    model = model.node("MatMul", &["x", &own("w")], &own("y"), &[]);
    model.0.output.push(ValueInfoProto { name: own("y"), ..Default::default() });
    model.0
}

/// `If` over `condition` between two branches.
fn choice(condition: &str, then: GraphProto, otherwise: GraphProto) -> NodeProto {
    let attribute = [("then_branch", then), ("else_branch", otherwise)].map(|(name, graph)| AttributeProto {
        name: name.to_owned(),
        g: Some(Box::new(graph)),
        ..Default::default()
    });
    NodeProto {
        input: vec![condition.to_owned()],
        output: vec!["chosen".to_owned()],
        op_type: "If".to_owned(),
        attribute: attribute.to_vec(),
        ..Default::default()
    }
}

/// By hand: `x` is 2 x 4; the first branch has 4 x 8 weights, the second 4 x 5; behind them stands a product of 8 columns.
#[test]
fn a_branch_whose_condition_is_known_is_read_and_the_other_is_not() {
    let model = Model::default()
        .input("x", &[2, 4])
        .input("rate", &[1])
        .ints("wide", &[16_000])
        .weights("last", &[8, 3])
        .node("Equal", &["rate", "wide"], "is_wide", &[])
        .with(choice("is_wide", branch("a", 8), branch("b", 5)))
        .node("MatMul", &["chosen", "last"], "z", &[]);
    let imported = model.read(&[("rate", 16_000)]).unwrap();
    assert_eq!(imported.network.macs(), 2 * 4 * 8 + 2 * 8 * 3);
    assert_eq!(imported.network.parameters(), 4 * 8 + 8 * 3);
    assert!(imported.left_out.iter().all(|it| it.operator == "Equal"), "{:?}", imported.left_out);
    // The other branch has 5 columns, which the product behind it cannot take: its sizes are those of its inputs, whatever they are.
    let other = model.read(&[("rate", 8_000)]).unwrap();
    assert_eq!(layer(&other.network, 0).macs(), 2 * 4 * 5);
}

#[test]
fn a_condition_that_is_not_known_is_no_matter_if_both_branches_compute_the_same() {
    let model = |columns| {
        Model::default()
            .input("x", &[2, 4])
            .input("rate", &[1])
            .weights("first", &[4, 4])
            .weights("last", &[8, 3])
            .node("MatMul", &["x", "first"], "y", &[])
            .with(choice("rate", branch("a", 8), branch("b", columns)))
            .node("MatMul", &["chosen", "last"], "z", &[])
            .read(&[])
            .unwrap()
    };
    let same = model(8);
    assert_eq!(same.network.macs(), 2 * 4 * 4 + 2 * 4 * 8 + 2 * 8 * 3);
    assert_eq!(same.left_out, []);
    // Else the operator is listed with what stands in it, and nothing is known behind it.
    let differ = model(5);
    assert_eq!(differ.network.macs(), 2 * 4 * 4);
    let left_out: Vec<(&str, u64, &str)> =
        differ.left_out.iter().map(|it| (it.operator.as_str(), it.count, &it.why[..18])).collect();
    assert_eq!(
        left_out,
        [
            ("If", 1, "which of its branc"),
            ("MatMul", 2, "it is in a branch "),
            ("MatMul", 1, "the shape of an in")
        ]
    );
}

/// Claim: work that cannot be counted is listed where only one branch has it, though neither has a layer.
#[test]
fn branches_without_layers_differ_by_what_is_left_out() {
    let empty = |name: &str| {
        let mut model = Model::default().node("Identity", &["u"], name, &[]);
        model.0.output.push(ValueInfoProto { name: name.to_owned(), ..Default::default() });
        model.0
    };
    let unknown = |name: &str, operator: &str| {
        let mut graph = empty(name);
        let node = NodeProto {
            input: vec!["u".to_owned(), "u".to_owned()],
            output: vec![format!("{name}.{operator}")],
            op_type: operator.to_owned(),
            ..Default::default()
        };
        graph.node.push(node);
        graph
    };
    let read = |then: GraphProto, otherwise: GraphProto| {
        Model::default()
            .input("x", &[2, 4])
            .weights("first", &[4, 4])
            .node("MatMul", &["x", "first"], "y", &[])
            .with(choice("rate", then, otherwise))
            .read(&[])
            .unwrap()
            .left_out
    };
    for operator in ["MatMul", "Loop"] {
        for [then, otherwise] in [[empty("a"), unknown("b", operator)], [unknown("a", operator), empty("b")]]
        {
            let left_out = read(then, otherwise);
            assert!(
                left_out.iter().any(|it| it.operator == "If" && it.why.starts_with("which of its branches")),
                "{left_out:?}"
            );
        }
        // What both have is said once, as it stands.
        let left_out = read(unknown("a", operator), unknown("b", operator));
        let uncounted: Vec<_> = left_out.iter().filter(|it| it.operator != "Identity").collect();
        assert!(
            uncounted.len() == 1 && uncounted[0].operator == operator && uncounted[0].count == 1,
            "{left_out:?}"
        );
    }
}

/// Claim: a copy more in one branch does not make two branches of the same layers differ.
#[test]
fn branches_of_the_same_layers_may_have_other_copies() {
    let mut copied = branch("b", 4);
    copied.node.push(NodeProto {
        input: vec!["y".to_owned()],
        output: vec!["copy".to_owned()],
        op_type: "Identity".to_owned(),
        ..Default::default()
    });
    let imported = Model::default()
        .input("x", &[2, 4])
        .input("rate", &[1])
        .weights("first", &[4, 4])
        .node("MatMul", &["x", "first"], "y", &[])
        .with(choice("rate", branch("a", 4), copied))
        .read(&[])
        .unwrap();
    assert!(imported.left_out.iter().all(|it| it.operator != "If"), "{:?}", imported.left_out);
}

/// Claim: conditions within conditions, none of them known, take no more than a few times as long as what is in them.
#[test]
fn unknown_conditions_within_each_other_end() {
    let mut inner = branch("deepest", 4);
    for depth in 0..20 {
        let mut graph = GraphProto {
            node: vec![choice("rate", inner, branch(&format!("b{depth}"), 5))],
            ..GraphProto::default()
        };
        graph.output.push(ValueInfoProto { name: "chosen".to_owned(), ..Default::default() });
        inner = graph;
    }
    let imported = Model::default()
        .input("x", &[2, 4])
        .input("rate", &[1])
        .weights("first", &[4, 4])
        .node("MatMul", &["x", "first"], "y", &[])
        .with(choice("rate", inner, branch("last", 5)))
        .read(&[])
        .unwrap();
    assert_eq!(imported.network.layers().len(), 1);
    assert!(imported.left_out.iter().any(|it| it.operator == "If"));
}

#[test]
fn what_is_no_model_is_refused() {
    let refusal = |bytes: &[u8]| read(bytes.to_vec(), "m.onnx", &Dimensions::new()).unwrap_err().to_string();
    assert!(refusal(b"hello").starts_with("m.onnx: is no ONNX model: "), "{}", refusal(b"hello"));
    assert_eq!(refusal(b""), "m.onnx: is no ONNX model: it has no graph");
    assert_eq!(
        Model::default().input("x", &[1]).read(&[]).unwrap_err().to_string(),
        "m.onnx: the network has no layers, expected at least one"
    );
}
