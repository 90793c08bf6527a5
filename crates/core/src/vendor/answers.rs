//! What does an answer mean? The verdicts are the retry policy.

use super::{Answer, Request};
use crate::pace::Scope;
use crate::plan::Change;
use crate::user::Version;

/// What a vendor said when it did not do what was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The vendor's code, or Paceline's own (`timeout`, `not.found`).
    pub code: Option<String>,
    /// What was wrong.
    pub message: Option<String>,
    /// The vendor's id of the request.
    pub correlation_id: Option<String>,
}

impl Refusal {
    /// One of Paceline's own.
    pub fn own(code: &str, message: impl Into<String>) -> Self {
        Self { code: Some(code.into()), message: Some(message.into()), ..Self::default() }
    }

    /// There is no such user.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: Some(404), ..Self::own("not.found", message) }
    }

    /// One line for people: status, code and message, as far as they are known.
    pub fn line(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        let parts = [status, self.code.clone(), self.message.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What one answer means for the change it was about. The variants' docs are the retry policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done. The user's new version, where the answer has one.
    Applied {
        /// The version after the write.
        version: Option<Version>,
    },
    /// We are going too fast. Sent again after the pause; spends no attempt.
    Throttled(Scope),
    /// The vendor is in trouble. Sent again after a backoff, `max_retries` times.
    Transient,
    /// The same, and the vendor has too much to do: our pace is cut as by a throttle.
    Overloaded,
    /// The version was stale, or somebody wrote at the same time. The user is read back before anything is sent: a
    /// refusal that spoke of no version after all is the row's.
    Conflict,
    /// A 2xx whose body is not the API's (a proxy's page, no JSON where JSON is due): a read is repeated within its
    /// bounds; after a write its users are read back, and where nobody gets through the run halts.
    NotTheApi,
    /// Refused for what it asks: the row's failure. Never sent again. A batch is narrowed down until the culprits stand alone.
    Rejected,
    /// Refused for a right that every row needs: where nobody gets through, the run halts.
    Forbidden,
    /// The token was refused. With `renew`, one fresh token and one more attempt; without, the run halts.
    Unauthorized {
        /// Whether a fresh token may help.
        renew: bool,
        /// Whether the vendor says the same of what a call asks for: then it is the row's where a fresh token does not
        /// help and nobody else is refused.
        may_be_the_rows: bool,
    },
}

/// What the body of an answer that is no refusal as a whole bears out of one of its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Each {
    /// It is made.
    Made,
    /// The vendor makes it in its own time (202), or shows late that it has: its user is read back in the end, after pauses
    /// that grow.
    Accepted,
    /// It is not, by name.
    Refused(Refusal),
    /// The body does not bear it out (`not.applied`: other values than were sent, an empty answer where the record is
    /// due, a count of errors without items): its user is read back once, and what is seen there counts.
    Doubtful(Refusal),
}

/// What a vendor's answers to any call but the token's mean.
pub trait Answers {
    /// What an answer to any call but the token's means.
    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict;

    /// What the vendor said when it refused.
    fn refusal(&self, answer: &Answer) -> Refusal;

    /// What an answer that is no refusal as a whole bears out of each change; `None` where the description promises
    /// nothing of them: then all are made. A blind change is borne out by any answer of the API's.
    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>>;
}
