//! Average ranks on a line, with what chance alone could make of them.
//!
//! Source: Demšar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, figure 1.

use super::error::PlotError;
use super::figure::{Anchor, Figure, Ink, Stroke, WIDTH};
use super::frame::{Frame, TICK_DROP, TICK_EM};
use super::render::Plot;
use super::typeface::{self, Weight};
use crate::statistics::cliques;

/// A critical-difference diagram: agents on an axis of average ranks, joined by bars where they do not differ by more than chance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RankDiagram {
    /// What is compared.
    pub title: String,
    /// Who, and their average ranks, rising from 1.
    pub ranks: Vec<(String, f64)>,
    /// How far two of them lie apart at least that differ by more than chance.
    pub critical_difference: f64,
    /// What stands below the diagram.
    pub caption: String,
}

/// Height of the row of an agent.
const ROW: f64 = 46.0;
/// Between two bars.
const BAR: f64 = 16.0;
/// From the top of the diagram to its axis: the bar of the critical difference, its name, and the ticks.
const ABOVE_AXIS: f64 = 130.0;
/// From the axis to the first bar.
const BELOW_AXIS: f64 = 24.0;
/// Between the end of a line and its name.
const GAP: f64 = 12.0;
/// Widest names, as a share of the page.
const NAMES_SHARE: f64 = 0.24;
/// Most labels of ranks. Ours: as many as stand apart.
const LABELS_MAX: usize = 12;

impl Plot for RankDiagram {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.ranks.len() < 2 {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "two agents" });
        }
        for (name, rank) in &self.ranks {
            if !rank.is_finite() {
                return Err(PlotError::NotFinite { series: name.clone(), index: 0, value: *rank });
            }
        }
        let ranks: Vec<f64> = self.ranks.iter().map(|(_, rank)| *rank).collect();
        let bars = cliques(&ranks, self.critical_difference);
        let n_rows = ranks.len().div_ceil(2);
        let height = ABOVE_AXIS + BELOW_AXIS + BAR * bars.len() as f64 + ROW * (n_rows as f64 + 0.5);
        const AROUND: f64 = 270.0;
        let contents: Vec<String> =
            self.ranks.iter().map(|(name, rank)| format!("{name} {rank:.2}")).collect();
        let contents = format!("Average ranks: {}", contents.join(", "));
        let page = (AROUND + height).ceil();
        let mut frame = Frame::page(&self.title, &self.caption, &[], &contents, page);
        let names: Vec<String> = self
            .ranks
            .iter()
            .map(|(name, _)| typeface::shorten(name, TICK_EM, NAMES_SHARE * WIDTH))
            .collect();
        let widest = names.iter().map(|name| typeface::width(name, TICK_EM, Weight::Regular));
        let margin = widest.fold(0.0, f64::max) + 2.0 * GAP;
        let scale = Scale {
            left: frame.left + margin,
            right: frame.right - margin,
            n: self.ranks.len(),
            axis: frame.top + ABOVE_AXIS,
        };
        scale.draw(&mut frame.figure, self.critical_difference);
        for (index, [first, last]) in bars.iter().enumerate() {
            let y = scale.axis + BELOW_AXIS + BAR * index as f64;
            let ends = vec![[scale.x(ranks[*first]) - 6.0, y], [scale.x(ranks[*last]) + 6.0, y]];
            frame.figure.line(ends, Stroke::solid(Ink::VERMILLION, 7.0));
        }
        let below = scale.axis + BELOW_AXIS + BAR * bars.len() as f64;
        for (index, name) in names.iter().enumerate() {
            let is_left = index < n_rows;
            let row = if is_left { index } else { ranks.len() - 1 - index };
            let y = below + ROW * (row as f64 + 0.5);
            let (end, anchor) =
                if is_left { (scale.left - GAP, Anchor::End) } else { (scale.right + GAP, Anchor::Start) };
            let x = scale.x(ranks[index]);
            frame.figure.line(vec![[x, scale.axis], [x, y], [end, y]], Stroke::solid(Ink::BLUE, 2.5));
            let at = [if is_left { end - GAP } else { end + GAP }, y + TICK_DROP];
            frame.figure.text(at, name, TICK_EM, anchor);
        }
        Ok(frame.figure)
    }
}

/// The axis: ranks 1 to `n` from left to right.
struct Scale {
    left: f64,
    right: f64,
    n: usize,
    axis: f64,
}

impl Scale {
    fn x(&self, rank: f64) -> f64 {
        self.left + (rank - 1.0) / (self.n as f64 - 1.0) * (self.right - self.left)
    }

    /// The axis with its ticks, and above it how long the critical difference is, as far as there is one on the axis.
    fn draw(&self, figure: &mut Figure, critical_difference: f64) {
        let stroke = Stroke::solid(Ink::TEXT, 3.0);
        figure.line(vec![[self.left, self.axis], [self.right, self.axis]], stroke);
        let step = self.n.div_ceil(LABELS_MAX);
        for rank in (1..=self.n).step_by(step) {
            let x = self.x(rank as f64);
            figure.line(vec![[x, self.axis - 10.0], [x, self.axis]], stroke);
            figure.text([x, self.axis - 20.0], &rank.to_string(), TICK_EM, Anchor::Middle);
        }
        if critical_difference > 0.0 {
            let (y, end) = (self.axis - ABOVE_AXIS + 14.0, self.x(1.0 + critical_difference).min(self.right));
            figure.line(vec![[self.left, y], [end, y]], Stroke::solid(Ink::VERMILLION, 7.0));
            let text = format!("critical difference {critical_difference:.2}");
            figure.text([self.left, y + 14.0 + TICK_EM], &text, TICK_EM, Anchor::Start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Mark;

    fn diagram(ranks: &[f64]) -> RankDiagram {
        let ranks = ranks.iter().enumerate().map(|(index, &rank)| (format!("agent {index}"), rank)).collect();
        RankDiagram { title: "Ranks".to_owned(), ranks, critical_difference: 0.6, caption: String::new() }
    }

    // By hand: of 1.2, 1.7, 3 and 4 the first two lie within 0.6, so there is one bar beside that of the difference itself; it is as
    // long as half a rank, and a little on either side, where the difference is 0.6 of one.
    #[test]
    fn agents_that_do_not_differ_are_joined() {
        let figure = diagram(&[1.2, 1.7, 3.0, 4.0]).figure().unwrap();
        let bars = figure.marks.iter().filter_map(|mark| match mark {
            Mark::Line { points, stroke } if stroke.ink == Ink::VERMILLION => {
                Some(points[1][0] - points[0][0])
            }
            _ => None,
        });
        let bars: Vec<f64> = bars.collect();
        assert_eq!(bars.len(), 2);
        assert!(((bars[1] - 12.0) / bars[0] - 0.5 / 0.6).abs() < 1e-9, "{bars:?}");
        let svg = diagram(&[1.2, 1.7, 3.0, 4.0]).svg().unwrap();
        for text in ["agent 0", "agent 3", "critical difference 0.60", ">4</text>"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    // Law: no two names stand at the same place, however many there are, and none leaves the page.
    #[test]
    fn every_name_has_a_place_of_its_own() {
        for n in [2, 3, 21] {
            let ranks: Vec<f64> = (0..n).map(|index| 1.0 + f64::from(index) * 0.01).collect();
            let figure = diagram(&ranks).figure().unwrap();
            let mut places: Vec<[i64; 2]> = Vec::new();
            for mark in &figure.marks {
                if let Mark::Text(text) = mark
                    && text.text.starts_with("agent")
                {
                    assert!(text.at[1] < figure.height && text.at[1] > 0.0);
                    let place = [i64::from(text.at[0] > WIDTH / 2.0), text.at[1].round() as i64];
                    assert!(!places.contains(&place), "{}", text.text);
                    places.push(place);
                }
            }
            assert_eq!(places.len(), n as usize);
        }
        assert!(diagram(&[1.0]).figure().is_err());
    }
}
