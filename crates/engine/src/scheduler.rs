//! Drives calls: [`Dispatcher`] says which leaves, on which token, and when; this sends it, waits, mints, and tells what came of it.
//!
//! One loop owns all of the state; the tasks it spawns do nothing but send.

use crate::clock::Clock;
use crate::error::{API, Halt, Stop};
use crate::event::Event;
use crate::interrupt::Interrupt;
use crate::phase::{Next, Phase};
use crate::settings::Settings;
use crate::token::{Mint, Minted};
use crate::tools::Tools;
use crate::transport::{Lost, Outgoing, Target, Transport};
use paceline_core::pace::Quota;
use paceline_core::retry;
use paceline_core::run::dispatch::{Dispatcher, Flow, Heard, Limits, NotAnswered, Pending, Step, Stopped, Told, Wake};
use paceline_core::summary::Effort;
use paceline_core::vendor::{Answer, Credentials, Refusal, Request, Vendor, Verdict};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};

/// A token's secrets, by its slot.
#[derive(Debug, Clone)]
struct Secrets {
    secret: SecretString,
    /// What the next one is had with, where the vendor gave such.
    successor: Option<SecretString>,
}

/// A call's number and what came of it.
type Landed = (u64, Result<Answer, Lost>);

pub(crate) struct Scheduler {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) events: Arc<dyn Fn(Event) + Send + Sync>,
    transport: Arc<dyn Transport>,
    credentials: Arc<Credentials>,
    interrupt: Interrupt,
    rng: fastrand::Rng,
    dispatcher: Dispatcher,
    tokens: Vec<Option<Secrets>>,
    minting: JoinSet<(usize, Minted)>,
    grant_form: usize,
}

/// What a phase's calls are doing.
struct Calls<T> {
    flow: Flow<T>,
    flights: JoinSet<Landed>,
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self { flow: Flow::default(), flights: JoinSet::new() }
    }
}

impl Scheduler {
    pub(crate) fn new(tools: Tools, settings: Settings) -> Self {
        let Tools { vendor, transport, credentials, clock, interrupt, events, seed } = tools;
        let limits = Limits {
            quota: settings.rate.unwrap_or_else(|| vendor.facts().quota.share(settings.share)),
            quota_is_published: vendor.facts().quota_is_published,
            spread: settings.spread,
            tokens: settings.tokens,
            max_concurrent: settings.max_concurrent,
            max_wait: settings.max_wait,
            max_retries: settings.max_retries,
            backoff: settings.backoff,
            // A blind run reads nothing: behind its gateway there may be nothing to read.
            probe: (!settings.blind).then(|| vendor.whoami()),
        };
        Self {
            dispatcher: Dispatcher::new(limits),
            tokens: vec![None; settings.tokens.max(1) as usize],
            minting: JoinSet::new(),
            grant_form: 0,
            rng: fastrand::Rng::with_seed(seed),
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
        self.dispatcher.set_quota(quota);
    }

    /// The quota of all tokens together, as it is taken to be now.
    pub(crate) fn quota(&self) -> Quota {
        self.dispatcher.quota()
    }

    /// Calls that a window holds, over all tokens.
    pub(crate) fn allowance(&self) -> u64 {
        self.dispatcher.allowance()
    }

    /// What was spent so far.
    pub(crate) fn effort(&self) -> Effort {
        self.dispatcher.effort()
    }

    /// Sends all that `phase` has to send.
    pub(crate) async fn drive<P: Phase>(&mut self, phase: &mut P) -> Result<(), Stop> {
        let mut calls = Calls::default();
        let stop = match self.work(phase, &mut calls).await {
            Ok(()) => return Ok(()),
            Err(stop) => stop,
        };
        self.minting.abort_all();
        while self.minting.join_next().await.is_some() {}
        self.dispatcher.mints_nothing();
        let landed = self.land_the_rest(phase, &mut calls).await;
        let mut unfinished: Vec<Pending<P::Tag>> = calls.flow.unfinished().collect();
        if matches!(stop, Stop::Halted(Halt::MaxFailures(_))) && landed.is_ok() {
            phase.wind_down();
            // Whatever stops this too, what is still in doubt stays so in the journal.
            let mut last = Calls::default();
            let _ = self.work(phase, &mut last).await;
            unfinished.extend(last.flow.unfinished());
        }
        let left = phase.left(unfinished).await;
        landed.and(left)?;
        Err(stop)
    }

    async fn work<P: Phase>(&mut self, phase: &mut P, calls: &mut Calls<P::Tag>) -> Result<(), Stop> {
        loop {
            if self.interrupt.presses() > 0 {
                return Err(Stop::Interrupted);
            }
            let wake = match self.dispatch(phase, calls).await? {
                Wake::Done => return Ok(()),
                Wake::At(at) => Some(at),
                Wake::OnEvent => None,
            };
            let due = [wake, calls.flow.next_due(), phase.due()].into_iter().flatten().min();
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
                Some(landed) = calls.flights.join_next() => {
                    self.landed(phase, calls, landed).await?;
                    while let Some(landed) = calls.flights.try_join_next() {
                        self.landed(phase, calls, landed).await?;
                    }
                }
                () = sleep => {}
            }
            phase.tick(self.dispatcher.effort()).await?;
        }
    }

    /// Lets every call leave that may.
    async fn dispatch<P: Phase>(&mut self, phase: &mut P, calls: &mut Calls<P::Tag>) -> Result<Wake, Stop> {
        loop {
            let (now, draw) = (self.clock.now(), self.rng.f64());
            match self.dispatcher.poll(&mut calls.flow, now, draw) {
                Step::Ended(call, ending) => phase.ended(*call, ending).await?,
                Step::Ask(turn, otherwise) => match phase.next(turn).await? {
                    Next::Send(call) => calls.flow.offer(*call),
                    // What is ready may go before.
                    _ if calls.flow.has_ready() => return Ok(otherwise),
                    Next::WhenOpen(wanted) => return Ok(self.dispatcher.opens(wanted, now)),
                    Next::Later(at) => return Ok(Wake::At(at)),
                    Next::Nothing => return Ok(otherwise),
                },
                Step::Send { call, slot, request } => self.send(calls, call, slot, request),
                Step::Mint { slot, generation, good } => self.mint(slot, generation, good),
                Step::Wait(wake) => return Ok(wake),
            }
        }
    }

    fn send<T>(&self, calls: &mut Calls<T>, call: u64, slot: usize, request: Request) {
        let token = self.tokens.get(slot).and_then(Option::as_ref).map(|secrets| secrets.secret.clone());
        let outgoing = Outgoing { target: Target::Api { request, token: token.unwrap_or_default() } };
        let transport = Arc::clone(&self.transport);
        let timeout = self.settings.timeout;
        calls.flights.spawn(async move {
            let result = tokio::time::timeout(timeout, transport.send(outgoing)).await.unwrap_or(Err(Lost::Timeout));
            (call, result)
        });
    }

    fn mint(&mut self, slot: usize, generation: u64, good: bool) {
        let last = self.tokens.get(slot).and_then(Option::as_ref).filter(|_| good);
        let mint = Mint {
            transport: Arc::clone(&self.transport),
            vendor: Arc::clone(&self.vendor),
            credentials: Arc::clone(&self.credentials),
            clock: self.clock,
            settings: self.settings.clone(),
            successor: last.and_then(|secrets| secrets.successor.clone()),
        };
        let (form, seed) = (self.grant_form, self.rng.u64(..));
        self.minting.spawn(async move { (slot, mint.mint(generation, form, seed).await) });
    }

    fn minted(&mut self, minted: Result<(usize, Minted), JoinError>) -> Result<(), Halt> {
        let (slot, Minted { token, form, calls }) = joined(minted)?;
        self.grant_form = form;
        let token = match token {
            Ok(token) => token,
            Err(halt) => {
                self.dispatcher.minted(slot, calls, None);
                return Err(halt);
            }
        };
        self.dispatcher.minted(slot, calls, Some(token.life));
        if let Some(secrets) = self.tokens.get_mut(slot) {
            *secrets = Some(Secrets { secret: token.secret, successor: token.successor });
        }
        Ok(())
    }

    async fn landed<P: Phase>(
        &mut self,
        phase: &mut P,
        calls: &mut Calls<P::Tag>,
        landed: Result<Landed, JoinError>,
    ) -> Result<(), Halt> {
        let (call, result) = joined(landed)?;
        let result = self.understood(&calls.flow, call, result);
        let heard = Heard {
            refusal: match &result {
                Ok((Verdict::Applied { .. }, _)) => Refusal::default(),
                Ok((_, answer)) => self.vendor.refusal(answer),
                Err(lost) => Refusal::own(lost.code, lost.message.clone()),
            },
            retry_after: result.as_ref().ok().and_then(|(_, answer)| self.asked(answer)),
            result,
        };
        let (now, rng) = (self.clock.now(), &mut self.rng);
        let landed = self.dispatcher.landed(&mut calls.flow, call, heard, now, &mut || rng.f64());
        self.tell();
        match landed.map_err(halt)? {
            Some((call, ending)) => phase.ended(call, ending).await,
            None => Ok(()),
        }
    }

    /// What an answer means for the call that it is to.
    fn understood<T>(
        &self,
        flow: &Flow<T>,
        call: u64,
        result: Result<Answer, Lost>,
    ) -> Result<(Verdict, Answer), NotAnswered> {
        match (result, self.dispatcher.request(flow, call)) {
            (Ok(answer), Some(request)) => Ok((self.vendor.verdict(request, &answer), answer)),
            (Ok(answer), None) => Ok((Verdict::Rejected, answer)),
            (Err(lost), _) => Err(NotAnswered {
                code: lost.code(),
                message: lost.to_string(),
                in_doubt: lost.in_doubt(),
                timed_out: matches!(lost, Lost::Timeout),
                forbidden: matches!(lost, Lost::Insecure(_)),
            }),
        }
    }

    fn tell(&mut self) {
        for told in self.dispatcher.told() {
            match told {
                Told::Throttled { template, pause, wait, service } => {
                    tracing::info!(wait_s = pause.as_secs_f64(), template, service, "throttled (429)");
                    (self.events)(Event::Throttled { wait, service });
                }
                Told::Retry { why, wait, retry } => {
                    tracing::debug!(wait_s = wait.as_secs_f64(), retry, why, "will retry");
                    (self.events)(Event::Retry { why, wait });
                }
            }
        }
    }

    /// The run stops: what is in flight may end, what ends well is recorded, nothing is sent again.
    async fn land_the_rest<P: Phase>(&mut self, phase: &mut P, calls: &mut Calls<P::Tag>) -> Result<(), Halt> {
        if calls.flights.is_empty() {
            return Ok(());
        }
        (self.events)(Event::Stopping { in_flight: calls.flights.len() });
        loop {
            let landed = tokio::select! {
                biased;
                () = self.interrupt.pressed(2) => break,
                landed = calls.flights.join_next() => landed,
            };
            let Some(landed) = landed else { break };
            let (call, result) = joined(landed)?;
            let result = self.understood(&calls.flow, call, result);
            let ended = self.dispatcher.landed_last(&mut calls.flow, call, result, self.clock.now());
            let Some((call, ending)) = ended else { continue };
            // The run stops already: whatever else stops it, what is in flight is recorded all the same.
            if let Err(halt @ Halt::Journal(_)) = phase.ended(call, ending).await {
                return Err(halt);
            }
        }
        Ok(())
    }

    fn asked(&self, answer: &Answer) -> Option<Duration> {
        retry::retry_after(answer.header("retry-after"), answer.header("date").next(), self.clock.wall())
    }
}

fn halt(stopped: Stopped) -> Halt {
    match stopped {
        Stopped::Throttled(wait) => Halt::Throttled(wait),
        Stopped::Unauthorized(refusal) => Halt::Unauthorized(refusal),
        Stopped::Unreachable(why) => Halt::Unreachable { what: API, why },
        Stopped::Trouble(why) => Halt::Trouble(why),
    }
}

fn joined<T>(landed: Result<T, JoinError>) -> Result<T, Halt> {
    landed.map_err(|error| Halt::Trouble(format!("a task ended: {error}")))
}
