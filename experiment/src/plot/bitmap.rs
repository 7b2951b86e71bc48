//! From a figure to the bytes of a PNG file, a pixel for each page unit. Edges are smoothed, and texts are painted as the
//! outlines of their glyphs, so no font has to be installed.

use ttf_parser::OutlineBuilder;
use zeno::{Command, Join, Mask, PathBuilder, Style, Transform};

use super::error::PlotError;
use super::figure::{Anchor, Figure, Ink, Mark, Text, WIDTH};
use super::typeface::{self, Weight};

/// Highest bitmap. Ours: some 300 MB of memory.
const HEIGHT_MAX: f64 = 65_535.0;

/// `figure` as a PNG file.
///
/// # Errors
/// [`PlotError::TooHigh`] if its page is higher than a bitmap may be.
pub(super) fn png_of(figure: &Figure) -> Result<Vec<u8>, PlotError> {
    if figure.height > HEIGHT_MAX {
        return Err(PlotError::TooHigh { plot: figure.title.clone(), height: figure.height });
    }
    let mut canvas = Canvas::blank(WIDTH as usize, figure.height as usize);
    for mark in &figure.marks {
        canvas.draw(mark);
    }
    Ok(canvas.png().expect("invariant: a page of pixels can be encoded in memory"))
}

/// A page under the brush.
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Red, green and blue of each pixel, row by row. Shape `[height][width][3]`.
    pixels: Vec<u8>,
}

impl Canvas {
    fn blank(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0xff; width * height * 3] }
    }

    fn draw(&mut self, mark: &Mark) {
        match mark {
            Mark::Line { points, stroke } => {
                let dashes = stroke.dash.parts().map(|parts| parts.map(|length| length as f32));
                let mut style = zeno::Stroke::new(stroke.width as f32);
                style.join(Join::Round);
                if let Some(dashes) = &dashes {
                    style.dash(dashes, 0.0);
                }
                self.paint(&polyline(points), style, None, stroke.ink);
            }
            Mark::Area { points, ink } => {
                let mut path = polyline(points);
                path.close();
                self.paint(&path, Style::default(), None, *ink);
            }
            Mark::Disc { centre: [x, y], radius, ink } => {
                let mut path: Vec<Command> = Vec::new();
                path.add_circle([*x as f32, *y as f32], *radius as f32);
                self.paint(&path, Style::default(), None, *ink);
            }
            Mark::Text(text) => {
                self.paint(&letters(&text.text, text.weight), Style::default(), Some(placed(text)), text.ink);
            }
        }
    }

    /// Covers the inside of `path`, or its line, with `ink`.
    fn paint<'a>(
        &mut self,
        path: &[Command],
        style: impl Into<Style<'a>>,
        transform: Option<Transform>,
        ink: Ink,
    ) {
        let (coverage, placement) = Mask::new(path).style(style).transform(transform).render();
        let [left, top] = [placement.left, placement.top].map(i64::from);
        for (row, covered) in (top..).zip(coverage.chunks_exact(placement.width.max(1) as usize)) {
            for (column, &share) in (left..).zip(covered).filter(|(_, share)| **share > 0) {
                self.blend(column, row, ink, ink.alpha * f64::from(share) / 255.0);
            }
        }
    }

    /// Lets `share` of `ink` cover a pixel; beside the page there is none.
    fn blend(&mut self, column: i64, row: i64, ink: Ink, share: f64) {
        let [Ok(column), Ok(row)] = [column, row].map(usize::try_from) else { return };
        if column >= self.width || row >= self.height {
            return;
        }
        let first = (row * self.width + column) * 3;
        for (below, above) in self.pixels[first..first + 3].iter_mut().zip(ink.rgb) {
            let [under, over] = [*below, above].map(f64::from);
            *below = (under + share * (over - under)).round() as u8; // between two bytes
        }
    }

    fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

fn polyline(points: &[[f64; 2]]) -> Vec<Command> {
    let mut path: Vec<Command> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let point = point.map(|length| length as f32);
        if index == 0 {
            path.move_to(point);
        } else {
            path.line_to(point);
        }
    }
    path
}

/// Outlines of the glyphs of `text` from the origin to the right, in units of the face, upward positive; blanks have none.
fn letters(text: &str, weight: Weight) -> Vec<Command> {
    let face = typeface::face(weight);
    let mut pen = Pen { path: Vec::new(), x: 0.0 };
    for (glyph, advance) in typeface::glyphs(text, weight) {
        face.outline_glyph(glyph, &mut pen);
        pen.x += f32::from(advance);
    }
    pen.path
}

/// From the units of the face to where `text` stands.
fn placed(text: &Text) -> Transform {
    let scale = typeface::scale(text.em, text.weight) as f32;
    let before = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5,
        Anchor::End => 1.0,
    };
    let back = before * typeface::width(&text.text, text.em, text.weight);
    let [x, y] = text.at;
    // The ordinates of a page grow downward, those of a face upward.
    if text.upward {
        Transform::new(0.0, -scale, -scale, 0.0, x as f32, (y + back) as f32)
    } else {
        Transform::new(scale, 0.0, 0.0, -scale, (x - back) as f32, y as f32)
    }
}

/// Draws glyphs into a path, `x` from its origin.
struct Pen {
    path: Vec<Command>,
    x: f32,
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to([self.x + x, y]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to([self.x + x, y]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to([self.x + x1, y1], [self.x + x, y]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.curve_to([self.x + x1, y1], [self.x + x2, y2], [self.x + x, y]);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::plot::figure::Dash;
    use crate::plot::figure::{SERIES, Stroke};

    const BLACK: Ink = SERIES[6];

    /// What a PNG file shows.
    pub(in crate::plot) fn decoded(file: &[u8]) -> Canvas {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        Canvas { width: frame.width as usize, height: frame.height as usize, pixels }
    }

    /// The green of a pixel, which is its level if it is grey.
    pub(in crate::plot) fn grey(page: &Canvas, x: usize, y: usize) -> u8 {
        page.pixels[(y * page.width + x) * 3 + 1]
    }

    fn painted(marks: Vec<Mark>) -> Canvas {
        let (title, description) = (String::new(), String::new());
        decoded(&png_of(&Figure { height: 100.0, marks, title, description }).unwrap())
    }

    /// Left, top, right and bottom of what is not white.
    fn inked(page: &Canvas) -> [usize; 4] {
        let places = (0..page.height).flat_map(|y| (0..page.width).map(move |x| (x, y)));
        places.filter(|&(x, y)| grey(page, x, y) < 255).fold(
            [usize::MAX, usize::MAX, 0, 0],
            |[left, top, right, bottom], (x, y)| {
                [left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)]
            },
        )
    }

    fn text(letters: &str, anchor: Anchor, upward: bool) -> Mark {
        Mark::Text(Text {
            at: [300.0, 60.0],
            text: letters.to_owned(),
            em: 40.96,
            weight: Weight::Regular,
            anchor,
            upward,
            ink: Ink::TEXT,
        })
    }

    #[test]
    fn marks_are_painted_where_they_stand_in_the_ink_they_have() {
        let page = painted(vec![
            Mark::Area {
                points: vec![[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 20.0]],
                ink: Ink::GRID,
            },
            Mark::Line { points: vec![[30.0, 50.0], [60.0, 50.0]], stroke: Stroke::solid(Ink::BORDER, 2.0) },
            Mark::Disc { centre: [80.0, 50.0], radius: 5.0, ink: BLACK.thin(0.2) },
        ]);
        assert_eq!((page.width, page.height), (1600, 100));
        assert_eq!(
            [grey(&page, 9, 9), grey(&page, 10, 10), grey(&page, 19, 19), grey(&page, 20, 20)],
            [255, 0xdd, 0xdd, 255]
        );
        // Two pixels wide, half of it on either side of 50.
        assert_eq!([48, 49, 50, 51].map(|y| grey(&page, 40, y)), [255, 0x80, 0x80, 255]);
        // A fifth of black over white.
        assert_eq!([grey(&page, 80, 50), grey(&page, 80, 56)], [204, 255]);
    }

    #[test]
    fn a_dashed_line_has_gaps() {
        let stroke = Stroke { ink: BLACK, width: 2.0, dash: Dash::Long };
        let page = painted(vec![Mark::Line { points: vec![[0.0, 50.0], [60.0, 50.0]], stroke }]);
        // 16 inked, 10 not: 0 to 16, 26 to 42, 52 to 60.
        assert_eq!([8, 21, 34, 47, 55].map(|x| grey(&page, x, 50)), [0, 255, 0, 255, 0]);
    }

    #[test]
    fn glyphs_stand_at_their_bearings() {
        // `hmtx` and `glyf` of DejaVu Sans, of 2048 units: l advances 569 and its ink is from 193 to 377; the ink of J
        // begins at -106.
        let path = letters("lJ", Weight::Regular);
        let least = |from: f32| {
            let ends = path.iter().filter_map(|command| match command {
                Command::MoveTo(to) | Command::LineTo(to) | Command::QuadTo(_, to) => Some(to.x),
                Command::CurveTo(..) | Command::Close => None,
            });
            ends.filter(|&x| x >= from).fold(f32::INFINITY, f32::min)
        };
        assert_eq!([least(0.0), least(400.0)], [193.0, 569.0 - 106.0]);
        assert!(letters(" ", Weight::Regular).is_empty());
    }

    #[test]
    fn texts_are_anchored_at_either_end_and_in_the_middle_and_stand_on_their_baseline() {
        // As above, and l is 1556 units high: at 0.02 pixels a unit its ink is 3.9 to 7.5 across and 31.1 high, and the
        // letter 11.4 wide.
        let ink = |anchor, upward| inked(&painted(vec![text("l", anchor, upward)]));
        assert_eq!(ink(Anchor::Start, false), [303, 28, 308, 60]);
        assert_eq!(ink(Anchor::End, false), [292, 28, 297, 60]);
        assert_eq!(ink(Anchor::Middle, false), [298, 28, 302, 60]);
        // Upward, the baseline is a vertical line and the text begins below.
        assert_eq!(ink(Anchor::Start, true), [268, 52, 300, 57]);
    }

    #[test]
    fn a_page_higher_than_a_bitmap_may_be_is_refused() {
        let (title, description) = ("tall".to_owned(), String::new());
        let figure = Figure { height: 65_536.0, marks: Vec::new(), title, description };
        let message = png_of(&figure).unwrap_err().to_string();
        assert_eq!(message, "`tall`: 65536 pixels are too high for a png; expected fewer rows");
    }
}
