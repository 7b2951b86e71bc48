//! The area under a set of boxes that share a corner: what hypervolume comes down to in two dimensions.
//!
//! Points are gains: how far a loss lies below the reference, so larger is better and a point
//! covers the box between it and the origin.

/// Area of the union of the boxes from `corner` to each point.
///
/// `descending`: shape `[n][2]`, by falling first gain, none below the corner's.
pub(super) fn area(descending: &[[f64; 2]], corner: [f64; 2]) -> f64 {
    let mut top = corner[1];
    let mut area = 0.0;
    for point in descending {
        if point[1] > top {
            // Whatever reaches this high comes later and is narrower.
            area += (point[0] - corner[0]) * (point[1] - top);
            top = point[1];
        }
    }
    area
}

/// Union of boxes at the origin that grows by one point at a time and knows its area.
#[derive(Default)]
pub(super) struct Staircase {
    /// Corners by falling first gain, and so by rising second.
    steps: Vec<[f64; 2]>,
    area: f64,
}

impl Staircase {
    pub(super) fn area(&self) -> f64 {
        self.area
    }

    /// Covers the box between `point` and the origin: a binary search, and each step leaves once at most.
    pub(super) fn insert(&mut self, point: [f64; 2]) {
        let [width, height] = point;
        let start =
            self.steps.partition_point(|step| step[0] > width || (step[0] == width && step[1] >= height));
        // Up to `floor` the strip left of `right` is covered already.
        let mut floor = if start == 0 { 0.0 } else { self.steps[start - 1][1] };
        if floor >= height {
            return;
        }
        let mut right = width;
        let mut end = start;
        while let Some(step) = self.steps.get(end).filter(|step| step[1] <= height) {
            self.area += (right - step[0]) * (height - floor);
            [right, floor] = *step;
            end += 1;
        }
        let left = self.steps.get(end).map_or(0.0, |step| step[0]);
        self.area += (right - left) * (height - floor);
        self.steps.splice(start..end, [point]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_other_than_the_origin_cuts_the_boxes() {
        // From (1, 1): 2 x 1 for (3, 2), and 1 x 1 on top of it for (2, 3).
        assert_eq!(area(&[[3.0, 2.0], [2.0, 3.0]], [1.0, 1.0]), 3.0);
        assert_eq!(area(&[[3.0, 1.0]], [1.0, 1.0]), 0.0);
    }

    #[test]
    fn each_inserted_point_adds_what_was_not_covered() {
        let mut staircase = Staircase::default();
        // 4 x 1 = 4; then (1, 4) adds 1 x 3 = 3; (2, 2) adds (2 - 1) x (2 - 1) = 1; (2, 2) again and (1, 1)
        // add nothing; (2, 3) covers (2, 2) and adds (2 - 1) x (3 - 2) = 1; (4, 4) fills the square of 16.
        let expected = [
            ([4.0, 1.0], 4.0),
            ([1.0, 4.0], 7.0),
            ([2.0, 2.0], 8.0),
            ([2.0, 2.0], 8.0),
            ([1.0, 1.0], 8.0),
            ([2.0, 3.0], 9.0),
            ([4.0, 4.0], 16.0),
        ];
        for (point, area) in expected {
            staircase.insert(point);
            assert_eq!(staircase.area(), area, "after {point:?}");
        }
        assert_eq!(staircase.steps, [[4.0, 4.0]]);
    }
}
