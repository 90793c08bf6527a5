//! What came of a call: its token's pace, the circuit and the budget learn from it, and [`super::answer`] says what follows.

use super::answer::{Follow, Refused, Throttling, Trouble, on_refused_token, on_throttle, on_trouble};
use super::flow::{Flow, Out, Pending};
use super::{Dispatcher, Probe, Stopped};
use crate::Moment;
use crate::pace::{Scope, Throttle};
use crate::run::Ending;
use crate::vendor::{Answer, Refusal, Verdict};
use std::time::Duration;

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnswered {
    /// What reports call it.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// Whether the vendor may have done what was asked; else it was never sent.
    pub in_doubt: bool,
    /// No answer came within the time allowed.
    pub timed_out: bool,
    /// It must not be sent, now or later.
    pub forbidden: bool,
}

/// What a person may want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A call was answered 429 and a pause began.
    Throttled {
        /// Which.
        template: &'static str,
        /// How long it lasts.
        pause: Duration,
        /// How long nothing leaves.
        wait: Duration,
        /// Only one method and path template pause.
        service: bool,
    },
    /// A call failed and will be sent again.
    Retry {
        /// What was wrong.
        why: String,
        /// How long until then.
        wait: Duration,
        /// The number of the retry.
        retry: u32,
    },
}

/// What was heard of a call.
#[derive(Debug)]
pub struct Heard {
    /// The answer and what it means, or why there is none.
    pub result: Result<(Verdict, Answer), NotAnswered>,
    /// What the vendor said where it refused.
    pub refusal: Refusal,
    /// The vendor's Retry-After.
    pub retry_after: Option<Duration>,
}

/// A call that has ended, with how it did; `None` where it goes on.
type Landing<T> = Result<Option<(Pending<T>, Ending)>, Stopped>;

impl Dispatcher {
    /// A call was answered, or was not. What has ended is told to its phase. `draw` gives chances, uniform in `0.0..1.0`.
    ///
    /// # Errors
    /// A cause that is everyone's: nothing more is to leave.
    pub fn landed<T>(
        &mut self,
        flow: &mut Flow<T>,
        call: u64,
        heard: Heard,
        now: Moment,
        draw: &mut dyn FnMut() -> f64,
    ) -> Landing<T> {
        if let Some(probe) = self.probe.take_if(|probe| probe.call == call) {
            return self.probed(&probe, heard, now, draw()).map(|()| None);
        }
        let Some(mut out) = flow.out.remove(&call) else { return Ok(None) };
        let Heard { result, refusal, retry_after } = heard;
        self.slots[out.slot].in_flight -= 1;
        let template = out.call.request.template;
        let (verdict, answer) = match result {
            Ok(answered) => answered,
            Err(lost) => {
                self.slots[out.slot].pacer.lost(template, out.sent, now);
                out.call.in_doubt |= lost.in_doubt && out.call.writes();
                return self.trouble(flow, out, refusal, Some(&lost), now, draw);
            }
        };
        if let Verdict::Throttled(scope) = verdict {
            return self.throttled(flow, out, Throttle { scope, retry_after }, refusal, now, draw());
        }
        let pacer = &mut self.slots[out.slot].pacer;
        if verdict == Verdict::Overloaded {
            let throttle = Throttle { scope: Scope::Token, retry_after };
            pacer.throttled(template, out.sent, now, &throttle, &self.limits.backoff, draw());
        } else {
            pacer.passed(template, out.sent, now);
        }
        match verdict {
            Verdict::Transient | Verdict::Overloaded => {
                out.call.in_doubt |= out.call.writes();
                // The vendor asks everyone for a rest, not only this call.
                if let Some(wait) = retry_after.filter(|wait| !wait.is_zero()) {
                    if wait > self.limits.max_wait {
                        flow.ready.push_front(out.call);
                        return Err(Stopped::Throttled(wait));
                    }
                    self.slots[out.slot].pacer.hold(now, wait);
                }
                self.trouble(flow, out, refusal, None, now, draw)
            }
            // Something between here and the API has answered a read. Where the API has been heard before, it may be again.
            Verdict::NotTheApi if !out.call.writes() && self.last_success.is_some() => {
                self.trouble(flow, out, refusal, None, now, draw)
            }
            Verdict::NotTheApi => {
                self.circuit.passed();
                Ok(Some((out.call, Ending::Answered(Verdict::NotTheApi, answer))))
            }
            Verdict::Unauthorized { renew, may_be_the_rows } => {
                self.circuit.passed();
                self.unauthorized(flow, out, (renew, may_be_the_rows), (answer, refusal), now, draw)
            }
            verdict => {
                self.got_through(&out, now);
                Ok(Some((out.call, Ending::Answered(verdict, answer))))
            }
        }
    }

    /// What came of a probe: whether the vendor is well, and nothing for any call.
    fn probed(&mut self, probe: &Probe, heard: Heard, now: Moment, draw: f64) -> Result<(), Stopped> {
        let Heard { result, refusal, retry_after } = heard;
        let (slot, template, backoff) = (&mut self.slots[probe.slot], probe.request.template, &self.limits.backoff);
        slot.in_flight -= 1;
        let lost = match result {
            Ok((Verdict::Throttled(scope), _)) => {
                self.effort.throttled += 1;
                let throttle = Throttle { scope, retry_after };
                slot.pacer.throttled(template, probe.sent, now, &throttle, backoff, draw);
                self.circuit.passed();
                return Ok(());
            }
            Ok((Verdict::Transient | Verdict::Overloaded | Verdict::NotTheApi, _)) => {
                slot.pacer.passed(template, probe.sent, now);
                None
            }
            Ok((Verdict::Unauthorized { .. }, _)) => {
                slot.pacer.passed(template, probe.sent, now);
                if let Some(token) = slot.token.as_mut().filter(|token| token.generation == probe.generation) {
                    token.refresh = Some(now);
                    slot.proving = true;
                }
                self.circuit.passed();
                return Ok(());
            }
            Ok(_) => {
                slot.pacer.passed(template, probe.sent, now);
                self.circuit.passed();
                self.last_success = Some(now);
                return Ok(());
            }
            Err(lost) => {
                slot.pacer.lost(template, probe.sent, now);
                Some(lost)
            }
        };
        self.circuit.failed(probe.sent, now, backoff, draw);
        match lost.filter(|lost| !lost.in_doubt) {
            _ if !self.circuit.exhausted() => Ok(()),
            Some(lost) => Err(Stopped::Unreachable(lost.message)),
            None => Err(Stopped::Trouble(refusal.line())),
        }
    }

    fn got_through<T>(&mut self, out: &Out<T>, now: Moment) {
        self.circuit.passed();
        self.concurrency.on_success();
        self.last_success = Some(now);
        self.suspects = 0;
        let slot = &mut self.slots[out.slot];
        if let Some(token) = slot.token.as_mut().filter(|token| token.generation == out.generation) {
            token.accepted = token.accepted.max(Some(out.sent));
            slot.proving = false;
        }
        if out.call.attempts == 1 {
            self.budget.refund();
        }
    }

    fn throttled<T>(
        &mut self,
        flow: &mut Flow<T>,
        out: Out<T>,
        throttle: Throttle,
        refusal: Refusal,
        now: Moment,
        draw: f64,
    ) -> Landing<T> {
        let Out { mut call, sent, slot, .. } = out;
        self.effort.throttled += 1;
        self.circuit.passed();
        if !self.limits.quota_is_published {
            self.concurrency.on_failure(sent, now);
        }
        let template = call.request.template;
        let pause = self.slots[slot].pacer.throttled(template, sent, now, &throttle, &self.limits.backoff, draw);
        let wait = pause.until.saturating_sub(now);
        self.told.push(Told::Throttled { template, pause: pause.wait, wait, service: pause.service });
        let since = *call.history.throttled_since.get_or_insert(now);
        let facts = Throttling {
            pause: pause.until.saturating_sub(pause.since),
            own: pause.until.saturating_sub(since),
            max_wait: self.limits.max_wait,
            fresh: call.fresh.is_some(),
        };
        match on_throttle(facts) {
            Follow::Halt => {
                flow.ready.push_front(call);
                Err(Stopped::Throttled(pause.wait))
            }
            Follow::Exhausted => Ok(Some((call, Ending::Exhausted(refusal)))),
            Follow::Stale => Ok(Some((call, Ending::Stale))),
            _ => {
                flow.ready.push_back(call);
                Ok(None)
            }
        }
    }

    fn unauthorized<T>(
        &mut self,
        flow: &mut Flow<T>,
        out: Out<T>,
        (renew, may_be_the_rows): (bool, bool),
        (answer, refusal): (Answer, Refusal),
        now: Moment,
        draw: &mut dyn FnMut() -> f64,
    ) -> Landing<T> {
        let Out { mut call, sent, slot, generation } = out;
        let slot = &mut self.slots[slot];
        let current = slot.token.filter(|token| token.generation == generation);
        let facts = Refused {
            renew,
            may_be_the_rows,
            tokens: call.history.refused_tokens + 1,
            heard: self.last_success.is_some(),
            accepted: current.is_none_or(|token| token.accepted.is_some()),
            good: current.is_some_and(|token| token.accepted > Some(sent)),
            alone: flow.is_empty(),
            suspects: self.suspects,
        };
        match on_refused_token(facts) {
            Follow::Rejected => Ok(Some((call, Ending::Answered(Verdict::Rejected, answer)))),
            Follow::LetOthersProve => {
                self.suspects += 1;
                slot.proving = false;
                flow.wait(now + self.limits.backoff.wait(1, Duration::ZERO, draw()), call);
                Ok(None)
            }
            Follow::Halt => {
                flow.ready.push_front(call);
                Err(Stopped::Unauthorized(refusal))
            }
            _ => {
                call.history.refused_tokens += 1;
                if let Some(token) = slot.token.as_mut().filter(|token| token.generation == generation) {
                    token.refresh = Some(now.min(token.refresh.unwrap_or(now)));
                    slot.proving = true;
                }
                // Others go first: should this call be refused for itself, they prove the token.
                flow.ready.push_back(call);
                Ok(None)
            }
        }
    }

    /// A call failed for the vendor's or the network's trouble.
    fn trouble<T>(
        &mut self,
        flow: &mut Flow<T>,
        out: Out<T>,
        refusal: Refusal,
        lost: Option<&NotAnswered>,
        now: Moment,
        draw: &mut dyn FnMut() -> f64,
    ) -> Landing<T> {
        let Out { mut call, sent, .. } = out;
        self.concurrency.on_failure(sent, now);
        self.circuit.failed(sent, now, &self.limits.backoff, draw());
        call.history.failures += 1;
        let retries = call.history.failures;
        let never_sent = lost.is_some_and(|lost| !lost.in_doubt);
        let facts = Trouble {
            failures: retries,
            max_retries: self.limits.max_retries,
            circuit_exhausted: self.circuit.exhausted(),
            circuit_open: self.circuit.is_open(),
            alone: flow.is_empty(),
            unreachable: lost.is_some_and(|lost| lost.forbidden)
                || (self.last_success.is_none() && never_sent && retries > 2),
        };
        match on_trouble(facts) {
            Follow::Halt => {
                flow.ready.push_front(call);
                return Err(match lost.filter(|_| never_sent) {
                    Some(lost) => Stopped::Unreachable(lost.message.clone()),
                    None => Stopped::Trouble(refusal.line()),
                });
            }
            Follow::Exhausted => return Ok(Some((call, Ending::Exhausted(refusal)))),
            _ => {}
        }
        if !self.budget.pay(lost.is_some_and(|lost| lost.timed_out)) {
            flow.ready.push_front(call);
            let why = format!("too many calls fail, the retry budget is spent; the last: {}", refusal.line());
            return Err(Stopped::Trouble(why));
        }
        let wait = self.limits.backoff.wait(retries, call.history.last_wait, draw());
        call.history.last_wait = wait;
        self.told.push(Told::Retry { why: refusal.line(), wait, retry: retries });
        if call.fresh.is_some() {
            // What it was made from is old when the wait is over, and somebody may have been faster.
            call.ends = Some(if call.in_doubt { Ending::Doubtful(refusal) } else { Ending::Stale });
        }
        flow.wait(now + wait, call);
        Ok(None)
    }

    /// The run stops: what ends well is told to its phase, nothing is sent again.
    pub fn landed_last<T>(
        &mut self,
        flow: &mut Flow<T>,
        call: u64,
        result: Result<(Verdict, Answer), NotAnswered>,
        now: Moment,
    ) -> Option<(Pending<T>, Ending)> {
        if let Some(probe) = self.probe.take_if(|probe| probe.call == call) {
            self.slots[probe.slot].in_flight -= 1;
            self.slots[probe.slot].pacer.lost(probe.request.template, probe.sent, now);
        }
        let Out { mut call, sent, slot, .. } = flow.out.remove(&call)?;
        self.slots[slot].in_flight -= 1;
        let verdict = match result {
            Ok((verdict @ (Verdict::Applied { .. } | Verdict::Rejected), answer)) => {
                return Some((call, Ending::Answered(verdict, answer)));
            }
            Ok((verdict, _)) => Ok(verdict),
            Err(lost) => Err(lost),
        };
        self.slots[slot].pacer.lost(call.request.template, sent, now);
        self.effort.throttled += u64::from(matches!(verdict, Ok(Verdict::Throttled(_))));
        let may_be_made = match verdict {
            Ok(verdict) => {
                matches!(verdict, Verdict::Transient | Verdict::Overloaded | Verdict::Conflict | Verdict::NotTheApi)
            }
            Err(lost) => lost.in_doubt,
        };
        call.in_doubt |= call.writes() && may_be_made;
        flow.ready.push_back(call);
        None
    }
}
