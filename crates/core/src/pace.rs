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

use crate::Moment;
use crate::backoff::Backoff;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Calls allowed in any stretch of `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quota {
    /// Calls, at least one.
    pub allowed: u32,
    /// The stretch they are counted in.
    pub window: Duration,
}

impl Quota {
    /// `percent` of this quota, at least one call: others live in the tenant too.
    pub fn share(self, percent: u32) -> Self {
        let part = u64::from(self.allowed) * u64::from(percent.min(100)) / 100;
        Self { allowed: u32::try_from(part).unwrap_or(u32::MAX).max(1), ..self }
    }

    /// The least time that `calls` calls take: all but the last window in full (DESIGN.md, section 9).
    pub fn time_for(self, calls: u64) -> Duration {
        let windows = calls.saturating_sub(1) / u64::from(self.allowed.max(1));
        self.window.saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX))
    }
}

/// Whose limit a 429 speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The token's: everything pauses.
    Token,
    /// One service's behind the gateway: its method and path template pause.
    Service,
    /// The answer does not say.
    Unsaid,
}

/// What the pacer says of a call that wants to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It may leave now.
    Now,
    /// Ask again at this moment.
    At(Moment),
    /// Ask again when an answer has come.
    AfterAnAnswer,
}

/// A pause that a 429 began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// No call leaves before.
    pub until: Moment,
    /// How long that is from the answer.
    pub wait: Duration,
    /// Since when nothing has got through here.
    pub since: Moment,
    /// Only one method and path template pause.
    pub service: bool,
}

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
/// The longest of those gaps.
const RAMP_GAP: Duration = Duration::from_millis(10);
/// The vendor's clock and ours tick apart by timers' resolution; a permit is held that much longer.
const MARGIN: Duration = Duration::from_millis(2);

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

    /// A call that left at `sent` was answered 429 at `now`: pauses for `asked`, or by `backoff` where the answer asks
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

/// What a 429 said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Whose limit.
    pub scope: Scope,
    /// Its Retry-After, where it could be read.
    pub retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Passed,
    Lost,
}

/// One count: the token's, or one service's behind it.
#[derive(Debug, Clone)]
struct Gate {
    quota: Quota,
    /// Learned; between one and `quota.allowed`.
    allowance: f64,
    outstanding: u32,
    /// When calls were answered, oldest first, and whether they got through.
    spent: VecDeque<(Moment, bool)>,
    paused_until: Moment,
    /// After a pause one call goes first; the others follow when it got through.
    probing: bool,
    cut_at: Option<Moment>,
    raise_at: Moment,
    in_a_row: u32,
    last_wait: Duration,
    throttled_since: Option<Moment>,
    burst: Burst,
    short: Option<Short>,
    /// See [`Pacer::guessed`].
    guessed: bool,
}

/// The calls since the vendor last let us through again.
#[derive(Debug, Clone, Copy, Default)]
struct Burst {
    began: Option<Moment>,
    passed: u32,
    /// Those of the last shorter window before a 429 ended it.
    recent: u32,
    /// The allowance before a 429 ended it.
    allowance: f64,
}

/// A window of the vendor's that is shorter than ours.
#[derive(Debug, Clone, Copy)]
struct Short {
    calls: f64,
    window: Duration,
    raise_at: Moment,
}

impl Gate {
    fn new(quota: Quota) -> Self {
        let quota = Quota { allowed: quota.allowed.max(1), ..quota };
        Self {
            quota,
            allowance: f64::from(quota.allowed),
            outstanding: 0,
            spent: VecDeque::new(),
            paused_until: Moment::ZERO,
            probing: false,
            cut_at: None,
            raise_at: Moment::ZERO,
            in_a_row: 0,
            last_wait: Duration::ZERO,
            throttled_since: None,
            burst: Burst::default(),
            short: None,
            guessed: false,
        }
    }

    fn sent(&mut self, now: Moment) {
        self.outstanding += 1;
        self.burst.began.get_or_insert(now);
    }

    fn fresh(&self) -> Self {
        Self { guessed: self.guessed, ..Self::new(self.quota) }
    }

    fn set_quota(&mut self, quota: Quota) {
        let untouched = self.cut_at.is_none();
        self.quota = Quota { allowed: quota.allowed.max(1), ..quota };
        let cap = f64::from(self.quota.allowed);
        self.allowance = if untouched { cap } else { self.allowance.min(cap) };
    }

    fn allowance(&self) -> u32 {
        (self.allowance as u32).clamp(1, self.quota.allowed)
    }

    /// Forgets what has left the window; raises the allowance after a quiet one (+5 % of the quota).
    fn advance(&mut self, now: Moment) {
        while self.spent.front().is_some_and(|(at, _)| *at + self.quota.window + MARGIN <= now) {
            self.spent.pop_front();
        }
        let cap = f64::from(self.quota.allowed);
        while self.allowance < cap && self.raise_at <= now {
            self.allowance = (self.allowance + (cap * 0.05).max(1.0)).min(cap);
            self.raise_at += self.quota.window.max(Duration::from_millis(1));
        }
        while let Some(short) = self.short.as_mut().filter(|short| short.raise_at <= now) {
            short.calls += (short.calls * 0.05).max(1.0);
            short.raise_at += short.window.max(Duration::from_millis(1));
            if short.calls >= self.allowance {
                self.short = None;
            }
        }
    }

    /// When the shorter window, where there is one, has room again.
    fn leave_short(&self, now: Moment) -> Leave {
        let Some(short) = self.short else { return Leave::Now };
        let ends = |at: Moment| at + short.window + MARGIN;
        let within = self.spent.iter().rev().take_while(|(at, _)| ends(*at) > now).count();
        let used = within + self.outstanding as usize;
        let calls = (short.calls as usize).max(1);
        if used < calls {
            return Leave::Now;
        }
        match self.spent.get(self.spent.len() - within + (used - calls)) {
            Some((at, _)) => Leave::At(ends(*at)),
            None => Leave::AfterAnAnswer,
        }
    }

    /// The first call got through again after a 429.
    fn recovered(&mut self, sent: Moment, now: Moment) {
        let Burst { began, passed, recent, allowance } = self.burst;
        let (passed, window) = match self.short {
            // Known already: what got through in its last stretch, and never a shorter one than the vendor's pause.
            Some(short) => {
                let pause = now.saturating_sub(self.throttled_since.unwrap_or(now));
                (recent.max((short.calls / 2.0) as u32), short.window.max(pause))
            }
            None => (passed, now.saturating_sub(began.unwrap_or(now))),
        };
        let known = self.short.take().is_some();
        if self.guessed {
            self.burst = Burst { began: Some(sent), ..Burst::default() };
            return;
        }
        // Few calls in a short time say nothing: a window of ours that somebody else had filled ends as soon.
        if window * 2 < self.quota.window && (known || f64::from(passed) * 10.0 >= allowance) {
            self.allowance = allowance.max(self.allowance);
            self.short = Some(Short { calls: f64::from(passed), window, raise_at: now + window });
        }
        self.burst = Burst { began: Some(sent), ..Burst::default() };
    }

    /// What a window holds now. A probe goes by what was allowed before: only when it gets through is it known which
    /// window was full.
    fn most(&self) -> usize {
        let probe = f64::from(u8::from(self.probing)) * self.burst.allowance;
        (self.allowance.max(probe) as usize).clamp(1, self.quota.allowed as usize)
    }

    fn room(&mut self, now: Moment) -> usize {
        match self.leave(now) {
            Leave::Now => self.most() - (self.spent.len() + self.outstanding as usize),
            _ => 0,
        }
    }

    fn leave(&mut self, now: Moment) -> Leave {
        self.opens(1, now)
    }

    fn opens(&mut self, calls: usize, now: Moment) -> Leave {
        self.advance(now);
        if now < self.paused_until {
            return Leave::At(self.paused_until);
        }
        if self.probing && self.outstanding > 0 {
            return Leave::AfterAnAnswer;
        }
        let most = self.most();
        let used = self.spent.len() + self.outstanding as usize + calls.clamp(1, most) - 1;
        if used < most {
            return if self.probing { Leave::Now } else { self.leave_short(now) };
        }
        // The permit that has to come free is not the oldest where the allowance has been cut since.
        match self.spent.get(used - most) {
            Some((at, _)) => Leave::At(*at + self.quota.window + MARGIN),
            None => Leave::AfterAnAnswer,
        }
    }

    fn ended(&mut self, sent: Moment, now: Moment, how: Ended) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.spent.push_back((now, how == Ended::Passed));
        if how == Ended::Lost {
            self.probing = false;
            return;
        }
        if self.cut_at.is_some_and(|cut| sent <= cut) {
            // It was in flight at the cut and got through: the window had room for it too.
            let room = f64::from(u8::from(!self.guessed));
            self.allowance = (self.allowance + room).min(f64::from(self.quota.allowed));
        } else {
            if self.in_a_row > 0 {
                self.recovered(sent, now);
            }
            self.probing = false;
            self.in_a_row = 0;
            self.last_wait = Duration::ZERO;
            self.throttled_since = None;
        }
        self.burst.passed += 1;
    }

    fn throttled(&mut self, sent: Moment, now: Moment, throttle: &Throttle, backoff: &Backoff, draw: f64) -> Pause {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.advance(now);
        let since = *self.throttled_since.get_or_insert(now);
        let new_event = self.cut_at.is_none_or(|cut| sent > cut);
        if new_event {
            if self.in_a_row == 0 {
                let stretch = self.short.map_or(Duration::ZERO, |short| short.window);
                let recent = self.spent.iter().rev().take_while(|(at, _)| *at + stretch > now);
                self.burst.recent = recent.filter(|(_, passed)| *passed).count() as u32;
                self.burst.allowance = self.allowance;
            }
            let passed = self.spent.iter().filter(|(_, passed)| *passed).count() as f64;
            // Somebody else may have had this window: never below half of what we took ourselves to have.
            let least = if self.guessed { 0.0 } else { passed };
            self.allowance = least.max(self.allowance / 2.0).clamp(1.0, f64::from(self.quota.allowed));
            self.cut_at = Some(now);
            self.in_a_row += 1;
            self.last_wait = backoff.wait(self.in_a_row, self.last_wait, draw);
        }
        self.spent.push_back((now, false));
        // A wait of nothing is no wait to learn from: without the backoff a storm of those would be a busy loop.
        let wait = throttle.retry_after.filter(|wait| !wait.is_zero()).unwrap_or(self.last_wait);
        self.paused_until = self.paused_until.max(now + wait + RAMP_GAP.mul_f64(draw.clamp(0.0, 1.0)));
        self.raise_at = self.paused_until + self.quota.window;
        self.probing = true;
        Pause { until: self.paused_until, wait, since, service: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: &str = "PATCH /users/{id}";
    const READ: &str = "GET /users";

    fn ms(milliseconds: u64) -> Moment {
        Duration::from_millis(milliseconds)
    }

    fn quota(allowed: u32, window_ms: u64) -> Quota {
        Quota { allowed, window: ms(window_ms) }
    }

    fn says(retry_after: Option<u64>) -> Throttle {
        Throttle { scope: Scope::Unsaid, retry_after: retry_after.map(Duration::from_secs) }
    }

    /// Sends `calls` calls of `latency` one after another and says when each left.
    fn drive(pacer: &mut Pacer, calls: usize, latency: Duration) -> Vec<Moment> {
        let mut now = Moment::ZERO;
        let mut left = vec![];
        while left.len() < calls {
            match pacer.leave(T, now) {
                Leave::Now => {
                    left.push(now);
                    pacer.sent(T, now, 0.5);
                    pacer.passed(T, now, now + latency);
                    now += latency;
                }
                Leave::At(at) => now = at,
                Leave::AfterAnAnswer => unreachable!("every call is answered at once"),
            }
        }
        left
    }

    #[test]
    fn a_burst_fills_the_window_and_the_next_waits_for_it() {
        let left = drive(&mut Pacer::new(quota(300, 6_000), false), 301, ms(0));
        assert_eq!(left[299], ms(0));
        assert_eq!(left[300], ms(6_002));
    }

    #[test]
    fn fifteen_hundred_calls_take_the_windows_ideal_time() {
        let left = drive(&mut Pacer::new(quota(300, 6_000), false), 1_500, ms(0));
        let ideal = quota(300, 6_000).time_for(1_500);
        assert!(left[1_499].as_secs_f64() <= ideal.as_secs_f64() * 1.02, "{:?}", left[1_499]);
    }

    #[test]
    fn a_guessed_quota_is_halved_by_each_throttle_and_raised_by_one_a_quiet_window() {
        let mut pacer = Pacer::new(quota(8, 1_000), false).guessed();
        let backoff = Backoff::default();
        let mut now = ms(0);
        let throttle = |pacer: &mut Pacer, now: Moment| {
            // Seven got through: of a published quota that would be the new allowance.
            for _ in 0..7 {
                pacer.sent(T, now, 0.0);
                pacer.passed(T, now, now);
            }
            pacer.sent(T, now + ms(1), 0.0);
            pacer.throttled(T, now + ms(1), now + ms(2), &says(Some(1)), &backoff, 0.0);
            pacer.allowance()
        };
        assert_eq!(throttle(&mut pacer, now), 4);
        now += ms(1_100);
        assert_eq!(throttle(&mut pacer, now), 2);
        let raised: Vec<u32> = [2_000u64, 2_500, 3_100, 4_100]
            .iter()
            .map(|later| {
                let _ = pacer.leave(T, now + ms(*later));
                pacer.allowance()
            })
            .collect();
        assert_eq!(raised, [2, 3, 4, 5]);
    }

    #[test]
    fn spread_is_an_even_drip() {
        let left = drive(&mut Pacer::new(quota(60, 60_000), true), 5, ms(0));
        assert_eq!(left, [ms(0), ms(1_000), ms(2_000), ms(3_000), ms(4_000)]);
    }

    #[test]
    fn nothing_leaves_during_a_pause_however_long_and_one_probe_goes_first() {
        let mut pacer = Pacer::new(quota(100, 1_000), false);
        pacer.sent(T, ms(0), 0.0);
        pacer.throttled(T, ms(0), ms(10), &says(Some(7_200)), &Backoff::default(), 0.0);
        assert_eq!(pacer.leave(READ, ms(7_200_009)), Leave::At(ms(7_200_010)));
        assert_eq!(pacer.leave(T, ms(7_200_010)), Leave::Now);
        pacer.sent(T, ms(7_200_010), 0.0);
        assert_eq!(pacer.leave(T, ms(7_200_011)), Leave::AfterAnAnswer);
        pacer.passed(T, ms(7_200_010), ms(7_200_020));
        assert_eq!(pacer.leave(T, ms(7_200_020)), Leave::Now);
    }

    #[test]
    fn without_retry_after_pauses_grow_and_calls_already_out_do_not_count_twice() {
        let mut pacer = Pacer::new(quota(100, 60_000), false);
        let backoff = Backoff { jitter: crate::backoff::Jitter::None, ..Backoff::default() };
        (0..3).for_each(|_| pacer.sent(T, ms(0), 0.0));
        for _ in 0..3 {
            assert_eq!(pacer.throttled(T, ms(0), ms(5), &says(None), &backoff, 0.0).wait, ms(1_000));
        }
        for (sent, wait) in [(2_000, 2_000), (5_000, 4_000), (10_000, 8_000)] {
            pacer.sent(T, ms(sent), 0.0);
            let pause = pacer.throttled(T, ms(sent), ms(sent), &says(None), &backoff, 0.0);
            assert_eq!((pause.wait, pause.since), (ms(wait), ms(5)));
        }
    }

    #[test]
    fn what_got_through_becomes_the_allowance_and_quiet_windows_raise_it() {
        let mut pacer = Pacer::new(quota(300, 60_000), false);
        for _ in 0..200 {
            pacer.sent(T, ms(0), 0.0);
            pacer.passed(T, ms(0), ms(1));
        }
        pacer.sent(T, ms(2), 0.0);
        pacer.throttled(T, ms(2), ms(3), &says(Some(30)), &Backoff::default(), 0.0);
        assert_eq!(pacer.allowance(), 200);
        pacer.leave(T, ms(30_003 + 60_000));
        assert_eq!(pacer.allowance(), 215);
        pacer.leave(T, ms(30_003 + 60_000 * 20));
        assert_eq!(pacer.allowance(), 300);
    }

    #[test]
    fn a_window_shorter_than_ours_is_learned_and_our_own_count_stays() {
        let mut pacer = Pacer::new(quota(240, 60_000), false);
        let backoff = Backoff { jitter: crate::backoff::Jitter::None, ..Backoff::default() };
        let mut now = ms(0);
        let (mut opened, mut counted, mut throttled, mut done) = (ms(0), 0, 0, 0);
        while done < 200 {
            match pacer.leave(T, now) {
                Leave::Now => {
                    pacer.sent(T, now, 0.5);
                    if now >= opened + ms(3_000) {
                        (opened, counted) = (now, 0);
                    }
                    if counted < 40 {
                        counted += 1;
                        done += 1;
                        pacer.passed(T, now, now);
                    } else {
                        throttled += 1;
                        pacer.throttled(T, now, now, &says(None), &backoff, 0.0);
                    }
                    now += ms(1);
                }
                Leave::At(at) => now = at,
                Leave::AfterAnAnswer => unreachable!("every call is answered at once"),
            }
        }
        assert!(now < ms(30_000), "200 calls through 40 a 3 s took {now:?}");
        assert!(throttled <= 8, "{throttled} 429s");
    }

    #[test]
    fn one_early_429_costs_at_most_half_of_the_allowance() {
        let mut pacer = Pacer::new(quota(300, 60_000), false);
        pacer.sent(T, ms(0), 0.0);
        pacer.throttled(T, ms(0), ms(1), &says(Some(1)), &Backoff::default(), 0.0);
        assert_eq!(pacer.allowance(), 150);
    }

    #[test]
    fn a_services_own_limit_pauses_that_template_only() {
        let mut pacer = Pacer::new(quota(300, 60_000), false);
        pacer.sent(T, ms(0), 0.0);
        let said = Throttle { scope: Scope::Service, retry_after: Some(ms(5_000)) };
        assert!(pacer.throttled(T, ms(0), ms(1), &said, &Backoff::default(), 0.0).service);
        assert_eq!(pacer.leave(T, ms(100)), Leave::At(ms(5_001)));
        assert_eq!(pacer.leave(READ, ms(100)), Leave::Now);
        assert_eq!(pacer.allowance(), 300);
    }

    #[test]
    fn a_second_429_while_other_templates_get_through_is_the_services() {
        let mut pacer = Pacer::new(quota(300, 60_000), false);
        let backoff = Backoff::default();
        pacer.sent(T, ms(0), 0.0);
        assert!(!pacer.throttled(T, ms(0), ms(1), &says(Some(1)), &backoff, 0.0).service);
        pacer.sent(READ, ms(1_100), 0.0);
        pacer.passed(READ, ms(1_100), ms(1_150));
        pacer.sent(T, ms(1_200), 0.0);
        assert!(pacer.throttled(T, ms(1_200), ms(1_210), &says(Some(1)), &backoff, 0.0).service);
    }

    proptest! {
        /// The vendor's count is simulated: each call is counted somewhere between leaving and its answer.
        #[test]
        fn no_stretch_of_a_window_ever_holds_more_than_allowed(
            allowed in 1u32..40, latencies in proptest::collection::vec((1u64..400, 0.0f64..1.0), 1..300), concurrency in 1usize..12,
        ) {
            let window = 1_000;
            let mut pacer = Pacer::new(quota(allowed, window), false);
            let mut now = ms(0);
            let mut flying: Vec<(Moment, Moment)> = vec![]; // (answer, sent)
            let mut counted: Vec<Moment> = vec![];
            let mut next = latencies.iter();
            let mut request = next.next();
            while request.is_some() || !flying.is_empty() {
                flying.sort();
                while flying.first().is_some_and(|(answer, _)| *answer <= now) {
                    let (answer, sent) = flying.remove(0);
                    pacer.passed(T, sent, answer);
                }
                let leave = match request {
                    Some(_) if flying.len() < concurrency => pacer.leave(T, now),
                    _ => Leave::AfterAnAnswer,
                };
                match (leave, request) {
                    (Leave::Now, Some((latency, part))) => {
                        pacer.sent(T, now, 0.5);
                        flying.push((now + ms(*latency), now));
                        counted.push(now + ms(*latency).mul_f64(*part));
                        request = next.next();
                    }
                    (Leave::At(at), _) => {
                        let answer = flying.iter().map(|(answer, _)| *answer).min();
                        now = answer.map_or(at, |answer| answer.min(at));
                    }
                    _ => now = flying.iter().map(|(answer, _)| *answer).min().unwrap_or(now),
                }
            }
            counted.sort();
            for (i, from) in counted.iter().enumerate() {
                let within = counted[i..].iter().take_while(|at| **at < *from + ms(window)).count();
                prop_assert!(within <= allowed as usize, "{within} calls within a window of {allowed}");
            }
        }
    }
}
