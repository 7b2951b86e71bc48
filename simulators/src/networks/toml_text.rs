//! A network as the text of a file.

use std::fmt::Write as _;

use super::{Contraction, Conv2d, Layer, MatMul, NeuralNetwork, Op, SecondOperand};

impl NeuralNetwork {
    /// The network as TOML, which [`NeuralNetwork::from_toml`] reads back as the same.
    ///
    /// ```
    /// # use tapeout_simulators::networks::{NeuralNetwork, network};
    /// let alexnet = network("alexnet")?;
    /// assert_eq!(NeuralNetwork::from_toml(&alexnet.to_toml(), "copy.toml").unwrap(), alexnet);
    /// # Ok::<(), tapeout_core::UnknownName>(())
    /// ```
    pub fn to_toml(&self) -> String {
        let mut text = String::from("schema = 1\n");
        let mut field = |name: &str, value: &str| {
            if !value.is_empty() {
                line(&mut text, &format!("{name} = {}", quoted(value)));
            }
        };
        field("id", self.id());
        field("title", self.title());
        field("source", self.source());
        field("licence", self.licence());
        field("notes", self.notes());
        for (name, published) in
            [("macs", self.published_macs()), ("parameters", self.published_parameters())]
        {
            if let Some(published) = published {
                let (value, within, source) = (published.value, published.within, quoted(&published.source));
                line(
                    &mut text,
                    &format!(
                        "published.{name} = {{ value = {value}, within = {within}, source = {source} }}"
                    ),
                );
            }
        }
        if !self.outside().is_empty() {
            line(&mut text, "outside = [");
            for outside in self.outside() {
                let (name, why) = (quoted(&outside.name), quoted(&outside.why));
                line(
                    &mut text,
                    &format!("  {{ name = {name}, parameters = {}, why = {why} }},", outside.parameters),
                );
            }
            line(&mut text, "]");
        }
        line(&mut text, "layers = [");
        for layer in self.layers() {
            line(&mut text, &format!("  {},", row(layer)));
        }
        line(&mut text, "]");
        text
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The text as a basic string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn row(layer: &Layer) -> String {
    let mut row = format!("{{ name = {}, {}", quoted(layer.name()), operation(layer.op()));
    let extras = layer.extras();
    let has_own_copies = layer.op().has_weights() && layer.weight_copies() != layer.count();
    for (is_there, field) in [
        (extras.norm, "norm = true".to_owned()),
        (extras.bias, "bias = true".to_owned()),
        (layer.count() != 1, format!("count = {}", layer.count())),
        (has_own_copies, format!("weight_copies = {}", layer.weight_copies())),
    ] {
        if is_there {
            write!(row, ", {field}").expect("invariant: a string takes all text");
        }
    }
    row + " }"
}

fn operation(op: &Op) -> String {
    match op {
        Op::Conv2d(conv) => convolution(conv),
        Op::Contraction(Contraction { dims, weights, inputs, outputs }) => {
            let ranks = |ranks: &[Vec<(String, u64)>]| listed(ranks, |terms| pairs(terms));
            let (weights, inputs, outputs) = (ranks(weights), ranks(inputs), ranks(outputs));
            let dims = pairs(dims);
            format!(
                "contraction = {{ dims = {dims}, weights = {weights}, inputs = {inputs}, outputs = {outputs} }}"
            )
        }
        Op::MatMul(MatMul { batch, m, n, k, second }) => {
            let batch = if *batch == 1 { String::new() } else { format!("batch = {batch}, ") };
            let second = match second {
                SecondOperand::Weight => "weight",
                SecondOperand::Activation => "activation",
            };
            format!("matmul = {{ {batch}m = {m}, n = {n}, k = {k}, second = \"{second}\" }}")
        }
    }
}

fn listed<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", "))
}

fn pairs(pairs: &[(String, u64)]) -> String {
    listed(pairs, |(name, number)| format!("[{}, {number}]", quoted(name)))
}

fn convolution(conv: &Conv2d) -> String {
    let Conv2d { batch, in_channels, out_channels, output, kernel, stride, dilation, padding, groups } = conv;
    let mut fields = Vec::new();
    if *batch != 1 {
        fields.push(format!("batch = {batch}"));
    }
    fields.push(format!("in_channels = {in_channels}, out_channels = {out_channels}"));
    fields.push(format!("output = {output:?}, kernel = {kernel:?}"));
    for (name, pair, default) in [("stride", stride, 1), ("dilation", dilation, 1), ("padding", padding, 0)] {
        if *pair != [default; 2] {
            fields.push(format!("{name} = {pair:?}"));
        }
    }
    if *groups != 1 {
        fields.push(format!("groups = {groups}"));
    }
    format!("conv2d = {{ {} }}", fields.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::NETWORKS;
    use super::*;

    // Law: what is written is read back as the same, for every table that ships.
    #[test]
    fn every_network_is_read_back_as_it_was_written() {
        for row in NETWORKS {
            let network = row.network();
            assert_eq!(NeuralNetwork::from_toml(&network.to_toml(), row.id).unwrap(), network);
        }
    }

    #[test]
    fn texts_with_quotes_and_line_breaks_survive() {
        let text = "schema = 1\nid = \"x\"\ntitle = \"say \\\"hi\\\"\\n\\u0007\"\nsource = \"a\\\\b\"\nlayers = [{ name = \"'\", \
                    matmul = { m = 1, n = 2, k = 3, second = \"activation\" }, count = 2 }]";
        let network = NeuralNetwork::from_toml(text, "x.toml").unwrap();
        assert_eq!(NeuralNetwork::from_toml(&network.to_toml(), "x.toml").unwrap(), network);
    }
}
