//! What is known of a tensor before a network runs: its shape, its numbers if they are few, and whether it is a parameter.

use super::schema::TensorProto;

/// What is known of a tensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tensor {
    /// Its sizes.
    pub(super) shape: Option<Vec<u64>>,
    /// Its numbers, if they are few and do not depend on the input.
    pub(super) numbers: Option<Vec<f64>>,
    /// Whether its numbers are real: then division does not round.
    pub(super) is_real: bool,
    /// The parameters that it is made of, if it is made of nothing else.
    pub(super) origin: Option<String>,
}

/// How many numbers a tensor of this shape has; the most there can be counted if it is more.
pub(super) fn count(shape: &[u64]) -> u64 {
    shape.iter().fold(1, |count, &size| count.saturating_mul(size))
}

impl Tensor {
    /// What is known, without numbers that are not as many as the shape says.
    pub(super) fn consistent(mut self) -> Self {
        let is_right =
            |numbers: &Vec<f64>| self.shape.as_ref().is_none_or(|shape| count(shape) == numbers.len() as u64);
        self.numbers = self.numbers.take().filter(is_right);
        self
    }

    /// A tensor of this shape.
    pub(super) fn of(shape: Vec<u64>) -> Self {
        Self { shape: Some(shape), ..Self::default() }
    }

    /// A tensor of this shape, if there is one.
    pub(super) fn maybe(shape: Option<Vec<u64>>) -> Self {
        Self { shape, ..Self::default() }
    }

    /// A list of numbers.
    pub(super) fn list(numbers: Vec<f64>) -> Self {
        Self { shape: Some(vec![numbers.len() as u64]), numbers: Some(numbers), ..Self::default() }
    }

    /// A tensor of the file.
    pub(super) fn parameter(name: &str, tensor: &TensorProto) -> Self {
        let (numbers, is_real, origin) = (tensor.numbers(), tensor.is_real(), Some(name.to_owned()));
        Self { shape: Some(tensor.shape()), numbers, is_real, origin }.consistent()
    }

    /// The numbers as whole ones.
    pub(super) fn ints(&self) -> Option<Vec<i64>> {
        Some(self.numbers.as_ref()?.iter().map(|&number| number as i64).collect())
    }

    /// The only number.
    pub(super) fn number(&self) -> Option<f64> {
        match self.numbers.as_deref() {
            Some([number]) => Some(*number),
            _ => None,
        }
    }

    /// What is known of one that is either this or `other`.
    pub(super) fn or(self, other: &Self) -> Self {
        if self == *other {
            return self;
        }
        let shape = self.shape.filter(|shape| other.shape.as_ref() == Some(shape));
        Self { shape, is_real: self.is_real || other.is_real, ..Self::default() }
    }

    /// Whether it has a single number.
    pub(super) fn holds_one(&self) -> bool {
        self.shape.as_ref().is_some_and(|shape| count(shape) == 1)
    }

    /// How many sizes it has.
    pub(super) fn rank(&self) -> Option<usize> {
        self.shape.as_ref().map(Vec::len)
    }
}

/// The numbers at these places along an axis, of a tensor of this shape.
pub(super) fn taken(numbers: &[f64], shape: &[u64], axis: usize, places: &[usize]) -> Vec<f64> {
    let size = shape[axis] as usize;
    let inner = count(&shape[axis + 1..]) as usize;
    let mut taken = Vec::new();
    for outer in 0..numbers.len().checked_div(size.saturating_mul(inner)).unwrap_or(0) {
        for place in places {
            let first = (outer * size + place) * inner;
            taken.extend_from_slice(&numbers[first..first + inner]);
        }
    }
    taken
}

/// The numbers of a tensor of this shape whose axes are put in another order, which has each of them once.
pub(super) fn turned(numbers: &[f64], shape: &[u64], order: &[usize]) -> Vec<f64> {
    let strides: Vec<usize> = (0..shape.len()).map(|axis| count(&shape[axis + 1..]) as usize).collect();
    (0..numbers.len())
        .map(|index| {
            let (mut rest, mut from) = (index, 0);
            for &axis in order.iter().rev() {
                let size = shape[axis] as usize;
                from += rest % size * strides[axis];
                rest /= size;
            }
            numbers[from]
        })
        .collect()
}

/// The axis that `axis` means among `rank`: negative ones count from the end.
pub(super) fn axis_of(axis: i64, rank: usize) -> Option<usize> {
    let place = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(place).ok().filter(|&place| place < rank)
}

/// The shape of several that are computed with element by element: sizes of 1 are repeated.
/// Source: ONNX, `docs/Broadcasting.md`.
pub(super) fn broadcast(shapes: &[&[u64]]) -> Option<Vec<u64>> {
    let rank = shapes.iter().map(|shape| shape.len()).max()?;
    let mut sizes = vec![1; rank];
    for shape in shapes {
        for (size, &other) in sizes[rank - shape.len()..].iter_mut().zip(*shape) {
            match (*size, other) {
                (1, other) => *size = other,
                (_, 1) => {}
                (size, other) if size == other => {}
                _ => return None,
            }
        }
    }
    Some(sizes)
}
