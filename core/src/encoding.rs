//! Every way to turn a design into numbers, and back.

use serde::{Deserialize, Serialize};

use crate::parameter::{Domain, Parameter};
use crate::space::{Design, DesignSpace};

/// How a design becomes a vector of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// The level of each parameter, one column each: 0, 1, 2, ...
    LevelIndex,
    /// The level of each parameter spread evenly over [0, 1], one column each; 0.5 if there is but one.
    UnitCube,
    /// log2 of each number (the number itself where a parameter has levels at or below 0); a column for each category.
    Log2OneHot,
    /// A column for each level of each parameter, 1 for the level taken.
    OneHot,
}

/// An encoding of one space: vectors of fixed dimension `d`.
#[derive(Debug, Clone)]
pub struct Encoder {
    space: DesignSpace,
    encoding: Encoding,
    dimension: usize,
}

impl Encoder {
    /// The encoder of `space` in this encoding.
    pub fn new(space: &DesignSpace, encoding: Encoding) -> Self {
        let dimension = space.parameters().iter().map(|parameter| width(parameter, encoding)).sum();
        Self { space: space.clone(), encoding, dimension }
    }

    /// The length `d` of every vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The encoding.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// A name for each column, shape `[d]`: the parameter's, with `=level` where a column stands for one level.
    pub fn columns(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.dimension);
        for parameter in self.space.parameters() {
            if width(parameter, self.encoding) == 1 && !is_spread(parameter, self.encoding) {
                names.push(parameter.name().to_owned());
            } else {
                names.extend(
                    (0..parameter.n_levels())
                        .map(|level| format!("{}={}", parameter.name(), parameter.value(level))),
                );
            }
        }
        names
    }

    /// The design as numbers, shape `[d]`.
    pub fn encode(&self, design: &Design) -> Vec<f64> {
        let mut row = vec![0.0; self.dimension];
        self.encode_into(design, &mut row);
        row
    }

    /// Writes the design as numbers into `row`, shape `[d]`.
    ///
    /// # Panics
    /// If `row` has another length.
    pub fn encode_into(&self, design: &Design, row: &mut [f64]) {
        assert_eq!(row.len(), self.dimension, "a row has one entry for each encoded dimension");
        let mut at = 0;
        for (parameter, &level) in self.space.parameters().iter().zip(design.levels()) {
            let columns = &mut row[at..at + width(parameter, self.encoding)];
            at += columns.len();
            if is_spread(parameter, self.encoding) {
                columns.fill(0.0);
                columns[level as usize] = 1.0;
                continue;
            }
            columns[0] = match self.encoding {
                Encoding::LevelIndex => f64::from(level),
                Encoding::UnitCube => unit(level, parameter.n_levels()),
                Encoding::Log2OneHot | Encoding::OneHot => log2_or_plain(parameter, level),
            };
        }
    }

    /// The legal design nearest to `row`, shape `[d]`: per parameter the nearest level, then [`DesignSpace::repair`].
    ///
    /// Decoding what was encoded gives the same design.
    ///
    /// # Panics
    /// If `row` has another length.
    pub fn decode(&self, row: &[f64]) -> Design {
        assert_eq!(row.len(), self.dimension, "a row has one entry for each encoded dimension");
        let mut at = 0;
        let nearest = |parameter: &Parameter| {
            let columns = &row[at..at + width(parameter, self.encoding)];
            at += columns.len();
            if is_spread(parameter, self.encoding) {
                let largest =
                    columns.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
                return largest.map_or(0, |(level, _)| level as u32);
            }
            let last = parameter.n_levels() - 1;
            let rounded = |position: f64| position.round().clamp(0.0, f64::from(last)) as u32; // NaN becomes 0
            match self.encoding {
                Encoding::LevelIndex => rounded(columns[0]),
                Encoding::UnitCube => rounded(columns[0] * f64::from(last)),
                Encoding::Log2OneHot | Encoding::OneHot => {
                    let distance = |&level: &u32| (log2_or_plain(parameter, level) - columns[0]).abs();
                    (0..=last)
                        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
                        .expect("a parameter has a level")
                }
            }
        };
        let levels: Vec<u32> = self.space.parameters().iter().map(nearest).collect();
        self.space.repair(&levels)
    }
}

/// `level` of `n_levels` as a position in [0, 1].
pub fn unit(level: u32, n_levels: u32) -> f64 {
    if n_levels == 1 { 0.5 } else { f64::from(level) / f64::from(n_levels - 1) }
}

/// Whether the parameter takes a column for each level.
fn is_spread(parameter: &Parameter, encoding: Encoding) -> bool {
    match encoding {
        Encoding::LevelIndex | Encoding::UnitCube => false,
        Encoding::Log2OneHot => parameter.is_categorical(),
        Encoding::OneHot => true,
    }
}

fn width(parameter: &Parameter, encoding: Encoding) -> usize {
    if is_spread(parameter, encoding) { parameter.n_levels() as usize } else { 1 }
}

fn log2_or_plain(parameter: &Parameter, level: u32) -> f64 {
    let number = parameter.number(level).expect("categories are spread over columns");
    let is_positive = match parameter.domain() {
        Domain::Ordinal(levels) => levels[0] > 0.0,
        Domain::Integer { low, .. } => *low > 0,
        Domain::Categorical(_) => false,
    };
    if is_positive { number.log2() } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn space() -> DesignSpace {
        let parameters = vec![
            Parameter::power_of_two("rows", 2, 64),
            Parameter::integer("offset", -2, 2),
            Parameter::categorical("order", &["row", "column", "tile"]),
            Parameter::ordinal("fixed", [3]),
        ];
        DesignSpace::new(parameters, Vec::new()).unwrap()
    }

    /// Law: decode after encode is the identity, in every encoding.
    #[test]
    fn decoding_undoes_encoding() {
        let space = space();
        let mut rng = Seed::new(1).stream("test");
        for encoding in [Encoding::LevelIndex, Encoding::UnitCube, Encoding::Log2OneHot, Encoding::OneHot] {
            let encoder = Encoder::new(&space, encoding);
            assert_eq!(encoder.columns().len(), encoder.dimension());
            for _ in 0..100 {
                let design = space.sample(&mut rng);
                assert_eq!(encoder.decode(&encoder.encode(&design)), design, "{encoding:?}");
            }
        }
    }

    /// rows = 8 is log2 3, offset = -1 stays as it is because its levels reach below 0, column is the second category.
    #[test]
    fn log2_one_hot_by_hand() {
        let space = space();
        let design = space.design(&[2, 1, 1, 0]).unwrap();
        let encoder = Encoder::new(&space, Encoding::Log2OneHot);
        assert_eq!(encoder.encode(&design), [3.0, -1.0, 0.0, 1.0, 0.0, 3f64.log2()]);
        assert_eq!(encoder.columns(), ["rows", "offset", "order=row", "order=column", "order=tile", "fixed"]);
    }
}
