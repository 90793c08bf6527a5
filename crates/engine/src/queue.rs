//! The changes that are to be sent, in order: whose turn is it, and is what it was compared with still fresh?
//!
//! Plain values; it sends nothing and reads no clock. The promises: no user has two calls out at once, no change overtakes
//! an earlier one of its user, and what a comparison guards goes only as long as that is fresh.

use crate::scheduler::History;
use paceline_core::Moment;
use paceline_core::bisect::{Bisect, Said, Target};
use paceline_core::plan::{Change, ChangeKey, Guard};
use paceline_core::user::{UserId, Version};
use paceline_journal::Taken;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// A comparison is good for five seconds (DESIGN.md, section 3); the rest is the way to the vendor.
pub(crate) const FRESH: Duration = Duration::from_millis(4_500);

/// A change on its way to its end.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) change: Change,
    /// Changes that its row asks for, this one among them.
    pub(crate) siblings: u32,
    /// Those of them that were not made yet when it was taken, this one among them.
    pub(crate) left: u32,
    /// Times that it was sent.
    pub(crate) attempts: u32,
    /// Times that it was sent again after conflicts in which nobody had touched its values.
    pub(crate) conflicts: u32,
    /// Times that what it was compared with got old before it could leave.
    pub(crate) stale: u32,
    /// When its user was read last.
    pub(crate) read_at: Option<Moment>,
    /// What the calls that carried it have been through.
    pub(crate) history: History,
}

impl Sending {
    pub(crate) fn target(&self) -> Target {
        Target::of(&self.change)
    }

    /// Until when what it was compared with is fresh; where calls are far `apart`, as fresh as it can be.
    pub(crate) fn fresh_until(&self, apart: Option<Duration>) -> Moment {
        self.read_at.map_or(Moment::ZERO, |at| at + FRESH + apart.unwrap_or_default())
    }

    pub(crate) fn is_fresh(&self, now: Moment, apart: Option<Duration>) -> bool {
        now < self.fresh_until(apart)
    }

    fn shares_a_call_with(&self, other: &Change) -> bool {
        let key = &self.change.key;
        key.stage == other.key.stage && key.group == other.key.group && self.change.kind == other.kind
    }
}

/// What decides whose turn it is.
pub(crate) struct Rules<'a> {
    pub(crate) now: Moment,
    /// See [`crate::scheduler::Turn::apart`].
    pub(crate) apart: Option<Duration>,
    /// How a change is guarded in this run.
    pub(crate) guard: &'a dyn Fn(&Change) -> Guard,
    /// Whether a call to its target may leave.
    pub(crate) open: &'a dyn Fn(&Sending) -> bool,
}

impl Rules<'_> {
    fn must_be_read(&self, sending: &Sending) -> bool {
        (self.guard)(&sending.change) == Guard::Compare && !sending.is_fresh(self.now, self.apart)
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// The change at this place may be sent.
    Send(usize),
    /// Its user is to be read first.
    Read(usize),
}

/// The changes of a run that are marked and have no outcome, but for those in calls.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Sending>,
    /// Calls that a user has out, or that wait for what became of others.
    busy: HashMap<UserId, u32>,
    /// Rows that have failed and may have other changes in the queue.
    ended: HashSet<u64>,
    /// Rows with several changes of which some are made.
    made: HashMap<u64, Made>,
}

/// What was made of a row's changes.
#[derive(Debug)]
struct Made {
    user: UserId,
    changes: u32,
    /// The user's version after the last.
    version: Option<Version>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What the journal has marked; `read_at` says when its user was read, where that was just now.
    pub(crate) fn add(&mut self, taken: Vec<Taken>, read_at: impl Fn(&Change) -> Option<Moment>) {
        for taken in taken {
            let read_at = read_at(&taken.change);
            let sending = self.sending(taken, read_at);
            self.waiting.push_back(sending);
        }
    }

    pub(crate) fn sending(&self, taken: Taken, read_at: Option<Moment>) -> Sending {
        let Taken { change, siblings, left } = taken;
        Sending { change, siblings, left, attempts: 0, conflicts: 0, stale: 0, read_at, history: History::default() }
    }

    /// It waits its turn before those that were not sent yet.
    pub(crate) fn again(&mut self, sending: Sending) {
        self.free(&sending.change.user);
        self.waiting.push_front(sending);
    }

    pub(crate) fn hold(&mut self, user: &UserId) {
        *self.busy.entry(user.clone()).or_default() += 1;
    }

    pub(crate) fn free(&mut self, user: &UserId) {
        if let Some(calls) = self.busy.get_mut(user) {
            *calls -= 1;
            if *calls == 0 {
                self.busy.remove(user);
            }
        }
    }

    /// Takes out the changes of rows that have failed: they are not to be sent.
    pub(crate) fn dropped(&mut self) -> Vec<ChangeKey> {
        if self.ended.is_empty() {
            return vec![];
        }
        let (kept, dropped): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|sending| !self.ended.contains(&sending.change.key.row));
        self.waiting = kept;
        dropped.into_iter().map(|sending| sending.change.key).collect()
    }

    /// Whose turn it is, with `may_read` or only of those that may be sent. A user who is passed over is passed over with
    /// all that stands behind.
    pub(crate) fn first(&self, rules: &Rules<'_>, may_read: bool) -> Option<First> {
        let mut passed_over: HashSet<&UserId> = HashSet::new();
        for (at, sending) in self.waiting.iter().enumerate() {
            let user = &sending.change.user;
            if self.busy.contains_key(user) || passed_over.contains(user) || !(rules.open)(sending) {
                passed_over.insert(user);
                continue;
            }
            match rules.must_be_read(sending) {
                false => return Some(First::Send(at)),
                true if may_read => return Some(First::Read(at)),
                true => {
                    passed_over.insert(user);
                }
            }
        }
        None
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Sending> {
        self.waiting.get(at)
    }

    /// Takes the change at `first` and those behind it that may share its call, `width` at the most. Their users are held.
    pub(crate) fn batch(&mut self, first: usize, width: usize, rules: &Rules<'_>) -> Vec<Sending> {
        let Some(leader) = self.waiting.get(first).map(|sending| sending.change.clone()) else { return vec![] };
        self.take(first, width, |sending| sending.shares_a_call_with(&leader) && !rules.must_be_read(sending))
    }

    /// Takes the change at `first` and those behind it whose users are to be read too, of those that `fits`.
    pub(crate) fn unread(
        &mut self,
        first: usize,
        most: usize,
        rules: &Rules<'_>,
        fits: impl Fn(&Change) -> bool,
    ) -> Vec<Sending> {
        self.take(first, most, |sending| rules.must_be_read(sending) && (rules.open)(sending) && fits(&sending.change))
    }

    fn take(&mut self, first: usize, most: usize, fits: impl Fn(&Sending) -> bool) -> Vec<Sending> {
        let mut taken: Vec<Sending> = vec![];
        let mut at = first;
        let mut passed_over: HashSet<UserId> = HashSet::new();
        while taken.len() < most.max(1) {
            let Some(sending) = self.waiting.get(at) else { break };
            let user = &sending.change.user;
            if self.busy.contains_key(user) || passed_over.contains(user) || !fits(sending) {
                if most == 1 {
                    break;
                }
                passed_over.insert(user.clone());
                at += 1;
                continue;
            }
            let Some(mut sending) = self.waiting.remove(at) else { break };
            // An earlier change of its row may have been made since it was taken.
            let made = self.made.get(&sending.change.key.row).and_then(|made| made.version);
            sending.change.version = sending.change.version.max(made);
            self.hold(&sending.change.user);
            taken.push(sending);
        }
        taken
    }

    /// The first that may share this change's call and whose user is to be read before.
    pub(crate) fn first_to_read(&self, like: &Change, rules: &Rules<'_>) -> Option<usize> {
        let is = |sending: &Sending| {
            sending.shares_a_call_with(like)
                && rules.must_be_read(sending)
                && !self.busy.contains_key(&sending.change.user)
        };
        self.waiting.iter().position(is)
    }

    /// Those that have been read and wait to be sent.
    pub(crate) fn read_ahead(&self, now: Moment, apart: Option<Duration>) -> usize {
        self.waiting.iter().filter(|sending| sending.is_fresh(now, apart)).count()
    }

    /// Whether others that may share this change's call wait for an earlier call of their users.
    pub(crate) fn waits_for_users(&self, like: &Change) -> bool {
        let is = |sending: &Sending| sending.shares_a_call_with(like) && self.busy.contains_key(&sending.change.user);
        self.waiting.iter().any(is)
    }

    /// Takes out what waits for targets that are to blame.
    pub(crate) fn take_ended<T>(&mut self, bisect: &Bisect<T>) -> Vec<(Sending, Said)> {
        if !bisect.has_ended() {
            return vec![];
        }
        let mut ended = vec![];
        for sending in std::mem::take(&mut self.waiting) {
            match bisect.ended(&sending.target()) {
                Some(said) => {
                    self.hold(&sending.change.user);
                    ended.push((sending, said.clone()));
                }
                None => self.waiting.push_back(sending),
            }
        }
        ended
    }

    /// A change was made: whether it was its row's last.
    pub(crate) fn made(&mut self, sending: &Sending, version: Option<Version>) -> bool {
        self.free(&sending.change.user);
        if sending.left <= 1 {
            return true;
        }
        let row = sending.change.key.row;
        let user = || sending.change.user.clone();
        let made = self.made.entry(row).or_insert_with(|| Made { user: user(), changes: 0, version: None });
        made.changes += 1;
        made.version = version.or(made.version);
        let last = made.changes >= sending.left;
        if last {
            self.made.remove(&row);
        }
        last
    }

    /// A change was not made, and its row ends with that.
    pub(crate) fn ended(&mut self, sending: &Sending) {
        self.free(&sending.change.user);
        if sending.siblings > 1 {
            self.ended.insert(sending.change.key.row);
        }
    }

    /// Forgets what the journal knows by now: rows that have failed, changes made and versions, but of rows that have other
    /// changes here or out. So memory does not grow with the roster.
    pub(crate) fn forget(&mut self) {
        if self.ended.is_empty() && self.made.is_empty() {
            return;
        }
        let here: HashSet<u64> = self.waiting.iter().map(|sending| sending.change.key.row).collect();
        self.ended.retain(|row| here.contains(row));
        self.made.retain(|row, made| here.contains(row) || self.busy.contains_key(&made.user));
    }

    pub(crate) fn drain(&mut self) -> Vec<Sending> {
        self.waiting.drain(..).collect()
    }
}
