//! What of a mapping a level fixes, in the words of the file.

use super::text::{DataflowText, DimsText, MappingText};
use super::{AcceleratorFileError, FileFault};
use crate::loop_nest::{Architecture, Einsum, TensorSet};
use crate::mapper::{DimSet, LevelConstraints, MappingConstraints};
use crate::names::index_of;
use crate::networks::{CONV2D_DIMS, MATMUL_DIMS, is_convolution};

/// Tensors of a layer, by index.
pub(super) const TENSORS: [&str; 3] = ["Weights", "Inputs", "Outputs"];
/// Dimensions by what they do: any, those of the outputs, those that are added up, those of outputs and weights both.
const ROLES: [&str; 4] = ["all", "outputs", "reductions", "channels"];

/// What the levels of an architecture fix of mappings, as a file of its own: a table `levels.NAME` for each that fixes something, with the
/// fields of `mapping` in the file of an accelerator.
#[derive(Debug, Clone)]
pub struct Dataflow {
    /// By level, the innermost first.
    levels: Vec<LevelDataflow>,
}

impl Dataflow {
    /// Reads the dataflow of `architecture` for these layers; `path` is what errors call the file.
    ///
    /// # Errors
    /// [`AcceleratorFileError`] naming the field: a level, tensor or dimension that is not there.
    pub fn from_toml(
        text: &str,
        path: &str,
        architecture: &Architecture,
        layers: &[&Einsum],
    ) -> Result<Self, AcceleratorFileError> {
        let read = || -> Result<Self, FileFault> {
            let text: DataflowText =
                toml::from_str(text).map_err(|error| FileFault::new("", error.to_string().trim_end()))?;
            let mut levels = vec![LevelDataflow::FREE; architecture.levels().len()];
            for (name, fixed) in &text.levels {
                let field = format!("levels.{name}");
                let index = architecture.level_index(name);
                let index = index.map_err(|unknown| FileFault::new(&field, unknown.to_string()))?;
                levels[index] = LevelDataflow::read(fixed, &field, Some(layers))?;
            }
            Ok(Self { levels })
        };
        read().map_err(|fault| fault.in_file(path))
    }

    /// What it fixes of the mapping of a layer.
    pub fn constraints(&self, layer: &Einsum) -> MappingConstraints {
        constraints(self.levels.iter(), layer)
    }
}

/// What `levels`, the innermost first, fix of the mapping of a layer.
pub(super) fn constraints<'a>(
    levels: impl ExactSizeIterator<Item = &'a LevelDataflow>,
    layer: &Einsum,
) -> MappingConstraints {
    let n_levels = levels.len();
    let levels = levels.enumerate().map(|(index, level)| level.constraints(layer, index + 1 == n_levels));
    MappingConstraints { levels: levels.collect() }
}

/// What a level fixes; what is not written down is free.
#[derive(Debug, Clone)]
pub(super) struct LevelDataflow {
    /// Tensors that are kept, and no others but those of `may_keep`; free if both are absent.
    keep: Option<TensorSet>,
    may_keep: Option<TensorSet>,
    temporal: Option<Dims>,
    spatial_x: Option<Dims>,
    spatial_y: Option<Dims>,
}

/// Words for dimensions, by kind of layer.
#[derive(Debug, Clone)]
struct Dims {
    conv2d: Vec<String>,
    matmul: Vec<String>,
}

impl LevelDataflow {
    /// Anything goes.
    pub(super) const FREE: Self =
        Self { keep: None, may_keep: None, temporal: None, spatial_x: None, spatial_y: None };

    /// Reads what stands at `field`. Dimensions are those of `layers` or, without them, of any convolution and matrix product.
    pub(super) fn read(
        text: &MappingText,
        field: &str,
        layers: Option<&[&Einsum]>,
    ) -> Result<Self, FileFault> {
        let tensors = |list: &Option<Vec<String>>, what: &str| {
            list.as_ref().map(|list| tensor_set(list, &format!("{field}.{what}"))).transpose()
        };
        let dims = |text: &Option<DimsText>, what: &str| {
            text.as_ref().map(|text| Dims::read(text, &format!("{field}.{what}"), layers)).transpose()
        };
        Ok(Self {
            keep: tensors(&text.keep, "keep")?,
            may_keep: tensors(&text.may_keep, "may_keep")?,
            temporal: dims(&text.temporal, "temporal")?,
            spatial_x: dims(&text.spatial_x, "spatial_x")?,
            spatial_y: dims(&text.spatial_y, "spatial_y")?,
        })
    }

    /// What it allows of mappings of `layer`; the outermost level keeps every tensor.
    fn constraints(&self, layer: &Einsum, is_outermost: bool) -> LevelConstraints {
        let all = TensorSet::all(layer.tensors().len());
        let dims = |dims: &Option<Dims>| dims.as_ref().map_or(DimSet::ALL, |dims| dims.of(layer));
        let (must_keep, may_keep) = match (self.keep, self.may_keep) {
            _ if is_outermost => (all, TensorSet::EMPTY),
            (None, None) => (TensorSet::EMPTY, all),
            (keep, may_keep) => (keep.unwrap_or(TensorSet::EMPTY), may_keep.unwrap_or(TensorSet::EMPTY)),
        };
        LevelConstraints {
            must_keep,
            may_keep,
            temporal: dims(&self.temporal),
            spatial_x: dims(&self.spatial_x),
            spatial_y: dims(&self.spatial_y),
        }
    }
}

impl Dims {
    fn read(text: &DimsText, field: &str, layers: Option<&[&Einsum]>) -> Result<Self, FileFault> {
        let (conv2d, matmul) = match text {
            DimsText::Any(words) => (words, words),
            DimsText::ByKind(by_kind) => (&by_kind.conv2d, &by_kind.matmul),
        };
        let dims = Self { conv2d: conv2d.clone(), matmul: matmul.clone() };
        if let Some(layers) = layers {
            layers.iter().try_for_each(|layer| dims.check(layer, field))?;
            return Ok(dims);
        }
        let is_any = matches!(text, DimsText::Any(_));
        let known = |dims: &'static [&'static str]| ROLES.iter().chain(dims).copied();
        let check = |words: &[String], dims: &'static [&'static str], other: &'static [&'static str]| {
            words.iter().try_for_each(|word| {
                let is_of_other = is_any && other.contains(&word.as_str());
                match index_of("dimension", word, known(dims)) {
                    Err(unknown) if !is_of_other => Err(FileFault::new(field, unknown.to_string())),
                    _ => Ok(()),
                }
            })
        };
        check(conv2d, &CONV2D_DIMS, &MATMUL_DIMS)?;
        check(matmul, &MATMUL_DIMS, &CONV2D_DIMS)?;
        Ok(dims)
    }

    /// Whether every word means something in `layer`: `N` of a convolution is not `N` of a product.
    fn check(&self, layer: &Einsum, field: &str) -> Result<(), FileFault> {
        let own: Vec<&str> = layer.dims().iter().map(|dim| dim.name.as_str()).collect();
        let (kind, words, known) = if is_convolution(layer) {
            ("a convolution", &self.conv2d, CONV2D_DIMS.to_vec())
        } else if own.iter().all(|name| MATMUL_DIMS.contains(name)) {
            ("a matrix product", &self.matmul, MATMUL_DIMS.to_vec())
        } else {
            ("a contraction", &self.matmul, own)
        };
        let known: Vec<&str> = ROLES.into_iter().chain(known).collect();
        let Some(word) = words.iter().find(|word| !known.contains(&word.as_str())) else { return Ok(()) };
        let problem = format!(
            "`{word}` is no dimension of {kind}, expected {}; for several kinds of layers: {{ conv2d = [..], matmul = [..] }}",
            known.join(", ")
        );
        Err(FileFault::new(field, problem))
    }

    fn of(&self, layer: &Einsum) -> DimSet {
        let words = if is_convolution(layer) { &self.conv2d } else { &self.matmul };
        let uses = |tensor: &str, dim: usize| {
            let tensor =
                layer.tensor_index(tensor).expect("invariant: layers have weights, inputs and outputs");
            layer.tensors()[tensor].uses(dim)
        };
        let is_meant = |word: &String, dim: usize| match word.as_str() {
            "all" => true,
            "outputs" => uses("Outputs", dim),
            "reductions" => !uses("Outputs", dim),
            "channels" => uses("Outputs", dim) && uses("Weights", dim),
            letter => layer.dims()[dim].name == letter,
        };
        // Levels that may run anything say so in the mapper's own words.
        if words.iter().any(|word| word == "all") {
            return DimSet::ALL;
        }
        (0..layer.dims().len()).filter(|&dim| words.iter().any(|word| is_meant(word, dim))).collect()
    }
}

fn tensor_set(list: &[String], field: &str) -> Result<TensorSet, FileFault> {
    list.iter().try_fold(TensorSet::EMPTY, |set, name| {
        let index = index_of("tensor", name, TENSORS.iter().copied());
        index.map(|index| set.with(index)).map_err(|unknown| FileFault::new(field, unknown.to_string()))
    })
}
