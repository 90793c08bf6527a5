//! Sends planned changes and settles those whose end is in doubt.

use crate::error::{API, Halt};
use crate::event::Event;
use crate::recorder::{Recorder, joined, on_journal};
use crate::scheduler::{Ending, Job, Phase};
use crate::settings::Settings;
use paceline_core::Moment;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::{Change, ChangeKey, Guard, Widths, halves};
use paceline_core::summary::{Counts, Effort, Outcome};
use paceline_core::user::{UserId, Version};
use paceline_core::vendor::{Answer, BLIND, Each, More, Part, Refusal, User, Vendor, Verdict};
use paceline_journal::{Entry, Error, Taken};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Changes marked "may be sent" at once: at 300 calls a minute, a minute and a half ahead.
const BLOCK: u32 = 500;
/// Users whose changes are written one by one that are looked at ahead: ten seconds of writing at five calls a second.
const LOOKED_AT: usize = 50;
/// Calls that doubts wait for company.
const PATIENCE: u32 = 100;
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
    /// Failures of the calls that carried it, and the last wait after one.
    trouble: (u32, Duration),
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
    Settle(Settling),
}

/// A read of one part of the users in doubt.
#[derive(Debug)]
pub(crate) struct Settling {
    part: Part,
    doubts: Vec<Doubt>,
    /// Whether they have not been sent yet.
    looks: bool,
    page: Option<String>,
    /// What earlier pages have brought, by lower-case key.
    got: HashMap<String, Vec<Value>>,
}

impl Settling {
    fn new(part: Part, doubts: Vec<Doubt>) -> Self {
        Self { part, doubts, looks: false, page: None, got: HashMap::new() }
    }
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
    doubts: BTreeMap<Part, VecDeque<Doubt>>,
    doubts_since: u32,
    settling: VecDeque<Settling>,
    /// Changes whose users are read and compared before they are sent, and such reads that have not ended.
    looks: VecDeque<Taken>,
    looking: usize,
    /// What was looked at does not fill a call, and more of its kind waits to be looked at.
    hungry: bool,
    /// What is known of the widest calls of a kind that pass, where the vendor publishes no width.
    widths: Widths,
    /// The same of reads, by part.
    read_widths: Widths,
    /// Doubts whose users have just been read.
    to_settle: Vec<Settling>,
    /// Users with a call that has not ended: no two writes to one user run side by side.
    busy: HashSet<UserId>,
    /// Of rows with several changes: versions after a change, changes made, and rows that have failed.
    versions: HashMap<u64, Version>,
    made: HashMap<u64, u32>,
    ended_rows: HashSet<u64>,
    suspects: Vec<(Sending, Refusal)>,
    passed: bool,
    /// All users are read before they are written, and not only those of a vendor without versions.
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
            doubts: BTreeMap::new(),
            doubts_since: 0,
            settling: VecDeque::new(),
            looks: VecDeque::new(),
            looking: 0,
            hungry: false,
            widths: Widths::default(),
            read_widths: Widths::default(),
            to_settle: vec![],
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

    /// Whether changes are taken to be looked at.
    fn looks(&self) -> bool {
        !self.settings.blind
    }

    /// The next users to be read and compared with the plan: when few changes are ready, so that what is read is fresh
    /// when it is written.
    async fn next_look(&mut self) -> Result<Option<Settling>, Halt> {
        let few = usize::try_from(self.settings.max_concurrent).unwrap_or(1);
        let hungry = std::mem::take(&mut self.hungry);
        if self.looking > 1 || (self.again.len() > few && !hungry) {
            return Ok(None);
        }
        let mut doubts: Vec<Doubt> = vec![];
        let mut common: Option<(Part, usize)> = None;
        loop {
            if self.looks.is_empty() && !self.taken_all {
                self.begin_refill();
                self.end_refill().await?;
                self.looks.append(&mut self.queue);
            }
            let Some(front) = self.looks.front() else { break };
            let change = &front.change;
            if self.ended_rows.contains(&change.key.row) {
                let dropped = self.looks.pop_front();
                self.withdraw(dropped.map(|taken| (taken.change.key, 0, None)));
                continue;
            }
            if self.busy.contains(&change.user) {
                break;
            }
            if !(self.look_first || self.vendor.guard(change) == Guard::Compare) {
                if !doubts.is_empty() || self.again.len() >= BLOCK as usize {
                    break;
                }
                let taken = self.looks.pop_front();
                let ready = taken.map(|taken| self.sending(taken));
                self.again.extend(ready);
                continue;
            }
            let part = self.vendor.seen_in(change).0;
            // What is written one by one takes a while: only a few are read ahead.
            let most = self.read_widths.of(part, self.vendor.part_width(part, self.looks.len() + doubts.len()));
            let most = if self.vendor.width(change) == 1 { most.min(LOOKED_AT) } else { most };
            if common.is_some_and(|(other, width)| other != part || doubts.len() >= width.min(most)) {
                break;
            }
            common.get_or_insert((part, most));
            let Some(taken) = self.looks.pop_front() else { break };
            let sending = self.sending(taken);
            self.busy.insert(sending.change.user.clone());
            let refusal = Refusal::own("conflict", "it was changed since it was planned");
            doubts.push(Doubt { sending, refusal, again: true });
        }
        Ok(common.map(|(part, _)| {
            self.looking += 1;
            Settling { looks: true, ..Settling::new(part, doubts) }
        }))
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
        for taken in found {
            let sending = Sending { attempts: u32::from(self.confirming), ..self.sending(taken) };
            self.busy.insert(sending.change.user.clone());
            self.doubt(sending, Refusal::own(code, message), !self.confirming);
        }
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
        if self.looks() {
            return Ok(None);
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
        if let Some(mut batch) = self.narrower.pop_front() {
            let known = batch.sendings.first().and_then(|first| self.widths.learned(&first.change.kind));
            if let Some(width) = known.filter(|width| batch.hunt.is_none() && *width < batch.sendings.len()) {
                // What was learned while it waited.
                self.narrower.push_front(Batch::of(batch.sendings.split_off(width)));
            }
            return Ok(Some(batch));
        }
        let Some(first) = self.next_sending().await? else { return Ok(None) };
        self.busy.insert(first.change.user.clone());
        let width = self.widths.of(&first.change.kind, self.vendor.width(&first.change));
        let (stage, group) = (first.change.key.stage, first.change.key.group.clone());
        let mut batch = vec![first];
        if width > 1 {
            self.gather(&mut batch, width);
        }
        if self.looks() && batch.len() < width && self.more_is_coming(stage, &group) {
            // Others that may share the call are being read: a full call in a moment is better than two now.
            for sending in batch.into_iter().rev() {
                self.busy.remove(&sending.change.user);
                self.again.push_front(sending);
            }
            self.hungry = self.looking == 0;
            return Ok(None);
        }
        while !self.looks() && batch.len() < width {
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
                if sending.attempts > 0 {
                    self.again.push_front(sending);
                } else {
                    let Sending { change, siblings, .. } = sending;
                    self.queue.push_front(Taken { change, siblings, left: siblings });
                }
            }
            return Ok(None);
        }
        Ok(Some(Batch::of(batch)))
    }

    /// Adds what waits to be sent again and may share the call.
    fn gather(&mut self, batch: &mut Vec<Sending>, width: usize) {
        let Some((stage, group)) = batch.first().map(|first| (first.change.key.stage, first.change.key.group.clone()))
        else {
            return;
        };
        let waiting = std::mem::take(&mut self.again);
        for sending in waiting {
            let change = &sending.change;
            let fits = batch.len() < width
                && (change.key.stage, &change.key.group) == (stage, &group)
                && !self.busy.contains(&change.user);
            if fits {
                self.busy.insert(change.user.clone());
                batch.push(sending);
            } else {
                self.again.push_back(sending);
            }
        }
    }

    /// Whether changes that may share a call of that stage and group are being looked at, or will be at once.
    fn more_is_coming(&self, stage: u8, group: &str) -> bool {
        let next = self.looks.front().is_some_and(|taken| {
            let change = &taken.change;
            (change.key.stage, change.key.group.as_str()) == (stage, group) && !self.busy.contains(&change.user)
        });
        self.looking > 0 || next
    }

    fn sending(&self, taken: Taken) -> Sending {
        let Taken { mut change, siblings, .. } = taken;
        change.version = self.versions.get(&change.key.row).copied().or(change.version);
        Sending { change, siblings, attempts: 0, conflicts: 0, trouble: (0, Duration::ZERO) }
    }

    /// Doubts are read back many a call: when a call is full, or when waiting for more would keep the run.
    fn next_settle(&mut self, no_more: bool) -> Option<Settling> {
        if let Some(settling) = self.settling.pop_front() {
            return Some(settling);
        }
        for (part, doubts) in &mut self.doubts {
            let width = self.read_widths.of(part, self.vendor.part_width(part, doubts.len()));
            let patience = u32::try_from(width).unwrap_or(u32::MAX).min(PATIENCE);
            if !doubts.is_empty() && (doubts.len() >= width || no_more || self.doubts_since >= patience) {
                self.doubts_since = 0;
                return Some(Settling::new(part, doubts.drain(..width.min(doubts.len())).collect()));
            }
        }
        None
    }

    fn in_doubt(&self) -> usize {
        self.doubts.values().map(VecDeque::len).sum()
    }

    fn settle_job(&self, settling: Settling) -> Job<Tag> {
        let changes = || settling.doubts.iter().map(|doubt| &doubt.sending.change);
        let keys: Vec<String> = changes().map(|change| self.vendor.seen_in(change).1).collect();
        let columns: BTreeSet<String> = changes().flat_map(|change| change.columns.clone()).collect();
        Job::new(self.vendor.read(settling.part, &keys, &columns, settling.page.as_deref()), Tag::Settle(settling))
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

    fn not_made(&mut self, sending: Sending, outcome: Outcome, mut refusal: Refusal) -> Result<(), Halt> {
        if let (true, Some(record)) = (sending.siblings > 1, self.vendor.record_of(&sending.change)) {
            let message = refusal.message.as_deref().unwrap_or("refused");
            refusal.message = Some(format!("{record}: {message}"));
        }
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
        let (part, _) = self.vendor.seen_in(&sending.change);
        self.doubts.entry(part).or_default().push_back(Doubt { sending, refusal, again });
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
                let each = self.vendor.each(&changes, answer).unwrap_or_else(|| vec![Each::Made; sendings.len()]);
                // Only the answer to a call for one user tells that user's version.
                let alone = changes.iter().all(|change| self.vendor.width(change) == 1);
                for (sending, one) in sendings.into_iter().zip(each) {
                    match one {
                        Each::Made if self.vendor.is_asynchronous(&sending.change) => {
                            self.accepted = true;
                            self.passed = true;
                            self.busy.remove(&sending.change.user);
                        }
                        Each::Made => self.made(sending, version.filter(|_| alone)),
                        Each::Refused(refusal) => {
                            self.passed = true;
                            self.not_made(sending, Outcome::Failed, refusal)?;
                        }
                        Each::Doubtful(refusal) => self.doubt(sending, refusal, false),
                    }
                }
                match hunt {
                    Some(Hunt { other, rest, verdict, refusal }) => self.narrow(other, rest, verdict, refusal),
                    None => Ok(()),
                }
            }
            Verdict::Rejected if sendings.len() > 1 && !self.vendor.width_is_published(&sendings[0].change) => {
                // Perhaps nobody is guilty, and the call too wide: its halves are tried, and what passes is remembered.
                self.widths.refused(&sendings[0].change.kind, sendings.len());
                let (first, second) = halves(sendings);
                self.narrower.extend([Batch::of(first), Batch::of(second)]);
                Ok(())
            }
            Verdict::Rejected | Verdict::Conflict | Verdict::Forbidden if sendings.len() > 1 || hunt.is_some() => {
                let rest = hunt.into_iter().flat_map(|hunt| hunt.other.into_iter().chain(hunt.rest)).collect();
                self.narrow(sendings, rest, verdict, self.vendor.refusal(answer))
            }
            verdict => match sendings.pop() {
                Some(sending) => {
                    self.widths.acquit(&sending.change.kind);
                    self.written(sending, verdict, self.vendor.refusal(answer))
                }
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

    fn settled(&mut self, mut settling: Settling, answer: &Answer) -> Result<(), Box<(Settling, Refusal)>> {
        let key = |doubt: &Doubt| self.vendor.seen_in(&doubt.sending.change).1;
        let keys: Vec<String> = settling.doubts.iter().map(key).collect();
        let page = match self.vendor.records(settling.part, &keys, settling.page.as_deref(), answer) {
            Ok(page) => page,
            Err(refusal) => return Err(Box::new((settling, refusal))),
        };
        for (key, record) in page.records {
            settling.got.entry(key.to_lowercase()).or_default().push(record);
        }
        if let More::Page(next) = &page.more
            && settling.page.as_ref() != Some(next)
        {
            settling.page = Some(next.clone());
            self.settling.push_back(settling);
            return Ok(());
        }
        // Where the answer is one page of several, those that are not on it are asked for again.
        if page.more == More::Again {
            let doubts = std::mem::take(&mut settling.doubts);
            let (here, missing): (Vec<_>, Vec<_>) =
                doubts.into_iter().partition(|doubt| settling.got.contains_key(&key(doubt).to_lowercase()));
            if here.is_empty() || missing.is_empty() {
                settling.doubts.extend(here.into_iter().chain(missing));
            } else {
                settling.doubts = here;
                let looks = settling.looks;
                self.looking += usize::from(looks);
                self.settling.push_back(Settling { looks, ..Settling::new(settling.part, missing) });
            }
        }
        self.looking -= usize::from(settling.looks);
        self.to_settle.push(settling);
        Ok(())
    }

    /// Ends the doubts that have been read.
    fn settle_all(&mut self) -> Result<(), Halt> {
        for Settling { doubts, got, .. } in std::mem::take(&mut self.to_settle) {
            for doubt in doubts {
                let key = self.vendor.seen_in(&doubt.sending.change).1.to_lowercase();
                let records = got.get(&key).map_or(&[][..], Vec::as_slice);
                let user = self.vendor.seen(&doubt.sending.change, records);
                self.settle_one(doubt, user.as_ref())?;
            }
        }
        Ok(())
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
                sending.conflicts += u32::from(sending.attempts > 0);
                sending.change = self.vendor.rebase(sending.change, user);
                self.send_again(sending);
                Ok(())
            }
        }
    }

    fn settle_ended(&mut self, settling: Settling, ending: Ending) -> Result<(), Halt> {
        let (settling, refusal) = match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => match self.settled(settling, &answer) {
                Ok(()) => return self.settle_all(),
                Err(refused) => *refused,
            },
            Ending::Answered(_, answer) => (settling, self.vendor.refusal(&answer)),
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => (settling, refusal),
        };
        let Settling { part, doubts: batch, looks, .. } = settling;
        self.looking -= usize::from(looks);
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
            self.read_widths.refused(part, batch.len());
            let (first, second) = halves(batch);
            self.looking += 2 * usize::from(looks);
            let half = |doubts| Settling { looks, ..Settling::new(part, doubts) };
            self.settling.extend([half(first), half(second)]);
            return Ok(());
        }
        // It stays "may be sent" in the journal: a resume settles it when users can be read again.
        Err(Halt::NotTheVendor { what: API, refusal })
    }
}

impl Phase for Sender<'_> {
    type Tag = Tag;

    async fn next(&mut self, idle: bool) -> Result<Option<Job<Tag>>, Halt> {
        if !self.unknown_all && self.in_doubt() < BLOCK as usize {
            self.load_unknown().await?;
        }
        if let Some(settling) = self.next_settle(false) {
            return Ok(Some(self.settle_job(settling)));
        }
        loop {
            if self.looks()
                && self.unknown_all
                && let Some(settling) = self.next_look().await?
            {
                return Ok(Some(self.settle_job(settling)));
            }
            if let Some(batch) = self.next_batch().await? {
                self.doubts_since += u32::from(self.in_doubt() > 0);
                let changes: Vec<Change> = batch.sendings.iter().map(|sending| sending.change.clone()).collect();
                let trouble = batch.sendings.iter().map(|sending| sending.trouble).max().unwrap_or_default();
                return Ok(Some(Job::new(self.vendor.call(&changes), Tag::Write(batch)).after(trouble)));
            }
            if !(self.hungry && self.unknown_all) {
                break;
            }
        }
        if let Some(settling) = self.next_settle(true) {
            return Ok(Some(self.settle_job(settling)));
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
        let (doubt, attempts, trouble) = (job.doubt, job.attempts, job.trouble);
        match (job.tag, ending) {
            (Tag::Settle(settling), ending) => self.settle_ended(settling, ending),
            (Tag::Write(mut batch), ending) => {
                for sending in &mut batch.sendings {
                    sending.attempts += attempts;
                    sending.trouble = trouble;
                }
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
        unsent.extend(std::mem::take(&mut self.looks).into_iter().map(|taken| (taken.change.key, 0, None)));
        unsent.extend(std::mem::take(&mut self.queue).into_iter().map(|taken| (taken.change.key, 0, None)));
        self.withdraw(unsent);
        self.recorder.flush().await
    }
}
