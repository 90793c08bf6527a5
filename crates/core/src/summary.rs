//! What became of a run, as facts.

use serde::{Deserialize, Serialize};

/// What became of a row in the end. Every row has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The vendor holds what the row asks, and this run made it so.
    Updated,
    /// The vendor held what the row asks already: nothing was sent.
    Unchanged,
    /// The vendor refused it, or it could not be sent to an end.
    Failed,
    /// Somebody else changed the same fields: nothing was overwritten.
    Conflict,
    /// Left out on purpose.
    Skipped,
    /// Not yet known: the run has not come to it.
    Pending,
}

impl Outcome {
    /// All, in the order reports show them.
    pub const ALL: [Self; 6] =
        [Self::Updated, Self::Unchanged, Self::Failed, Self::Conflict, Self::Skipped, Self::Pending];

    /// The word for it in reports and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Conflict => "conflict",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
        }
    }

    /// The outcome that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// Rows by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows of the run.
    pub rows: u64,
    /// See [`Outcome::Updated`].
    pub updated: u64,
    /// See [`Outcome::Unchanged`].
    pub unchanged: u64,
    /// See [`Outcome::Failed`].
    pub failed: u64,
    /// See [`Outcome::Conflict`].
    pub conflict: u64,
    /// See [`Outcome::Skipped`].
    pub skipped: u64,
    /// See [`Outcome::Pending`].
    pub pending: u64,
}

impl Counts {
    /// Rows of one outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Updated => self.updated,
            Outcome::Unchanged => self.unchanged,
            Outcome::Failed => self.failed,
            Outcome::Conflict => self.conflict,
            Outcome::Skipped => self.skipped,
            Outcome::Pending => self.pending,
        }
    }

    /// Counts `rows` rows of one outcome.
    pub fn add(&mut self, outcome: Outcome, rows: u64) {
        self.rows += rows;
        match outcome {
            Outcome::Updated => self.updated += rows,
            Outcome::Unchanged => self.unchanged += rows,
            Outcome::Failed => self.failed += rows,
            Outcome::Conflict => self.conflict += rows,
            Outcome::Skipped => self.skipped += rows,
            Outcome::Pending => self.pending += rows,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every row has its outcome.
    Finished,
    /// It stopped for a cause that is not one row's, and can be resumed.
    Halted,
    /// The user stopped it; it can be resumed.
    Interrupted,
}

impl State {
    /// All.
    pub const ALL: [Self; 3] = [Self::Finished, Self::Halted, Self::Interrupted];

    /// The word for it in reports and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Halted => "halted",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Calls made, by what they were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Calls that only read.
    pub read: u64,
    /// Calls that write.
    pub write: u64,
    /// Requests for access tokens.
    pub token: u64,
}

/// What a run has cost so far; adds up over a run and its resumes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// Calls by kind.
    pub calls: Calls,
    /// Attempts after the first.
    pub retries: u64,
    /// 429 answers.
    pub throttled: u64,
    /// Seconds of work.
    pub elapsed_s: f64,
}

impl Effort {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            calls: Calls {
                read: self.calls.read + other.calls.read,
                write: self.calls.write + other.calls.write,
                token: self.calls.token + other.calls.token,
            },
            retries: self.retries + other.retries,
            throttled: self.throttled + other.throttled,
            elapsed_s: self.elapsed_s + other.elapsed_s,
        }
    }
}

/// Why a run halted and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaltNote {
    /// What stopped it.
    pub cause: String,
    /// What to fix, and the command to go on.
    pub hint: String,
}

/// One row that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its number in the roster, from 1.
    pub row: u64,
    /// The user as the roster names it.
    pub user: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The vendor's code, or Paceline's own.
    pub code: Option<String>,
    /// What was wrong.
    pub message: Option<String>,
    /// The vendor's id of the request, for their support.
    pub correlation_id: Option<String>,
}

/// The facts at the end of a run. Serialized, this is what `--format json` prints (DESIGN.md, section 4).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The run's id.
    pub run: String,
    /// The vendor's name.
    pub vendor: String,
    /// How it ended.
    pub state: State,
    /// Rows by outcome.
    #[serde(flatten)]
    pub counts: Counts,
    /// What it cost.
    #[serde(flatten)]
    pub effort: Effort,
    /// Why it halted, where it did.
    pub halt: Option<HaltNote>,
    /// The first five failures.
    pub failures: Vec<Failure>,
}
