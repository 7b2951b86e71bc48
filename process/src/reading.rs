//! Reading a stream of a child to its end, beside whatever else is done.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How much of the error output is kept, in byte. Ours: more than a trace of calls has.
const COMPLAINT: usize = 16 * 1024;

/// How much a program may write to its output, in byte. Ours: a hundred times what reports have.
const OUTPUT: usize = 256 << 20;

/// A stream that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Nothing is sent: it closes when the stream has ended.
    end: Receiver<()>,
}

impl Reading {
    /// Keeps all that an output has; one that has too much is read no further.
    pub(crate) fn output(stream: impl Read + Send + 'static) -> Self {
        Self::begin(stream, |kept, chunk| {
            kept.extend_from_slice(chunk);
            kept.len() < OUTPUT
        })
    }

    /// Keeps the last that an error output has.
    pub(crate) fn complaint(stream: impl Read + Send + 'static) -> Self {
        Self::begin(stream, |kept, chunk| {
            kept.extend_from_slice(chunk);
            kept.drain(..kept.len().saturating_sub(COMPLAINT));
            true
        })
    }

    /// `keep`: keeps what it wants of a chunk, and says whether it wants more.
    fn begin(
        mut stream: impl Read + Send + 'static,
        keep: impl Fn(&mut Vec<u8>, &[u8]) -> bool + Send + 'static,
    ) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (sender, end) = channel();
        let shared = Arc::clone(&kept);
        thread::spawn(move || {
            let _closes_at_the_end = sender;
            let mut chunk = [0; 16 * 1024];
            while let Ok(length @ 1..) = stream.read(&mut chunk) {
                // Whoever panicked with it in hand has left whole bytes.
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if !keep(&mut kept, &chunk[..length]) {
                    break;
                }
            }
        });
        Self { kept, end }
    }

    /// What was kept of a stream that should end within `limit`; if it does not, what was kept by then.
    pub(crate) fn finish(self, limit: Duration) -> Vec<u8> {
        // Closed or out of time: there is nothing else to hear.
        let _ = self.end.recv_timeout(limit);
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
