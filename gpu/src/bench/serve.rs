//! The child's side: answers requests until there are no more.

use std::io::{self, BufRead, Write};

use super::measurer::{Halt, Measurer};
use super::protocol::{Reply, Request};

/// Answers the requests in `input` with what `measurer` says, or with why there is none.
///
/// Ends when the requests do, or when a kernel has broken the context of this process.
///
/// # Errors
/// If `input` cannot be read, is not a request, or `output` cannot be written.
pub fn serve<M: Measurer>(
    measurer: Result<M, String>,
    input: impl BufRead,
    mut output: impl Write,
) -> io::Result<()> {
    let mut measurer = match measurer {
        Ok(measurer) => measurer,
        Err(message) => return say(&mut output, &Reply::Unavailable(message)),
    };
    say(&mut output, &Reply::Ready(measurer.session().clone()))?;
    let mut prepared = None;
    for line in input.lines() {
        let reply = match serde_json::from_str(&line?)? {
            Request::Prepare { job, inputs } => match measurer.prepare(&job, inputs) {
                Ok(ready) => {
                    prepared = Some(ready);
                    Reply::Prepared
                }
                Err(halt) => halt.into(),
            },
            Request::Run => match prepared.take() {
                Some(ready) => measurer.run(ready).map_or_else(Reply::from, Reply::Measured),
                None => Halt::Failed("asked to run before anything was prepared".to_owned()).into(),
            },
        };
        say(&mut output, &reply)?;
        if matches!(reply, Reply::Lost(_)) {
            break;
        }
    }
    Ok(())
}

fn say(output: &mut impl Write, reply: &Reply) -> io::Result<()> {
    serde_json::to_writer(&mut *output, reply)?;
    output.write_all(b"\n")?;
    output.flush()
}
