//! May this call be sent again, and is it only this call that fails?
//!
//! [`Budget`] bounds the retries of a whole run; [`Circuit`] tells one unlucky call from a vendor that is
//! down; [`retry_after`] reads the vendor's own wait.

use crate::Moment;
use crate::backoff::Backoff;
use std::time::{Duration, SystemTime};

/// The share of a run's calls that may be retries: a token bucket as in the AWS SDKs' standard mode
/// (500 tokens, 5 a retry, 10 after a timeout; smithy-rs `retries/token_bucket.rs`), so that an outage ends in
/// a halt and not in a storm.
#[derive(Debug, Clone)]
pub struct Budget {
    tokens: u32,
}

impl Budget {
    /// Tokens of a full bucket.
    pub const FULL: u32 = 500;
    const RETRY: u32 = 5;
    const TIMEOUT: u32 = 10;

    /// A full bucket.
    pub fn new() -> Self {
        Self { tokens: Self::FULL }
    }

    /// Pays for one retry; false where the bucket does not hold enough.
    pub fn pay(&mut self, after_timeout: bool) -> bool {
        let cost = if after_timeout { Self::TIMEOUT } else { Self::RETRY };
        let paid = self.tokens >= cost;
        if paid {
            self.tokens -= cost;
        }
        paid
    }

    /// A call succeeded on its first attempt: one token back.
    pub fn refund(&mut self) {
        self.tokens = (self.tokens + 1).min(Self::FULL);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells whether nobody gets through any more.
///
/// Closed, calls flow. After [`Circuit::TRIP`] failures in a row without one answer in between it is open: one
/// call at a time is let through, after growing waits. One that gets through closes it; after `patience`
/// of them have failed the vendor is taken to be down.
#[derive(Debug, Clone)]
pub struct Circuit {
    patience: u32,
    failures: u32,
    probes: u32,
    last_wait: Duration,
    closed_until: Moment,
}

impl Circuit {
    /// Failures in a row that open it. With one call in ten failing by chance, five in a row are one in 100,000.
    pub const TRIP: u32 = 5;

    /// `patience`: failed probes after which [`Circuit::exhausted`] says so.
    pub fn new(patience: u32) -> Self {
        Self { patience, failures: 0, probes: 0, last_wait: Duration::ZERO, closed_until: Moment::ZERO }
    }

    /// Whether nobody has got through for a while.
    pub fn is_open(&self) -> bool {
        self.failures >= Self::TRIP
    }

    /// When the next call may leave, with `in_flight` calls out: `None` means once an answer is here.
    pub fn leave(&self, in_flight: usize) -> Option<Moment> {
        match (self.is_open(), in_flight) {
            (false, _) => Some(Moment::ZERO),
            (true, 0) => Some(self.closed_until),
            (true, _) => None,
        }
    }

    /// Something was answered that is no failure of the vendor's.
    pub fn passed(&mut self) {
        *self = Self::new(self.patience);
    }

    /// A call failed at `now`. Calls that were in flight when the circuit opened are no probes.
    pub fn failed(&mut self, sent: Moment, now: Moment, backoff: &Backoff, draw: f64) {
        let was_open = self.is_open();
        self.failures = self.failures.saturating_add(1);
        if !self.is_open() || (was_open && sent < self.closed_until) {
            return;
        }
        if was_open {
            self.probes += 1;
        }
        self.last_wait = backoff.wait(self.probes + 1, self.last_wait, draw);
        self.closed_until = now + self.last_wait;
    }

    /// Whether it has stayed open for so many probes that waiting longer is the operator's decision.
    pub fn exhausted(&self) -> bool {
        self.is_open() && self.probes >= self.patience
    }
}

/// The wait that an answer asks for, by its `Retry-After` values: seconds or an HTTP-date (RFC 9110 §10.2.3). Seconds
/// with a fraction, which some gateways write, are rounded up rather than taken for absent. `None` where it is absent or malformed. Of several values the longest counts.
///
/// A date is compared with the answer's own `Date` where that is there and the clocks differ by more than two
/// seconds: then ours is the wrong one to ask.
pub fn retry_after<'a>(
    values: impl IntoIterator<Item = &'a str>,
    date: Option<&str>,
    wall: SystemTime,
) -> Option<Duration> {
    values.into_iter().filter_map(|value| one_retry_after(value.trim(), date, wall)).max()
}

fn one_retry_after(value: &str, date: Option<&str>, wall: SystemTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit are a very long wait, not no wait.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))).min(LONGEST));
    }
    if let Some((whole, fraction)) = value.split_once('.')
        && [whole, fraction].iter().all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
        let whole: u64 = whole.parse().unwrap_or(u64::from(u32::MAX));
        return Some(Duration::from_secs(whole.saturating_add(more)).min(LONGEST));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let theirs = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    let now = match theirs {
        Some(theirs) if apart(theirs, wall) > Duration::from_secs(2) => theirs,
        _ => wall,
    };
    Some(until.duration_since(now).unwrap_or(Duration::ZERO).min(LONGEST))
}

/// Waits are added to moments: a century keeps the sum representable.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

fn apart(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|error| error.duration())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_nothing_else() {
        let wall = at(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let s = |seconds| Some(Duration::from_secs(seconds));
        let table = [
            ("42", s(42)),
            (" 42 ", s(42)),
            ("0", s(0)),
            ("99999999999999999999999", s(u64::from(u32::MAX)).map(|wait| wait.min(LONGEST))),
            ("Sun, 06 Nov 1994 08:49:47 GMT", s(10)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", s(10)),
            ("Sun Nov  6 08:49:47 1994", s(10)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", s(0)),
            ("", None),
            ("-1", None),
            ("+5", None),
            ("1.5", s(2)),
            ("5.0", s(5)),
            ("0.001", s(1)),
            ("5.", None),
            (".5", None),
            ("1.2.3", None),
            ("1e3", None),
            ("soon", None),
            ("5, 10", None),
        ];
        for (value, wait) in table {
            assert_eq!(retry_after([value], None, wall), wait, "{value:?}");
        }
        assert_eq!(retry_after([], None, wall), None);
        assert_eq!(retry_after(["soon", "3", "7"], None, wall), s(7));
    }

    #[test]
    fn a_date_counts_from_the_vendors_clock_where_ours_is_wrong() {
        let until = "Sun, 06 Nov 1994 08:49:47 GMT";
        let theirs = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(retry_after([until], theirs, at(784_111_777 + 3600)), Some(Duration::from_secs(10)));
        assert_eq!(retry_after([until], theirs, at(784_111_778)), Some(Duration::from_secs(9)));
    }

    #[test]
    fn an_outage_empties_the_budget_and_successes_refill_it() {
        let mut budget = Budget::new();
        assert_eq!((0..1000).filter(|_| budget.pay(false)).count(), 100);
        assert!(!budget.pay(true));
        (0..5).for_each(|_| budget.refund());
        assert!(budget.pay(false));
    }

    #[test]
    fn an_open_circuit_lets_one_call_through_after_growing_waits_and_then_gives_up() {
        let backoff = Backoff { jitter: crate::backoff::Jitter::None, ..Backoff::default() };
        let mut circuit = Circuit::new(3);
        (0..Circuit::TRIP).for_each(|_| circuit.failed(Moment::ZERO, Moment::ZERO, &backoff, 0.0));
        assert!(circuit.is_open());
        assert_eq!(circuit.leave(1), None);
        let mut now = Moment::ZERO;
        let mut waits = vec![];
        while !circuit.exhausted() {
            let due = circuit.leave(0).unwrap_or_default();
            waits.push((due - now).as_secs());
            now = due;
            circuit.failed(now, now, &backoff, 0.0);
        }
        assert_eq!(waits, [1, 2, 4]);
        circuit.passed();
        assert!(!circuit.is_open());
    }

    #[test]
    fn calls_that_were_already_out_when_it_opened_are_no_probes() {
        let backoff = Backoff::default();
        let mut circuit = Circuit::new(2);
        (0..20).for_each(|_| circuit.failed(Moment::ZERO, Moment::ZERO, &backoff, 0.0));
        assert!(circuit.is_open() && !circuit.exhausted());
    }

    proptest! {
        #[test]
        fn no_header_value_makes_it_panic(value in ".*", date in proptest::option::of(".*")) {
            retry_after([value.as_str()], date.as_deref(), at(1_000_000));
        }
    }
}
