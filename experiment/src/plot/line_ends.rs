//! Names of many lines, each beside the end of its own, where a legend would send the eye to and fro.

use super::figure::{Anchor, HEIGHT, Stroke, WIDTH};
use super::frame::{Frame, TICK_DROP, TICK_EM};
use super::typeface::{self, Weight};

/// From the data to the names: room for strokes that lead from one to the other.
const LEAD: f64 = 56.0;
/// Between such a stroke and its name.
const GAP: f64 = 10.0;
/// Least distance between the lines of names, as page units: letters and a little air.
const DISTANCE: f64 = 1.15 * TICK_EM;
/// Widest names, as a share of the page.
const NAMES_SHARE: f64 = 0.25;

/// Where a line ends, and what it is called.
pub(super) struct End<'a> {
    pub(super) name: &'a str,
    pub(super) at: [f64; 2],
    pub(super) stroke: Stroke,
}

/// How much of the page names to the right of the data take.
pub(super) fn room<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let widths = names.map(|name| typeface::width(&shortened(name), TICK_EM, Weight::Regular));
    LEAD + GAP + widths.fold(0.0, f64::max)
}

/// Height of a page on which so many names stand below each other.
pub(super) fn page_height(n: usize) -> f64 {
    const AROUND: f64 = 400.0;
    (AROUND + DISTANCE * n as f64).ceil().max(HEIGHT)
}

/// Draws the names in the order of their ends, moved apart as far as it takes.
pub(super) fn draw(frame: &mut Frame, mut ends: Vec<End<'_>>) {
    ends.sort_by(|one, other| one.at[1].total_cmp(&other.at[1]));
    let wanted: Vec<f64> = ends.iter().map(|end| end.at[1]).collect();
    for (end, y) in ends.iter().zip(apart(&wanted, [frame.top, frame.bottom])) {
        let right = frame.right + LEAD;
        let elbow = [frame.right + 0.6 * LEAD, y];
        frame.figure.line(vec![end.at, elbow, [right, y]], Stroke { width: 2.0, ..end.stroke });
        frame.figure.text([right + GAP, y + TICK_DROP], &shortened(end.name), TICK_EM, Anchor::Start);
    }
}

fn shortened(name: &str) -> String {
    typeface::shorten(name, TICK_EM, NAMES_SHARE * WIDTH)
}

/// Places for names that want to stand at `wanted`, which rise: in the same order, none nearer than the least distance to the next,
/// between `top` and `bottom` as long as there is room.
fn apart(wanted: &[f64], [top, bottom]: [f64; 2]) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::with_capacity(wanted.len());
    for &want in wanted {
        let least = places.last().map_or(top, |last| last + DISTANCE);
        places.push(want.max(least));
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - DISTANCE;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    // By hand, with d the distance: the first two want the same place, so the second moves down by d; the last stands free.
    #[test]
    fn names_move_apart_in_their_order() {
        let d = DISTANCE;
        assert_eq!(apart(&[100.0, 100.0, 300.0], [0.0, 500.0]), [100.0, 100.0 + d, 300.0]);
        // At the foot of the page they move up instead.
        assert_eq!(apart(&[490.0, 495.0], [0.0, 500.0]), [500.0 - d, 500.0]);
        assert_eq!(apart(&[495.0, 500.0, 500.0], [0.0, 500.0]), [500.0 - d - d, 500.0 - d, 500.0]);
    }
}
