//! Sends calls, as many at once and as fast as the pacer, the circuit and the concurrency limit let them leave, and
//! sees each to its end: throttles waited out, trouble retried, tokens renewed.
//!
//! One loop owns all of the state and asks `paceline-core` what to do; the tasks it spawns do nothing but send.

use crate::clock::Clock;
use crate::error::{API, Halt, Stop};
use crate::event::Event;
use crate::settings::Settings;
use crate::token::{Mint, Minted, Token};
use crate::transport::{Lost, Outgoing, Target, Transport};
use paceline_core::Moment;
use paceline_core::concurrency::Concurrency;
use paceline_core::pace::{Leave, Pacer, Quota, Scope, Throttle};
use paceline_core::retry::{self, Budget, Circuit};
use paceline_core::run::{Ending, History, Turn};
use paceline_core::summary::Effort;
use paceline_core::vendor::{Answer, Credentials, Effect, Refusal, Request, Vendor, Verdict};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Tells a run to stop: the first time gently, the second at once.
#[derive(Debug, Clone)]
pub struct Interrupt {
    presses: watch::Sender<u32>,
}

impl Interrupt {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self { presses: watch::Sender::new(0) }
    }

    /// Asks.
    pub fn press(&self) {
        self.presses.send_modify(|presses| *presses += 1);
    }

    fn presses(&self) -> u32 {
        *self.presses.borrow()
    }

    /// Waits until it has been asked so many times.
    pub async fn pressed(&self, presses: u32) {
        // The sender lives in `self`: waiting cannot fail.
        let _ = self.presses.subscribe().wait_for(|now| *now >= presses).await;
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

/// One call until its end.
#[derive(Debug)]
pub(crate) struct Job<T> {
    pub(crate) request: Request,
    /// Whatever its phase needs to know it by.
    pub(crate) tag: T,
    /// Times it was sent.
    pub(crate) attempts: u32,
    /// Whether an attempt may have had an effect that no answer told of.
    pub(crate) doubt: bool,
    /// What it has been through; what it carries keeps it where it goes on in another call.
    pub(crate) history: History,
    /// When it left last.
    pub(crate) left: Moment,
    /// It was made from users as they were just read: it is never sent a second time, and not at all after this moment.
    fresh: Option<Moment>,
    /// It is not sent again when its wait is over, but ends so.
    ends: Option<Ending>,
}

impl<T> Job<T> {
    pub(crate) fn new(request: Request, tag: T) -> Self {
        Self {
            request,
            tag,
            attempts: 0,
            doubt: false,
            history: History::default(),
            left: Moment::ZERO,
            fresh: None,
            ends: None,
        }
    }

    /// What it carries has been through this before.
    pub(crate) fn after(self, history: History) -> Self {
        Self { history, ..self }
    }

    fn is_stale(&self, now: Moment) -> bool {
        self.fresh.is_some_and(|until| self.attempts > 0 || until <= now)
    }

    /// It was made from users as they were just read, and is good until then.
    pub(crate) fn fresh_until(self, until: Moment) -> Self {
        Self { fresh: Some(until), ..self }
    }
}

/// What a phase has to send.
#[derive(Debug)]
pub(crate) enum Next<T> {
    /// This call.
    Send(Box<Job<T>>),
    /// Something, once so many calls may leave at once.
    WhenOpen(usize),
    /// Something, from then on.
    Later(Moment),
    /// Nothing until a call has ended; where none is out, that is the end.
    Nothing,
}

/// What a phase of a run gives the scheduler to send.
pub(crate) trait Phase {
    /// What its calls are known by.
    type Tag: Send + 'static;

    /// The next call.
    async fn next(&mut self, turn: Turn) -> Result<Next<Self::Tag>, Halt>;

    /// A call has ended.
    async fn ended(&mut self, job: Job<Self::Tag>, ending: Ending) -> Result<(), Halt>;

    /// When [`Phase::tick`] is due.
    fn due(&self) -> Option<Moment>;

    /// Something regular; `effort` is what this process has spent so far.
    async fn tick(&mut self, effort: Effort) -> Result<(), Halt>;

    /// The run stops, and the vendor is well: from now on only what is in doubt is asked for, so that it is told as it is.
    fn wind_down(&mut self) {}

    /// The run stops: these calls have not ended.
    async fn left(&mut self, unfinished: Vec<Job<Self::Tag>>) -> Result<(), Halt>;
}

/// One token and its pace.
#[derive(Debug)]
struct Lane {
    pacer: Pacer,
    token: Option<Token>,
    minting: bool,
    /// A token that replaces a refused one is tried by one call before the others follow.
    proving: bool,
    in_flight: usize,
}

struct Landed<T> {
    job: Job<T>,
    sent: Moment,
    lane: usize,
    generation: u64,
    result: Result<Answer, Lost>,
}

pub(crate) struct Scheduler {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) effort: Effort,
    pub(crate) events: Arc<dyn Fn(Event) + Send + Sync>,
    transport: Arc<dyn Transport>,
    credentials: Arc<Credentials>,
    interrupt: Interrupt,
    rng: fastrand::Rng,
    lanes: Vec<Lane>,
    minting: JoinSet<(usize, Minted)>,
    grant_form: usize,
    generations: u64,
    concurrency: Concurrency,
    circuit: Circuit,
    budget: Budget,
    last_success: Option<Moment>,
    /// Calls whose fresh token was refused, for what may be a row's fault, since anybody got through.
    suspects: u32,
}

/// What a scheduler needs from outside.
pub(crate) struct Parts {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) credentials: Credentials,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) interrupt: Interrupt,
    pub(crate) events: Arc<dyn Fn(Event) + Send + Sync>,
    pub(crate) seed: u64,
}

/// When the loop has something to do again, if nothing happens before.
enum Wake {
    At(Moment),
    OnEvent,
    Done,
}

impl Scheduler {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { vendor, transport, credentials, settings, clock, interrupt, events, seed } = parts;
        let quota = settings.rate.unwrap_or_else(|| vendor.facts().quota.share(settings.share));
        let pacer = Pacer::new(quota, settings.spread);
        let pacer = if vendor.facts().quota_is_published { pacer } else { pacer.guessed() };
        let lane = || Lane { pacer: pacer.clone(), token: None, minting: false, proving: false, in_flight: 0 };
        Self {
            lanes: (0..settings.tokens.max(1)).map(|_| lane()).collect(),
            minting: JoinSet::new(),
            grant_form: 0,
            generations: 0,
            concurrency: Concurrency::new(settings.max_concurrent),
            // Two probes more than a call's own retries: by default 1 + 2 + … + 32 + 60 s, two minutes of outage.
            circuit: Circuit::new(settings.max_retries + 2),
            budget: Budget::new(),
            last_success: None,
            suspects: 0,
            rng: fastrand::Rng::with_seed(seed),
            effort: Effort::default(),
            vendor,
            transport,
            credentials: Arc::new(credentials),
            settings,
            clock,
            interrupt,
            events,
        }
    }

    pub(crate) fn set_quota(&mut self, quota: Quota) {
        (self.events)(Event::Quota { allowed: quota.allowed, window_s: quota.window.as_secs_f64() });
        self.lanes.iter_mut().for_each(|lane| lane.pacer.set_quota(quota));
    }

    /// The quota of all tokens together, as it is taken to be now.
    pub(crate) fn quota(&self) -> Quota {
        let window = self.lanes.first().map_or(Duration::ZERO, |lane| lane.pacer.window());
        Quota { allowed: u32::try_from(self.allowance()).unwrap_or(u32::MAX), window }
    }

    /// Calls that a window holds, over all tokens.
    pub(crate) fn allowance(&self) -> u64 {
        self.lanes.iter().map(|lane| u64::from(lane.pacer.allowance())).sum()
    }

    /// Sends all that `phase` has to send.
    pub(crate) async fn drive<P: Phase>(&mut self, phase: &mut P) -> Result<(), Stop> {
        let mut flow = Flow::default();
        let stop = match self.work(phase, &mut flow).await {
            Ok(()) => return Ok(()),
            Err(stop) => stop,
        };
        self.minting.abort_all();
        while self.minting.join_next().await.is_some() {}
        self.lanes.iter_mut().for_each(|lane| lane.minting = false);
        let landed = self.land_the_rest(phase, &mut flow).await;
        let mut unfinished: Vec<Job<P::Tag>> = flow.unfinished().collect();
        if matches!(stop, Stop::Halted(Halt::MaxFailures(_))) && landed.is_ok() {
            phase.wind_down();
            // Whatever stops this too, what is still in doubt stays so in the journal.
            let mut last = Flow::default();
            let _ = self.work(phase, &mut last).await;
            unfinished.extend(last.unfinished());
        }
        let left = phase.left(unfinished).await;
        landed.and(left)?;
        Err(stop)
    }

    async fn work<P: Phase>(&mut self, phase: &mut P, flow: &mut Flow<P::Tag>) -> Result<(), Stop> {
        loop {
            if self.interrupt.presses() > 0 {
                return Err(Stop::Interrupted);
            }
            let wake = self.dispatch(phase, flow).await?;
            let due = match wake {
                Wake::Done => return Ok(()),
                Wake::At(at) => Some(at),
                Wake::OnEvent => None,
            };
            let due = [due, flow.next_due(), phase.due()].into_iter().flatten().min();
            let clock = self.clock;
            let sleep = async move {
                match due {
                    Some(due) => clock.until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.interrupt.pressed(1) => return Err(Stop::Interrupted),
                Some(minted) = self.minting.join_next() => self.minted(minted)?,
                Some(landed) = flow.flights.join_next() => {
                    self.landed(phase, flow, joined(landed)?).await?;
                    while let Some(landed) = flow.flights.try_join_next() {
                        self.landed(phase, flow, joined(landed)?).await?;
                    }
                }
                () = sleep => {}
            }
            phase.tick(self.effort).await?;
        }
    }

    /// Lets every call leave that may.
    async fn dispatch<P: Phase>(&mut self, phase: &mut P, flow: &mut Flow<P::Tag>) -> Result<Wake, Stop> {
        loop {
            let now = self.clock.now();
            flow.wake(now);
            let ends = |job: &Job<P::Tag>| job.ends.is_some() || job.is_stale(now);
            while let Some(mut job) = flow.ready.iter().position(ends).and_then(|at| flow.ready.remove(at)) {
                let ending = job.ends.take().unwrap_or(Ending::Stale);
                phase.ended(job, ending).await?;
            }
            if flow.flights.len() >= self.concurrency.limit() as usize {
                return Ok(Wake::OnEvent);
            }
            if flow.ready.is_empty() {
                let idle = flow.flights.is_empty() && flow.waiting.is_empty();
                match phase.next(self.turn(idle, now)).await? {
                    // Time may have passed while it was made: what it was made from is looked at once more.
                    Next::Send(job) => {
                        flow.ready.push_back(*job);
                        continue;
                    }
                    Next::WhenOpen(calls) => return Ok(self.opens(calls, now)),
                    Next::Later(at) => return Ok(Wake::At(at)),
                    Next::Nothing if idle => return Ok(Wake::Done),
                    Next::Nothing => return Ok(Wake::OnEvent),
                }
            }
            let now = self.clock.now();
            match self.circuit.leave(flow.flights.len()) {
                Some(at) if at <= now => {}
                Some(at) => return Ok(Wake::At(at)),
                None => return Ok(Wake::OnEvent),
            }
            match self.choose(flow, now) {
                Ok((at, lane)) => self.send(flow, at, lane, now),
                // What is ready is one service's that pauses: something else may go.
                Err(wake) if flow.ready.len() < LOOK_AHEAD && self.lanes.iter().any(|lane| lane.is_open(now)) => {
                    match phase.next(self.turn(false, now)).await? {
                        Next::Send(job) => flow.ready.push_back(*job),
                        _ => return Ok(wake),
                    }
                }
                Err(wake) => return Ok(wake),
            }
        }
    }

    fn turn(&mut self, idle: bool, now: Moment) -> Turn {
        let room = self.lanes.iter_mut().map(|lane| lane.pacer.room(now)).sum();
        let most = self.lanes.iter().map(|lane| lane.pacer.most()).sum();
        // Two tokens that allow one call each let two leave at once.
        let apart = match &self.lanes[..] {
            [lane] => lane.pacer.apart(),
            _ => None,
        };
        Turn { idle, now, room, most, apart }
    }

    /// When so many calls may leave at once, over all tokens.
    fn opens(&mut self, calls: usize, now: Moment) -> Wake {
        let mut permits: Vec<Moment> = vec![];
        for lane in &mut self.lanes {
            for call in 1..=calls.min(lane.pacer.most()) {
                match lane.pacer.opens(call, now) {
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
    fn choose<T>(&mut self, flow: &Flow<T>, now: Moment) -> Result<(usize, usize), Wake> {
        let mut wake: Option<Moment> = None;
        let mut asked: Vec<&'static str> = vec![];
        for (at, job) in flow.ready.iter().enumerate() {
            let template = job.request.template;
            if asked.contains(&template) {
                continue;
            }
            asked.push(template);
            for lane in 0..self.lanes.len() {
                let found = &mut self.lanes[lane];
                let leave = found.pacer.leave(template, now);
                match leave {
                    Leave::Now if found.token.as_ref().is_some_and(|token| token.is_fresh(now)) => {
                        if !found.proving || found.in_flight == 0 {
                            return Ok((at, lane));
                        }
                    }
                    Leave::Now => {
                        self.renew(lane);
                        // Tokens are minted as they are needed: the next lane's turn comes when this one is full.
                        break;
                    }
                    Leave::At(moment) => wake = Some(wake.map_or(moment, |wake| wake.min(moment))),
                    Leave::AfterAnAnswer => {}
                }
            }
        }
        Err(wake.map_or(Wake::OnEvent, Wake::At))
    }

    fn renew(&mut self, lane: usize) {
        let slot = &mut self.lanes[lane];
        if slot.minting {
            return;
        }
        slot.minting = true;
        // What came with a token that was refused is no better than that one.
        let successor = slot.token.as_ref().filter(|_| !slot.proving).and_then(|token| token.successor.clone());
        self.generations += 1;
        let mint = Mint {
            transport: Arc::clone(&self.transport),
            vendor: Arc::clone(&self.vendor),
            credentials: Arc::clone(&self.credentials),
            clock: self.clock,
            settings: self.settings.clone(),
            successor,
        };
        let (generation, form, seed) = (self.generations, self.grant_form, self.rng.u64(..));
        self.minting.spawn(async move { (lane, mint.mint(generation, form, seed).await) });
    }

    fn minted(&mut self, minted: Result<(usize, Minted), tokio::task::JoinError>) -> Result<(), Halt> {
        let (lane, minted) = joined(minted)?;
        self.effort.calls.token += minted.calls;
        self.grant_form = minted.form;
        self.lanes[lane].minting = false;
        self.lanes[lane].token = Some(minted.token?);
        Ok(())
    }

    fn send<T: Send + 'static>(&mut self, flow: &mut Flow<T>, at: usize, lane: usize, now: Moment) {
        let Some(mut job) = flow.ready.remove(at) else { return };
        let slot = &mut self.lanes[lane];
        let Some(token) = slot.token.as_ref() else { return flow.ready.push_front(job) };
        slot.pacer.sent(job.request.template, now, self.rng.f64());
        slot.in_flight += 1;
        job.attempts += 1;
        job.left = now;
        if job.attempts > 1 {
            self.effort.retries += 1;
        }
        match job.request.effect {
            Effect::Read => self.effort.calls.read += 1,
            Effect::Write => self.effort.calls.write += 1,
        }
        let generation = token.generation;
        let outgoing = Outgoing { target: Target::Api { request: job.request.clone(), token: token.secret.clone() } };
        let transport = Arc::clone(&self.transport);
        let timeout = self.settings.timeout;
        flow.flights.spawn(async move {
            let result = tokio::time::timeout(timeout, transport.send(outgoing)).await.unwrap_or(Err(Lost::Timeout));
            Landed { job, sent: now, lane, generation, result }
        });
    }

    async fn landed<P: Phase>(
        &mut self,
        phase: &mut P,
        flow: &mut Flow<P::Tag>,
        landed: Landed<P::Tag>,
    ) -> Result<(), Halt> {
        let now = self.clock.now();
        let Landed { mut job, sent, lane, generation, result } = landed;
        self.lanes[lane].in_flight -= 1;
        let answer = match result {
            Ok(answer) => answer,
            Err(lost) => {
                self.lanes[lane].pacer.lost(job.request.template, sent, now);
                job.doubt |= lost.in_doubt() && job.request.effect != Effect::Read;
                let refusal = Refusal::own(lost.code(), lost.to_string());
                return self.trouble(phase, flow, job, sent, refusal, Some(&lost)).await;
            }
        };
        let verdict = self.vendor.verdict(&job.request, &answer);
        if let Verdict::Throttled(scope) = verdict {
            return self
                .throttled(phase, flow, Landed { job, sent, lane, generation, result: Ok(answer) }, scope)
                .await;
        }
        let throttle = Throttle { scope: Scope::Token, retry_after: self.asked(&answer) };
        let (template, pacer) = (job.request.template, &mut self.lanes[lane].pacer);
        if verdict == Verdict::Overloaded {
            pacer.throttled(template, sent, now, &throttle, &self.settings.backoff, self.rng.f64());
        } else {
            pacer.passed(template, sent, now);
        }
        match verdict {
            Verdict::Transient | Verdict::Overloaded => {
                // The vendor asks everyone for a rest, not only this call.
                job.doubt |= job.request.effect != Effect::Read;
                if let Some(wait) = throttle.retry_after.filter(|wait| !wait.is_zero()) {
                    if wait > self.settings.max_wait {
                        flow.ready.push_front(job);
                        return Err(Halt::Throttled(wait));
                    }
                    self.lanes[lane].pacer.hold(now, wait);
                }
                let refusal = self.refusal(&answer);
                self.trouble(phase, flow, job, sent, refusal, None).await
            }
            // Something between here and the API has answered a read. Where the API has been heard before, it may be again.
            Verdict::NotTheApi if job.request.effect == Effect::Read && self.last_success.is_some() => {
                let refusal = self.refusal(&answer);
                self.trouble(phase, flow, job, sent, refusal, None).await
            }
            Verdict::NotTheApi => {
                self.circuit.passed();
                phase.ended(job, Ending::Answered(Verdict::NotTheApi, answer)).await
            }
            Verdict::Unauthorized { renew, may_be_the_rows } => {
                self.circuit.passed();
                if may_be_the_rows && job.history.refused_tokens >= 1 && self.last_success.is_some() {
                    let token = self.lanes[lane].token.as_ref().filter(|token| token.generation == generation);
                    let accepted = token.is_none_or(|token| token.accepted.is_some());
                    let alone = flow.flights.is_empty() && flow.ready.is_empty() && flow.waiting.is_empty();
                    if accepted || alone {
                        // The fresh token is good, or nobody else is there to tell it from a bad row.
                        return phase.ended(job, Ending::Answered(Verdict::Rejected, answer)).await;
                    }
                    self.suspects += 1;
                    if self.suspects <= SUSPECTS {
                        // Others go first, and prove the token or not.
                        self.lanes[lane].proving = false;
                        flow.wait(now + self.settings.backoff.wait(1, Duration::ZERO, self.rng.f64()), job);
                        return Ok(());
                    }
                }
                self.unauthorized(phase, flow, Landed { job, sent, lane, generation, result: Ok(answer) }, renew).await
            }
            verdict => {
                self.circuit.passed();
                self.concurrency.well();
                self.last_success = Some(now);
                self.suspects = 0;
                let slot = &mut self.lanes[lane];
                if let Some(token) = slot.token.as_mut().filter(|token| token.generation == generation) {
                    token.accepted = token.accepted.max(Some(sent));
                    slot.proving = false;
                }
                if job.attempts == 1 {
                    self.budget.refund();
                }
                phase.ended(job, Ending::Answered(verdict, answer)).await
            }
        }
    }

    async fn throttled<P: Phase>(
        &mut self,
        phase: &mut P,
        flow: &mut Flow<P::Tag>,
        landed: Landed<P::Tag>,
        scope: Scope,
    ) -> Result<(), Halt> {
        let now = self.clock.now();
        let Landed { mut job, sent, lane, result, .. } = landed;
        let answer = result.unwrap_or_default();
        self.effort.throttled += 1;
        self.circuit.passed();
        if !self.vendor.facts().quota_is_published {
            self.concurrency.trouble(sent, now);
        }
        let throttle = Throttle { scope, retry_after: self.asked(&answer) };
        let draw = self.rng.f64();
        let template = job.request.template;
        let pause = self.lanes[lane].pacer.throttled(template, sent, now, &throttle, &self.settings.backoff, draw);
        (self.events)(Event::Throttled { wait: pause.until.saturating_sub(now), service: pause.service });
        tracing::info!(wait_s = pause.wait.as_secs_f64(), template, service = pause.service, "throttled (429)");
        let since = *job.history.throttled_since.get_or_insert(now);
        let longest = self.settings.max_wait;
        if pause.until.saturating_sub(pause.since) > longest {
            // Nobody has got through for so long.
            flow.ready.push_front(job);
            Err(Halt::Throttled(pause.wait))
        } else if pause.until.saturating_sub(since) > longest {
            // Others have, again and again.
            let refusal = self.refusal(&answer);
            phase.ended(job, Ending::Exhausted(refusal)).await
        } else if job.fresh.is_some() {
            phase.ended(job, Ending::Stale).await
        } else {
            flow.ready.push_back(job);
            Ok(())
        }
    }

    async fn unauthorized<P: Phase>(
        &mut self,
        phase: &mut P,
        flow: &mut Flow<P::Tag>,
        landed: Landed<P::Tag>,
        renew: bool,
    ) -> Result<(), Halt> {
        let Landed { mut job, sent, lane, generation, result } = landed;
        let answer = result.unwrap_or_default();
        let refusal = self.refusal(&answer);
        let now = self.clock.now();
        job.history.refused_tokens += 1;
        let slot = &mut self.lanes[lane];
        let current = slot.token.as_ref().filter(|token| token.generation == generation);
        let accepted = current.is_none_or(|token| token.accepted.is_some());
        // A token that calls get through with that left later is not what is wrong with this one.
        let good = current.is_some_and(|token| token.accepted > Some(sent));
        if !renew || (job.history.refused_tokens >= 2 && !accepted) {
            flow.ready.push_front(job);
            return Err(Halt::Unauthorized(refusal));
        }
        if job.history.refused_tokens >= 2 && (good || job.history.refused_tokens > REFUSED_TOKENS) {
            return phase.ended(job, Ending::Answered(Verdict::Rejected, answer)).await;
        }
        if let Some(token) = slot.token.as_mut().filter(|token| token.generation == generation) {
            token.refresh = Some(now.min(token.refresh.unwrap_or(now)));
            slot.proving = true;
        }
        // Others go first: should this call be refused for itself, they prove the token.
        flow.ready.push_back(job);
        Ok(())
    }

    /// A call failed for the vendor's or the network's trouble.
    async fn trouble<P: Phase>(
        &mut self,
        phase: &mut P,
        flow: &mut Flow<P::Tag>,
        mut job: Job<P::Tag>,
        sent: Moment,
        refusal: Refusal,
        lost: Option<&Lost>,
    ) -> Result<(), Halt> {
        let now = self.clock.now();
        self.concurrency.trouble(sent, now);
        self.circuit.failed(sent, now, &self.settings.backoff, self.rng.f64());
        job.history.failures += 1;
        let retries = job.history.failures;
        let alone = flow.flights.is_empty() && flow.ready.is_empty() && flow.waiting.is_empty();
        let unreached = matches!(lost, Some(Lost::Insecure(_)))
            || (self.last_success.is_none() && matches!(lost, Some(Lost::NotSent(_))) && retries > 2);
        if self.circuit.exhausted()
            || unreached
            || (retries > self.settings.max_retries && self.circuit.is_open() && !alone)
        {
            flow.ready.push_front(job);
            return Err(match lost {
                Some(lost @ (Lost::NotSent(_) | Lost::Insecure(_))) => {
                    Halt::Unreachable { what: API, why: lost.to_string() }
                }
                _ => Halt::Trouble(refusal.line()),
            });
        }
        if retries > self.settings.max_retries {
            return phase.ended(job, Ending::Exhausted(refusal)).await;
        }
        if !self.budget.pay(matches!(lost, Some(Lost::Timeout))) {
            flow.ready.push_front(job);
            return Err(Halt::Trouble(format!(
                "too many calls fail, the retry budget is spent; the last: {}",
                refusal.line()
            )));
        }
        let wait = self.settings.backoff.wait(retries, job.history.last_wait, self.rng.f64());
        job.history.last_wait = wait;
        (self.events)(Event::Retry { why: refusal.line(), wait });
        tracing::debug!(wait_s = wait.as_secs_f64(), retry = retries, why = refusal.line(), "will retry");
        if job.fresh.is_some() {
            // What it was made from is old when the wait is over, and somebody may have been faster.
            job.ends = Some(if job.doubt { Ending::Doubtful(refusal) } else { Ending::Stale });
        }
        flow.wait(now + wait, job);
        Ok(())
    }

    /// The run stops: what is in flight may end, what ends well is recorded, nothing is sent again.
    async fn land_the_rest<P: Phase>(&mut self, phase: &mut P, flow: &mut Flow<P::Tag>) -> Result<(), Halt> {
        if flow.flights.is_empty() {
            return Ok(());
        }
        (self.events)(Event::Stopping { in_flight: flow.flights.len() });
        loop {
            let landed = tokio::select! {
                biased;
                () = self.interrupt.pressed(2) => break,
                landed = flow.flights.join_next() => landed,
            };
            let Some(landed) = landed else { break };
            let Landed { mut job, sent, lane, result, .. } = joined(landed)?;
            let now = self.clock.now();
            self.lanes[lane].in_flight -= 1;
            let verdict = result.as_ref().ok().map(|answer| self.vendor.verdict(&job.request, answer));
            match (verdict, result) {
                (Some(verdict @ (Verdict::Applied { .. } | Verdict::Rejected)), Ok(answer)) => {
                    // The run stops already: whatever else stops it, what is in flight is recorded all the same.
                    if let Err(halt @ Halt::Journal(_)) = phase.ended(job, Ending::Answered(verdict, answer)).await {
                        return Err(halt);
                    }
                }
                (verdict, result) => {
                    self.lanes[lane].pacer.lost(job.request.template, sent, now);
                    self.effort.throttled += u64::from(matches!(verdict, Some(Verdict::Throttled(_))));
                    job.doubt |= job.request.effect != Effect::Read
                        && (matches!(
                            verdict,
                            Some(Verdict::Transient | Verdict::Overloaded | Verdict::Conflict | Verdict::NotTheApi)
                        ) || result.is_err_and(|lost| lost.in_doubt()));
                    flow.ready.push_back(job);
                }
            }
        }
        Ok(())
    }

    fn asked(&self, answer: &Answer) -> Option<Duration> {
        retry::retry_after(answer.header("retry-after"), answer.header("date").next(), self.clock.wall())
    }

    fn refusal(&self, answer: &Answer) -> Refusal {
        self.vendor.refusal(answer)
    }
}

impl Lane {
    fn is_open(&self, now: Moment) -> bool {
        !self.minting
            && self.pacer.paused_until(now).is_none()
            && self.token.as_ref().is_some_and(|token| token.is_fresh(now))
    }
}

/// Tokens that may end under one call, for whatever reason, before that is its own failure.
const REFUSED_TOKENS: u32 = 5;

/// Calls refused with a fresh token, with nobody getting through, before that is everyone's.
const SUSPECTS: u32 = 3;

/// Calls looked at beyond the first that may not leave.
const LOOK_AHEAD: usize = 32;

/// The calls of a phase that have not ended.
struct Flow<T> {
    ready: VecDeque<Job<T>>,
    waiting: BTreeMap<(Moment, u64), Job<T>>,
    flights: JoinSet<Landed<T>>,
    sequence: u64,
}

impl<T> Default for Flow<T> {
    fn default() -> Self {
        Self { ready: VecDeque::new(), waiting: BTreeMap::new(), flights: JoinSet::new(), sequence: 0 }
    }
}

impl<T> Flow<T> {
    fn unfinished(self) -> impl Iterator<Item = Job<T>> {
        self.ready.into_iter().chain(self.waiting.into_values())
    }

    fn wait(&mut self, until: Moment, job: Job<T>) {
        self.sequence += 1;
        self.waiting.insert((until, self.sequence), job);
    }

    /// Those whose wait is over go before those that have not been sent.
    fn wake(&mut self, now: Moment) {
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let job = entry.remove();
            self.ready.push_front(job);
        }
    }

    fn next_due(&self) -> Option<Moment> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }
}

fn joined<T>(landed: Result<T, tokio::task::JoinError>) -> Result<T, Halt> {
    landed.map_err(|error| Halt::Trouble(format!("a task ended: {error}")))
}
