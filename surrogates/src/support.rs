//! Logged designs as support: how far a design is from all that is known.

use tapeout_core::{Design, DesignSpace};

use crate::firefly::FireflyMoves;

/// Logged designs, and how far others are from them.
#[derive(Debug, Clone)]
pub struct Support {
    field: FireflyMoves,
    designs: Vec<Design>,
    positions: Vec<Vec<f64>>,
    neighbours: usize,
}

impl Support {
    /// The support of these designs, at least one; distances are to the `neighbours` nearest, at least one.
    pub fn new(space: &DesignSpace, designs: Vec<Design>, neighbours: usize) -> Self {
        let field = FireflyMoves::new(space);
        let positions = designs.iter().map(|design| field.position(design, space)).collect();
        Self { field, designs, positions, neighbours }
    }

    /// The logged designs.
    pub fn designs(&self) -> &[Design] {
        &self.designs
    }

    /// How many of the nearest make a distance.
    pub fn neighbours(&self) -> usize {
        self.neighbours
    }

    /// The mean distance to the nearest logged designs: 0 at a design with all of them on it, 1 across the whole space; 1 if
    /// nothing was logged.
    pub fn distance(&self, design: &Design, space: &DesignSpace) -> f64 {
        let here = self.field.position(design, space);
        let n_parameters = here.len() as f64;
        let distance = |there: &Vec<f64>| {
            let squared: f64 = self.field.squared_distances(&here, there).iter().sum();
            (squared / n_parameters).sqrt()
        };
        let mut distances: Vec<f64> = self.positions.iter().map(distance).collect();
        let n_nearest = self.neighbours.min(distances.len());
        if n_nearest == 0 {
            return 1.0;
        }
        distances.select_nth_unstable_by(n_nearest - 1, f64::total_cmp);
        distances[..n_nearest].iter().sum::<f64>() / n_nearest as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Parameter;

    /// One logged design at (0, 0). At (1, 0) of two parameters the distance is sqrt(1 / 2); at the design itself 0.
    #[test]
    fn distance_by_hand() {
        let parameters = vec![Parameter::integer("x", 0, 4), Parameter::integer("y", 0, 4)];
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        let design = |x, y| space.design(&[x, y]).unwrap();
        let support = Support::new(&space, vec![design(0, 0)], 5);
        assert!((support.distance(&design(4, 0), &space) - 0.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(support.distance(&design(0, 0), &space), 0.0);
    }
}
