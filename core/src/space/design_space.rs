//! Parameters, the rules that tie them together, and the legal designs they leave.

use std::fmt;
use std::sync::Arc;

use rand::{Rng, RngExt};

use super::block::{Block, tied_groups};
use super::diagram::Diagram;
use super::equal_levels::EqualLevels;
use super::{Product, SpaceError, Walk};
use crate::names::nearest_name;
use crate::parameter::{Parameter, Value};
use crate::rule::Rule;

/// A legal point of a [`DesignSpace`]: a level for every parameter.
///
/// Only a space makes designs, so every design is legal in the space that made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Design(pub(super) Box<[u32]>);

impl Design {
    /// The level of each parameter, in the order of the space.
    pub fn levels(&self) -> &[u32] {
        &self.0
    }
}

/// Parameters, rules, and the designs that are legal under them. Cheap to clone.
#[derive(Clone)]
pub struct DesignSpace {
    pub(super) inner: Arc<Inner>,
    /// What is known to matter beside the parameters; designs are the same without.
    pub(super) products: Arc<[Product]>,
    /// What is known to make no difference; designs are the same without.
    pub(super) equal_levels: Arc<[EqualLevels]>,
}

pub(super) struct Inner {
    pub(super) parameters: Vec<Parameter>,
    pub(super) rules: Vec<Rule>,
    pub(super) blocks: Vec<Block>,
    pub(super) cardinality: u128,
}

impl DesignSpace {
    /// The space of all assignments to `parameters` that satisfy `rules`.
    ///
    /// # Errors
    /// [`SpaceError`] if a parameter has no usable levels, a name stands twice, a rule names an unknown parameter,
    /// no design is legal, or the rules tie too many parameters together to be counted.
    pub fn new(parameters: Vec<Parameter>, rules: Vec<Rule>) -> Result<Self, SpaceError> {
        check_parameters(&parameters)?;
        check_rules(&parameters, &rules)?;
        let mut blocks = Vec::new();
        for members in tied_groups(&parameters, &rules) {
            let inside: Vec<&Rule> = rules
                .iter()
                .filter(|rule| {
                    members.iter().any(|&p| rule.scope().iter().any(|name| name == parameters[p].name()))
                })
                .collect();
            blocks.push(if inside.is_empty() {
                Block::Free { parameter: members[0], n_levels: parameters[members[0]].n_levels() }
            } else {
                let diagram = Diagram::of_rules(&parameters, &members, &inside).map_err(|_| {
                    SpaceError::TooEntangled {
                        parameters: members.iter().map(|&p| parameters[p].name().to_owned()).collect(),
                    }
                })?;
                if diagram.count() == 0 {
                    return Err(SpaceError::NothingLegal {
                        rules: inside.iter().map(|rule| rule.name().to_owned()).collect(),
                    });
                }
                Block::Tied(diagram)
            });
        }
        Self::of_blocks(parameters, rules, blocks)
    }

    /// The space of exactly these assignments, each row the levels of all parameters: a recorded table, say.
    ///
    /// # Errors
    /// [`SpaceError`] if there is no row, a row has the wrong length or names a level that does not exist.
    pub fn of_rows(parameters: Vec<Parameter>, rows: Vec<Vec<u32>>) -> Result<Self, SpaceError> {
        check_parameters(&parameters)?;
        for row in &rows {
            check_levels(&parameters, row)?;
        }
        if rows.is_empty() {
            return Err(SpaceError::NothingLegal { rules: Vec::new() });
        }
        let diagram = Diagram::of_rows(parameters.len(), rows);
        Self::of_blocks(parameters, Vec::new(), vec![Block::Tied(diagram)])
    }

    fn of_blocks(
        parameters: Vec<Parameter>,
        rules: Vec<Rule>,
        blocks: Vec<Block>,
    ) -> Result<Self, SpaceError> {
        let product =
            blocks.iter().try_fold(1u128, |product, block| product.checked_mul(u128::from(block.count())));
        let cardinality = product.ok_or(SpaceError::TooLarge)?;
        let inner = Arc::new(Inner { parameters, rules, blocks, cardinality });
        Ok(Self { inner, products: Arc::new([]), equal_levels: Arc::new([]) })
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.inner.parameters
    }

    /// The rules every design obeys.
    pub fn rules(&self) -> &[Rule] {
        &self.inner.rules
    }

    /// How many parameters there are.
    pub fn n_parameters(&self) -> usize {
        self.inner.parameters.len()
    }

    /// The index of the parameter called `name`.
    ///
    /// # Errors
    /// [`SpaceError::UnknownParameter`], with the nearest name.
    pub fn index_of(&self, name: &str) -> Result<usize, SpaceError> {
        index_of(&self.inner.parameters, name)
    }

    /// How many assignments there would be without rules.
    pub fn n_combinations(&self) -> u128 {
        self.inner
            .parameters
            .iter()
            .map(|parameter| u128::from(parameter.n_levels()))
            .fold(1, u128::saturating_mul)
    }

    /// How many designs are legal.
    pub fn cardinality(&self) -> u128 {
        self.inner.cardinality
    }

    /// The design with these levels, one for each parameter.
    ///
    /// # Errors
    /// [`SpaceError`] if there are too few or too many, one does not exist, or a rule is broken.
    pub fn design(&self, levels: &[u32]) -> Result<Design, SpaceError> {
        check_levels(&self.inner.parameters, levels)?;
        if self.is_legal(levels) {
            return Ok(Design(levels.into()));
        }
        let broken = self.broken_rules(levels);
        Err(match broken.into_iter().next() {
            Some((rule, violation)) => SpaceError::BreaksRule {
                rule: rule.name().to_owned(),
                text: rule.text().to_owned(),
                violation,
                values: rule
                    .scope()
                    .iter()
                    .map(|name| self.assignment_text(name, levels))
                    .collect::<Vec<_>>()
                    .join(", "),
            },
            None => SpaceError::NotListed,
        })
    }

    /// The design with these values, by name, in any order.
    ///
    /// # Errors
    /// [`SpaceError`] if a name is unknown or missing, a value is not a level, or a rule is broken.
    pub fn design_of<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Design, SpaceError> {
        self.design(&self.levels_of(values)?)
    }

    /// The level of each parameter for these values, by name, in any order; whether rules are broken is not asked.
    ///
    /// # Errors
    /// [`SpaceError`] if a name is unknown or missing, or a value is not a level.
    pub fn levels_of<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Vec<u32>, SpaceError> {
        let mut levels = vec![None; self.n_parameters()];
        for (name, value) in values {
            let index = self.index_of(name)?;
            let parameter = &self.inner.parameters[index];
            levels[index] = Some(parameter.level_of(&value).ok_or_else(|| SpaceError::NotALevel {
                parameter: name.to_owned(),
                got: value.to_string(),
                levels: parameter.levels_text(),
            })?);
        }
        let missing = levels.iter().position(Option::is_none);
        if let Some(index) = missing {
            return Err(SpaceError::Missing { parameter: self.inner.parameters[index].name().to_owned() });
        }
        Ok(levels.into_iter().flatten().collect())
    }

    /// Whether these levels, one for each parameter, are a legal design.
    pub fn is_legal(&self, levels: &[u32]) -> bool {
        levels.len() == self.n_parameters()
            && self.inner.blocks.iter().all(|block| block.rank(levels).is_some())
    }

    /// The rules that these levels break, and by how much.
    pub fn broken_rules(&self, levels: &[u32]) -> Vec<(&Rule, f64)> {
        let violation = |rule: &Rule| {
            let values: Vec<Value> = rule.scope().iter().map(|name| self.value_at(name, levels)).collect();
            rule.violation(&values.iter().collect::<Vec<_>>())
        };
        self.inner
            .rules
            .iter()
            .map(|rule| (rule, violation(rule)))
            .filter(|&(_, violation)| violation > 0.0)
            .collect()
    }

    fn value_at(&self, name: &str, levels: &[u32]) -> Value {
        let index = self.index_of(name).expect("a rule's scope was checked when the space was made");
        self.inner.parameters[index].value(levels[index])
    }

    fn assignment_text(&self, name: &str, levels: &[u32]) -> String {
        format!("{name} = {}", self.value_at(name, levels))
    }

    /// The value of each parameter of a design, in order.
    pub fn values<'a>(&'a self, design: &'a Design) -> impl Iterator<Item = (&'a Parameter, Value)> {
        self.inner
            .parameters
            .iter()
            .zip(design.levels())
            .map(|(parameter, &level)| (parameter, parameter.value(level)))
    }

    /// A design drawn uniformly from the legal ones.
    pub fn sample(&self, rng: &mut impl Rng) -> Design {
        let mut levels = vec![0; self.n_parameters()];
        for block in &self.inner.blocks {
            block.unrank(rng.random_range(0..block.count()), &mut levels);
        }
        Design(levels.into())
    }

    /// The position of a design in the enumeration of [`DesignSpace::iter`].
    pub fn rank(&self, design: &Design) -> u128 {
        let blocks = self.inner.blocks.iter();
        blocks.fold(0, |rank, block| {
            let within = block.rank(design.levels()).expect("a design is legal in its space");
            rank * u128::from(block.count()) + u128::from(within)
        })
    }

    /// The design at position `rank` of the enumeration.
    ///
    /// # Panics
    /// If `rank` is not below [`DesignSpace::cardinality`].
    pub fn unrank(&self, mut rank: u128) -> Design {
        assert!(
            rank < self.inner.cardinality,
            "rank {rank} is below the cardinality {}",
            self.inner.cardinality
        );
        let mut levels = vec![0; self.n_parameters()];
        for block in self.inner.blocks.iter().rev() {
            let count = u128::from(block.count());
            block.unrank((rank % count) as u64, &mut levels);
            rank /= count;
        }
        Design(levels.into())
    }

    /// Every legal design, once.
    pub fn iter(&self) -> impl Iterator<Item = Design> + '_ {
        (0..self.inner.cardinality).map(|rank| self.unrank(rank))
    }

    /// A walk through the decisions that make a design, in which only legal choices are offered.
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(self)
    }

    /// A number that tells spaces apart by their parameters, levels, the names and scopes of their rules, and how many
    /// designs are legal. Prose does not count.
    pub fn fingerprint(&self) -> u64 {
        let mut text = serde_json::to_string(&self.inner.parameters)
            .expect("parameters have text keys and finite levels");
        for rule in &self.inner.rules {
            text.push_str(rule.name());
            rule.scope().iter().for_each(|name| text.push_str(name));
        }
        text.push_str(&self.inner.cardinality.to_string());
        crate::seed::fnv1a(text.as_bytes())
    }
}

impl PartialEq for DesignSpace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.fingerprint() == other.fingerprint()
    }
}

impl fmt::Debug for DesignSpace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.inner.parameters.iter().map(Parameter::name);
        formatter
            .debug_struct("DesignSpace")
            .field("parameters", &names.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn check_parameters(parameters: &[Parameter]) -> Result<(), SpaceError> {
    if parameters.is_empty() {
        return Err(SpaceError::NoParameters);
    }
    for (index, parameter) in parameters.iter().enumerate() {
        if let Some(fault) = parameter.fault() {
            return Err(SpaceError::BadParameter { parameter: parameter.name().to_owned(), fault });
        }
        if parameters[..index].iter().any(|earlier| earlier.name() == parameter.name()) {
            return Err(SpaceError::BadParameter {
                parameter: parameter.name().to_owned(),
                fault: "stands twice",
            });
        }
    }
    Ok(())
}

fn check_rules(parameters: &[Parameter], rules: &[Rule]) -> Result<(), SpaceError> {
    for rule in rules {
        for name in rule.scope() {
            index_of(parameters, name).map_err(|source| SpaceError::BadRule {
                rule: rule.name().to_owned(),
                source: Box::new(source),
            })?;
        }
    }
    Ok(())
}

fn check_levels(parameters: &[Parameter], levels: &[u32]) -> Result<(), SpaceError> {
    if levels.len() != parameters.len() {
        return Err(SpaceError::WrongLength { got: levels.len(), expected: parameters.len() });
    }
    let outside = parameters.iter().zip(levels).find(|&(parameter, &level)| level >= parameter.n_levels());
    outside.map_or(Ok(()), |(parameter, &level)| {
        Err(SpaceError::NoSuchLevel {
            parameter: parameter.name().to_owned(),
            got: level,
            n_levels: parameter.n_levels(),
        })
    })
}

fn index_of(parameters: &[Parameter], name: &str) -> Result<usize, SpaceError> {
    parameters.iter().position(|parameter| parameter.name() == name).ok_or_else(|| {
        SpaceError::UnknownParameter {
            got: name.to_owned(),
            nearest: nearest_name(name, parameters.iter().map(Parameter::name)),
        }
    })
}
