//! A network in the making: layers in the order of a file, and what of the file is no layer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::network::Parts;
use super::super::{Extras, Layer, NetworkError, NetworkProblem, NeuralNetwork, Op, Outside};
use super::onnx::Found;
use super::open::NetworkForm;

/// A network out of a file, and what of the file is no layer of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedNetwork {
    /// The network.
    pub network: NeuralNetwork,
    /// What the file was.
    pub form: NetworkForm,
    /// What of the file no layer stands for, by operator.
    pub left_out: Vec<LeftOut>,
    /// Whether it depends on files beside its own, as a template does that includes some.
    pub reads_others: bool,
}

/// Operators of one kind that no layer stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The operator, in the file's words.
    pub operator: String,
    /// How many there are.
    pub count: u64,
    /// Why they are no layers.
    pub why: &'static str,
}

/// Layers and what is left out, as a reader meets them.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    path: &'a str,
    layers: Vec<Layer>,
    names: BTreeSet<String>,
    left_out: BTreeMap<(String, &'static str), u64>,
    outside: Vec<Outside>,
}

impl<'a> Draft<'a> {
    /// Nothing of the file at `path` yet.
    pub(super) fn new(path: &'a str) -> Self {
        Self {
            path,
            layers: Vec::new(),
            names: BTreeSet::new(),
            left_out: BTreeMap::new(),
            outside: Vec::new(),
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &'a str {
        self.path
    }

    /// The layers so far.
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// How often an operator is no layer, and why, so far.
    pub(super) fn left_out(&self) -> &BTreeMap<(String, &'static str), u64> {
        &self.left_out
    }

    /// An error on this line of the file; none if it has no lines.
    pub(super) fn error(&self, line: Option<usize>, problem: NetworkProblem) -> NetworkError {
        NetworkError { path: self.path.to_owned(), line, problem }
    }

    /// An error in words.
    pub(super) fn fault(&self, line: Option<usize>, message: impl Into<String>) -> NetworkError {
        self.error(line, NetworkProblem::Syntax(message.into()))
    }

    /// Adds a layer; one of a name that is taken gets a number behind it.
    pub(super) fn layer(
        &mut self,
        line: Option<usize>,
        name: &str,
        op: Op,
        extras: Extras,
    ) -> Result<(), NetworkError> {
        let name = self.free_name(name);
        let layer = Layer::new(&name, op).and_then(|layer| layer.with_extras(extras)).map_err(|reason| {
            self.error(line, NetworkProblem::Layer { name: name.clone(), reason: Box::new(reason) })
        })?;
        self.names.insert(name);
        self.layers.push(layer);
        Ok(())
    }

    /// Adds a layer that runs several times, on `copies` sets of weights.
    pub(super) fn repeated(&mut self, name: &str, found: &Found, copies: u64) -> Result<(), NetworkError> {
        let name = self.free_name(name);
        let layer = Layer::new(&name, found.op.clone()).and_then(|layer| layer.repeated(found.count));
        let layer =
            layer.and_then(
                |layer| if found.op.has_weights() { layer.with_weight_copies(copies) } else { Ok(layer) },
            );
        let layer = layer.and_then(|layer| layer.with_extras(found.extras)).map_err(|reason| {
            self.error(None, NetworkProblem::Layer { name: name.clone(), reason: Box::new(reason) })
        })?;
        self.names.insert(name);
        self.layers.push(layer);
        Ok(())
    }

    /// Notes parameters that no layer multiplies by.
    pub(super) fn outside(&mut self, outside: Outside) {
        self.outside.push(outside);
    }

    fn free_name(&self, name: &str) -> String {
        if !self.names.contains(name) {
            return name.to_owned();
        }
        let numbered = (2u64..).map(|number| format!("{name}#{number}"));
        numbered
            .into_iter()
            .find(|name| !self.names.contains(name))
            .expect("invariant: names are finitely many")
    }

    /// Notes an operator that no layer stands for.
    pub(super) fn leave_out(&mut self, operator: &str, why: &'static str) {
        *self.left_out.entry((operator.to_owned(), why)).or_default() += 1;
    }

    /// The network, named after its file.
    pub(super) fn finish(self, form: NetworkForm, notes: &str) -> Result<ImportedNetwork, NetworkError> {
        let stem = Path::new(self.path)
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let file = Path::new(self.path)
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let parts = Parts {
            id: stem,
            title: format!("{file}, as {form} has it"),
            source: file,
            licence: String::new(),
            notes: notes.to_owned(),
            published_macs: None,
            published_parameters: None,
            outside: self.outside,
            layers: self.layers,
        };
        let path = self.path.to_owned();
        let network =
            NeuralNetwork::from_parts(parts).map_err(|problem| NetworkError { path, line: None, problem })?;
        let left_out = self.left_out.into_iter();
        let left_out = left_out.map(|((operator, why), count)| LeftOut { operator, count, why }).collect();
        Ok(ImportedNetwork { network, form, left_out, reads_others: false })
    }
}
