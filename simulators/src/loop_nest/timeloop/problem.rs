//! The problem of a design of Timeloop, brought to the dimensions of the layers here.
//!
//! Source: the documentation of Timeloop v4, "Problem": a `shape` names dimensions, coefficients and data spaces, each a list of ranks whose
//! terms are summed (`[[C]]`, `[[R, Wdilation], [P, Wstride]]`); an `instance` gives sizes. What a dimension is in a layer follows from the data spaces
//! that it moves, whatever its name; without a shape the names are those of the convolution of Timeloop's exercises. A shape that is neither a
//! convolution nor a product stays what it is: sums over its dimensions of two operands' products.

use super::design::whole;
use super::yaml::{Node, YamlError};

/// What a problem computes, and what its names are here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeloopProblem {
    /// The layer, in the sizes of layers here.
    pub layer: TimeloopLayer,
    /// Names of dimensions in the file, and of the layer.
    pub(super) dimensions: Vec<(String, String)>,
    /// Names of data spaces in the file, and of the layer's tensors.
    pub(super) tensors: Vec<(String, &'static str)>,
    /// Dimensions of the file, of one step, that the layer has none for.
    pub(super) idle: Vec<String>,
    /// Sizes that the shape has no name for, with their file and line.
    pub unread: Vec<UnreadSize>,
}

/// A size of an instance that nothing in the shape is called by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadSize {
    /// Its name.
    pub name: String,
    /// That it is not read, and where it stands.
    pub note: YamlError,
}

impl TimeloopProblem {
    /// A convolution of one point, by the names of Timeloop's exercises.
    pub(super) fn unit() -> Self {
        let layer = TimeloopLayer::Convolution {
            batch: 1,
            groups: 1,
            in_channels: 1,
            out_channels: 1,
            output: [1, 1],
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
        };
        let dimensions =
            USUAL_DIMENSIONS.iter().map(|&(name, here)| (name.to_owned(), here.to_owned())).collect();
        let tensors = TENSORS.iter().map(|&name| (name.to_owned(), name)).collect();
        Self { layer, dimensions, tensors, idle: Vec::new(), unread: Vec::new() }
    }

    /// The name of a dimension here; one that the problem does not have keeps its own.
    pub(super) fn dimension(&self, name: &str) -> String {
        let here = self.dimensions.iter().find(|(known, _)| known == name);
        here.map_or(name, |(_, here)| here.as_str()).to_owned()
    }
}

/// A convolution, a product, or sums over other dimensions, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeloopLayer {
    /// Windows that slide over an image; pairs are of the first and the second axis.
    Convolution {
        /// N.
        batch: u64,
        /// Groups, which all three data spaces have.
        groups: u64,
        /// C, of a group.
        in_channels: u64,
        /// M or K, of a group.
        out_channels: u64,
        /// P and Q.
        output: [u64; 2],
        /// R and S.
        kernel: [u64; 2],
        /// Coefficients of P and Q.
        stride: [u64; 2],
        /// Coefficients of R and S.
        dilation: [u64; 2],
    },
    /// Independent products.
    Product {
        /// How many, each with its own operands.
        batch: u64,
        /// Rows of the output.
        m: u64,
        /// Columns of the output.
        n: u64,
        /// Length of the sums.
        k: u64,
    },
    /// Sums of products of two operands over dimensions of any kind.
    Contraction {
        /// Dimensions and sizes.
        dims: Vec<(String, u64)>,
        /// Ranks of the weights, each the terms whose sum is the index.
        weights: Vec<Vec<(String, u64)>>,
        /// Ranks of the inputs.
        inputs: Vec<Vec<(String, u64)>>,
        /// Ranks of the outputs.
        outputs: Vec<Vec<(String, u64)>>,
    },
}

/// The convolution of Timeloop's exercises: (name in the file, name of the layer).
const USUAL_DIMENSIONS: [(&str, &str); 7] =
    [("N", "N"), ("C", "C"), ("M", "K"), ("P", "P"), ("Q", "Q"), ("R", "R"), ("S", "S")];
const USUAL_COEFFICIENTS: [&str; 4] = ["Wstride", "Hstride", "Wdilation", "Hdilation"];
/// The sizes of the padded and unpadded image follow from the others.
const DERIVED: [&str; 5] = ["H", "W", "Hpad", "Wpad", "densities"];
const TENSORS: [&str; 3] = ["Weights", "Inputs", "Outputs"];

/// A term of a rank: a dimension and what it is multiplied by.
type Term = (String, u64);

/// A data space: its name, whether it is written, its ranks.
struct Space {
    name: String,
    written: bool,
    ranks: Vec<Vec<Term>>,
}

impl Space {
    fn uses(&self, dimension: &str) -> bool {
        self.ranks.iter().flatten().any(|(name, _)| name == dimension)
    }
}

/// Reads `problem`.
pub(super) fn problem(node: &Node) -> Result<TimeloopProblem, YamlError> {
    // Before version 0.4 sizes stand beside the shape.
    let instance = node.get("instance").unwrap_or(node);
    match node.get("shape").filter(|shape| shape.get("data_spaces").is_some()) {
        Some(shape) => {
            let shape = Shape::read(shape, instance)?;
            let unread = if node.get("instance").is_some() { shape.unread(instance) } else { Vec::new() };
            Ok(TimeloopProblem { unread, ..shape.problem()? })
        }
        None if node.get("instance").is_some() => usual(instance),
        None => Err(node.error("`problem` has no `instance`")),
    }
}

/// The problem of exercises, whose shape is Timeloop's default.
fn usual(instance: &Node) -> Result<TimeloopProblem, YamlError> {
    for (key, value) in instance.entries() {
        let dimension = USUAL_DIMENSIONS.iter().any(|(name, _)| name == key);
        if !dimension && !USUAL_COEFFICIENTS.contains(&key.as_str()) && !DERIVED.contains(&key.as_str()) {
            let message = format!("`{key}` is no size of a convolution N, C, M, P, Q, R, S");
            return Err(value.error(message));
        }
    }
    let size = |key: &str| instance.get(key).map_or(Ok(1), |node| whole(node, key));
    let layer = TimeloopLayer::Convolution {
        batch: size("N")?,
        groups: 1,
        in_channels: size("C")?,
        out_channels: size("M")?,
        output: [size("P")?, size("Q")?],
        kernel: [size("R")?, size("S")?],
        // In the exercises' problem the columns P and R go by `W`, the rows Q and S by `H`.
        stride: [size("Wstride")?, size("Hstride")?],
        dilation: [size("Wdilation")?, size("Hdilation")?],
    };
    Ok(TimeloopProblem { layer, ..TimeloopProblem::unit() })
}

/// A shape with its sizes, and where it stands.
struct Shape<'a> {
    node: &'a Node,
    sizes: Vec<(String, u64)>,
    coefficients: Vec<(String, u64)>,
    spaces: Vec<Space>,
}

impl<'a> Shape<'a> {
    fn read(node: &'a Node, instance: &Node) -> Result<Self, YamlError> {
        let given = |key: &str| instance.get(key).map(|value| whole(value, key)).transpose();
        let mut sizes = Vec::new();
        for name in node.get("dimensions").map(Node::words).unwrap_or_default() {
            sizes.push((name.to_owned(), given(name)?.unwrap_or(1)));
        }
        let mut coefficients = Vec::new();
        for item in node.get("coefficients").map(Node::items).unwrap_or_default() {
            let name = item.get("name").map(Node::text).unwrap_or_default();
            let default = item.get("default").map_or(Ok(1), |value| whole(value, "default"))?;
            coefficients.push((name.to_owned(), given(name)?.unwrap_or(default)));
        }
        let mut shape = Self { node, sizes, coefficients, spaces: Vec::new() };
        for item in node.get("data_spaces").map(Node::items).unwrap_or_default() {
            let space = shape.space(item)?;
            shape.spaces.push(space);
        }
        Ok(shape)
    }

    /// Sizes of an instance that the shape has no name for.
    fn unread(&self, instance: &Node) -> Vec<UnreadSize> {
        let named = || self.sizes.iter().chain(&self.coefficients).map(|(name, _)| name.as_str());
        let unread = |(name, value): &(String, Node)| {
            if DERIVED.contains(&name.as_str()) || named().any(|known| known == name) {
                return None;
            }
            let alike = named().find(|known| known.eq_ignore_ascii_case(name));
            let hint = alike.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            let message =
                format!("`{name}` is no dimension and no coefficient of the shape, and is not read{hint}");
            Some(UnreadSize { name: name.clone(), note: value.error(message) })
        };
        instance.entries().iter().filter_map(unread).collect()
    }

    fn space(&self, item: &Node) -> Result<Space, YamlError> {
        let mut ranks = Vec::new();
        for rank in item.get("projection").map(Node::items).unwrap_or_default() {
            let terms = rank.items().iter().map(|term| {
                let mut words = term.words().into_iter();
                let dimension = words.next().unwrap_or_default();
                if !self.sizes.iter().any(|(name, _)| name == dimension) {
                    return Err(term.error(format!("`{dimension}` is not among the dimensions")));
                }
                let factor = words.try_fold(1u64, |product, word| {
                    let known = self.coefficients.iter().find(|(name, _)| name == word);
                    let (_, value) =
                        known.ok_or_else(|| term.error(format!("`{word}` is not among the coefficients")))?;
                    let product = product.checked_mul(*value);
                    product.ok_or_else(|| term.error("the product of coefficients exceeds 64 bits"))
                })?;
                Ok((dimension.to_owned(), factor))
            });
            ranks.push(terms.collect::<Result<Vec<Term>, YamlError>>()?);
        }
        let name = item.get("name").map(Node::text).unwrap_or_default().to_owned();
        let written = item.get("read_write").is_some_and(|flag| flag.text().eq_ignore_ascii_case("true"));
        Ok(Space { name, written, ranks })
    }

    /// The layer that moves the same data.
    fn problem(&self) -> Result<TimeloopProblem, YamlError> {
        let (inputs, weights, outputs) = self.roles()?;
        let tensors = [(weights, "Weights"), (inputs, "Inputs"), (outputs, "Outputs")];
        let tensors = tensors.map(|(space, name)| (space.name.clone(), name)).to_vec();
        let (layer, dimensions) = self.known(inputs, weights, outputs).unwrap_or_else(|| {
            let own = self.sizes.iter().map(|(name, _)| (name.clone(), name.clone()));
            let layer = TimeloopLayer::Contraction {
                dims: self.sizes.clone(),
                weights: weights.ranks.clone(),
                inputs: inputs.ranks.clone(),
                outputs: outputs.ranks.clone(),
            };
            (layer, own.collect())
        });
        let is_idle = |name: &String| !dimensions.iter().any(|(known, _)| known == name);
        let idle = self.sizes.iter().map(|(name, _)| name.clone()).filter(is_idle).collect();
        Ok(TimeloopProblem { layer, dimensions, tensors, idle, unread: Vec::new() })
    }

    /// The convolution or product that this is, and what its dimensions are called there.
    fn known(
        &self,
        inputs: &Space,
        weights: &Space,
        outputs: &Space,
    ) -> Option<(TimeloopLayer, Vec<(String, String)>)> {
        let windows: Vec<&Vec<Term>> = inputs.ranks.iter().filter(|rank| rank.len() > 1).collect();
        // Elsewhere a rank is one dimension, and no dimension is in two ranks.
        let is_plain = |space: &Space| space.ranks.iter().all(|rank| rank.len() == 1 && rank[0].1 == 1);
        let once = |space: &Space| {
            let mut names: Vec<&str> = space.ranks.iter().flatten().map(|(name, _)| name.as_str()).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            names.len() == all
        };
        let is_simple = is_plain(weights) && is_plain(outputs);
        let is_simple = is_simple
            && inputs.ranks.iter().all(|rank| rank.len() > 1 || rank.iter().all(|term| term.1 == 1));
        if !is_simple || ![inputs, weights, outputs].into_iter().all(once) {
            return None;
        }
        let alone = |name: &str| !windows.iter().any(|rank| rank.iter().any(|(term, _)| term == name));
        // By which data spaces a dimension moves that is no part of a window.
        let mut found: Vec<(String, u64, [bool; 3])> = Vec::new();
        for (name, size) in self.sizes.iter().filter(|(name, _)| alone(name)) {
            let moves = [inputs.uses(name), weights.uses(name), outputs.uses(name)];
            found.push((name.clone(), *size, moves));
        }
        // Nothing in place of a dimension if two have its part.
        let named = |moves: [bool; 3]| -> Option<Option<(String, u64)>> {
            let mut of_kind = found.iter().filter(|(_, size, of)| *of == moves && *size > 1);
            let (first, second) = (of_kind.next(), of_kind.next());
            let first = first.or_else(|| found.iter().find(|(_, _, of)| *of == moves));
            second.is_none().then(|| first.map(|(name, size, _)| (name.clone(), *size)))
        };
        const ALL: [bool; 3] = [true, true, true];
        const ROWS: [bool; 3] = [true, false, true];
        const COLUMNS: [bool; 3] = [false, true, true];
        const SUMS: [bool; 3] = [true, true, false];
        if found.iter().any(|(_, size, of)| *size > 1 && ![ALL, ROWS, COLUMNS, SUMS].contains(of)) {
            return None;
        }
        let mut dimensions = Vec::new();
        let product = windows.is_empty();
        let mut size = |moves, of_product: &str, of_convolution: &str| -> Option<u64> {
            let Some((name, size)) = named(moves)? else { return Some(1) };
            dimensions.push((name, (if product { of_product } else { of_convolution }).to_owned()));
            Some(size)
        };
        let (batch, rows) = (size(ALL, "B", "G")?, size(ROWS, "M", "N")?);
        let (columns, sums) = (size(COLUMNS, "N", "K")?, size(SUMS, "K", "C")?);
        if product {
            return Some((TimeloopLayer::Product { batch, m: rows, n: columns, k: sums }, dimensions));
        }
        let [first, second] = self.windows(&windows, (weights, outputs), &mut dimensions)?;
        let layer = TimeloopLayer::Convolution {
            batch: rows,
            groups: batch,
            in_channels: sums,
            out_channels: columns,
            output: [first.output, second.output],
            kernel: [first.kernel, second.kernel],
            stride: [first.stride, second.stride],
            dilation: [first.dilation, second.dilation],
        };
        Some((layer, dimensions))
    }

    /// Inputs, weights and outputs: the second operand is the weights unless a name says otherwise or a window slides over it.
    fn roles(&self) -> Result<(&Space, &Space, &Space), YamlError> {
        let read: Vec<&Space> = self.spaces.iter().filter(|space| !space.written).collect();
        let written: Vec<&Space> = self.spaces.iter().filter(|space| space.written).collect();
        let ([one, other], [outputs]) = (read.as_slice(), written.as_slice()) else {
            let message = format!(
                "{} data spaces are read and {} written, where layers here read two and write one",
                read.len(),
                written.len()
            );
            return Err(self.node.error(message));
        };
        let slides = |space: &Space| space.ranks.iter().any(|rank| rank.len() > 1);
        let is_weights = |space: &Space| space.name.eq_ignore_ascii_case("weights");
        let swap = slides(other) || (is_weights(one) && !slides(one));
        Ok(if swap { (other, one, outputs) } else { (one, other, outputs) })
    }

    /// The axes along which windows slide, the first first; an axis without a window has one point. Nothing if there are more than two, or
    /// one is not the sum of one dimension of the outputs and one of the weights.
    fn windows(
        &self,
        windows: &[&Vec<Term>],
        (weights, outputs): (&Space, &Space),
        dimensions: &mut Vec<(String, String)>,
    ) -> Option<[Window; 2]> {
        let mut axes = [Window { output: 1, kernel: 1, stride: 1, dilation: 1 }; 2];
        if windows.len() > axes.len() {
            return None;
        }
        for (axis, terms) in windows.iter().enumerate() {
            let (taps, points): (Vec<&Term>, Vec<&Term>) =
                terms.iter().partition(|(name, _)| weights.uses(name));
            let ([(tap, dilation)], [(point, stride)]) = (taps.as_slice(), points.as_slice()) else {
                return None;
            };
            if !outputs.uses(point) || outputs.uses(tap) {
                return None;
            }
            let size =
                |name: &str| self.sizes.iter().find(|(known, _)| known == name).map_or(1, |(_, size)| *size);
            axes[axis] =
                Window { output: size(point), kernel: size(tap), stride: *stride, dilation: *dilation };
            dimensions.push((point.clone(), ["P", "Q"][axis].to_owned()));
            dimensions.push((tap.clone(), ["R", "S"][axis].to_owned()));
        }
        Some(axes)
    }
}

/// One axis of a convolution.
#[derive(Clone, Copy)]
struct Window {
    output: u64,
    kernel: u64,
    stride: u64,
    dilation: u64,
}
