//! The answers, put side by side.

use std::collections::BTreeMap;

use tapeout::core::Seed;
use tapeout::experiment::statistics::{bootstrap_interval, mean};

use crate::ledger::{CellAnswer, Score};
use crate::methods::DesignMethod;
use crate::plan::{CARRYING, StudyPlan, WORKLOADS};
use crate::questions::Question;

/// The answers, by question and method.
pub struct Answers<'a> {
    /// What was done.
    pub plan: &'a StudyPlan,
    /// Seeds that every cell is done with.
    pub seeds: Vec<u64>,
    scores: BTreeMap<(Question, String, u64), &'a Score>,
}

/// An arm of the comparison: a method, with what its user does with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    method: String,
    pick: Pick,
}

/// How the answer of a method is boiled down to one latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    /// The first proposal.
    First,
    /// The median of the proposals that are feasible.
    Median,
    /// The best of all proposals, once the simulator has seen them.
    Best,
    /// The best that an online search had found after so many calls of the simulator.
    After(usize),
}

impl Arm {
    /// The first proposal of a method.
    pub fn first(method: &DesignMethod) -> Self {
        Self { method: method.to_string(), pick: Pick::First }
    }

    /// The median proposal of a method.
    pub fn median(method: &DesignMethod) -> Self {
        Self { method: method.to_string(), pick: Pick::Median }
    }

    /// The best proposal of a method.
    pub fn best(method: &DesignMethod) -> Self {
        Self { method: method.to_string(), pick: Pick::Best }
    }

    /// What an online search had found after `calls` calls.
    pub fn after(method: &DesignMethod, calls: usize) -> Self {
        Self { method: method.to_string(), pick: Pick::After(calls) }
    }
}

/// A mean over seeds with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeedMean {
    /// The mean.
    pub value: f64,
    /// Bootstrapped over seeds.
    pub interval: [f64; 2],
}

impl SeedMean {
    /// Of one number for each seed; none of none.
    pub fn of(by_seed: &[f64]) -> Option<Self> {
        if by_seed.is_empty() {
            return None;
        }
        let drawn_mean =
            |drawn: &[usize]| mean(&drawn.iter().map(|&index| by_seed[index]).collect::<Vec<f64>>());
        let interval = bootstrap_interval(by_seed.len(), Seed::new(0), drawn_mean);
        Some(Self { value: mean(by_seed), interval })
    }

    /// The geometric mean of positive numbers.
    pub fn geometric(by_seed: &[f64]) -> Option<Self> {
        let logs: Vec<f64> = by_seed.iter().map(|number| number.ln()).collect();
        let Self { value, interval } = Self::of(&logs)?;
        Some(Self { value: value.exp(), interval: interval.map(f64::exp) })
    }

    /// As text, in units of `unit`: `2.97 [2.81, 3.10]`.
    pub fn text(self, unit: f64, digits: usize) -> String {
        let [low, high] = self.interval.map(|end| end / unit);
        format!("{:.digits$} [{low:.digits$}, {high:.digits$}]", self.value / unit)
    }
}

impl<'a> Answers<'a> {
    /// Answers to `plan`.
    pub fn new(plan: &'a StudyPlan, answers: &'a [CellAnswer]) -> Self {
        let scores: BTreeMap<_, _> = answers
            .iter()
            .map(|answer| ((answer.question.clone(), answer.method.clone(), answer.seed), &answer.score))
            .collect();
        let questions = plan.questions();
        let is_whole = |&seed: &u64| {
            let mut cells = questions
                .iter()
                .flat_map(|(question, methods)| methods.iter().map(move |method| (question, method)));
            cells.all(|(question, method)| scores.contains_key(&(question.clone(), method.to_string(), seed)))
        };
        Self { plan, seeds: (0..plan.seeds).filter(is_whole).collect(), scores }
    }

    /// What a method answered. Who asks the simulator does not care what was logged: its answer is the same for a workload
    /// that was and one that was not.
    pub fn score(&self, question: &Question, method: &str, seed: u64) -> Option<&'a Score> {
        let of = |question: &Question| self.scores.get(&(question.clone(), method.to_owned(), seed)).copied();
        of(question).or_else(|| question.as_logged().and_then(|logged| of(&logged)))
    }

    /// The latency that a arm leaves its user with: that of what it proposes or found, or of the best design in the data,
    /// which everybody has, where that is better.
    pub fn latency(&self, question: &Question, arm: &Arm, seed: u64) -> Option<f64> {
        let score = self.score(question, &arm.method, seed)?;
        let proposed = match arm.pick {
            Pick::First => score.first_s,
            Pick::Median => score.median_s,
            Pick::Best => score.best_s,
            Pick::After(calls) => {
                let found = score.found.iter().take_while(|found| found.calls <= calls).last();
                found.map(|found| found.latency_s)
            }
        };
        let logged = self.score(question, &DesignMethod::Logged.to_string(), seed)?.first_s;
        proposed.into_iter().chain(logged).min_by(f64::total_cmp)
    }

    /// The least latency that any method with any seed found for a question.
    pub fn least_known(&self, question: &Question) -> Option<f64> {
        let logged = question.as_logged();
        let is_it = |asked: &Question| asked == question || Some(asked) == logged.as_ref();
        let of_question = self.scores.iter().filter(|((asked, ..), _)| is_it(asked));
        of_question.filter_map(|(_, score)| score.best_s).min_by(f64::total_cmp)
    }

    /// The geometric mean over `questions` and seeds of `base` latency over `arm` latency.
    pub fn speedup(&self, questions: &[Question], arm: &Arm, base: &Arm) -> Option<SeedMean> {
        self.ratio(questions, |question, seed| {
            Some(self.latency(question, base, seed)? / self.latency(question, arm, seed)?)
        })
    }

    /// The geometric mean over `questions` and seeds of `arm` latency over the least that is known.
    pub fn above_least(&self, questions: &[Question], arm: &Arm) -> Option<SeedMean> {
        self.ratio(questions, |question, seed| {
            Some(self.latency(question, arm, seed)? / self.least_known(question)?)
        })
    }

    fn ratio(&self, questions: &[Question], of: impl Fn(&Question, u64) -> Option<f64>) -> Option<SeedMean> {
        let by_seed = |&seed: &u64| -> Option<f64> {
            let logs: Option<Vec<f64>> =
                questions.iter().map(|question| of(question, seed).map(f64::ln)).collect();
            logs.map(|logs| mean(&logs).exp())
        };
        SeedMean::geometric(&self.seeds.iter().map(by_seed).collect::<Option<Vec<f64>>>()?)
    }

    /// The mean over `questions` of what `of` says of a method's answers, over those seeds where it says anything.
    pub fn mean(
        &self,
        questions: &[Question],
        method: &DesignMethod,
        of: impl Fn(&Score) -> Option<f64>,
    ) -> Option<SeedMean> {
        let method = method.to_string();
        let by_seed = |&seed: &u64| {
            let scores = questions.iter().filter_map(|question| self.score(question, &method, seed));
            let values: Vec<f64> = scores.filter_map(&of).collect();
            (!values.is_empty()).then(|| mean(&values))
        };
        SeedMean::of(&self.seeds.iter().filter_map(by_seed).collect::<Vec<f64>>())
    }

    /// How often an online search had asked the simulator when it had something as good as `arm`, seed by seed: 0 where the
    /// best in the data is, none where it never had.
    pub fn calls_to_match(
        &self,
        question: &Question,
        online: &DesignMethod,
        arm: &Arm,
    ) -> Vec<Option<usize>> {
        let calls = |&seed: &u64| {
            let wanted = self.latency(question, arm, seed)?;
            if self.latency(question, &Arm::first(&DesignMethod::Logged), seed)? <= wanted {
                return Some(0);
            }
            let found = &self.score(question, &online.to_string(), seed)?.found;
            found.iter().find(|found| found.latency_s <= wanted).map(|found| found.calls)
        };
        self.seeds.iter().map(calls).collect()
    }

    /// Who answers a question.
    pub fn methods(&self, question: &Question) -> Vec<DesignMethod> {
        let questions = self.plan.questions();
        let found = questions.into_iter().find(|(asked, _)| asked == question);
        found.map_or_else(Vec::new, |(_, methods)| methods)
    }

    /// After how many calls an online search for a question is compared, up to its last; none for other methods.
    pub fn stops(&self, question: &Question, method: &DesignMethod) -> Vec<usize> {
        let &DesignMethod::Online { designs, .. } = method else { return Vec::new() };
        let stops = self.plan.stops.iter().filter(|&&stop| stop <= designs);
        stops.map(|stop| stop * question.n_workloads()).collect()
    }
}

/// The question of one workload, for each of the nine.
pub fn one_each() -> Vec<Question> {
    WORKLOADS.iter().map(|(name, _)| Question::One((*name).to_owned())).collect()
}

/// The same without the two that carry the paper's mean.
pub fn without_carrying() -> Vec<Question> {
    let others = WORKLOADS.iter().filter(|(name, _)| !CARRYING.contains(name));
    others.map(|(name, _)| Question::One((*name).to_owned())).collect()
}
