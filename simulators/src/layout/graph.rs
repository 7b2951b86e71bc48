//! Tensors, their layouts, operators, their kernels, and what an assignment takes.

/// Most tensors of a graph; ours: a network of some hundred operators.
pub const MAX_TENSORS: usize = 1024;
/// Most operators of a graph; ours, likewise.
pub const MAX_OPERATORS: usize = 1024;
/// Most layouts of a tensor. Source: the orders of four dimensions.
pub const MAX_LAYOUTS: usize = 24;
/// Most kernels of an operator; ours.
pub const MAX_KERNELS: usize = 256;
/// Most tensors of an operator; ours.
pub(super) const MAX_OPERANDS: usize = 8;

/// A tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct LaidOutTensor {
    /// Its name.
    pub name: String,
    /// Its layouts, by name.
    pub layouts: Vec<String>,
    /// Bytes that it takes in each, padding included. Shape `[layouts]`.
    pub byte: Vec<f64>,
    /// The layout that it is in, if nobody can choose: as of what a program is given and returns.
    pub fixed: Option<usize>,
}

/// A way of running an operator.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutKernel {
    /// The layout that it wants of each of the operator's tensors.
    pub layouts: Vec<usize>,
    /// Its time.
    pub time_s: f64,
}

/// An operator.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutOperator {
    /// Its name.
    pub name: String,
    /// What it reads and makes.
    pub tensors: Vec<usize>,
    /// How it can run.
    pub kernels: Vec<LayoutKernel>,
}

/// Why there is no such graph.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutGraphError {
    /// Not the TOML that is expected.
    #[error("{0}")]
    Toml(String),
    /// Too few or too many of something.
    #[error("{owner}: {got} {what}, expected 1 to {most}")]
    Count {
        /// Of whom.
        owner: String,
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
        /// The most there may be.
        most: usize,
    },
    /// A number that is none of its kind.
    #[error("{owner}: `{field}` is {got}, expected a finite number {expected}")]
    Number {
        /// Of whom.
        owner: String,
        /// Which.
        field: &'static str,
        /// What it is.
        got: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// Something that is not there.
    #[error("{owner}: there is no {what} `{got}`")]
    Unknown {
        /// Who asks for it.
        owner: String,
        /// What it would be.
        what: &'static str,
        /// Its name.
        got: String,
    },
    /// A list with other than one entry for each of something.
    #[error("{owner}: {got} {what}, expected {expected}")]
    Length {
        /// Of whom.
        owner: String,
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Two things of one name.
    #[error("{owner}: `{name}` stands twice")]
    Twice {
        /// Where.
        owner: String,
        /// The name.
        name: String,
    },
    /// A name that no parameter can have.
    #[error("tensor `{0}`: its name has other characters than letters, digits and `_`")]
    Name(String),
}

/// What an assignment takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AssignmentReport {
    /// All operators and copies, one after the other, in s.
    pub time_s: f64,
    /// Copies alone, in s.
    pub copy_s: f64,
    /// How many copies there are.
    pub copies: usize,
    /// Bytes of all tensors in their layouts.
    pub byte: f64,
}

/// A checked graph.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutGraph {
    pub(super) tensors: Vec<LaidOutTensor>,
    pub(super) operators: Vec<LayoutOperator>,
    pub(super) byte_per_s: f64,
}

impl LayoutGraph {
    /// A graph of tensors and operators; a copy reads one layout and writes the other at `byte_per_s`.
    ///
    /// # Errors
    /// [`LayoutGraphError`] naming the tensor or operator that is none.
    pub fn new(
        tensors: Vec<LaidOutTensor>,
        operators: Vec<LayoutOperator>,
        byte_per_s: f64,
    ) -> Result<Self, LayoutGraphError> {
        let graph = || "the graph".to_owned();
        positive(&graph(), "byte_per_s", byte_per_s)?;
        count(&graph(), "tensors", tensors.len(), MAX_TENSORS)?;
        count(&graph(), "operators", operators.len(), MAX_OPERATORS)?;
        for (index, tensor) in tensors.iter().enumerate() {
            let is_twice = tensors[..index].iter().any(|earlier| earlier.name == tensor.name);
            if is_twice {
                return Err(LayoutGraphError::Twice { owner: graph(), name: tensor.name.clone() });
            }
            check_tensor(tensor)?;
        }
        operators.iter().try_for_each(|operator| check_operator(operator, &tensors))?;
        Ok(Self { tensors, operators, byte_per_s })
    }

    /// The tensors.
    pub fn tensors(&self) -> &[LaidOutTensor] {
        &self.tensors
    }

    /// The operators.
    pub fn operators(&self) -> &[LayoutOperator] {
        &self.operators
    }

    /// Time of copying a tensor from one layout to another, in s.
    pub(super) fn copy_s(&self, tensor: usize, from: usize, to: usize) -> f64 {
        if from == to {
            return 0.0;
        }
        let byte = &self.tensors[tensor].byte;
        (byte[from] + byte[to]) / self.byte_per_s
    }

    /// The fastest kernel of `operator` if its tensors are in the layouts that `layout_of` says: time with copies, time of these, and how many they
    /// are; the first of equals.
    pub(super) fn fastest(
        &self,
        operator: &LayoutOperator,
        layout_of: impl Fn(usize) -> usize,
    ) -> (f64, f64, usize) {
        let timed = operator.kernels.iter().map(|kernel| {
            let pairs = operator.tensors.iter().zip(&kernel.layouts);
            let (copy_s, copies) = pairs.fold((0.0, 0), |(sum_s, n), (&tensor, &wanted)| {
                let copy_s = self.copy_s(tensor, layout_of(tensor), wanted);
                (sum_s + copy_s, n + usize::from(layout_of(tensor) != wanted))
            });
            (kernel.time_s + copy_s, copy_s, copies)
        });
        timed.min_by(|a, b| a.0.total_cmp(&b.0)).expect("invariant: every operator has a kernel")
    }

    /// What the assignment of a layout to each tensor takes; shape `[tensors]`.
    ///
    /// # Panics
    /// If it has another length, or a layout that a tensor has not.
    pub fn report(&self, layouts: &[usize]) -> AssignmentReport {
        assert_eq!(layouts.len(), self.tensors.len(), "a layout for each tensor");
        let mut report = AssignmentReport::default();
        for operator in &self.operators {
            let (time_s, copy_s, copies) = self.fastest(operator, |tensor| layouts[tensor]);
            report.time_s += time_s;
            report.copy_s += copy_s;
            report.copies += copies;
        }
        report.byte = self.tensors.iter().zip(layouts).map(|(tensor, &layout)| tensor.byte[layout]).sum();
        report
    }
}

fn check_tensor(tensor: &LaidOutTensor) -> Result<(), LayoutGraphError> {
    let owner = format!("tensor `{}`", tensor.name);
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if !is_name(&tensor.name) {
        return Err(LayoutGraphError::Name(tensor.name.clone()));
    }
    count(&owner, "layouts", tensor.layouts.len(), MAX_LAYOUTS)?;
    let layouts = &tensor.layouts;
    if let Some(at) = (1..layouts.len()).find(|&at| layouts[..at].contains(&layouts[at])) {
        return Err(LayoutGraphError::Twice { owner, name: layouts[at].clone() });
    }
    length(&owner, "numbers of byte", tensor.byte.len(), tensor.layouts.len())?;
    tensor.byte.iter().try_for_each(|&byte| positive(&owner, "byte", byte))?;
    tensor.fixed.map_or(Ok(()), |fixed| known(&owner, fixed, tensor))
}

fn check_operator(operator: &LayoutOperator, tensors: &[LaidOutTensor]) -> Result<(), LayoutGraphError> {
    let owner = format!("operator `{}`", operator.name);
    count(&owner, "tensors", operator.tensors.len(), MAX_OPERANDS)?;
    count(&owner, "kernels", operator.kernels.len(), MAX_KERNELS)?;
    for (at, &tensor) in operator.tensors.iter().enumerate() {
        if tensor >= tensors.len() {
            return Err(LayoutGraphError::Unknown { owner, what: "tensor", got: tensor.to_string() });
        }
        if operator.tensors[..at].contains(&tensor) {
            return Err(LayoutGraphError::Twice { owner, name: tensors[tensor].name.clone() });
        }
    }
    for kernel in &operator.kernels {
        length(&owner, "layouts of a kernel", kernel.layouts.len(), operator.tensors.len())?;
        let mut pairs = kernel.layouts.iter().zip(&operator.tensors);
        pairs.try_for_each(|(&layout, &tensor)| known(&owner, layout, &tensors[tensor]))?;
        positive(&owner, "time_s", kernel.time_s)?;
    }
    Ok(())
}

fn known(owner: &str, layout: usize, tensor: &LaidOutTensor) -> Result<(), LayoutGraphError> {
    if layout < tensor.layouts.len() {
        return Ok(());
    }
    Err(LayoutGraphError::Unknown { owner: owner.to_owned(), what: "layout", got: layout.to_string() })
}

pub(super) fn count(
    owner: &str,
    what: &'static str,
    got: usize,
    most: usize,
) -> Result<(), LayoutGraphError> {
    if (1..=most).contains(&got) {
        return Ok(());
    }
    Err(LayoutGraphError::Count { owner: owner.to_owned(), what, got, most })
}

fn length(owner: &str, what: &'static str, got: usize, expected: usize) -> Result<(), LayoutGraphError> {
    if got == expected {
        return Ok(());
    }
    Err(LayoutGraphError::Length { owner: owner.to_owned(), what, got, expected })
}

/// Whether a number is above 0 and so small that sums of all are finite.
fn positive(owner: &str, field: &'static str, got: f64) -> Result<(), LayoutGraphError> {
    if got > 0.0 && got < 1e100 {
        return Ok(());
    }
    Err(LayoutGraphError::Number { owner: owner.to_owned(), field, got, expected: "above 0 and below 1e100" })
}
