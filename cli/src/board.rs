//! A search as it grows, on a screen: its front, its hypervolume or its best value over trials, and how far it is.

use std::collections::BTreeMap;
use std::io;

use console::Term;
use tapeout::core::pareto::{Archive, hypervolume};
use tapeout::core::{Judgement, Outcome, Trial};
use tapeout::experiment::plot::Axis;
use tapeout::experiment::{BestSoFar, Event, Experiment, Observer, Progress};

use crate::canvas::Canvas;

/// Designs that are drawn beside the front, at most. Ours: more dots than a large terminal has.
const MOST_DOTS: usize = 20_000;
/// After how many trials, evenly, the hypervolume is taken. Ours: as many steps as a terminal shows.
const VOLUMES: usize = 60;
/// Objectives up to which there is a hypervolume. Ours: of more it takes longer than all else, as in reports.
const MOST_VOLUME_OBJECTIVES: usize = 3;
/// Seconds between two pictures. Ours: smooth enough, and hardly any work.
const PACE_S: f64 = 0.25;
/// Letters from which on two pictures stand side by side, and lines that are used at most. Ours.
const WIDE: usize = 100;
const MOST_LINES: usize = 32;

/// What is known of a search so far.
pub(crate) struct Board<'a> {
    experiment: &'a Experiment,
    progress: Progress,
    /// The first trial that failed, and why; a line that is empty while none has.
    first_failure: String,
    best: BestSoFar<'a>,
    archive: Archive,
    /// The designs that were on the front when they came: their place in the log, and their losses. Shape `[n][m]`.
    incumbents: Vec<(usize, Vec<f64>)>,
    /// For each objective the largest loss of an acceptable design, shape `[m]`; empty before the first.
    worst: Vec<f64>,
    /// Values of the first two objectives of acceptable designs: every so many.
    cloud: Vec<[f64; 2]>,
    cloud_step: usize,
}

impl<'a> Board<'a> {
    /// Before the first trial of `experiment`.
    pub(crate) fn new(experiment: &'a Experiment) -> Self {
        let budget_trials = experiment.spec().budget.trials.get();
        Self {
            experiment,
            progress: Progress {
                trials: 0,
                budget_trials,
                acceptable: 0,
                infeasible: 0,
                failed: 0,
                duplicates: 0,
                front: 0,
                elapsed_s: 0.0,
            },
            first_failure: String::new(),
            best: BestSoFar::new(experiment.problem()),
            archive: Archive::new(experiment.problem().n_objectives()),
            incumbents: Vec::new(),
            worst: Vec::new(),
            cloud: Vec::new(),
            cloud_step: 1,
        }
    }

    /// How far the search has come.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Takes in a trial.
    pub(crate) fn see(&mut self, trial: &Trial) {
        let index = self.progress.trials;
        self.progress.trials += 1;
        self.best.see(trial);
        if let (Outcome::Failed { cause }, true) = (&trial.outcome, self.first_failure.is_empty()) {
            let cause = cause.lines().next().unwrap_or_default();
            self.first_failure = format!("trial {index} failed: {cause}");
        }
        match &trial.judgement {
            Judgement::Acceptable { losses } => self.accept(index, losses),
            Judgement::Infeasible { .. } => self.progress.infeasible += 1,
            Judgement::Failed => self.progress.failed += 1,
            Judgement::Unacceptable { .. } => {}
        }
    }

    /// Says how long the search took.
    pub(crate) fn elapsed(&mut self, elapsed_s: f64) {
        self.progress.elapsed_s = elapsed_s;
    }

    fn accept(&mut self, index: usize, losses: &[f64]) {
        let problem = self.experiment.problem();
        if self.worst.is_empty() {
            self.worst = losses.to_vec();
        }
        self.worst.iter_mut().zip(losses).for_each(|(worst, &loss)| *worst = worst.max(loss));
        let is_new = self.archive.insert(index, losses);
        if is_new.expect("invariant: judged losses are finite, one for each objective") {
            self.incumbents.push((index, losses.to_vec()));
        }
        if let ([first, second, ..], 0) = (losses, self.progress.acceptable % self.cloud_step) {
            self.cloud.push([problem.objective_value(0, *first), problem.objective_value(1, *second)]);
            if self.cloud.len() == MOST_DOTS {
                self.cloud = self.cloud.iter().step_by(2).copied().collect();
                self.cloud_step *= 2;
            }
        }
        self.progress.acceptable += 1;
        self.progress.front = self.archive.members().len();
    }

    /// The best so far, in words.
    pub(crate) fn best(&self) -> String {
        self.best.to_string()
    }

    /// The best value of each objective so far, by metric; nothing while nothing is acceptable.
    pub(crate) fn best_by_metric(&self) -> BTreeMap<&str, f64> {
        let values = self.best.values().unwrap_or_default().into_iter();
        values.map(|(metric, value)| (metric.name.as_str(), value)).collect()
    }

    /// The screen: what is searched, how far, the best, the first failure, and pictures in what is left of so many letters and lines.
    pub(crate) fn lines(&self, [width, height]: [usize; 2]) -> Vec<String> {
        let spec = self.experiment.spec();
        let searched = format!("{} by {}, seed {}", spec.env.id, spec.agent.id, spec.seed.number());
        let mut lines = vec![searched, self.progress.to_string(), self.best(), self.first_failure.clone()];
        lines.iter_mut().for_each(|line| *line = line.chars().take(width).collect());
        let left = height.saturating_sub(lines.len());
        let is_single = self.experiment.problem().n_objectives() == 1;
        if is_single {
            lines.extend(self.course([width, left]).iter().flat_map(Canvas::lines));
        } else if width >= WIDE {
            let half = [(width - 2) / 2, left];
            let [front, course] = [self.front(half), self.course(half)].map(|it| it.map(|it| it.lines()));
            let (front, course) = (front.unwrap_or_default(), course.unwrap_or_default());
            lines.extend(front.iter().zip(course).map(|(one, other)| format!("{one}  {other}")));
        } else {
            let half = [width, left / 2];
            let pictures = [self.front(half), self.course(half)];
            lines.extend(pictures.iter().flatten().flat_map(Canvas::lines));
        }
        lines
    }

    /// The first two objectives of acceptable designs, the front marked; none if there is none.
    fn front(&self, size: [usize; 2]) -> Option<Canvas> {
        let problem = self.experiment.problem();
        let axes = [0, 1].map(|index| Axis::of(problem.objective_metric(index)));
        let front = self
            .archive
            .members()
            .iter()
            .map(|member| [0, 1].map(|index| problem.objective_value(index, member.losses[index])));
        let all = self.cloud.iter().copied().chain(front.clone());
        let mut canvas = Canvas::new(size, [&axes[0], &axes[1]], &all)?;
        self.cloud.iter().for_each(|&point| canvas.dot(point));
        front.for_each(|point| canvas.mark(point));
        Some(canvas)
    }

    /// The hypervolume over trials; the best value where there is one objective, or too many for a volume.
    fn course(&self, size: [usize; 2]) -> Option<Canvas> {
        let problem = self.experiment.problem();
        let across = Axis::new("trials", "").linear();
        let has_volume = (2..=MOST_VOLUME_OBJECTIVES).contains(&problem.n_objectives());
        let (axis, mut points) = if has_volume {
            (Axis::new("hypervolume", ""), self.volumes())
        } else {
            let axis = Axis::of(problem.objective_metric(0));
            (Axis { label: format!("best {}", axis.label), ..axis }, self.best_values())
        };
        // As high as it is now up to the last trial.
        points.extend(points.last().map(|&[_, value]| [self.progress.trials as f64, value]));
        let mut canvas = Canvas::new(size, [&across, &axis], &points.iter().copied())?;
        canvas.steps(points.into_iter());
        Some(canvas)
    }

    /// The steps of the best value of the first objective.
    fn best_values(&self) -> Vec<[f64; 2]> {
        let mut least = f64::INFINITY;
        let mut points = Vec::new();
        for (index, losses) in &self.incumbents {
            if losses[0] < least {
                least = losses[0];
                points.push([(index + 1) as f64, self.experiment.problem().objective_value(0, least)]);
            }
        }
        points
    }

    /// The hypervolume below the worst acceptable values so far, as a share of what it is now.
    fn volumes(&self) -> Vec<[f64; 2]> {
        let mut archive = Archive::new(self.worst.len());
        let stretch = self.progress.trials.div_ceil(VOLUMES).max(1);
        let mut points: Vec<[f64; 2]> = Vec::new();
        for (place, (index, losses)) in self.incumbents.iter().enumerate() {
            let inserted = archive.insert(*index, losses);
            inserted.expect("invariant: judged losses are finite, one for each objective");
            let is_last = place + 1 == self.incumbents.len();
            if is_last || self.incumbents[place + 1].0 / stretch > index / stretch {
                let volume = hypervolume(archive.members(), &self.worst);
                let volume = volume.expect("invariant: judged losses are finite, one for each objective");
                points.push([(index + 1) as f64, volume]);
            }
        }
        let now = points.last().map_or(0.0, |point| point[1]);
        if now > 0.0 {
            points.iter_mut().for_each(|point| point[1] /= now);
        }
        points
    }
}

/// A board on a terminal, drawn anew where it stands.
pub(crate) struct Screen<'a> {
    pub(crate) board: Board<'a>,
    term: Term,
    /// Lines of the picture that is there, and the size of the terminal that it was made for, in lines and letters.
    n_lines: usize,
    size: (u16, u16),
    /// Wall time of the run when it was drawn last; none before the first time that is told after that, since drawing takes time too.
    drawn_s: Option<f64>,
}

impl<'a> Screen<'a> {
    /// On the standard error; none if that is no terminal.
    pub(crate) fn open(experiment: &'a Experiment) -> Option<Self> {
        let term = Term::stderr();
        let (size, board) = (term.size(), Board::new(experiment));
        term.is_term().then(|| Self { board, term, n_lines: 0, size, drawn_s: Some(0.0) })
    }

    /// Draws what is known now. A terminal that is gone has seen enough.
    pub(crate) fn draw(&mut self) {
        let _ = self.try_draw();
    }

    fn try_draw(&mut self) -> io::Result<()> {
        let now = self.term.size();
        let (rows, columns) = (usize::from(now.0), usize::from(now.1));
        let mut lines = self.board.lines([columns.saturating_sub(1), rows.saturating_sub(2).min(MOST_LINES)]);
        // One that is higher than the terminal could not be cleared; behind the last line stands an empty one.
        lines.truncate(rows.saturating_sub(1));
        if now == self.size {
            self.term.clear_last_lines(self.n_lines)?;
        } else {
            // Lines may be broken anew, so that nobody knows how many there are.
            self.term.clear_screen()?;
        }
        self.size = now;
        self.n_lines = lines.len();
        self.drawn_s = None;
        self.term.write_line(&lines.join("\n"))
    }
}

impl Observer for Screen<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Trial { trial, .. } => self.board.see(trial),
            Event::Batch(progress) => {
                self.board.progress = progress;
                let drawn_s = *self.drawn_s.get_or_insert(progress.elapsed_s);
                if progress.elapsed_s - drawn_s >= PACE_S {
                    self.draw();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tapeout::core::check::toy::Toy;
    use tapeout::experiment::{Budget, Spec};

    use super::*;

    fn experiment(toy: Toy) -> Experiment {
        let goal = toy.problem().goal().clone();
        let spec = Spec::new("toy", "random", Budget::trials(std::num::NonZeroUsize::new(100).unwrap()));
        Experiment::with_env(&tapeout::builtin(), spec, Arc::new(toy), goal).unwrap()
    }

    /// Designs of the front of `tradeoff` and one that is dominated, one that is infeasible and one that failed.
    fn board(experiment: &Experiment) -> Board<'_> {
        let problem = experiment.problem();
        let mut board = Board::new(experiment);
        let outcomes =
            [[8.0, 1.0], [2.0, 4.0], [8.0, 4.0], [1.0, 8.0]].map(|it| Outcome::Measured(it.to_vec()));
        let others = [Outcome::infeasible("area", 1.0), Outcome::failed("no answer")];
        for (rank, outcome) in (0..).zip(outcomes.into_iter().chain(others)) {
            board.see(&problem.trial(problem.space().unrank(rank), outcome));
        }
        board.elapsed(3.0);
        board
    }

    /// By hand: three of four measured designs are on the front, marked; the worst is (8, 8), below which (8, 1) has no volume, (2, 4) has
    /// 24 and (1, 8) adds none.
    #[test]
    fn a_screen_says_how_far_the_search_is_and_marks_the_front() {
        let experiment = experiment(Toy::tradeoff());
        let board = board(&experiment);
        assert_eq!(board.volumes(), [[1.0, 0.0], [2.0, 1.0], [4.0, 1.0]]);
        for size in [[80, 24], [120, 30]] {
            let lines = board.lines(size);
            assert_eq!(lines[0], "toy by random, seed 0");
            let progress = "6 of 100 trials, 4 acceptable, 1 infeasible, 1 failed, 3 on the front, 3.0 s";
            assert!(lines[1].starts_with(progress), "{}", lines[1]);
            assert_eq!(lines[2], "best cost 1, best time 1");
            assert_eq!(lines[3], "trial 5 failed: no answer");
            let pictures = lines[4..].join("\n");
            assert_eq!(pictures.matches('◆').count(), 3, "{pictures}");
            for words in ["time ↑", "cost →", "hypervolume ↑", "trials →"] {
                assert!(pictures.contains(words), "{words}\n{pictures}");
            }
            assert!(
                lines.len() <= size[1] && lines.iter().all(|line| line.chars().count() <= size[0]),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn one_objective_is_shown_by_its_best_value_and_a_small_terminal_by_words() {
        let experiment = experiment(Toy::bowl());
        let problem = experiment.problem();
        let mut board = Board::new(&experiment);
        assert_eq!(board.lines([80, 24])[2], "nothing acceptable");
        for (rank, loss) in [(0, 9.0), (1, 4.0), (2, 6.0)] {
            board.see(&problem.trial(problem.space().unrank(rank), Outcome::Measured(vec![loss])));
        }
        assert_eq!(board.best_values(), [[1.0, 9.0], [2.0, 4.0]]);
        assert!(board.lines([80, 24])[4].starts_with("best distance ↑ "), "{:?}", board.lines([80, 24]));
        assert_eq!(board.lines([80, 6]).len(), 4, "no room for a picture");
    }
}
