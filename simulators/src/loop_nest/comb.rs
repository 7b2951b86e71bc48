//! The points that a rank of two terms touches: all `a i + b j` with `i` and `j` below two counts.
//!
//! A strided convolution touches such combs wherever a tile holds fewer taps than the stride. Points of one class
//! modulo `a` are blocks of `n` neighbours, `b` apart, in units of `a`.

use super::einsum::MAX_DIMS;

/// A rank of two terms, of coprime coefficients, `a` at most `b`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comb {
    a: u64,
    b: u64,
    a_dim: usize,
    b_dim: usize,
}

impl Comb {
    /// The comb of `terms`, `(dimension, coefficient)` without a common divisor; `None` if no tile has holes. Ranks of
    /// three terms and more are taken to have none.
    pub(super) fn new(terms: &[(usize, u64)]) -> Option<Self> {
        let &[first, second] = terms else { return None };
        let (low, high) = if first.1 <= second.1 { (first, second) } else { (second, first) };
        (high.1 > 1).then_some(Self { a: low.1, b: high.1, a_dim: low.0, b_dim: high.0 })
    }

    /// Points that `extents` touch. `(i, j)` and `(i + b, j - a)` are one point, so the points are chains of such
    /// steps, as many as there are pairs less pairs with room for one more step.
    pub(super) fn points(self, extents: &[u64; MAX_DIMS]) -> u64 {
        let (n, m) = (extents[self.a_dim], extents[self.b_dim]);
        n * m - n.saturating_sub(self.b) * m.saturating_sub(self.a)
    }

    /// Gives the points from `corner`, each once and in no order.
    pub(super) fn list(self, extents: &[u64; MAX_DIMS], corner: i64, mut give: impl FnMut(i64)) {
        let (n, m) = (extents[self.a_dim], extents[self.b_dim]);
        for j in 0..m {
            // Of each chain the first pair: one without room for a step back, `(i - b, j + a)`.
            let firsts = if j + self.a < m { n.min(self.b) } else { n };
            (0..firsts).for_each(|i| give(corner + (self.a * i + self.b * j) as i64));
        }
    }

    /// Points that the comb of extents `x` shares with that of extents `y` displaced by `shift`.
    pub(super) fn common(self, x: &[u64; MAX_DIMS], y: &[u64; MAX_DIMS], shift: i64) -> u64 {
        let (a, b) = (self.a as i64, self.b as i64);
        let x_blocks = Blocks::of(x[self.a_dim], x[self.b_dim], self.a);
        let y_blocks = Blocks::of(y[self.a_dim], y[self.b_dim], self.a);
        let mut common = 0;
        for x_class in 0..a.min(x_blocks.m) {
            // `b j_x + a i_x = b j_y + a i_y + shift`, so that the right side less `b j_x` is a multiple of `a`.
            let meets = |&y_class: &i64| (b * (y_class - x_class) + shift).rem_euclid(a) == 0;
            if let Some(y_class) = (0..a.min(y_blocks.m)).find(meets) {
                let offset = (b * (y_class - x_class) + shift) / a;
                common += x_blocks.in_class(x_class).overlap(&y_blocks.in_class(y_class), b, offset);
            }
        }
        common as u64
    }
}

/// `m` blocks of `n` points each; every `a`-th of them is in one class.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    n: i64,
    m: i64,
    a: i64,
}

impl Blocks {
    fn of(n: u64, m: u64, a: u64) -> Self {
        Self { n: n as i64, m: m as i64, a: a as i64 }
    }

    fn in_class(self, class: i64) -> Self {
        Self { m: (self.m - class + self.a - 1) / self.a, ..self }
    }

    /// Points in both these blocks and `other`, displaced by `offset`; blocks begin `b` apart.
    fn overlap(&self, other: &Self, b: i64, offset: i64) -> i64 {
        let within = |x: (i64, i64), y: (i64, i64)| ((x.0 + x.1).min(y.0 + y.1) - x.0.max(y.0)).max(0);
        // Blocks that touch are one.
        let merge = |blocks: &Self| match blocks.n >= b {
            true => Self { n: b * (blocks.m - 1) + blocks.n, m: 1, ..*blocks },
            false => *blocks,
        };
        let (x, y) = (merge(self), merge(other));
        if x.m == 1 || y.m == 1 {
            let blocks = |side: &Self, start: i64| {
                let n = side.n;
                (0..side.m).map(move |block| (start + b * block, n))
            };
            return blocks(&x, 0)
                .map(|one| blocks(&y, offset).map(|two| within(one, two)).sum::<i64>())
                .sum();
        }
        // Blocks `t` of `x` and `t - lead` of `y` are `lead * b - offset` apart.
        let lead = offset.div_euclid(b);
        let pairs = |lead: i64| (x.m.min(y.m + lead) - lead.max(0)).max(0);
        (lead..=lead + 1).map(|lead| pairs(lead) * within((lead * b, x.n), (offset, y.n))).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn listed(a: u64, b: u64, n: u64, m: u64, shift: i64) -> BTreeSet<i64> {
        let point = |i: u64, j: u64| (a * i + b * j) as i64 + shift;
        (0..n).flat_map(|i| (0..m).map(move |j| point(i, j))).collect()
    }

    #[test]
    fn one_tap_of_a_convolution_of_stride_2_touches_every_other_pixel() {
        // 0, 2, 4, 6; one to the right, nothing is shared; two to the right, 2, 4, 6 are.
        let comb = Comb::new(&[(0, 2), (1, 1)]).unwrap();
        let mut extents = [1; MAX_DIMS];
        extents[0] = 4;
        assert_eq!(comb.points(&extents), 4);
        assert_eq!([0, 1, 2, -6, 8].map(|shift| comb.common(&extents, &extents, shift)), [4, 0, 3, 1, 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn counts_are_those_of_the_listed_points(
            pair in prop::sample::select(vec![(1, 2), (1, 3), (1, 5), (2, 3), (3, 4), (2, 5), (3, 5)]),
            x in (1..7u64, 1..7u64), y in (1..7u64, 1..7u64), shift in -40..40i64
        ) {
            let comb = Comb::new(&[(0, pair.0), (1, pair.1)]).unwrap();
            let extents = |(n, m): (u64, u64)| {
                let mut extents = [1; MAX_DIMS];
                (extents[0], extents[1]) = (n, m);
                extents
            };
            let (own, other) = (listed(pair.0, pair.1, x.0, x.1, 0), listed(pair.0, pair.1, y.0, y.1, shift));
            prop_assert_eq!(comb.points(&extents(x)), own.len() as u64);
            let mut given = Vec::new();
            comb.list(&extents(y), shift, |point| given.push(point));
            given.sort_unstable();
            prop_assert!(given.iter().eq(&other));
            let common = comb.common(&extents(x), &extents(y), shift);
            prop_assert_eq!(common, own.intersection(&other).count() as u64);
        }
    }
}
