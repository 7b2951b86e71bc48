//! Agents: algorithms that search a design space.
//!
//! Each is one file, or a folder if it has more than one idea, that reads beside its paper, with its page in Markdown next to
//! it, and one row of [`AGENTS`]. A new one also gets a row in `tests/agents/learning.rs`, where it has to beat random search;
//! all other tests and benches find it by its row here. What several agents need is in `parts` once; of it [`Seen`] and
//! [`Scalarizer`] are for agents of other crates too.
//!
//! ```
//! use tapeout_core::check::toy::Toy;
//! use tapeout_core::{Env, Seed};
//!
//! let toy = Toy::bowl();
//! let problem = toy.problem();
//! let entry = tapeout_agents::AGENTS.iter().find(|entry| entry.id == "random").expect("random search is a row");
//! let mut agent = entry.build(&problem, &entry.defaults(), Seed::new(0))?;
//! for _ in 0..10 {
//!     let mut trials = Vec::new();
//!     for design in agent.suggest(4)? {
//!         let outcome = toy.evaluate(&design)?;
//!         trials.push(problem.trial(design, outcome));
//!     }
//!     assert_eq!(trials.len(), 4);
//!     agent.observe(&trials)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod ant_colony;
pub mod auto;
pub mod cma_es;
pub mod differential_evolution;
pub mod firefly;
pub mod gaussian_process;
pub mod genetic;
pub mod grid;
pub mod local_search;
pub mod mappo;
pub mod nsga2;
pub mod nsga3;
pub mod particle_swarm;
mod parts;
pub mod ppo;
pub mod process;
pub mod random;
pub mod regularized_evolution;
pub mod reinforce;
pub mod simulated_annealing;
pub mod smac;
pub mod sms_emoa;
pub mod tpe;

pub use parts::scalarize::{Merit, Scalarizer};
pub use parts::seen::Seen;
use tapeout_core::AgentEntry;

/// Every agent there is, simplest first.
pub const AGENTS: &[AgentEntry] = &[
    AgentEntry::of::<random::Random>(),
    AgentEntry::of::<grid::Grid>(),
    AgentEntry::of::<simulated_annealing::SimulatedAnnealing>(),
    AgentEntry::of::<local_search::IteratedLocalSearch>(),
    AgentEntry::of::<genetic::Genetic>(),
    AgentEntry::of::<regularized_evolution::RegularizedEvolution>(),
    AgentEntry::of::<differential_evolution::DifferentialEvolution>(),
    AgentEntry::of::<particle_swarm::ParticleSwarm>(),
    AgentEntry::of::<ant_colony::AntColony>(),
    AgentEntry::of::<cma_es::CmaEs>(),
    AgentEntry::of::<nsga2::Nsga2>(),
    AgentEntry::of::<nsga3::Nsga3>(),
    AgentEntry::of::<sms_emoa::SmsEmoa>(),
    AgentEntry::of::<firefly::Firefly>(),
    AgentEntry::of::<tpe::Tpe>(),
    AgentEntry::of::<smac::Smac>(),
    AgentEntry::of::<gaussian_process::GaussianProcessSearch>(),
    AgentEntry::of::<auto::Auto>(),
    AgentEntry::of::<reinforce::Reinforce>(),
    AgentEntry::of::<ppo::Ppo>(),
    AgentEntry::of::<mappo::Mappo>(),
    AgentEntry::of::<process::Process>(),
    AgentEntry::of::<process::python::PythonAgent>(),
];
