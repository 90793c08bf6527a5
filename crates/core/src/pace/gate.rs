//! One count of calls: the token's, or one service's behind it.

use super::quota::Quota;
use super::throttle::{Leave, Pause, Throttle};
use crate::Moment;
use crate::backoff::Backoff;
use std::collections::VecDeque;
use std::time::Duration;

/// The longest gap between calls that leave after a pause.
pub(super) const RAMP_GAP: Duration = Duration::from_millis(10);
/// The vendor's clock and ours tick apart by timers' resolution; a permit is held that much longer.
pub(super) const MARGIN: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Passed,
    Lost,
}

/// One count: the token's, or one service's behind it.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) quota: Quota,
    /// Learned; between one and `quota.allowed`.
    allowance: f64,
    outstanding: u32,
    /// When calls were answered, oldest first, and whether they got through.
    spent: VecDeque<(Moment, bool)>,
    pub(super) paused_until: Moment,
    /// After a pause one call goes first; the others follow when it got through.
    pub(super) probing: bool,
    cut_at: Option<Moment>,
    raise_at: Moment,
    in_a_row: u32,
    last_wait: Duration,
    pub(super) throttled_since: Option<Moment>,
    burst: Burst,
    short: Option<Short>,
    /// The quota is our own guess: see [`super::Pacer::guessed`].
    pub(super) guessed: bool,
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
    pub(super) fn new(quota: Quota) -> Self {
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

    pub(super) fn sent(&mut self, now: Moment) {
        self.outstanding += 1;
        self.burst.began.get_or_insert(now);
    }

    pub(super) fn fresh(&self) -> Self {
        Self { guessed: self.guessed, ..Self::new(self.quota) }
    }

    pub(super) fn set_quota(&mut self, quota: Quota) {
        let untouched = self.cut_at.is_none();
        self.quota = Quota { allowed: quota.allowed.max(1), ..quota };
        let cap = f64::from(self.quota.allowed);
        self.allowance = if untouched { cap } else { self.allowance.min(cap) };
    }

    pub(super) fn allowance(&self) -> u32 {
        (self.allowance as u32).clamp(1, self.quota.allowed)
    }

    /// Forgets what has left the window; raises the allowance after a quiet one (+5 % of the quota).
    pub(super) fn advance(&mut self, now: Moment) {
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
    pub(super) fn most(&self) -> usize {
        let probe = f64::from(u8::from(self.probing)) * self.burst.allowance;
        (self.allowance.max(probe) as usize).clamp(1, self.quota.allowed as usize)
    }

    pub(super) fn room(&mut self, now: Moment) -> usize {
        match self.leave(now) {
            Leave::Now => self.most() - (self.spent.len() + self.outstanding as usize),
            _ => 0,
        }
    }

    pub(super) fn leave(&mut self, now: Moment) -> Leave {
        self.opens(1, now)
    }

    pub(super) fn opens(&mut self, calls: usize, now: Moment) -> Leave {
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

    pub(super) fn ended(&mut self, sent: Moment, now: Moment, how: Ended) {
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

    pub(super) fn throttled(
        &mut self,
        sent: Moment,
        now: Moment,
        throttle: &Throttle,
        backoff: &Backoff,
        draw: f64,
    ) -> Pause {
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
