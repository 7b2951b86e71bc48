//! A crowd of designs, thinned: those that nobody could tell apart share a mark, so a picture of a million is not a file of
//! a hundred megabytes.

use std::collections::HashMap;

use super::figure::Ink;

/// Designs from which on they share marks. Ours: as many make an SVG of about 1 MB.
const SHARED_FROM: usize = 20_000;
/// Side of the square whose designs share a mark, in page units. Ours: less than the radius of the least mark.
const CELL: f64 = 4.0;

/// Where a mark stands and how many designs it is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shared {
    pub(super) at: [f64; 2],
    pub(super) designs: u32,
}

impl Shared {
    /// The ink that this many marks of `ink` on top of each other have.
    pub(super) fn ink(self, ink: Ink) -> Ink {
        if self.designs == 1 {
            return ink;
        }
        // What shines through one mark shines through the next in the same share. Hundredths keep the file small.
        let through = (1.0 - ink.alpha).powi(self.designs.try_into().unwrap_or(i32::MAX));
        ink.thin(((1.0 - through) * 100.0).round() / 100.0)
    }
}

/// The marks of designs at `places`: one each, or in a crowd one for each square that has any, where its first stands.
pub(super) fn thinned(places: &[[f64; 2]]) -> Vec<Shared> {
    if places.len() < SHARED_FROM {
        return places.iter().map(|&at| Shared { at, designs: 1 }).collect();
    }
    let mut marks: Vec<Shared> = Vec::new();
    let mut index_by_cell: HashMap<[i64; 2], usize> = HashMap::new();
    for &at in places {
        let index =
            *index_by_cell.entry(at.map(|length| (length / CELL).floor() as i64)).or_insert(marks.len());
        match marks.get_mut(index) {
            Some(mark) => mark.designs += 1,
            None => marks.push(Shared { at, designs: 1 }),
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    // By hand: 100 by 100 places a unit apart, three times over, lie in 25 by 25 squares of 16 places each.
    #[test]
    fn a_crowd_shares_marks_and_none_is_lost() {
        let places: Vec<[f64; 2]> =
            (0..30_000).map(|index| [f64::from(index % 100), f64::from(index / 100 % 100)]).collect();
        let marks = thinned(&places);
        assert_eq!(marks.len(), 25 * 25);
        assert!(marks.iter().all(|mark| mark.designs == 3 * 16));
        assert_eq!(marks[0].at, [0.0, 0.0]);
        assert_eq!(thinned(&places[..10_000]).len(), 10_000);
    }

    // By hand: half shines through one, a quarter through two, 1/1024 through ten.
    #[test]
    fn shared_marks_are_as_dark_as_those_they_stand_for() {
        let alpha = |designs| Shared { at: [0.0; 2], designs }.ink(Ink::BLUE.thin(0.5)).alpha;
        assert_eq!([1, 2, 10].map(alpha), [0.5, 0.75, 1.0]);
    }
}
