//! Threads that work side by side, until there is nothing left to do or somebody interrupts.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// So many threads.
pub(crate) struct Workers {
    /// None where one thread does everything: the caller's.
    pool: Option<ThreadPool>,
    threads: usize,
}

/// So many threads could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} threads")]
pub struct ThreadsError {
    /// How many were asked for.
    pub threads: usize,
    /// Why not.
    #[source]
    pub source: ThreadPoolBuildError,
}

impl Workers {
    pub(crate) fn new(threads: NonZeroUsize) -> Result<Self, ThreadsError> {
        let threads = threads.get();
        let pool = match threads {
            1 => None,
            _ => {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                Some(pool.map_err(|source| ThreadsError { threads, source })?)
            }
        };
        Ok(Self { pool, threads })
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Does `work` for each number below `n`, begun in this order, and tells `each` on the caller's thread what comes of it, as it
    /// comes. Work that says none was not begun: that is how an interrupt ends it. After an error of `each` nothing is begun.
    ///
    /// # Errors
    /// The first of `each`.
    pub(crate) fn run<T: Send, E>(
        &self,
        n: usize,
        work: &(dyn Fn(usize) -> Option<T> + Sync),
        each: &mut dyn FnMut(usize, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(pool) = &self.pool else {
            return (0..n).try_for_each(|index| work(index).map_or(Ok(()), |done| each(index, done)));
        };
        let (next, stop) = (&AtomicUsize::new(0), &AtomicBool::new(false));
        let (sender, results) = channel();
        pool.in_place_scope(|scope| {
            for _ in 0..self.threads.min(n) {
                let sender = sender.clone();
                scope.spawn(move |_| {
                    while !stop.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= n {
                            break;
                        }
                        if let Some(done) = work(index) {
                            // The receiver outlives the scope's threads.
                            let _ = sender.send((index, done));
                        }
                    }
                });
            }
            drop(sender);
            let mut outcome = Ok(());
            for (index, done) in results {
                if outcome.is_ok() {
                    outcome = each(index, done);
                    stop.store(outcome.is_err(), Ordering::Relaxed);
                }
            }
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(threads: usize) -> Workers {
        Workers::new(NonZeroUsize::new(threads).unwrap()).unwrap()
    }

    #[test]
    fn all_work_is_done_once_whatever_the_threads() {
        for threads in [1, 2, 5] {
            let mut told = Vec::new();
            let done = workers(threads).run(100, &|index| Some(index * index), &mut |index, square| {
                assert_eq!(square, index * index);
                told.push(index);
                Ok::<(), ()>(())
            });
            told.sort_unstable();
            assert_eq!((done, told), (Ok(()), (0..100).collect()), "{threads} threads");
        }
    }

    #[test]
    fn what_was_begun_before_an_interrupt_is_told() {
        for threads in [1, 4] {
            let (n_begun, mut told) = (AtomicUsize::new(0), Vec::new());
            let work = |index| (n_begun.fetch_add(1, Ordering::Relaxed) < 10).then_some(index);
            let done = workers(threads).run(1000, &work, &mut |index, _| {
                told.push(index);
                Ok::<(), ()>(())
            });
            assert_eq!((done, told.len()), (Ok(()), 10), "{threads} threads");
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        for threads in [1, 3] {
            let mut n_told = 0;
            let done = workers(threads).run(1000, &Some, &mut |index, _| {
                n_told += 1;
                if n_told == 5 { Err(index) } else { Ok(()) }
            });
            assert!(done.is_err() && n_told == 5, "{threads} threads");
        }
    }
}
