//! The group of a change of kind `grants+` or `grants-`: a role, and the divisions that it is held in.

use paceline_core::plan::Change;

/// Every division, those to come included.
pub(super) const EVERYWHERE: &str = "*";

/// The role of a change of kind `grants+` or `grants-`, and its divisions. An undo of `roles+` learns them from its user.
pub(super) fn granted_in(change: &Change) -> (&str, Vec<&str>) {
    let mut ids = change.key.group.split(' ').filter(|id| !id.is_empty());
    (ids.next().unwrap_or_default(), ids.collect())
}

/// Whether a group of `grants-` is a role's whose divisions are still to be learned.
pub(super) fn is_unplaced(group: &str) -> bool {
    !group.contains(' ')
}
