//! What follows for a call from what was heard of it: the policy, apart from the bookkeeping.
//!
//! Each table is a function of plain facts; [`super::heard`] knows the facts and does what they say.

use std::time::Duration;

/// Tokens that may end under one call, for whatever reason, before that is its own failure.
const REFUSED_TOKENS: u32 = 5;
/// Calls refused with a fresh token, with nobody getting through, before that is everyone's.
const SUSPECTS: u32 = 3;

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// It is sent again, after the pause of its token.
    Again,
    /// It is sent again, after a wait of its own.
    Retry,
    /// The token is renewed, and others go first.
    Renew,
    /// Others go first, and prove the token or not.
    LetOthersProve,
    /// Its attempts are spent, while others get through.
    Exhausted,
    /// It is refused for what it asks.
    Rejected,
    /// What it was made from is old.
    Stale,
    /// The cause is everyone's.
    Halt,
}

/// The vendor's or the network's trouble.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    /// Failures of this call, this one among them.
    pub(super) failures: u32,
    /// The most retries of a call.
    pub(super) max_retries: u32,
    /// The circuit has been probed as often as it may be.
    pub(super) circuit_exhausted: bool,
    /// Nobody gets through at the moment.
    pub(super) circuit_open: bool,
    /// No other call is there.
    pub(super) alone: bool,
    /// No connection has ever come about, or none may.
    pub(super) unreachable: bool,
}

pub(super) fn on_trouble(facts: Trouble) -> Follow {
    let Trouble { failures, max_retries, circuit_exhausted, circuit_open, alone, unreachable } = facts;
    if circuit_exhausted || unreachable {
        return Follow::Halt;
    }
    // Where nobody gets through, it is not this call's, however often it was the one that tried: the circuit decides.
    let own = alone || !circuit_open;
    if failures > max_retries && own { Follow::Exhausted } else { Follow::Retry }
}

/// A 429.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throttling {
    /// How long nobody will have got through when the pause is over.
    pub(super) pause: Duration,
    /// How long this call has been throttled by then, others getting through.
    pub(super) own: Duration,
    /// The longest pause.
    pub(super) max_wait: Duration,
    /// It was made from users as they were just read.
    pub(super) fresh: bool,
}

pub(super) fn on_throttle(facts: Throttling) -> Follow {
    let Throttling { pause, own, max_wait, fresh } = facts;
    if pause > max_wait {
        Follow::Halt
    } else if own > max_wait {
        Follow::Exhausted
    } else if fresh {
        Follow::Stale
    } else {
        Follow::Again
    }
}

/// A token that was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    /// A fresh token may help.
    pub(super) renew: bool,
    /// The vendor says the same of what a call asks for.
    pub(super) may_be_the_rows: bool,
    /// Tokens that were refused under this call, this one among them.
    pub(super) tokens: u32,
    /// Somebody has ever got through.
    pub(super) heard: bool,
    /// Somebody has got through with this token, or it is not the slot's any more.
    pub(super) accepted: bool,
    /// Somebody that left later got through with it.
    pub(super) good: bool,
    /// No other call is there.
    pub(super) alone: bool,
    /// Calls refused with a fresh token since anybody got through, before this one.
    pub(super) suspects: u32,
}

pub(super) fn on_refused_token(facts: Refused) -> Follow {
    let Refused { renew, may_be_the_rows, tokens, heard, accepted, good, alone, suspects } = facts;
    let again = tokens >= 2;
    if may_be_the_rows && again && heard {
        if accepted || alone {
            // The fresh token is good, or nobody else is there to tell it from a bad row.
            return Follow::Rejected;
        }
        if suspects < SUSPECTS {
            return Follow::LetOthersProve;
        }
    }
    if !renew || (again && !accepted) {
        Follow::Halt
    } else if again && (good || tokens > REFUSED_TOKENS) {
        Follow::Rejected
    } else {
        Follow::Renew
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_retried_until_it_is_the_calls_own_or_everyones() {
        let facts = Trouble {
            failures: 1,
            max_retries: 2,
            circuit_exhausted: false,
            circuit_open: false,
            alone: false,
            unreachable: false,
        };
        let table = [
            (facts, Follow::Retry),
            (Trouble { failures: 2, ..facts }, Follow::Retry),
            (Trouble { failures: 3, ..facts }, Follow::Exhausted),
            (Trouble { failures: 3, circuit_open: true, ..facts }, Follow::Retry),
            (Trouble { failures: 3, circuit_open: true, alone: true, ..facts }, Follow::Exhausted),
            (Trouble { failures: 1, circuit_open: true, ..facts }, Follow::Retry),
            (Trouble { circuit_exhausted: true, ..facts }, Follow::Halt),
            (Trouble { unreachable: true, ..facts }, Follow::Halt),
            (Trouble { failures: 1, max_retries: 0, ..facts }, Follow::Exhausted),
        ];
        for (facts, follow) in table {
            assert_eq!(on_trouble(facts), follow, "{facts:?}");
        }
    }

    #[test]
    fn a_throttle_is_waited_out_within_the_longest_pause() {
        let second = Duration::from_secs;
        let facts = Throttling { pause: second(30), own: second(30), max_wait: second(60), fresh: false };
        let table = [
            (facts, Follow::Again),
            (Throttling { fresh: true, ..facts }, Follow::Stale),
            (Throttling { own: second(61), ..facts }, Follow::Exhausted),
            (Throttling { pause: second(61), own: second(61), ..facts }, Follow::Halt),
            (Throttling { pause: second(60), own: second(60), ..facts }, Follow::Again),
        ];
        for (facts, follow) in table {
            assert_eq!(on_throttle(facts), follow, "{facts:?}");
        }
    }

    #[test]
    fn a_refused_token_is_renewed_once_and_then_it_is_the_rows_or_everyones() {
        let facts = Refused {
            renew: true,
            may_be_the_rows: false,
            tokens: 1,
            heard: true,
            accepted: true,
            good: false,
            alone: false,
            suspects: 0,
        };
        let rows = Refused { may_be_the_rows: true, tokens: 2, accepted: false, ..facts };
        let table = [
            (facts, Follow::Renew),
            (Refused { renew: false, ..facts }, Follow::Halt),
            (Refused { tokens: 2, accepted: false, ..facts }, Follow::Halt),
            (Refused { tokens: 2, good: true, ..facts }, Follow::Rejected),
            (Refused { tokens: 2, ..facts }, Follow::Renew),
            (Refused { tokens: 6, ..facts }, Follow::Rejected),
            (Refused { may_be_the_rows: true, ..facts }, Follow::Renew),
            (Refused { accepted: true, ..rows }, Follow::Rejected),
            (Refused { alone: true, ..rows }, Follow::Rejected),
            (rows, Follow::LetOthersProve),
            (Refused { suspects: 3, ..rows }, Follow::Halt),
            (Refused { heard: false, ..rows }, Follow::Halt),
        ];
        for (facts, follow) in table {
            assert_eq!(on_refused_token(facts), follow, "{facts:?}");
        }
    }
}
