//! The Gymnasium view against toy environments whose outcomes can be worked out on paper.

mod checker;
mod episodes;
mod registry;
mod rewards;
mod spaces;
mod toys;
mod vector;
mod wrappers;
