//! The spread of final results, one row for each agent: what may come out of a single run.

use super::axis::{Axis, Ruler};
use super::error::PlotError;
use super::figure::{Figure, HEIGHT, Ink, Stroke};
use super::frame::{Frame, Setting, Side};
use super::render::Plot;

/// A box from quartile to quartile with a bar at the median, over every single result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoxPlot {
    /// What is compared.
    pub title: String,
    /// Axis of the results.
    pub x: Axis,
    /// Rows from top to bottom.
    pub rows: Vec<Spread>,
    /// What stands below the plot.
    pub caption: String,
}

/// The results of one agent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spread {
    /// Who achieved them.
    pub name: String,
    /// Lower quartile, median and upper quartile of `values`.
    pub quartiles: [f64; 3],
    /// Every result; the line through the box goes from the least to the largest.
    pub values: Vec<f64>,
}

impl Plot for BoxPlot {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.rows.is_empty() {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "rows" });
        }
        for row in &self.rows {
            row.check()?;
        }
        let x = Ruler::fit(&self.x, self.rows.iter().flat_map(Spread::all))?;
        let names: Vec<&str> = self.rows.iter().map(|row| row.name.as_str()).collect();
        let mut frame = Frame::new(&Setting {
            title: &self.title,
            caption: &self.caption,
            legend: &[],
            x: &x,
            side: Side::Names(&names),
            room: 0.0,
            height: page_height(names.len()),
        });
        let half = (0.3 * frame.row_height(names.len())).min(44.0);
        for (index, row) in self.rows.iter().enumerate() {
            let middle = frame.row(index, names.len());
            let [lower, median, upper] = row.quartiles.map(|value| frame.x(x.position(value)));
            let [least, most] = row.ends().map(|value| frame.x(x.position(value)));
            let dots: Vec<[f64; 2]> = row
                .values
                .iter()
                .enumerate()
                .map(|(dot, value)| [frame.x(x.position(*value)), middle + half * offset(dot)])
                .collect();
            let outline = Stroke::solid(Ink::BLUE, 3.0);
            let figure = &mut frame.figure;
            for [from, to] in [[least, lower], [upper, most]] {
                figure.line(vec![[from, middle], [to, middle]], outline);
            }
            figure.block([lower, middle - half], [upper, middle + half], Ink::BLUE.thin(0.15));
            // Twice along the first side, so that the line is joined at the last corner too.
            let corners = [lower, upper, upper, lower, lower, upper]
                .into_iter()
                .zip([-half, -half, half, half, -half, -half]);
            figure.line(corners.map(|(x, y)| [x, middle + y]).collect(), outline);
            for dot in dots {
                figure.disc(dot, 6.0, Ink::BLUE.thin(0.6));
            }
            let bar = Stroke::solid(Ink::VERMILLION, 6.0);
            figure.line(vec![[median, middle - half], [median, middle + half]], bar);
        }
        Ok(frame.figure)
    }
}

impl Spread {
    fn all(&self) -> impl Iterator<Item = f64> {
        self.values.iter().copied().chain(self.quartiles)
    }

    /// Least and largest result.
    fn ends(&self) -> [f64; 2] {
        let values = || self.values.iter().copied();
        [values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)]
    }

    fn check(&self) -> Result<(), PlotError> {
        if self.values.is_empty() {
            return Err(PlotError::NoValues { series: self.name.clone() });
        }
        match self.all().enumerate().find(|(_, value)| !value.is_finite()) {
            Some((index, value)) => Err(PlotError::NotFinite { series: self.name.clone(), index, value }),
            None => Ok(()),
        }
    }
}

/// Height of a page with so many rows: few make it shorter, more than fit on the usual one longer.
pub(super) fn page_height(rows: usize) -> f64 {
    const AROUND: f64 = 300.0;
    let [least, most] = [48.0, 140.0].map(|row| AROUND + row * rows as f64);
    most.min(HEIGHT).max(least)
}

/// How far from the middle of its row a dot stands, between −0.8 and 0.8, so that equal results are seen apart.
fn offset(dot: usize) -> f64 {
    // Multiples of the golden ratio spread evenly whatever their number: Weyl's sequence.
    const GOLDEN: f64 = 0.618_033_988_749_895;
    1.6 * ((dot as f64 + 0.5) * GOLDEN).fract() - 0.8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Mark;

    fn lottery() -> BoxPlot {
        let row = |name: &str, quartiles, values: &[f64]| Spread {
            name: name.to_owned(),
            quartiles,
            values: values.to_vec(),
        };
        BoxPlot {
            title: "Final results".to_owned(),
            x: Axis::new("energy", "J"),
            rows: vec![
                row("random", [2.0, 3.0, 4.0], &[1.0, 2.0, 3.0, 4.0, 5.0]),
                row("genetic", [1.0; 3], &[1.0]),
            ],
            caption: String::new(),
        }
    }

    #[test]
    fn every_result_is_a_dot_within_its_row() {
        let dots: Vec<[f64; 2]> = lottery()
            .figure()
            .unwrap()
            .marks
            .into_iter()
            .filter_map(|mark| match mark {
                Mark::Disc { centre, .. } => Some(centre),
                _ => None,
            })
            .collect();
        assert_eq!(dots.len(), 6);
        assert!(dots[..5].iter().all(|dot| dot[1] < dots[5][1]), "the first row is above the second");
        assert!(
            dots[..5].windows(2).all(|pair| pair[0][0] < pair[1][0]),
            "larger results stand further right"
        );
    }

    #[test]
    fn a_row_without_results_is_named() {
        let mut plot = lottery();
        plot.rows[1].values.clear();
        assert_eq!(plot.svg().unwrap_err().to_string(), "nothing to plot: `genetic` has no values");
    }
}
