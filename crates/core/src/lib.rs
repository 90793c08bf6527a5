//! What Paceline decides, as plain values.
//!
//! Nothing here reads a clock, opens a socket or a file, or draws a random number: time, chance and the
//! vendor's answers are arguments. The engine acts on what is decided here.

pub mod backoff;
pub mod concurrency;
pub mod desired;
pub mod diff;
pub mod entry;
pub mod pace;
pub mod plan;
pub mod retry;
pub mod roster;
pub mod run;
pub mod summary;
pub mod text;
pub mod user;
pub mod validate;
pub mod vendor;

/// A moment of a run: the time since the run's process began. Monotonic; never a calendar date.
pub type Moment = std::time::Duration;
