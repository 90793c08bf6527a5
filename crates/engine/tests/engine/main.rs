//! Whole runs against the sandbox, on a stopped clock: hours of pacing in milliseconds, against the shipped code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so and stop")]
#![allow(clippy::panic, reason = "the same")]

mod everyone;
mod fake;
mod guards;
mod locate;
mod resume;
mod scenario;
mod stage;
mod trouble;
