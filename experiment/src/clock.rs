//! The one place in the libraries where clocks are read: only timings, budgets and the sync policy depend on them.

use std::time::Instant;

/// Measures wall time from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the runner is the one reader of the clock")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed_s(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Measures the processor time of the thread it is on, from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadClock(f64);

impl ThreadClock {
    pub(crate) fn start() -> Self {
        Self(thread_s())
    }

    pub(crate) fn elapsed_s(self) -> f64 {
        // A clock that was set back is no reason for less than nothing.
        (thread_s() - self.0).max(0.0)
    }
}

/// Processor time of this thread.
#[cfg(unix)]
fn thread_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Wall time, where no clock of a thread can be read.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "the runner is the one reader of the clock")]
fn thread_s() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: what another thread does, and waiting, count nothing; work does.
    #[cfg(unix)]
    #[test]
    fn only_the_work_of_this_thread_counts() {
        let busy = || (0..2_000_000_u64).fold(0, |sum: u64, it| std::hint::black_box(sum ^ it));
        let clock = ThreadClock::start();
        let theirs = std::thread::spawn(move || {
            let clock = ThreadClock::start();
            busy();
            clock.elapsed_s()
        });
        let theirs = theirs.join().unwrap();
        let mine = clock.elapsed_s();
        assert!(theirs > 0.0 && mine < theirs, "{mine} of {theirs}");
    }
}
