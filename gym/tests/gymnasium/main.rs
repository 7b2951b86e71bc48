//! The Gymnasium view against toy environments whose outcomes can be worked out on paper.

#![expect(clippy::unwrap_used, reason = "clippy allows it in tests, but not in the functions they share")]

mod checker;
mod episodes;
mod registry;
mod toys;
mod vector;
mod wrappers;
