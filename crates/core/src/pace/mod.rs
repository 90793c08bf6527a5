//! When may the next call leave?
//!
//! A rolling count as plain arithmetic: it owns no clock and never sleeps. The promise: in any stretch of
//! `window`, the vendor sees at most `allowed` calls of this token, whatever the latency and whichever kind of
//! window (fixed or sliding) it counts in. A permit comes free one window after its *answer* arrived, because the
//! vendor counted the call no later than that.
//!
//! A 429 all the same means that somebody else spends the quota, or that the limit is lower than we think. Then the
//! token pauses for as long as the vendor says, what got through becomes the new allowance, and every quiet
//! window raises it a little again. Where calls get through again long before our window is over, the vendor counts in a
//! shorter one: then that much in that stretch is what it allows, and our own count stays as it was.

mod gate;
mod quota;
#[cfg(test)]
mod tests;
mod throttle;

pub use quota::Quota;
pub use throttle::{Leave, Pause, Scope, Throttle};

use crate::Moment;
use crate::backoff::Backoff;
use gate::{Ended, Gate, RAMP_GAP};
use std::collections::HashMap;
use std::time::Duration;

/// The pace of one token.
#[derive(Debug, Clone)]
pub struct Pacer {
    token: Gate,
    services: HashMap<&'static str, Gate>,
    spread: bool,
    ramp: u32,
    next_in_ramp: Moment,
    last_sent: Option<Moment>,
    last_passed: Option<(&'static str, Moment)>,
}

/// Calls that leave with jitter between them after a pause, before the burst goes on.
const RAMP: u32 = 10;

impl Pacer {
    /// Paces to `quota`; with `spread` as an even drip instead of bursts.
    pub fn new(quota: Quota, spread: bool) -> Self {
        Self {
            token: Gate::new(quota),
            services: HashMap::new(),
            spread,
            ramp: 0,
            next_in_ramp: Moment::ZERO,
            last_sent: None,
            last_passed: None,
        }
    }

    /// The quota is our own guess, for the vendor publishes none: a throttle halves it, whatever got through.
    pub fn guessed(mut self) -> Self {
        self.token.guessed = true;
        self
    }

    /// Takes a new quota (the vendor's limits call has answered); what was spent stays spent.
    pub fn set_quota(&mut self, quota: Quota) {
        self.token.set_quota(quota);
        self.services.values_mut().for_each(|gate| gate.set_quota(quota));
    }

    /// The stretch that calls are counted in.
    pub fn window(&self) -> Duration {
        self.token.quota.window
    }

    /// The calls that this token is now taken to be allowed in a window.
    pub fn allowance(&self) -> u32 {
        self.token.allowance()
    }

    /// Until when the token pauses, where it does.
    pub fn paused_until(&self, now: Moment) -> Option<Moment> {
        (self.token.paused_until > now).then_some(self.token.paused_until)
    }

    /// Calls that this token's count lets leave at once; a service behind the gateway may let fewer.
    pub fn room(&mut self, now: Moment) -> usize {
        self.token.room(now)
    }

    /// When this token's count lets `calls` calls leave at once, as many as it ever does at the most.
    pub fn opens(&mut self, calls: usize, now: Moment) -> Leave {
        self.token.opens(calls, now)
    }

    /// Calls that this token's count lets leave at once at the most, as it is now taken to be.
    pub fn most(&self) -> usize {
        self.token.most()
    }

    /// The time between calls, where the quota is so small that what one has read is old before the next may leave. What a
    /// throttle has cut an allowance to is no quota: it rises again.
    pub fn apart(&self) -> Option<Duration> {
        let gap = self.token.quota.window / if self.spread { self.token.allowance() } else { self.token.quota.allowed };
        let single = self.token.quota.allowed < 2 || self.spread;
        (single && gap > Duration::from_secs(2)).then_some(gap)
    }

    /// May a call on `template` (method and path template) leave at `now`?
    pub fn leave(&mut self, template: &'static str, now: Moment) -> Leave {
        let mut latest = Moment::ZERO;
        let service = self.services.entry(template).or_insert_with(|| self.token.fresh());
        for gate in [&mut self.token, service] {
            match gate.leave(now) {
                Leave::Now => {}
                Leave::At(at) => latest = latest.max(at),
                Leave::AfterAnAnswer => return Leave::AfterAnAnswer,
            }
        }
        if self.ramp > 0 {
            latest = latest.max(self.next_in_ramp);
        }
        if let (true, Some(last)) = (self.spread, self.last_sent) {
            latest = latest.max(last + self.token.quota.window / self.token.allowance().max(1));
        }
        if latest > now { Leave::At(latest) } else { Leave::Now }
    }

    /// A call on `template` leaves at `now`, after [`Leave::Now`]. `draw` is uniform in `0.0..1.0`.
    pub fn sent(&mut self, template: &'static str, now: Moment, draw: f64) {
        self.token.sent(now);
        self.service(template).sent(now);
        self.last_sent = Some(now);
        if self.ramp > 0 {
            self.ramp -= 1;
            self.next_in_ramp = now + RAMP_GAP.mul_f64(draw.clamp(0.0, 1.0));
        }
    }

    /// A call that left at `sent` was answered at `now` with anything but a 429.
    pub fn passed(&mut self, template: &'static str, sent: Moment, now: Moment) {
        self.token.ended(sent, now, Ended::Passed);
        self.service(template).ended(sent, now, Ended::Passed);
        self.last_passed = Some((template, now));
    }

    /// A call that left at `sent` ended at `now` without an answer.
    pub fn lost(&mut self, template: &'static str, sent: Moment, now: Moment) {
        self.token.ended(sent, now, Ended::Lost);
        self.service(template).ended(sent, now, Ended::Lost);
    }

    /// A call that left at `sent` was answered 429 at `now`: pauses as `throttle` asks, or by `backoff` where the answer asks
    /// for nothing that can be read.
    pub fn throttled(
        &mut self,
        template: &'static str,
        sent: Moment,
        now: Moment,
        throttle: &Throttle,
        backoff: &Backoff,
        draw: f64,
    ) -> Pause {
        // Another template got through since this one's trouble began: the token has quota, the service has not.
        let others_pass = self
            .service(template)
            .throttled_since
            .is_some_and(|since| self.last_passed.is_some_and(|(other, at)| other != template && at > since));
        let service = match throttle.scope {
            Scope::Token => false,
            Scope::Service => true,
            Scope::Unsaid => others_pass,
        };
        self.ramp = RAMP;
        self.next_in_ramp = now;
        if service {
            self.token.ended(sent, now, Ended::Lost);
            return Pause { service, ..self.service(template).throttled(sent, now, throttle, backoff, draw) };
        }
        let gate = self.service(template);
        gate.ended(sent, now, Ended::Lost);
        gate.throttled_since.get_or_insert(now);
        self.token.throttled(sent, now, throttle, backoff, draw)
    }

    /// The vendor asked for a rest without a 429 (503 with Retry-After): nothing leaves for `wait`.
    pub fn hold(&mut self, now: Moment, wait: Duration) {
        self.token.paused_until = self.token.paused_until.max(now + wait);
        self.token.probing = true;
        self.ramp = RAMP;
    }

    fn service(&mut self, template: &'static str) -> &mut Gate {
        self.services.entry(template).or_insert_with(|| self.token.fresh())
    }
}
