//! What a run is told, once and for all.

use paceline_core::backoff::Backoff;
use paceline_core::pace::Quota;
use paceline_core::run::MaxFailures;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a run goes about it. Kept in the journal: a resumed run goes on with the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Calls in flight, at most. Default 10.
    pub max_concurrent: u32,
    /// Own ceiling, taken whole. Default: what the vendor says, times `share`.
    pub rate: Option<Quota>,
    /// Percent of the vendor's quota that this run takes, `1..=100`. Default 80: others live in the tenant too.
    pub share: u32,
    /// An even drip instead of bursts.
    pub spread: bool,
    /// Tokens, each with a quota of its own, `1..=50`. Default 1: the vendors advise one.
    pub tokens: u32,
    /// The longest pause. A longer one halts the run. Default 1 h.
    pub max_wait: Duration,
    /// Retries of one call that fails for the vendor's or the network's trouble. Default 5.
    pub max_retries: u32,
    /// How waits between them grow.
    pub backoff: Backoff,
    /// How long one call may take. Default 30 s.
    pub timeout: Duration,
    /// Failures at which the run halts.
    pub max_failures: Option<MaxFailures>,
    /// Rows sent first, alone.
    pub canary: Option<u64>,
    /// Rows are sent as they are, without reading their users first.
    pub blind: bool,
    /// Others' changes are overwritten.
    pub force: bool,
    /// Deleted users are changed too, where the roster says their `state`.
    #[serde(default)]
    pub include_deleted: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_concurrent: 10,
            rate: None,
            share: 80,
            spread: false,
            tokens: 1,
            max_wait: Duration::from_secs(3600),
            max_retries: 5,
            backoff: Backoff::default(),
            timeout: Duration::from_secs(30),
            max_failures: None,
            canary: None,
            blind: false,
            force: false,
            include_deleted: false,
        }
    }
}
