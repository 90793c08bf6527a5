//! Writes to the journal without keeping the calls waiting: outcomes in groups, on a thread that may block.

use crate::clock::Clock;
use crate::error::Halt;
use paceline_core::Moment;
use paceline_core::summary::Effort;
use paceline_core::text::cut;
use paceline_journal::{Entry, Error, Journal, Owner};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// An outcome is durable at most this much later (DESIGN.md, section 7).
const GROUP_TIME: Duration = Duration::from_millis(100);
/// Or this many outcomes later.
const GROUP_SIZE: usize = 1_000;

pub(crate) type SharedJournal = Arc<Mutex<Box<dyn Journal>>>;

pub(crate) struct Recorder {
    journal: SharedJournal,
    clock: Clock,
    group: Vec<Entry>,
    /// Who works on the run: this process.
    owner: Owner,
    /// What the run had cost before this process, and what this process has spent.
    before: Effort,
    spent: Effort,
    due: Option<Moment>,
    writing: Option<JoinHandle<Result<(), Error>>>,
}

/// Runs `act` on the journal, on a thread that may block.
pub(crate) fn on_journal<T: Send + 'static>(
    journal: &SharedJournal,
    act: impl FnOnce(&mut dyn Journal) -> Result<T, Error> + Send + 'static,
) -> JoinHandle<Result<T, Error>> {
    let journal = Arc::clone(journal);
    tokio::task::spawn_blocking(move || {
        let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
        act(journal.as_mut())
    })
}

/// Waits for it. A journal that panicked is one that cannot be written.
pub(crate) async fn joined<T>(handle: JoinHandle<Result<T, Error>>) -> Result<T, Halt> {
    match handle.await {
        Ok(done) => Ok(done?),
        Err(error) => Err(Halt::Trouble(format!("the journal's thread ended: {error}"))),
    }
}

impl Recorder {
    /// `before` is what the run had cost when `owner` took it up.
    pub(crate) fn new(journal: SharedJournal, clock: Clock, owner: Owner, before: Effort) -> Self {
        Self { journal, clock, group: vec![], owner, before, spent: Effort::default(), due: None, writing: None }
    }

    /// Who works on the run.
    pub(crate) fn owner(&self) -> Owner {
        self.owner.clone()
    }

    /// The run's time.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Takes note of what this process has spent so far, to be written with the next group; says what the run has cost.
    pub(crate) fn spent(&mut self, effort: Effort) -> Effort {
        let elapsed_s = self.clock.now().as_secs_f64();
        self.spent = Effort { elapsed_s, ..effort };
        self.before.plus(self.spent)
    }

    /// What this process has spent, to be written.
    pub(crate) fn spending(&self) -> Entry {
        Entry::Spent { epoch: self.owner.epoch, effort: self.spent }
    }

    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut dyn Journal) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Halt> {
        joined(on_journal(&self.journal, act)).await
    }

    pub(crate) fn shared(&self) -> SharedJournal {
        Arc::clone(&self.journal)
    }

    /// Adds to the group.
    pub(crate) fn record(&mut self, mut entry: Entry) {
        if let Entry::NotMade { refusal, .. } | Entry::RowEnded { refusal, .. } = &mut entry {
            // A vendor's message may be megabytes, row by row.
            refusal.message = refusal.message.take().map(|message| cut(&message));
        }
        self.group.push(entry);
        self.due.get_or_insert_with(|| self.clock.now() + GROUP_TIME);
    }

    /// When the group must be written.
    pub(crate) fn due(&self) -> Option<Moment> {
        if self.group.len() >= GROUP_SIZE { Some(Moment::ZERO) } else { self.due }
    }

    /// Writes the group if it is due. The one before is finished first.
    pub(crate) async fn tick(&mut self, effort: Effort) -> Result<(), Halt> {
        self.spent(effort);
        if self.due().is_some_and(|due| due <= self.clock.now()) {
            self.begin_write().await?;
        }
        Ok(())
    }

    /// Makes everything durable that was recorded.
    pub(crate) async fn flush(&mut self) -> Result<(), Halt> {
        self.begin_write().await?;
        self.written().await
    }

    async fn begin_write(&mut self) -> Result<(), Halt> {
        self.written().await?;
        self.due = None;
        if !self.group.is_empty() {
            let mut group = std::mem::take(&mut self.group);
            group.push(self.spending());
            self.writing = Some(on_journal(&self.journal, move |journal| journal.append(&group)));
        }
        Ok(())
    }

    async fn written(&mut self) -> Result<(), Halt> {
        match self.writing.take() {
            Some(writing) => joined(writing).await,
            None => Ok(()),
        }
    }
}
