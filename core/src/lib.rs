//! The vocabulary of design-space exploration and the contracts between environments, agents and surrogates.
