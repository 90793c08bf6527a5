//! The changes that a roster needs.

use crate::user::{UserId, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Names a change within its run. The order of keys is the order of sending: band by band; in a band of own calls user by
/// user, so that whoever stops in the middle leaves few half done; else by stage, by what can share a call, and by row.
///
/// ```
/// use paceline_core::plan::{ChangeKey, OWN, SHARED};
/// let key = |stage, row| ChangeKey { stage, group: String::new(), row };
/// let (title, skills, group) = (key(OWN, 1), key(OWN + 1, 1), key(SHARED, 1));
/// assert!(title < skills && skills < key(OWN, 2), "a user's own calls follow each other");
/// assert!(key(OWN, 2) < group, "what many share goes roster-wide");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChangeKey {
    /// Lower stages go first for the same user; which band it is in says the order among users.
    pub stage: u8,
    /// Changes of one stage and group may share a call.
    pub group: String,
    /// The row that asks for it.
    pub row: u64,
}

/// The first stage of what takes a call a user and goes first, user by user. Below it, roster-wide, is what has no order of
/// its own, and what was planned before there were bands.
pub const OWN: u8 = 64;
/// The first stage of what many users share a call for: it goes roster-wide.
pub const SHARED: u8 = 128;
/// The first stage of what takes a call a user and comes last, user by user.
pub const OWN_LAST: u8 = 192;

impl ChangeKey {
    /// Whether it is in a band of own calls, which goes user by user.
    pub fn is_own(&self) -> bool {
        matches!(self.stage, OWN..SHARED | OWN_LAST..)
    }

    /// Its band, and its user's turn in it: what the order of sending begins with.
    pub fn turn(&self) -> (u8, u64) {
        (self.stage / OWN, if self.is_own() { self.row } else { 0 })
    }
}

impl Ord for ChangeKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let place = |key: &Self| (key.turn(), key.stage);
        (place(self), &self.group, self.row).cmp(&(place(other), &other.group, other.row))
    }
}

impl PartialOrd for ChangeKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// One kind of edit to one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its name within the run.
    pub key: ChangeKey,
    /// Its kind, in the vendor's words (`fields`, `state`, …).
    pub kind: String,
    /// Its user.
    pub user: UserId,
    /// The values it touches, as they were read; a key that is not there was not known.
    pub before: Map<String, Value>,
    /// The values they shall have, as the vendor's call takes them.
    pub after: Map<String, Value>,
    /// What the call must carry besides, as it was just read: never kept, for it would be old by the time it is sent.
    #[serde(skip)]
    pub rest: Map<String, Value>,
    /// The columns of the roster that it is for.
    pub columns: Vec<String>,
    /// The version that its values were read at.
    pub version: Option<Version>,
}

/// How a change is kept from overwriting what a colleague did since its user was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The call carries the version that it is meant for, and the vendor refuses a stale one.
    Version,
    /// The user is read and compared at most a few seconds before it is written, and never written again unread.
    Compare,
    /// It only adds or only takes away, or sets what the row says whoever set it before (`--blind`): it replaces nobody's
    /// list, and does no harm when it is sent again.
    Idempotent,
}

/// What a run has learned of how wide its calls may be, where the vendor does not publish it: by kind of change, or by
/// part that is read.
#[derive(Debug, Clone, Default)]
pub struct Widths {
    learned: HashMap<String, usize>,
}

impl Widths {
    /// The width to use: `published` (or assumed), or less where that was refused; at least one.
    pub fn of(&self, name: &str, published: usize) -> usize {
        self.learned(name).unwrap_or(published).min(published).max(1)
    }

    /// The width that was learned, if any was.
    pub fn learned(&self, name: &str) -> Option<usize> {
        self.learned.get(name).copied()
    }

    /// A call of this width was refused as a whole: half of it is tried.
    pub fn refused(&mut self, name: &str, width: usize) {
        self.learned.insert(name.to_owned(), width.div_ceil(2));
    }

    /// One stood alone and was refused all the same: it was to blame, and the width was not.
    pub fn forget(&mut self, name: &str) {
        self.learned.remove(name);
    }
}

/// Cuts `items` into two halves, the first at least as long. For a batch that was refused as a whole.
pub fn halves<T>(mut items: Vec<T>) -> (Vec<T>, Vec<T>) {
    let second = items.split_off(items.len().div_ceil(2));
    (items, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_halved_when_it_is_refused_and_stands_again_when_one_alone_was_to_blame() {
        let mut widths = Widths::default();
        assert_eq!((widths.of("agent", 100), widths.of("agent", 0), widths.learned("agent")), (100, 1, None));
        widths.refused("agent", 75);
        assert_eq!((widths.of("agent", 100), widths.of("agent", 20), widths.of("team", 100)), (38, 20, 100));
        widths.forget("agent");
        assert_eq!(widths.of("agent", 100), 100);
    }
}
