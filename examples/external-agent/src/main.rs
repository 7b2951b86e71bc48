//! The `tapeout` program with one more agent.
//!
//! ```text
//! cargo run -p external-agent -- search --agent hill-climber --trials 100
//! ```

mod hill_climber;

use std::process::ExitCode;

use hill_climber::HillClimber;
use tapeout::core::AgentEntry;

fn main() -> ExitCode {
    tapeout_cli::main(tapeout::builtin().with_agent(AgentEntry::of::<HillClimber>()))
}
