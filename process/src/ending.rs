//! Ending a child with all that it has started, and saying how it ended.

use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

/// How long a child may take for what takes no time: to end when it is let go, and to have its streams closed when it has ended.
/// Ours: it has little to do, and whoever is done with it waits.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

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

/// Waits for a child to end, for no longer than `limit`, and ends what is left of it and its group then. None if the child itself
/// was left: it is out of time.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    /// Ours: less than it takes to start a process.
    const NAP: Duration = Duration::from_micros(200);
    /// Ours: one who waits for longer does not notice it.
    const NAP_MOST: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if waited < limit => {}
            Ok(None) | Err(_) => break None,
        }
        // A long wait asks seldom, and is late by a twentieth at most.
        let nap = (waited / 20).clamp(NAP, NAP_MOST).min(limit - waited);
        thread::sleep(nap);
        waited += nap;
    };
    // What it has started and left behind would hold its streams open.
    end(child);
    status
}

/// How a child ended, with the last line of what it complained of.
pub(crate) fn in_words(status: Option<ExitStatus>, complaint: &[u8]) -> String {
    let status =
        status.map_or_else(|| "it closed its output and did not end".to_owned(), |status| status.to_string());
    let complaint = String::from_utf8_lossy(complaint);
    match complaint.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => format!("{status}: {line}"),
        None => status,
    }
}
