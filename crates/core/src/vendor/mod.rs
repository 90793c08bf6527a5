//! What a vendor is to Paceline: words and meanings, never a socket.
//!
//! A [`Vendor`] builds [`Request`]s and reads [`Answer`]s. It never sends one. Its words are five traits, by what they are
//! about; each file here holds one of them with the plain values that belong to it.

mod answers;
mod directory;
mod facts;
mod http;
mod names;
mod reads;
mod sign_in;
mod writes;

pub use answers::{Answers, Each, Refusal, Verdict};
pub use directory::{Directory, Tenant, Uses};
pub use facts::{Facts, Sample};
pub use http::{Answer, Effect, Host, Method, Request};
pub use names::{Named, Names};
pub use reads::{Found, More, Need, Page, Part, Reads, User};
pub use sign_in::{Clues, Credentials, Grant, Hosts, Lookup, SignIn, TokenVerdict};
pub use writes::{BLIND, UNDO, Writes};

use std::fmt::Debug;

/// One vendor's words. Implemented in `paceline-vendors`; the engine knows nothing else of a vendor.
///
/// Whoever holds a `dyn Vendor` calls the methods of all five traits without importing them.
pub trait Vendor: SignIn + Directory + Reads + Writes + Answers + Send + Sync + Debug {
    /// What it is called and what it publishes.
    fn facts(&self) -> &Facts;
}
