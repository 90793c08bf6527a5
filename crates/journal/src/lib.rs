//! What a run has done so far, so that it survives a power cut.
//!
//! One SQLite file a run: the plan, the progress, the report's source and the undo's source. Nothing else holds state.
//! `docs/journal.md` says what is written when, and what each kind of crash leaves.

mod error;
mod sqlite;
mod store;

pub use error::Error;
pub use paceline_core::entry::{
    Canary, Consent, Duplicate, Entry, NewRun, Owner, Phase, Reach, RowRecord, RunRecord, RunTenant,
};
pub use paceline_core::run::Taken;
pub use sqlite::{Folder, Sqlite};
pub use store::{Listed, Store};

use paceline_core::desired::Row;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::summary::{Counts, Failure};
use paceline_core::vendor::Refusal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// The record of one run. Whatever returns has been made durable.
pub trait Journal: Log + Roster + Questions + fmt::Debug + Send {}

impl<T: Log + Roster + Questions + fmt::Debug + Send> Journal for T {}

/// What is about to happen and what has happened: how far the run has come.
pub trait Log {
    /// What the run is and how far it has come.
    fn record(&mut self) -> Result<RunRecord, Error>;

    /// Keeps what the run is to be resumed with, once it is all known: its command and its settings.
    fn keep(&mut self, command: &str, settings: &Value) -> Result<(), Error>;

    /// Takes the run up for a worker. Whoever had it before is superseded: it is given no more changes, and what it has marked
    /// is unknown.
    fn claim(&mut self, worker: &str) -> Result<Owner, Error>;

    /// The next changes to send after `after`, of rows up to `through`, at most `limit`, marked "may be sent" by `owner` before
    /// they are returned. An owner that is superseded is refused, here and below.
    fn take(&mut self, owner: &Owner, after: Option<&ChangeKey>, through: u64, limit: u32)
    -> Result<Vec<Taken>, Error>;

    /// Of the changes of the same stage and group that are to be sent after `after`, of rows up to `through`: at most
    /// `limit`, from all over them, the last first, marked "may be sent" by `owner` before they are returned.
    fn take_spread(&mut self, owner: &Owner, after: &ChangeKey, through: u64, limit: u32) -> Result<Vec<Taken>, Error>;

    /// Changes that an owner before `owner` has marked and that have no outcome, after `after`, of rows up to `through`, at most
    /// `limit`: what a crash leaves. The marks are `owner`'s from here on: it settles them.
    fn unknown(
        &mut self,
        owner: &Owner,
        after: Option<&ChangeKey>,
        through: u64,
        limit: u32,
    ) -> Result<Vec<Taken>, Error>;

    /// Changes whose mark is `owner`'s and that have no outcome, after `after`, of rows up to `through`, at most `limit`.
    fn marked(
        &mut self,
        owner: &Owner,
        after: Option<&ChangeKey>,
        through: u64,
        limit: u32,
    ) -> Result<Vec<Taken>, Error>;

    /// Records what happened, in one step. What is said twice counts once.
    fn append(&mut self, entries: &[Entry]) -> Result<(), Error>;

    /// An error where the journal is no longer kept where it was begun: what is written now, nobody will find.
    fn kept_in_place(&mut self) -> Result<(), Error>;
}

/// What the run works through.
pub trait Roster {
    /// Takes the roster's rows, in order, until `next` has no more; says how many they were. All or nothing.
    fn import(&mut self, next: &mut dyn FnMut() -> Option<Row>) -> Result<u64, Error>;

    /// Rows after number `after`, at most `limit`; only those that have not been planned, with `new`.
    fn rows(&mut self, after: u64, limit: u32, new: bool) -> Result<Vec<RowRecord>, Error>;

    /// Rows whose user an earlier row names too, at most `limit`.
    fn duplicates(&mut self, limit: u32) -> Result<Vec<Duplicate>, Error>;

    /// Ends rows whose user, now that it is known by its id, is an earlier row's too; says how many.
    fn end_duplicates(&mut self, refusal: &Refusal) -> Result<u64, Error>;

    /// The columns that rows name their users by.
    fn keys(&mut self) -> Result<BTreeSet<String>, Error>;

    /// The different texts that rows have in a column.
    fn values(&mut self, column: &str) -> Result<Vec<String>, Error>;

    /// The groups of the changes of a kind that the rows of an undo hold.
    fn undone_groups(&mut self, kind: &str) -> Result<Vec<String>, Error>;
}

/// What is asked of a run. Nothing here changes it.
pub trait Questions {
    /// Rows by outcome; those without one count as pending.
    fn counts(&mut self) -> Result<Counts, Error>;

    /// The first `limit` rows that failed or conflicted.
    fn failures(&mut self, limit: u32) -> Result<Vec<Failure>, Error>;

    /// The first `rows` rows that need changes, whatever has become of them.
    fn canary(&mut self, rows: u64) -> Result<Canary, Error>;

    /// Changes not yet sent, by kind and group.
    fn planned(&mut self) -> Result<Vec<(String, String, u64)>, Error>;

    /// Changes not yet sent that set a key, to this value where it is given.
    fn touching(&mut self, key: &str, value: Option<&str>) -> Result<u64, Error>;

    /// Changes not yet sent of rows after `after`, row by row, of at most `limit` rows.
    fn diff(&mut self, after: u64, limit: u32) -> Result<Vec<Change>, Error>;

    /// Changes that were made, row by row, of the next `rows` rows after number `after`: what an undo starts from. A change
    /// that may have been sent and whose row has ended without it counts too: an undo reads before it writes.
    fn made(&mut self, after: u64, rows: u32) -> Result<Vec<Change>, Error>;

    /// How many changes a resume would have to settle: sent perhaps, without an outcome, of rows without one.
    fn in_doubt(&mut self) -> Result<u64, Error>;

    /// An error where what is kept is damaged: its structure is checked whole. A byte that was changed inside a text is not
    /// found so; nothing tells it from one that was written.
    fn check(&mut self) -> Result<(), Error>;
}
