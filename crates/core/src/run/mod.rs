//! The sending part of a run, as a value: what has happened goes in, what is to be done comes out.
//!
//! No clock, no socket, no journal, no async: whoever drives a [`Sender`] asks it what to do ([`Sender::poll`]), does that,
//! and tells it what came of it. So whole runs are tested thousands a second, and the driver has nothing to decide. What
//! the vendor means is asked of [`crate::vendor::Vendor`]; when a call may leave is the driver's, with [`crate::pace`].
//!
//! Its rooms: `intake` (what of the journal is here), `queue` (whose turn is it), `ahead` (who is read before the write),
//! `bisect` and `gathering` (a refused call and its parts), `reader` (who is read back), `doubt` (what follows from that),
//! `suspects` (whose fault is it: a row's or everyone's), `confirming` (what was only accepted). `sender` composes them:
//! it says what is to be done; `landed` takes what has happened.

mod ahead;
mod bisect;
mod confirming;
pub mod dispatch;
mod doubt;
mod gathering;
mod intake;
mod landed;
mod queue;
mod reader;
#[cfg(test)]
mod reference;
mod sender;
mod suspects;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub use sender::{Bounds, Sender};

use crate::Moment;
use crate::plan::{Change, ChangeKey};
use crate::vendor::{Answer, Refusal, Request, Verdict};
use std::time::Duration;

/// A change that the journal has marked "may be sent".
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The change.
    pub change: Change,
    /// Changes that its row asks for, this one among them.
    pub siblings: u32,
    /// Those of them that were not made yet when it was taken, this one among them.
    pub left: u32,
}

/// The moment at which a [`Sender`] is asked what to do.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// No call is out and none waits.
    pub idle: bool,
    /// The time.
    pub now: Moment,
    /// Calls that the pace lets leave at once.
    pub room: usize,
    /// Calls that it lets leave at once at the most.
    pub most: usize,
    /// The time between calls, where so few are allowed that what one reads is old before the next may leave.
    pub apart: Option<Duration>,
}

/// What of the journal is wanted: at most `limit` changes of rows up to `through`, behind `after`.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The last that is known; `None` for the first.
    pub after: Option<ChangeKey>,
    /// The last row.
    pub through: u64,
    /// How many, at the most.
    pub limit: u32,
}

/// What is to be done.
#[derive(Debug)]
pub enum Todo {
    /// This call is sent, [`Sender::landed`] told how it ended.
    Send(Box<Call>),
    /// The next block to be sent is fetched from the journal, which is told all that was noted before; meanwhile it goes on.
    Fetch(Block),
    /// The block that is being fetched is waited for, and given to [`Sender::fetched`].
    AwaitFetched,
    /// What a crash left in doubt is fetched, and given to [`Sender::found_in_doubt`].
    InDoubt(Block),
    /// What the vendor has only accepted is fetched, to be read back: given to [`Sender::found_in_doubt`] too.
    Accepted(Block),
    /// Of the changes of the same stage and group behind this one, some from all over them are fetched, and given to
    /// [`Sender::spread`].
    Spread(Block),
    /// The journal is told all that was noted.
    Flush,
    /// Something can be sent once so many calls may leave at once.
    WhenOpen(usize),
    /// It is asked again at this moment, or when a call has ended.
    Later(Moment),
    /// Nothing until a call has ended; where none is out, that is the end.
    Nothing,
}

/// A call that is to be sent.
#[derive(Debug)]
pub struct Call {
    /// What is sent.
    pub request: Request,
    /// What it is about: given back with what came of it.
    pub about: About,
    /// What its changes have been through in earlier calls.
    pub history: History,
    /// It was made from users as they were just read: it is sent once, and not at all after this moment.
    pub fresh_until: Option<Moment>,
    /// It is not begun after this moment: own calls of its user that follow were compared to be sent at once.
    pub begin_by: Option<Moment>,
}

/// What a call is about; the sender's own.
#[derive(Debug)]
pub struct About(sender::Purpose);

/// What has become of a call so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct History {
    /// Failures for the vendor's or the network's trouble.
    pub failures: u32,
    /// The last wait after one.
    pub last_wait: Duration,
    /// Since when it has been throttled.
    pub throttled_since: Option<Moment>,
    /// Tokens that were refused under it.
    pub refused_tokens: u32,
}

/// How a call ended.
#[derive(Debug)]
pub enum Ending {
    /// With an answer that means something for what it carried.
    Answered(Verdict, Answer),
    /// All attempts failed, while others got through: it is this call's.
    Exhausted(Refusal),
    /// It may have had an effect, and sending it again could do harm: to be found out by reading.
    Doubtful(Refusal),
    /// It was not made, and what it was made from is old by now: its users are read again before it is.
    Stale,
}

/// A call that has ended, or is left.
#[derive(Debug)]
pub struct Landed {
    /// What it was about.
    pub about: About,
    /// Times that it was sent.
    pub attempts: u32,
    /// Whether an attempt may have had an effect that no answer told of.
    pub in_doubt: bool,
    /// What it has been through.
    pub history: History,
    /// When it left last.
    pub left: Moment,
}

/// Why nothing more may be sent: a cause that is everyone's.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// Every row is refused for a missing right.
    Forbidden(Refusal),
    /// What answers is not the vendor's API, or it tells nothing of users.
    NotTheVendor(Refusal),
    /// So many rows have failed, and that is too many.
    MaxFailures(u64),
}

/// Failures that a run puts up with.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaxFailures {
    /// This many rows.
    Rows(u64),
    /// This share of the roster, in percent.
    Percent(f64),
}

impl MaxFailures {
    fn most(self, rows: u64) -> f64 {
        match self {
            Self::Rows(most) => most as f64,
            Self::Percent(percent) => rows as f64 * percent / 100.0,
        }
    }

    /// Whether `count` of `rows` rows are more than this.
    pub fn exceeded(self, count: u64, rows: u64) -> bool {
        count as f64 > self.most(rows)
    }

    /// Whether `failed` of `rows` rows are too many. The first failure never is fewer than none.
    pub fn reached(self, failed: u64, rows: u64) -> bool {
        failed > 0 && failed as f64 >= self.most(rows)
    }
}
