//! The steps of a local search.

use rand::RngExt;
use tapeout_core::{Design, DesignSpace, Stream};

/// A legal design one step from `design`: with equal chance the next level of an ordered parameter, up or down, or any
/// other level of any parameter. Where no parameter has such a neighbour, as [`DesignSpace::mutate`].
pub fn step(space: &DesignSpace, design: &Design, rng: &mut Stream) -> Design {
    let near = if rng.random() { adjacent(space, design, rng) } else { None };
    near.unwrap_or_else(|| space.mutate(design, rng))
}

/// The next level, up or down, of the first parameter in a random rotation that is ordered and has one.
fn adjacent(space: &DesignSpace, design: &Design, rng: &mut Stream) -> Option<Design> {
    let n = space.n_parameters();
    let start = rng.random_range(0..n as u32) as usize;
    let is_up_first = rng.random::<bool>();
    let ordered =
        (0..n).map(|offset| (start + offset) % n).filter(|&p| !space.parameters()[p].is_categorical());
    let directions = [is_up_first, !is_up_first];
    let mut steps = ordered.flat_map(|parameter| directions.map(|is_up| (parameter, is_up)));
    steps.find_map(|(parameter, is_up)| {
        let level = design.levels()[parameter];
        let next = if is_up { level + 1 } else { level.checked_sub(1)? };
        (next < space.parameters()[parameter].n_levels())
            .then(|| space.with_level(design, parameter, next))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Seed};

    /// Half the steps of the bowl's five ordered parameters are adjacent; of the others, which draw one of six
    /// parameters and for an ordered one of 15 other levels, a few are too.
    #[test]
    fn half_the_steps_go_to_the_next_level_and_all_change_one_parameter() {
        let toy = Toy::bowl();
        let mut rng = Seed::new(0).stream("test");
        let start = toy.space().repair(&[8, 8, 8, 8, 8, 1]);
        let mut n_adjacent = 0;
        for _ in 0..1000 {
            let next = step(toy.space(), &start, &mut rng);
            let changes: Vec<u32> = start
                .levels()
                .iter()
                .zip(next.levels())
                .map(|(a, b)| a.abs_diff(*b))
                .filter(|&d| d > 0)
                .collect();
            assert_eq!(changes.len(), 1);
            n_adjacent += usize::from(start.levels()[5] == next.levels()[5] && changes[0] == 1);
        }
        // 1/2 + 1/2 * 5/6 * 2/15 = 0.556; the standard deviation of 1000 draws is 16, and 5 of them 79.
        assert!(n_adjacent.abs_diff(556) < 79, "{n_adjacent}");
    }

    /// On the tied toy many designs have no neighbour at all.
    #[test]
    fn a_step_leads_elsewhere_even_where_rules_leave_no_neighbour() {
        let toy = Toy::tied();
        let mut rng = Seed::new(0).stream("test");
        for design in toy.space().iter() {
            assert_ne!(step(toy.space(), &design, &mut rng), design);
        }
    }
}
