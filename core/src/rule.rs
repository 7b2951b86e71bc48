//! Rules: what is known, before any evaluation, about which designs can exist.

use std::fmt;
use std::sync::Arc;

use crate::parameter::Value;

/// A named predicate over some of the parameters of a space.
///
/// The rules of a space are enforced by the space itself, so that every agent samples, mutates and enumerates
/// legal designs only. What shows only on evaluation is an [`Outcome`](crate::Outcome), not a rule.
#[derive(Clone)]
pub struct Rule {
    name: String,
    text: String,
    scope: Vec<String>,
    violation: Arc<dyn Fn(&Assignment<'_>) -> f64 + Send + Sync>,
}

impl Rule {
    /// A rule that holds or does not.
    ///
    /// `text`: the rule as people read it. `scope`: the parameters `holds` asks for, and no others.
    ///
    /// ```
    /// use tapeout_core::{DesignSpace, Parameter, Rule};
    /// let rule = Rule::new("whole_tiles", "MWG % MDIMC == 0", &["MWG", "MDIMC"], |v| v.int("MWG") % v.int("MDIMC") == 0);
    /// let space = DesignSpace::new(
    ///     vec![Parameter::ordinal("MWG", [16, 32, 48]), Parameter::ordinal("MDIMC", [8, 32])],
    ///     vec![rule],
    /// )?;
    /// assert_eq!((space.n_combinations(), space.cardinality()), (6, 4));
    /// # Ok::<(), tapeout_core::SpaceError>(())
    /// ```
    pub fn new(
        name: &str,
        text: &str,
        scope: &[&str],
        holds: impl Fn(&Assignment<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::measured(name, text, scope, move |assignment| if holds(assignment) { 0.0 } else { 1.0 })
    }

    /// A rule that says by how much it is broken: 0 where it holds, positive elsewhere.
    pub fn measured(
        name: &str,
        text: &str,
        scope: &[&str],
        violation: impl Fn(&Assignment<'_>) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            scope: scope.iter().map(|&parameter| parameter.to_owned()).collect(),
            violation: Arc::new(violation),
        }
    }

    /// Its name, unique within a space.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rule as people read it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters it ties together.
    pub fn scope(&self) -> &[String] {
        &self.scope
    }

    /// By how much `values`, in the order of [`Rule::scope`], break the rule; 0 if they do not.
    pub(crate) fn violation(&self, values: &[&Value]) -> f64 {
        (self.violation)(&Assignment { rule: self, values })
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rule({}: {})", self.name, self.text)
    }
}

/// The values of the parameters in a rule's scope.
pub struct Assignment<'a> {
    rule: &'a Rule,
    values: &'a [&'a Value],
}

impl Assignment<'_> {
    /// The value of a parameter.
    ///
    /// # Panics
    /// If the parameter is not in the rule's scope.
    pub fn value(&self, parameter: &str) -> &Value {
        let index = self.rule.scope.iter().position(|name| name == parameter);
        let index = index.unwrap_or_else(|| {
            panic!("rule `{}` asks for `{parameter}`, which is not in its scope", self.rule.name)
        });
        self.values[index]
    }

    /// The whole number a parameter is set to.
    ///
    /// # Panics
    /// If the parameter is not in the rule's scope or its levels are not whole numbers.
    pub fn int(&self, parameter: &str) -> i64 {
        let value = self.value(parameter);
        value.as_i64().unwrap_or_else(|| {
            panic!("rule `{}`: `{parameter}` = {value} is not a whole number", self.rule.name)
        })
    }

    /// The name a categorical parameter is set to.
    ///
    /// # Panics
    /// If the parameter is not in the rule's scope or not categorical.
    pub fn text(&self, parameter: &str) -> &str {
        let value = self.value(parameter);
        value
            .as_str()
            .unwrap_or_else(|| panic!("rule `{}`: `{parameter}` = {value} is not a category", self.rule.name))
    }
}
