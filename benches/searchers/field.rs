//! The problems that searchers are tried on, and what is known of their best.

use std::collections::HashSet;

use serde_json::Value;
use tapeout_agents::AGENTS;
use tapeout_core::pareto::{Archive, hypervolume};
use tapeout_core::{
    BuildEnv, Catalog, Constraint, Design, Env, Goal, Objective, Outcome, Problem, Seed, Trial,
};
use tapeout_envs::{ENVS, RecordedKernel, RecordedKernelConfig};

use crate::accelerator::Accelerator;
use crate::engineering::{CAR_SIDE, CRASH, Engineering, WELDED_BEAM, WELDED_BEAM_COST};
use crate::tuning::Tuning;

/// Designs that the search for the best known ones evaluates. Ours: twenty times as many as the longest search that is measured.
const BEST_BUDGET: usize = 20_000;
/// How often it is made, each time from another seed. Ours: where one search gets stuck, two others need not.
const BEST_SEEDS: u64 = 3;
/// The reference lies this share of the best known front's range beyond its worst. Source: as in `tapeout compare`, whose reason is
/// in `experiment/src/comparison/results.rs`.
const REFERENCE_MARGIN: f64 = 0.1;

type Evaluate = Box<dyn Fn(&Design) -> Outcome + Sync>;

/// A problem that costs next to nothing to evaluate.
pub struct Field {
    pub problem: Problem,
    evaluate: Evaluate,
    yardstick: Yardstick,
}

/// What a search is measured by.
enum Yardstick {
    /// The least loss, as it is.
    Loss,
    /// The best there is over the least loss: kernels are told by the fraction of the optimum.
    Fraction { optimum: f64 },
    /// The share of the best known hypervolume.
    Share { low: Vec<f64>, range: Vec<f64>, volume: f64 },
}

impl Field {
    /// `accelerator-N`, `accelerator-N-front`, `accelerator-N-four`, `tuning-N`, `gemm`, `convolution`, `welded-beam`, `welded-beam-front`,
    /// `car-side`, `crash`, `env=` and the name of an environment, or the path of a tuning file.
    pub fn new(name: &str) -> Self {
        match name {
            "welded-beam" => Self::of_engineering(&WELDED_BEAM_COST),
            "welded-beam-front" => Self::of_engineering(&WELDED_BEAM),
            "car-side" => Self::of_engineering(&CAR_SIDE),
            "crash" => Self::of_engineering(&CRASH),
            _ => name.strip_prefix("env=").map_or_else(|| Self::of_family(name), Self::of_env),
        }
    }

    fn of_family(name: &str) -> Self {
        match name.split('-').collect::<Vec<&str>>()[..] {
            ["accelerator", number, "front"] => Self::of_accelerator(number, &["latency", "energy", "area"]),
            ["accelerator", number, "four"] => {
                Self::of_accelerator(number, &["latency", "energy", "area", "power"])
            }
            ["accelerator", number] => Self::of_accelerator(number, &["edp"]),
            ["tuning", number] => Self::of_tuning(number),
            _ => Self::of_kernel(name),
        }
    }

    fn of_tuning(number: &str) -> Self {
        let tuning = Tuning::new(number.parse().expect("a member has a number"));
        let space = Tuning::space();
        let outcomes = space.iter().map(|design| tuning.evaluate(&design));
        let times = outcomes.filter_map(|outcome| outcome.metrics().map(|metrics| metrics[0]));
        let optimum = times.fold(f64::INFINITY, f64::min);
        let goal = Goal { objectives: vec![Objective::minimize("time")], constraints: Vec::new() };
        let problem = Problem::new(space, Tuning::metrics(), goal).expect("the metric is there");
        let evaluate = Box::new(move |design: &Design| tuning.evaluate(design));
        Self { problem, evaluate, yardstick: Yardstick::Fraction { optimum } }
    }

    /// An environment as it is by default, for the first of its objectives.
    fn of_env(id: &str) -> Self {
        let catalog = ENVS.iter().cloned().fold(Catalog::new(), Catalog::with_env);
        let (env, mut goal) =
            catalog.build_env(id, &Value::Null).expect("an environment that needs no setting");
        goal.objectives.truncate(1);
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal).expect("its own goal");
        let evaluate = Box::new(move |design: &Design| env.evaluate(design).expect("it answers"));
        Self { problem, evaluate, yardstick: Yardstick::Loss }
    }

    fn of_engineering(engineering: &'static Engineering) -> Self {
        Self::with_best(engineering.problem(), Box::new(|design| engineering.evaluate(design)))
    }

    fn of_accelerator(number: &str, objectives: &[&str]) -> Self {
        let accelerator = Accelerator::new(number.parse().expect("an accelerator has a number"));
        let goal = Goal {
            objectives: objectives.iter().map(|name| Objective::minimize(name)).collect(),
            constraints: vec![Constraint::at_most("area", 32.0), Constraint::at_most("power", 1200.0)],
        };
        let problem =
            Problem::new(Accelerator::space(), Accelerator::metrics(), goal).expect("metrics are there");
        Self::with_best(problem, Box::new(move |design| accelerator.evaluate(design)))
    }

    fn of_kernel(name: &str) -> Self {
        let config = match name {
            "gemm" => RecordedKernelConfig::default(),
            "convolution" => {
                RecordedKernelConfig { kernel: "convolution-a100".to_owned(), ..Default::default() }
            }
            path => RecordedKernelConfig { path: Some(path.to_owned()), ..Default::default() },
        };
        let env = RecordedKernel::build(config).expect("the tuning file can be read");
        let optimum = env.best_time_s().expect("something ran");
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), env.default_goal())
            .expect("its own goal");
        let evaluate = Box::new(move |design: &Design| env.evaluate(design).expect("a table answers"));
        Self { problem, evaluate, yardstick: Yardstick::Fraction { optimum } }
    }

    fn with_best(problem: Problem, evaluate: Evaluate) -> Self {
        let mut field = Self { problem, evaluate, yardstick: Yardstick::Loss };
        if field.problem.n_objectives() > 1 {
            field.yardstick = field.share();
        }
        field
    }

    /// The hypervolume of the best designs that long searches find.
    fn share(&self) -> Yardstick {
        let m = self.problem.n_objectives();
        let mut archive = Archive::new(m);
        for seed in 0..BEST_SEEDS {
            let settings = serde_json::json!({"population": 300});
            let run = self.run("nsga2", &settings, Seed::new(1000 + seed), BEST_BUDGET);
            for losses in run.iter().filter_map(|trial| trial.judgement.accepted()) {
                archive.insert(0, losses).expect("losses are finite");
            }
        }
        let along = |index: usize| archive.members().iter().map(move |member| member.losses[index]);
        let low: Vec<f64> = (0..m).map(|index| along(index).fold(f64::INFINITY, f64::min)).collect();
        let high = (0..m).map(|index| along(index).fold(f64::NEG_INFINITY, f64::max));
        let range: Vec<f64> = high.zip(&low).map(|(high, low)| high - low).collect();
        let mut share = Yardstick::Share { low, range, volume: 1.0 };
        let volume = share.of_losses(archive.members().iter().map(|member| member.losses.as_slice()));
        if let Yardstick::Share { volume: of_best, .. } = &mut share {
            *of_best = volume;
        }
        share
    }

    /// The best that is known, to be printed.
    pub fn best(&self) -> f64 {
        let ids = ["ga", "ils"];
        let runs = ids.into_iter().flat_map(|id| (0..BEST_SEEDS).map(move |seed| (id, seed)));
        let best = runs
            .map(|(id, seed)| self.score(&self.run(id, &Value::Null, Seed::new(1000 + seed), BEST_BUDGET)));
        best.fold(f64::INFINITY, f64::min)
    }

    /// The trials of a search of `budget` different designs.
    pub fn run(&self, id: &str, settings: &Value, seed: Seed, budget: usize) -> Vec<Trial> {
        self.timed_run(id, settings, seed, budget, &mut |_| {})
    }

    /// As [`Field::run`]; `during` is told of the beginning and the end of the agent's own work.
    pub fn timed_run(
        &self,
        id: &str,
        settings: &Value,
        seed: Seed,
        budget: usize,
        during: &mut dyn FnMut(bool),
    ) -> Vec<Trial> {
        let entry = AGENTS.iter().find(|entry| entry.id == id).expect("an agent of this name");
        let mut agent = entry.build(&self.problem, settings, seed).expect("settings are good");
        let (mut known, mut trials) = (HashSet::new(), Vec::new());
        let budget = budget.min(usize::try_from(self.problem.space().cardinality()).unwrap_or(usize::MAX));
        while trials.len() < budget {
            during(true);
            let designs = agent.suggest(1).expect("an agent can go on");
            during(false);
            if designs.is_empty() {
                break;
            }
            let answers = designs.into_iter().map(|design| {
                let outcome = (self.evaluate)(&design);
                self.problem.trial(design, outcome)
            });
            let answers: Vec<Trial> = answers.collect();
            during(true);
            agent.observe(&answers).expect("an agent can go on");
            during(false);
            trials.extend(answers.into_iter().filter(|trial| known.insert(trial.design.clone())));
        }
        trials
    }

    /// The mean score of all random searches of `budget` different designs, counted out over the whole space.
    ///
    /// Of N scores from the best on, the i-th is the best of k without the i - 1 before it: with probability k / N for the first, and
    /// (N - i - k + 1) / (N - i) times that of the i-th for the next.
    pub fn exact_random(&self, budget: usize) -> f64 {
        let losses = self.problem.space().iter().map(|design| {
            let outcome = (self.evaluate)(&design);
            self.problem.trial(design, outcome)
        });
        let mut scores: Vec<f64> = losses.map(|trial| self.score(&[trial])).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let (n, k) = (scores.len() as f64, budget.min(scores.len()) as f64);
        let mut probability = k / n;
        let mut mean = 0.0;
        for (place, score) in (1..).map(f64::from).zip(scores) {
            mean += probability * score;
            probability *= (n - place - k + 1.0).max(0.0) / (n - place).max(1.0);
        }
        mean
    }

    /// Whether results are told by their mean, as those of kernels are, and not by their median.
    pub fn is_told_by_mean(&self) -> bool {
        matches!(self.yardstick, Yardstick::Fraction { .. })
    }

    /// What trials are worth by the field's yardstick.
    pub fn score(&self, trials: &[Trial]) -> f64 {
        self.yardstick.of_losses(trials.iter().filter_map(|trial| trial.judgement.accepted()))
    }
}

impl Yardstick {
    fn of_losses<'a>(&self, losses: impl Iterator<Item = &'a [f64]>) -> f64 {
        match self {
            Self::Loss => losses.map(|losses| losses[0]).fold(f64::INFINITY, f64::min),
            Self::Fraction { optimum } => {
                optimum / losses.map(|losses| losses[0]).fold(f64::INFINITY, f64::min)
            }
            Self::Share { low, range, volume } => {
                let place = |losses: &'a [f64]| -> Vec<f64> {
                    losses
                        .iter()
                        .zip(low)
                        .zip(range)
                        .map(|((loss, low), range)| (loss - low) / range)
                        .collect()
                };
                let mut archive = Archive::new(low.len());
                losses.for_each(|losses| _ = archive.insert(0, &place(losses)).expect("losses are finite"));
                let reference = vec![1.0 + REFERENCE_MARGIN; low.len()];
                hypervolume(archive.members(), &reference).expect("losses are finite") / volume
            }
        }
    }
}
