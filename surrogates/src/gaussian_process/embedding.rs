//! Designs as coordinates: ordered levels in the unit interval, categories as they are.

use tapeout_core::encoding::unit;
use tapeout_core::{Design, DesignSpace};

/// How two levels of a parameter differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// By the square of their distance, which is 1 between the first and the last level.
    Ordered,
    /// By 1 if they are not the same.
    Categorical,
}

/// The coordinates of a space: one for each parameter that has a choice.
///
/// Neighbouring levels of an ordered parameter are equally far apart whatever their numbers: whoever lists 16, 32, 64, 128
/// says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// The parameter behind each coordinate and its number of levels, shape `[d]`.
    parameters: Vec<(usize, u32)>,
    differences: Vec<Difference>,
}

impl Embedding {
    /// The coordinates of `space`.
    pub fn new(space: &DesignSpace) -> Self {
        let (mut parameters, mut differences) = (Vec::new(), Vec::new());
        for (index, parameter) in space.parameters().iter().enumerate() {
            if parameter.n_levels() > 1 {
                parameters.push((index, parameter.n_levels()));
                let is_categorical = parameter.is_categorical();
                differences.push(if is_categorical { Difference::Categorical } else { Difference::Ordered });
            }
        }
        Self { parameters, differences }
    }

    /// How many coordinates there are, `d`.
    pub fn dimension(&self) -> usize {
        self.parameters.len()
    }

    /// How each coordinate differs, shape `[d]`.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// The coordinates of a design, shape `[d]`.
    pub fn embed(&self, design: &Design) -> Vec<f64> {
        let coordinate = |(&(index, n_levels), difference): (&(usize, u32), &Difference)| match difference {
            Difference::Ordered => unit(design.levels()[index], n_levels),
            Difference::Categorical => f64::from(design.levels()[index]),
        };
        self.parameters.iter().zip(&self.differences).map(coordinate).collect()
    }
}

/// Points in an embedding, kept by coordinate.
#[derive(Debug, Clone)]
pub struct Points {
    embedding: Embedding,
    /// Shape `[d][n]`.
    columns: Vec<Vec<f64>>,
    n: usize,
}

impl Points {
    /// No point yet.
    pub fn new(embedding: Embedding) -> Self {
        Self { columns: vec![Vec::new(); embedding.dimension()], embedding, n: 0 }
    }

    /// Where they lie.
    pub fn embedding(&self) -> &Embedding {
        &self.embedding
    }

    /// How many there are, `n`.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// One more point, shape `[d]`.
    pub fn push(&mut self, point: &[f64]) {
        assert_eq!(point.len(), self.columns.len(), "a point has one coordinate for each column");
        for (column, &coordinate) in self.columns.iter_mut().zip(point) {
            column.push(coordinate);
        }
        self.n += 1;
    }

    /// The point at `index`, shape `[d]`.
    pub fn point(&self, index: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[index]).collect()
    }

    /// Adds the weighted squared distances between `point` and the first `sums.len()` points to `sums`.
    ///
    /// `point` and `weights`: shape `[d]`.
    pub fn add_squared_distances(&self, point: &[f64], weights: &[f64], sums: &mut [f64]) {
        for (index, &weight) in weights.iter().enumerate() {
            self.add_squared_distances_along(index, point[index], weight, sums);
        }
    }

    /// The part of [`Points::add_squared_distances`] that the coordinate at `index` has.
    pub fn add_squared_distances_along(&self, index: usize, coordinate: f64, weight: f64, sums: &mut [f64]) {
        let column = &self.columns[index][..sums.len()];
        match self.embedding.differences[index] {
            Difference::Ordered => {
                for (sum, &other) in sums.iter_mut().zip(column) {
                    let difference = coordinate - other;
                    *sum += weight * difference * difference;
                }
            }
            Difference::Categorical => {
                for (sum, &other) in sums.iter_mut().zip(column) {
                    *sum += if coordinate == other { 0.0 } else { weight };
                }
            }
        }
    }
}
