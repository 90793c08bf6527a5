//! What the vendor has only accepted (202), on its way to be seen.

use crate::Moment;
use crate::backoff::{Backoff, Jitter};
use std::time::Duration;

/// Times that it is read back, after pauses that grow as those between retries do: by default half a minute in all.
const CONFIRMATIONS: u32 = 5;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Confirming {
    /// Changes have been accepted and not been seen.
    waits: bool,
    /// Times that they were read.
    rounds: u32,
    /// When they are read next.
    at: Option<Moment>,
}

/// What is to be done about them once nothing else is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirm {
    /// There is nothing.
    Nothing,
    /// They are read at this moment.
    At(Moment),
    /// They are read now.
    Now,
}

impl Confirming {
    /// A change was accepted, or is not there yet.
    pub(super) fn wait(&mut self) {
        self.waits = true;
    }

    /// What is read back now was accepted; says whether it is the last time.
    pub(super) fn is_last(&self) -> Option<bool> {
        (self.rounds > 0).then_some(self.rounds >= CONFIRMATIONS)
    }

    pub(super) fn next(&mut self, now: Moment, backoff: &Backoff) -> Confirm {
        match self.at {
            Some(at) if at > now => Confirm::At(at),
            None if self.waits && self.rounds < CONFIRMATIONS => {
                let backoff = Backoff { jitter: Jitter::None, ..*backoff };
                let at = now + backoff.wait(self.rounds + 1, Duration::ZERO, 0.0);
                self.at = Some(at);
                Confirm::At(at)
            }
            None => Confirm::Nothing,
            Some(_) => {
                *self = Self { waits: false, rounds: self.rounds + 1, at: None };
                Confirm::Now
            }
        }
    }
}
