//! Quantities that are known to matter: products of parameters.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Design, DesignSpace, SpaceError};

/// Levels of a factor, at most: their numbers are kept. Ours: more than any list that people write.
const MOST_LEVELS: u32 = 65_536;

/// A quantity of a design that is a product of some of its parameters, such as all multiply-accumulate units of a chip. Models learn from its
/// logarithm beside the parameters themselves: trees would need a split for each level of each factor to see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    name: String,
    about: String,
    /// For each factor its parameter, and the number at each level; shape `[factors][levels]`.
    factors: Vec<(usize, Vec<f64>)>,
}

impl Product {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in a few words.
    pub fn summary(&self) -> &str {
        &self.about
    }

    /// The indices of the parameters that are multiplied.
    pub fn factors(&self) -> impl Iterator<Item = usize> {
        self.factors.iter().map(|&(parameter, _)| parameter)
    }

    /// The natural logarithm of the product, for a design of its space. It is of the numbers multiplied, so that 2 x 8 and 4 x 4 are the same.
    pub fn ln(&self, design: &Design) -> f64 {
        let numbers =
            self.factors.iter().map(|(parameter, numbers)| numbers[design.levels()[*parameter] as usize]);
        numbers.product::<f64>().ln()
    }

    /// The least and the largest logarithm that there is without rules.
    pub fn ln_range(&self) -> (f64, f64) {
        let ends = |of: fn(f64, f64) -> f64, from: f64| -> f64 {
            let ends = self.factors.iter().map(|(_, numbers)| numbers.iter().copied().fold(from, of));
            ends.product::<f64>().ln()
        };
        (ends(f64::min, f64::INFINITY), ends(f64::max, f64::NEG_INFINITY))
    }
}

/// A product as files state it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductText {
    /// What it is called.
    pub name: String,
    /// The parameters that are multiplied.
    pub of: Vec<String>,
    /// What it is, in a few words.
    #[serde(default)]
    pub about: String,
}

impl DesignSpace {
    /// This space with these products, and no other.
    ///
    /// # Errors
    /// As [`DesignSpace::with_product`].
    pub fn with_products(&self, stated: &[ProductText]) -> Result<Self, SpaceError> {
        let none = Self { products: Arc::new([]), ..self.clone() };
        stated.iter().try_fold(none, |space, ProductText { name, of, about }| {
            space.with_product(name, &of.iter().map(String::as_str).collect::<Vec<_>>(), about)
        })
    }

    /// The products of this space, as files state them.
    pub fn product_texts(&self) -> Vec<ProductText> {
        let of = |product: &Product| {
            product.factors().map(|index| self.parameters()[index].name().to_owned()).collect()
        };
        let text = |it: &Product| ProductText { name: it.name.clone(), of: of(it), about: it.about.clone() };
        self.products().iter().map(text).collect()
    }

    /// This space with one more quantity that is known to matter, the product of `parameters`. Which designs there are does not change.
    ///
    /// # Errors
    /// [`SpaceError`] if the name stands for a parameter or another product, fewer than two parameters are named, or one of them is
    /// unknown, stands twice, has more than 65,536 levels or one that is not a positive number, or the product is too large or too small for a
    /// number.
    pub fn with_product(&self, name: &str, parameters: &[&str], about: &str) -> Result<Self, SpaceError> {
        let bad = |fault| SpaceError::BadProduct { product: name.to_owned(), fault };
        let is_taken =
            self.parameters().iter().map(|it| it.name()).chain(self.products().iter().map(Product::name));
        if is_taken.into_iter().any(|it| it == name) {
            return Err(bad("has the name of something else".to_owned()));
        }
        if parameters.len() < 2 {
            return Err(bad("needs two parameters at least".to_owned()));
        }
        let mut factors: Vec<(usize, Vec<f64>)> = Vec::new();
        for factor in parameters {
            let index = self.index_of(factor).map_err(|error| bad(error.to_string()))?;
            if factors.iter().any(|(other, _)| *other == index) {
                return Err(bad(format!("names `{factor}` twice")));
            }
            let parameter = &self.parameters()[index];
            if parameter.n_levels() > MOST_LEVELS {
                return Err(bad(format!("has a factor `{factor}` of more than {MOST_LEVELS} levels")));
            }
            let number = |level| parameter.number(level).filter(|&it| it > 0.0);
            let numbers: Option<Vec<f64>> = (0..parameter.n_levels()).map(number).collect();
            let numbers = numbers.ok_or_else(|| {
                bad(format!("has a factor `{factor}` that is not always a positive number"))
            })?;
            factors.push((index, numbers));
        }
        let product = Product { name: name.to_owned(), about: about.to_owned(), factors };
        let (low, high) = product.ln_range();
        if !(low.is_finite() && high.is_finite()) {
            return Err(bad("is too large or too small for a number".to_owned()));
        }
        let products: Arc<[Product]> = self.products().iter().cloned().chain([product]).collect();
        Ok(Self { products, ..self.clone() })
    }

    /// Quantities that are known to matter, in the order in which they were stated.
    pub fn products(&self) -> &[Product] {
        &self.products
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameter;

    fn space() -> DesignSpace {
        let parameters = vec![
            Parameter::ordinal("rows", [2, 8]),
            Parameter::integer("lanes", 1, 4),
            Parameter::categorical("order", &["row", "column"]),
            Parameter::integer("offset", 0, 3),
            Parameter::integer("seed", 1, 100_000),
        ];
        DesignSpace::new(parameters, Vec::new()).unwrap()
    }

    /// 8 rows of 3 lanes are 24; 2 to 32 are possible. The designs are those of before, in a part of the space too.
    #[test]
    fn a_product_by_hand() {
        let space = space().with_product("macs", &["rows", "lanes"], "units").unwrap();
        let product = &space.products()[0];
        let design = space.design(&[1, 2, 0, 0, 0]).unwrap();
        assert!((product.ln(&design) - 24f64.ln()).abs() < 1e-12);
        // 2 x 4 and 8 x 1 are one number.
        let ln = |levels: &[u32]| product.ln(&space.design(levels).unwrap());
        assert_eq!(ln(&[0, 3, 0, 0, 0]), ln(&[1, 0, 0, 0, 0]));
        let (low, high) = product.ln_range();
        assert!((low - 2f64.ln()).abs() < 1e-12 && (high - 32f64.ln()).abs() < 1e-12);
        assert_eq!(space.fingerprint(), self::space().fingerprint());
        assert_eq!(self::space().with_products(&space.product_texts()).unwrap().products(), space.products());
        assert!(space.with_products(&[]).unwrap().products().is_empty());
        let part = space.narrowed(&[vec![1], vec![0, 2], vec![0, 1], vec![0], vec![0]]).unwrap();
        let design = part.design(&[0, 1, 1, 0, 0]).unwrap();
        assert!((part.products()[0].ln(&design) - 24f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_product_is_refused() {
        let space = space().with_product("macs", &["rows", "lanes"], "units").unwrap();
        for (name, factors, fault) in [
            ("macs", ["rows", "lanes"].as_slice(), "the name of something else"),
            ("rows", &["rows", "lanes"], "the name of something else"),
            ("a", &["rows"], "two parameters"),
            ("a", &["rows", "rows"], "twice"),
            ("a", &["rows", "lane"], "unknown parameter `lane`"),
            ("a", &["rows", "order"], "`order` that is not always a positive number"),
            ("a", &["rows", "seed"], "more than 65536 levels"),
            ("a", &["rows", "offset"], "`offset` that is not always a positive number"),
        ] {
            let error = space.with_product(name, factors, "").unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }
}
