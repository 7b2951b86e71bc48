//! The Python package `tapeout`: the core, wrapped. What people call is in `package/tapeout`, in Python; here is what that
//! calls, as the module `tapeout._native`.
//!
//! | module | holds |
//! |---|---|
//! | `space`, `env`, `outcomes` | spaces, environments shared by settings, outcomes as columns |
//! | `run` | runs: searched, held by a loop in Python, loaded |
//! | `learn` | data sets and models |
//! | `episodes` | the Gymnasium view |
//! | `program` | the command line |
//! | `waiting` | long work without the interpreter's lock, and Ctrl-C |
//! | `fault` | errors as exceptions |
//!
//! Nothing here decides: arguments are checked, so that no input panics, and handed on.

mod env;
mod episodes;
mod fault;
mod learn;
mod outcomes;
mod program;
mod run;
mod space;
mod waiting;

use pyo3::prelude::*;

/// The part of the package that is written in Rust.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::env::{Env, Judge};
    #[pymodule_export]
    use crate::episodes::{Episodes, Task, Vector};
    #[pymodule_export]
    use crate::fault::Failed;
    #[pymodule_export]
    use crate::learn::{Dataset, Model};
    #[pymodule_export]
    use crate::program::{agents, answer, envs, gymnasium_id, learners, main};
    #[pymodule_export]
    use crate::run::{Interrupt, Run, Session, load, resume, run};
    #[pymodule_export]
    use crate::space::Space;

    #[pymodule_init]
    fn init(module: &super::Bound<'_, super::PyModule>) -> super::PyResult<()> {
        crate::env::make_catalog(module.py())
    }
}
