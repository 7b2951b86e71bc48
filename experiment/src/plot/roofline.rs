//! What a machine could do at an intensity, and what its work does: the roofline.
//!
//! Source: Williams, Waterman and Patterson, "Roofline", Communications of the ACM 52(4), 2009, doi:10.1145/1498765.1498785, figure 1.

use super::axis::{Axis, Ruler};
use super::error::PlotError;
use super::figure::{Anchor, Figure, HEIGHT, Ink, Stroke};
use super::frame::{Frame, Key, Setting, Side, Swatch, TICK_DROP, TICK_EM};
use super::render::Plot;
use super::typeface::{self, Weight};

/// Work by its intensity and its rate, under what bandwidth and arithmetic allow. Both axes are logarithmic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RooflinePlot {
    /// What ran on what.
    pub title: String,
    /// Axis of the intensity: work for each byte.
    pub x: Axis,
    /// Axis of the rate: work in a cycle or second.
    pub y: Axis,
    /// No rate is above this.
    pub peak: f64,
    /// Bytes in a cycle or second: no rate is above this, times the intensity. `None` if nothing limits it.
    pub bandwidth: Option<f64>,
    /// Pieces of work, at least one.
    pub works: Vec<Work>,
    /// What stands below the plot.
    pub caption: String,
}

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Work {
    /// What it is called.
    pub name: String,
    /// Work for each byte, above 0.
    pub intensity: f64,
    /// Work in a cycle or second, above 0.
    pub rate: f64,
    /// Its share of the whole time, of which its disc has the area.
    pub share: f64,
}

const ROOF: Stroke = Stroke::solid(Ink::VERMILLION, 4.0);
const WORK: Ink = Ink::BLUE.thin(0.6);
/// Radius of the disc of a piece of work that is all there is, and the least of any. Ours: a whole disc hides no axis, and the least can be seen.
const WHOLE: f64 = 60.0;
const LEAST: f64 = 6.0;
/// Between a disc and its name.
const GAP: f64 = 8.0;

impl Plot for RooflinePlot {
    fn figure(&self) -> Result<Figure, PlotError> {
        if self.works.is_empty() {
            return Err(PlotError::Empty { plot: self.title.clone(), missing: "works" });
        }
        let intensities = || self.works.iter().map(|work| work.intensity);
        let x = Ruler::fit(&self.x.clone().log(), intensities().chain(self.ridge()))?;
        let rates = self.works.iter().map(|work| work.rate).chain([self.peak]);
        let y = Ruler::fit(&self.y.clone().log(), rates)?;
        let mut frame = Frame::new(&Setting {
            title: &self.title,
            caption: &self.caption,
            legend: &self.legend(),
            x: &x,
            side: Side::Axis(&y),
            room: 0.0,
            height: HEIGHT,
        });
        let roof = self.roof(&x, &y).into_iter();
        let roof = roof.map(|[across, up]| [frame.x(x.position(across)), frame.y(y.position(up))]).collect();
        frame.figure.line(roof, ROOF);
        let mut works: Vec<&Work> = self.works.iter().collect();
        // Larger discs lie below, and are named first.
        works.sort_by(|a, b| b.share.total_cmp(&a.share));
        let place = |work: &Work| [frame.x(x.position(work.intensity)), frame.y(y.position(work.rate))];
        let places: Vec<[f64; 2]> = works.iter().map(|work| place(work)).collect();
        for (work, &centre) in works.iter().zip(&places) {
            frame.figure.disc(centre, radius(work), WORK);
        }
        let mut named: Vec<[f64; 4]> = Vec::new();
        for (work, &[across, up]) in works.iter().zip(&places) {
            let width = typeface::width(&work.name, TICK_EM, Weight::Regular);
            let right = across + radius(work) + GAP;
            let is_beyond = right + width > frame.right;
            let (from, anchor) =
                if is_beyond { (across - radius(work) - GAP, Anchor::End) } else { (right, Anchor::Start) };
            let left = if is_beyond { from - width } else { from };
            let own = [left, up - TICK_EM / 2.0, left + width, up + TICK_EM / 2.0];
            // A name that would stand on another one, or on another disc, is left out.
            let is_free = works.iter().zip(&places).all(|(other, &[x, y])| {
                let reach = radius(other);
                are_apart(&own, &[x - reach, y - reach, x + reach, y + reach])
            });
            if left > frame.left && is_free && named.iter().all(|other| are_apart(&own, other)) {
                frame.figure.text([from, up + TICK_DROP], &work.name, TICK_EM, anchor);
                named.push(own);
            }
        }
        Ok(frame.figure)
    }
}

impl RooflinePlot {
    /// The intensity from which on bandwidth is no limit.
    fn ridge(&self) -> Option<f64> {
        self.bandwidth.map(|bandwidth| self.peak / bandwidth)
    }

    /// Corners of the roof, from left to right.
    fn roof(&self, x: &Ruler, y: &Ruler) -> Vec<[f64; 2]> {
        let [left, right] = [x.value(0.0), x.value(1.0)];
        let Some((bandwidth, ridge)) = self.bandwidth.zip(self.ridge()) else {
            return vec![[left, self.peak], [right, self.peak]];
        };
        // The slope comes in at the side or from below.
        let start = left.max(y.value(0.0) / bandwidth);
        vec![[start, start * bandwidth], [ridge, self.peak], [right, self.peak]]
    }

    fn legend(&self) -> Vec<Key> {
        let key = |name: &str, swatch| Key { name: name.to_owned(), swatch };
        let roof = if self.bandwidth.is_some() { "bandwidth, then arithmetic" } else { "arithmetic" };
        vec![key(roof, Swatch::Line(ROOF)), key("layers, area by share of the time", Swatch::Disc(WORK))]
    }
}

fn radius(work: &Work) -> f64 {
    (WHOLE * work.share.sqrt()).max(LEAST)
}

/// Whether two boxes of left, top, right and bottom have nothing in common.
fn are_apart(one: &[f64; 4], other: &[f64; 4]) -> bool {
    one[2] < other[0] || other[2] < one[0] || one[3] < other[1] || other[3] < one[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Mark;

    fn plot() -> RooflinePlot {
        let work =
            |name: &str, intensity, rate, share| Work { name: name.to_owned(), intensity, rate, share };
        RooflinePlot {
            title: "layers".to_owned(),
            x: Axis::new("intensity", ""),
            y: Axis::new("rate", ""),
            peak: 64.0,
            bandwidth: Some(4.0),
            works: vec![work("slow", 2.0, 8.0, 0.75), work("fast", 100.0, 32.0, 0.25)],
            caption: String::new(),
        }
    }

    /// Where the only line of three points bends, and the discs.
    fn bend_and_discs(plot: &RooflinePlot) -> ([f64; 2], Vec<[f64; 2]>) {
        let marks = plot.figure().unwrap().marks;
        let bend = marks.iter().find_map(|mark| match mark {
            Mark::Line { points, stroke } if *stroke == ROOF && points.len() == 3 => Some(points[1]),
            _ => None,
        });
        let discs = marks.iter().filter_map(|mark| match mark {
            Mark::Disc { centre, ink, .. } if *ink == WORK => Some(*centre),
            _ => None,
        });
        // The first is that of the legend.
        (bend.unwrap(), discs.skip(1).collect())
    }

    // By hand: 64 at 4 a byte are reached at an intensity of 16; a rate of 8 at an intensity of 2 stands on the slope.
    #[test]
    fn the_roof_bends_where_bandwidth_feeds_the_peak() {
        let plot = plot();
        let (bend, discs) = bend_and_discs(&plot);
        let x = Ruler::fit(&plot.x.clone().log(), [2.0, 100.0, 16.0]).unwrap();
        let y = Ruler::fit(&plot.y.clone().log(), [8.0, 32.0, 64.0]).unwrap();
        let across = |value: f64| x.position(value);
        let at = |intensity: f64| {
            discs[0][0]
                + (bend[0] - discs[0][0]) * (across(intensity) - across(2.0)) / (across(16.0) - across(2.0))
        };
        assert!((at(100.0) - discs[1][0]).abs() < 1e-6);
        // Three octaves of rate lie between the first disc and the bend, as many as of intensity: it is on the slope.
        let up = (discs[0][1] - bend[1]) / (y.position(64.0) - y.position(8.0));
        let second = bend[1] + up * (y.position(64.0) - y.position(32.0));
        assert!((second - discs[1][1]).abs() < 1e-6);
        let corners = plot.roof(&x, &y);
        assert!(
            (corners[0][1] / corners[0][0] - 4.0).abs() < 1e-9 && corners[1] == [16.0, 64.0],
            "{corners:?}"
        );
    }

    #[test]
    fn names_that_would_cover_each_other_are_left_out_and_the_largest_stays() {
        let mut plot = plot();
        let svg = plot.svg().unwrap();
        assert!(svg.contains(">slow</text>") && svg.contains(">fast</text>"));
        plot.works[1] = Work { name: "hidden".to_owned(), share: 0.25, ..plot.works[0].clone() };
        let svg = plot.svg().unwrap();
        assert!(svg.contains(">slow</text>") && !svg.contains(">hidden</text>"));
    }

    #[test]
    fn without_a_limit_of_bandwidth_the_roof_is_flat() {
        let plot = RooflinePlot { bandwidth: None, ..plot() };
        let rulers =
            [[1.0, 10.0], [1.0, 100.0]].map(|range| Ruler::fit(&plot.x.clone().log(), range).unwrap());
        let corners = plot.roof(&rulers[0], &rulers[1]);
        assert!(corners.len() == 2 && corners.iter().all(|corner| corner[1] == 64.0));
        let nothing = RooflinePlot { works: Vec::new(), ..plot };
        assert_eq!(nothing.svg().unwrap_err().to_string(), "nothing to plot: `layers` has no works");
    }
}
