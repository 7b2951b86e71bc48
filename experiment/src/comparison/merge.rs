//! Runs that other machines made in folders of their own, taken over into one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tapeout_core::{Catalog, Seed, Trial};

use super::conduct::{failed, prepare};
use super::shard::CellLock;
use super::{Cell, ComparisonError, ComparisonPlan};
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::folder::{self, log_path, spec_path, summary_path};

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
    for cell in cells {
        let failed_at = |place: &Path, source| failed(plan, place, cell, source);
        let mut longest: Option<(&Path, Vec<Trial>)> = None;
        for &place in places.iter().filter(|place| has(place, cell)) {
            let experiment = prepared[cell.env][cell.agent].with_seed(Seed::new(cell.seed));
            let trials = experiment
                .map_err(RunError::from)
                .and_then(|experiment| trials(experiment, &plan.folder(place, cell)))
                .map_err(|source| failed_at(place, source))?;
            longest = Some(match longest {
                None => (place, trials),
                Some(best) => longer(best, (place, trials), |place| plan.folder(place, cell))?,
            });
        }
        if let Some((place, _)) = longest.filter(|(place, _)| *place != out) {
            copy(&plan.folder(place, cell), &plan.folder(out, cell), |source| failed_at(out, source))?;
            n_copied += 1;
        }
    }
    Ok(n_copied)
}

fn trials(experiment: Experiment, path: &Path) -> Result<Vec<Trial>, RunError> {
    Ok(folder::read(experiment, path)?.trials().to_vec())
}

/// The one with more trials, the first of equals, if the other is its beginning.
fn longer<'a>(
    first: (&'a Path, Vec<Trial>),
    second: (&'a Path, Vec<Trial>),
    folder: impl Fn(&Path) -> PathBuf,
) -> Result<(&'a Path, Vec<Trial>), ComparisonError> {
    match first.1.iter().zip(&second.1).position(|(one, other)| one != other) {
        Some(trial) => Err(ComparisonError::Differ { one: folder(first.0), other: folder(second.0), trial }),
        None if second.1.len() > first.1.len() => Ok(second),
        None => Ok(first),
    }
}

/// Copies the run in `from` to `to`, where it stands whole or not at all.
fn copy(from: &Path, to: &Path, failed: impl Fn(RunError) -> ComparisonError) -> Result<(), ComparisonError> {
    let Some(lock) = CellLock::take(to).map_err(&failed)? else {
        return Err(failed(RunError::Busy { path: to.to_owned() }));
    };
    let beside = to.with_extension("merging");
    let put = || -> io::Result<()> {
        fs::create_dir_all(&beside)?;
        for file in [spec_path, log_path, summary_path] {
            if file(from).exists() {
                fs::copy(file(from), file(&beside))?;
            }
        }
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::rename(&beside, to)
    };
    put().map_err(|source| ComparisonError::Copy { from: from.to_owned(), to: to.to_owned(), source })?;
    lock.done();
    Ok(())
}
