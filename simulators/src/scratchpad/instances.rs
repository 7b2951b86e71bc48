//! Instances that are built in, and the activations of networks.

use tapeout_core::UnknownName;

use super::buffers::{Buffers, BuffersError, LiveBuffer};
use crate::fusion::Cascade;
use crate::names::index_of;

/// A built-in instance, not read yet.
#[derive(Debug, Clone, Copy)]
pub struct ScratchpadRow {
    /// Its name on the command line and in specs.
    pub id: &'static str,
    text: &'static str,
}

impl ScratchpadRow {
    /// The instance in the file.
    pub fn buffers(&self) -> Buffers {
        Buffers::from_csv(self.text)
            .expect("invariant: built-in files are well formed; a test reads each of them")
    }
}

macro_rules! row {
    ($id:literal) => {
        ScratchpadRow { id: $id, text: include_str!(concat!("../../../data/scratchpad/", $id, ".csv")) }
    };
}

/// The built-in instances, by name. All of them fit in [`MINIMALLOC_BYTE`].
pub static SCRATCHPADS: &[ScratchpadRow] = &[
    row!("minimalloc-a"),
    row!("minimalloc-b"),
    row!("minimalloc-d"),
    row!("minimalloc-f"),
    row!("minimalloc-h"),
    row!("minimalloc-j"),
    row!("minimalloc-k"),
];

/// The capacity that MiniMalloc's instances are made for. Source: google/minimalloc, the names of its files.
pub const MINIMALLOC_BYTE: u64 = 1_048_576;

/// The built-in instance called `id`.
///
/// # Errors
/// [`UnknownName`] with the nearest known name.
pub fn scratchpad(id: &str) -> Result<Buffers, UnknownName> {
    let known = SCRATCHPADS.iter().map(|row| row.id);
    index_of("instance", id, known).map(|index| SCRATCHPADS[index].buffers())
}

impl Buffers {
    /// The activations of a cascade whose stages run one after the other, a unit of time each: a tensor lives from the stage that makes it,
    /// or from the first one if none does, to the last that reads it, both included. Weights are no part of it. In the order of their starts.
    ///
    /// # Errors
    /// [`BuffersError`] if there are too many of them, or they are too large.
    pub fn of_cascade(cascade: &Cascade) -> Result<Self, BuffersError> {
        let mut tensors: Vec<(&str, LiveBuffer)> = Vec::new();
        for (time, stage) in (0..).zip(cascade.stages()) {
            // An operand that no stage makes is weights.
            for name in [Some(&stage.input), stage.operand.as_ref().map(|it| &it.name)].into_iter().flatten()
            {
                match tensors.iter_mut().rev().find(|(known, _)| known == name) {
                    Some((_, buffer)) => buffer.end = time + 1,
                    None if *name == stage.input => {
                        let size_byte = stage.input_byte().ceil() as u64;
                        tensors.push((name, LiveBuffer { start: 0, end: time + 1, size_byte }));
                    }
                    None => {}
                }
            }
            let size_byte = stage.output_byte().ceil() as u64;
            tensors.push((&stage.output, LiveBuffer { start: time, end: time + 1, size_byte }));
        }
        Self::new(tensors.into_iter().map(|(_, buffer)| buffer).collect())
    }
}
