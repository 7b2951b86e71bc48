//! What a model expects beside the best logged designs.
//!
//! Ours: a search of a model ends where the model errs to its own advantage. The best logged designs are as good as they are said to
//! be, and of one that differs from them in a single parameter a model has to say no more than whether that is for the better. Going on
//! from what it likes there, step by step, was tried: it ends beyond the limits that the model does not quite know. Eriksson, Pearce,
//! Gardner, Turner & Poloczek (2019), "Scalable global optimization via local Bayesian optimization", arXiv:1910.01739 (TuRBO), keep to
//! a neighbourhood of the best for the same reason.

use std::collections::BTreeSet;

use rand::seq::{IndexedRandom, index};
use tapeout_core::{Catalog, Design, ModelFile, Problem, Trial};

use super::{Evidence, ModelSearch, OfflineError, choose};

/// How many of the best logged designs have their neighbours looked at. Ours: as many as a batch has by default.
const STARTS: usize = 16;
/// Neighbours that a model is asked about, at most; drawn if there are more. Ours: as many as a search asks about by default.
const MOST_ASKED: usize = 5_000;
/// Levels of a parameter that are gone to from one design, at most; drawn if there are more. Ours: all of those that people list, and few
/// enough that a range of thousands leaves room for the other parameters.
const MOST_LEVELS: usize = 64;

impl ModelSearch {
    /// The designs that differ in one parameter from one of the best acceptable ones that were logged and are not known themselves, as the
    /// model has them.
    ///
    /// # Errors
    /// [`OfflineError`] if the model cannot be read back.
    pub fn near(
        &self,
        catalog: &Catalog,
        model: &ModelFile,
        problem: &Problem,
        logged: &Evidence<'_>,
    ) -> Result<Vec<Trial>, OfflineError> {
        let known = logged.known(&self.workloads);
        let measured = logged.trials(problem, &self.workloads);
        let best = choose(problem, &measured, STARTS).into_iter().map(|index| &measured[index]);
        let (space, mut rng) = (problem.space(), self.seed.stream("near the best"));
        let mut neighbours = BTreeSet::new();
        for start in best.filter(|trial| trial.judgement.accepted().is_some()) {
            for (parameter, declared) in space.parameters().iter().enumerate() {
                let n_levels = declared.n_levels() as usize;
                let levels = index::sample(&mut rng, n_levels, n_levels.min(MOST_LEVELS)).into_iter();
                let moved =
                    levels.filter_map(|level| space.with_level(&start.design, parameter, level as u32));
                neighbours.extend(moved.filter(|design| !known.contains(design)));
            }
        }
        let neighbours: Vec<Design> = neighbours.into_iter().collect();
        let drawn: Vec<Design> = neighbours.sample(&mut rng, MOST_ASKED).cloned().collect();
        Ok(self.asked(catalog, model, problem, &[0.0], &drawn)?.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use tapeout_core::{Goal, Objective, Seed};
    use tapeout_experiment::AgentSpec;
    use tapeout_experiment::dataset::Split;
    use tapeout_experiment::dataset::import::columns::LogColumns;
    use tapeout_experiment::dataset::import::import;

    use super::*;
    use crate::offline::{Recipe, fit, workloads};

    /// Logged are a = 1 to 9 with b = 9 to 1, and t = a: the 9 designs of a diagonal. In one parameter each differs from 16 others, all not
    /// known; those of two designs overlap in two, (a, b') and (a', b), so that they are 9 * 16 / 2, all of the square but the diagonal.
    #[test]
    fn what_is_beside_the_logged_designs_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let rows: String = (1..=9).map(|a| format!("{a},{},{a}\n", 10 - a)).collect();
        std::fs::write(&path, format!("a,b,t\n{rows}")).unwrap();
        let columns = "name = 'a'\ngoal.objectives = ['t']\nmetrics = [{ column = 't' }]\n\
            parameters = [{ column = 'a' }, { column = 'b' }]";
        let dataset = import(&[path], &LogColumns::parse(columns).unwrap()).unwrap().dataset;
        let goal = Goal { objectives: vec![Objective::minimize("t")], constraints: Vec::new() };
        let problem = dataset.problem(goal).unwrap();
        let (catalog, seed) = (crate::builtin(), Seed::new(0));
        let rows: Vec<usize> = (0..9).collect();
        let split = Split { train: rows.clone(), ..Split::default() };
        let model = fit(&catalog, &dataset, &split, &problem, &Recipe::named("k-nearest", seed)).unwrap();
        let one = NonZeroUsize::MIN;
        let search = ModelSearch {
            workloads: workloads(&dataset, &[]).unwrap(),
            agent: AgentSpec::named("random"),
            calls: one,
            batch: one,
            kappa: 0.0,
            least_p_feasible: 0.5,
            exact_checks: true,
            seed,
        };
        let logged = Evidence { dataset: &dataset, rows: &rows, second: None };
        let near = search.near(&catalog, &model, &problem, &logged).unwrap();
        assert_eq!(near.len(), 72);
        assert!(near.iter().all(|trial| trial.outcome.metrics().is_some_and(|it| it.len() == 1)));
        let known = logged.known(&search.workloads);
        assert!(near.iter().all(|trial| !known.contains(&trial.design)));
    }
}
