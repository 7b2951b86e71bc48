//! Pictures of what a search found, each as SVG and as PNG from one description.
//!
//! [`pareto_of`] and [`progress_of`] make plots of the trials of a search, [`DrawnRun`] of a run with its spec.
//!
//! A plot is a plain struct ([`ParetoPlot`], [`ParetoMatrix`], [`LineChart`], [`BoxPlot`], [`BarChart`], [`ParityPlot`],
//! [`RankDiagram`], [`RooflinePlot`]) that knows
//! nothing of logs. It is laid out once as a [`Figure`], a list of marks in page units, and the
//! marks are written as SVG and painted as PNG. Texts are measured, and painted, in an embedded
//! typeface, so no font has to be installed and labels collide in neither.
//!
//! ```
//! use tapeout_core::Direction;
//! use tapeout_experiment::plot::{Axis, ParetoPlot, Plot};
//!
//! let plot = ParetoPlot {
//!     title: "Accelerator for AlexNet".to_owned(),
//!     x: Axis::new("latency", "s"),
//!     y: Axis::new("energy", "J"),
//!     directions: [Direction::Minimize, Direction::Minimize],
//!     acceptable: vec![[1e-3, 4e-6], [2e-3, 2e-6], [3e-3, 5e-6]],
//!     front: vec![[1e-3, 4e-6], [2e-3, 2e-6]],
//!     ..ParetoPlot::default()
//! };
//! let svg = plot.svg()?;
//! assert!(svg.contains("latency (ms)"));
//! # Ok::<(), tapeout_experiment::plot::PlotError>(())
//! ```

mod axis;
mod bars;
mod bitmap;
mod boxes;
mod crowd;
mod error;
mod figure;
mod frame;
mod line;
mod line_ends;
mod matrix;
mod pareto;
mod parity;
mod picture;
mod quantity;
mod ranks;
mod render;
mod roofline;
mod svg;
mod trials;
mod typeface;

pub use axis::{Axis, Spacing};
pub use bars::{Bar, BarChart};
pub use boxes::{BoxPlot, Spread};
pub use error::PlotError;
pub use figure::Figure;
pub use line::{LineChart, LineShape, Series};
pub use matrix::ParetoMatrix;
pub use pareto::{ParetoPlot, Reference};
pub use parity::{Parity, ParityPlot};
pub use picture::{DrawnRun, Picture};
pub use quantity::{ColumnScale, count, quantity};
pub use ranks::RankDiagram;
pub use render::Plot;
pub use roofline::{RooflinePlot, Work};
pub(crate) use trials::SETTLED;
pub use trials::{pareto_of, progress_of};
