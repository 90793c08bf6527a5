//! How many calls may be in flight?
//!
//! Additive increase, multiplicative decrease, as TCP does and as Vector's adaptive concurrency does:
//! halved when calls fail in a way that says the vendor is in trouble (timeouts, resets, 5xx), raised by one
//! for every round of answers while all is well. It starts at the most: a quota window that is free is
//! best spent in a burst (DESIGN.md, section 5), and the pacer, not this, keeps to the quota.

use crate::Moment;

/// The limit of calls in flight.
#[derive(Debug, Clone)]
pub struct Concurrency {
    most: u32,
    limit: u32,
    well: u32,
    cut_at: Option<Moment>,
}

impl Concurrency {
    /// Never more than `most` calls (at least one).
    pub fn new(most: u32) -> Self {
        let most = most.max(1);
        Self { most, limit: most, well: 0, cut_at: None }
    }

    /// Calls that may be in flight now.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// A call was answered well. After as many of them as the limit, the limit rises by one.
    pub fn on_success(&mut self) {
        self.well += 1;
        if self.well >= self.limit {
            self.well = 0;
            self.limit = (self.limit + 1).min(self.most);
        }
    }

    /// A call that was sent at `sent` failed at `now`. Calls that were already in flight at the last cut
    /// tell of the same trouble and do not cut again.
    pub fn on_failure(&mut self, sent: Moment, now: Moment) {
        self.well = 0;
        if self.cut_at.is_none_or(|cut| sent >= cut) {
            self.limit = (self.limit / 2).max(1);
            self.cut_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const fn s(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_burst_of_failures_halves_once() {
        let mut concurrency = Concurrency::new(10);
        for _ in 0..10 {
            concurrency.on_failure(s(0), s(1));
        }
        assert_eq!(concurrency.limit(), 5);
        concurrency.on_failure(s(2), s(3));
        assert_eq!(concurrency.limit(), 2);
    }

    #[test]
    fn it_rises_by_one_a_round_and_never_past_the_most() {
        let mut concurrency = Concurrency::new(4);
        concurrency.on_failure(s(0), s(1));
        concurrency.on_failure(s(2), s(3));
        assert_eq!(concurrency.limit(), 1);
        concurrency.on_success();
        assert_eq!(concurrency.limit(), 2);
        concurrency.on_success();
        concurrency.on_success();
        assert_eq!(concurrency.limit(), 3);
        (0..100).for_each(|_| concurrency.on_success());
        assert_eq!(concurrency.limit(), 4);
    }
}
