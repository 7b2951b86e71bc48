//! Rows that are held out together, so that a model is asked about designs it has no neighbours of.
//!
//! Source: Roberts et al. (2017), "Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
//! structure", doi:10.1111/ecog.02881: folds that are blocks of the inputs, since rows held out at random have neighbours left.
//! Ours: blocks of levels of the two parameters that explain most of the objective, dealt to folds as a Latin square, so that each
//! fold holds out combinations of levels, and every level stays among what is learned from.

use std::collections::BTreeMap;

use serde::Serialize;
use tapeout_core::Problem;
use tapeout_experiment::dataset::Dataset;
use tapeout_surrogates::targets::TargetScale;

/// Folds, and blocks of levels along each of the two parameters. Ours: the least with which a Latin square leaves two thirds of
/// the rows to learn from.
const N_FOLDS: usize = 3;
/// With fewer rows nothing is held out. Ours: four for each cell of the square.
const LEAST_ROWS: usize = 4 * N_FOLDS * N_FOLDS;

/// What rows are held out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldOutBy {
    /// Combinations of blocks of levels.
    Levels,
    /// Whole workloads.
    Workload,
}

/// Rows that are held out together, and those that a model learns from meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// What they are held out by.
    pub by: HeldOutBy,
    /// Indices of rows to learn from.
    pub train: Vec<usize>,
    /// Indices of rows to ask about.
    pub held_out: Vec<usize>,
}

/// Folds of `rows` by blocks of the levels of the two parameters that explain most of the first objective, each row held out
/// once; none if there are too few rows, or no parameter has two levels among them.
pub fn by_levels(dataset: &Dataset, problem: &Problem, rows: &[usize]) -> Vec<Fold> {
    let parameters = most_telling(dataset, problem, rows);
    if rows.len() < LEAST_ROWS || parameters.is_empty() {
        return Vec::new();
    }
    let blocks: Vec<(usize, Vec<usize>)> =
        parameters.iter().take(2).map(|&it| (it, blocks(dataset, rows, it))).collect();
    let part = |row: usize| {
        let levels = dataset.rows()[row].design.levels();
        blocks.iter().map(|(parameter, blocks)| blocks[levels[*parameter] as usize]).sum::<usize>() % N_FOLDS
    };
    parted(HeldOutBy::Levels, rows, part)
}

/// Folds of `rows` by workload, each held out once; none unless a model can tell workloads apart.
pub fn by_workload(dataset: &Dataset, rows: &[usize]) -> Vec<Fold> {
    let has_context = dataset.workloads().first().is_some_and(|first| !first.context.is_empty());
    if !has_context {
        return Vec::new();
    }
    parted(HeldOutBy::Workload, rows, |row| dataset.rows()[row].workload % N_FOLDS)
}

/// The folds that hold out the rows of each part; none unless there are two parts.
fn parted(by: HeldOutBy, rows: &[usize], part: impl Fn(usize) -> usize) -> Vec<Fold> {
    let fold = |wanted: usize| {
        let (held_out, train): (Vec<usize>, Vec<usize>) = rows.iter().partition(|&&row| part(row) == wanted);
        Fold { by, train, held_out }
    };
    let folds = (0..N_FOLDS).map(fold);
    folds.filter(|fold| !fold.held_out.is_empty() && !fold.train.is_empty()).collect()
}

/// The parameters with at least two levels among `rows`, those first whose levels explain most of the first objective within
/// workloads: the share of its variance that lies between levels.
fn most_telling(dataset: &Dataset, problem: &Problem, rows: &[usize]) -> Vec<usize> {
    let index = problem.metrics().iter().position(|it| it.name == problem.objective_metric(0).name);
    let index = index.expect("invariant: an objective is a metric");
    let measured: Vec<(usize, f64)> =
        rows.iter().filter_map(|&row| Some((row, dataset.rows()[row].outcome.metrics()?[index]))).collect();
    let scale = TargetScale::of(&measured.iter().map(|&(_, value)| value).collect::<Vec<f64>>());
    let mut means: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for &(row, value) in &measured {
        add(means.entry(dataset.rows()[row].workload).or_default(), scale.target(value));
    }
    let within: Vec<(usize, f64)> = measured
        .iter()
        .map(|&(row, value)| (row, scale.target(value) - mean(means[&dataset.rows()[row].workload])))
        .collect();
    let explained = |parameter: usize| {
        let mut by_level: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
        for &(row, value) in &within {
            add(by_level.entry(dataset.rows()[row].design.levels()[parameter]).or_default(), value);
        }
        by_level.values().map(|&sums| sums.0 * mean(sums).powi(2)).sum::<f64>()
    };
    let has_choice = |parameter: &usize| {
        let level = |row: usize| dataset.rows()[row].design.levels()[*parameter];
        rows.iter().any(|&row| level(row) != level(rows[0]))
    };
    let mut telling: Vec<(usize, f64)> =
        (0..dataset.space().n_parameters()).filter(has_choice).map(|it| (it, explained(it))).collect();
    telling.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable: equal ones in the order of the space
    telling.into_iter().map(|(parameter, _)| parameter).collect()
}

/// How many values, and their sum.
fn add(sums: &mut (f64, f64), value: f64) {
    *sums = (sums.0 + 1.0, sums.1 + value);
}

fn mean((n, sum): (f64, f64)) -> f64 {
    sum / n
}

/// For each level of a parameter its block: neighbouring levels together, and about as many rows in each.
fn blocks(dataset: &Dataset, rows: &[usize], parameter: usize) -> Vec<usize> {
    let n_levels = dataset.space().parameters()[parameter].n_levels() as usize;
    let mut n_rows = vec![0; n_levels];
    rows.iter().for_each(|&row| n_rows[dataset.rows()[row].design.levels()[parameter] as usize] += 1);
    let mut before = 0;
    let block = |n: &usize| {
        let middle = before + n / 2;
        before += n;
        (N_FOLDS * middle / rows.len()).min(N_FOLDS - 1)
    };
    n_rows.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{Goal, Objective};
    use tapeout_experiment::dataset::import::columns::LogColumns;
    use tapeout_experiment::dataset::import::import;

    /// All designs of a = 1 to 6, b = 1 to 6, c = 1, 2; t = 100 a + b, so c says nothing and a most.
    fn dataset() -> Dataset {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let rows = (0..72).map(|index| {
            let (a, b, c) = (index / 12 + 1, index / 2 % 6 + 1, index % 2 + 1);
            format!("{a},{b},{c},{},{}\n", 100 * a + b, if a > 3 { "x" } else { "y" })
        });
        std::fs::write(&path, format!("a,b,c,t,w\n{}", rows.collect::<String>())).unwrap();
        let columns = "name = 'a'\ngoal.objectives = ['t']\nmetrics = [{ column = 't' }]\n\
            parameters = [{ column = 'c' }, { column = 'a' }, { column = 'b' }]\nunused = ['w']";
        import(&[path], &LogColumns::parse(columns).unwrap()).unwrap().dataset
    }

    fn problem(dataset: &Dataset) -> Problem {
        let goal = Goal { objectives: vec![Objective::minimize("t")], constraints: Vec::new() };
        dataset.problem(goal).unwrap()
    }

    #[test]
    fn the_parameters_that_explain_most_come_first() {
        let dataset = dataset();
        let rows: Vec<usize> = (0..72).collect();
        assert_eq!(most_telling(&dataset, &problem(&dataset), &rows), [1, 2, 0]);
        assert_eq!(blocks(&dataset, &rows, 1), [0, 0, 1, 1, 2, 2]);
    }

    /// Each of 9 cells has 8 rows, and each fold 3 cells: 24 rows. A fold holds out no level of `a` altogether, and a whole
    /// block of it only together with one block of `b`.
    #[test]
    fn each_row_is_held_out_once_in_a_cell_of_neighbouring_levels() {
        let dataset = dataset();
        let rows: Vec<usize> = (0..72).collect();
        let folds = by_levels(&dataset, &problem(&dataset), &rows);
        let sizes: Vec<(usize, usize)> =
            folds.iter().map(|fold| (fold.train.len(), fold.held_out.len())).collect();
        assert_eq!(sizes, [(48, 24); 3]);
        let mut all: Vec<usize> = folds.iter().flat_map(|fold| fold.held_out.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, rows);
        for fold in &folds {
            let cells = |rows: &[usize]| -> std::collections::BTreeSet<(u32, u32)> {
                let levels = rows.iter().map(|&row| dataset.rows()[row].design.levels());
                levels.map(|levels| (levels[1] / 2, levels[2] / 2)).collect()
            };
            assert_eq!((cells(&fold.held_out).len(), cells(&fold.train).len()), (3, 6));
        }
        assert_eq!(by_levels(&dataset, &problem(&dataset), &rows[..20]), []);
        assert_eq!(by_workload(&dataset, &rows), []);
    }
}
