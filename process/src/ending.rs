//! Ending a child with all that it has started, and saying how it ended.

use std::io::Read;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

/// The child becomes the first of a group of its own.
#[cfg(unix)]
pub(crate) fn as_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
pub(crate) fn as_group(_: &mut Command) {}

/// Ends the child and, where there are groups, every process of its group, and waits for it.
pub(crate) fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // A group that is gone needs no ending.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    // One that is gone already, or was just ended.
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits for a child whose output has ended, and ends it if it lives on for long.
pub(crate) fn wait(child: &mut Child) -> Option<ExitStatus> {
    /// Ours: a process that has closed its output has little left to do.
    const FAREWELL: Duration = Duration::from_secs(2);
    const NAP: Duration = Duration::from_micros(200);
    let mut waited = Duration::ZERO;
    while waited < FAREWELL {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => thread::sleep(NAP),
            Err(_) => return None,
        }
        waited += NAP;
    }
    end(child);
    None
}

/// The end of what a stream has, as far as it says something: the last `limit` bytes.
pub(crate) fn tail(mut stream: impl Read, limit: usize) -> String {
    let (mut kept, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        kept.extend_from_slice(&chunk[..length]);
        if kept.len() > 2 * limit {
            kept.drain(..kept.len() - limit);
        }
    }
    String::from_utf8_lossy(&kept[kept.len().saturating_sub(limit)..]).into_owned()
}

/// How a child ended, with the last line of what it complained of.
pub(crate) fn in_words(status: Option<ExitStatus>, complaint: &str) -> String {
    let status =
        status.map_or_else(|| "it closed its output and did not end".to_owned(), |status| status.to_string());
    match complaint.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => format!("{status}: {line}"),
        None => status,
    }
}
