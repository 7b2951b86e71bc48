//! Long work: off the interpreter's lock, heard when somebody presses Ctrl-C, on threads that a fork does not lose.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::fault::{Failed, failed};

/// How often signals are looked for. Ours: a tenth of what people notice.
const LISTEN: Duration = Duration::from_millis(20);

/// Wall time in microseconds below which work is not worth a thread that listens for signals meanwhile. Ours: a twentieth of what people
/// notice.
pub(crate) const QUICK_US: u64 = 10_000;

/// The pool of this process. rayon's own does not survive a fork (github.com/rayon-rs/rayon/issues/708): its threads are the
/// parent's, and the first parallel step of a child waits for them for good.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Does `work` on another thread while this one listens for signals, and gives the interpreter's lock away in the meantime. After a
/// signal that raises, the flag that `work` is given is set, and what it raised is raised when `work` has come to its end: it leaves
/// something behind, such as a log, that is to be in good order then.
///
/// # Errors
/// What a signal raised; [`Failed`] if no threads can be started, or `work` panics.
pub(crate) fn patient<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Arc<AtomicBool>) -> T + Send,
) -> PyResult<T> {
    let (pool, interrupt) = (pool()?, Arc::new(AtomicBool::new(false)));
    thread::scope(|scope| {
        let (sender, mut done) = channel();
        let (pool, interrupt) = (&pool, &interrupt);
        scope.spawn(move || {
            // The receiver waits for this.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(|| pool.install(|| work(interrupt)))));
        });
        let mut raised = None;
        loop {
            match (listened(py, &mut done), raised) {
                (Heard::Done(_), Some(raised)) => return Err(raised),
                (Heard::Done(result), None) => return result,
                (Heard::Raised(first), None) => raised = Some(first),
                // Whoever presses a second time waits for the same.
                (Heard::Raised(_) | Heard::Nothing, earlier) => raised = earlier,
            }
            interrupt.store(raised.is_some(), Ordering::Relaxed);
        }
    })
}

/// Does `work` as [`patient`] does, but leaves it after a signal that raises: nobody sees what it does from then on, which is little, once it
/// looks at its flag.
///
/// # Errors
/// As [`patient`].
pub(crate) fn impatient<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce(&Arc<AtomicBool>) -> T + Send + 'static,
) -> PyResult<T> {
    let (pool, interrupt) = (pool()?, Arc::new(AtomicBool::new(false)));
    let (sender, mut done) = channel();
    let seen = Arc::clone(&interrupt);
    thread::spawn(move || {
        // Nobody receives this once it is left.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(|| pool.install(|| work(&seen)))));
    });
    loop {
        match listened(py, &mut done) {
            Heard::Done(result) => return result,
            Heard::Raised(raised) => {
                interrupt.store(true, Ordering::Relaxed);
                return Err(raised);
            }
            Heard::Nothing => {}
        }
    }
}

/// What is heard in a little while.
enum Heard<T> {
    /// What work has come to.
    Done(PyResult<T>),
    /// What a signal raised.
    Raised(PyErr),
    Nothing,
}

fn listened<T: Send>(py: Python<'_>, done: &mut Receiver<thread::Result<T>>) -> Heard<T> {
    match py.detach(move || done.recv_timeout(LISTEN)) {
        Ok(Ok(result)) => Heard::Done(Ok(result)),
        Ok(Err(panic)) => Heard::Done(Err(bug(panic.as_ref()))),
        Err(RecvTimeoutError::Disconnected) => Heard::Done(Err(bug(&"its thread is gone"))),
        Err(RecvTimeoutError::Timeout) => py.check_signals().err().map_or(Heard::Nothing, Heard::Raised),
    }
}

/// Does `work` that is over in no time on this thread, without the interpreter's lock. What it does in parallel it does here, one after the
/// other: rayon's own pool, which it would begin, does not survive a fork.
///
/// # Errors
/// [`Failed`] if `work` panics.
pub(crate) fn quick<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    if rayon::current_thread_index().is_none() {
        let alone = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        // This thread is the pool, for as long as it lives.
        std::mem::forget(alone.map_err(|error| failed(&error))?);
    }
    py.detach(|| catch_unwind(AssertUnwindSafe(work))).map_err(|panic| bug(panic.as_ref()))
}

/// A panic as an exception that `except Exception` catches.
pub(crate) fn bug(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Failed::new_err(format!("this is a fault of tapeout: {text}"))
}

fn pool() -> PyResult<Arc<ThreadPool>> {
    let mut kept = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    match &*kept {
        Some((owner, pool)) if *owner == process::id() => return Ok(Arc::clone(pool)),
        _ => {}
    }
    let pool = Arc::new(ThreadPoolBuilder::new().build().map_err(|error| failed(&error))?);
    // The parent's pool must not be dropped in a child: that would wait for its threads.
    std::mem::forget(kept.replace((process::id(), Arc::clone(&pool))));
    Ok(pool)
}
