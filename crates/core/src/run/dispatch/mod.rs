//! Which call leaves, on which token, and when to ask again: pacer, circuit, budget and concurrency composed.
//!
//! Plain values, as [`super::Sender`] is: [`Dispatcher::poll`] says what the driver does next, [`Dispatcher::landed`] takes
//! what came of a call. `answer` is the policy as tables, `heard` does what they say, `flow` holds the calls of a phase.

mod answer;
mod flow;
mod heard;

pub use flow::{Flow, Pending};
pub use heard::{Heard, NotAnswered, Told};

use super::{Ending, Turn};
use crate::Moment;
use crate::backoff::Backoff;
use crate::concurrency::Concurrency;
use crate::pace::{Leave, Pacer, Quota};
use crate::retry::{Budget, Circuit};
use crate::summary::Effort;
use crate::vendor::{Effect, Refusal, Request};
use flow::Out;
use std::time::Duration;

/// Calls looked at beyond the first that may not leave.
const LOOK_AHEAD: usize = 32;

/// What a dispatcher keeps within.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A token's quota.
    pub quota: Quota,
    /// Whether the vendor publishes it: a guess is halved at a throttle, and so are the calls in flight.
    pub quota_is_published: bool,
    /// An even drip instead of bursts.
    pub spread: bool,
    /// Tokens.
    pub tokens: u32,
    /// Calls in flight, at the most.
    pub max_concurrent: u32,
    /// The longest pause.
    pub max_wait: Duration,
    /// Retries of one call.
    pub max_retries: u32,
    /// How waits between them grow.
    pub backoff: Backoff,
    /// A harmless read that shows whether the vendor is well: it is sent in a call's place while nobody gets through, so that
    /// what the vendor fails at is told from a vendor that fails. Without one, calls are tried.
    pub probe: Option<Request>,
}

/// A token, as far as its pace and its life go; the secret is the driver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Counts the tokens of a run, so that a refusal can be told from one of an earlier token.
    pub generation: u64,
    /// From here on it is refreshed before anything is sent.
    pub refresh: Option<Moment>,
    /// When the last call left that was let through with it.
    accepted: Option<Moment>,
}

impl Token {
    /// One that was just had.
    pub fn new(generation: u64, refresh: Option<Moment>) -> Self {
        Self { generation, refresh, accepted: None }
    }

    fn is_fresh(&self, now: Moment) -> bool {
        self.refresh.is_none_or(|refresh| now < refresh)
    }
}

/// One token and its pace.
#[derive(Debug)]
struct Slot {
    pacer: Pacer,
    token: Option<Token>,
    minting: bool,
    /// A token that replaces a refused one is tried by one call before the others follow.
    proving: bool,
    in_flight: usize,
}

impl Slot {
    fn is_open(&self, now: Moment) -> bool {
        !self.minting
            && self.pacer.paused_until(now).is_none()
            && self.token.as_ref().is_some_and(|token| token.is_fresh(now))
    }
}

/// What the driver does next.
#[derive(Debug)]
pub enum Step<T> {
    /// The phase is told that this call has ended.
    Ended(Box<Pending<T>>, Ending),
    /// The phase is asked for its next call, which is given to [`Flow::offer`]; where it has none, this is waited for.
    Ask(Turn, Wake),
    /// This is sent, with the token of this slot and generation.
    Send {
        /// The call's number: [`Dispatcher::landed`] is told by it.
        call: u64,
        /// The token slot.
        slot: usize,
        /// What is sent.
        request: Request,
    },
    /// A token is minted for this slot; `good` says whether the last one was, so that its successor may be used.
    Mint {
        /// The token slot.
        slot: usize,
        /// The new token's.
        generation: u64,
        /// See above.
        good: bool,
    },
    /// Nothing can be done before.
    Wait(Wake),
}

/// When there is something to do again, if nothing happens before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// At this moment.
    At(Moment),
    /// When something has happened.
    OnEvent,
    /// Never: all is done.
    Done,
}

/// Why nothing more may leave: a cause that is everyone's.
#[derive(Debug, Clone, PartialEq)]
pub enum Stopped {
    /// Throttled for longer than the longest pause.
    Throttled(Duration),
    /// A fresh token was refused.
    Unauthorized(Refusal),
    /// Nothing answers.
    Unreachable(String),
    /// The vendor is in trouble.
    Trouble(String),
}

/// What paces and retries the calls of a run, over all its phases.
#[derive(Debug)]
pub struct Dispatcher {
    limits: Limits,
    slots: Vec<Slot>,
    concurrency: Concurrency,
    circuit: Circuit,
    budget: Budget,
    last_success: Option<Moment>,
    /// Calls whose fresh token was refused, for what may be a row's fault, since anybody got through.
    suspects: u32,
    generations: u64,
    effort: Effort,
    told: Vec<Told>,
    /// The probe that is out.
    probe: Option<Probe>,
    probes: u64,
}

/// A probe that is out.
#[derive(Debug)]
struct Probe {
    call: u64,
    request: Request,
    sent: Moment,
    slot: usize,
    generation: u64,
}

impl Dispatcher {
    /// One that has sent nothing.
    pub fn new(limits: Limits) -> Self {
        let pacer = Pacer::new(limits.quota, limits.spread);
        let pacer = if limits.quota_is_published { pacer } else { pacer.guessed() };
        let slot = || Slot { pacer: pacer.clone(), token: None, minting: false, proving: false, in_flight: 0 };
        Self {
            slots: (0..limits.tokens.max(1)).map(|_| slot()).collect(),
            concurrency: Concurrency::new(limits.max_concurrent),
            // Two probes more than a call's own retries: by default 1 + 2 + … + 32 + 60 s, two minutes of outage.
            circuit: Circuit::new(limits.max_retries + 2),
            budget: Budget::new(),
            last_success: None,
            suspects: 0,
            generations: 0,
            effort: Effort::default(),
            told: vec![],
            probe: None,
            probes: 0,
            limits,
        }
    }

    /// The quota of each token is known.
    pub fn set_quota(&mut self, quota: Quota) {
        self.slots.iter_mut().for_each(|slot| slot.pacer.set_quota(quota));
    }

    /// The quota of all tokens together, as it is taken to be now.
    pub fn quota(&self) -> Quota {
        let window = self.slots.first().map_or(Duration::ZERO, |slot| slot.pacer.window());
        Quota { allowed: u32::try_from(self.allowance()).unwrap_or(u32::MAX), window }
    }

    /// Calls that a window holds, over all tokens.
    pub fn allowance(&self) -> u64 {
        self.slots.iter().map(|slot| u64::from(slot.pacer.allowance())).sum()
    }

    /// What was spent so far.
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// What a person may want to know, since it was asked last.
    pub fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// A token was minted by so many calls, or was not.
    pub fn minted(&mut self, slot: usize, calls: u64, token: Option<Token>) {
        self.effort.calls.token += calls;
        let Some(slot) = self.slots.get_mut(slot) else { return };
        slot.minting = false;
        slot.token = token.or(slot.token);
    }

    /// No token is being minted any more.
    pub fn mints_nothing(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.minting = false);
    }

    /// What is to be done now.
    pub fn poll<T>(&mut self, flow: &mut Flow<T>, now: Moment, draw: f64) -> Step<T> {
        flow.wake(now);
        if let Some((call, ending)) = flow.ended(now) {
            return Step::Ended(Box::new(call), ending);
        }
        if self.probe.is_some() || flow.out() >= self.concurrency.limit() as usize {
            return Step::Wait(Wake::OnEvent);
        }
        if flow.ready.is_empty() {
            let idle = flow.is_idle();
            return Step::Ask(self.turn(idle, now), if idle { Wake::Done } else { Wake::OnEvent });
        }
        match self.circuit.leave(flow.out()) {
            Some(at) if at <= now => {}
            Some(at) => return Step::Wait(Wake::At(at)),
            None => return Step::Wait(Wake::OnEvent),
        }
        if let Some(request) = self.limits.probe.clone().filter(|_| self.circuit.is_open()) {
            return self.send_probe(request, now, draw);
        }
        match self.choose(flow, now) {
            Chosen::Send(at, slot) => self.send(flow, at, slot, now, draw),
            Chosen::Mint(slot) => self.mint(slot),
            // What is ready is one service's that pauses: something else may go.
            Chosen::None(wake) if flow.ready.len() < LOOK_AHEAD && self.slots.iter().any(|slot| slot.is_open(now)) => {
                Step::Ask(self.turn(false, now), wake)
            }
            Chosen::None(wake) => Step::Wait(wake),
        }
    }

    fn turn(&mut self, idle: bool, now: Moment) -> Turn {
        let room = self.slots.iter_mut().map(|slot| slot.pacer.room(now)).sum();
        let most = self.slots.iter().map(|slot| slot.pacer.most()).sum();
        // Two tokens that allow one call each let two leave at once.
        let apart = match &self.slots[..] {
            [slot] => slot.pacer.apart(),
            _ => None,
        };
        Turn { idle, now, room, most, apart }
    }

    /// When so many calls may leave at once, over all tokens.
    pub fn opens(&mut self, calls: usize, now: Moment) -> Wake {
        let mut permits: Vec<Moment> = vec![];
        for slot in &mut self.slots {
            for call in 1..=calls.min(slot.pacer.most()) {
                match slot.pacer.opens(call, now) {
                    Leave::Now => permits.push(now),
                    Leave::At(at) => permits.push(at),
                    Leave::AfterAnAnswer => break,
                }
            }
        }
        permits.sort_unstable();
        permits.get(calls.saturating_sub(1)).copied().map_or(Wake::OnEvent, Wake::At)
    }

    /// The first ready call that some token lets leave; else when to ask again.
    fn choose<T>(&mut self, flow: &Flow<T>, now: Moment) -> Chosen {
        let mut wake: Option<Moment> = None;
        let mut asked: Vec<&'static str> = vec![];
        for (at, call) in flow.ready.iter().enumerate() {
            let template = call.request.template;
            if asked.contains(&template) {
                continue;
            }
            asked.push(template);
            match self.slot_for(template, now) {
                Ok(Found::Open(slot)) => return Chosen::Send(at, slot),
                Ok(Found::Unminted(slot)) => return Chosen::Mint(slot),
                Err(at) => wake = [wake, at].into_iter().flatten().min(),
            }
        }
        Chosen::None(wake.map_or(Wake::OnEvent, Wake::At))
    }

    /// The slot whose token lets a call on `template` leave; else when to ask again, where that is known.
    fn slot_for(&mut self, template: &'static str, now: Moment) -> Result<Found, Option<Moment>> {
        let mut wake: Option<Moment> = None;
        for (number, slot) in self.slots.iter_mut().enumerate() {
            match slot.pacer.leave(template, now) {
                Leave::Now if slot.token.is_some_and(|token| token.is_fresh(now)) => {
                    if !slot.proving || slot.in_flight == 0 {
                        return Ok(Found::Open(number));
                    }
                }
                // Tokens are minted as they are needed: the next slot's turn comes when this one is full.
                Leave::Now if slot.minting => break,
                Leave::Now => return Ok(Found::Unminted(number)),
                Leave::At(moment) => wake = Some(wake.map_or(moment, |wake| wake.min(moment))),
                Leave::AfterAnAnswer => {}
            }
        }
        Err(wake)
    }

    fn send_probe<T>(&mut self, request: Request, now: Moment, draw: f64) -> Step<T> {
        let number = match self.slot_for(request.template, now) {
            Ok(Found::Open(number)) => number,
            Ok(Found::Unminted(number)) => return self.mint(number),
            Err(wake) => return Step::Wait(wake.map_or(Wake::OnEvent, Wake::At)),
        };
        let slot = &mut self.slots[number];
        let generation = slot.token.map_or(0, |token| token.generation);
        slot.pacer.sent(request.template, now, draw);
        slot.in_flight += 1;
        self.effort.calls.read += 1;
        // Numbers of calls count up from one, those of probes down from the last.
        let call = u64::MAX - self.probes;
        self.probes += 1;
        self.probe = Some(Probe { call, request: request.clone(), sent: now, slot: number, generation });
        Step::Send { call, slot: number, request }
    }

    /// What was sent, of a call that is out.
    pub fn request<'a, T>(&'a self, flow: &'a Flow<T>, call: u64) -> Option<&'a Request> {
        let probe = self.probe.as_ref().filter(|probe| probe.call == call).map(|probe| &probe.request);
        probe.or_else(|| flow.request(call))
    }

    fn mint<T>(&mut self, number: usize) -> Step<T> {
        self.generations += 1;
        let slot = &mut self.slots[number];
        slot.minting = true;
        // What came with a token that was refused is no better than that one.
        Step::Mint { slot: number, generation: self.generations, good: !slot.proving }
    }

    fn send<T>(&mut self, flow: &mut Flow<T>, at: usize, number: usize, now: Moment, draw: f64) -> Step<T> {
        let (Some(mut call), slot) = (flow.ready.remove(at), &mut self.slots[number]) else {
            return Step::Wait(Wake::OnEvent);
        };
        let generation = slot.token.map_or(0, |token| token.generation);
        slot.pacer.sent(call.request.template, now, draw);
        slot.in_flight += 1;
        call.attempts += 1;
        call.left = now;
        self.effort.retries += u64::from(call.attempts > 1);
        match call.request.effect {
            Effect::Read => self.effort.calls.read += 1,
            Effect::Write => self.effort.calls.write += 1,
        }
        let request = call.request.clone();
        let name = flow.number();
        flow.out.insert(name, Out { call, sent: now, slot: number, generation });
        Step::Send { call: name, slot: number, request }
    }
}

enum Found {
    Open(usize),
    Unminted(usize),
}

enum Chosen {
    Send(usize, usize),
    Mint(usize),
    None(Wake),
}
