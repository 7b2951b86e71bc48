//! Where a run goes when nobody says.

use std::path::{Path, PathBuf};

use tapeout::experiment::Spec;

/// The folder of all runs whose place nobody chose.
const RUNS: &str = "runs";

/// `runs/<env>-<agent>-<seed>`, or the first of `-2`, `-3`, ... that is not there.
pub(crate) fn free_folder(spec: &Spec) -> PathBuf {
    let name = format!("{}-{}-{}", spec.env.id, spec.agent.id, spec.seed.number());
    first_free(&Path::new(RUNS).join(name))
}

fn first_free(wanted: &Path) -> PathBuf {
    let numbered = |number: u64| {
        let mut path = wanted.as_os_str().to_owned();
        path.push(format!("-{number}"));
        PathBuf::from(path)
    };
    std::iter::once(wanted.to_owned())
        .chain((2..).map(numbered))
        .find(|path| !path.exists())
        .expect("invariant: no disk holds every number")
}
