//! What a phase of a run and the scheduler say to each other.

use crate::error::Halt;
use paceline_core::Moment;
use paceline_core::run::dispatch::Pending;
use paceline_core::run::{Ending, Turn};
use paceline_core::summary::Effort;

/// What a phase has to send.
#[derive(Debug)]
pub(crate) enum Next<T> {
    /// This call.
    Send(Box<Pending<T>>),
    /// Something, once so many calls may leave at once.
    WhenOpen(usize),
    /// Something, from then on.
    Later(Moment),
    /// Nothing until a call has ended; where none is out, that is the end.
    Nothing,
}

/// What a phase of a run gives the scheduler to send.
pub(crate) trait Phase {
    /// What its calls are known by.
    type Tag: Send + 'static;

    /// The next call.
    async fn next(&mut self, turn: Turn) -> Result<Next<Self::Tag>, Halt>;

    /// A call has ended.
    async fn ended(&mut self, call: Pending<Self::Tag>, ending: Ending) -> Result<(), Halt>;

    /// When [`Phase::tick`] is due.
    fn due(&self) -> Option<Moment>;

    /// Something regular; `effort` is what this process has spent so far.
    async fn tick(&mut self, effort: Effort) -> Result<(), Halt>;

    /// The run stops, and the vendor is well: from now on only what is in doubt is asked for, so that it is told as it is.
    fn wind_down(&mut self) {}

    /// The run stops: these calls have not ended.
    async fn left(&mut self, unfinished: Vec<Pending<Self::Tag>>) -> Result<(), Halt>;
}
