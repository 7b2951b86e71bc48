//! Pictures in letters: eight dots each, two across and four up, and marks that stand out.

use tapeout::experiment::plot::{Axis, Ruler, quantity};

/// Where the dots of a letter are kept, from the upper left to the lower right: bits of its place behind U+2800.
/// Source: Unicode 15.0, section 21.1, "Braille Patterns".
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// What stands out. Ours: told from dots without colour.
const MARK: char = '◆';

/// A picture of points over two axes.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    rulers: [Ruler; 2],
    caption: String,
    /// The dots of each letter, row by row from above.
    dots: Vec<u8>,
    marked: Vec<bool>,
}

impl Canvas {
    /// An empty picture of so many letters, its caption and its border among them, for `points` over `axes`; none if there is no point, or
    /// no room.
    pub(crate) fn new(
        [width, height]: [usize; 2],
        axes: [&Axis; 2],
        points: &(impl Iterator<Item = [f64; 2]> + Clone),
    ) -> Option<Self> {
        let (width, height) = (width.checked_sub(1)?, height.checked_sub(2)?);
        if width < 8 || height < 2 || points.clone().next().is_none() {
            return None;
        }
        let ruler = |at: usize| Ruler::fit(axes[at], points.clone().map(|point| point[at])).ok();
        let rulers = [ruler(0)?, ruler(1)?];
        let name = |at: usize| {
            let [low, high] = rulers[at].ends().map(|end| quantity(end, &axes[at].unit));
            let is_log = if rulers[at].is_log() { ", logarithmic" } else { "" };
            format!("{} {} {low} to {high}{is_log}", axes[at].label, ["→", "↑"][at])
        };
        let caption = format!("{}; {}", name(1), name(0));
        let n_letters = width * height;
        Some(Self {
            width,
            height,
            caption,
            dots: vec![0; n_letters],
            marked: vec![false; n_letters],
            rulers,
        })
    }

    /// The dot of a point, across and up from the lower left; none outside of the picture.
    fn place(&self, point: [f64; 2]) -> Option<[usize; 2]> {
        let place = |at: usize, n_dots: usize| {
            let position = self.rulers[at].position(point[at]);
            (0.0..=1.0).contains(&position).then(|| ((position * n_dots as f64) as usize).min(n_dots - 1))
        };
        Some([place(0, 2 * self.width)?, place(1, 4 * self.height)?])
    }

    fn set(&mut self, [across, up]: [usize; 2]) {
        let down = 4 * self.height - 1 - up;
        self.dots[down / 4 * self.width + across / 2] |= BITS[down % 4][across % 2];
    }

    /// A dot.
    pub(crate) fn dot(&mut self, point: [f64; 2]) {
        if let Some(place) = self.place(point) {
            self.set(place);
        }
    }

    /// A mark, over whatever is there.
    pub(crate) fn mark(&mut self, point: [f64; 2]) {
        if let Some([across, up]) = self.place(point) {
            self.marked[(4 * self.height - 1 - up) / 4 * self.width + across / 2] = true;
        }
    }

    /// Steps from point to point: on at the same height, then up or down.
    pub(crate) fn steps(&mut self, points: impl Iterator<Item = [f64; 2]>) {
        let mut before: Option<[usize; 2]> = None;
        for point in points {
            let Some(place) = self.place(point) else { continue };
            let [across, up] = before.unwrap_or(place);
            (across.min(place[0])..=place[0]).for_each(|across| self.set([across, up]));
            (up.min(place[1])..=up.max(place[1])).for_each(|up| self.set([place[0], up]));
            before = Some(place);
        }
    }

    /// The lines: caption, rows, border; each of the same number of letters.
    pub(crate) fn lines(&self) -> Vec<String> {
        let letter = |(&dots, &is_marked): (&u8, &bool)| match (dots, is_marked) {
            (_, true) => MARK,
            (0, false) => ' ',
            _ => char::from_u32(0x2800 + u32::from(dots)).expect("invariant: a Braille pattern"),
        };
        let letters: Vec<char> = self.dots.iter().zip(&self.marked).map(letter).collect();
        let rows = letters.chunks(self.width).map(|row| format!("│{}", row.iter().collect::<String>()));
        let border = format!("└{}", "─".repeat(self.width));
        let caption: String = self.caption.chars().take(self.width + 1).collect();
        let caption = format!("{caption:<width$}", width = self.width + 1);
        [caption].into_iter().chain(rows).chain([border]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 8 letters are 16 dots across, 2 rows 8 dots up. The axes leave 4 % at either end: 0 and 15 of 16 dots, 0 and 7 of 8; so the
    /// points at the ends are in the outermost dots: lower left 0x40, upper right 0x08.
    #[test]
    fn dots_and_marks_stand_where_their_points_are() {
        let axis = Axis::new("x", "").linear();
        let points = [[0.0, 0.0], [10.0, 10.0]];
        let mut canvas = Canvas::new([9, 4], [&axis, &axis], &points.into_iter()).unwrap();
        points.into_iter().for_each(|point| canvas.dot(point));
        assert_eq!(canvas.lines()[1..], ["│       ⠈", "│⡀       ", "└────────"]);
        canvas.mark(points[1]);
        canvas.dot([11.0, 5.0]);
        assert_eq!(canvas.lines()[1..3], ["│       ◆", "│⡀       "], "what is outside is not drawn");
        assert!(canvas.lines().iter().all(|line| line.chars().count() == 9), "{:?}", canvas.lines());
    }

    #[test]
    fn steps_go_on_and_then_down() {
        let axis = Axis::new("x", "").linear();
        let points = [[0.0, 10.0], [10.0, 0.0]];
        let mut canvas = Canvas::new([9, 4], [&axis, &axis], &points.into_iter()).unwrap();
        canvas.steps(points.into_iter());
        assert_eq!(canvas.lines()[1..3], ["│⠉⠉⠉⠉⠉⠉⠉⢹", "│       ⢸"]);
    }

    #[test]
    fn nothing_and_nowhere_make_no_picture() {
        let axis = Axis::new("x", "");
        assert!(Canvas::new([80, 24], [&axis, &axis], &std::iter::empty()).is_none());
        assert!(Canvas::new([5, 24], [&axis, &axis], &[[1.0, 1.0]].into_iter()).is_none());
        assert!(Canvas::new([80, 3], [&axis, &axis], &[[1.0, 1.0]].into_iter()).is_none());
    }
}
