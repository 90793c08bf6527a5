//! The changes that are to be sent, in order: whose turn is it, and is what it was compared with still fresh?
//!
//! Plain values; it sends nothing and reads no clock. The promises: no user has two calls out at once, no change overtakes
//! an earlier one of its user, and what a comparison guards goes only as long as that is fresh.

use super::bisect::{Bisect, Said, Target};
use super::{History, Taken};
use crate::Moment;
use crate::plan::{Change, ChangeKey, Guard};
use crate::user::{UserId, Version};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// A comparison is good for five seconds (DESIGN.md, section 3); the rest is the way to the vendor.
pub(super) const FRESH: Duration = Duration::from_millis(4_500);

/// A change on its way to its end.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) change: Change,
    /// Changes that its row asks for, this one among them.
    pub(super) siblings: u32,
    /// Those of them that were not made yet when it was taken, this one among them.
    pub(super) left: u32,
    /// Times that it was sent.
    pub(super) attempts: u32,
    /// Times that it was sent again after conflicts in which nobody had touched its values.
    pub(super) conflicts: u32,
    /// Times that what it was compared with got old before it could leave.
    pub(super) stale: u32,
    /// When its user was read last.
    pub(super) read_at: Option<Moment>,
    /// An attempt may have had an effect that nobody has told of or looked for.
    pub(super) in_doubt: bool,
    /// Its version is that of a later look at the user, and not the one that its siblings were planned at.
    pub(super) rebased: bool,
    /// What the calls that carried it have been through.
    pub(super) history: History,
}

impl Sending {
    pub(super) fn target(&self) -> Target {
        Target::of(&self.change)
    }

    /// Until when what it was compared with is fresh; where calls are far `apart`, as fresh as it can be.
    pub(super) fn fresh_until(&self, apart: Option<Duration>) -> Moment {
        self.read_at.map_or(Moment::ZERO, |at| at + FRESH + apart.unwrap_or_default())
    }

    pub(super) fn is_fresh(&self, now: Moment, apart: Option<Duration>) -> bool {
        now < self.fresh_until(apart)
    }

    /// Asks something of the changes of a call. Those of one alone are not copied: whole runs send nothing else.
    pub(super) fn ask<T>(items: &[Self], ask: impl FnOnce(&[Change]) -> T) -> T {
        match items {
            [one] => ask(std::slice::from_ref(&one.change)),
            many => ask(&many.iter().map(|sending| sending.change.clone()).collect::<Vec<_>>()),
        }
    }

    /// Whether both are own calls of one user in the same band: they follow each other.
    fn goes_with(&self, other: &Self) -> bool {
        let (key, others) = (&self.change.key, &other.change.key);
        key.is_own() && key.turn() == others.turn() && self.change.user == other.change.user
    }

    fn shares_a_call_with(&self, other: &Change) -> bool {
        let key = &self.change.key;
        key.stage == other.key.stage && key.group == other.key.group && self.change.kind == other.kind
    }
}

/// What decides whose turn it is.
pub(super) struct Rules<'a> {
    pub(super) now: Moment,
    /// See [`super::Turn::apart`].
    pub(super) apart: Option<Duration>,
    /// How a change is guarded in this run.
    pub(super) guard: &'a dyn Fn(&Change) -> Guard,
    /// Whether a call to its target may leave.
    pub(super) open: &'a dyn Fn(&Sending) -> bool,
    /// Whether its call carries what was read of the whole user: a read is of no use to it until the calls before it are made.
    pub(super) whole: &'a dyn Fn(&Change) -> bool,
}

impl Rules<'_> {
    fn must_be_read(&self, sending: &Sending) -> bool {
        (self.guard)(&sending.change) == Guard::Compare && !sending.is_fresh(self.now, self.apart)
    }

    /// Whether it may be read while this earlier one of its user waits: both are the user's own, so that they are sent one
    /// right after the other.
    fn may_be_read_behind(&self, earlier: &Sending) -> bool {
        earlier.change.key.is_own() && !self.must_be_read(earlier)
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// The change at this place may be sent.
    Send(usize),
    /// Its user is to be read first.
    Read(usize),
}

/// The changes of a run that are marked and have no outcome, but for those in calls.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Sending>,
    /// Calls that a user has out, or that wait for what became of others.
    busy: HashMap<UserId, u32>,
    /// Rows that have failed and may have other changes in the queue or out, with their users.
    ended: HashMap<u64, UserId>,
    /// Rows with several changes of which some are made.
    made: HashMap<u64, Made>,
}

/// What was made of a row's changes.
#[derive(Debug)]
struct Made {
    user: UserId,
    changes: u32,
    /// The user's version after the last of those that were made on the version that they were planned at.
    version: Option<Version>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What the journal has marked; `read_at` says when its user was read, where that was just now.
    pub(super) fn add(&mut self, taken: Taken, read_at: Option<Moment>) {
        let sending = self.sending(taken, read_at);
        self.waiting.push_back(sending);
    }

    pub(super) fn sending(&self, taken: Taken, read_at: Option<Moment>) -> Sending {
        let Taken { change, siblings, left } = taken;
        let (in_doubt, rebased, history) = (false, false, History::default());
        Sending { change, siblings, left, attempts: 0, conflicts: 0, stale: 0, read_at, in_doubt, rebased, history }
    }

    /// It waits its turn before those that were not sent yet, but behind its row's earlier ones; own calls of a user stay
    /// together.
    pub(super) fn again(&mut self, sending: Sending) {
        self.free(&sending.change.user);
        let is_earlier =
            |other: &Sending| other.change.user == sending.change.user && other.change.key < sending.change.key;
        let at = match sending.siblings {
            0 | 1 => 0,
            _ => {
                let behind = self.waiting.iter().rposition(is_earlier).map(|at| at + 1);
                let before = || self.waiting.iter().position(|other| other.goes_with(&sending));
                behind.or_else(before).unwrap_or(0)
            }
        };
        self.waiting.insert(at, sending);
    }

    pub(super) fn hold(&mut self, user: &UserId) {
        *self.busy.entry(user.clone()).or_default() += 1;
    }

    pub(super) fn free(&mut self, user: &UserId) {
        if let Some(calls) = self.busy.get_mut(user) {
            *calls -= 1;
            if *calls == 0 {
                self.busy.remove(user);
            }
        }
    }

    /// Takes out the changes of rows that have failed: they are not to be sent.
    pub(super) fn dropped(&mut self) -> Vec<ChangeKey> {
        if self.ended.is_empty() {
            return vec![];
        }
        let (kept, dropped): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|sending| !self.ended.contains_key(&sending.change.key.row));
        self.waiting = kept;
        dropped.into_iter().map(|sending| sending.change.key).collect()
    }

    /// Whose turn it is, with `may_read` or only of those that may be sent. A user who is passed over is passed over with
    /// all that stands behind.
    pub(super) fn first(&self, rules: &Rules<'_>, may_read: bool) -> Option<First> {
        let mut passed_over: HashSet<&UserId> = HashSet::new();
        for (at, sending) in self.waiting.iter().enumerate() {
            let user = &sending.change.user;
            if self.busy.contains_key(user) || passed_over.contains(user) || !(rules.open)(sending) {
                passed_over.insert(user);
                continue;
            }
            match self.read_before(at, rules) {
                None => return Some(First::Send(at)),
                Some(read) if may_read => return Some(First::Read(read)),
                Some(_) => {
                    passed_over.insert(user);
                }
            }
        }
        None
    }

    /// Which change's user is to be read before the one at `at` is sent: its own, or that of another of its user's own calls,
    /// which follow it at once.
    fn read_before(&self, at: usize, rules: &Rules<'_>) -> Option<usize> {
        let first = self.waiting.get(at)?;
        if rules.must_be_read(first) {
            return Some(at);
        }
        let mut others = self.waiting.iter().enumerate().skip(at + 1).take_while(|(_, next)| next.goes_with(first));
        let unread = |next: &Sending| rules.must_be_read(next) && !(rules.whole)(&next.change);
        others.find(|(_, next)| unread(next)).map(|(at, _)| at)
    }

    /// Until when the comparisons that own calls behind this one, which is out, are guarded by are fresh.
    pub(super) fn own_calls_are_fresh_until(&self, one: &Sending, rules: &Rules<'_>) -> Option<Moment> {
        let compared =
            |other: &&Sending| (rules.guard)(&other.change) == Guard::Compare && other.is_fresh(rules.now, rules.apart);
        let behind = self.waiting.iter().filter(|other| other.goes_with(one)).filter(compared);
        behind.map(|other| other.fresh_until(rules.apart)).min()
    }

    /// Own calls that follow each other at this place, and those of them whose user is to be read.
    pub(super) fn own_calls(&self, at: usize, rules: &Rules<'_>) -> (usize, usize) {
        let Some(one) = self.waiting.get(at) else { return (0, 0) };
        let before = self.waiting.range(..at).rev().take_while(|other| other.goes_with(one));
        let behind = self.waiting.range(at..).take_while(|other| other.goes_with(one));
        let calls = before.chain(behind).map(|other| usize::from(rules.must_be_read(other)));
        calls.fold((0, 0), |(all, unread), one| (all + 1, unread + one))
    }

    pub(super) fn get(&self, at: usize) -> Option<&Sending> {
        self.waiting.get(at)
    }

    /// Takes the change at `first` and those behind it that may share its call, `width` at the most. Their users are held.
    pub(super) fn batch(&mut self, first: usize, width: usize, rules: &Rules<'_>) -> Vec<Sending> {
        let Some(leader) = self.waiting.get(first).map(|sending| &sending.change) else { return vec![] };
        let mut places: Vec<usize> = vec![];
        let mut seen: HashSet<&UserId> = self.waiting.range(..first).map(|sending| &sending.change.user).collect();
        for (at, sending) in self.waiting.iter().enumerate().skip(first) {
            if places.len() >= width.max(1) {
                break;
            }
            let user = &sending.change.user;
            let is_first = seen.insert(user) && !self.busy.contains_key(user);
            if is_first && sending.shares_a_call_with(leader) && !rules.must_be_read(sending) {
                places.push(at);
            } else if width == 1 {
                break;
            }
        }
        self.take(places)
    }

    /// Takes the change at `first` and those behind it whose users are to be read too, of those that `fits`; of a user all
    /// own ones at once.
    pub(super) fn unread(
        &mut self,
        first: usize,
        most: usize,
        rules: &Rules<'_>,
        fits: impl Fn(&Change) -> bool,
    ) -> Vec<Sending> {
        let fits = |sending: &Sending| rules.must_be_read(sending) && (rules.open)(sending) && fits(&sending.change);
        let mut places: Vec<usize> = vec![];
        // Users whose earlier changes let nothing of them be read yet; and those who have own calls of one band before.
        let (mut passed_over, mut earlier): (HashSet<&UserId>, HashMap<&UserId, (u8, u64)>) = Default::default();
        let mut last: Option<&Sending> = None;
        for (at, sending) in self.waiting.iter().enumerate() {
            let user = &sending.change.user;
            let is_next = |last: &Sending| last.change.user == *user && sending.change.key.is_own();
            if places.len() >= most.max(1) && !last.is_some_and(is_next) {
                break;
            }
            let waits = self.busy.contains_key(user)
                || passed_over.contains(user)
                || earlier
                    .get(user)
                    .is_some_and(|turn| *turn != sending.change.key.turn() || (rules.whole)(&sending.change));
            if at >= first && !waits && fits(sending) {
                places.push(at);
                last = Some(sending);
            } else if waits || !rules.may_be_read_behind(sending) {
                passed_over.insert(user);
            }
            if sending.change.key.is_own() {
                earlier.insert(user, sending.change.key.turn());
            } else {
                passed_over.insert(user);
            }
        }
        self.take(places)
    }

    /// Takes the changes at these places, which ascend.
    fn take(&mut self, places: Vec<usize>) -> Vec<Sending> {
        let mut taken: Vec<Sending> = places.into_iter().rev().filter_map(|at| self.remove(at)).collect();
        taken.reverse();
        taken
    }

    fn remove(&mut self, at: usize) -> Option<Sending> {
        let mut sending = self.waiting.remove(at)?;
        // An earlier change of its row may have been made since it was taken, by a call that nobody came between.
        let made = self.made.get(&sending.change.key.row).and_then(|made| made.version);
        sending.change.version = made.filter(|_| !sending.rebased).or(sending.change.version);
        self.hold(&sending.change.user);
        Some(sending)
    }

    /// Where the changes stand that no earlier one of their users waits or is out for, of those that are such.
    fn whose_turn_it_is(&self, is: impl Fn(&Sending) -> bool) -> impl Iterator<Item = usize> {
        let mut earlier: HashSet<&UserId> = HashSet::new();
        self.waiting.iter().enumerate().filter_map(move |(at, sending)| {
            let user = &sending.change.user;
            let first = earlier.insert(user) && !self.busy.contains_key(user);
            (first && is(sending)).then_some(at)
        })
    }

    /// The first that may share this change's call and whose user is to be read before.
    pub(super) fn first_to_read(&self, like: &Change, rules: &Rules<'_>) -> Option<usize> {
        self.whose_turn_it_is(|sending| sending.shares_a_call_with(like) && rules.must_be_read(sending)).next()
    }

    /// Takes changes of a target from all over those that wait for it, the last first.
    pub(super) fn spread(&mut self, target: &Target, most: usize) -> Vec<Sending> {
        let mut places: Vec<usize> = self.whose_turn_it_is(|sending| sending.target() == *target).collect();
        let count = places.len();
        if count > most {
            places = (1..=most).map(|number| places[count * number / most - 1]).collect();
        }
        places.into_iter().rev().filter_map(|at| self.remove(at)).collect()
    }

    /// Whether an earlier change of its user waits or is out, or its row has failed.
    pub(super) fn must_wait(&self, change: &Change) -> bool {
        self.busy.contains_key(&change.user)
            || self.ended.contains_key(&change.key.row)
            || self.waiting.iter().any(|sending| sending.change.user == change.user)
    }

    /// Those of `part` that have been read and wait to be sent.
    pub(super) fn read_ahead(&self, now: Moment, apart: Option<Duration>, is_in: impl Fn(&Change) -> bool) -> usize {
        self.waiting.iter().filter(|sending| sending.is_fresh(now, apart) && is_in(&sending.change)).count()
    }

    /// Whether others that may share this change's call wait for an earlier call of their users.
    pub(super) fn waits_for_users(&self, like: &Change) -> bool {
        let is = |sending: &Sending| sending.shares_a_call_with(like) && self.busy.contains_key(&sending.change.user);
        self.waiting.iter().any(is)
    }

    /// Takes out what waits for targets that are to blame, but of users that have a call out: that comes first.
    pub(super) fn take_ended<T>(&mut self, bisect: &Bisect<T>) -> Vec<(Sending, Said)> {
        if !bisect.has_ended() {
            return vec![];
        }
        let mut ended = vec![];
        for sending in std::mem::take(&mut self.waiting) {
            let is_out = self.busy.contains_key(&sending.change.user);
            match bisect.ended(&sending.target()).filter(|_| !is_out) {
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
    pub(super) fn made(&mut self, sending: &Sending, version: Option<Version>) -> bool {
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

    /// A change was not made: whether its row ends with that, and has not before.
    pub(super) fn ended(&mut self, sending: &Sending) -> bool {
        let user = &sending.change.user;
        self.free(user);
        sending.siblings <= 1 || self.ended.insert(sending.change.key.row, user.clone()).is_none()
    }

    /// Forgets what the journal knows by now: rows that have failed, changes made and versions, but of rows that have other
    /// changes here or out. So memory does not grow with the roster.
    pub(super) fn forget(&mut self) {
        if self.ended.is_empty() && self.made.is_empty() {
            return;
        }
        let here: HashSet<u64> = self.waiting.iter().map(|sending| sending.change.key.row).collect();
        self.ended.retain(|row, user| here.contains(row) || self.busy.contains_key(user));
        self.made.retain(|row, made| here.contains(row) || self.busy.contains_key(&made.user));
    }

    pub(super) fn drain(&mut self) -> Vec<Sending> {
        self.waiting.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{OWN, SHARED};
    use serde_json::Map;

    fn taken(row: u64, user: &str, stage: u8, group: &str, kind: &str) -> Taken {
        let change = Change {
            key: ChangeKey { stage, group: group.into(), row },
            kind: kind.into(),
            user: UserId(user.into()),
            before: Map::new(),
            after: Map::new(),
            rest: Map::new(),
            columns: vec![],
            version: Some(5),
        };
        Taken { change, siblings: 2, left: 2 }
    }

    fn queue(changes: &[(u64, &str, u8, &str, &str)]) -> Queue {
        let mut queue = Queue::default();
        for (row, user, stage, group, kind) in changes {
            queue.add(taken(*row, user, *stage, group, kind), None);
        }
        queue
    }

    /// Whose turn it is with these guards, where no call to `closed` may leave.
    fn with_rules<T>(guard: Guard, closed: &str, ask: impl FnOnce(&Rules<'_>) -> T) -> T {
        let guard = |change: &Change| if change.kind == "fields" { Guard::Version } else { guard };
        let open = |sending: &Sending| sending.change.key.group != closed;
        ask(&Rules { now: Moment::ZERO, apart: None, guard: &guard, open: &open, whole: &|_| false })
    }

    fn users(sendings: &[Sending]) -> Vec<&str> {
        sendings.iter().map(|sending| sending.change.user.as_str()).collect()
    }

    #[test]
    fn no_change_overtakes_an_earlier_one_of_its_user_into_a_batch() {
        // u1's first change waits for a closed target: its second one may not go with u2's.
        let mut queue = queue(&[(1, "u1", 1, "closed", "move"), (2, "u2", 2, "g", "join"), (1, "u1", 2, "g", "join")]);
        let batch = with_rules(Guard::Idempotent, "closed", |rules| {
            assert_eq!(queue.first(rules, true), Some(First::Send(1)));
            queue.batch(1, 10, rules)
        });
        assert_eq!(users(&batch), ["u2"]);
    }

    #[test]
    fn own_calls_of_a_user_follow_each_other_once_what_they_need_is_read() {
        let skills = |row, user| (row, user, OWN + 1, "", "skills");
        let title = |row, user| (row, user, OWN, "", "fields");
        let mut queue = queue(&[title(1, "u1"), skills(1, "u1"), title(2, "u2"), skills(2, "u2"), skills(3, "u3")]);
        let read = with_rules(Guard::Compare, "closed", |rules| {
            // The title needs no read, and does not leave before what follows it has been read.
            assert_eq!((queue.first(rules, true), queue.first(rules, false)), (Some(First::Read(1)), None));
            assert_eq!(queue.own_calls(1, rules), (2, 1));
            queue.unread(1, 10, rules, |_| true)
        });
        assert_eq!(users(&read), ["u1", "u2", "u3"]);
        for sending in read {
            queue.again(Sending { read_at: Some(Moment::ZERO), ..sending });
        }
        let order: Vec<(&str, u8)> =
            queue.waiting.iter().map(|one| (one.change.user.as_str(), one.change.key.stage - OWN)).collect();
        assert_eq!(order, [("u3", 1), ("u1", 0), ("u1", 1), ("u2", 0), ("u2", 1)]);
        let title = with_rules(Guard::Compare, "closed", |rules| {
            assert_eq!(queue.first(rules, true), Some(First::Send(0)));
            queue.batch(1, 1, rules)
        });
        assert_eq!(users(&title), ["u1"]);
        let until = with_rules(Guard::Compare, "closed", |rules| queue.own_calls_are_fresh_until(&title[0], rules));
        assert_eq!(until, Some(Moment::ZERO + FRESH));
        // It comes back, and stays with the other.
        title.into_iter().for_each(|sending| queue.again(sending));
        let order: Vec<&str> = queue.waiting.iter().map(|one| one.change.user.as_str()).collect();
        assert_eq!(order, ["u3", "u1", "u1", "u2", "u2"]);
    }

    #[test]
    fn what_many_share_is_read_when_the_own_calls_before_it_are_made() {
        let mut queue =
            queue(&[(1, "u1", OWN, "", "fields"), (1, "u1", SHARED, "g", "move"), (2, "u2", SHARED, "g", "move")]);
        let read = with_rules(Guard::Compare, "closed", |rules| queue.unread(1, 10, rules, |_| true));
        assert_eq!(users(&read), ["u2"]);
    }

    #[test]
    fn what_is_written_whole_is_read_when_the_calls_before_it_are_made() {
        let mut queue = queue(&[(1, "u1", OWN, "", "skills"), (1, "u1", OWN + 1, "", "user")]);
        let guard = |_: &Change| Guard::Compare;
        let whole = |change: &Change| change.kind == "user";
        let rules = Rules { now: Moment::ZERO, apart: None, guard: &guard, open: &|_| true, whole: &whole };
        let kinds = |read: Vec<Sending>| read.into_iter().map(|one| one.change.kind).collect::<Vec<_>>();
        assert_eq!(kinds(queue.unread(0, 10, &rules, |_| true)), ["skills"]);
    }

    #[test]
    fn no_user_is_read_for_a_change_that_an_earlier_one_waits_before() {
        let queue = queue(&[(1, "u1", 1, "", "fields"), (1, "u1", 2, "g", "join"), (2, "u2", 2, "g", "join")]);
        let like = taken(9, "u9", 2, "g", "join").change;
        assert_eq!(with_rules(Guard::Compare, "", |rules| queue.first_to_read(&like, rules)), Some(2));
    }

    #[test]
    fn what_comes_back_stays_behind_its_rows_earlier_changes() {
        let mut queue = queue(&[(1, "u1", 1, "", "fields"), (2, "u2", 1, "", "fields")]);
        // As after a crash: the later of two unknown changes is settled first.
        for (stage, user, row) in [(2, "u1", 1), (0, "u2", 2)] {
            let sending = queue.sending(taken(row, user, stage, "g", "join"), None);
            queue.hold(&sending.change.user);
            queue.again(sending);
        }
        let order: Vec<(&str, u8)> =
            queue.waiting.iter().map(|one| (one.change.user.as_str(), one.change.key.stage)).collect();
        assert_eq!(order, [("u2", 0), ("u1", 1), ("u1", 2), ("u2", 1)]);
    }

    #[test]
    fn a_version_is_handed_on_to_those_that_were_planned_with_it_and_to_no_other() {
        for (handed, rebased, expected) in [(Some(6), false, 6), (None, false, 5), (Some(6), true, 5)] {
            let mut queue = queue(&[(1, "u1", 1, "", "state"), (1, "u1", 2, "", "fields")]);
            let first = with_rules(Guard::Version, "-", |rules| queue.batch(0, 1, rules)).remove(0);
            queue.made(&first, handed);
            queue.waiting[0].rebased = rebased;
            let second = with_rules(Guard::Version, "-", |rules| queue.batch(0, 1, rules)).remove(0);
            assert_eq!(second.change.version, Some(expected));
        }
    }

    #[test]
    fn a_row_that_has_failed_is_remembered_as_long_as_its_user_has_a_call_out() {
        let mut queue = queue(&[(1, "u1", 1, "", "state"), (2, "u2", 1, "", "state")]);
        let out = with_rules(Guard::Version, "-", |rules| queue.batch(0, 1, rules)).remove(0);
        queue.hold(&out.change.user);
        assert!(queue.ended(&out));
        queue.forget();
        assert!(!queue.ended(&out), "a row ends once");
        let again = queue.sending(taken(1, "u1", 2, "", "fields"), None);
        queue.waiting.push_back(again);
        assert_eq!(queue.dropped().len(), 1);
    }

    #[test]
    fn probes_stand_all_over_those_who_wait_and_overtake_nothing() {
        let mut queue = Queue::default();
        queue.add(taken(10, "u10", 0, "", "fields"), None);
        for row in 1..=10 {
            queue.add(taken(row, &format!("u{row}"), 1, "g", "join"), None);
        }
        let target = Target { kind: "join".into(), group: "g".into() };
        assert_eq!(users(&queue.spread(&target, 3)), ["u9", "u6", "u3"]);
    }
}
