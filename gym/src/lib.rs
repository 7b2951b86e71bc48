//! Tapeout: a gym for hardware design-space exploration.
