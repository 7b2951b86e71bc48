//! What learners are made of: models of numbers by numbers, which know nothing of designs or metrics.
//!
//! | module | holds |
//! |---|---|
//! | `decision_tree` | the trees of both that follow |
//! | [`random_forest`] | trees on bootstrap samples, whose leaves are averaged |
//! | [`gradient_boosting`] | trees that each correct those before |
//! | [`gaussian_process`] | a process conditioned on observations, and the fit of its kernel |
//! | [`network`] | a multilayer perceptron, its gradients and its optimizer |

pub(crate) mod decision_tree;
pub mod gaussian_process;
pub mod gradient_boosting;
pub mod network;
pub mod random_forest;
