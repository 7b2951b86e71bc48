//! The `tapeout` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    tapeout_cli::main(tapeout::builtin())
}
