//! What can be wrong with a set of loss vectors.

/// A set of losses, or a reference point, from which no front or volume can be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParetoError {
    /// A loss is NaN or infinite.
    #[error("point {point}: loss {objective} is {value}; expected a finite number")]
    NotFinite {
        /// Index of the point in the order given.
        point: usize,
        /// Index of the objective.
        objective: usize,
        /// The loss itself.
        value: f64,
    },
    /// A point has another number of losses than the reference, the archive or the first point.
    #[error("point {point}: {got} losses; expected {expected}")]
    Dimensions {
        /// Index of the point in the order given.
        point: usize,
        /// Number of losses it has.
        got: usize,
        /// Number of losses it should have.
        expected: usize,
    },
    /// A coordinate of the reference point is NaN or infinite.
    #[error("reference: coordinate {objective} is {value}; expected a finite number")]
    ReferenceNotFinite {
        /// Index of the objective.
        objective: usize,
        /// The coordinate itself.
        value: f64,
    },
    /// The reference point has no coordinates.
    #[error("reference: 0 coordinates; expected one for each objective")]
    EmptyReference,
}
