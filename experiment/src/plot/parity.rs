//! What was expected against what came of it: on the diagonal both are the same.

use super::axis::{Axis, Ruler};
use super::error::PlotError;
use super::figure::{Dash, Figure, HEIGHT, Ink, Stroke};
use super::frame::{Frame, Key, Setting, Side, Swatch};
use super::render::Plot;

/// Expected values against true ones, with intervals where there are any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParityPlot {
    /// What is compared.
    pub title: String,
    /// Axis of what was expected. Both axes have the same range.
    pub x: Axis,
    /// Axis of the truth.
    pub y: Axis,
    /// Pairs, in any order.
    pub pairs: Vec<Parity>,
    /// A value of the truth to compare with, drawn as a level line, and what it is called.
    pub level: Option<(f64, String)>,
    /// What stands below the plot.
    pub caption: String,
}

/// What was expected of one thing, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parity {
    /// What was expected.
    pub expected: f64,
    /// From where to where it was to lie.
    pub interval: Option<[f64; 2]>,
    /// What came of it.
    pub truth: f64,
}

impl Plot for ParityPlot {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.pairs.is_empty() {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "pairs" });
        }
        let values = || {
            let pairs = self.pairs.iter();
            let of_pairs = pairs
                .flat_map(|it| [it.expected, it.truth].into_iter().chain(it.interval.into_iter().flatten()));
            of_pairs.chain(self.level.iter().map(|(level, _)| *level))
        };
        if let Some((index, value)) = values().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(PlotError::NotFinite { series: self.title.clone(), index, value });
        }
        let (x, y) = (Ruler::fit(&self.x, values())?, Ruler::fit(&self.y, values())?);
        let mut frame = Frame::new(&Setting {
            title: &self.title,
            caption: &self.caption,
            legend: &self.legend(),
            x: &x,
            side: Side::Axis(&y),
            room: 0.0,
            height: HEIGHT,
        });
        let corners = [[frame.left, frame.bottom], [frame.right, frame.top]];
        frame.figure.line(corners.to_vec(), DIAGONAL);
        if let Some((level, _)) = &self.level {
            let at = frame.y(y.position(*level));
            frame.figure.line(vec![[frame.left, at], [frame.right, at]], LEVEL);
        }
        for pair in &self.pairs {
            let at = frame.y(y.position(pair.truth));
            if let Some(ends) = pair.interval {
                let [left, right] = ends.map(|end| frame.x(x.position(end)));
                frame.figure.line(vec![[left, at], [right, at]], Stroke::solid(Ink::BLUE.thin(0.35), 4.0));
            }
            let centre = [frame.x(x.position(pair.expected)), at];
            frame.figure.disc(centre, 7.0, Ink::BLUE.thin(0.7));
        }
        Ok(frame.figure)
    }
}

const DIAGONAL: Stroke = Stroke { ink: Ink::FAINT, width: 3.0, dash: Dash::Long };
const LEVEL: Stroke = Stroke { ink: Ink::VERMILLION, width: 4.0, dash: Dash::Long };

impl ParityPlot {
    fn legend(&self) -> Vec<Key> {
        let key = |name: &str, swatch| Key { name: name.to_owned(), swatch };
        let mut legend = vec![key("as expected", Swatch::Line(DIAGONAL))];
        legend.extend(self.level.iter().map(|(_, name)| key(name, Swatch::Line(LEVEL))));
        legend
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Mark;

    // Both axes have the range of all values, so a pair that agrees lies on the line from corner to corner.
    #[test]
    fn what_came_as_expected_lies_on_the_diagonal() {
        let pair = |expected, truth| Parity { expected, interval: None, truth };
        let plot = ParityPlot {
            title: "latency".to_owned(),
            x: Axis::new("expected", "s").linear(),
            y: Axis::new("measured", "s").linear(),
            pairs: vec![pair(1.0, 1.0), pair(3.0, 2.0), pair(1.5, 4.0)],
            ..ParityPlot::default()
        };
        let marks = plot.figure().unwrap().marks;
        let diagonal = marks.iter().find_map(|mark| match mark {
            Mark::Line { points, stroke }
                if *stroke == DIAGONAL && points.len() == 2 && points[0][1] != points[1][1] =>
            {
                Some(points.clone())
            }
            _ => None,
        });
        let diagonal = diagonal.unwrap();
        let slope = (diagonal[1][1] - diagonal[0][1]) / (diagonal[1][0] - diagonal[0][0]);
        let above: Vec<f64> = marks
            .iter()
            .filter_map(|mark| match mark {
                Mark::Disc { centre, .. } => {
                    Some(diagonal[0][1] + slope * (centre[0] - diagonal[0][0]) - centre[1])
                }
                _ => None,
            })
            .collect();
        assert!(above[0].abs() < 1e-6 && above[1] < -1.0 && above[2] > 1.0, "{above:?}");
    }
}
