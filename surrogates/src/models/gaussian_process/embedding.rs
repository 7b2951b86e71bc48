//! Designs as coordinates: where a level lies in the unit interval, and which level it is.

use serde::{Deserialize, Serialize};
use tapeout_core::encoding::unit;
use tapeout_core::{Design, DesignSpace, Parameter, Product};

/// How two levels of a parameter differ along a coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoordinateKind {
    /// By the square of their distance, which is 1 between the first and the last level.
    Ordered,
    /// By 1 if they are not the same.
    Categorical,
}

/// The coordinates of a space.
///
/// A category has one, categorical, and a parameter of two ordered levels one, ordered. A parameter of more ordered levels has
/// both: what is along the first says how far apart two levels are, along the second only that they are not the same.
/// Hardware has trends in a size and, beside them, sizes that fit (a multiple of a warp) next to sizes that do not; with a
/// length scale for each coordinate, data decide how much of which there is. Behind these each product that the space knows of has one, ordered, by
/// its logarithm.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    coordinates: Vec<Coordinate>,
    products: Vec<Product>,
    kinds: Vec<CoordinateKind>,
    n_free: usize,
}

/// A parameter, and where each of its levels lies.
#[derive(Debug, Clone, PartialEq)]
struct Coordinate {
    parameter: usize,
    /// Shape `[levels]`.
    positions: Vec<f64>,
}

impl Embedding {
    /// The coordinates of `space`; parameters without a choice have none.
    pub fn new(space: &DesignSpace) -> Self {
        let (mut coordinates, mut kinds) = (Vec::new(), Vec::new());
        let free = space.parameters().iter().enumerate().filter(|(_, parameter)| parameter.n_levels() > 1);
        let n_free = free.clone().count();
        for (index, parameter) in free {
            if !parameter.is_categorical() {
                coordinates.push(Coordinate { parameter: index, positions: positions(parameter) });
                kinds.push(CoordinateKind::Ordered);
            }
            if parameter.is_categorical() || parameter.n_levels() > 2 {
                let positions = (0..parameter.n_levels()).map(f64::from).collect();
                coordinates.push(Coordinate { parameter: index, positions });
                kinds.push(CoordinateKind::Categorical);
            }
        }
        let products = space.products().to_vec();
        kinds.extend(products.iter().map(|_| CoordinateKind::Ordered));
        Self { coordinates, products, kinds, n_free }
    }

    /// The same with `n` more ordered coordinates, which are no design's: whoever embeds appends them.
    #[must_use]
    pub fn with_more_ordered(mut self, n: usize) -> Self {
        self.kinds.extend(std::iter::repeat_n(CoordinateKind::Ordered, n));
        self
    }

    /// How many coordinates there are, `d`.
    pub fn dimension(&self) -> usize {
        self.kinds.len()
    }

    /// How many parameters have a choice.
    pub fn n_free(&self) -> usize {
        self.n_free
    }

    /// How designs differ along each coordinate, shape `[d]`.
    pub fn kinds(&self) -> &[CoordinateKind] {
        &self.kinds
    }

    /// The coordinates of a design, shape `[d]`, without those that are no design's.
    pub fn embed(&self, design: &Design) -> Vec<f64> {
        let levels = design.levels();
        let of_parameters = self
            .coordinates
            .iter()
            .map(|coordinate| coordinate.positions[levels[coordinate.parameter] as usize]);
        of_parameters.chain(self.products.iter().map(|product| within(product, design))).collect()
    }
}

/// Where a product lies between the least and the largest that there is, by logarithms; in the middle if they are the same.
fn within(product: &Product, design: &Design) -> f64 {
    let (low, high) = product.ln_range();
    if high > low { (product.ln(design) - low) / (high - low) } else { 0.5 }
}

/// The levels of an ordered parameter in the unit interval: by their logarithms where all are positive, since sizes act by
/// their ratios, and else evenly.
fn positions(parameter: &Parameter) -> Vec<f64> {
    let number = |level| parameter.number(level).expect("an ordered parameter's levels are numbers");
    let last = parameter.n_levels() - 1;
    let (low, high) = (number(0), number(last));
    let position = |level| {
        if low > 0.0 { (number(level) / low).ln() / (high / low).ln() } else { unit(level, last + 1) }
    };
    (0..=last).map(position).collect()
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

    /// The embedding in which the points lie.
    pub fn embedding(&self) -> &Embedding {
        &self.embedding
    }

    /// How many points there are, `n`.
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
        match self.embedding.kinds[index] {
            CoordinateKind::Ordered => {
                for (sum, &other) in sums.iter_mut().zip(column) {
                    let difference = coordinate - other;
                    *sum += weight * difference * difference;
                }
            }
            CoordinateKind::Categorical => {
                for (sum, &other) in sums.iter_mut().zip(column) {
                    *sum += if coordinate == other { 0.0 } else { weight };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2, 8, 32 lie at 0, 1/2, 1 by their logarithms; 0 to 4 evenly; two levels need one coordinate, one level none.
    #[test]
    fn an_embedding_by_hand() {
        let parameters = vec![
            Parameter::ordinal("tile", [2, 8, 32]),
            Parameter::integer("offset", 0, 4),
            Parameter::ordinal("fixed", [3]),
            Parameter::ordinal("cached", [0, 1]),
            Parameter::categorical("order", &["row", "column", "tile"]),
        ];
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        let embedding = Embedding::new(&space);
        let design = space.design(&[1, 3, 0, 1, 2]).unwrap();
        let expected = [0.5, 1.0, 0.75, 3.0, 1.0, 2.0];
        let is_near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
        assert!(embedding.embed(&design).iter().zip(&expected).all(is_near));
        assert_eq!((embedding.dimension(), embedding.n_free()), (6, 4));
        let (o, c) = (CoordinateKind::Ordered, CoordinateKind::Categorical);
        assert_eq!(embedding.kinds(), [o, c, o, c, o, c]);
        // 8 times 3 of 6 to 96: half of the way.
        let embedding = Embedding::new(&space.with_product("area", &["tile", "fixed"], "").unwrap());
        assert_eq!((embedding.dimension(), embedding.n_free()), (7, 4));
        assert!((embedding.embed(&design)[6] - 0.5).abs() < 1e-12);
    }
}
