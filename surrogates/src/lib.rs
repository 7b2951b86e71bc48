//! Surrogates: models learned from logged designs.
