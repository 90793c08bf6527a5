//! Exit codes: promises to scripts (DESIGN.md, section 4).

use paceline_core::summary::{State, Summary};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every row updated or unchanged.
    Done = 0,
    /// The run finished, and some rows failed or conflicted.
    SomeFailed = 1,
    /// The request was wrong, and nothing was sent.
    Wrong = 2,
    /// The run halted and can be resumed.
    Halted = 3,
    /// With `plan --detailed-exitcode`: there are changes to make.
    Changes = 4,
    /// Interrupted by the user; it can be resumed.
    Interrupted = 130,
}

impl From<&Summary> for Exit {
    fn from(summary: &Summary) -> Self {
        match summary.state {
            State::Halted => Self::Halted,
            State::Interrupted => Self::Interrupted,
            State::Finished if summary.counts.failed + summary.counts.conflict > 0 => Self::SomeFailed,
            State::Finished => Self::Done,
        }
    }
}
