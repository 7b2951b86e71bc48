//! A small neural network: dense layers with explicit gradients, and the optimizer that trains them.
//!
//! All of it is single precision, on one thread, and sums in a fixed order: the same numbers in, the same numbers out,
//! and a row's output does not depend on the rows beside it. A network's weights are one flat vector, and so are
//! gradients, so whatever works on vectors (an optimizer, a norm, an average of networks) need not know of layers.
//!
//! | module | holds |
//! |---|---|
//! | [`mlp`] | the network, forward and backward |
//! | [`adam`] | the optimizer |
//! | [`activation`] | what stands between two layers |
//! | [`losses`] | what is made small, with its gradient |
//! | `product` | the matrix product |
//!
//! ```
//! use tapeout_core::Seed;
//! use tapeout_surrogates::models::network::{Activation, Adam, Mlp, ForwardPass};
//!
//! // Learns y = x0 - x1 from four points.
//! let (inputs, targets) = ([0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], [0.0, -1.0, 1.0, 0.0]);
//! let mut network = Mlp::new(&[2, 16, 1], Activation::Tanh, &mut Seed::new(0).stream("network"));
//! let mut adam = Adam::new(network.n_weights(), 0.01);
//! let mut trace = ForwardPass::default();
//! let mut gradient = vec![0.0; network.n_weights()];
//! for _ in 0..500 {
//!     let outputs = network.forward(&inputs, &mut trace);
//!     let errors: Vec<f32> = outputs.iter().zip(&targets).map(|(y, target)| y - target).collect();
//!     gradient.fill(0.0);
//!     network.backward(&trace, &errors, &mut gradient);
//!     adam.step(network.weights_mut(), &gradient);
//! }
//! assert!(network.predict(&inputs).iter().zip(&targets).all(|(y, target)| (y - target).abs() < 0.01));
//! ```

pub mod activation;
pub mod adam;
pub mod losses;
pub mod mlp;
mod product;

pub use activation::Activation;
pub use adam::Adam;
pub use mlp::{ForwardPass, Mlp};
