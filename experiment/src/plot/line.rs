//! Lines over a common axis: best value so far or hypervolume against trials, empirical runtime
//! distributions, performance profiles.

use super::axis::{Axis, Ruler};
use super::error::PlotError;
use super::figure::{Figure, HEIGHT, Ink, Stroke};
use super::frame::{Frame, Key, Setting, Side, Swatch};
use super::line_ends::{self, End};
use super::quantity::quantity;
use super::render::Plot;

/// One or several lines, each with a band if it has one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LineChart {
    /// What is shown.
    pub title: String,
    /// Axis the lines run along.
    pub x: Axis,
    /// Axis of their height.
    pub y: Axis,
    /// What happens between two points.
    pub shape: LineShape,
    /// Share of the `x` axis after which lines have settled, if they do: heights before that are cut off as far as the later
    /// ones would have less than half of the `y` axis, unless `x` is logarithmic.
    pub settles_after: Option<f64>,
    /// The lines. More than a few that end at the same place are named there, and have no bands.
    pub series: Vec<Series>,
    /// What stands below the chart: what the lines and bands are, over how many seeds.
    pub caption: String,
}

/// What a line does between two of its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineShape {
    /// It keeps the value of the last one: an incumbent, a distribution function.
    #[default]
    Steps,
    /// It goes straight from one to the next.
    Straight,
}

/// A line: a median, say, and the quartiles around it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// The line, by rising first coordinate. Shape `[n][2]`.
    pub points: Vec<[f64; 2]>,
    /// First coordinate, lower and upper end of the band, by rising first coordinate; empty for no band.
    /// Shape `[n][3]`.
    pub band: Vec<[f64; 3]>,
}

/// Lines up to which bands are drawn and a legend suffices. Ours: of more bands nobody can tell which is whose.
const FEW: usize = 4;

impl Plot for LineChart {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.series.is_empty() {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "series" });
        }
        for series in &self.series {
            series.check()?;
        }
        let x = Ruler::fit(&self.x, self.series.iter().flat_map(Series::abscissas))?;
        let y = self.y_ruler(&x)?;
        let is_named_at_ends = self.is_named_at_ends();
        let names = || self.series.iter().map(|series| series.name.as_str());
        let mut frame = Frame::new(&Setting {
            title: &self.title,
            caption: &self.full_caption(&y),
            legend: &if is_named_at_ends { Vec::new() } else { self.legend() },
            x: &x,
            side: Side::Axis(&y),
            room: if is_named_at_ends { line_ends::room(names()) } else { 0.0 },
            height: if is_named_at_ends { line_ends::page_height(self.series.len()) } else { HEIGHT },
        });
        let shaped = |points: &[[f64; 2]]| inside(&shaped(points, self.shape), &y);
        let place = |[at, height]: [f64; 2]| [frame.x(x.position(at)), frame.y(on_axis(&y, height))];
        let placed = |corners: Vec<[f64; 2]>| -> Vec<[f64; 2]> { corners.into_iter().map(place).collect() };
        let banded = if self.has_bands() { self.series.as_slice() } else { &[] };
        let bands: Vec<_> = banded.iter().map(|series| placed(series.outline(self.shape))).collect();
        let lines: Vec<_> = self.series.iter().map(|series| placed(shaped(&series.points))).collect();
        let ends: Vec<End<'_>> = names()
            .zip(&lines)
            .enumerate()
            .filter_map(|(index, (name, line))| {
                Some(End { name, at: *line.last()?, stroke: Stroke::of_series(index) })
            })
            .collect();
        // All bands lie below all lines.
        for (index, outline) in bands.into_iter().enumerate().filter(|(_, outline)| !outline.is_empty()) {
            frame.figure.area(outline, Ink::of_series(index).thin(0.18));
        }
        if is_named_at_ends {
            line_ends::draw(&mut frame, ends);
        }
        for (index, line) in lines.into_iter().enumerate() {
            match line.as_slice() {
                [lone] => frame.figure.disc(*lone, 9.0, Ink::of_series(index)),
                _ => frame.figure.line(line, Stroke::of_series(index)),
            }
        }
        Ok(frame.figure)
    }
}

impl LineChart {
    /// A key for each line; a lone line is named too, for the title need not name it.
    fn legend(&self) -> Vec<Key> {
        let key = |(index, series): (usize, &Series)| Key {
            name: series.name.clone(),
            swatch: Swatch::Line(Stroke::of_series(index)),
        };
        self.series.iter().enumerate().map(key).collect()
    }

    fn has_bands(&self) -> bool {
        self.series.len() <= FEW
    }

    /// Many lines that end at the same place have their names there.
    fn is_named_at_ends(&self) -> bool {
        let mut ends = self.series.iter().filter_map(|series| series.points.last()).map(|point| point[0]);
        let first = ends.next();
        self.series.len() > FEW && ends.all(|end| Some(end) == first)
    }

    /// The axis of the heights: of all, or for those that settle of what comes later, and of the beginning as much as leaves
    /// that half of the height.
    fn y_ruler(&self, x: &Ruler) -> Result<Ruler, PlotError> {
        let heights = |start: f64| {
            let bands = self.has_bands();
            self.series.iter().flat_map(move |series| series.heights_from(start, bands))
        };
        let whole = || Ruler::fit(&self.y, heights(f64::NEG_INFINITY));
        let end = self.series.iter().flat_map(Series::abscissas).fold(f64::NEG_INFINITY, f64::max);
        let start = match self.settles_after {
            Some(share) if !x.is_log() => share * end,
            _ => return whole(),
        };
        let least = heights(start).fold(f64::INFINITY, f64::min);
        if heights(start).all(|height| height == least) {
            return whole();
        }
        Ok(Ruler::fit(&self.y, heights(start))?.extended(heights(f64::NEG_INFINITY)))
    }

    /// The caption, and what the picture does not show: bands of many lines, and values beyond the axis.
    fn full_caption(&self, y: &Ruler) -> String {
        let mut caption = self.caption.clone();
        if !self.has_bands() && self.series.iter().any(|series| !series.band.is_empty()) {
            caption += &format!(" Of {} lines the bands are left out.", self.series.len());
        }
        let bands = self.has_bands();
        let heights = self.series.iter().flat_map(|series| series.heights_from(f64::NEG_INFINITY, bands));
        let beyond: Vec<f64> = heights.filter(|height| !y.contains(*height)).collect();
        let farthest = beyond.iter().copied().max_by(|a, b| {
            let distance = |height: f64| (y.position(height) - 0.5).abs();
            distance(*a).total_cmp(&distance(*b))
        });
        if let Some(farthest) = farthest {
            let value = quantity(farthest, &self.y.unit);
            caption += &format!(" The first values lie beyond the axis, as far as {value}.");
        }
        caption
    }
}

/// Position of `height` on an axis; of what lies beyond it the end.
fn on_axis(y: &Ruler, height: f64) -> f64 {
    let position = y.position(height);
    // What has no logarithm is less than all that has one.
    if position.is_nan() { 0.0 } else { position.clamp(0.0, 1.0) }
}

/// The corners of a line from where it comes onto the axis: the last one before that, and all behind.
fn inside(corners: &[[f64; 2]], y: &Ruler) -> Vec<[f64; 2]> {
    let first = corners.iter().position(|corner| y.contains(corner[1])).unwrap_or(corners.len());
    corners[first.saturating_sub(1)..].to_vec()
}

impl Series {
    fn check(&self) -> Result<(), PlotError> {
        if self.points.is_empty() {
            return Err(PlotError::NoValues { series: self.name.clone() });
        }
        let rows = self.points.iter().map(<[f64; 2]>::as_slice).enumerate();
        let rows = rows.chain(self.band.iter().map(<[f64; 3]>::as_slice).enumerate());
        for (index, row) in rows {
            if let Some(&value) = row.iter().find(|value| !value.is_finite()) {
                return Err(PlotError::NotFinite { series: self.name.clone(), index, value });
            }
        }
        Ok(())
    }

    fn abscissas(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|point| point[0]).chain(self.band.iter().map(|row| row[0]))
    }

    /// Heights of the line, and of the band if `with_band`, from the last place on that is not behind `start`: where a line that steps
    /// stands at `start`.
    fn heights_from(&self, start: f64, with_band: bool) -> impl Iterator<Item = f64> {
        let line = self.points.partition_point(|point| point[0] <= start).saturating_sub(1);
        let band = self.band.partition_point(|row| row[0] <= start).saturating_sub(1);
        let band = if with_band { &self.band[band.min(self.band.len())..] } else { &[] };
        let line = self.points[line..].iter().map(|point| point[1]);
        line.chain(band.iter().flat_map(|row| [row[1], row[2]]))
    }

    /// Polygon around the band: along its lower end and back along its upper end.
    fn outline(&self, shape: LineShape) -> Vec<[f64; 2]> {
        let edge = |end: usize| {
            let points: Vec<[f64; 2]> = self.band.iter().map(|row| [row[0], row[end]]).collect();
            shaped(&points, shape)
        };
        edge(1).into_iter().chain(edge(2).into_iter().rev()).collect()
    }
}

/// The corners of a line through `points`.
fn shaped(points: &[[f64; 2]], shape: LineShape) -> Vec<[f64; 2]> {
    let mut corners: Vec<[f64; 2]> = Vec::with_capacity(2 * points.len());
    for &[x, y] in points {
        if let (LineShape::Steps, Some(&[_, last])) = (shape, corners.last()) {
            corners.push([x, last]);
        }
        corners.push([x, y]);
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Mark;

    fn progress(names: &[&str]) -> LineChart {
        let series = |name: &&str| Series {
            name: (*name).to_owned(),
            points: vec![[1.0, 4.0], [2.0, 3.0], [5.0, 1.0]],
            band: vec![[1.0, 3.0, 5.0], [2.0, 2.0, 4.0], [5.0, 1.0, 2.0]],
        };
        LineChart {
            title: "Best so far".to_owned(),
            x: Axis::new("trials", "").linear(),
            y: Axis::new("latency", "s"),
            series: names.iter().map(series).collect(),
            ..LineChart::default()
        }
    }

    #[test]
    fn steps_keep_the_last_value_until_the_next_point() {
        let points = [[1.0, 4.0], [2.0, 3.0], [5.0, 1.0]];
        let steps = [[1.0, 4.0], [2.0, 4.0], [2.0, 3.0], [5.0, 3.0], [5.0, 1.0]];
        assert_eq!(shaped(&points, LineShape::Steps), steps);
        assert_eq!(shaped(&points, LineShape::Straight), points);
    }

    #[test]
    fn every_series_has_a_line_a_band_and_a_name() {
        let svg = progress(&["random", "genetic", "annealing"]).svg().unwrap();
        for text in ["random", "genetic", "annealing", "trials", "latency (s)"] {
            assert!(svg.contains(text), "{text}");
        }
        assert_eq!(svg.matches("<polygon").count(), 3);
    }

    #[test]
    fn bands_are_painted_before_any_line() {
        let marks = progress(&["random", "genetic"]).figure().unwrap().marks;
        let last_band = marks.iter().rposition(|mark| matches!(mark, Mark::Area { .. })).unwrap();
        let lines = marks
            .iter()
            .enumerate()
            .filter(|(_, mark)| matches!(mark, Mark::Line { points, .. } if points.len() == 5));
        assert!(lines.map(|(index, _)| index).all(|index| index > last_band));
    }

    /// Lines down to 1 at the last of 1000 trials, the first of them from 1000.
    fn steep(n: usize) -> LineChart {
        let series = |index: usize| Series {
            name: format!("agent {index}"),
            points: vec![[1.0, 1000.0], [50.0, 3.0], [500.0, 2.0], [1000.0, 1.0 + index as f64 / 100.0]],
            band: vec![[1.0, 900.0, 1100.0], [1000.0, 1.0, 1.5]],
        };
        LineChart { series: (0..n).map(series).collect(), settles_after: Some(0.1), ..progress(&[]) }
    }

    // By hand: at trial 100 the line stands at 3, so 1 to 3 counts; the axis may be half as long again. The band of 1 to 1100 is in
    // force at 100 too, so it is left out here.
    #[test]
    fn the_beginning_of_a_search_leaves_half_of_the_height_to_the_rest() {
        let mut chart = steep(1);
        chart.series[0].band.clear();
        let ruler = |chart: &LineChart| {
            let x = Ruler::fit(&chart.x, [1.0, 1000.0]).unwrap();
            chart.y_ruler(&x).unwrap()
        };
        assert!(ruler(&chart).position(3.0) - ruler(&chart).position(1.0) > 0.5);
        assert!(!ruler(&chart).contains(1000.0));
        let svg = chart.svg().unwrap();
        assert!(svg.contains("The first values lie beyond the axis, as far as 1 ks."), "{svg}");
        chart.x = chart.x.log();
        assert!(ruler(&chart).contains(1000.0), "on a logarithmic axis the beginning has its room");
        chart.x = chart.x.linear();
        chart.settles_after = None;
        assert!(ruler(&chart).contains(1000.0));
    }

    // By hand: on an axis from 0 to 10 the line comes in with its step from 100 to 5.
    #[test]
    fn a_line_comes_in_from_the_edge() {
        let y = Ruler::fit(&Axis::new("", "").linear(), [0.0, 10.0]).unwrap();
        let corners = [[1.0, 100.0], [2.0, 100.0], [2.0, 5.0], [9.0, 5.0]];
        assert_eq!(inside(&corners, &y), corners[1..]);
        assert_eq!([100.0, -100.0, f64::NAN].map(|height| on_axis(&y, height)), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn many_lines_are_named_at_their_ends_and_have_no_bands() {
        let svg = steep(15).svg().unwrap();
        assert_eq!(svg.matches("<polygon").count(), 0);
        assert!(svg.contains("Of 15 lines the bands are left out."), "{svg}");
        let places = (0..15).map(|index| {
            let line = svg.lines().find(|line| line.ends_with(&format!(">agent {index}</text>"))).unwrap();
            line.split('"').nth(1).unwrap().parse::<f64>().unwrap()
        });
        assert!(places.into_iter().all(|x| x > 1300.0), "all stand to the right of the data");
        assert_eq!(steep(4).svg().unwrap().matches("<polygon").count(), 4);
    }

    #[test]
    fn a_chart_without_series_or_points_has_nothing_to_plot() {
        assert_eq!(
            progress(&[]).svg().unwrap_err().to_string(),
            "nothing to plot: `Best so far` has no series"
        );
        let mut chart = progress(&["random"]);
        chart.series[0].points.clear();
        assert_eq!(chart.svg().unwrap_err().to_string(), "nothing to plot: `random` has no values");
    }
}
