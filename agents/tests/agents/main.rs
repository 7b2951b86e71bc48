//! What holds for every agent: its contract, that it learns, and its first proposals.

mod contract;
mod first_proposals;
mod learning;
mod search;
mod three_objectives;
