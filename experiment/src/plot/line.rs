//! Lines over a common axis: best value so far or hypervolume against trials, empirical runtime
//! distributions, performance profiles.

use super::axis::{Axis, Ruler};
use super::error::PlotError;
use super::figure::{Figure, HEIGHT, Ink, Stroke};
use super::frame::{Frame, Key, Setting, Side, Swatch};
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
    /// The lines.
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

impl Plot for LineChart {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.series.is_empty() {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "series" });
        }
        for series in &self.series {
            series.check()?;
        }
        let x = Ruler::fit(&self.x, self.series.iter().flat_map(Series::abscissas))?;
        let y = Ruler::fit(&self.y, self.series.iter().flat_map(Series::ordinates))?;
        let mut frame = Frame::new(&Setting {
            title: &self.title,
            caption: &self.caption,
            legend: &self.legend(),
            x: &x,
            side: Side::Axis(&y),
            height: HEIGHT,
        });
        let place = |[at, height]: [f64; 2]| [frame.x(x.position(at)), frame.y(y.position(height))];
        let bands: Vec<Vec<[f64; 2]>> = self
            .series
            .iter()
            .map(|series| series.outline(self.shape).into_iter().map(place).collect())
            .collect();
        let lines: Vec<Vec<[f64; 2]>> = self
            .series
            .iter()
            .map(|series| shaped(&series.points, self.shape).into_iter().map(place).collect())
            .collect();
        // All bands lie below all lines.
        for (index, outline) in bands.into_iter().enumerate().filter(|(_, outline)| !outline.is_empty()) {
            frame.figure.area(outline, Ink::of_series(index).thin(0.18));
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

    fn ordinates(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|point| point[1]).chain(self.band.iter().flat_map(|row| [row[1], row[2]]))
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
