//! The best mapping of a layer onto an architecture.
//!
//! [`best_mapping`] looks through the ways to run the layer over the array (padding a dimension where it does not
//! divide), to cut its steps into tiles that fit, to order the loops over them, and to keep tensors or let them pass,
//! within what [`MappingConstraints`] allow. The loop-nest model costs what is found.
//!
//! *The space.* A dimension of `n` points over `f` instances takes `ceil(n / f)` steps and is padded to `f` times that;
//! of the factors `f` that take as many steps, only the smallest is in the space. Steps are divided into whole factors
//! over the levels.
//!
//! *The search.* Branch and bound over unrollings (`search.rs`) and, within one, over stages of levels (`plan.rs`), the outermost first:
//! `pass.rs` reads the mapping of the least weighted sum of energy and cycles (`sum.rs`) off the tables of what is left (`tables.rs`);
//! where that leaves a gap, `labels.rs` extends partial mappings. The result comes with a lower bound of all
//! mappings and its gap to that; [`Options`] hold an effort and a gap to stop at. Deterministic. See `docs/concepts/mapper.md`.
//!
//! ```
//! use tapeout_simulators::loop_nest::{
//!     AccessEnergy, Architecture, Bandwidth, Einsum, Level, Mac, Network, TensorSpec,
//! };
//! use tapeout_simulators::mapper::{MappingConstraints, NoMapping, Objective, Options, best_mapping};
//!
//! let level = |name: &str, entries, word_j| Level {
//!     name: name.to_owned(), instances: 1, mesh_x: 1, word_bits: 8, block_words: 1, cluster_size: 1, entries,
//!     multiple_buffering: 1.0, overlaps_fills: None, bandwidth: Bandwidth::default(),
//!     energy: AccessEnergy { read_j: word_j, fill_j: word_j, update_j: word_j, leak_j_per_cycle: 0.0 },
//!     network: Network::default(), reduces_in_place: true, area_m2: None,
//! };
//! let mac = Mac { instances: 4, mesh_x: 2, word_bits: 8, energy_j: 1e-12, area_m2: None };
//! let architecture = Architecture::new(mac, vec![level("Buffer", Some(64), 1e-12), level("DRAM", None, 1e-10)])?;
//! let product = Einsum::new(
//!     &[("M", 8), ("N", 8), ("K", 8)],
//!     &[
//!         TensorSpec::input("A", &[&[("M", 1)], &[("K", 1)]]),
//!         TensorSpec::input("B", &[&[("K", 1)], &[("N", 1)]]),
//!         TensorSpec::output("Z", &[&[("M", 1)], &[("N", 1)]]),
//!     ],
//! )?;
//! let free = MappingConstraints::free(&architecture, &product);
//! let best = best_mapping(&architecture, &product, Objective::Latency, &free, Options::default())?;
//! assert_eq!(best.report.cycles, 8 * 8 * 8 / 4);
//!
//! // With a buffer of two words, three tensors that must be kept there do not fit.
//! let tiny = Architecture::new(mac_of(&architecture), vec![level("Buffer", Some(2), 1e-12), level("DRAM", None, 1e-10)])?;
//! let all = MappingConstraints::keep_all(&tiny, &product);
//! let error = best_mapping(&tiny, &product, Objective::Latency, &all, Options::default()).unwrap_err();
//! assert!(matches!(error, NoMapping::Capacity { needed: 3, available: 2, .. }));
//! # fn mac_of(architecture: &Architecture) -> Mac { architecture.mac().clone() }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod compulsory;
mod constraints;
mod costing;
mod ground;
mod labels;
mod lattice;
mod listing;
mod merge;
mod options;
mod outcome;
mod outline;
mod pass;
mod plan;
mod prices;
mod problem;
mod search;
mod states;
mod stay;
mod sum;
mod tables;
mod unrolling;
mod window;

pub use cache::MappingCache;
pub use constraints::{DimSet, LevelConstraints, MappingConstraints};
pub use options::{Objective, Options};
pub use outcome::{Best, NoMapping};
pub use search::best_mapping;
