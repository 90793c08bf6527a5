//! Sends planned changes: gives the scheduler its calls, takes what became of them, and writes it down.
//!
//! What it decides by is plain: [`Queue`] says whose turn it is, [`Bisect`] who is to blame for a refused call, and
//! [`judge`] what follows from a fresh look at a user.

use crate::doubt::{Doubt, Judgement, Settling, Why, judge};
use crate::error::{API, Halt};
use crate::event::Event;
use crate::queue::{FRESH, First, Queue, Rules, Sending};
use crate::recorder::{Recorder, joined, on_journal};
use crate::scheduler::{Ending, History, Job, Next, Phase, Turn};
use crate::settings::Settings;
use paceline_core::Moment;
use paceline_core::backoff::{Backoff, Jitter};
use paceline_core::bisect::{Bisect, PROBES, Part, Refused, Said, Target, Trail};
use paceline_core::plan::{Change, ChangeKey, Guard, Widths, halves};
use paceline_core::summary::{Counts, Effort, Outcome};
use paceline_core::user::Version;
use paceline_core::vendor::{self, Answer, BLIND, Each, More, Refusal, Vendor, Verdict};
use paceline_journal::{Entry, Error, Taken};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Changes marked "may be sent" at once: at 300 calls a minute, a minute and a half ahead.
const BLOCK: u32 = 500;
/// Changes in the queue at which the next block is waited for: more than the widest call carries.
const FEW: usize = 200;
/// Users whose changes are written one by one that are read ahead, to begin with and at most: what gets old unsent halves
/// it.
const AHEAD: (usize, usize) = (20, 100);
/// Calls that doubts wait for company.
const PATIENCE: u32 = 100;
/// Rows refused for a missing right, or answered by something that is not the API, with nobody getting through, before
/// that is everyone's.
const SUSPECTS: usize = 5;
/// The same, where all of them are one target's: others are tried as long as so many can be kept in mind.
const OF_ONE_TARGET: usize = 10_000;
/// Times that a change is sent again after an answer that was not the API's, where others get through.
const ODD_ANSWERS: u32 = 2;
/// Conflicts of a whole call after which its parts are asked.
const WHOLE_CONFLICTS: u32 = 1;
/// Times that what was only accepted (202) is read back, after pauses that grow as those between retries do: by default
/// half a minute in all.
const CONFIRMATIONS: u32 = 5;
/// Pages of one read of users, at the most.
const PAGES: u32 = 10_000;

/// What a call is about.
#[derive(Debug)]
pub(crate) enum Tag {
    /// It makes changes, all of one stage and group; with their target where many share a call.
    Write(Option<Target>, Part<Sending>),
    /// It reads users.
    Read(Settling),
}

/// A part of a refused call whose users are read again before it is sent.
#[derive(Debug)]
struct Gathering {
    target: Target,
    trail: Trail<Sending>,
    items: Vec<Sending>,
    /// Users that have not been read.
    unread: usize,
}

/// What is said of a change whose fate depends on others'.
#[derive(Debug)]
struct Suspect {
    sending: Sending,
    refusal: Refusal,
    /// Whether something that is not the API answered; else a right is missing.
    odd: bool,
}

/// What was only accepted, on its way to be seen.
#[derive(Debug, Clone, Copy, Default)]
struct Confirming {
    /// Changes have been accepted and not been seen.
    waits: bool,
    /// Times that they were read.
    rounds: u32,
    /// When they are read next.
    at: Option<Moment>,
}

/// The sending part of a run, or of its canary.
pub(crate) struct Sender<'a> {
    vendor: Arc<dyn Vendor>,
    recorder: &'a mut Recorder,
    events: Arc<dyn Fn(Event) + Send + Sync>,
    settings: &'a Settings,
    /// The last row that may be sent.
    through: u64,
    rows: u64,
    failed: u64,
    /// When the users were read that the plan was made of, where that was one short moment ago.
    planned_at: Option<Moment>,
    /// All users are read before they are written, however their changes are guarded.
    look_first: bool,
    refill: Option<JoinHandle<Result<Vec<Taken>, Error>>>,
    last_taken: Option<ChangeKey>,
    taken_all: bool,
    last_unknown: Option<ChangeKey>,
    unknown_all: bool,
    queue: Queue,
    bisect: Bisect<Sending>,
    /// Parts whose users are being read, by number, and those that were.
    gathering: HashMap<u64, Gathering>,
    gathered: VecDeque<(Target, Part<Sending>)>,
    gatherings: u64,
    doubts: BTreeMap<vendor::Part, VecDeque<Doubt>>,
    doubts_since: u32,
    /// Reads that go on: next pages, and halves of refused ones.
    reads: VecDeque<Settling>,
    /// Users whose read is out before they are written, and the targets of their changes.
    looking: usize,
    looked_for: HashMap<Target, usize>,
    ahead: usize,
    /// Widths of reads that were refused as a whole, halved.
    read_widths: Widths,
    suspects: Vec<Suspect>,
    passed: bool,
    /// Users could be read.
    read_any: bool,
    halt: Option<Halt>,
    confirming: Confirming,
    /// The run stops: only what is in doubt is still read.
    winds_down: bool,
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
            planned_at: None,
            look_first: false,
            refill: None,
            last_taken: None,
            taken_all: false,
            last_unknown: None,
            unknown_all: false,
            queue: Queue::default(),
            bisect: Bisect::default(),
            gathering: HashMap::new(),
            gathered: VecDeque::new(),
            gatherings: 0,
            doubts: BTreeMap::new(),
            doubts_since: 0,
            reads: VecDeque::new(),
            looking: 0,
            looked_for: HashMap::new(),
            ahead: AHEAD.0,
            read_widths: Widths::default(),
            suspects: vec![],
            passed: false,
            read_any: false,
            halt: None,
            confirming: Confirming::default(),
            winds_down: false,
        }
    }

    /// Users are read and compared with the plan before they are written.
    pub(crate) fn look_first(&mut self, look: bool) {
        self.look_first = look;
    }

    /// The plan was made from users that were read no earlier than at this moment.
    pub(crate) fn planned_at(&mut self, moment: Option<Moment>) {
        self.planned_at = moment;
        self.read_any |= moment.is_some();
    }

    // --- where changes come from

    /// What a crash left comes first, read back before anything new is sent; what was accepted comes last.
    async fn load_unknown(&mut self) -> Result<(), Halt> {
        let after = self.last_unknown.take();
        let through = self.through;
        let found = self.recorder.ask(move |journal| journal.unknown(after.as_ref(), through, BLOCK)).await?;
        self.unknown_all = found.len() < BLOCK as usize;
        self.last_unknown = found.last().map(|taken| taken.change.key.clone());
        let rounds = self.confirming.rounds;
        let (why, refusal) = if rounds > 0 {
            let message = "the vendor accepted the change, and it was not there when the user was read back";
            (Why::Accepted { last: rounds >= CONFIRMATIONS }, Refusal::own("not.confirmed", message))
        } else {
            (Why::Lost, Refusal::own("unknown", "the run was cut before an answer came"))
        };
        for taken in found {
            let attempts = u32::from(rounds > 0);
            let sending = Sending { attempts, in_doubt: true, ..self.queue.sending(taken, None) };
            self.queue.hold(&sending.change.user);
            self.doubt(sending, why, refusal.clone());
        }
        Ok(())
    }

    /// The next block is marked while this one is being sent.
    async fn begin_refill(&mut self) -> Result<(), Halt> {
        if self.refill.is_none() && !self.taken_all {
            // What the journal knows when it gives the next block need not be remembered.
            self.recorder.flush().await?;
            self.queue.forget();
            let (after, through) = (self.last_taken.clone(), self.through);
            self.refill =
                Some(on_journal(&self.recorder.shared(), move |journal| journal.take(after.as_ref(), through, BLOCK)));
        }
        Ok(())
    }

    /// Those who are asked alone to learn whether a target or its users are to blame: from all over those who wait for it,
    /// here and in the journal.
    async fn give_probes(&mut self, now: Moment) -> Result<(), Halt> {
        while let Some(target) = self.bisect.wants_probes().cloned() {
            self.end_refill(now).await?;
            let mut probes = vec![];
            if let Some(after) = self.last_taken.clone().filter(|after| after.group == target.group) {
                let (through, most) = (self.through, PROBES as u32);
                let taken = self.recorder.ask(move |journal| journal.take_spread(&after, through, most)).await?;
                for taken in taken {
                    if self.queue.must_wait(&taken.change) || Target::of(&taken.change) != target {
                        self.withdraw([(taken.change.key, 0)]);
                        continue;
                    }
                    self.queue.hold(&taken.change.user);
                    let read_at = self.just_planned(&taken.change, now);
                    probes.push(self.queue.sending(taken, read_at));
                }
            }
            probes.extend(self.queue.spread(&target, PROBES - probes.len().min(PROBES)));
            self.bisect.give_probes(&target, probes);
        }
        Ok(())
    }

    /// When the change's user was read, where the plan was made of that a short moment ago.
    fn just_planned(&self, change: &Change, now: Moment) -> Option<Moment> {
        self.planned_at.filter(|at| now < *at + FRESH && !self.vendor.writes_whole(change))
    }

    /// Whether it brought anything.
    async fn end_refill(&mut self, now: Moment) -> Result<bool, Halt> {
        let Some(refill) = self.refill.take() else { return Ok(false) };
        let taken = joined(refill).await?;
        self.taken_all = taken.len() < BLOCK as usize;
        let Some(last) = taken.last() else { return Ok(false) };
        self.last_taken = Some(last.change.key.clone());
        for taken in taken {
            let read_at = self.just_planned(&taken.change, now);
            self.queue.add(taken, read_at);
        }
        self.sweep();
        Ok(true)
    }

    /// Ends what waits for a target that is to blame, and drops what waits of rows that have failed.
    fn sweep(&mut self) {
        for (sending, said) in self.queue.take_ended(&self.bisect) {
            self.written(sending, said.verdict, said.refusal);
        }
        let dropped = self.queue.dropped();
        self.withdraw(dropped.into_iter().map(|key| (key, 0)));
    }

    /// Changes that a call of this kind carries, of what is known by now.
    fn width(&self, change: &Change) -> usize {
        let assumed = self.vendor.width(change);
        if assumed == 1 { 1 } else { self.bisect.width(&Target::of(change), assumed) }
    }

    fn guard(&self, change: &Change) -> Guard {
        match self.vendor.guard(change) {
            // A plan that was made some time ago is compared, whatever guards it.
            Guard::Version | Guard::Idempotent if self.look_first && change.kind != BLIND => Guard::Compare,
            guard => guard,
        }
    }

    /// The next call that writes, or the read that has to come before it.
    fn next_write(&mut self, turn: Turn) -> Option<Next<Tag>> {
        if let Some(next) = self.next_part(turn) {
            return Some(next);
        }
        // Targets whose next call is not full, and whose others are on their way.
        let mut waits: HashSet<Target> = HashSet::new();
        loop {
            let at = match self.with_rules(turn, &waits, |queue, rules| queue.first(rules, true))? {
                First::Send(at) => at,
                First::Read(at) => {
                    let look = self.look(at, turn, &waits);
                    if matches!(look, Some(Next::Send(_))) {
                        return look;
                    }
                    // Nobody can be read now; what has been read may be sent.
                    match self.with_rules(turn, &waits, |queue, rules| queue.first(rules, false)) {
                        Some(First::Send(at)) => at,
                        _ => return look,
                    }
                }
            };
            let change = &self.queue.get(at)?.change;
            let (width, many) = (self.width(change), self.vendor.width(change) > 1);
            let batch = self.with_rules(turn, &waits, |queue, rules| queue.batch(at, width, rules));
            let Some(target) = batch.first().filter(|_| many).map(Sending::target) else {
                return Some(self.write(None, Part::new(batch), turn));
            };
            if batch.len() == width {
                return Some(self.write(Some(target), Part::new(batch), turn));
            }
            // Others may share the call: a full one in a moment is better than two now.
            let leader = batch.first()?.change.clone();
            let to_read = self.with_rules(turn, &waits, |queue, rules| queue.first_to_read(&leader, rules));
            if let Some(look) = to_read.and_then(|at| self.look(at, turn, &waits))
                && matches!(look, Next::Send(_))
            {
                batch.into_iter().rev().for_each(|sending| self.queue.again(sending));
                return Some(look);
            }
            if turn.idle || !(self.looked_for.contains_key(&target) || self.queue.waits_for_users(&leader)) {
                return Some(self.write(Some(target), Part::new(batch), turn));
            }
            batch.into_iter().rev().for_each(|sending| self.queue.again(sending));
            waits.insert(target);
        }
    }

    fn with_rules<T>(
        &mut self,
        turn: Turn,
        waits: &HashSet<Target>,
        ask: impl FnOnce(&mut Queue, &Rules<'_>) -> T,
    ) -> T {
        let mut queue = std::mem::take(&mut self.queue);
        let open = |sending: &Sending| {
            self.vendor.width(&sending.change) == 1 || {
                let target = sending.target();
                self.bisect.may_send(&target) && !waits.contains(&target)
            }
        };
        let guard = |change: &Change| self.guard(change);
        let said = ask(&mut queue, &Rules { now: turn.now, apart: turn.apart, guard: &guard, open: &open });
        self.queue = queue;
        said
    }

    /// A part of a refused call. Its users are read first where what it was compared with is old.
    fn next_part(&mut self, turn: Turn) -> Option<Next<Tag>> {
        if let Some((target, part)) = self.gathered.pop_front() {
            return Some(self.job(Some(target), part, turn));
        }
        let (target, part) = self.bisect.next_part()?;
        self.bisect.sent(&target);
        let old = |sending: &Sending| {
            self.guard(&sending.change) == Guard::Compare && !sending.is_fresh(turn.now, turn.apart)
        };
        if !part.items.iter().any(old) {
            return Some(self.job(Some(target), part, turn));
        }
        self.gatherings += 1;
        let Part { items, trail } = part;
        let unread = items.len();
        self.gathering.insert(self.gatherings, Gathering { target, trail, items: vec![], unread });
        let mut parts: BTreeMap<vendor::Part, Vec<Doubt>> = BTreeMap::new();
        for sending in items {
            let part = self.vendor.seen_in(&sending.change).0;
            let doubt = Doubt { gathering: Some(self.gatherings), ..Doubt::revalidate(sending) };
            parts.entry(part).or_default().push(doubt);
        }
        for (part, mut doubts) in parts {
            let width = self.read_widths.of(part, self.vendor.part_width(part, doubts.len()));
            while !doubts.is_empty() {
                let rest = doubts.split_off(width.min(doubts.len()));
                self.reads.push_back(Settling::new(part, std::mem::replace(&mut doubts, rest)));
            }
        }
        self.reads.pop_front().map(|settling| self.read(settling))
    }

    fn write(&mut self, target: Option<Target>, part: Part<Sending>, turn: Turn) -> Next<Tag> {
        if let Some(target) = &target {
            self.bisect.sent(target);
        }
        self.job(target, part, turn)
    }

    fn job(&mut self, target: Option<Target>, part: Part<Sending>, turn: Turn) -> Next<Tag> {
        self.doubts_since += u32::from(!self.doubts.is_empty());
        let history = part.items.iter().map(|sending| sending.history).max().unwrap_or_default();
        let request = match &part.items[..] {
            [one] => self.vendor.call(std::slice::from_ref(&one.change)),
            many => self.vendor.call(&many.iter().map(|sending| sending.change.clone()).collect::<Vec<_>>()),
        };
        let compared = part.items.iter().filter(|sending| self.guard(&sending.change) == Guard::Compare);
        let fresh_until = compared.map(|sending| sending.fresh_until(turn.apart)).min();
        let job = Job::new(request, Tag::Write(target, part)).after(history);
        Next::Send(Box::new(match fresh_until {
            Some(until) => job.fresh_until(until),
            None => job,
        }))
    }

    /// Users are read and compared before they are written: as many as are written while that is fresh.
    fn look(&mut self, at: usize, turn: Turn, waits: &HashSet<Target>) -> Option<Next<Tag>> {
        if turn.room < turn.most.min(2) && turn.apart.is_none() {
            // What was read with the last permit would be old when the next comes free.
            return Some(Next::WhenOpen(2));
        }
        let change = &self.queue.get(at)?.change;
        let (part, width) = (self.vendor.seen_in(change).0, self.width(change));
        let calls = turn.room.saturating_sub(1).max(1);
        let ahead = if turn.apart.is_some() {
            width
        } else if width == 1 {
            self.ahead
        } else {
            width.saturating_mul(usize::try_from(self.settings.max_concurrent).unwrap_or(usize::MAX))
        };
        let left = ahead
            .min(calls.saturating_mul(width))
            .saturating_sub(self.looking + self.queue.read_ahead(turn.now, turn.apart));
        // What has been read may wait for the one that is to be read now: then nothing else can be done.
        let left = if turn.idle { left.max(1) } else { left };
        if left == 0 {
            return None;
        }
        let most = self.read_widths.of(part, self.vendor.part_width(part, self.queue.len())).min(left);
        let most = if most > width { most - most % width } else { most };
        let vendor = Arc::clone(&self.vendor);
        let taken = self.with_rules(turn, waits, |queue, rules| {
            queue.unread(at, most, rules, |change| vendor.seen_in(change).0 == part)
        });
        if taken.is_empty() {
            return None;
        }
        if taken.iter().any(|sending| sending.read_at.is_some()) {
            self.ahead = (self.ahead / 2).max(1);
        } else {
            self.ahead = (self.ahead + 4).min(AHEAD.1);
        }
        let again = |sending: Sending| {
            let stale = sending.stale + u32::from(sending.read_at.is_some());
            Doubt::revalidate(Sending { stale, ..sending })
        };
        let doubts: Vec<Doubt> = taken.into_iter().map(again).collect();
        self.looks(&doubts, true);
        Some(self.read(Settling::new(part, doubts)))
    }

    /// Counts those whose read before their write begins, or ends.
    fn looks(&mut self, doubts: &[Doubt], begin: bool) {
        for doubt in doubts.iter().filter(|doubt| doubt.is_look()) {
            let target = doubt.sending.target();
            let reads = self.looked_for.entry(target.clone()).or_default();
            if begin {
                *reads += 1;
                self.looking += 1;
                continue;
            }
            *reads = reads.saturating_sub(1);
            self.looking = self.looking.saturating_sub(1);
            if *reads == 0 {
                self.looked_for.remove(&target);
            }
        }
    }

    /// Doubts are read back many a call: when a call is full, or when waiting for more would keep the run.
    fn next_settle(&mut self, no_more: bool) -> Option<Next<Tag>> {
        if let Some(settling) = self.reads.pop_front() {
            return Some(self.read(settling));
        }
        let mut found = None;
        for (part, doubts) in &mut self.doubts {
            let width = self.read_widths.of(part, self.vendor.part_width(part, doubts.len()));
            let patience = u32::try_from(width).unwrap_or(u32::MAX).min(PATIENCE);
            // Nobody has got through, and perhaps nobody does: that is found out before more is sent.
            let urgent = !self.passed && doubts.front().is_some_and(|doubt| doubt.why == Why::NotTheApi);
            let full = doubts.len() >= width || self.doubts_since >= patience;
            if !doubts.is_empty() && (full || no_more || urgent) {
                self.doubts_since = 0;
                found = Some(Settling::new(part, doubts.drain(..width.min(doubts.len())).collect()));
                break;
            }
        }
        self.doubts.retain(|_, doubts| !doubts.is_empty());
        found.map(|settling| self.read(settling))
    }

    fn in_doubt(&self) -> usize {
        self.doubts.values().map(VecDeque::len).sum()
    }

    fn read(&self, settling: Settling) -> Next<Tag> {
        let changes = || settling.doubts.iter().map(|doubt| &doubt.sending.change);
        let keys: Vec<String> = changes().map(|change| self.vendor.seen_in(change).1).collect();
        let columns: BTreeSet<String> = changes().flat_map(|change| change.columns.clone()).collect();
        let request = self.vendor.read(settling.part, &keys, &columns, settling.page.as_deref());
        Next::Send(Box::new(Job::new(request, Tag::Read(settling))))
    }

    // --- what becomes of them

    fn made(&mut self, sending: Sending, version: Option<Version>) {
        self.passed = true;
        self.clear_suspects();
        if self.queue.made(&sending, version) {
            (self.events)(Event::Ended { outcome: Outcome::Updated });
        }
        let Sending { change, attempts, .. } = sending;
        self.recorder.record(Entry::Made { key: change.key, attempts, version });
    }

    /// The version that a call has brought, where the row's other changes may go on it: it carried the version that the row
    /// was planned at, or what was made on that, and was answered itself. Whatever a later look at the user has told may be
    /// a colleague's work, which the others have not been compared with.
    fn handed_on(&self, sending: &Sending, answered: Option<Version>) -> Option<Version> {
        let carried = self.vendor.guard(&sending.change) == Guard::Version && sending.change.version.is_some();
        answered.filter(|_| carried && !sending.rebased)
    }

    fn not_made(&mut self, sending: Sending, outcome: Outcome, mut refusal: Refusal) {
        if let (true, Some(record)) = (sending.siblings > 1, self.vendor.record_of(&sending.change)) {
            let message = refusal.message.as_deref().unwrap_or("refused");
            refusal.message = Some(format!("{record}: {message}"));
        }
        if self.queue.ended(&sending) {
            (self.events)(Event::Ended { outcome });
            self.failed += 1;
        }
        let Sending { change, attempts, .. } = sending;
        self.recorder.record(Entry::NotMade { key: change.key, attempts, outcome, refusal });
    }

    fn withdraw(&mut self, keys: impl IntoIterator<Item = (ChangeKey, u32)>) {
        for (key, attempts) in keys {
            self.recorder.record(Entry::Withdrawn { key, attempts });
        }
    }

    fn doubt(&mut self, sending: Sending, why: Why, refusal: Refusal) {
        let (part, _) = self.vendor.seen_in(&sending.change);
        let sending = Sending { read_at: None, ..sending };
        self.doubts.entry(part).or_default().push_back(Doubt { sending, why, refusal, gathering: None });
    }

    /// Somebody got through: those refused for a missing right are refused for themselves.
    fn clear_suspects(&mut self) {
        for Suspect { mut sending, refusal, odd } in std::mem::take(&mut self.suspects) {
            if odd && sending.conflicts < ODD_ANSWERS {
                sending.conflicts += 1;
                self.queue.again(sending);
            } else {
                self.written(sending, Verdict::Rejected, refusal);
            }
        }
    }

    fn suspect(&mut self, sending: Sending, refusal: Refusal, odd: bool) {
        self.suspects.push(Suspect { sending, refusal, odd });
        if self.passed {
            self.clear_suspects();
            return;
        }
        // Where all of them are one division's or one queue's, others may get through.
        let target = |suspect: &Suspect| Some(suspect.sending.target()).filter(|target| !target.group.is_empty());
        let first = self.suspects.first().and_then(target);
        let of_one_target = !odd && first.is_some() && self.suspects.iter().all(|suspect| target(suspect) == first);
        let most = if of_one_target { OF_ONE_TARGET } else { SUSPECTS };
        if self.suspects.len() >= most {
            self.halt = self.halt.take().or(self.everyones());
        }
    }

    /// What stops the run, where what the suspects were told is everyone's.
    fn everyones(&self) -> Option<Halt> {
        let Suspect { refusal, odd, .. } = self.suspects.last()?;
        Some(if *odd {
            let said = refusal.message.as_deref().unwrap_or("no JSON");
            let message = format!("something between here and the API answers in its place: {said}");
            Halt::NotTheVendor { what: API, refusal: Refusal { message: Some(message), ..refusal.clone() } }
        } else {
            Halt::Forbidden(refusal.clone())
        })
    }

    /// Nothing is left to send: every row of several was refused for a missing right, or these few were.
    fn judge_suspects(&mut self) {
        let all_odd = self.suspects.iter().all(|suspect| suspect.odd);
        if all_odd || self.suspects.len() as u64 >= self.rows.max(2) {
            self.halt = self.halt.take().or(self.everyones());
            return;
        }
        for Suspect { sending, refusal, .. } in std::mem::take(&mut self.suspects) {
            self.written(sending, Verdict::Rejected, refusal);
        }
    }

    /// A change was answered, alone or by name.
    fn written(&mut self, sending: Sending, verdict: Verdict, refusal: Refusal) {
        match verdict {
            // An attempt that nobody heard of may have had its effect, and be what is refused now.
            Verdict::Rejected | Verdict::Transient if sending.in_doubt && sending.change.kind != BLIND => {
                self.doubt(sending, Why::Exhausted, refusal);
            }
            Verdict::Conflict if sending.change.kind == BLIND => self.not_made(sending, Outcome::Conflict, refusal),
            Verdict::Conflict => self.doubt(sending, Why::Conflict, refusal),
            Verdict::Forbidden => self.suspect(sending, refusal, false),
            _ => self.not_made(sending, Outcome::Failed, refusal),
        }
    }

    /// One answer for many: for each its own verdict where the body tells them apart; where it refuses them as a whole,
    /// its parts are asked.
    fn answered(&mut self, target: Option<Target>, mut part: Part<Sending>, verdict: Verdict, answer: &Answer) {
        let together = part.items.iter().map(|sending| sending.conflicts).max().unwrap_or(0);
        match (verdict, target) {
            (Verdict::Applied { version }, target) => {
                let Part { items, trail } = part;
                if let Some(target) = target {
                    let culprits = self.bisect.passed(&target, items.len(), trail);
                    culprits.into_iter().for_each(|(item, said)| self.written(item, said.verdict, said.refusal));
                }
                self.borne_out(items, version, answer);
            }
            (Verdict::NotTheApi, target) => self.all(target, part, Why::NotTheApi, &self.vendor.refusal(answer)),
            (Verdict::Conflict, target) if part.items.len() == 1 || together < WHOLE_CONFLICTS => {
                part.items.iter_mut().for_each(|sending| sending.read_at = None);
                self.all(target, part, Why::Conflict, &self.vendor.refusal(answer));
            }
            (verdict, None) => {
                let refusal = self.vendor.refusal(answer);
                part.everything().for_each(|sending| self.written(sending, verdict.clone(), refusal.clone()));
            }
            (verdict, Some(target)) => {
                let said = Said { verdict, refusal: self.vendor.refusal(answer) };
                self.refused(&target, part, said);
            }
        }
    }

    /// What an answer that is no refusal says of each of its changes.
    fn borne_out(&mut self, items: Vec<Sending>, version: Option<Version>, answer: &Answer) {
        let each = match &items[..] {
            [one] => self.vendor.each(std::slice::from_ref(&one.change), answer),
            many => {
                let changes: Vec<Change> = many.iter().map(|sending| sending.change.clone()).collect();
                self.vendor.each(&changes, answer)
            }
        };
        let each = each.unwrap_or_else(|| vec![Each::Made; items.len()]);
        // Only the answer to a call for one user tells that user's version.
        let alone = items.iter().all(|sending| self.vendor.width(&sending.change) == 1);
        for (sending, one) in items.into_iter().zip(each) {
            match one {
                Each::Accepted => {
                    self.confirming.waits = true;
                    self.passed = true;
                    self.queue.free(&sending.change.user);
                }
                Each::Made => {
                    let version = self.handed_on(&sending, version.filter(|_| alone));
                    self.made(sending, version);
                }
                Each::Refused(refusal) => {
                    self.passed = true;
                    self.written(sending, Verdict::Rejected, refusal);
                }
                Each::Doubtful(refusal) => self.doubt(sending, Why::NotBorneOut, refusal),
            }
        }
    }

    /// Nothing was learned of a call's target: its changes go their own way.
    fn unlearned(&mut self, target: Option<Target>, part: Part<Sending>) -> Vec<Sending> {
        let Part { items, trail } = part;
        if let Some(target) = target {
            self.bisect.lost(&target, trail);
        }
        items
    }

    /// All of a call are in doubt, for one reason.
    fn all(&mut self, target: Option<Target>, part: Part<Sending>, why: Why, refusal: &Refusal) {
        for sending in self.unlearned(target, part) {
            match why {
                Why::Conflict => self.written(sending, Verdict::Conflict, refusal.clone()),
                why => self.doubt(sending, why, refusal.clone()),
            }
        }
    }

    /// A call that writes was not answered, or not so that it says anything of what it carried.
    fn unanswered(&mut self, target: Option<Target>, part: Part<Sending>, ending: Ending) {
        match ending {
            Ending::Doubtful(refusal) => self.all(target, part, Why::Lost, &refusal),
            Ending::Stale => {
                // Those that were not sent keep the mark of what got old; the others are read as if for the first time.
                self.unlearned(target, part).into_iter().rev().for_each(|sending| self.queue.again(sending));
            }
            Ending::Exhausted(refusal) => self.exhausted(target, part, refusal),
            Ending::Answered(verdict, answer) => self.answered(target, part, verdict, &answer),
        }
    }

    /// A call's attempts are spent. What many share is nobody's own: its parts are asked, each with attempts of its own.
    fn exhausted(&mut self, target: Option<Target>, mut part: Part<Sending>, refusal: Refusal) {
        if let (Some(target), true) = (&target, part.items.len() > 1) {
            for sending in &mut part.items {
                (sending.read_at, sending.history) = (None, History::default());
            }
            let said = Said { verdict: Verdict::Transient, refusal };
            return self.refused(target, part, said);
        }
        for sending in self.unlearned(target, part) {
            self.written(sending, Verdict::Transient, refusal.clone());
        }
    }

    /// A call that many share was refused as a whole.
    fn refused(&mut self, target: &Target, part: Part<Sending>, said: Said) {
        let published = part.items.first().is_some_and(|first| self.vendor.width_is_published(&first.change));
        match self.bisect.refused(target, part, said, published) {
            Refused::Split => {}
            Refused::Culprits(culprits) => {
                culprits.into_iter().for_each(|(item, said)| self.written(item, said.verdict, said.refusal));
            }
            Refused::Ended(Said { verdict, refusal }, items) => {
                items.into_iter().for_each(|item| self.written(item, verdict.clone(), refusal.clone()));
                self.sweep();
            }
        }
    }

    /// Takes in what a read has brought; says so where the answer is none of it.
    fn has_read(
        &mut self,
        mut settling: Settling,
        answer: &Answer,
        at: Moment,
    ) -> Result<(), Box<(Settling, Refusal)>> {
        let key = |doubt: &Doubt| self.vendor.seen_in(&doubt.sending.change).1;
        let keys: Vec<String> = settling.doubts.iter().map(key).collect();
        let page = match self.vendor.records(settling.part, &keys, settling.page.as_deref(), answer) {
            Ok(page) => page,
            Err(refusal) => return Err(Box::new((settling, refusal))),
        };
        self.read_any = true;
        settling.answered_at = at;
        settling.pages += 1;
        for (key, record) in page.records {
            settling.got.entry(key.to_lowercase()).or_default().push(record);
        }
        if let More::Page(next) = &page.more
            && settling.page.as_ref() != Some(next)
            && settling.pages < PAGES
        {
            settling.page = Some(next.clone());
            self.reads.push_back(settling);
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
                self.reads.push_back(Settling::new(settling.part, missing));
            }
        }
        self.settle(settling);
        Ok(())
    }

    /// Ends the doubts that have been read.
    fn settle(&mut self, settling: Settling) {
        let Settling { doubts, got, asked_at, answered_at, .. } = settling;
        self.looks(&doubts, false);
        // Those that are to be sent go before the others, in their order.
        for doubt in doubts.into_iter().rev() {
            let key = self.vendor.seen_in(&doubt.sending.change).1.to_lowercase();
            let records = got.get(&key).map_or(&[][..], Vec::as_slice);
            let user = self.vendor.seen(&doubt.sending.change, records);
            let seen = user.as_ref().map(|user| (user, self.vendor.holds(&doubt.sending.change, user)));
            let guard = self.vendor.guard(&doubt.sending.change);
            let judgement = judge(&doubt, seen, guard, self.settings.force);
            let Doubt { mut sending, why, gathering, .. } = doubt;
            let whole = gathering.and_then(|number| self.gathering.get_mut(&number));
            match judgement {
                Judgement::Send => {
                    sending.conflicts += u32::from(why == Why::Conflict);
                    sending.in_doubt = false;
                    // Where reads take so long that nothing would be fresh, the answer's moment counts.
                    sending.read_at = if sending.stale >= 2 { Some(answered_at) } else { asked_at };
                    if let Some(user) = &user {
                        sending.rebased |= user.version != sending.change.version;
                        sending.change = self.vendor.rebase(sending.change, user);
                    }
                    match whole {
                        Some(whole) => whole.items.push(sending),
                        None => self.queue.again(sending),
                    }
                }
                Judgement::Made => self.made(sending, None),
                Judgement::NotMade(outcome, refusal) => self.not_made(sending, outcome, refusal),
                Judgement::Suspect(refusal) => self.suspect(sending, refusal, true),
                Judgement::Wait => {
                    self.confirming.waits = true;
                    self.queue.free(&sending.change.user);
                }
            }
            self.gathered(gathering);
        }
    }

    /// One more of a part has been read: with the last, it can be sent.
    fn gathered(&mut self, number: Option<u64>) {
        let Some(number) = number else { return };
        let Some(gathering) = self.gathering.get_mut(&number) else { return };
        gathering.unread -= 1;
        if gathering.unread > 0 {
            return;
        }
        if let Some(Gathering { target, trail, mut items, .. }) = self.gathering.remove(&number) {
            if items.is_empty() {
                self.bisect.lost(&target, trail);
            } else {
                items.reverse();
                self.gathered.push_back((target, Part { items, trail }));
            }
        }
    }

    fn read_ended(&mut self, settling: Settling, ending: Ending, at: Moment) -> Result<(), Halt> {
        let answered = matches!(ending, Ending::Answered(..));
        let (settling, refusal) = match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => match self.has_read(settling, &answer, at) {
                Ok(()) => return Ok(()),
                Err(refused) => *refused,
            },
            Ending::Answered(_, answer) => (settling, self.vendor.refusal(&answer)),
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => (settling, refusal),
            Ending::Stale => (settling, Refusal::default()),
        };
        let Settling { part, doubts, .. } = settling;
        if doubts.iter().all(|doubt| doubt.sending.change.kind == BLIND) {
            // Behind a gateway there may be nothing to read. A blind change sets what its row says, whoever set it
            // before: sending it again does no harm that sending it once did not.
            for Doubt { sending, why, refusal, .. } in doubts {
                match why {
                    Why::Lost | Why::Conflict | Why::Revalidate => self.queue.again(sending),
                    Why::NotTheApi => self.suspect(sending, refusal, true),
                    _ => self.not_made(sending, Outcome::Failed, refusal),
                }
            }
            return Ok(());
        }
        if doubts.len() > 1 {
            self.read_widths.refused(part, doubts.len());
            let (first, second) = halves(doubts);
            self.reads.extend([Settling::new(part, first), Settling::new(part, second)]);
            return Ok(());
        }
        self.looks(&doubts, false);
        if !(self.read_any && answered) {
            // It stays "may be sent" in the journal: a resume settles it when users can be read again.
            return Err(Halt::NotTheVendor { what: API, refusal });
        }
        // Other users can be read: it is this one's.
        for Doubt { sending, gathering, .. } in doubts {
            let made = if sending.in_doubt { "; whether the change was made is not known" } else { "" };
            let said = refusal.message.as_deref().unwrap_or("refused");
            let message = Some(format!("the user cannot be read{made}: {said}"));
            self.not_made(sending, Outcome::Failed, Refusal { message, ..refusal.clone() });
            self.gathered(gathering);
        }
        Ok(())
    }

    /// What stops the run once everything that is known has been recorded.
    fn check(&mut self) -> Result<(), Halt> {
        if self.winds_down {
            return Ok(());
        }
        if let Some(halt) = self.halt.take() {
            return Err(halt);
        }
        match self.settings.max_failures {
            Some(most) if most.reached(self.failed, self.rows) => Err(Halt::MaxFailures(self.failed)),
            _ => Ok(()),
        }
    }

    /// Nothing is left to send. Whether there is something to do after all, or when.
    async fn at_the_end(&mut self, now: Moment) -> Result<Option<Next<Tag>>, Halt> {
        let undecided = self.bisect.give_up();
        if !undecided.is_empty() {
            undecided.into_iter().for_each(|(item, said)| self.written(item, said.verdict, said.refusal));
            return Ok(Some(Next::Later(now)));
        }
        if !self.suspects.is_empty() {
            self.judge_suspects();
            return Ok(Some(Next::Later(now)));
        }
        let Confirming { waits, rounds, at } = self.confirming;
        match at {
            Some(at) if at > now => return Ok(Some(Next::Later(at))),
            None if waits && rounds < CONFIRMATIONS => {
                let backoff = Backoff { jitter: Jitter::None, ..self.settings.backoff };
                let at = now + backoff.wait(rounds + 1, Duration::ZERO, 0.0);
                self.confirming.at = Some(at);
                return Ok(Some(Next::Later(at)));
            }
            None => return Ok(None),
            Some(_) => {}
        }
        self.confirming = Confirming { waits: false, rounds: rounds + 1, at: None };
        // What is not written yet would look like one of them.
        self.recorder.flush().await?;
        (self.unknown_all, self.last_unknown) = (false, None);
        Ok(Some(Next::Later(now)))
    }
}

impl Phase for Sender<'_> {
    type Tag = Tag;

    async fn next(&mut self, turn: Turn) -> Result<Next<Tag>, Halt> {
        self.check()?;
        if self.winds_down {
            return Ok(self.next_settle(true).unwrap_or(Next::Nothing));
        }
        if !self.unknown_all && self.in_doubt() + self.queue.len() < BLOCK as usize {
            self.load_unknown().await?;
        }
        loop {
            if let Some(next) = self.next_settle(false) {
                return Ok(next);
            }
            self.give_probes(turn.now).await?;
            if self.unknown_all && self.queue.len() < BLOCK as usize / 2 {
                self.begin_refill().await?;
            }
            if self.queue.len() < FEW {
                // A call that could be full must not leave half empty because a block ends in it.
                self.end_refill(turn.now).await?;
            }
            if let Some(next) = self.next_write(turn) {
                return Ok(next);
            }
            // Everything here waits for others: perhaps something behind it does not.
            let full = self.queue.len() >= 2 * BLOCK as usize;
            if self.unknown_all && !full {
                self.begin_refill().await?;
                if self.end_refill(turn.now).await? {
                    continue;
                }
            }
            if let Some(next) = self.next_settle(true) {
                return Ok(next);
            }
            break;
        }
        if turn.idle
            && let Some(next) = self.at_the_end(turn.now).await?
        {
            return Ok(next);
        }
        Ok(Next::Nothing)
    }

    async fn ended(&mut self, job: Job<Tag>, ending: Ending) -> Result<(), Halt> {
        let Job { attempts, history, doubt, left, tag, .. } = job;
        match tag {
            Tag::Read(mut settling) => {
                settling.asked_at = settling.asked_at.or(Some(left));
                let now = self.recorder.now();
                self.read_ended(settling, ending, now)?;
            }
            Tag::Write(target, mut part) => {
                // What was refused had no effect, and is as fresh as it was; whatever had to wait or was not heard of is not.
                let old = attempts > 0 && !matches!(ending, Ending::Answered(..));
                for sending in &mut part.items {
                    sending.attempts += attempts;
                    sending.history = history;
                    sending.in_doubt |= doubt;
                    if old {
                        (sending.read_at, sending.stale) = (None, 0);
                    }
                }
                self.unanswered(target, part, ending);
            }
        }
        self.sweep();
        self.check()
    }

    fn due(&self) -> Option<Moment> {
        self.recorder.due()
    }

    async fn tick(&mut self, effort: Effort) -> Result<(), Halt> {
        self.recorder.tick(effort).await
    }

    fn wind_down(&mut self) {
        self.winds_down = true;
    }

    async fn left(&mut self, unfinished: Vec<Job<Tag>>) -> Result<(), Halt> {
        let now = self.recorder.now();
        self.end_refill(now).await?;
        let mut unsent: Vec<(ChangeKey, u32)> = vec![];
        // What is in doubt stays "may be sent", and a resume reads its users first.
        let mut keep = |sending: Sending| {
            if !sending.in_doubt {
                unsent.push((sending.change.key, sending.attempts));
            }
        };
        let mut doubts: Vec<Doubt> = vec![];
        for job in unfinished {
            match job.tag {
                Tag::Write(_, Part { items, trail }) => {
                    let again = |sending: Sending| Sending {
                        attempts: sending.attempts + job.attempts,
                        in_doubt: sending.in_doubt || job.doubt,
                        ..sending
                    };
                    let items = items.into_iter().map(again).collect();
                    Part { items, trail }.everything().for_each(&mut keep);
                }
                Tag::Read(settling) => doubts.extend(settling.doubts),
            }
        }
        doubts.extend(std::mem::take(&mut self.reads).into_iter().flat_map(|settling| settling.doubts));
        doubts.extend(std::mem::take(&mut self.doubts).into_values().flatten());
        // Those that are known not to be made were not sent, or were refused.
        let not_made = |doubt: &Doubt| matches!(doubt.why, Why::Revalidate | Why::Conflict);
        doubts.into_iter().filter(not_made).for_each(|doubt| keep(doubt.sending));
        self.queue.drain().into_iter().for_each(&mut keep);
        self.bisect.drain().into_iter().for_each(&mut keep);
        std::mem::take(&mut self.gathered).into_iter().flat_map(|(_, part)| part.everything()).for_each(&mut keep);
        for (_, Gathering { trail, items, .. }) in self.gathering.drain() {
            Part { items, trail }.everything().for_each(&mut keep);
        }
        std::mem::take(&mut self.suspects).into_iter().for_each(|suspect| keep(suspect.sending));
        self.withdraw(unsent);
        self.recorder.flush().await
    }
}
