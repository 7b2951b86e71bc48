//! The command line of Tapeout, as a library: whoever has an agent, an environment or a learner of their own makes a
//! program with everything that `tapeout` can do, in one line.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     tapeout_cli::main(tapeout::builtin()) // add .with_agent(AgentEntry::of::<MyAgent>())
//! }
//! ```
//!
//! A command is one file in `commands` and one row in its enum: arguments, and a function from arguments and catalog to
//! an `Answer`. Data goes to the standard output, everything else to the standard error.

mod answer;
mod arguments;
mod board;
mod canvas;
mod commands;
mod comparison_report;
mod completion;
mod designs;
mod failure;
mod goal_flags;
mod held_run;
mod number;
mod progress;
mod report;
mod run_path;
mod table;
mod version;
mod watched_run;
mod worth_report;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use clap_complete::CompleteEnv;
use tapeout::core::Catalog;
use tapeout::experiment::evaluate::is_evaluating;

use answer::Answer;
pub use answer::Exit;
use commands::Command;
use failure::Failure;
use watched_run::interrupted_by;

/// Searches hardware design spaces.
#[derive(Parser)]
#[command(name = "tapeout", version, after_help = Exit::HELP, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Reads the command line, does what it says with what is registered in `catalog`, and returns the exit code.
///
/// The exit codes: 0 done, 1 something failed, 2 the input cannot be used, 3 a check or a replay found a difference,
/// 130 interrupted.
pub fn main(catalog: Catalog) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // A shell that asks is answered, and that is all.
    CompleteEnv::with_factory(|| completion::command(&catalog, &words)).var(completion::VARIABLE).complete();
    ignore_limit_of_files();
    leave_failures_to_the_run();
    let exit = main_of(words, &catalog);
    drop(catalog);
    exit.into()
}

/// The same for a command line that is given, the name of the program first. For programs whose own arguments are others, such as an
/// interpreter's.
pub fn main_of(arguments: impl IntoIterator<Item = OsString>, catalog: &Catalog) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Whether JSON is asked for, as far as that can be seen of what cannot be read.
    let asks_for_json =
        arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    match parsed(arguments) {
        Ok((arguments, form)) => run(&arguments.command, form, catalog),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            match Answer::text(version::of(catalog)).print() {
                Ok(exit) => exit,
                Err(failure) => failure.exit(),
            }
        }
        Err(error) if error.use_stderr() && asks_for_json => {
            let failure = Failure::usage(&error);
            tell(&failure, Form::Json);
            failure.exit()
        }
        Err(error) => {
            // A reader that has gone away has no use for the help or the message either.
            let _ = error.print();
            if error.use_stderr() { Exit::BadInput } else { Exit::Done }
        }
    }
}

/// How failures are told.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Json,
}

/// The arguments, and how failures are to be told.
fn parsed(arguments: impl IntoIterator<Item = OsString>) -> Result<(Arguments, Form), clap::Error> {
    let matches = Arguments::command().try_get_matches_from(arguments)?;
    let form = if asks_for_json(&matches) { Form::Json } else { Form::Text };
    Ok((Arguments::from_arg_matches(&matches)?, form))
}

fn asks_for_json(matches: &ArgMatches) -> bool {
    let here = matches.try_get_one::<bool>("json").ok().flatten().is_some_and(|json| *json);
    here || matches.subcommand().is_some_and(|(_, matches)| asks_for_json(matches))
}

/// What a command line, the name of the program first, has for its standard output, and how it ends. Listens for no signals: whoever does
/// sets `interrupt`.
///
/// # Errors
/// What it has for its standard error, if it cannot be read or fails.
pub fn answer_of(
    arguments: impl IntoIterator<Item = OsString>,
    catalog: &Catalog,
    interrupt: &Arc<AtomicBool>,
) -> Result<(Vec<u8>, Exit), (String, Exit)> {
    let (arguments, _) = parsed(arguments).map_err(|error| (error.to_string(), Exit::BadInput))?;
    let answer = interrupted_by(interrupt, || arguments.command.run(catalog));
    answer.map(Answer::into_parts).map_err(|failure| (failure.to_string(), failure.exit()))
}

/// A write beyond the limit on the size of files is then an error like that of a full disk, and not the end without a word.
/// Source: POSIX.1-2024, `write`, EFBIG, and `<signal.h>`, SIGXFSZ.
fn ignore_limit_of_files() {
    #[cfg(unix)]
    {
        // Where it cannot be caught the program ends as it did.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// A panic in an environment is told as why its design failed, once, and not by the hook as well.
fn leave_failures_to_the_run() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_evaluating() {
            tell(panic);
        }
    }));
}

fn run(command: &Command, form: Form, catalog: &Catalog) -> Exit {
    match command.run(catalog).and_then(|answer| answer.print()) {
        Ok(exit) => exit,
        Err(failure) => {
            tell(&failure, form);
            failure.exit()
        }
    }
}

fn tell(failure: &Failure, form: Form) {
    let told = match form {
        Form::Text => failure.to_string(),
        Form::Json => failure.json().to_string(),
    };
    // Nobody is left to be told that the standard error is closed.
    let _ = writeln!(std::io::stderr(), "{told}");
}
