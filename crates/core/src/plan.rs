//! The changes that a roster needs.

use crate::user::{UserId, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Names a change within its run. The order of keys is the order of sending: by stage, then by what can share a
/// call, then by row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChangeKey {
    /// Lower stages go first for the same user.
    pub stage: u8,
    /// Changes of one stage and group may share a call.
    pub group: String,
    /// The row that asks for it.
    pub row: u64,
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

/// Cuts `items` into two halves, the first at least as long. For a batch that was refused as a whole.
pub fn halves<T>(mut items: Vec<T>) -> (Vec<T>, Vec<T>) {
    let second = items.split_off(items.len().div_ceil(2));
    (items, second)
}
