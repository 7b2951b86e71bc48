//! The command line of Tapeout, as a library and a binary.
