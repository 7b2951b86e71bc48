//! The file form of a network, and how it becomes a checked [`NeuralNetwork`].

use serde::Deserialize;
use toml::Spanned;

use super::network::Parts;
use super::{
    Contraction, Conv2d, Extras, Layer, MatMul, NetworkError, NetworkProblem, NeuralNetwork, Op, Outside,
    Published,
};

/// The version of the file form that is read here.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkText {
    schema: Spanned<u64>,
    id: String,
    title: String,
    source: String,
    #[serde(default)]
    licence: String,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    published: PublishedText,
    #[serde(default)]
    outside: Vec<Outside>,
    layers: Spanned<Vec<Spanned<LayerText>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PublishedText {
    macs: Option<Published>,
    parameters: Option<Published>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerText {
    name: String,
    conv2d: Option<Conv2d>,
    matmul: Option<MatMul>,
    contraction: Option<Contraction>,
    #[serde(default)]
    norm: bool,
    #[serde(default)]
    bias: bool,
    #[serde(default = "one")]
    count: u64,
    weight_copies: Option<u64>,
}

impl NeuralNetwork {
    /// Reads a network from the text of a TOML file; `path` is what errors call it. The fields are in the
    /// [module's page](super).
    ///
    /// # Errors
    /// [`NetworkError`] naming file, line and field.
    pub fn from_toml(text: &str, path: &str) -> Result<Self, NetworkError> {
        read(text, path)
    }
}

fn read(text: &str, path: &str) -> Result<NeuralNetwork, NetworkError> {
    let at = |offset: usize, problem: NetworkProblem| {
        let line = 1 + text[..offset.min(text.len())].matches('\n').count();
        NetworkError { path: path.to_owned(), line: Some(line), problem }
    };
    let parsed: NetworkText = toml::from_str(text).map_err(|error| {
        let message = error.message().trim_end().replace('\n', "; ");
        at(error.span().map_or(0, |span| span.start), NetworkProblem::Syntax(message))
    })?;
    let (schema, offset) = (*parsed.schema.get_ref(), parsed.schema.span().start);
    if schema != SCHEMA {
        return Err(at(offset, NetworkProblem::Schema { got: schema, expected: SCHEMA }));
    }
    let layers_offset = parsed.layers.span().start;
    let mut layers: Vec<Layer> = Vec::new();
    for row in parsed.layers.into_inner() {
        let (offset, row) = (row.span().start, row.into_inner());
        if layers.iter().any(|layer| layer.name() == row.name) {
            return Err(at(offset, NetworkProblem::Duplicate { name: row.name }));
        }
        layers.push(row.layer().map_err(|problem| at(offset, problem))?);
    }
    NeuralNetwork::from_parts(Parts {
        id: parsed.id,
        title: parsed.title,
        source: parsed.source,
        licence: parsed.licence,
        notes: parsed.notes,
        published_macs: parsed.published.macs,
        published_parameters: parsed.published.parameters,
        outside: parsed.outside,
        layers,
    })
    .map_err(|problem| at(layers_offset, problem))
}

impl LayerText {
    fn layer(self) -> Result<Layer, NetworkProblem> {
        let op = match (self.conv2d, self.matmul, self.contraction) {
            (Some(conv), None, None) => Op::Conv2d(conv),
            (None, Some(product), None) => Op::MatMul(product),
            (None, None, Some(contraction)) => Op::Contraction(contraction),
            (None, None, None) => return Err(NetworkProblem::Operation { name: self.name, got: "none" }),
            _ => return Err(NetworkProblem::Operation { name: self.name, got: "several" }),
        };
        let extras = Extras { bias: self.bias, norm: self.norm };
        Layer::new(&self.name, op)
            .and_then(|layer| layer.repeated(self.count))
            .and_then(|layer| match self.weight_copies {
                Some(copies) => layer.with_weight_copies(copies),
                None => Ok(layer),
            })
            .and_then(|layer| layer.with_extras(extras))
            .map_err(|reason| NetworkProblem::Layer { name: self.name, reason: Box::new(reason) })
    }
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::super::network;
    use super::*;

    const HEAD: &str = "schema = 1\nid = \"x\"\ntitle = \"X\"\nsource = \"made up\"\n";

    fn error(layers: &str) -> String {
        read(&format!("{HEAD}layers = [\n{layers}\n]\n"), "x.toml").unwrap_err().to_string()
    }

    // Claim: bad input gives one message that names file, line, field and remedy.
    #[test]
    fn every_mistake_in_a_file_is_named_with_its_line() {
        let conv = |fields: &str| {
            format!("{{ name = \"a\", conv2d = {{ output = [8, 8], kernel = [3, 3], {fields} }} }},")
        };
        assert_eq!(
            error("{ name = \"a\", matmul = { m = 1, n = 2, kk = 3, second = \"weight\" } }"),
            "x.toml:6: unknown field `kk`, expected one of `batch`, `m`, `n`, `k`, `second`"
        );
        assert_eq!(
            error("{ name = \"a\", matmul = { m = 1, n = 2, k = 3, second = \"weigth\" } }"),
            "x.toml:6: unknown variant `weigth`, expected `weight` or `activation`"
        );
        assert_eq!(
            error(&conv("in_channels = 3, out_channels = -4")),
            "x.toml:6: invalid value: integer `-4`, expected u64"
        );
        assert_eq!(error(&conv("in_channels = 3")), "x.toml:6: missing field `out_channels`");
        assert_eq!(
            error(&conv("in_channels = 3, out_channels = 4, groups = 2")),
            "x.toml:6: layer `a`: `in_channels` is 3, expected a multiple of `groups`, which is 2"
        );
        assert_eq!(
            error(&conv("in_channels = 0, out_channels = 4")),
            "x.toml:6: layer `a`: `in_channels` is 0, expected at least 1"
        );
        assert_eq!(
            error(&conv("in_channels = 1, out_channels = 1, padding = [2, 10]")),
            "x.toml:6: layer `a`: `padding` is 10 along the width, expected less than the 10 points that the kernel sweeps"
        );
        assert_eq!(
            error("{ name = \"a\" }"),
            "x.toml:6: layer `a` has none of `conv2d`, `matmul` and `contraction`, expected one"
        );
        let good = "{ name = \"a\", matmul = { m = 1, n = 2, k = 3, second = \"weight\" } },\n";
        assert_eq!(
            error(&format!("{good}{good}")),
            "x.toml:7: two layers are called `a`, expected different names"
        );
        assert_eq!(error(""), "x.toml:5: the network has no layers, expected at least one");
        let other = format!("{HEAD}layers = [{good}]").replace("schema = 1", "schema = 2");
        assert_eq!(read(&other, "x.toml").unwrap_err().to_string(), "x.toml:1: `schema` is 2, expected 1");
    }

    // Claim: an overflow is an error and not a number.
    #[test]
    fn sizes_beyond_64_bits_are_errors() {
        let big = 1u64 << 40;
        assert_eq!(
            error(&format!(
                "{{ name = \"a\", matmul = {{ m = {big}, n = {big}, k = 1, second = \"weight\" }} }}"
            )),
            "x.toml:6: layer `a`: the size of the iteration space exceeds 64 bits"
        );
        assert_eq!(
            error(&format!(
                "{{ name = \"a\", count = {big}, matmul = {{ m = {big}, n = 1, k = 1, second = \"weight\" }} }}"
            )),
            "x.toml:6: layer `a`: the multiply-accumulates or parameters of `count` runs exceed 64 bits"
        );
        let half = "matmul = { m = 4294967296, n = 4294967295, k = 1, second = \"weight\" }";
        assert_eq!(
            error(&format!("{{ name = \"a\", {half} }}, {{ name = \"b\", {half} }}")),
            "x.toml:5: the totals of the network exceed 64 bits"
        );
    }

    // Claim: runs that share weights cost time for each run and parameters once.
    #[test]
    fn a_recurrent_row_counts_its_weights_once() {
        let row = "{ name = \"a\", matmul = { m = 1, n = 4, k = 3, second = \"weight\" }, count = 10, weight_copies = 1, bias = true }";
        let network = read(&format!("{HEAD}layers = [{row}]"), "x.toml").unwrap();
        assert_eq!((network.macs(), network.weights(), network.parameters()), (120, 12, 16));
        assert!(
            error(&row.replace("weight_copies = 1", "weight_copies = 11"))
                .ends_with("at most `count`, which is 10")
        );
        assert!(error(&row.replace("\"weight\"", "\"activation\"")).contains("need `second = \"weight\"`"));
    }

    // Claim: every built-in table can be read, so `NetworkRow::network` cannot panic.
    #[test]
    fn every_built_in_table_is_well_formed_and_carries_its_own_name() {
        for row in super::super::NETWORKS {
            let network = row.network();
            assert_eq!(network.id(), row.id);
            assert!(!network.source().is_empty() && !network.licence().is_empty(), "{}", row.id);
        }
        assert_eq!(network("resnet51").unwrap_err().nearest.as_deref(), Some("resnet50"));
    }
}
