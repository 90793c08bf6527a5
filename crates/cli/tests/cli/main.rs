//! What a user sees: the binary, run against the sandbox on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so and stop")]
#![expect(clippy::panic, reason = "the same")]

mod admin;
mod apply;
mod consent;
mod crash;
mod fake;
mod grants;
mod house;
mod input;
mod nice;
mod odd;
mod output;
mod sdk;
mod secrets;
mod terminal;
mod undo;
mod world;
