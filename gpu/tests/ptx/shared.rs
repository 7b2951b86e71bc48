//! Shared memory that notices when it is used too early or too late.

/// The state of a byte.
#[derive(Debug, Clone, Copy)]
struct Byte {
    value: u8,
    /// After which barrier it was written; none if never or if a copy is under way.
    written: Option<u32>,
    /// After which barrier it was last read.
    read: Option<u32>,
}

/// A copy under way.
#[derive(Debug)]
struct Copy {
    to: usize,
    bytes: Vec<u8>,
}

/// Shared memory of a block with the copies under way of each thread, in groups.
#[derive(Debug)]
pub struct Shared {
    memory: Vec<Byte>,
    barriers: u32,
    groups: Vec<Vec<Vec<Copy>>>,
}

impl Shared {
    pub fn new(bytes: usize, threads: usize) -> Self {
        let groups = (0..threads).map(|_| vec![Vec::new()]).collect();
        Self { memory: vec![Byte { value: 0, written: None, read: None }; bytes], barriers: 0, groups }
    }

    /// Starts a copy of `bytes` by `thread`.
    pub fn copy(&mut self, thread: usize, to: usize, bytes: Vec<u8>) {
        assert!(to.is_multiple_of(bytes.len()), "a copy of {} byte to {to} is not aligned", bytes.len());
        for byte in &mut self.memory[to..to + bytes.len()] {
            assert!(
                byte.read != Some(self.barriers),
                "byte {to} is copied to while others may still read it"
            );
            byte.written = None;
        }
        self.groups[thread].last_mut().expect("one group is open").push(Copy { to, bytes });
    }

    pub fn close_groups(&mut self) {
        for groups in &mut self.groups {
            groups.push(Vec::new());
        }
    }

    /// Waits in each thread until at most `pending` closed groups are under way.
    pub fn wait(&mut self, pending: usize) {
        for groups in &mut self.groups {
            let landed = groups.len() - 1 - pending.min(groups.len() - 1);
            for copy in groups.drain(..landed).flatten() {
                for (byte, value) in self.memory[copy.to..].iter_mut().zip(copy.bytes) {
                    *byte = Byte { value, written: Some(self.barriers), ..*byte };
                }
            }
        }
    }

    pub fn barrier(&mut self) {
        self.barriers += 1;
    }

    /// `N` bytes at `from`, little-endian.
    pub fn read(&mut self, from: usize, bytes: usize) -> u64 {
        assert!(from.is_multiple_of(bytes), "a load of {bytes} byte from {from} is not aligned");
        let barriers = self.barriers;
        self.memory[from..from + bytes].iter_mut().rev().fold(0, |word, byte| {
            assert!(
                byte.written.is_some_and(|written| written < barriers),
                "byte near {from} is read too early"
            );
            byte.read = Some(barriers);
            word << 8 | u64::from(byte.value)
        })
    }
}
