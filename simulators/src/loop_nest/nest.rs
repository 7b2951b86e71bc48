//! A mapping, checked and flattened into one list of loops in time and one in space, with the tile of every level.

use super::architecture::MAX_LEVELS;
use super::einsum::{Einsum, MAX_DIMS};
use super::loops::{FlatLoop, LoopList};
use super::mapping::{LevelMapping, Loop, Mapping};
use super::projection::Projection;
use super::report::{Illegal, MeshAxis};

/// The flattened mapping; a scratch area that is filled anew by every evaluation.
#[derive(Debug, Clone)]
pub(super) struct Nest {
    pub(super) temporal: LoopList,
    pub(super) spatial: LoopList,
    /// Points per dimension of the tile of each level.
    pub(super) tile: [[u64; MAX_DIMS]; MAX_LEVELS],
    /// The same, in the last iteration of all loops above.
    pub(super) last_tile: [[u64; MAX_DIMS]; MAX_LEVELS],
    /// Points per dimension of the tiles of all instances below one instance of each level, at one time: the tile of what
    /// is unrolled in space.
    pub(super) unrolled: [[u64; MAX_DIMS]; MAX_LEVELS],
    /// Instances in use below one instance of each level.
    pub(super) fanout: [u64; MAX_LEVELS],
    /// The same, in x and y.
    pub(super) fanout_xy: [(u64, u64); MAX_LEVELS],
    /// Instances in use of each level.
    pub(super) used_instances: [u64; MAX_LEVELS],
    /// Multiply-accumulate units in use.
    pub(super) used_macs: u64,
    /// Whether some factor is imperfect.
    pub(super) imperfect: bool,
    /// Whether instances differ in what they do: a spatial loop has a residual, or one of its dimension inside it.
    pub(super) uneven: bool,
    pub(super) n_dims: usize,
    sizes: [u64; MAX_DIMS],
    /// Points per dimension if no loop ended early.
    padded: [u64; MAX_DIMS],
    /// Iterations in time, residuals left out of account.
    pub(super) padded_iterations: u64,
    /// Iterations in time of the instance that has the most of them.
    pub(super) iterations: u64,
}

impl Nest {
    pub(super) fn new() -> Self {
        Self {
            temporal: LoopList::new(),
            spatial: LoopList::new(),
            tile: [[1; MAX_DIMS]; MAX_LEVELS],
            last_tile: [[1; MAX_DIMS]; MAX_LEVELS],
            unrolled: [[1; MAX_DIMS]; MAX_LEVELS],
            fanout: [1; MAX_LEVELS],
            fanout_xy: [(1, 1); MAX_LEVELS],
            used_instances: [1; MAX_LEVELS],
            used_macs: 1,
            imperfect: false,
            uneven: false,
            n_dims: 0,
            sizes: [1; MAX_DIMS],
            padded: [1; MAX_DIMS],
            padded_iterations: 1,
            iterations: 1,
        }
    }

    /// Takes in `mapping`, of an architecture with `meshes` of instances below one instance of each level.
    ///
    /// # Errors
    /// [`Illegal`] if it does not belong to the Einsum or does not fit the mesh. Capacity is not looked at here.
    pub(super) fn set(
        &mut self,
        mapping: &Mapping,
        meshes: &[(u64, u64)],
        einsum: &Einsum,
    ) -> Result<(), Illegal> {
        let n_levels = meshes.len();
        if mapping.levels.len() != n_levels {
            return Err(Illegal::LevelCount { got: mapping.levels.len(), expected: n_levels });
        }
        self.temporal.clear();
        self.spatial.clear();
        self.imperfect = false;
        self.uneven = false;
        let mut points = Points::new(einsum);
        // From the inside outwards: how far a loop steps is known only once all loops of its dimension inside it are.
        for (level, entry) in mapping.levels.iter().enumerate() {
            self.spatial.begin(level);
            self.temporal.begin(level);
            // Spatial loops stand inside the temporal ones of their level: in one step, all instances below are at work, and
            // what they hold together is what the level's own loops then move.
            self.push_spatial(level, entry, meshes[level], &mut points)?;
            self.unrolled[level] = points.extents(self.imperfect);
            for item in entry.temporal.iter().rev() {
                if let Some(flat) = points.enter(level, item, true)? {
                    self.imperfect |= flat.bound != flat.residual;
                    self.temporal.push(flat)?;
                }
            }
            self.tile[level] = match entry.temporal.is_empty() {
                true => self.unrolled[level],
                false => points.extents(self.imperfect),
            };
            self.last_tile[level] = points.covered;
        }
        self.spatial.begin(n_levels);
        self.temporal.begin(n_levels);
        points.check_sizes()?;
        (self.n_dims, self.sizes, self.padded) = (points.n_dims, points.sizes, points.padded);
        // Dimensions are independent, so counts of iterations multiply; remainders are counted dimension by dimension.
        self.padded_iterations = product(&points.padded_iterations[..points.n_dims], "iterations in time")?;
        self.iterations = match self.imperfect {
            true => product(&points.iterations[..points.n_dims], "iterations in time")?,
            false => self.padded_iterations,
        };
        self.temporal.count_around();
        self.count_instances(n_levels)
    }

    /// Words of a tile that `loops` around tiles of `words` give, `extents` being its points per dimension.
    #[inline]
    pub(super) fn grown(
        &self,
        projection: &Projection,
        words: u64,
        loops: &[FlatLoop],
        extents: &[u64; MAX_DIMS],
    ) -> u64 {
        if loops.is_empty() {
            return words;
        }
        // Neighbouring tiles of a window overlap, and last tiles are smaller: neither is a product of bounds.
        if self.imperfect || !projection.plain {
            return projection.footprint(extents).words;
        }
        // Tiles of a plain tensor lie side by side, and all of them are in the tensor, whose size fits.
        loops.iter().filter(|item| projection.uses(item.dim)).fold(words, |words, item| words * item.bound)
    }

    fn push_spatial(
        &mut self,
        level: usize,
        entry: &LevelMapping,
        (have_x, have_y): (u64, u64),
        points: &mut Points,
    ) -> Result<(), Illegal> {
        let mut used = [1u64; 2];
        for (axis, loops) in [&entry.spatial_x, &entry.spatial_y].into_iter().enumerate() {
            for item in loops.iter().rev() {
                if let Some(flat) = points.enter(level, item, false)? {
                    self.imperfect |= flat.bound != flat.residual;
                    // The last instance has what remains at this loop or inside it, so that instances differ.
                    self.uneven |= points.covered[flat.dim] != points.padded[flat.dim];
                    used[axis] =
                        used[axis].checked_mul(flat.bound).ok_or(Illegal::Overflow { what: "fanout" })?;
                    self.spatial.push(flat)?;
                }
            }
        }
        if used[0] > have_x {
            return Err(Illegal::Fanout { level, axis: MeshAxis::X, need: used[0], have: have_x });
        }
        if used[1] > have_y {
            return Err(Illegal::Fanout { level, axis: MeshAxis::Y, need: used[1], have: have_y });
        }
        self.fanout_xy[level] = (used[0], used[1]);
        self.fanout[level] = used[0] * used[1];
        Ok(())
    }

    fn count_instances(&mut self, n_levels: usize) -> Result<(), Illegal> {
        // The outermost level is one instance; the spatial loops of each level multiply what is below.
        let mut used = 1u64;
        for level in (0..n_levels).rev() {
            self.used_instances[level] = used;
            used =
                used.checked_mul(self.fanout[level]).ok_or(Illegal::Overflow { what: "instances in use" })?;
        }
        self.used_macs = used;
        Ok(())
    }

    /// Instances of `level` at work, on average over the steps of the first one.
    pub(super) fn average_instances(&self, level: usize) -> f64 {
        let used = self.used_instances[level] as f64;
        if !self.uneven {
            return used;
        }
        (0..self.n_dims).fold(used, |average, dim| {
            let spatial = self.spatial.from(level + 1).iter().filter(|item| item.dim == dim);
            let instances: u64 = spatial.map(|item| item.bound).product();
            let tiles = self.sizes[dim].div_ceil(self.tile[level][dim]);
            average * tiles as f64 / (tiles.div_ceil(instances) * instances) as f64
        })
    }

    /// How often the loops from `level` outwards replace the tile of a tensor, the first one included; a last iteration
    /// that is cut short counts as a whole one.
    pub(super) fn tiles(&self, projection: &Projection, level: usize) -> u64 {
        let loops = self.temporal.from(level);
        // Loops inside the first that moves the tile leave it where it is; in each iteration of all others it is
        // replaced, even if that brings back one that was there before.
        let moves = loops.iter().position(|item| projection.uses(item.dim)).unwrap_or(loops.len());
        self.temporal.around(level)[moves]
    }

    /// Points of `dim`.
    #[inline]
    pub(super) fn size(&self, dim: usize) -> u64 {
        self.sizes[dim]
    }

    /// Whether the loops of `dim` leave a remainder.
    pub(super) fn is_imperfect(&self, dim: usize) -> bool {
        self.padded[dim] != self.sizes[dim]
    }
}

/// What the loops entered so far cover of each dimension.
struct Points {
    n_dims: usize,
    sizes: [u64; MAX_DIMS],
    /// Points between iterations of the next loop.
    padded: [u64; MAX_DIMS],
    /// Points covered if these were all the loops.
    covered: [u64; MAX_DIMS],
    padded_iterations: [u64; MAX_DIMS],
    iterations: [u64; MAX_DIMS],
}

impl Points {
    fn new(einsum: &Einsum) -> Self {
        let mut sizes = [1; MAX_DIMS];
        for (size, dim) in sizes.iter_mut().zip(einsum.dims()) {
            *size = dim.size;
        }
        Self {
            n_dims: einsum.dims().len(),
            sizes,
            padded: [1; MAX_DIMS],
            covered: [1; MAX_DIMS],
            padded_iterations: [1; MAX_DIMS],
            iterations: [1; MAX_DIMS],
        }
    }

    /// The next-outer loop, unless it runs only once.
    fn enter(&mut self, level: usize, item: &Loop, temporal: bool) -> Result<Option<FlatLoop>, Illegal> {
        let Loop { dim, bound, residual } = *item;
        if dim >= self.n_dims {
            return Err(Illegal::UnknownDim { level, dim });
        }
        if bound == 0 || residual == 0 || residual > bound {
            return Err(Illegal::Factor { level, dim, bound, residual });
        }
        if bound == 1 {
            return Ok(None);
        }
        let stride = self.padded[dim];
        self.padded[dim] = stride.checked_mul(bound).ok_or(Illegal::Factors {
            dim,
            got: u64::MAX,
            expected: self.sizes[dim],
        })?;
        // In its last iteration a loop has gone `residual - 1` steps: a dimension has 1 point more than all its loops go
        // together. The padded extent bounds the covered one, so this cannot overflow.
        self.covered[dim] += stride * (residual - 1);
        // The first instance has the most to do, of the last tile too unless it has all of it.
        self.iterations[dim] = match (temporal, residual) {
            (true, _) => self.iterations[dim] + self.padded_iterations[dim] * (residual - 1),
            (false, 1) => self.iterations[dim],
            (false, _) => self.padded_iterations[dim],
        };
        if temporal {
            self.padded_iterations[dim] *= bound;
        }
        Ok(Some(FlatLoop { dim, bound, residual, stride, level }))
    }

    /// Extents of the tile inside the loops entered so far; the last loops of a dimension never exceed its size.
    #[inline]
    fn extents(&self, imperfect: bool) -> [u64; MAX_DIMS] {
        let mut extents = self.padded;
        // Without a remainder the loops cover the dimension exactly, and no tile is larger than it.
        if !imperfect {
            return extents;
        }
        for (extent, &size) in extents.iter_mut().zip(&self.sizes) {
            *extent = (*extent).min(size);
        }
        extents
    }

    fn check_sizes(&self) -> Result<(), Illegal> {
        for dim in 0..self.n_dims {
            let (got, expected) = (self.covered[dim], self.sizes[dim]);
            if got != expected {
                return Err(Illegal::Factors { dim, got, expected });
            }
        }
        Ok(())
    }
}

fn product(factors: &[u64], what: &'static str) -> Result<u64, Illegal> {
    factors
        .iter()
        .try_fold(1u64, |product, &factor| product.checked_mul(factor))
        .ok_or(Illegal::Overflow { what })
}
