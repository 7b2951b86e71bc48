//! Scatters of the designs of a search over every pair of three or more metrics, with the front of all of them.

use super::axis::{Axis, Ruler};
use super::crowd::thinned;
use super::error::PlotError;
use super::figure::{Figure, HEIGHT, Ink};
use super::frame::{Frame, Key, Swatch, Written};
use super::pareto::{CROWD, DOT, DOT_IN_CROWD, FRONT, UNACCEPTABLE};
use super::render::Plot;

/// Metrics of every design, a panel for each pair. What is on the front of all metrics need not lie at the edge of a pair of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParetoMatrix {
    /// What was searched.
    pub title: String,
    /// An axis for each metric: the first is across only, the last upwards only. Shape `[m]`.
    pub axes: Vec<Axis>,
    /// Designs that meet all constraints, a column for each metric; may include those of the front. Shape `[m][n]`.
    pub acceptable: Vec<Vec<f64>>,
    /// Designs that break a constraint. Shape `[m][n]`.
    pub unacceptable: Vec<Vec<f64>>,
    /// Acceptable designs that no other beats in all metrics, in any order. Shape `[m][n]`.
    pub front: Vec<Vec<f64>>,
    /// What stands below the panels.
    pub caption: String,
}

/// Between two panels.
const GUTTER: f64 = 28.0;

impl Plot for ParetoMatrix {
    fn figure(&self) -> Result<Figure, PlotError> {
        let n_panels = self.axes.len().saturating_sub(1);
        if n_panels == 0 {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "pairs of metrics" });
        }
        let rulers = self.rulers()?;
        let n_outside = self.outside(&rulers);
        let caption = match n_outside {
            0 => self.caption.clone(),
            n => format!(
                "{} Not shown, for they lie outside an axis: {n} that break a constraint.",
                self.caption
            ),
        };
        let labels: Vec<&str> = self.axes.iter().map(|axis| axis.label.as_str()).collect();
        let contents = format!("Every pair of {}", labels.join(", "));
        let mut frame = Frame::page(&self.title, &caption, &self.legend(), &contents, page_height(n_panels));
        let [top, right] = [frame.top, frame.right];
        let pitch = |from: f64, to: f64| (to - from + GUTTER) / n_panels as f64;
        let down = pitch(top, frame.bottom);
        let row_ends =
            |row: usize| [top + row as f64 * down, top + (row + 1) as f64 * down - GUTTER].map(f64::round);
        let mut left: f64 = 0.0;
        for row in 0..n_panels {
            [frame.top, frame.bottom] = row_ends(row);
            left = left.max(frame.left_of_data(&rulers[row + 1]));
        }
        let across = pitch(left, right);
        for row in 0..n_panels {
            [frame.top, frame.bottom] = row_ends(row);
            for column in 0..=row {
                let from = left + column as f64 * across;
                [frame.left, frame.right] = [from, from + across - GUTTER].map(f64::round);
                let written = Written { below: row + 1 == n_panels, left: column == 0 };
                frame.panel(&rulers[column], &rulers[row + 1], written);
                self.mark(&mut frame, &rulers, [column, row + 1]);
            }
        }
        Ok(frame.figure)
    }
}

impl ParetoMatrix {
    fn mark(&self, frame: &mut Frame, rulers: &[Ruler], pair: [usize; 2]) {
        let place = |frame: &Frame, columns: &[Vec<f64>]| -> Vec<[f64; 2]> {
            let [x, y] = pair.map(|metric| &rulers[metric]);
            let [xs, ys] = pair.map(|metric| columns[metric].iter());
            let shown = xs.zip(ys).filter(|(across, up)| x.contains(**across) && y.contains(**up));
            shown.map(|(across, up)| [frame.x(x.position(*across)), frame.y(y.position(*up))]).collect()
        };
        let (radius, ink) = if self.acceptable[0].len() > CROWD { DOT_IN_CROWD } else { DOT };
        for mark in thinned(&place(frame, &self.unacceptable)) {
            frame.figure.cross(mark.at, radius, UNACCEPTABLE);
        }
        for mark in thinned(&place(frame, &self.acceptable)) {
            frame.figure.disc(mark.at, radius, mark.ink(ink));
        }
        let front = place(frame, &self.front);
        for (radius, ink) in [(9.0, Ink::WHITE), (7.0, FRONT.ink)] {
            front.iter().for_each(|at| frame.figure.disc(*at, radius, ink));
        }
    }

    /// A ruler for each metric, that fits what counts. Designs that break a constraint extend it a little.
    fn rulers(&self) -> Result<Vec<Ruler>, PlotError> {
        let mut rulers = Vec::with_capacity(self.axes.len());
        for (metric, axis) in self.axes.iter().enumerate() {
            let counting = || self.acceptable[metric].iter().chain(&self.front[metric]).copied();
            let all = counting().chain(self.unacceptable[metric].iter().copied()).enumerate();
            if let Some((index, value)) = all.clone().find(|(_, value)| !value.is_finite()) {
                return Err(PlotError::NotFinite { series: axis.label.clone(), index, value });
            }
            if counting().next().is_none() {
                return Err(PlotError::NoAcceptableDesign { trials: self.unacceptable[metric].len() });
            }
            let extension = self.unacceptable[metric].iter().copied();
            rulers.push(Ruler::fit(axis, counting())?.extended(extension));
        }
        Ok(rulers)
    }

    /// How many of the designs that break a constraint lie outside of an axis.
    fn outside(&self, rulers: &[Ruler]) -> usize {
        let is_outside = |design: &usize| {
            rulers.iter().zip(&self.unacceptable).any(|(ruler, values)| !ruler.contains(values[*design]))
        };
        (0..self.unacceptable[0].len()).filter(is_outside).count()
    }

    fn legend(&self) -> Vec<Key> {
        let key = |name: &str, n: usize, swatch| Key { name: format!("{name} ({n})"), swatch };
        let mut keys = vec![
            key(
                &format!("Pareto front of all {}", self.axes.len()),
                self.front[0].len(),
                Swatch::Disc(FRONT.ink),
            ),
            key("acceptable", self.acceptable[0].len(), Swatch::Disc(DOT.1)),
        ];
        if !self.unacceptable[0].is_empty() {
            keys.push(key("constraint broken", self.unacceptable[0].len(), Swatch::Cross(UNACCEPTABLE)));
        }
        keys
    }
}

/// Height of a page with so many panels below each other.
fn page_height(n_panels: usize) -> f64 {
    const PANEL: f64 = 420.0;
    (300.0 + PANEL * n_panels as f64).max(HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three metrics of five designs, three of them on the front.
    fn plot() -> ParetoMatrix {
        ParetoMatrix {
            title: "Three".to_owned(),
            axes: ["latency", "energy", "area"].map(|name| Axis::new(name, "")).to_vec(),
            acceptable: vec![vec![1.0, 2.0, 3.0, 3.0], vec![3.0, 2.0, 1.0, 3.0], vec![2.0, 3.0, 1.0, 3.0]],
            unacceptable: vec![vec![2.0], vec![2.0], vec![1e6]],
            front: vec![vec![1.0, 2.0, 3.0], vec![3.0, 2.0, 1.0], vec![2.0, 3.0, 1.0]],
            caption: "By hand.".to_owned(),
        }
    }

    // By hand: three pairs of three metrics; every design of the front has a disc in each, on a white one, and the legend one.
    #[test]
    fn every_pair_has_a_panel_with_the_whole_front() {
        let svg = plot().svg().unwrap();
        let discs = |radius: &str| {
            let of_front = format!("r=\"{radius}\" fill=\"#d55e00\"/>");
            svg.matches(&of_front).count()
        };
        assert_eq!(discs("7"), 3 * 3);
        assert!(svg.contains("Pareto front of all 3 (3)"), "{svg}");
        for label in ["latency", "energy", "area"] {
            let is_text =
                |line: &&str| line.starts_with("<text") && line.ends_with(&format!(">{label}</text>"));
            assert_eq!(svg.lines().filter(is_text).count(), if label == "energy" { 2 } else { 1 }, "{label}");
        }
    }

    #[test]
    fn what_is_not_shown_is_said() {
        assert!(plot().svg().unwrap().contains("outside an axis: 1 that break a constraint."));
        let none = ParetoMatrix { acceptable: vec![vec![]; 3], front: vec![vec![]; 3], ..plot() };
        let message = none.svg().unwrap_err().to_string();
        assert_eq!(message, "nothing to plot: no acceptable design among 1 trials");
    }
}
