//! What a row changes, and the calls that carry it.

use super::{Names, Refusal, Request, User};
use crate::desired::Row;
use crate::plan::{Change, ChangeKey, Guard};
use crate::user::UserId;
use serde_json::Map;

/// The field of a row that holds the changes to take back, in a run that undoes another.
pub const UNDO: &str = "undo";

/// The kind of a change that was planned without reading its user.
pub const BLIND: &str = "blind";
/// A vendor's words about users as they shall be.
pub trait Writes {
    /// The changes that make `user` what `row` asks, none where it is already.
    fn changes(&self, row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal>;

    /// The changes that take `change` back.
    fn undo(&self, change: &Change) -> Vec<Change>;

    /// The change that sends the row's fields as they are (`--blind`).
    fn blind(&self, row: &Row, user: UserId) -> Change {
        Change {
            key: ChangeKey { stage: 0, group: String::new(), row: row.number },
            kind: BLIND.into(),
            user,
            before: Map::new(),
            after: row.fields.clone(),
            rest: Map::new(),
            columns: row.fields.keys().cloned().collect(),
            version: None,
        }
    }

    /// How a change is kept from overwriting somebody.
    fn guard(&self, change: &Change) -> Guard;

    /// Which of a user's records a change is to, of a vendor that has several: told where a row touches more than one.
    fn record_of(&self, _change: &Change) -> Option<&'static str> {
        None
    }

    /// Whether a change's call carries the whole record, which [`Writes::rebase`] takes from the user as it was just read:
    /// a plan does not keep it.
    fn writes_whole(&self, _change: &Change) -> bool {
        false
    }

    /// The change as it is to be sent to the user as it was just read.
    fn rebase(&self, change: Change, user: &User) -> Change {
        Change { version: user.version.or(change.version), ..change }
    }

    /// Changes of this one's stage and group that a call may carry.
    fn width(&self, change: &Change) -> usize;

    /// Whether [`Writes::width`] is published. Where it is not, a batch that is refused may be too wide, and nobody in
    /// it to blame.
    fn width_is_published(&self, change: &Change) -> bool;

    /// The call that carries these changes, all of one stage and group.
    fn call(&self, changes: &[Change]) -> Request;
}
