//! The pieces that a journal takes and gives back.

use paceline_core::desired::Row;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::summary::{Effort, HaltNote, Outcome, State};
use paceline_core::user::{UserId, Version};
use paceline_core::vendor::Refusal;
use serde_json::Value;

/// What is known of a run when it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its id: sorts by time.
    pub id: String,
    /// The vendor's name.
    pub vendor: String,
    /// The command that began it (`apply`, `undo`).
    pub command: String,
    /// The roster as the user named it.
    pub roster: String,
    /// When, RFC 3339 in UTC.
    pub created: String,
    /// The settings to resume it with. No secrets.
    pub settings: Value,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The roster is being taken in. A run that ends here has sent nothing and is no run.
    Importing,
    /// Users are read and changes planned.
    Planning,
    /// Changes are sent.
    Sending,
    /// Every row has its outcome.
    Ended,
}

/// A run as the journal knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// What was known when it began.
    pub run: NewRun,
    /// How far it has come.
    pub phase: Phase,
    /// How it was last left; `None` while it is running, and after a crash.
    pub state: Option<State>,
    /// Why it halted.
    pub halt: Option<HaltNote>,
    /// What it has cost.
    pub effort: Effort,
}

/// A row as the journal knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RowRecord {
    /// What it asks.
    pub row: Row,
    /// Its outcome; [`Outcome::Pending`] while it has none.
    pub outcome: Outcome,
    /// What was said of it, where it did not succeed.
    pub refusal: Refusal,
    /// Times that its changes were sent.
    pub attempts: u32,
    /// The columns that were changed.
    pub changed: Vec<String>,
}

/// A change taken to be sent or to be settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The change.
    pub change: Change,
    /// Changes that its row asks for, this one among them.
    pub siblings: u32,
}

/// A row that names a user whom an earlier one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The user as the row names it.
    pub user: String,
    /// Its line.
    pub line: u64,
    /// The earlier row's line.
    pub first_line: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// The run came to a new phase.
    Reached(Phase),
    /// A row's user was found, and these changes are needed. None at all: the row is unchanged.
    Planned {
        /// The row.
        row: u64,
        /// Its user.
        user: UserId,
        /// What it needs.
        changes: Vec<Change>,
    },
    /// A row ended before any of its changes was planned, or with all of them dropped.
    RowEnded {
        /// The row.
        row: u64,
        /// How.
        outcome: Outcome,
        /// What was said.
        refusal: Refusal,
    },
    /// A change was made.
    Made {
        /// Which.
        key: ChangeKey,
        /// Times it was sent.
        attempts: u32,
        /// The user's version after it.
        version: Option<Version>,
    },
    /// A change was not made, and its row ends with that.
    NotMade {
        /// Which.
        key: ChangeKey,
        /// Times it was sent.
        attempts: u32,
        /// The row's outcome.
        outcome: Outcome,
        /// What was said.
        refusal: Refusal,
    },
    /// A change was marked "may be sent" and is known not to have had an effect: it is to be sent again, on this
    /// version where it is known.
    Withdrawn {
        /// Which.
        key: ChangeKey,
        /// Times it was sent all the same.
        attempts: u32,
        /// The version it is to be sent on.
        version: Option<Version>,
    },
    /// What the run has cost so far, over all its parts: a crash forgets at most what came after the last one.
    Spent(Effort),
    /// The run was left.
    Left {
        /// How; `None` when it is taken up again.
        state: Option<State>,
        /// Why it halted.
        halt: Option<HaltNote>,
        /// All that it has cost, over all its parts.
        effort: Effort,
    },
}
