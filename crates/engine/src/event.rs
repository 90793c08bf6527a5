//! What a run tells while it works.

use paceline_core::summary::Outcome;
use std::time::Duration;

/// One thing worth telling. Whoever listens keeps no run waiting.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Rows whose users have been read and whose changes are planned.
    Planned {
        /// How many more.
        rows: u64,
    },
    /// A row has its outcome.
    Ended {
        /// Which outcome.
        outcome: Outcome,
    },
    /// A call was answered 429 and a pause began.
    Throttled {
        /// How long nothing leaves.
        wait: Duration,
        /// Only one method and path template pause.
        service: bool,
    },
    /// A call failed and will be sent again.
    Retry {
        /// What was wrong.
        why: String,
        /// How long until then.
        wait: Duration,
    },
    /// The token's quota is known.
    Quota {
        /// Calls a window.
        allowed: u32,
        /// Seconds of the window.
        window_s: f64,
    },
    /// The run stops taking new calls and waits for those in flight.
    Stopping {
        /// Calls in flight.
        in_flight: usize,
    },
    /// Something that a person should know.
    Note(String),
}
