//! A walk through the decisions that make a design.

use rand::{Rng, RngExt};

use super::block::Block;
use super::{Design, DesignSpace};

/// Decides one parameter after another; offers only levels from which a legal design can still be reached.
#[derive(Clone)]
pub struct Walk<'a> {
    space: &'a DesignSpace,
    levels: Vec<u32>,
    block: usize,
    depth: usize,
    node: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(space: &'a DesignSpace) -> Self {
        let mut walk = Self { space, levels: vec![0; space.n_parameters()], block: 0, depth: 0, node: 0 };
        walk.enter_block();
        walk
    }

    fn enter_block(&mut self) {
        self.depth = 0;
        if let Some(Block::Tied(diagram)) = self.space.inner.blocks.get(self.block) {
            self.node = diagram.root();
        }
    }

    /// The parameter to decide next; none when all are decided.
    pub fn parameter(&self) -> Option<usize> {
        match self.space.inner.blocks.get(self.block)? {
            Block::Free { parameter, .. } => Some(*parameter),
            Block::Tied(diagram) => Some(diagram.order()[self.depth]),
        }
    }

    /// The levels that can be chosen now, increasing; empty when all is decided.
    pub fn allowed(&self) -> Vec<u32> {
        match self.space.inner.blocks.get(self.block) {
            None => Vec::new(),
            Some(Block::Free { n_levels, .. }) => (0..*n_levels).collect(),
            Some(Block::Tied(diagram)) => diagram.edges(self.node).iter().map(|edge| edge.level).collect(),
        }
    }

    /// The share of the designs still possible that each of the [allowed](Walk::allowed) levels leads to. Levels drawn in
    /// proportion to it make every legal design equally likely.
    pub fn shares(&self) -> Vec<f64> {
        match self.space.inner.blocks.get(self.block) {
            None => Vec::new(),
            Some(Block::Free { n_levels, .. }) => vec![1.0 / f64::from(*n_levels); *n_levels as usize],
            Some(Block::Tied(diagram)) => {
                let all = diagram.count_below(self.node) as f64;
                let share = |child| diagram.count_below(child) as f64 / all;
                diagram.edges(self.node).iter().map(|edge| share(edge.child)).collect()
            }
        }
    }

    /// Whether `level` can be chosen now.
    pub fn allows(&self, level: u32) -> bool {
        match self.space.inner.blocks.get(self.block) {
            None => false,
            Some(Block::Free { n_levels, .. }) => level < *n_levels,
            Some(Block::Tied(diagram)) => diagram.edge(self.node, level).is_some(),
        }
    }

    /// Sets the parameter at hand to `level` and goes on to the next.
    ///
    /// # Panics
    /// If the level is not [allowed](Walk::allows).
    pub fn choose(&mut self, level: u32) {
        assert!(self.allows(level), "level {level} cannot be chosen here; allowed are {:?}", self.allowed());
        let parameter = self.parameter().expect("a level is allowed, so a parameter is left");
        self.levels[parameter] = level;
        let mut is_block_done = true;
        if let Block::Tied(diagram) = &self.space.inner.blocks[self.block] {
            self.node = diagram.edge(self.node, level).expect("the level is allowed").child;
            self.depth += 1;
            is_block_done = self.depth == diagram.order().len();
        }
        if is_block_done {
            self.block += 1;
            self.enter_block();
        }
    }

    /// The design, once all is decided.
    pub fn design(&self) -> Option<Design> {
        self.parameter().is_none().then(|| Design(self.levels.clone().into()))
    }

    /// Decides what is left at random, each choice uniform among those allowed.
    pub fn finish(mut self, rng: &mut impl Rng) -> Design {
        while self.parameter().is_some() {
            let allowed = self.allowed();
            self.choose(allowed[rng.random_range(0..allowed.len() as u32) as usize]);
        }
        Design(self.levels.into())
    }
}
