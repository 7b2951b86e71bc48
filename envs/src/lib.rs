//! Environments: design spaces over the simulators.
