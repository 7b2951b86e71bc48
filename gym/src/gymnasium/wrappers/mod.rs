//! Wrappers: environments around an environment.

mod normalize_observation;
mod record_episode_statistics;
mod time_limit;

pub use normalize_observation::{NormalizeObservation, NotABox, RunningMeanStd};
pub use record_episode_statistics::RecordEpisodeStatistics;
pub use time_limit::TimeLimit;
