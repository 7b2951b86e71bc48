//! Runs that other machines made in folders of their own, taken over into one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tapeout_core::{Catalog, Seed};

use super::conduct::{failed, prepare};
use super::shard::CellLock;
use super::{Cell, ComparisonError, ComparisonPlan};
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::folder::{self, log_path, spec_path, summary_path};
use crate::trials::Trials;

/// Copies what the folders `sources` hold of the runs of `plan` to `out`, and returns how many runs were copied. Of a run that is in
/// several folders the longest is kept; the others must be its beginning. What is no run of `plan` stays where it is.
///
/// # Errors
/// [`ComparisonError::Foreign`] if a folder holds none of the runs, [`ComparisonError::Run`] if a run is one of another experiment or
/// cannot be read, [`ComparisonError::Differ`] if two folders disagree: nothing is copied of that run then.
/// [`ComparisonError::Copy`] if a file cannot be written.
pub fn merge(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    out: &Path,
    sources: &[PathBuf],
) -> Result<usize, ComparisonError> {
    plan.check()?;
    let prepared = prepare(catalog, plan, out)?;
    let cells = plan.cells();
    let has = |folder: &Path, cell: Cell| log_path(&plan.folder(folder, cell)).exists();
    if let Some(path) = sources.iter().find(|path| !cells.iter().any(|&cell| has(path, cell))) {
        return Err(ComparisonError::Foreign { path: path.clone() });
    }
    let places: Vec<&Path> = std::iter::once(out).chain(sources.iter().map(PathBuf::as_path)).collect();
    let mut n_copied = 0;
    for cell in cells.into_iter().filter(|&cell| sources.iter().any(|source| has(source, cell))) {
        let (experiment, to) = (&prepared[cell.env][cell.agent], plan.folder(out, cell));
        // Nobody is to go on with the run here between its being read and replaced.
        let lock = CellLock::take(&to).map_err(|source| failed(plan, out, cell, source))?;
        let Some(lock) = lock else {
            return Err(failed(plan, out, cell, RunError::Busy { path: to }));
        };
        let here: Vec<&Path> = places.iter().copied().filter(|place| has(place, cell)).collect();
        let copied = longest(plan, experiment, cell, &here).and_then(|place| {
            let is_elsewhere = place != out;
            if is_elsewhere {
                copy(&plan.folder(place, cell), &to)?;
            }
            Ok(usize::from(is_elsewhere))
        });
        lock.done();
        n_copied += copied?;
    }
    Ok(n_copied)
}

/// Which of `places`, at least one, has most of the run of `cell`.
fn longest<'a>(
    plan: &ComparisonPlan,
    experiment: &Experiment,
    cell: Cell,
    places: &[&'a Path],
) -> Result<&'a Path, ComparisonError> {
    let mut read = places.iter().map(|&place| {
        let experiment = experiment.with_seed(Seed::new(cell.seed)).map_err(RunError::from);
        let trials = experiment.and_then(|experiment| trials(experiment, &plan.folder(place, cell)));
        Ok::<_, ComparisonError>((place, trials.map_err(|source| failed(plan, place, cell, source))?))
    });
    let first = read.next().expect("invariant: at least one place")?;
    let longest =
        read.try_fold(first, |best, other| longer(best, other?, |place| plan.folder(place, cell)))?;
    Ok(longest.0)
}

fn trials(experiment: Experiment, path: &Path) -> Result<Trials, RunError> {
    Ok(folder::read(experiment, path)?.trials().clone())
}

/// The one with more trials, the first of equals, if the other is its beginning.
fn longer<'a>(
    first: (&'a Path, Trials),
    second: (&'a Path, Trials),
    folder: impl Fn(&Path) -> PathBuf,
) -> Result<(&'a Path, Trials), ComparisonError> {
    match first.1.iter().zip(&second.1).position(|(one, other)| one != other) {
        Some(trial) => Err(ComparisonError::Differ { one: folder(first.0), other: folder(second.0), trial }),
        None if second.1.len() > first.1.len() => Ok(second),
        None => Ok(first),
    }
}

/// Copies the run in `from` to `to`, whose lock the caller has: it stands there whole or not at all.
fn copy(from: &Path, to: &Path) -> Result<(), ComparisonError> {
    let beside = to.with_extension("merging");
    let put = || -> io::Result<()> {
        // Left behind by somebody who was stopped: it may be of another run.
        if beside.exists() {
            fs::remove_dir_all(&beside)?;
        }
        fs::create_dir_all(&beside)?;
        for file in [spec_path, log_path, summary_path] {
            let file = file(from); // a log may be packed
            if let Some(name) = file.file_name().filter(|_| file.exists()) {
                fs::copy(&file, beside.join(name))?;
            }
        }
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::rename(&beside, to)
    };
    put().map_err(|source| ComparisonError::Copy { from: from.to_owned(), to: to.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: what a copy that was stopped left behind is not taken for a part of the next.
    #[test]
    fn a_copy_holds_nothing_of_one_that_was_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("0"));
        let beside = folder.path().join("0.merging");
        for path in [&from, &beside] {
            fs::create_dir(path).unwrap();
        }
        fs::write(log_path(&from), "log").unwrap();
        fs::write(summary_path(&beside), "of another run").unwrap();
        copy(&from, &to).unwrap();
        assert!(log_path(&to).exists() && !summary_path(&to).exists() && !beside.exists());
    }
}
