//! Scatter of the designs of a search over two metrics, with their Pareto front.

use tapeout_core::Direction;

use super::axis::{Axis, Ruler};
use super::crowd::thinned;
use super::error::PlotError;
use super::figure::{Figure, HEIGHT, Ink, Stroke};
use super::frame::{Frame, Key, Setting, Side, Swatch};
use super::render::Plot;

/// Two metrics of every design, the front as a staircase.
#[derive(Debug, Clone, PartialEq)]
pub struct ParetoPlot {
    /// What was searched.
    pub title: String,
    /// Axis of the first metric.
    pub x: Axis,
    /// Axis of the second metric.
    pub y: Axis,
    /// Which way each metric is to go.
    pub directions: [Direction; 2],
    /// Designs that meet all constraints; may include those of the front. Shape `[n][2]`.
    pub acceptable: Vec<[f64; 2]>,
    /// Designs that break a constraint. Shape `[n][2]`.
    pub unacceptable: Vec<[f64; 2]>,
    /// Acceptable designs that no other beats in both metrics, in any order. Shape `[n][2]`.
    pub front: Vec<[f64; 2]>,
    /// A design to compare with.
    pub reference: Option<Reference>,
    /// Designs without metrics, because they cannot be built; they are counted in the caption.
    pub infeasible: usize,
    /// How many trials have no result, since the evaluator failed.
    pub failed: usize,
    /// What stands below the plot, before the count of infeasible designs.
    pub caption: String,
}

/// A design from elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What the legend calls it.
    pub name: String,
    /// Its two metrics.
    pub at: [f64; 2],
}

impl Default for ParetoPlot {
    /// An empty plot of two metrics that are to be small.
    fn default() -> Self {
        Self {
            title: String::new(),
            x: Axis::default(),
            y: Axis::default(),
            directions: [Direction::Minimize; 2],
            acceptable: Vec::new(),
            unacceptable: Vec::new(),
            front: Vec::new(),
            reference: None,
            infeasible: 0,
            failed: 0,
            caption: String::new(),
        }
    }
}

/// Acceptable designs from which on they are drawn as a crowd.
pub(super) const CROWD: usize = 500;
/// Radius and colour of a design, and in a crowd, where they are smaller and lighter.
pub(super) const DOT: (f64, Ink) = (7.0, Ink::BLUE.thin(0.5));
pub(super) const DOT_IN_CROWD: (f64, Ink) = (5.0, Ink::BLUE.thin(0.35));
pub(super) const UNACCEPTABLE: Stroke = Stroke::solid(Ink::FAINT, 2.0);
pub(super) const FRONT: Stroke = Stroke::solid(Ink::VERMILLION, 4.0);
const REFERENCE: Ink = Ink::TEXT;

impl Plot for ParetoPlot {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.acceptable.is_empty() && self.front.is_empty() {
            return Err(PlotError::NoAcceptableDesign { trials: self.trials() });
        }
        self.check_finite()?;
        let [x, y] = [self.ruler(&self.x, 0)?, self.ruler(&self.y, 1)?];
        let (inside, outside): (Vec<[f64; 2]>, Vec<[f64; 2]>) =
            self.unacceptable.iter().partition(|[across, up]| x.contains(*across) && y.contains(*up));
        let mut frame = Frame::new(&Setting {
            title: &self.title,
            caption: &self.full_caption(outside.len()),
            legend: &self.legend(),
            x: &x,
            side: Side::Axis(&y),
            room: 0.0,
            height: HEIGHT,
        });
        let place =
            |frame: &Frame, point: [f64; 2]| [frame.x(x.position(point[0])), frame.y(y.position(point[1]))];
        let (radius, ink) = self.dot();
        let places = |frame: &Frame, points: &[[f64; 2]]| -> Vec<[f64; 2]> {
            points.iter().map(|point| place(frame, *point)).collect()
        };
        for mark in thinned(&places(&frame, &inside)) {
            frame.figure.cross(mark.at, radius, UNACCEPTABLE);
        }
        for mark in thinned(&places(&frame, &self.acceptable)) {
            frame.figure.disc(mark.at, radius, mark.ink(ink));
        }
        let corners = places(&frame, &self.front);
        let stairs = self.stairs(&corners, &frame);
        // All rims first, so that none covers the line or a neighbour.
        for corner in &corners {
            frame.figure.disc(*corner, 12.0, Ink::WHITE);
        }
        frame.figure.line(stairs, FRONT);
        for corner in corners {
            frame.figure.disc(corner, 9.0, FRONT.ink);
        }
        if let Some(reference) = &self.reference {
            let at = place(&frame, reference.at);
            frame.figure.diamond(at, 13.0, REFERENCE);
        }
        Ok(frame.figure)
    }
}

impl ParetoPlot {
    /// All trials. Designs of the front are among the acceptable ones, if those are given.
    fn trials(&self) -> usize {
        self.acceptable.len().max(self.front.len()) + self.unacceptable.len() + self.infeasible + self.failed
    }

    /// The caption, and what the picture cannot show: infeasible designs, those that failed, and those `outside` the axes.
    fn full_caption(&self, outside: usize) -> String {
        let mut caption = self.caption.clone();
        if self.infeasible > 0 {
            let trials = self.trials();
            let percent = 100.0 * self.infeasible as f64 / trials as f64;
            caption += &format!(" {} of {trials} trials are infeasible ({percent:.1} %).", self.infeasible);
        }
        if self.failed > 0 {
            caption += &format!(" {} failed.", self.failed);
        }
        if outside > 0 {
            caption +=
                &format!(" Not shown, for they lie outside the axes: {outside} that break a constraint.");
        }
        caption
    }

    /// The axis fits what counts. Designs that break a constraint, often absurd ones, extend it a little.
    fn ruler(&self, axis: &Axis, coordinate: usize) -> Result<Ruler, PlotError> {
        let reference = self.reference.iter().map(|reference| &reference.at);
        let counting = self.acceptable.iter().chain(&self.front).chain(reference);
        let ruler = Ruler::fit(axis, counting.map(|point| point[coordinate]))?;
        Ok(ruler.extended(self.unacceptable.iter().map(|point| point[coordinate])))
    }

    fn dot(&self) -> (f64, Ink) {
        if self.acceptable.len() > CROWD { DOT_IN_CROWD } else { DOT }
    }

    fn check_finite(&self) -> Result<(), PlotError> {
        let reference = self.reference.as_slice();
        let reference: Vec<[f64; 2]> = reference.iter().map(|reference| reference.at).collect();
        let sets = [
            ("acceptable", &self.acceptable),
            ("unacceptable", &self.unacceptable),
            ("front", &self.front),
            ("reference", &reference),
        ];
        for (series, points) in sets {
            for (index, point) in points.iter().enumerate() {
                if let Some(&value) = point.iter().find(|value| !value.is_finite()) {
                    return Err(PlotError::NotFinite { series: series.to_owned(), index, value });
                }
            }
        }
        Ok(())
    }

    fn legend(&self) -> Vec<Key> {
        let counted = |name: &str, points: &[[f64; 2]]| format!("{name} ({})", points.len());
        let mut keys = Vec::new();
        if !self.front.is_empty() {
            keys.push(Key { name: counted("Pareto front", &self.front), swatch: Swatch::Beads(FRONT) });
        }
        if !self.acceptable.is_empty() {
            let name = counted("acceptable", &self.acceptable);
            keys.push(Key { name, swatch: Swatch::Disc(self.dot().1) });
        }
        if !self.unacceptable.is_empty() {
            let name = counted("constraint broken", &self.unacceptable);
            keys.push(Key { name, swatch: Swatch::Cross(UNACCEPTABLE) });
        }
        if let Some(reference) = &self.reference {
            keys.push(Key { name: reference.name.clone(), swatch: Swatch::Diamond(REFERENCE) });
        }
        keys
    }

    /// Border of what the front dominates, from one edge of the frame to the other, in page units.
    fn stairs(&self, corners: &[[f64; 2]], frame: &Frame) -> Vec<[f64; 2]> {
        // The page's y grows downward, so there small values are far along.
        let [worse_x, worse_y] = self.directions.map(|direction| direction == Direction::Minimize);
        let edge_x = if worse_x { frame.right } else { frame.left };
        let edge_y = if worse_y { frame.top } else { frame.bottom };
        let mut corners = corners.to_vec();
        corners.sort_by(|one, other| {
            let order = one[0].total_cmp(&other[0]);
            if worse_x { order } else { order.reverse() }
        });
        let mut stairs = Vec::new();
        let mut height = edge_y;
        for [x, y] in corners {
            stairs.extend([[x, height], [x, y]]);
            height = y;
        }
        stairs.push([edge_x, height]);
        stairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Mark;

    fn small() -> ParetoPlot {
        ParetoPlot {
            title: "Three designs".to_owned(),
            x: Axis::new("latency", "s"),
            y: Axis::new("energy", "J"),
            acceptable: vec![[1e-3, 4.0], [2e-3, 2.0], [3e-3, 3.0]],
            unacceptable: vec![[1e-3, 1.0]],
            front: vec![[2e-3, 2.0], [1e-3, 4.0]],
            infeasible: 4,
            caption: "Seed 1.".to_owned(),
            ..ParetoPlot::default()
        }
    }

    fn front_line(plot: &ParetoPlot) -> Vec<[f64; 2]> {
        let mut lines = plot.figure().unwrap().marks.into_iter().filter_map(|mark| match mark {
            Mark::Line { points, stroke } if stroke == FRONT => Some(points),
            _ => None,
        });
        lines.next_back().unwrap()
    }

    #[test]
    fn every_design_has_its_mark_and_the_legend_counts_them() {
        let svg = small().svg().unwrap();
        // 3 acceptable, 2 on the front with a rim each, and one sample each in the legend.
        assert_eq!(svg.matches("<circle").count(), 3 + 2 * 2 + 2);
        for text in ["Three designs", "latency (ms)", "energy (J)", "Pareto front (2)", "acceptable (3)"] {
            assert!(svg.contains(text), "{text}");
        }
        // 3 + 1 + 4 trials.
        assert!(svg.contains("Seed 1. 4 of 8 trials are infeasible (50.0 %)."), "{svg}");
    }

    #[test]
    fn the_front_steps_from_the_top_edge_to_the_right_edge_when_both_are_minimised() {
        let line = front_line(&small());
        // Down to the first corner, across, down to the second, across to the edge.
        assert_eq!(line.len(), 5);
        assert_eq!(line[0][0], line[1][0]);
        assert_eq!(line[1][1], line[2][1]);
        assert_eq!(line[2][0], line[3][0]);
        assert!(line[0][1] < line[1][1] && line[1][1] < line[3][1], "page ordinates grow downward: {line:?}");
        assert!(line[4][0] > line[3][0] && line[4][1] == line[3][1]);
    }

    #[test]
    fn the_front_turns_round_with_the_directions() {
        let plot = ParetoPlot { directions: [Direction::Maximize; 2], ..small() };
        let line = front_line(&plot);
        // From the bottom edge up to the design on the right, then leftward and up.
        assert!(line[0][1] > line[1][1] && line[2][0] < line[1][0] && line[3][1] < line[2][1]);
        assert!(line[4][0] < line[3][0]);
    }

    #[test]
    fn absurd_designs_that_break_a_constraint_are_counted_instead_of_shown() {
        let with = |unacceptable| ParetoPlot { unacceptable, ..small() };
        let svg = with(vec![[1e-3, 1.0], [9.0, 1.0]]).svg().unwrap();
        assert!(svg.contains("lie outside the axes: 1 that break a constraint."), "{svg}");
        // One cross is two strokes of two points, one more the legend's.
        let crosses = |plot: &ParetoPlot| {
            let marks = plot.figure().unwrap().marks.into_iter();
            marks.filter(|mark| matches!(mark, Mark::Line { stroke, .. } if *stroke == UNACCEPTABLE)).count()
                / 2
        };
        assert_eq!(crosses(&with(vec![[1e-3, 1.0], [9.0, 1.0]])), 1 + 1);
        assert_eq!(crosses(&with(vec![[1e-3, 1.0], [2e-3, 1.0]])), 2 + 1);
    }

    // By hand: the area of the data is at most 1600 by 1100 page units, 110,000 squares of 4 by 4; a circle takes 60 bytes.
    #[test]
    fn a_picture_of_a_million_designs_is_a_small_file() {
        let index = |step: f64| (0..1_000_000).map(move |index| (f64::from(index) * step).fract());
        let acceptable = index(0.618_033_988_749_895).zip(index(0.754_877_666_246_693));
        let plot = ParetoPlot { acceptable: acceptable.map(|(x, y)| [x, y]).collect(), ..small() };
        let svg = plot.svg().unwrap();
        assert!(svg.len() < 110_000 * 80, "{} bytes", svg.len());
        assert!(svg.contains("acceptable (1000000)"), "all are counted");
    }

    #[test]
    fn a_search_without_acceptable_designs_has_nothing_to_plot() {
        let plot = ParetoPlot { acceptable: vec![], front: vec![], ..small() };
        let message = plot.svg().unwrap_err().to_string();
        assert_eq!(message, "nothing to plot: no acceptable design among 5 trials");
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        let plot = ParetoPlot { acceptable: vec![[1.0, 2.0], [1.0, f64::NAN]], ..small() };
        let message = plot.svg().unwrap_err().to_string();
        assert_eq!(message, "`acceptable`: value 1 is NaN; expected a finite number");
    }
}
