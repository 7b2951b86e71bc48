//! Stacked bars: what each level of a memory, or each layer of a network, adds to a total.

use super::axis::{Axis, Ruler};
use super::boxes::page_height;
use super::error::PlotError;
use super::figure::{Anchor, Figure, Ink, SERIES, WIDTH};
use super::frame::{Frame, Key, Setting, Side, Swatch, TICK_DROP, TICK_EM};
use super::quantity::quantity;
use super::render::Plot;
use super::typeface::{self, Weight};

/// Horizontal bars, each stacked from the same parts, with its total behind it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarChart {
    /// What is broken down.
    pub title: String,
    /// Axis of the lengths. It is linear and begins at zero, whatever its spacing says, for the parts of a bar add up.
    pub x: Axis,
    /// What the parts are called, from left to right.
    pub parts: Vec<String>,
    /// Bars from top to bottom.
    pub bars: Vec<Bar>,
    /// What stands below the chart.
    pub caption: String,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    /// What stands to its left.
    pub name: String,
    /// Length of each part, in the order of the chart's parts; none is negative.
    pub parts: Vec<f64>,
}

impl Plot for BarChart {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.bars.is_empty() {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "bars" });
        }
        for bar in &self.bars {
            bar.check(&self.parts)?;
        }
        let names: Vec<&str> = self.bars.iter().map(|bar| bar.name.as_str()).collect();
        let stretch = self.stretch();
        let x = Ruler::from_zero(&self.x, self.bars.iter().map(|bar| bar.total() * stretch));
        let mut frame = Frame::new(&Setting {
            title: &self.title,
            caption: &self.caption,
            legend: &self.legend(),
            x: &x,
            side: Side::Names(&names),
            room: 0.0,
            height: page_height(names.len()),
        });
        let half = (0.36 * frame.row_height(names.len())).min(36.0);
        for (index, bar) in self.bars.iter().enumerate() {
            let middle = frame.row(index, names.len());
            let mut sum = 0.0;
            for (part, length) in bar.parts.iter().enumerate() {
                let [left, right] = [sum, sum + length].map(|value| frame.x(x.position(value)));
                sum += length;
                if *length > 0.0 {
                    frame.figure.block([left, middle - half], [right, middle + half], part_ink(part));
                }
            }
            let total = quantity(sum, &self.x.unit);
            let at = [frame.x(x.position(sum)) + TOTAL_GAP, middle + TICK_DROP];
            let width = typeface::width(&total, TICK_EM, Weight::Regular);
            // The grid would run through the digits.
            let [top, bottom] = [middle - 0.6 * TICK_EM, middle + 0.6 * TICK_EM];
            frame.figure.block([at[0] - 4.0, top], [at[0] + width + 4.0, bottom], Ink::WHITE);
            frame.figure.text(at, &total, TICK_EM, Anchor::Start);
        }
        Ok(frame.figure)
    }
}

/// Between a bar and its total.
const TOTAL_GAP: f64 = 12.0;

impl BarChart {
    /// How much longer than the longest bar the axis is, to leave room for its total.
    fn stretch(&self) -> f64 {
        // Names take three tenths of the page at most; the rest is borders.
        const AXIS_LEAST: f64 = 0.6 * WIDTH;
        let widths = self
            .bars
            .iter()
            .map(|bar| typeface::width(&quantity(bar.total(), &self.x.unit), TICK_EM, Weight::Regular));
        let room = widths.fold(0.0, f64::max) + 2.0 * TOTAL_GAP;
        1.0 / (1.0 - (room / AXIS_LEAST).min(0.5))
    }

    /// A key for each part; a single part needs none, for the axis names it.
    fn legend(&self) -> Vec<Key> {
        if self.parts.len() < 2 {
            return Vec::new();
        }
        let key = |(part, name): (usize, &String)| Key {
            name: name.clone(),
            swatch: Swatch::Block(part_ink(part)),
        };
        self.parts.iter().enumerate().map(key).collect()
    }
}

impl Bar {
    fn total(&self) -> f64 {
        self.parts.iter().sum()
    }

    fn check(&self, parts: &[String]) -> Result<(), PlotError> {
        if self.parts.len() != parts.len() {
            let (got, expected) = (self.parts.len(), parts.len());
            return Err(PlotError::Parts { bar: self.name.clone(), got, expected });
        }
        for (index, (&value, part)) in self.parts.iter().zip(parts).enumerate() {
            if !value.is_finite() {
                return Err(PlotError::NotFinite { series: self.name.clone(), index, value });
            }
            if value < 0.0 {
                return Err(PlotError::Negative { bar: self.name.clone(), part: part.clone(), value });
            }
        }
        Ok(())
    }
}

/// Colour of a part: those that come round a second time are lighter.
fn part_ink(part: usize) -> Ink {
    let rounds = part / SERIES.len();
    Ink::of_series(part).thin(if rounds.is_multiple_of(2) { 1.0 } else { 0.45 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Mark;

    fn energy() -> BarChart {
        let bar = |name: &str, parts: [f64; 2]| Bar { name: name.to_owned(), parts: parts.to_vec() };
        BarChart {
            title: "Energy by level".to_owned(),
            x: Axis::new("energy", "J"),
            parts: vec!["reads".to_owned(), "writes".to_owned()],
            bars: vec![bar("DRAM", [3e-3, 1e-3]), bar("buffer", [2e-3, 0.0])],
            caption: String::new(),
        }
    }

    #[test]
    fn parts_follow_each_other_and_their_lengths_have_the_ratio_of_the_values() {
        let blocks: Vec<[f64; 2]> = energy()
            .figure()
            .unwrap()
            .marks
            .into_iter()
            .filter_map(|mark| match mark {
                Mark::Area { points, ink } if ink != Ink::WHITE => Some([points[0][0], points[1][0]]),
                _ => None,
            })
            .skip(2) // the legend
            .collect();
        // 3, 1 and 2 mJ; the part of zero length is not drawn.
        assert_eq!(blocks.len(), 3);
        let lengths: Vec<f64> = blocks.iter().map(|[left, right]| right - left).collect();
        assert_eq!(blocks[0][1], blocks[1][0]);
        assert!((lengths[0] / lengths[1] - 3.0).abs() < 1e-9, "{lengths:?}");
        assert!((lengths[2] / lengths[1] - 2.0).abs() < 1e-9, "{lengths:?}");
    }

    #[test]
    fn each_bar_shows_its_total_and_the_axis_its_prefix() {
        let svg = energy().svg().unwrap();
        for text in [">4 mJ</text>", ">2 mJ</text>", "energy (mJ)", "reads", "writes", "DRAM", "buffer"] {
            assert!(svg.contains(text), "{text:?}");
        }
    }

    #[test]
    fn parts_that_do_not_match_and_negative_parts_are_named() {
        let mut chart = energy();
        chart.bars[0].parts[1] = -1.0;
        let message = chart.svg().unwrap_err().to_string();
        assert_eq!(message, "bar `DRAM`: part `writes` is -1; expected zero or more");
        chart.bars[0].parts.pop();
        assert_eq!(chart.svg().unwrap_err().to_string(), "bar `DRAM`: 1 parts; expected 2");
    }
}
