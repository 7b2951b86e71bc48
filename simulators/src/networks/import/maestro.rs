//! Networks of MAESTRO: layers with a type, a stride and sizes. The dataflow of a mapping is passed over.
//!
//! Source: Kwon et al. (2019), doi:10.1145/3352460.3358252; `DFSL_syntax_tokens.hpp` and `ConstructConvDimensionTable` of the
//! cost model: Y and X are sizes of the input, nothing is padded, and the output has `(input - kernel) / stride + 1` points,
//! rounded down; Y' and X' are sizes of the output. Of the types, CONV, DSCONV (a filter for each of C channels) and GEMM
//! (K is the length of the sums) are layers here.

use std::collections::BTreeMap;

use super::super::{Conv2d, Extras, MatMul, NetworkError, Op, SecondOperand};
use super::draft::{Draft, ImportedNetwork};
use super::open::NetworkForm;

/// What stands in the notes of the network.
const NOTES: &str = "Nothing is padded beyond the sizes of the inputs as given.";

/// A word, a number or a sign, and the line it stands on.
type Token<'a> = (usize, &'a str);

pub(super) fn read(text: &str, path: &str) -> Result<ImportedNetwork, NetworkError> {
    let mut reader =
        Reader { tokens: tokens(text), next: 0, draft: Draft::new(path), constants: BTreeMap::new() };
    while let Some((line, word)) = reader.take() {
        match word {
            "Constant" => reader.constant()?,
            "Network" => {
                reader.take();
                reader.expect("{")?;
                reader.layers()?;
            }
            other => {
                let message = format!("`{other}`, expected `Network NAME {{` or `Constant NAME NUMBER;`");
                return Err(reader.draft.fault(Some(line), message));
            }
        }
    }
    reader.draft.finish(NetworkForm::Maestro, NOTES)
}

/// Words and signs outside of comments.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut rest = line.split("//").next().unwrap_or_default().trim_start();
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'' | '-');
            let end = match rest.find(|c| !is_word(c)) {
                _ if !is_word(first) => first.len_utf8(),
                end => end.unwrap_or(rest.len()),
            };
            let (token, behind) = rest.split_at(end);
            tokens.push((index + 1, token));
            rest = behind.trim_start();
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    draft: Draft<'a>,
    constants: BTreeMap<&'a str, u64>,
}

/// What stands in the braces of a layer.
#[derive(Default)]
struct LayerText<'a> {
    kind: &'a str,
    stride: BTreeMap<&'a str, u64>,
    sizes: BTreeMap<&'a str, u64>,
}

impl<'a> Reader<'a> {
    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.next).copied();
        self.next += 1;
        token
    }

    /// The next token, where the file may not end.
    fn need(&mut self, expected: &str) -> Result<Token<'a>, NetworkError> {
        let last = self.tokens.last().map(|(line, _)| *line);
        let token = self.take();
        token.ok_or_else(|| self.draft.fault(last, format!("the file ends, expected {expected}")))
    }

    fn expect(&mut self, sign: &str) -> Result<(), NetworkError> {
        let (line, got) = self.need(&format!("`{sign}`"))?;
        if got == sign {
            Ok(())
        } else {
            Err(self.draft.fault(Some(line), format!("`{got}`, expected `{sign}`")))
        }
    }

    fn constant(&mut self) -> Result<(), NetworkError> {
        let (_, name) = self.need("the name of a constant")?;
        let value = self.number()?;
        self.constants.insert(name, value);
        self.expect(";")
    }

    /// A number, or the constant of that name.
    fn number(&mut self) -> Result<u64, NetworkError> {
        let (line, text) = self.need("a whole number")?;
        let constant = self.constants.get(text).copied();
        constant.or_else(|| text.parse().ok()).ok_or_else(|| {
            self.draft.fault(Some(line), format!("`{text}`, expected a whole number or a constant"))
        })
    }

    /// The layers of a network, up to its brace.
    fn layers(&mut self) -> Result<(), NetworkError> {
        loop {
            let (line, word) = self.need("`Layer` or `}`")?;
            match word {
                "}" => return Ok(()),
                "Layer" => {
                    let (_, name) = self.need("the name of a layer")?;
                    self.expect("{")?;
                    let layer = self.layer()?;
                    self.add(line, name, &layer)?;
                }
                other => {
                    return Err(self.draft.fault(Some(line), format!("`{other}`, expected `Layer` or `}}`")));
                }
            }
        }
    }

    fn layer(&mut self) -> Result<LayerText<'a>, NetworkError> {
        let mut layer = LayerText::default();
        loop {
            let (line, word) = self.need("`}`")?;
            match word {
                "}" => return Ok(layer),
                "Type" => {
                    self.expect(":")?;
                    layer.kind = self.need("a type")?.1;
                }
                "Stride" => layer.stride = self.sizes()?,
                "Dimensions" => layer.sizes = self.sizes()?,
                "Dataflow" => self.pass_over()?,
                other => {
                    let message = format!("`{other}`, expected `Type`, `Stride`, `Dimensions` or `Dataflow`");
                    return Err(self.draft.fault(Some(line), message));
                }
            }
        }
    }

    /// `{ K: 64, C: 3 }`.
    fn sizes(&mut self) -> Result<BTreeMap<&'a str, u64>, NetworkError> {
        let mut sizes = BTreeMap::new();
        self.expect("{")?;
        loop {
            let (_, name) = self.need("a dimension or `}`")?;
            match name {
                "}" => return Ok(sizes),
                "," | ";" => {}
                name => {
                    self.expect(":")?;
                    let size = self.number()?;
                    sizes.insert(name, size);
                }
            }
        }
    }

    /// Braces and all that is in them.
    fn pass_over(&mut self) -> Result<(), NetworkError> {
        self.expect("{")?;
        let mut depth = 1;
        while depth > 0 {
            match self.need("`}`")?.1 {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, line: usize, name: &str, layer: &LayerText<'_>) -> Result<(), NetworkError> {
        let op = match layer.kind {
            "CONV" => layer.convolution(false).map(Op::Conv2d),
            "DSCONV" => layer.convolution(true).map(Op::Conv2d),
            "GEMM" => layer.product().map(Op::MatMul),
            other => {
                let why = "MAESTRO's sizes of this type are not those of one convolution or product";
                self.draft.leave_out(other, why);
                return Ok(());
            }
        };
        let op = op.map_err(|message| self.draft.fault(Some(line), format!("layer `{name}`: {message}")))?;
        self.draft.layer(Some(line), name, op, Extras::default())
    }
}

impl LayerText<'_> {
    fn size(&self, name: &str) -> Result<u64, String> {
        self.sizes.get(name).copied().ok_or_else(|| format!("`Dimensions` has no `{name}`"))
    }

    fn product(&self) -> Result<MatMul, String> {
        let (m, n, k) = (self.size("M")?, self.size("N")?, self.size("K")?);
        Ok(MatMul { batch: 1, m, n, k, second: SecondOperand::Weight })
    }

    fn convolution(&self, is_depthwise: bool) -> Result<Conv2d, String> {
        let (channels, kernel) = (self.size("C")?, [self.size("R")?, self.size("S")?]);
        let axes = ["Y", "X"];
        let stride = axes.map(|axis| self.stride.get(axis).copied().unwrap_or(1));
        let mut output = [0; 2];
        for (axis, name) in axes.into_iter().enumerate() {
            output[axis] = match self.size(&format!("{name}'")) {
                Ok(outputs) => outputs,
                Err(_) => {
                    let input = self.size(name)?;
                    let steps =
                        input.checked_sub(kernel[axis]).zip(Some(stride[axis]).filter(|stride| *stride > 0));
                    let (free, stride) = steps.ok_or_else(|| {
                        format!(
                            "a filter of {} points over an input of {input}, by steps of {}",
                            kernel[axis], stride[axis]
                        )
                    })?;
                    free / stride + 1
                }
            };
        }
        Ok(Conv2d {
            batch: self.sizes.get("N").copied().unwrap_or(1),
            in_channels: channels,
            out_channels: if is_depthwise { channels } else { self.size("K")? },
            output,
            kernel,
            stride,
            dilation: [1; 2],
            padding: [0; 2],
            groups: if is_depthwise { channels } else { 1 },
        })
    }
}
