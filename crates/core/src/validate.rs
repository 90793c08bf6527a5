//! Is this row right? The path by which the other crates know [`crate::roster`].

pub use crate::roster::*;
