//! What a 429 says, and what follows for the calls that want to leave.

use crate::Moment;
use std::time::Duration;

/// Whose limit a 429 speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The token's: everything pauses.
    Token,
    /// One service's behind the gateway: its method and path template pause.
    Service,
    /// The answer does not say.
    Unsaid,
}

/// What the pacer says of a call that wants to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It may leave now.
    Now,
    /// Ask again at this moment.
    At(Moment),
    /// Ask again when an answer has come.
    AfterAnAnswer,
}

/// A pause that a 429 began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// No call leaves before.
    pub until: Moment,
    /// How long that is from the answer.
    pub wait: Duration,
    /// Since when nothing has got through here.
    pub since: Moment,
    /// Only one method and path template pause.
    pub service: bool,
}

/// What a 429 said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Whose limit.
    pub scope: Scope,
    /// Its Retry-After, where it could be read.
    pub retry_after: Option<Duration>,
}
