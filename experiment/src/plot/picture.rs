//! A plot under the name of its files, and what suits a run: its front, or its progress.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::axis::Spacing;
use super::error::PlotError;
use super::quantity::count;
use super::render::Plot;
use super::trials::{limits, matrix_of, note, pareto_of, progress_of};
use crate::finished::Run;

/// A picture that is not written yet.
pub struct Picture {
    /// The name of its files, without extension.
    pub name: String,
    /// What it shows.
    pub plot: Box<dyn Plot>,
}

impl Picture {
    /// Writes it into `folder` as SVG and PNG, and returns the two paths.
    ///
    /// # Errors
    /// As [`Plot::write`].
    pub fn write_into(&self, folder: &Path) -> Result<[PathBuf; 2], PlotError> {
        self.plot.write(&folder.join(&self.name))
    }
}

/// A run as pictures show it, wherever its log is kept.
#[derive(Clone, Copy)]
pub struct DrawnRun<'a> {
    /// What a legend calls it.
    pub name: &'a str,
    /// The run.
    pub run: &'a Run,
}

impl DrawnRun<'_> {
    /// What suits the run: its progress if there is one objective, its front over two, over every pair if there are more.
    ///
    /// `spacing`: of the axes across and upwards; of a matrix only what all of them shall be.
    ///
    /// # Errors
    /// As [`front`](Self::front) and [`progress`](Self::progress).
    pub fn picture(&self, spacing: [Spacing; 2]) -> Result<Picture, PlotError> {
        match self.run.experiment().problem().objectives() {
            [x, y] => self.front([&x.metric, &y.metric], spacing),
            [only] => Self::progress(&[*self], &only.metric, spacing),
            _ => Ok(self.matrix(spacing)),
        }
    }

    /// All designs over two metrics, as [`pareto_of`] has them, under the name `pareto`.
    ///
    /// # Errors
    /// As [`pareto_of`].
    pub fn front(&self, axes: [&str; 2], spacing: [Spacing; 2]) -> Result<Picture, PlotError> {
        let mut plot = pareto_of(self.run.experiment().problem(), self.run.trials(), axes)?;
        [plot.x.spacing, plot.y.spacing] = spacing;
        plot.title = self.title();
        plot.caption = self.caption();
        if self.run.experiment().problem().n_objectives() > 2 {
            plot.caption += " The front is that of these two metrics alone.";
        }
        Ok(Picture { name: "pareto".to_owned(), plot: Box::new(plot) })
    }

    fn matrix(&self, [across, up]: [Spacing; 2]) -> Picture {
        let (problem, trials) = (self.run.experiment().problem(), self.run.trials());
        let (mut plot, without) = matrix_of(problem, trials, &self.run.front());
        let last = plot.axes.len() - 1;
        for (index, axis) in plot.axes.iter_mut().enumerate() {
            axis.spacing = if index == last { up } else { across };
        }
        plot.title = self.title();
        plot.caption = self.caption();
        if without.infeasible > 0 {
            plot.caption += &format!(" {} of {} trials are infeasible.", without.infeasible, trials.len());
        }
        if without.failed > 0 {
            plot.caption += &format!(" {} failed.", without.failed);
        }
        Picture { name: "pareto".to_owned(), plot: Box::new(plot) }
    }

    fn title(&self) -> String {
        let spec = self.run.experiment().spec();
        format!("{}: {} designs by {}", spec.env.id, count(self.run.trials().len() as u128), spec.agent.id)
    }

    /// The best acceptable value of an objective after so many trials, a line for each run, under the name `progress`. The
    /// caption says what all runs have in common. The designs stand on a linear axis unless `spacing` says otherwise.
    ///
    /// # Errors
    /// As [`progress_of`], and [`PlotError::Empty`] if there is no run.
    pub fn progress(
        runs: &[DrawnRun<'_>],
        objective: &str,
        [across, up]: [Spacing; 2],
    ) -> Result<Picture, PlotError> {
        let chart = |run: &DrawnRun<'_>| {
            progress_of(run.run.experiment().problem(), run.run.trials(), objective, run.name)
        };
        let [first, others @ ..] = runs else {
            return Err(PlotError::Empty { plot: objective.to_owned(), missing: "runs" });
        };
        let mut merged = chart(first)?;
        merged.y.spacing = up;
        if across != Spacing::Auto {
            merged.x.spacing = across;
        }
        for run in others {
            merged.series.extend(chart(run)?.series);
        }
        if let Some(env) = shared(runs, |run| run.run.experiment().spec().env.id.clone()) {
            merged.title = format!("{env}: {}", merged.title);
        }
        merged.caption = match runs {
            [only] => only.caption(),
            _ => shared(runs, |run| run.settings()).unwrap_or_default(),
        };
        for run in runs.iter().filter(|run| runs.len() > 1 && run.n_warm() > 0) {
            let warm = count(run.n_warm() as u128);
            merged.caption += &format!(" Not shown: {warm} trials that {} started from.", run.name);
        }
        Ok(Picture { name: "progress".to_owned(), plot: Box::new(merged) })
    }

    /// The settings, and that trials of a warm start are not shown.
    fn caption(&self) -> String {
        let mut caption = self.settings();
        if self.n_warm() > 0 {
            let warm = count(self.n_warm() as u128);
            caption += &format!(" Not shown: {warm} trials that the search started from.");
        }
        caption
    }

    fn n_warm(&self) -> usize {
        self.run.experiment().spec().warm_start.iter().filter_map(|it| it.trials).sum()
    }

    /// The constraints, and the settings of the environment as far as they fit on a line.
    fn settings(&self) -> String {
        let config = self.run.experiment().spec().env.config.iter();
        let is_set = |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
        let settings =
            config.filter(|(_, value)| is_set(value)).map(|(key, value)| format!("{key} = {value}"));
        note(limits(self.run.experiment().problem()).chain(settings))
    }
}

/// What all runs have in common; nothing if they differ.
fn shared(runs: &[DrawnRun<'_>], of: impl Fn(&DrawnRun<'_>) -> String) -> Option<String> {
    let mut texts = runs.iter().map(of);
    let first = texts.next()?;
    texts.all(|text| text == first).then_some(first)
}
