//! A laid-out picture: marks in page units, painted in order. Knows no backend.

use super::typeface::Weight;

/// Width of every figure, in page units; a PNG has one pixel for each.
pub(super) const WIDTH: f64 = 1600.0;
/// Height of a figure that needs no more.
pub(super) const HEIGHT: f64 = 1100.0;

/// A plot laid out on its page, ready to be painted.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// In page units, a whole number of them.
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
    /// What a reader is told who does not see the picture: its name, and what is in it.
    pub(super) title: String,
    pub(super) description: String,
}

/// A colour and how much of it covers what lies below, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ink {
    pub(super) rgb: [u8; 3],
    pub(super) alpha: f64,
}

impl Ink {
    pub(super) const TEXT: Self = Self::grey(0x26);
    pub(super) const NOTE: Self = Self::grey(0x59);
    pub(super) const BORDER: Self = Self::grey(0x80);
    pub(super) const FAINT: Self = Self::grey(0x8c);
    pub(super) const GRID: Self = Self::grey(0xdd);
    pub(super) const GRID_MINOR: Self = Self::grey(0xf0);
    pub(super) const WHITE: Self = Self::grey(0xff);
    pub(super) const BLUE: Self = SERIES[0];
    pub(super) const VERMILLION: Self = SERIES[1];

    const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { rgb: [red, green, blue], alpha: 1.0 }
    }

    const fn grey(level: u8) -> Self {
        Self::new(level, level, level)
    }

    /// The same colour, covering `alpha` of what lies below.
    pub(super) const fn thin(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Colour of the series at `index`; they come again after the seventh.
    pub(super) fn of_series(index: usize) -> Self {
        SERIES[index % SERIES.len()]
    }
}

/// Colours that people with any common colour blindness tell apart, without yellow, which is lost on white.
/// Source: Okabe & Ito, "Color Universal Design" (2008), <https://jfly.uni-koeln.de/color/>, figure 16.
pub(super) const SERIES: [Ink; 7] = [
    Ink::new(0, 114, 178),   // blue
    Ink::new(213, 94, 0),    // vermillion
    Ink::new(0, 158, 115),   // bluish green
    Ink::new(204, 121, 167), // reddish purple
    Ink::new(230, 159, 0),   // orange
    Ink::new(86, 180, 233),  // sky blue
    Ink::new(0, 0, 0),       // black
];

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub(super) ink: Ink,
    pub(super) width: f64,
    pub(super) dash: Dash,
}

/// Where a line has gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dash {
    None,
    Long,
    Short,
}

impl Dash {
    const ALL: [Self; 3] = [Self::None, Self::Long, Self::Short];

    /// Inked and blank part; none without gaps.
    pub(super) fn parts(self) -> Option<[f64; 2]> {
        match self {
            Self::None => None,
            Self::Long => Some([16.0, 10.0]),
            Self::Short => Some([4.0, 6.0]),
        }
    }
}

impl Stroke {
    pub(super) const fn solid(ink: Ink, width: f64) -> Self {
        Self { ink, width, dash: Dash::None }
    }

    /// Stroke of the series at `index`: other gaps where the colours come round again. 21 are all different.
    pub(super) fn of_series(index: usize) -> Self {
        let dash = Dash::ALL[(index / SERIES.len()) % Dash::ALL.len()];
        Self { ink: Ink::of_series(index), width: 4.0, dash }
    }
}

/// Which end of a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text; `at` is on its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) at: [f64; 2],
    pub(super) text: String,
    pub(super) em: f64,
    pub(super) weight: Weight,
    pub(super) anchor: Anchor,
    /// Reads from bottom to top.
    pub(super) upward: bool,
    pub(super) ink: Ink,
}

/// One mark on the page.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A line through the points.
    Line { points: Vec<[f64; 2]>, stroke: Stroke },
    /// A filled polygon.
    Area { points: Vec<[f64; 2]>, ink: Ink },
    /// A filled circle.
    Disc { centre: [f64; 2], radius: f64, ink: Ink },
    /// A text.
    Text(Text),
}

impl Figure {
    pub(super) fn line(&mut self, points: Vec<[f64; 2]>, stroke: Stroke) {
        self.marks.push(Mark::Line { points, stroke });
    }

    pub(super) fn area(&mut self, points: Vec<[f64; 2]>, ink: Ink) {
        self.marks.push(Mark::Area { points, ink });
    }

    /// A filled rectangle between two opposite corners.
    pub(super) fn block(&mut self, [left, top]: [f64; 2], [right, bottom]: [f64; 2], ink: Ink) {
        self.area(vec![[left, top], [right, top], [right, bottom], [left, bottom]], ink);
    }

    pub(super) fn disc(&mut self, centre: [f64; 2], radius: f64, ink: Ink) {
        self.marks.push(Mark::Disc { centre, radius, ink });
    }

    /// A cross with arms of `reach` along both diagonals.
    pub(super) fn cross(&mut self, [x, y]: [f64; 2], reach: f64, stroke: Stroke) {
        self.line(vec![[x - reach, y - reach], [x + reach, y + reach]], stroke);
        self.line(vec![[x - reach, y + reach], [x + reach, y - reach]], stroke);
    }

    /// A square on its corner, on a white rim.
    pub(super) fn diamond(&mut self, [x, y]: [f64; 2], reach: f64, ink: Ink) {
        for (reach, ink) in [(reach + 4.0, Ink::WHITE), (reach, ink)] {
            self.area(vec![[x - reach, y], [x, y - reach], [x + reach, y], [x, y + reach]], ink);
        }
    }

    /// A regular, level text in the standard ink.
    pub(super) fn text(&mut self, at: [f64; 2], text: &str, em: f64, anchor: Anchor) {
        self.marks.push(Mark::Text(Text {
            at,
            text: text.to_owned(),
            em,
            weight: Weight::Regular,
            anchor,
            upward: false,
            ink: Ink::TEXT,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_the_first_21_series_look_alike() {
        let strokes: Vec<Stroke> = (0..21).map(Stroke::of_series).collect();
        for (index, stroke) in strokes.iter().enumerate() {
            assert!(!strokes[..index].contains(stroke), "series {index}");
        }
    }
}
