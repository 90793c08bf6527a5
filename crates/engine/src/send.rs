//! Sends planned changes and settles those whose end is in doubt.

use crate::error::{API, Halt};
use crate::event::Event;
use crate::recorder::{Recorder, joined, on_journal};
use crate::scheduler::{Ending, Job, Phase};
use crate::settings::Settings;
use paceline_core::Moment;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::{Change, ChangeKey, halves};
use paceline_core::summary::{Counts, Effort, Outcome};
use paceline_core::user::{UserId, Version};
use paceline_core::vendor::{Answer, BLIND, Refusal, User, Vendor, Verdict};
use paceline_journal::{Entry, Error, Taken};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Changes marked "may be sent" at once: at 300 calls a minute, a minute and a half ahead.
const BLOCK: u32 = 500;
/// Times that a change is sent again after conflicts in which nobody had touched its values.
const CONFLICTS: u32 = 10;
/// The largest part of a refused batch that is tried at once: with three guilty among 50, no order of them then takes
/// more than 20 calls, where halves take up to 22.
const PART: usize = 16;
/// Rows refused for a missing right, with nobody getting through, before that is everyone's.
const FORBIDDEN: usize = 5;

/// A change on its way to its end.
#[derive(Debug)]
pub(crate) struct Sending {
    change: Change,
    siblings: u32,
    attempts: u32,
    conflicts: u32,
}

/// The changes of one call.
#[derive(Debug)]
pub(crate) struct Batch {
    sendings: Vec<Sending>,
    hunt: Option<Hunt>,
}

/// A batch was refused, and its guilty are looked for (binary splitting as in group testing; F. K. Hwang, 1972): a part is
/// sent; if it passes, the other part holds a guilty one without being asked.
#[derive(Debug)]
struct Hunt {
    /// Where the guilty one is if the part passes.
    other: Vec<Sending>,
    /// Those of whom nothing is known yet: sent in one piece when the guilty one stands alone.
    rest: Vec<Sending>,
    /// What was said of the part that the guilty one is in.
    verdict: Verdict,
    refusal: Refusal,
}

impl Batch {
    fn of(sendings: Vec<Sending>) -> Self {
        Self { sendings, hunt: None }
    }

    fn everything(self) -> impl Iterator<Item = Sending> {
        let hunted = self.hunt.into_iter().flat_map(|hunt| hunt.other.into_iter().chain(hunt.rest));
        self.sendings.into_iter().chain(hunted)
    }
}

/// A change whose user is read back to find out what became of it.
#[derive(Debug)]
pub(crate) struct Doubt {
    sending: Sending,
    /// What was said last: the row's refusal, where the change comes to nothing.
    refusal: Refusal,
    /// Whether it is sent again where it has had no effect.
    again: bool,
}

/// What a call is about.
#[derive(Debug)]
pub(crate) enum Tag {
    /// It makes changes, all of one stage and group.
    Write(Batch),
    /// It reads users back.
    Settle(Vec<Doubt>),
}

/// The sending part of a run, or of its canary.
pub(crate) struct Sender<'a> {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) recorder: &'a mut Recorder,
    pub(crate) events: Arc<dyn Fn(Event) + Send + Sync>,
    settings: &'a Settings,
    /// The last row that may be sent.
    through: u64,
    rows: u64,
    failed: u64,
    queue: VecDeque<Taken>,
    refill: Option<JoinHandle<Result<Vec<Taken>, Error>>>,
    last_taken: Option<ChangeKey>,
    taken_all: bool,
    last_unknown: Option<ChangeKey>,
    unknown_all: bool,
    again: VecDeque<Sending>,
    /// Parts of batches that were refused as a whole.
    narrower: VecDeque<Batch>,
    doubts: VecDeque<Doubt>,
    doubts_since: u32,
    batches: VecDeque<Vec<Doubt>>,
    /// Users with a call that has not ended: no two writes to one user run side by side.
    busy: HashSet<UserId>,
    /// Of rows with several changes: versions after a change, changes made, and rows that have failed.
    versions: HashMap<u64, Version>,
    made: HashMap<u64, u32>,
    ended_rows: HashSet<u64>,
    suspects: Vec<(Sending, Refusal)>,
    passed: bool,
    look_first: bool,
    /// Changes were accepted and not yet seen: they stay "may be sent" in the journal until they are read back.
    accepted: bool,
    confirming: bool,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(
        vendor: Arc<dyn Vendor>,
        recorder: &'a mut Recorder,
        events: Arc<dyn Fn(Event) + Send + Sync>,
        settings: &'a Settings,
        through: u64,
        counts: Counts,
    ) -> Self {
        Self {
            vendor,
            recorder,
            events,
            settings,
            through,
            rows: counts.rows,
            failed: counts.failed + counts.conflict,
            queue: VecDeque::new(),
            refill: None,
            last_taken: None,
            taken_all: false,
            last_unknown: None,
            unknown_all: false,
            again: VecDeque::new(),
            narrower: VecDeque::new(),
            doubts: VecDeque::new(),
            doubts_since: 0,
            batches: VecDeque::new(),
            busy: HashSet::new(),
            versions: HashMap::new(),
            made: HashMap::new(),
            ended_rows: HashSet::new(),
            suspects: vec![],
            passed: false,
            look_first: false,
            accepted: false,
            confirming: false,
        }
    }

    /// Everything has been sent: what was only accepted is read back, once.
    fn begin_confirming(&mut self) -> bool {
        let begins = self.accepted && !self.confirming;
        if begins {
            self.confirming = true;
            self.unknown_all = false;
            self.last_unknown = None;
        }
        begins
    }

    /// Users are read and compared with the plan before they are written.
    pub(crate) fn look_first(&mut self, look: bool) {
        self.look_first = look;
    }

    /// Takes planned changes as doubts: read first, sent where nothing has changed.
    async fn load_planned(&mut self) -> Result<(), Halt> {
        self.begin_refill();
        self.end_refill().await?;
        for taken in std::mem::take(&mut self.queue) {
            let sending = self.sending(taken);
            self.busy.insert(sending.change.user.clone());
            self.doubt(sending, Refusal::own("conflict", "it was changed since it was planned"), true);
        }
        Ok(())
    }

    // --- where changes come from

    /// What a crash left comes first: read back before anything new is sent.
    async fn load_unknown(&mut self) -> Result<(), Halt> {
        let after = self.last_unknown.take();
        let found = self.recorder.ask(move |journal| journal.unknown(after.as_ref(), BLOCK)).await?;
        self.unknown_all = found.len() < BLOCK as usize;
        self.last_unknown = found.last().map(|taken| taken.change.key.clone());
        let (code, message) = if self.confirming {
            ("not.confirmed", "the vendor accepted the change, and it was not there when the user was read back")
        } else {
            ("unknown", "the run was cut before an answer came")
        };
        self.doubts.extend(found.into_iter().map(|Taken { change, siblings }| Doubt {
            sending: Sending { change, siblings, attempts: u32::from(self.confirming), conflicts: 0 },
            refusal: Refusal::own(code, message),
            again: !self.confirming,
        }));
        Ok(())
    }

    /// The next block is marked while this one is being sent.
    fn begin_refill(&mut self) {
        if self.refill.is_none() && !self.taken_all {
            let (after, through) = (self.last_taken.clone(), self.through);
            self.refill =
                Some(on_journal(&self.recorder.shared(), move |journal| journal.take(after.as_ref(), through, BLOCK)));
        }
    }

    async fn end_refill(&mut self) -> Result<(), Halt> {
        if let Some(refill) = self.refill.take() {
            let taken = joined(refill).await?;
            self.taken_all = taken.len() < BLOCK as usize;
            if let Some(last) = taken.last() {
                self.last_taken = Some(last.change.key.clone());
            }
            self.queue.extend(taken);
        }
        Ok(())
    }

    /// The next change whose user is free and whose row still stands.
    async fn next_sending(&mut self) -> Result<Option<Sending>, Halt> {
        if let Some(at) = self.again.iter().position(|sending| !self.busy.contains(&sending.change.user)) {
            return Ok(self.again.remove(at));
        }
        loop {
            if self.queue.len() < BLOCK as usize / 2 {
                self.begin_refill();
            }
            if self.queue.is_empty() {
                self.end_refill().await?;
            }
            let Some(front) = self.queue.front() else { return Ok(None) };
            if self.ended_rows.contains(&front.change.key.row) {
                let dropped = self.queue.pop_front();
                self.withdraw(dropped.map(|taken| (taken.change.key, 0, None)));
                continue;
            }
            if self.busy.contains(&front.change.user) {
                return Ok(None);
            }
            let taken = self.queue.pop_front();
            return Ok(taken.map(|taken| self.sending(taken)));
        }
    }

    /// The next call's changes: the next change, and as many behind it as may share its call.
    async fn next_batch(&mut self) -> Result<Option<Batch>, Halt> {
        if let Some(batch) = self.narrower.pop_front() {
            return Ok(Some(batch));
        }
        let Some(first) = self.next_sending().await? else { return Ok(None) };
        self.busy.insert(first.change.user.clone());
        let width = self.vendor.width(&first.change);
        let (stage, group) = (first.change.key.stage, first.change.key.group.clone());
        let mut batch = vec![first];
        while batch.len() < width {
            if self.queue.is_empty() {
                self.begin_refill();
                self.end_refill().await?;
            }
            let together = |taken: &Taken| {
                let change = &taken.change;
                change.key.stage == stage
                    && change.key.group == group
                    && !self.busy.contains(&change.user)
                    && !self.ended_rows.contains(&change.key.row)
            };
            let Some(taken) = self.queue.pop_front_if(|taken| together(taken)) else { break };
            let sending = self.sending(taken);
            self.busy.insert(sending.change.user.clone());
            batch.push(sending);
        }
        let waits = self.queue.front().is_some_and(|taken| {
            let key = &taken.change.key;
            (key.stage, &key.group) == (stage, &group)
                && self.busy.contains(&taken.change.user)
                && !batch.iter().any(|sending| sending.change.user == taken.change.user)
        });
        if waits && batch.len() < width {
            // Its user's earlier change is still out: a full call in a moment is better than two now.
            for sending in batch.into_iter().rev() {
                self.busy.remove(&sending.change.user);
                let Sending { change, siblings, .. } = sending;
                self.queue.push_front(Taken { change, siblings });
            }
            return Ok(None);
        }
        Ok(Some(Batch::of(batch)))
    }

    fn sending(&self, taken: Taken) -> Sending {
        let Taken { mut change, siblings } = taken;
        change.version = self.versions.get(&change.key.row).copied().or(change.version);
        Sending { change, siblings, attempts: 0, conflicts: 0 }
    }

    /// Doubts are read back many a call: when a call is full, or when waiting for more would keep the run.
    fn next_settle(&mut self, no_more: bool) -> Option<Vec<Doubt>> {
        if let Some(batch) = self.batches.pop_front() {
            return Some(batch);
        }
        let width = self.vendor.facts().read_width;
        let patience = u32::try_from(width).unwrap_or(u32::MAX);
        let ripe = self.doubts.len() >= width || no_more || self.doubts_since >= patience;
        (ripe && !self.doubts.is_empty()).then(|| {
            self.doubts_since = 0;
            self.doubts.drain(..width.min(self.doubts.len())).collect()
        })
    }

    fn settle_job(&self, batch: Vec<Doubt>) -> Job<Tag> {
        let users: Vec<UserId> = batch.iter().map(|doubt| doubt.sending.change.user.clone()).collect();
        let columns: BTreeSet<String> = batch.iter().flat_map(|doubt| doubt.sending.change.columns.clone()).collect();
        Job::new(self.vendor.read(&users, &columns), Tag::Settle(batch))
    }

    // --- what becomes of them

    fn made(&mut self, sending: Sending, version: Option<Version>) {
        self.passed = true;
        self.clear_suspects();
        let key = sending.change.key;
        if let (true, Some(version)) = (sending.siblings > 1, version) {
            self.versions.insert(key.row, version);
        }
        self.busy.remove(&sending.change.user);
        if self.is_rows_last(key.row, sending.siblings) {
            (self.events)(Event::Ended { outcome: Outcome::Updated });
        }
        self.recorder.record(Entry::Made { key, attempts: sending.attempts, version });
    }

    fn is_rows_last(&mut self, row: u64, siblings: u32) -> bool {
        if siblings <= 1 {
            return true;
        }
        let made = self.made.entry(row).or_default();
        *made += 1;
        let last = *made >= siblings;
        if last {
            self.made.remove(&row);
            self.versions.remove(&row);
        }
        last
    }

    fn not_made(&mut self, sending: Sending, outcome: Outcome, refusal: Refusal) -> Result<(), Halt> {
        let key = sending.change.key;
        self.busy.remove(&sending.change.user);
        if sending.siblings > 1 {
            self.ended_rows.insert(key.row);
        }
        (self.events)(Event::Ended { outcome });
        self.recorder.record(Entry::NotMade { key, attempts: sending.attempts, outcome, refusal });
        self.failed += 1;
        match self.settings.max_failures {
            Some(most) if most.reached(self.failed, self.rows) => Err(Halt::MaxFailures(self.failed)),
            _ => Ok(()),
        }
    }

    /// It waits its turn like any other change of its user.
    fn send_again(&mut self, sending: Sending) {
        self.busy.remove(&sending.change.user);
        self.again.push_back(sending);
    }

    fn withdraw(&mut self, keys: impl IntoIterator<Item = (ChangeKey, u32, Option<Version>)>) {
        for (key, attempts, version) in keys {
            self.recorder.record(Entry::Withdrawn { key, attempts, version });
        }
    }

    fn doubt(&mut self, sending: Sending, refusal: Refusal, again: bool) {
        self.doubts.push_back(Doubt { sending, refusal, again });
    }

    /// Somebody got through: those refused for a missing right are refused for themselves.
    fn clear_suspects(&mut self) {
        for (sending, refusal) in std::mem::take(&mut self.suspects) {
            // The bound on failures is looked at with the next failure: this is called on a success.
            let _ = self.not_made(sending, Outcome::Failed, refusal);
        }
    }

    fn forbidden(&mut self, sending: Sending, refusal: Refusal) -> Result<(), Halt> {
        if self.passed {
            return self.not_made(sending, Outcome::Failed, refusal);
        }
        self.suspects.push((sending, refusal.clone()));
        if self.suspects.len() >= FORBIDDEN { Err(Halt::Forbidden(refusal)) } else { Ok(()) }
    }

    /// Nothing is left to send: every row of several was refused for a missing right, or these few were.
    fn judge_suspects(&mut self) -> Result<(), Halt> {
        let everyone = self.suspects.len() as u64 >= self.rows.max(2);
        match self.suspects.last() {
            Some((_, refusal)) if everyone => Err(Halt::Forbidden(refusal.clone())),
            _ => std::mem::take(&mut self.suspects)
                .into_iter()
                .try_for_each(|(sending, refusal)| self.not_made(sending, Outcome::Failed, refusal)),
        }
    }

    fn written(&mut self, sending: Sending, verdict: Verdict, refusal: Refusal) -> Result<(), Halt> {
        match verdict {
            Verdict::Applied { version } => {
                self.made(sending, version);
                Ok(())
            }
            Verdict::Conflict if sending.change.kind == BLIND => self.not_made(sending, Outcome::Conflict, refusal),
            Verdict::Conflict => {
                self.doubt(sending, refusal, true);
                Ok(())
            }
            Verdict::Forbidden => self.forbidden(sending, refusal),
            _ => self.not_made(sending, Outcome::Failed, refusal),
        }
    }

    /// One answer for many: for each its own verdict where the vendor tells them apart; where it refuses them as a whole,
    /// the guilty are looked for.
    fn answered(&mut self, batch: Batch, verdict: Verdict, answer: &Answer) -> Result<(), Halt> {
        let Batch { mut sendings, hunt } = batch;
        match verdict {
            Verdict::Applied { version } => {
                let changes: Vec<Change> = sendings.iter().map(|sending| sending.change.clone()).collect();
                let each = self.vendor.each(&changes, answer).unwrap_or_else(|| vec![Ok(()); sendings.len()]);
                // Only the answer to a call for one user tells that user's version.
                let alone = changes.iter().all(|change| self.vendor.width(change) == 1);
                for (sending, one) in sendings.into_iter().zip(each) {
                    match one {
                        Ok(()) if self.vendor.is_asynchronous(&sending.change) => {
                            self.accepted = true;
                            self.passed = true;
                            self.busy.remove(&sending.change.user);
                        }
                        Ok(()) => self.made(sending, version.filter(|_| alone)),
                        Err(refusal) => self.not_made(sending, Outcome::Failed, refusal)?,
                    }
                }
                match hunt {
                    Some(Hunt { other, rest, verdict, refusal }) => self.narrow(other, rest, verdict, refusal),
                    None => Ok(()),
                }
            }
            Verdict::Rejected | Verdict::Conflict | Verdict::Forbidden if sendings.len() > 1 || hunt.is_some() => {
                let rest = hunt.into_iter().flat_map(|hunt| hunt.other.into_iter().chain(hunt.rest)).collect();
                self.narrow(sendings, rest, verdict, self.vendor.refusal(answer))
            }
            verdict => match sendings.pop() {
                Some(sending) => self.written(sending, verdict, self.vendor.refusal(answer)),
                None => Ok(()),
            },
        }
    }

    /// `guilty` holds one that was refused with `refusal`; of `rest` nothing is known.
    fn narrow(
        &mut self,
        mut guilty: Vec<Sending>,
        rest: Vec<Sending>,
        verdict: Verdict,
        refusal: Refusal,
    ) -> Result<(), Halt> {
        if guilty.len() > 1 {
            let other = guilty.split_off(guilty.len().div_ceil(2).min(PART));
            self.narrower.push_back(Batch { sendings: guilty, hunt: Some(Hunt { other, rest, verdict, refusal }) });
            return Ok(());
        }
        if !rest.is_empty() {
            self.narrower.push_back(Batch::of(rest));
        }
        guilty.into_iter().try_for_each(|sending| self.written(sending, verdict.clone(), refusal.clone()))
    }

    /// With `more`, the answer is one page of several: those that are not on it are asked for again.
    fn settled(&mut self, batch: Vec<Doubt>, users: &[User], more: bool) -> Result<(), Halt> {
        let users: HashMap<String, &User> = users.iter().map(|user| (user.id.0.to_lowercase(), user)).collect();
        let key = |doubt: &Doubt| doubt.sending.change.user.0.to_lowercase();
        let (mut found, missing): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|doubt| users.contains_key(&key(doubt)));
        if more && !found.is_empty() && !missing.is_empty() {
            self.batches.push_back(missing);
        } else {
            found.extend(missing);
        }
        found.into_iter().try_for_each(|doubt| {
            let user = users.get(&key(&doubt)).copied();
            self.settle_one(doubt, user)
        })
    }

    fn settle_one(&mut self, doubt: Doubt, user: Option<&User>) -> Result<(), Halt> {
        let Doubt { mut sending, refusal, again } = doubt;
        let Some(user) = user else {
            let gone = format!("no user has the id `{}` any more", sending.change.user);
            let refusal = Refusal { status: Some(404), ..Refusal::own("not.found", gone) };
            return self.not_made(sending, Outcome::Failed, refusal);
        };
        let now = self.vendor.holds(&sending.change, user);
        match diff::settle(&sending.change.before, &sending.change.after, &now) {
            Settled::Holds => {
                self.made(sending, user.version);
                Ok(())
            }
            Settled::Conflict(keys) if !self.settings.force => {
                let keys = keys.join("`, `");
                let message = format!("`{keys}` was changed by someone else since it was read; --force overwrites");
                let refusal = Refusal { message: Some(message), ..refusal };
                let refusal = Refusal { code: refusal.code.or(Some("conflict".into())), ..refusal };
                self.not_made(sending, Outcome::Conflict, refusal)
            }
            _ if !again => self.not_made(sending, Outcome::Failed, refusal),
            _ if sending.conflicts >= CONFLICTS => self.not_made(sending, Outcome::Conflict, refusal),
            _ => {
                sending.conflicts += 1;
                sending.change.version = user.version.or(sending.change.version);
                self.send_again(sending);
                Ok(())
            }
        }
    }

    fn settle_ended(&mut self, batch: Vec<Doubt>, ending: Ending) -> Result<(), Halt> {
        let refusal = match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => match self.vendor.users(&answer) {
                Ok(users) => return self.settled(batch, &users, self.vendor.more_follow(&answer)),
                Err(refusal) => refusal,
            },
            Ending::Answered(_, answer) => self.vendor.refusal(&answer),
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => refusal,
        };
        if batch.iter().all(|doubt| doubt.sending.change.kind == BLIND) {
            // Behind a gateway there may be nothing to read. A blind change sets what its row says, whoever set it
            // before: sending it again does no harm that sending it once did not.
            for doubt in batch {
                if doubt.again {
                    self.send_again(doubt.sending);
                } else {
                    self.not_made(doubt.sending, Outcome::Failed, doubt.refusal)?;
                }
            }
            return Ok(());
        }
        if batch.len() > 1 {
            let (first, second) = halves(batch);
            self.batches.extend([first, second]);
            return Ok(());
        }
        // It stays "may be sent" in the journal: a resume settles it when users can be read again.
        Err(Halt::NotTheVendor { what: API, refusal })
    }
}

impl Phase for Sender<'_> {
    type Tag = Tag;

    async fn next(&mut self, idle: bool) -> Result<Option<Job<Tag>>, Halt> {
        if !self.unknown_all && self.doubts.len() < BLOCK as usize {
            self.load_unknown().await?;
            self.busy.extend(self.doubts.iter().map(|doubt| doubt.sending.change.user.clone()));
        }
        // One block at a time: a user's later change waits until its earlier one has ended.
        if self.look_first && self.unknown_all && !self.taken_all && self.busy.is_empty() && self.again.is_empty() {
            self.load_planned().await?;
        }
        if let Some(batch) = self.next_settle(false) {
            return Ok(Some(self.settle_job(batch)));
        }
        if let Some(batch) = self.next_batch().await? {
            self.doubts_since += u32::from(!self.doubts.is_empty());
            let changes: Vec<Change> = batch.sendings.iter().map(|sending| sending.change.clone()).collect();
            return Ok(Some(Job::new(self.vendor.call(&changes), Tag::Write(batch))));
        }
        if let Some(batch) = self.next_settle(true) {
            return Ok(Some(self.settle_job(batch)));
        }
        if idle && !self.suspects.is_empty() {
            self.judge_suspects()?;
        }
        if idle && self.begin_confirming() {
            // What is not written yet would look like one of them.
            self.recorder.flush().await?;
            return Box::pin(self.next(idle)).await;
        }
        Ok(None)
    }

    async fn ended(&mut self, job: Job<Tag>, ending: Ending) -> Result<(), Halt> {
        let (doubt, attempts) = (job.doubt, job.attempts);
        match (job.tag, ending) {
            (Tag::Settle(batch), ending) => self.settle_ended(batch, ending),
            (Tag::Write(mut batch), ending) => {
                batch.sendings.iter_mut().for_each(|sending| sending.attempts += attempts);
                if !matches!(ending, Ending::Answered(..))
                    && let Some(hunt) = batch.hunt.take()
                {
                    // Nothing was learned of the others.
                    self.narrower.push_back(Batch::of(hunt.other.into_iter().chain(hunt.rest).collect()));
                }
                match ending {
                    Ending::Answered(verdict, answer) => self.answered(batch, verdict, &answer),
                    Ending::Doubtful(refusal) => {
                        batch.sendings.into_iter().for_each(|sending| self.doubt(sending, refusal.clone(), true));
                        Ok(())
                    }
                    Ending::Exhausted(refusal) => batch.sendings.into_iter().try_for_each(|sending| {
                        if doubt && sending.change.kind != BLIND {
                            // The last attempt may have had its effect: the user is read before it is called a failure.
                            self.doubt(sending, refusal.clone(), false);
                            return Ok(());
                        }
                        self.not_made(sending, Outcome::Failed, refusal.clone())
                    }),
                }
            }
        }
    }

    fn due(&self) -> Option<Moment> {
        self.recorder.due()
    }

    async fn tick(&mut self, effort: Effort) -> Result<(), Halt> {
        self.recorder.tick(effort).await
    }

    async fn left(&mut self, unfinished: Vec<Job<Tag>>) -> Result<(), Halt> {
        self.end_refill().await?;
        let mut unsent: Vec<(ChangeKey, u32, Option<Version>)> = vec![];
        let mut keep = |sending: Sending| {
            unsent.push((sending.change.key, sending.attempts, sending.change.version));
        };
        for job in unfinished {
            match job.tag {
                // In doubt: it stays "may be sent", and a resume reads its user first.
                Tag::Write(_) if job.doubt => {}
                Tag::Write(batch) => {
                    let again = |sending: Sending| Sending { attempts: sending.attempts + job.attempts, ..sending };
                    batch.everything().map(again).for_each(&mut keep);
                }
                Tag::Settle(_) => {}
            }
        }
        std::mem::take(&mut self.again).into_iter().for_each(&mut keep);
        std::mem::take(&mut self.narrower).into_iter().flat_map(Batch::everything).for_each(&mut keep);
        std::mem::take(&mut self.suspects).into_iter().for_each(|(sending, _)| keep(sending));
        unsent.extend(std::mem::take(&mut self.queue).into_iter().map(|taken| (taken.change.key, 0, None)));
        self.withdraw(unsent);
        self.recorder.flush().await
    }
}
