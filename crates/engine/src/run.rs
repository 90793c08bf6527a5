//! A run, from a roster in the journal to its summary: read, plan, send, close.

use crate::clock::Clock;
use crate::error::{DISCOVERY, Halt, Stop};
use crate::event::Event;
use crate::plan::{Listing, Planning, Single};
use crate::recorder::{Recorder, SharedJournal, joined, on_journal};
use crate::scheduler::{Interrupt, Parts, Scheduler};
use crate::send::Sending;
use crate::settings::Settings;
use crate::transport::{Lost, Outgoing, Target, Transport};
use paceline_core::Moment;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::retry::retry_after;
use paceline_core::run::{Bounds, Sender};
use paceline_core::summary::{Counts, State, Summary};
use paceline_core::user::UserId;
use paceline_core::vendor::{
    Answer, Clues, Credentials, Lookup, Names, Refusal, Request, Tenant, Uses, Vendor, Verdict,
};
use paceline_journal::{Canary, Consent, Entry, Error, Journal, Phase, RunRecord, RunTenant};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Rows planned at once where no user has to be read.
const BLIND_BLOCK: u32 = 1_000;

/// What a run acts with.
pub struct Tools {
    /// Whose API it is.
    pub vendor: Arc<dyn Vendor>,
    /// The way there.
    pub transport: Arc<dyn Transport>,
    /// Who asks.
    pub credentials: Credentials,
    /// The time.
    pub clock: Clock,
    /// How the user stops it.
    pub interrupt: Interrupt,
    /// Who is told of what happens.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
    /// What chance is drawn from.
    pub seed: u64,
}

/// What a plan comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Rows by outcome; those with something to send are pending.
    pub counts: Counts,
    /// Changes to make and the calls that they take, by kind.
    pub kinds: Vec<(String, u64, u64)>,
    /// Calls that they take together.
    pub calls: u64,
    /// Calls that reading them has taken.
    pub reads: u64,
    /// Calls of one read and one write a user and change, for comparison.
    pub naive: u64,
    /// What a person should know before saying yes, and of how many users.
    pub warnings: Vec<(u64, &'static str)>,
    /// What is true of every run of this vendor.
    pub note: Option<&'static str>,
    /// The first changes, row by row; all of them where they were asked for.
    pub diff: Vec<Change>,
    /// The quota that they are paced to: calls a window, over all tokens.
    pub allowed: u64,
    /// The least time that they take.
    pub time: Duration,
}

/// Asked when a canary has run: may the others follow? Whoever says yes gives the consent that covers them.
pub type Confirm<'a> = dyn FnMut(Canary) -> Pin<Box<dyn Future<Output = Option<Consent>> + Send>> + Send + 'a;

/// How a run was closed.
pub struct Closed {
    /// Its facts.
    pub summary: Summary,
    /// What is wrong with its journal, where anything is.
    pub trouble: Option<Error>,
    journal: SharedJournal,
}

impl Closed {
    /// Reads the journal, which is held until this is dropped: also one whose file was removed.
    pub fn journal(&self) -> impl std::ops::DerefMut<Target = Box<dyn Journal>> + '_ {
        self.journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// One run, being worked on.
pub struct Run {
    scheduler: Scheduler,
    recorder: Recorder,
    record: RunRecord,
    columns: BTreeSet<String>,
    counts: Counts,
    /// Who signs in, as people name it.
    client: String,
    /// Settings to be kept with the next consent.
    to_keep: Option<Value>,
    look_first: bool,
    /// When the reading began that the plan was made from, where this process has made it.
    planned_at: Option<Moment>,
}

/// A change of a kind and group, to ask its width.
fn sample(kind: &str, group: String) -> Change {
    Change {
        key: ChangeKey { stage: 0, group, row: 0 },
        kind: kind.into(),
        user: UserId(String::new()),
        before: Map::new(),
        after: Map::new(),
        rest: Map::new(),
        columns: vec![],
        version: None,
    }
}

impl Run {
    /// Takes up a run whose roster is in `journal`. `columns` are those that the roster uses.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub async fn begin(
        tools: Tools,
        settings: Settings,
        journal: Box<dyn Journal>,
        columns: BTreeSet<String>,
    ) -> Result<Self, Halt> {
        let shared: SharedJournal = Arc::new(Mutex::new(journal));
        let begun = on_journal(&shared, |journal| {
            let record = journal.record()?;
            let phase = record.phase.max(Phase::Planning);
            let owner = journal.claim(&format!("process {}", std::process::id()))?;
            journal.append(&[Entry::Reached(phase), Entry::Left { state: None, halt: None }])?;
            Ok((RunRecord { phase, ..record }, journal.counts()?, owner))
        });
        let (record, counts, owner) = joined(begun).await?;
        let recorder = Recorder::new(shared, tools.clock, owner, record.effort);
        let client = tools.credentials.name().to_owned();
        let scheduler = scheduler(tools, settings);
        Ok(Self {
            scheduler,
            recorder,
            record,
            columns,
            counts,
            client,
            to_keep: None,
            look_first: false,
            planned_at: None,
        })
    }

    /// What the journal knew of the run when it was taken up, and what came to it since.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Finds out whose users they are, reached at `base_url`. A tenant that does not tell is borne, and nothing is asked for
    /// a run that reads nobody: then `base_url` and the client stand for it.
    ///
    /// # Errors
    /// Where the run halts or is interrupted.
    pub async fn learn_tenant(&mut self, base_url: &str) -> Result<RunTenant, Stop> {
        let client_id = self.client.clone();
        let untold = RunTenant { id: None, name: None, base_url: base_url.to_owned(), client_id };
        if self.scheduler.settings.blind {
            return Ok(untold);
        }
        let mut asking = Single { request: Some(self.scheduler.vendor.whoami()), answer: None };
        self.scheduler.drive(&mut asking).await?;
        let told = match &asking.answer {
            Some((Verdict::Applied { .. }, answer)) => self.scheduler.vendor.tenant(answer),
            _ => None,
        };
        Ok(told.map_or(untold.clone(), |Tenant { id, name }| RunTenant { id: Some(id), name: Some(name), ..untold }))
    }

    /// Writes down the tenant that the run is on.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub async fn keep_tenant(&mut self, tenant: RunTenant) -> Result<(), Stop> {
        if self.record.tenant.as_ref() != Some(&tenant) {
            let entry = Entry::Tenant(tenant.clone());
            self.recorder.ask(move |journal| journal.append(&[entry])).await?;
            self.record.tenant = Some(tenant);
        }
        Ok(())
    }

    /// Reads the users and plans their changes; nothing is written to the vendor.
    ///
    /// # Errors
    /// Where the run halts or is interrupted.
    pub async fn plan(&mut self) -> Result<(), Stop> {
        if self.record.phase == Phase::Planning {
            if self.scheduler.settings.blind {
                self.plan_blind().await?;
            } else {
                self.learn_quota().await?;
                let undo = self.record.run.command == "undo";
                let uses = Uses {
                    columns: self.columns.clone(),
                    keys: self.recorder.ask(|journal| journal.keys()).await?,
                    rows: self.counts.pending,
                    values: self.values(undo).await?,
                    undo,
                    include_deleted: self.scheduler.settings.include_deleted,
                };
                let names = self.learn_names(&uses).await?;
                let events = Arc::clone(&self.scheduler.events);
                let vendor = Arc::clone(&self.scheduler.vendor);
                let mut planning = Planning::new(vendor, &mut self.recorder, events, uses, names);
                self.scheduler.drive(&mut planning).await?;
                self.planned_at = planning.since();
                self.recorder.flush().await?;
                let refusal = Refusal::own("duplicate", "an earlier row names the same user by another key");
                self.recorder.ask(move |journal| journal.end_duplicates(&refusal)).await?;
            }
            self.reach(Phase::Planned).await?;
        }
        Ok(self.count().await?)
    }

    /// Somebody agreed. A run that is planned is one that sends from here on, and nothing is sent without.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub async fn agreed(&mut self, consent: Consent) -> Result<(), Stop> {
        let entries: Vec<Entry> =
            self.to_keep.take().map(Entry::Settings).into_iter().chain([Entry::Consented(consent.clone())]).collect();
        self.recorder.ask(move |journal| journal.append(&entries)).await?;
        self.record.consent = Some(consent);
        if self.record.phase == Phase::Planned {
            self.record.phase = Phase::Sending;
        }
        Ok(())
    }

    /// Takes note of what the run is to be resumed with, where that was said only now (of a plan that was kept): it is written
    /// down in one step with the consent.
    pub fn keep_when_agreed(&mut self, settings: Value) {
        self.to_keep = Some(settings);
    }

    /// How the run goes about it.
    pub fn settings(&self) -> &Settings {
        &self.scheduler.settings
    }

    /// The run's canary as it stands, where it has one: said now, or when it was agreed to.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub async fn canary(&mut self) -> Result<Option<Canary>, Stop> {
        let agreed = self.record.consent.as_ref().and_then(|consent| consent.canary);
        let Some(rows) = self.scheduler.settings.canary.or(agreed) else { return Ok(None) };
        Ok(Some(self.recorder.ask(move |journal| journal.canary(rows)).await?))
    }

    async fn plan_blind(&mut self) -> Result<(), Stop> {
        let mut after = 0;
        loop {
            let vendor = Arc::clone(&self.scheduler.vendor);
            let planned = self.recorder.ask(move |journal| {
                let rows = journal.rows(after, BLIND_BLOCK, true)?;
                let entries: Vec<Entry> = rows
                    .iter()
                    .map(|record| {
                        let user = UserId(record.row.key.value.clone());
                        let change = vendor.blind(&record.row, user.clone());
                        Entry::Planned { row: record.row.number, user, changes: vec![change] }
                    })
                    .collect();
                journal.append(&entries)?;
                Ok(rows.last().map(|record| (record.row.number, rows.len() as u64)))
            });
            let Some((last, rows)) = planned.await? else { return Ok(()) };
            (self.scheduler.events)(Event::Planned { rows });
            after = last;
        }
    }

    /// Reads each list whose names the roster uses once, and looks up the people that it names by e-mail.
    async fn learn_names(&mut self, uses: &Uses) -> Result<Names, Stop> {
        let vendor = Arc::clone(&self.scheduler.vendor);
        let values = vendor.people().0.iter().filter_map(|column| uses.values.get(*column)).flatten();
        let people: BTreeSet<String> = values.filter(|value| value.contains('@')).cloned().collect();
        let mut listing = Listing::new(Arc::clone(&vendor), uses, people.into_iter().collect());
        self.scheduler.drive(&mut listing).await?;
        listing.add(vendor.further_lists(uses, &listing.names));
        self.scheduler.drive(&mut listing).await?;
        Ok(listing.names)
    }

    /// The values that decide what is read besides the users.
    async fn values(&mut self, undo: bool) -> Result<BTreeMap<String, BTreeSet<String>>, Halt> {
        let valued = self.scheduler.vendor.facts().valued;
        let columns: Vec<&'static str> =
            valued.iter().copied().filter(|column| undo || self.columns.contains(*column)).collect();
        let ask = self.recorder.ask(move |journal| {
            let mut values = BTreeMap::new();
            for column in columns {
                let found = if undo { journal.undone_groups(column)? } else { journal.values(column)? };
                values.insert(column.to_owned(), found.into_iter().collect());
            }
            Ok(values)
        });
        ask.await
    }

    /// Asks the vendor for the token's quota, where a run is long enough for it to matter.
    async fn learn_quota(&mut self) -> Result<(), Stop> {
        // A read for a hundred users, as the vendors have it, and a write for each.
        let calls = self.counts.pending + self.counts.pending.div_ceil(100);
        let matters = self.scheduler.settings.rate.is_none() && calls > self.scheduler.allowance();
        let Some(request) = self.scheduler.vendor.quota_request().filter(|_| matters) else { return Ok(()) };
        let mut asking = Single { request: Some(request), answer: None };
        self.scheduler.drive(&mut asking).await?;
        let told = match asking.answer {
            Some((Verdict::Applied { .. }, answer)) => self.scheduler.vendor.quota(&answer),
            _ => None,
        };
        match told {
            Some(quota) => self.scheduler.set_quota(quota.share(self.scheduler.settings.share)),
            None => (self.scheduler.events)(Event::Note(
                "the vendor does not tell this token's quota: pacing to the published default".into(),
            )),
        }
        Ok(())
    }

    /// Rows by outcome, as of the last look at the journal.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What the plan comes to, with the changes of the first `shown` rows.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub async fn planned(&mut self, shown: u32) -> Result<Planned, Stop> {
        let warnings = self.scheduler.vendor.facts().warnings;
        let (counts, groups, warned, diff) = self
            .recorder
            .ask(move |journal| {
                let warned = warnings.iter().map(|(key, value, why)| Ok((journal.touching(key, *value)?, *why)));
                let warned: Vec<(u64, &'static str)> = warned.collect::<Result<_, Error>>()?;
                Ok((journal.counts()?, journal.planned()?, warned, journal.diff(0, shown)?))
            })
            .await?;
        self.counts = counts;
        let mut kinds: Vec<(String, u64, u64)> = vec![];
        for (kind, group, changes) in groups {
            let calls = changes.div_ceil(self.scheduler.vendor.width(&sample(&kind, group)) as u64);
            match kinds.iter_mut().find(|(known, ..)| *known == kind) {
                Some(known) => *known = (kind, known.1 + changes, known.2 + calls),
                None => kinds.push((kind, changes, calls)),
            }
        }
        let calls: u64 = kinds.iter().map(|(.., calls)| calls).sum();
        let quota = self.scheduler.quota();
        Ok(Planned {
            counts,
            calls,
            reads: self.scheduler.effort().calls.read,
            naive: counts.rows + kinds.iter().map(|(_, changes, _)| changes).sum::<u64>(),
            kinds,
            warnings: warned.into_iter().filter(|(users, _)| *users > 0).collect(),
            note: self.scheduler.vendor.facts().note,
            diff,
            allowed: self.scheduler.allowance(),
            time: quota.time_for(calls),
        })
    }

    /// Leaves the run as it was found: nothing was sent, and what was planned stays planned.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub async fn put_back(mut self) -> Result<String, Error> {
        self.recorder.spent(self.scheduler.effort());
        let left = [self.recorder.spending(), Entry::Left { state: self.record.state, halt: self.record.halt }];
        self.recorder.ask(move |journal| journal.append(&left)).await.map_err(journal_error)?;
        Ok(self.record.run.id)
    }

    /// Users are read again before they are written, and compared with the plan: for one that was made some time ago.
    pub fn look_first(&mut self) {
        self.look_first = true;
    }

    /// Sends what is planned and agreed to. Where a canary is set its rows go first and alone, until they have run;
    /// `confirm` is asked for the others where no consent covers them yet.
    ///
    /// # Errors
    /// Where the run halts or is interrupted.
    pub async fn send(&mut self, confirm: &mut Confirm<'_>) -> Result<(), Stop> {
        if self.counts.pending > 0 && self.record.phase < Phase::Sending {
            return Err(Halt::Declined.into());
        }
        if let Some(canary) = self.canary().await? {
            self.send_canary(canary, confirm).await?;
        }
        self.send_through(u64::MAX).await?;
        self.count().await?;
        if self.counts.pending > 0 {
            // A run that calls itself finished has an outcome for every row: anything else is a defect of ours.
            return Err(Halt::LeftOver(self.counts.pending).into());
        }
        self.reach(Phase::Ended).await?;
        Ok(())
    }

    async fn send_canary(&mut self, mut canary: Canary, confirm: &mut Confirm<'_>) -> Result<(), Stop> {
        let runs_now = !canary.has_run();
        if runs_now {
            self.send_through(canary.through).await?;
            self.count().await?;
            canary = self.canary().await?.unwrap_or(canary);
            if canary.lost() > 0 {
                return Err(Halt::Canary { failed: canary.lost(), sent: canary.counts.rows }.into());
            }
        }
        let is_covered = self.record.consent.as_ref().is_some_and(|consent| consent.covers_the_rest(canary.lost()));
        if self.counts.pending == 0 || (is_covered && !runs_now) {
            return Ok(());
        }
        match confirm(canary).await {
            Some(consent) => self.agreed(consent).await,
            None => Err(Halt::Declined.into()),
        }
    }

    async fn send_through(&mut self, through: u64) -> Result<(), Stop> {
        let events = Arc::clone(&self.scheduler.events);
        let vendor = Arc::clone(&self.scheduler.vendor);
        let settings = &self.scheduler.settings;
        let bounds = Bounds {
            through,
            look_first: self.look_first,
            planned_at: self.planned_at,
            force: settings.force,
            max_concurrent: usize::try_from(settings.max_concurrent).unwrap_or(usize::MAX),
            max_failures: settings.max_failures,
            backoff: settings.backoff,
        };
        let sender = Sender::new(vendor, bounds, self.counts);
        self.scheduler.drive(&mut Sending::new(sender, &mut self.recorder, events)).await
    }

    async fn count(&mut self) -> Result<(), Halt> {
        self.recorder.flush().await?;
        self.counts = self.recorder.ask(|journal| journal.counts()).await?;
        Ok(())
    }

    async fn reach(&mut self, phase: Phase) -> Result<(), Halt> {
        self.recorder.flush().await?;
        self.recorder.ask(move |journal| journal.append(&[Entry::Reached(phase)])).await?;
        self.record.phase = phase;
        Ok(())
    }

    /// Writes down how the run was left and gives its facts. A journal that cannot be written in the end halts the run: what
    /// the vendor did is not recorded whole.
    pub async fn close(mut self, ended: Result<(), Stop>) -> Closed {
        let effort = self.recorder.spent(self.scheduler.effort());
        let flushed = self.recorder.flush().await;
        let ended = match (ended, flushed) {
            (Err(Stop::Halted(halt)), _) => Err(Stop::Halted(halt)),
            (_, Err(halt)) => Err(Stop::Halted(halt)),
            (ended, Ok(())) => ended,
        };
        let (mut state, mut halt) = match &ended {
            Ok(()) => (State::Finished, None),
            Err(Stop::Interrupted) => (State::Interrupted, None),
            Err(Stop::Halted(halt)) => (State::Halted, Some(halt.note(&self.record.run.id))),
        };
        let left = [self.recorder.spending(), Entry::Left { state: Some(state), halt: halt.clone() }];
        let written = self.recorder.ask(move |journal| journal.append(&left)).await;
        if let (Err(unwritten), None) = (written, &halt) {
            // A full disk is told as the halt that it is.
            (state, halt) = (State::Halted, Some(unwritten.note(&self.record.run.id)));
        }
        let told = self.recorder.ask(|journal| Ok((journal.counts()?, journal.failures(5)?))).await;
        let in_place = self.recorder.ask(|journal| journal.kept_in_place()).await;
        let ((counts, failures), untold) = match told {
            Ok(told) => (told, None),
            // What was counted last is better than nothing.
            Err(error) => ((self.counts, vec![]), Some(journal_error(error))),
        };
        let RunRecord { run, .. } = self.record;
        let summary = Summary { run: run.id, vendor: run.vendor, state, counts, effort, halt, failures };
        Closed { summary, trouble: untold.or(in_place.err().map(journal_error)), journal: self.recorder.shared() }
    }
}

fn journal_error(halt: Halt) -> Error {
    match halt {
        Halt::Journal(error) => error,
        other => Error::Other { path: Default::default(), why: other.to_string() },
    }
}

fn scheduler(tools: Tools, settings: Settings) -> Scheduler {
    let Tools { vendor, transport, credentials, clock, interrupt, events, seed } = tools;
    Scheduler::new(Parts { vendor, transport, credentials, settings, clock, interrupt, events, seed })
}

/// Finds out where the tenant is. Asks for a token where that takes one; the token is not kept.
///
/// # Errors
/// Where a document or a token cannot be had, or does not say it.
pub async fn locate(tools: &Tools, clues: &Clues, timeout: Duration) -> Result<Lookup, Stop> {
    let Tools { vendor, credentials, .. } = tools;
    let mut documents: Vec<Value> = vec![];
    loop {
        let step = vendor.lookup(clues, &documents);
        let targets = match step.map_err(|refusal| Halt::NotTheVendor { what: DISCOVERY, refusal })? {
            Lookup::Document(url) => vec![Target::Document(url)],
            Lookup::Token(url) => (0..)
                .map_while(|form| vendor.grant(credentials, form))
                .map(|grant| Target::Token(grant, Some(url.clone())))
                .collect(),
            found => return Ok(found),
        };
        let mut refused = None;
        for target in targets {
            let is_token = matches!(target, Target::Token(..));
            let answer = asked_twice(tools, target, timeout).await?;
            match answer.json() {
                Some(document) if answer.status == 200 => {
                    documents.push(document.clone());
                    refused = None;
                    break;
                }
                _ if is_token => refused = Some(Halt::Credentials(vendor.refusal(&answer))),
                _ => refused = Some(Halt::NotTheVendor { what: DISCOVERY, refusal: vendor.refusal(&answer) }),
            }
        }
        if let Some(halt) = refused {
            return Err(halt.into());
        }
    }
}

/// The longest wait that discovery takes upon itself: somebody is waiting, and nothing is lost by giving up.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Nothing is at stake yet, and somebody is waiting: one more attempt, once the Retry-After is over.
async fn asked_twice(tools: &Tools, target: Target, timeout: Duration) -> Result<Answer, Halt> {
    let mut again = true;
    loop {
        let sending = tools.transport.send(Outgoing { target: target.clone() });
        let pause = match tokio::time::timeout(timeout, sending).await.unwrap_or(Err(Lost::Timeout)) {
            Ok(answer) if again && matches!(answer.status, 429 | 500..=599) => {
                let date = answer.header("date").next();
                retry_after(answer.header("retry-after"), date, tools.clock.wall())
            }
            Ok(answer) => return Ok(answer),
            Err(lost) if !again || matches!(lost, Lost::Insecure(_)) => {
                return Err(Halt::Unreachable { what: DISCOVERY, why: lost.to_string() });
            }
            Err(_) => None,
        };
        again = false;
        let pause = pause.unwrap_or_default().max(Duration::from_secs(1));
        if pause > LONGEST_PAUSE {
            return Err(Halt::Trouble(format!("{DISCOVERY} asks to wait {} s: nothing was written", pause.as_secs())));
        }
        tools.clock.until(tools.clock.now() + pause).await;
    }
}

/// Makes single calls, for `auth test` and `export`: with a token, paced and retried like any other.
pub struct Caller {
    scheduler: Scheduler,
}

impl Caller {
    /// Nothing is sent yet.
    pub fn new(tools: Tools, settings: Settings) -> Self {
        Self { scheduler: scheduler(tools, settings) }
    }

    /// Makes one call; tells its answer, what it says as a refusal, and whether it is none.
    ///
    /// # Errors
    /// Where no token is granted, or the run of one call halts.
    pub async fn call(&mut self, request: Request) -> Result<(Answer, Refusal, bool), Stop> {
        let (verdict, answer) = self
            .answer(request)
            .await?
            .ok_or_else(|| Halt::Trouble("the call failed every time it was sent".into()))?;
        let refusal = self.scheduler.vendor.refusal(&answer);
        Ok((answer, refusal, matches!(verdict, Verdict::Applied { .. })))
    }

    /// The answer to one call and what it means; `None` where it failed every time it was sent.
    pub(crate) async fn answer(&mut self, request: Request) -> Result<Option<(Verdict, Answer)>, Stop> {
        let mut asking = Single { request: Some(request), answer: None };
        self.scheduler.drive(&mut asking).await?;
        Ok(asking.answer)
    }

    pub(crate) fn vendor(&self) -> Arc<dyn Vendor> {
        Arc::clone(&self.scheduler.vendor)
    }

    /// Reads the lists that are needed.
    ///
    /// # Errors
    /// Where the run of these calls halts.
    pub async fn names(&mut self, uses: &Uses) -> Result<Names, Stop> {
        let mut listing = Listing::new(Arc::clone(&self.scheduler.vendor), uses, vec![]);
        self.scheduler.drive(&mut listing).await?;
        Ok(listing.names)
    }
}
