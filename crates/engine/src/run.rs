//! A run, from a roster in the journal to its summary: read, plan, send, close.

use crate::error::{Halt, Stop};
use crate::learn;
use crate::plan::{self, Planning};
use crate::planned::{Planned, kinds};
use crate::recorder::{Recorder, SharedJournal, joined, on_journal};
use crate::scheduler::Scheduler;
use crate::send::Sending;
use crate::settings::Settings;
use crate::tools::Tools;
use paceline_core::Moment;
use paceline_core::run::{Bounds, Sender};
use paceline_core::summary::{Counts, State, Summary};
use paceline_core::vendor::{Refusal, Tenant, Uses};
use paceline_journal::{Canary, Consent, Entry, Error, Journal, Phase, RunRecord, RunTenant};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

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
        let scheduler = Scheduler::new(tools, settings);
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
        let told = learn::tenant(&mut self.scheduler).await?;
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
                plan::blind(&mut self.recorder, &self.scheduler).await?;
            } else {
                learn::quota(&mut self.scheduler, self.counts.pending).await?;
                let undo = self.record.run.command == "undo";
                let uses = Uses {
                    columns: self.columns.clone(),
                    keys: self.recorder.ask(|journal| journal.keys()).await?,
                    rows: self.counts.pending,
                    values: self.values(undo).await?,
                    undo,
                    include_deleted: self.scheduler.settings.include_deleted,
                };
                let names = learn::names(&mut self.scheduler, &uses).await?;
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
        let kinds = kinds(self.scheduler.vendor.as_ref(), groups);
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
