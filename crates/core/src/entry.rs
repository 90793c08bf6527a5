//! What a run is and what happens to it, as a journal takes and gives it back.

use crate::desired::Row;
use crate::plan::{Change, ChangeKey};
use crate::summary::{Counts, Effort, HaltNote, Outcome, State};
use crate::user::{UserId, Version};
use crate::vendor::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

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

/// Who works on a run, and how many have had it before. The last one owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Who, for people: nothing is decided by it.
    pub worker: String,
    /// Counted up each time that the run is taken up, from 1.
    pub epoch: u64,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The roster is being taken in. A run that ends here has sent nothing and is no run.
    Importing,
    /// Users are read and changes planned.
    Planning,
    /// Everything is planned, and nobody has agreed to it yet.
    Planned,
    /// Somebody has agreed: changes are sent.
    Sending,
    /// Every row has its outcome.
    Ended,
}

/// Where a run's users are: the vendor's organisation, as far as it told, and how it was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTenant {
    /// The vendor's id of the organisation, where it tells one.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Base URL of the API.
    pub base_url: String,
    /// Who signed in: stands for the organisation where that is not told. Empty in journals of before.
    #[serde(default)]
    pub client_id: String,
}

impl RunTenant {
    /// Whether `now` is another tenant than this. Two ids decide; else base URL and client, as far as they are known.
    pub fn is_other(&self, now: &Self) -> bool {
        if let (Some(then), Some(now)) = (&self.id, &now.id) {
            return !then.eq_ignore_ascii_case(now);
        }
        let url = |tenant: &Self| tenant.base_url.trim_end_matches('/').to_ascii_lowercase();
        let another_client = !self.client_id.is_empty() && !now.client_id.is_empty() && self.client_id != now.client_id;
        url(self) != url(now) || another_client
    }
}

impl fmt::Display for RunTenant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.id) {
            (Some(name), Some(id)) => write!(out, "{name} ({id}) at {}", self.base_url),
            (Some(name), None) | (None, Some(name)) => write!(out, "{name} at {}", self.base_url),
            (None, None) if self.client_id.is_empty() => write!(out, "{}", self.base_url),
            (None, None) => write!(out, "{} as client {}", self.base_url, self.client_id),
        }
    }
}

/// How far a consent reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Only the canary's rows: the others are asked for when these have run.
    Canary,
    /// Every row. Where there is a canary, once all of it has succeeded.
    All,
}

/// Who agreed to send what, and under which bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consent {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Who.
    pub by: String,
    /// Whether somebody was asked and said yes; else it was said beforehand (`--yes`).
    pub asked: bool,
    /// How far it reaches.
    pub reach: Reach,
    /// Rows that go first and alone; `None` where there are none, and once the others were agreed to.
    pub canary: Option<u64>,
    /// The most changes that were allowed, as it was typed.
    pub max_changes: Option<String>,
    /// Rows of the run.
    pub rows: u64,
    /// Rows that were to be changed; `None` where it was given before anybody could know (`--yes`).
    pub changes: Option<u64>,
    /// The tenant that was named when it was given.
    pub tenant: Option<RunTenant>,
    /// It was given to a plan that was kept: users are read again before they are written.
    pub kept_plan: bool,
}

impl Consent {
    /// Whether rows beyond the canary may be sent, when `lost` of the canary's rows did not succeed.
    pub fn covers_the_rest(&self, lost: u64) -> bool {
        self.reach == Reach::All && (self.canary.is_none() || lost == 0)
    }
}

/// The rows that go first: as far as they reach, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Canary {
    /// The number of the last of them.
    pub through: u64,
    /// They by outcome.
    pub counts: Counts,
}

impl Canary {
    /// Those that were sent and did not succeed.
    pub fn lost(&self) -> u64 {
        self.counts.failed + self.counts.conflict
    }

    /// Whether all of them have an outcome.
    pub fn has_run(&self) -> bool {
        self.counts.pending == 0
    }
}

/// A run as the journal knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// What was known when it began.
    pub run: NewRun,
    /// Its tenant; `None` until it is known, and in journals of before.
    pub tenant: Option<RunTenant>,
    /// The last consent.
    pub consent: Option<Consent>,
    /// How far it has come.
    pub phase: Phase,
    /// How it was last left; `None` while it is running, and after a crash.
    pub state: Option<State>,
    /// Why it halted.
    pub halt: Option<HaltNote>,
    /// What it has cost, all its owners together.
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
    /// The run's tenant is known.
    Tenant(RunTenant),
    /// What the run is to be resumed with from here on. No secrets.
    Settings(Value),
    /// Somebody agreed: a run that is planned is one that sends from here on, whatever it was before (a plan that was kept).
    /// One that is not planned yet is planned first.
    Consented(Consent),
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
    /// A change was made. Said twice, it counts once.
    Made {
        /// Which.
        key: ChangeKey,
        /// Times it was sent.
        attempts: u32,
        /// The user's version after it, where nobody came between it and what the row was planned from: its other changes
        /// go on that.
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
    /// A change was marked "may be sent" and is known not to have had an effect: it is to be sent again.
    Withdrawn {
        /// Which.
        key: ChangeKey,
        /// Times it was sent all the same.
        attempts: u32,
    },
    /// What an owner has spent so far. Each one's last word counts, and what the run has cost is their sum: a crash forgets at
    /// most what came after the last one.
    Spent {
        /// The owner's epoch.
        epoch: u64,
        /// All that it has spent.
        effort: Effort,
    },
    /// The run was left.
    Left {
        /// How; `None` when it is taken up again.
        state: Option<State>,
        /// Why it halted.
        halt: Option<HaltNote>,
    },
}
