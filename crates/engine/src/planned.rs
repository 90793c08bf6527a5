//! The figures of a plan.

use paceline_core::plan::{Change, ChangeKey};
use paceline_core::summary::Counts;
use paceline_core::user::UserId;
use paceline_core::vendor::Vendor;
use serde_json::Map;
use std::time::Duration;

/// What a plan comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Rows by outcome; those with something to send are pending.
    pub counts: Counts,
    /// Changes to make and the calls that they take, by kind.
    pub kinds: Vec<(String, u64, u64)>,
    /// Calls that they take together.
    pub calls: u64,
    /// Calls that reading them has taken.
    pub reads: u64,
    /// Calls of one read and one write a user and change, for comparison.
    pub naive: u64,
    /// What a person should know before saying yes, and of how many users.
    pub warnings: Vec<(u64, &'static str)>,
    /// What is true of every run of this vendor.
    pub note: Option<&'static str>,
    /// The first changes, row by row; all of them where they were asked for.
    pub diff: Vec<Change>,
    /// The quota that they are paced to: calls a window, over all tokens.
    pub allowed: u64,
    /// The least time that they take.
    pub time: Duration,
}

/// Changes and the calls that they take, by kind, of how many changes each kind and group has.
pub(crate) fn kinds(vendor: &dyn Vendor, groups: Vec<(String, String, u64)>) -> Vec<(String, u64, u64)> {
    let mut kinds: Vec<(String, u64, u64)> = vec![];
    for (kind, group, changes) in groups {
        let calls = changes.div_ceil(vendor.width(&sample(&kind, group)) as u64);
        match kinds.iter_mut().find(|(known, ..)| *known == kind) {
            Some(known) => *known = (kind, known.1 + changes, known.2 + calls),
            None => kinds.push((kind, changes, calls)),
        }
    }
    kinds
}

/// A change of a kind and group, to ask its width.
fn sample(kind: &str, group: String) -> Change {
    Change {
        key: ChangeKey { stage: 0, group, row: 0 },
        kind: kind.into(),
        user: UserId(String::new()),
        before: Map::new(),
        after: Map::new(),
        rest: Map::new(),
        columns: vec![],
        version: None,
    }
}
