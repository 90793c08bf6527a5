//! What is to be done next. [`super::landed`] takes what has happened.

use super::ahead::Ahead;
use super::bisect::{Bisect, PROBES, Part, Target};
use super::confirming::{Confirm, Confirming};
use super::doubt::{Doubt, Why};
use super::gathering::Gatherings;
use super::intake::{BLOCK, Intake};
use super::queue::{FRESH, First, Queue, Rules, Sending};
use super::reader::{Reader, Settling};
use super::suspects::Suspects;
use super::{About, Call, Cause, Landed, MaxFailures, Taken, Todo, Turn};
use crate::Moment;
use crate::backoff::Backoff;
use crate::entry::Entry;
use crate::plan::{Change, ChangeKey, Guard};
use crate::summary::{Counts, Outcome};
use crate::vendor::{BLIND, Refusal, Vendor};
use std::collections::HashSet;
use std::sync::Arc;

/// Users with several own calls that are worth a read: permits that come back one by one are waited for until they carry so many.
const TOGETHER: usize = 10;

/// Changes in the queue at which the next block is waited for: more than the widest call carries.
const FEW: usize = 200;

/// What a call is about.
#[derive(Debug)]
pub(super) enum Purpose {
    /// It makes changes, all of one stage and group; with their target where many share a call.
    Write(Option<Target>, Part<Sending>),
    /// It reads users.
    Read(Settling),
}

/// What a sender keeps within.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The last row that may be sent.
    pub through: u64,
    /// All users are read before they are written, however their changes are guarded: the plan was made some time ago.
    pub look_first: bool,
    /// When the users were read that the plan was made of, where that was one short moment ago.
    pub planned_at: Option<Moment>,
    /// Others' changes are overwritten.
    pub force: bool,
    /// Calls in flight, at most.
    pub max_concurrent: usize,
    /// Failures at which it stops.
    pub max_failures: Option<MaxFailures>,
    /// How pauses grow before what was only accepted is read back.
    pub backoff: Backoff,
}

/// The sending part of a run, or of its canary. See [`super`].
#[derive(Debug)]
pub struct Sender {
    pub(super) vendor: Arc<dyn Vendor>,
    pub(super) bounds: Bounds,
    pub(super) intake: Intake,
    pub(super) queue: Queue,
    pub(super) bisect: Bisect<Sending>,
    pub(super) gatherings: Gatherings,
    pub(super) ahead: Ahead,
    pub(super) reader: Reader,
    pub(super) suspects: Suspects,
    pub(super) confirming: Confirming,
    /// What stops it, once everything that is known has been noted.
    pub(super) cause: Option<Cause>,
    /// It stops: only what is in doubt is still read.
    winds_down: bool,
    pub(super) rows: u64,
    pub(super) failed: u64,
    pub(super) notes: Vec<Entry>,
    pub(super) outcomes: Vec<Outcome>,
}

impl Sender {
    /// One that has sent nothing; `counts` are the run's so far.
    pub fn new(vendor: Arc<dyn Vendor>, bounds: Bounds, counts: Counts) -> Self {
        let mut reader = Reader::default();
        if bounds.planned_at.is_some() {
            reader.can_read();
        }
        Self {
            vendor,
            intake: Intake::new(bounds.through),
            bounds,
            queue: Queue::default(),
            bisect: Bisect::default(),
            gatherings: Gatherings::default(),
            ahead: Ahead::default(),
            reader,
            suspects: Suspects::default(),
            confirming: Confirming::default(),
            cause: None,
            winds_down: false,
            rows: counts.rows,
            failed: counts.failed + counts.conflict,
            notes: vec![],
            outcomes: vec![],
        }
    }

    /// What is to be done now.
    ///
    /// # Errors
    /// A cause that is everyone's: nothing more is to be sent.
    pub fn poll(&mut self, turn: Turn) -> Result<Todo, Cause> {
        self.check()?;
        if self.winds_down {
            return Ok(self.next_settle(true).unwrap_or(Todo::Nothing));
        }
        // What a crash left comes first, read back before anything new is sent; what was accepted comes last.
        let in_doubt = self.intake.in_doubt();
        let knows_doubts = in_doubt.is_none();
        if let Some(block) = in_doubt.filter(|_| self.reader.in_doubt() + self.queue.len() < BLOCK as usize) {
            let accepted = self.confirming.is_last().is_some();
            return Ok(if accepted { Todo::Accepted(block) } else { Todo::InDoubt(block) });
        }
        if let Some(next) = self.next_settle(false) {
            return Ok(next);
        }
        if let Some(next) = self.give_probes() {
            return Ok(next);
        }
        if knows_doubts
            && self.queue.len() < BLOCK as usize / 2
            && let Some(next) = self.fetch()
        {
            return Ok(next);
        }
        if self.intake.is_fetching() && self.queue.len() < FEW {
            // A call that could be full must not leave half empty because a block ends in it.
            return Ok(Todo::AwaitFetched);
        }
        if let Some(next) = self.next_write(turn) {
            return Ok(next);
        }
        // Everything here waits for others: perhaps something behind it does not.
        if knows_doubts && self.queue.len() < 2 * BLOCK as usize {
            if let Some(next) = self.fetch() {
                return Ok(next);
            }
            if self.intake.is_fetching() {
                return Ok(Todo::AwaitFetched);
            }
        }
        if let Some(next) = self.next_settle(true) {
            return Ok(next);
        }
        if turn.idle { self.at_the_end(turn.now) } else { Ok(Todo::Nothing) }
    }

    /// What is to be written down since it was asked last, and the rows that have got their outcome.
    pub fn noted(&mut self) -> (Vec<Entry>, Vec<Outcome>) {
        (std::mem::take(&mut self.notes), std::mem::take(&mut self.outcomes))
    }

    /// What stops it.
    pub(super) fn check(&mut self) -> Result<(), Cause> {
        if self.winds_down {
            return Ok(());
        }
        if let Some(cause) = self.cause.take() {
            return Err(cause);
        }
        match self.bounds.max_failures {
            Some(most) if most.reached(self.failed, self.rows) => Err(Cause::MaxFailures(self.failed)),
            _ => Ok(()),
        }
    }

    /// It stops, and the vendor is well: from now on only what is in doubt is asked for, so that it is told as it is.
    pub fn wind_down(&mut self) {
        self.winds_down = true;
    }

    // --- what comes from the journal

    fn fetch(&mut self) -> Option<Todo> {
        let block = self.intake.fetch()?;
        // What the journal knows when it gives the next block need not be remembered.
        self.queue.forget();
        Some(Todo::Fetch(block))
    }

    /// The answer to [`Todo::Fetch`].
    pub fn fetched(&mut self, taken: Vec<Taken>, now: Moment) {
        self.intake.fetched(&taken);
        for taken in taken {
            let read_at = self.just_planned(&taken.change, now);
            self.queue.add(taken, read_at);
        }
        self.sweep();
    }

    /// The answer to [`Todo::InDoubt`] and to [`Todo::Accepted`].
    pub fn found_in_doubt(&mut self, found: Vec<Taken>) {
        self.intake.found_in_doubt(&found);
        let (why, refusal) = match self.confirming.is_last() {
            Some(last) => {
                let message = "the vendor accepted the change, and it was not there when the user was read back";
                (Why::Accepted { last }, Refusal::own("not.confirmed", message))
            }
            None => (Why::Lost, Refusal::own("unknown", "the run was cut before an answer came")),
        };
        for taken in found {
            let attempts = u32::from(why != Why::Lost);
            let sending = Sending { attempts, in_doubt: true, ..self.queue.sending(taken, None) };
            self.queue.hold(&sending.change.user);
            self.doubt(sending, why, refusal.clone());
        }
    }

    /// When the change's user was read, where the plan was made of that a short moment ago.
    fn just_planned(&self, change: &Change, now: Moment) -> Option<Moment> {
        self.bounds.planned_at.filter(|at| now < *at + FRESH && !self.vendor.writes_whole(change))
    }

    /// Those who are asked alone to learn whether a target or its users are to blame: from all over those who wait for it,
    /// in the journal and here.
    fn give_probes(&mut self) -> Option<Todo> {
        while let Some(target) = self.bisect.wants_probes().cloned() {
            if self.intake.is_fetching() {
                return Some(Todo::AwaitFetched);
            }
            match self.intake.spread(&target.group, PROBES as u32) {
                Some(block) => return Some(Todo::Spread(block)),
                None => self.probe(&target, vec![]),
            }
        }
        None
    }

    /// The answer to [`Todo::Spread`].
    pub fn spread(&mut self, taken: Vec<Taken>, now: Moment) {
        let Some(target) = self.bisect.wants_probes().cloned() else {
            return self.withdraw(taken.into_iter().map(|taken| (taken.change.key, 0)));
        };
        let mut probes = vec![];
        for taken in taken {
            if self.queue.must_wait(&taken.change) || Target::of(&taken.change) != target {
                self.withdraw([(taken.change.key, 0)]);
                continue;
            }
            self.queue.hold(&taken.change.user);
            let read_at = self.just_planned(&taken.change, now);
            probes.push(self.queue.sending(taken, read_at));
        }
        self.probe(&target, probes);
    }

    fn probe(&mut self, target: &Target, mut probes: Vec<Sending>) {
        probes.extend(self.queue.spread(target, PROBES - probes.len().min(PROBES)));
        self.bisect.give_probes(target, probes);
    }

    /// Ends what waits for a target that is to blame, and drops what waits of rows that have failed.
    pub(super) fn sweep(&mut self) {
        for (sending, said) in self.queue.take_ended(&self.bisect) {
            self.refused_alone(sending, said.verdict, said.refusal);
        }
        let dropped = self.queue.dropped();
        self.withdraw(dropped.into_iter().map(|key| (key, 0)));
    }

    pub(super) fn withdraw(&mut self, keys: impl IntoIterator<Item = (ChangeKey, u32)>) {
        self.notes.extend(keys.into_iter().map(|(key, attempts)| Entry::Withdrawn { key, attempts }));
    }

    // --- calls

    /// Changes that a call of this kind carries, of what is known by now.
    fn width(&self, change: &Change) -> usize {
        let assumed = self.vendor.width(change);
        if assumed == 1 { 1 } else { self.bisect.width(&Target::of(change), assumed) }
    }

    pub(super) fn guard(&self, change: &Change) -> Guard {
        match self.vendor.guard(change) {
            // A plan that was made some time ago is compared, whatever guards it.
            Guard::Version | Guard::Idempotent if self.bounds.look_first && change.kind != BLIND => Guard::Compare,
            guard => guard,
        }
    }

    /// The next call that writes, or the read that has to come before it.
    fn next_write(&mut self, turn: Turn) -> Option<Todo> {
        if let Some(next) = self.next_part(turn) {
            return Some(next);
        }
        // Targets whose next call is not full, and whose others are on their way.
        let mut waits: HashSet<Target> = HashSet::new();
        loop {
            let at = match self.with_rules(turn, &waits, |queue, rules| queue.first(rules, true))? {
                First::Send(at) => at,
                First::Read(at) => {
                    let read = self.revalidate(at, turn, &waits);
                    if matches!(read, Some(Todo::Send(_))) {
                        return read;
                    }
                    // Nobody can be read now; what has been read may be sent.
                    match self.with_rules(turn, &waits, |queue, rules| queue.first(rules, false)) {
                        Some(First::Send(at)) => at,
                        _ => return read,
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
            if let Some(read) = to_read.and_then(|at| self.revalidate(at, turn, &waits))
                && matches!(read, Todo::Send(_))
            {
                batch.into_iter().rev().for_each(|sending| self.queue.again(sending));
                return Some(read);
            }
            if turn.idle || !(self.ahead.is_out_for(&target) || self.queue.waits_for_users(&leader)) {
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
        let whole = |change: &Change| self.vendor.writes_whole(change);
        let Turn { now, apart, .. } = turn;
        let said = ask(&mut queue, &Rules { now, apart, guard: &guard, open: &open, whole: &whole });
        self.queue = queue;
        said
    }

    /// A part of a refused call. Its users are read first where what it was compared with is old.
    fn next_part(&mut self, turn: Turn) -> Option<Todo> {
        if let Some((target, part)) = self.gatherings.next() {
            return Some(self.call(Some(target), part, turn));
        }
        let (target, part) = self.bisect.next_part()?;
        self.bisect.sent(&target);
        let old = |sending: &Sending| {
            self.guard(&sending.change) == Guard::Compare && !sending.is_fresh(turn.now, turn.apart)
        };
        if !part.items.iter().any(old) {
            return Some(self.call(Some(target), part, turn));
        }
        let Part { items, trail } = part;
        let number = self.gatherings.begin(target, trail, items.len());
        let doubts = items.into_iter().map(|sending| Doubt { gathering: Some(number), ..Doubt::revalidate(sending) });
        self.reader.read_next(self.vendor.as_ref(), doubts);
        self.reader.going_on().map(|settling| self.read(settling))
    }

    fn write(&mut self, target: Option<Target>, part: Part<Sending>, turn: Turn) -> Todo {
        if let Some(target) = &target {
            self.bisect.sent(target);
        }
        self.call(target, part, turn)
    }

    fn call(&mut self, target: Option<Target>, part: Part<Sending>, turn: Turn) -> Todo {
        self.reader.call_leaves();
        let history = part.items.iter().map(|sending| sending.history).max().unwrap_or_default();
        let request = Sending::ask(&part.items, |changes| self.vendor.call(changes));
        let compared = part.items.iter().filter(|sending| self.guard(&sending.change) == Guard::Compare);
        let fresh_until = compared.map(|sending| sending.fresh_until(turn.apart)).min();
        let begin_by = match &part.items[..] {
            [one] if one.siblings > 1 && one.change.key.is_own() => {
                self.with_rules(turn, &HashSet::new(), |queue, rules| queue.own_calls_are_fresh_until(one, rules))
            }
            _ => None,
        };
        Todo::Send(Box::new(Call {
            request,
            about: About(Purpose::Write(target, part)),
            history,
            fresh_until,
            begin_by,
        }))
    }

    /// Users are read and compared before they are written: as many as are written while that is fresh.
    fn revalidate(&mut self, at: usize, turn: Turn, waits: &HashSet<Target>) -> Option<Todo> {
        // Where own calls follow each other, those that need no read take their calls too.
        let (own, unread) = self.with_rules(turn, waits, |queue, rules| queue.own_calls(at, rules));
        let room = if own > 1 { 1 + own * TOGETHER.min(self.queue.len() / own) } else { 2 };
        if turn.room < turn.most.min(room) && turn.apart.is_none() {
            // What was read with the last permit would be old when the next comes free.
            return Some(Todo::WhenOpen(room.min(turn.most)));
        }
        let change = &self.queue.get(at)?.change;
        let (part, width) = (self.vendor.seen_in(change).0, self.width(change));
        let calls = turn.room.saturating_sub(1).max(1);
        let ahead = if turn.apart.is_some() {
            width
        } else if width == 1 {
            self.ahead.most()
        } else {
            width.saturating_mul(self.bounds.max_concurrent)
        };
        let vendor = Arc::clone(&self.vendor);
        let is_in = |change: &Change| vendor.seen_in(change).0 == part;
        let carried = (calls.saturating_mul(width) * unread.max(1) / own.max(1)).max(1);
        let ahead = ahead.min(carried);
        let left = ahead.saturating_sub(self.ahead.out(part) + self.queue.read_ahead(turn.now, turn.apart, is_in));
        // What has been read and waits behind an earlier call of its user would be topped up one by one.
        let left = if own > 1 && left < ahead.div_ceil(2) { 0 } else { left };
        // What has been read may wait for the one that is to be read now: then nothing else can be done.
        let left = if turn.idle { left.max(1) } else { left };
        if left == 0 {
            return None;
        }
        let most = self.reader.width(self.vendor.as_ref(), part, self.queue.len()).min(left);
        let most = if most > width { most - most % width } else { most };
        let taken = self.with_rules(turn, waits, |queue, rules| queue.unread(at, most, rules, is_in));
        if taken.is_empty() {
            return None;
        }
        // What only the plan had read was not read for this.
        let was_read = |sending: &Sending| sending.read_at.is_some_and(|at| self.bounds.planned_at != Some(at));
        let got_old = taken.iter().any(was_read);
        let again = |sending: Sending| {
            let stale = sending.stale + u32::from(sending.read_at.is_some());
            Doubt::revalidate(Sending { stale, ..sending })
        };
        let doubts: Vec<Doubt> = taken.into_iter().map(again).collect();
        self.ahead.begins(part, &doubts, got_old);
        Some(self.read(Settling::new(part, doubts)))
    }

    /// Doubts are read back many a call: when a call is full, or when waiting for more would keep the run.
    fn next_settle(&mut self, no_more: bool) -> Option<Todo> {
        // Nobody has got through, and perhaps nobody does: that is found out before more is sent.
        let passed = self.suspects.passed();
        let urgent = |doubt: &Doubt| !passed && doubt.why == Why::NotTheApi;
        let found = self.reader.next(self.vendor.as_ref(), no_more, urgent)?;
        Some(self.read(found))
    }

    fn read(&self, settling: Settling) -> Todo {
        let request = settling.request(self.vendor.as_ref());
        let about = About(Purpose::Read(settling));
        Todo::Send(Box::new(Call {
            request,
            about,
            history: super::History::default(),
            fresh_until: None,
            begin_by: None,
        }))
    }

    // --- the end

    /// Nothing is left to send. Whether there is something to do after all, or when.
    fn at_the_end(&mut self, now: Moment) -> Result<Todo, Cause> {
        let undecided = self.bisect.give_up();
        if !undecided.is_empty() {
            undecided.into_iter().for_each(|(item, said)| self.refused_alone(item, said.verdict, said.refusal));
            return Ok(Todo::Later(now));
        }
        if !self.suspects.is_empty() {
            let judged = self.suspects.judge(self.rows)?;
            judged.into_iter().for_each(|suspect| self.answers_for_itself(suspect));
            return Ok(Todo::Later(now));
        }
        Ok(match self.confirming.next(now, &self.bounds.backoff) {
            Confirm::Nothing => Todo::Nothing,
            Confirm::At(at) => Todo::Later(at),
            Confirm::Now => {
                // What is not written yet would look like one of them.
                self.intake.doubt_again();
                Todo::Flush
            }
        })
    }

    /// It is left: `unfinished` have not ended. What is known not to have had an effect is sent again by whoever goes on; what
    /// is in doubt stays marked, and its users are read first.
    pub fn leave(&mut self, unfinished: Vec<Landed>) {
        let mut rest: Vec<Sending> = vec![];
        let mut doubts = self.reader.drain();
        for Landed { about: About(purpose), attempts, in_doubt, .. } in unfinished {
            match purpose {
                Purpose::Read(settling) => doubts.extend(settling.doubts),
                Purpose::Write(_, Part { mut items, trail }) => {
                    for sending in &mut items {
                        sending.attempts += attempts;
                        sending.in_doubt |= in_doubt;
                    }
                    rest.extend(Part { items, trail }.everything());
                }
            }
        }
        let not_made = |doubt: &Doubt| matches!(doubt.why, Why::Revalidate | Why::Conflict);
        rest.extend(doubts.into_iter().filter(not_made).map(|doubt| doubt.sending));
        rest.extend(self.queue.drain());
        rest.extend(self.bisect.drain());
        rest.extend(self.gatherings.drain());
        rest.extend(self.suspects.drain());
        let sure = rest.into_iter().filter(|sending| !sending.in_doubt);
        self.withdraw(sure.map(|sending| (sending.change.key, sending.attempts)));
    }
}
